"""`redress what-changed`: why a figure of a report is not what was told before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.commands import filters
from api.commands.option_refused import option_refused
from api.commands.output import Format, FormatOption, RawOption, progress, say, to_csv, to_json
from api.commands.session import CommandRefused, Session, session
from api.one_line import one_line

if TYPE_CHECKING:
    from projections.comparison import Since
    from projections.parameters import Parameters
    from replay.changed_rows import Changed, ChangedRow, ChangedStatistic, Contribution, WhatChanged


def install(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("what-changed")(what_changed)


def what_changed(  # noqa: PLR0913 - whatever a report can be asked
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="REPORT",
            help="dispute-report, dispute-months, resolution-time, resolver-days, item-statuses,"
            " aged-balance, receivables or agenda.",
        ),
    ],
    *,
    since_as_at: Annotated[
        str | None, typer.Option(help="Against the report as at this day or time (default: --as-at's).")
    ] = None,
    since_known_at: Annotated[
        str | None,
        typer.Option(help="Against the report as known at this position or time (default: --known-at's)."),
    ] = None,
    as_at: Annotated[
        str | None, typer.Option(help="The later moment: the end of this day, or this time.")
    ] = None,
    known_at: Annotated[
        str | None, typer.Option(help="The later moment: as the log stood at this position or time.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Grouping, as the report has it; two with a comma.")] = None,
    state: filters.State = None,
    period_from: filters.PeriodFrom = None,
    period_to: filters.PeriodTo = None,
    entity: filters.Entity = None,
    customer: filters.Customer = None,
    collector: filters.Collector = None,
    resolver: filters.Resolver = None,
    status: filters.Status = None,
    attribute: filters.Attributes = None,
    currency: filters.Currency = None,
    first_episodes_only: filters.FirstEpisodesOnly = False,
    person: Annotated[str | None, typer.Option(help="Agenda: code of the person whose it is.")] = None,
    until: Annotated[str | None, typer.Option(help="Agenda: the last due day that is shown.")] = None,
    days_ahead: Annotated[
        int | None, typer.Option(help="Agenda: so many days after either moment's own.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="Receivables: disputes opened in so many last days (90).")
    ] = None,
    sales_days: Annotated[
        int | None, typer.Option(help="Receivables: sales of so many last days (365).")
    ] = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """Print which disputes or items make the difference between two moments of a report, and why.

    The contributions of a row add up to its difference; each stands with the events between the two
    moments, by both clocks, and who recorded them. Means, percentiles, DSO and its relatives do not add up:
    they stand beside, at both moments, and what is named is why they changed. Why is a figure not
    what was told on 3 April? What came in and went out in March?

    \b
    redress what-changed dispute-report --as-at 2026-03-31 --since-known-at 2026-04-03T18:00:00Z
    redress what-changed dispute-report --as-at 2026-03-31 --since-as-at 2026-02-28 --by customer
    redress what-changed aged-balance --since-as-at 2026-02-28 --format csv
    """
    told: dict[str, object] = {
        "by": by,
        "state": state,
        "period_from": period_from,
        "period_to": period_to,
        "entity": entity,
        "customer": customer,
        "collector": collector,
        "resolver": resolver,
        "status": status,
        "attribute": attribute or None,
        "currency": currency,
        "as_at": as_at,
        "known_at": known_at,
        "since_as_at": since_as_at,
        "since_known_at": since_known_at,
        "first_episodes_only": first_episodes_only or None,
        "person": person,
        "until": until,
        "days_ahead": days_ahead,
        "days": days,
        "sales_days": sales_days,
    }
    report = name.replace("_", "-")
    parameters, since = _question(report, {key: value for key, value in told.items() if value is not None})
    with session(ctx) as here:
        found = _asked(here, report, parameters, since)
    if form is Format.JSON:
        typer.echo(to_json(found))
    elif form is Format.CSV:
        typer.echo(to_csv(found.records(), raw=raw, columns=found.columns()), nl=False)
    else:
        typer.echo("\n".join(_text(found)) or "nothing changed")
        say(f"at position {found.position}")


def _question(report: str, told: Mapping[str, object]) -> tuple[Parameters, Since]:
    """What the report is asked, and since when. Raises CommandRefused, ParameterInvalid."""
    from pydantic import ValidationError

    from api.queries import SinceQuery, parameters_of, query_of
    from projections.comparable import COMPARABLE
    from projections.comparison import Since

    if report not in COMPARABLE:
        raise CommandRefused(f"what changed is told of {', '.join(COMPARABLE)}, not of {report!r}")
    if not {"since_as_at", "since_known_at"} & told.keys():
        raise CommandRefused("say since when: give --since-as-at or --since-known-at, or both")
    of = COMPARABLE[report].parameters
    try:
        asked = query_of(of, SinceQuery).model_validate(dict(told))
    except ValidationError as error:
        raise option_refused(f"the report {report}", error) from None
    assert isinstance(asked, SinceQuery), "it was made of it"
    return parameters_of(of, asked), Since(asked.since_as_at, asked.since_known_at)


def _asked(here: Session, report: str, parameters: Parameters, since: Since) -> WhatChanged:
    from projections.reading import Reading
    from replay.what_changed import what_changed as ask
    from store.clock import now

    with progress("reading the log") as advance:
        here.company.feed.catch_up(progress=advance)
    reading = Reading(here.company.datastore, here.actor, now())
    return ask(reading, here.company.log, report, parameters, since)


def _text(found: WhatChanged) -> Iterator[str]:
    told = None
    for row in found.rows:
        yield f"{_place(row, found)}: {_figures(row.figures)}"
        # The buckets of a row, which come one after the other, have the statistics of the whole row.
        if row.statistics and row.place != told:
            yield f"    {_statistics(row)}"
            yield f"    ({_NO_SUMS if row.contributions else _TIME_ALONE})"
        told = row.place
        for each in row.contributions:
            yield from _contribution(each)
    for row in found.totals:
        yield f"{_place(row, found)}: {_figures(row.figures)}"
        if row.statistics:
            yield f"    {_statistics(row)}"


_NO_SUMS: Final = (
    "these do not add up: they are of all that counts in the row, and changed because of what is named"
)
_TIME_ALONE: Final = (
    "none of it came, went or changed here: the days that went by changed these, or the sales of a month"
)


def _place(row: ChangedRow, found: WhatChanged) -> str:
    levels = [(row.key, row.label)]
    if found.is_by_two:
        levels.append((row.second_key, row.second_label))
    names = ", ".join(_name(key, label) for key, label in levels)
    return " ".join(part for part in (names, row.bucket, row.currency) if part)


def _name(key: str | None, label: str | None) -> str:
    return f"{label} ({key})" if label not in {None, key} else key or "(none)"


def _figures(figures: Mapping[str, Changed]) -> str:
    told = (
        f"{name} {each.before:f} → {each.after:f} ({each.change:+f})"
        if each.change
        else f"{name} {each.after:f}"
        for name, each in figures.items()
        if each.before or each.after
    )
    return ", ".join(told)


def _statistics(row: ChangedRow) -> str:
    basis = {"mean_days": f" ({row.mean_basis})"}
    told = (_changed(name, each) + basis.get(name, "") for name, each in row.statistics.items())
    return ", ".join(told)


def _changed(name: str, each: ChangedStatistic) -> str:
    if each.before == each.after:
        return f"{name} {_statistic(each.after)}"
    change = f" ({each.change:+.6f})" if each.change is not None else ""
    return f"{name} {_statistic(each.before)} → {_statistic(each.after)}{change}"


def _statistic(value: float | None) -> str:
    return "none" if value is None else f"{value:.6f}"


def _contribution(each: Contribution) -> Iterator[str]:
    from replay.sentences import utc

    episode = f", episode {each.episode}" if each.episode is not None else ""
    customer = f" of {each.customer_code}" if each.customer_code else ""
    thing = f"{each.thing} {each.name or each.id}{customer}{episode}: {each.sentence}"
    yield f"    {one_line(thing)}"
    yield f"        {_figures(each.figures)}"
    for one in each.events:
        behalf = f" for {one.original_name or one.on_behalf_of}" if one.on_behalf_of else ""
        who = f"{one.actor_name or one.actor} as {one.role}{behalf}"
        yield f"        {utc(one.occurred_at)}  {one_line(one.sentence)}"
        yield f"            {one.event} by {one_line(who)}, recorded {utc(one.recorded_at)} at {one.position}"
