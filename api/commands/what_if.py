"""`redress what-if`: the statistics as they would be under other rules, beside the real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.commands import filters
from api.commands.clocks import AsAtOption, KnownAtOption
from api.commands.output import Format, FormatOption, RawOption, say, stages, to_csv, to_json, to_table
from api.commands.reports import asked_of
from api.commands.session import CommandRefused, Session, session
from domain.roles import Permission

if TYPE_CHECKING:
    from replay.what_if.comparison import Answer, Question, WhatIf
    from replay.what_if.rules import Rules

_REPORTS: Final = (
    "resolution-time",
    "resolver-days",
    "dispute-report",
    "dispute-months",
    "item-statuses",
    "receivables",
    "agenda",
)
"""What can be compared."""

ASSUMED: Final = (
    "All else is taken as it was: when invoices were paid, what people chose by hand, what they did."
)


def install(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("what-if")(what_if)


_Many = list[str] | None


def what_if(  # noqa: PLR0913 - the rules, and whatever a report can be asked
    ctx: typer.Context,
    *,
    resolved_within: Annotated[
        _Many, typer.Option(metavar="TYPE=DAYS", help="No dispute of that type takes longer.")
    ] = None,
    business_days: Annotated[
        bool, typer.Option("--business-days", help="Those are business days, not calendar days.")
    ] = False,
    target_days: Annotated[
        _Many, typer.Option(metavar="STATUS=DAYS", help="Another target of that type.")
    ] = None,
    follow_up_days: Annotated[
        _Many,
        typer.Option(metavar="STATUS=DAYS", help="When actions that the status plans are due."),
    ] = None,
    assign: Annotated[
        _Many, typer.Option(metavar="VALUE=PERSON", help="That assignment value is that person's alone.")
    ] = None,
    assignment_field: Annotated[
        str | None, typer.Option(help="Resolvers are found by item:NAME or customer:NAME.")
    ] = None,
    rules: Annotated[Path | None, typer.Option(help="A TOML file with rules; options go over it.")] = None,
    report: Annotated[
        _Many, typer.Option(help=f"Which reports; all of {', '.join(_REPORTS)} by default.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Grouping, in the reports that have it.")] = None,
    period_from: filters.PeriodFrom = None,
    period_to: filters.PeriodTo = None,
    entity: filters.Entity = None,
    customer: filters.Customer = None,
    collector: filters.Collector = None,
    resolver: filters.Resolver = None,
    status: filters.Status = None,
    attribute: filters.Attributes = None,
    currency: filters.Currency = None,
    as_at: AsAtOption = None,
    known_at: KnownAtOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what stays the same.")] = False,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """What the statistics would be if a rule had been another: DSO, resolution time, who had what to do.

    The log is replayed through the changed rules beside the real tables; neither these nor the log are
    touched. Payments stay as they were.

    \b
    redress what-if --resolved-within price=10
    redress what-if --assign food=rita --report resolver-days --report resolution-time --by resolver
    redress what-if --follow-up-days price=3 --report agenda --as-at 2026-03-31
    redress what-if --rules rules.toml --resolved-within quality=20 --format csv
    """
    told: dict[str, object] = {
        "by": by,
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
    }
    changed = _rules(rules, resolved_within, target_days, follow_up_days, assign, assignment_field)
    if business_days:
        changed = replace(changed, business_days=True)
    asked = {name: value for name, value in told.items() if value is not None}
    questions = [_question(name, asked, chosen=report is not None) for name in report or _REPORTS]
    with session(ctx) as here:
        if here.actor.key_id is not None:  # the owner of an embedded database keeps it in order without one
            here.require(Permission.READ_LOG)
        found = _answered(here, changed, questions)
    _show(found, form, raw=raw, everything=everything)


def _rules(
    file: Path | None,
    resolved_within: Sequence[str] | None,
    target_days: Sequence[str] | None,
    follow_up_days: Sequence[str] | None,
    assign: Sequence[str] | None,
    assignment_field: str | None,
) -> Rules:
    """Raises RuleInvalid; CommandRefused where nothing is changed."""
    from api.rules_file import days_told, field_told, persons_told, read_rules
    from replay.what_if.rules import Rules

    of_file = read_rules(file) if file else Rules()
    field = assignment_field
    rules = Rules(
        resolved_within={**of_file.resolved_within, **days_told("resolved-within", resolved_within or ())},
        target_days={**of_file.target_days, **days_told("target-days", target_days or ())},
        follow_up_days={**of_file.follow_up_days, **days_told("follow-up-days", follow_up_days or ())},
        assigned={**of_file.assigned, **persons_told(assign or ())},
        assignment_field=field_told("--assignment-field", field) if field else of_file.assignment_field,
        business_days=of_file.business_days,
    )
    if rules == Rules(business_days=rules.business_days):
        raise CommandRefused("no rule is changed; say which, for example --resolved-within price=10")
    return rules


def _question(name: str, told: Mapping[str, object], *, chosen: bool) -> Question:
    """The report called *name*, and what it is asked. Raises CommandRefused, ParameterInvalid."""
    from replay.what_if.comparison import Question

    if name not in _REPORTS:
        raise CommandRefused(f"there is no report {name!r} to compare; there are: {', '.join(_REPORTS)}")
    ask, parameters = asked_of(name, told, "what-if")
    return Question(name, ask, parameters, may_be_left_out=not chosen)


def _answered(here: Session, rules: Rules, questions: Sequence[Question]) -> WhatIf:
    from projections.reading import Reading
    from replay.what_if.comparison import what_if as compare
    from store.clock import now

    reading = Reading(here.company.datastore, here.actor, now())
    with stages() as advance:
        here.company.feed.catch_up(progress=lambda done, of: advance("reading the log", done, of))
        return compare(reading, here.company.log, rules, questions, advance)


# --- what is printed -------------------------------------------------------------------------------


def _show(found: WhatIf, form: Format, *, raw: bool, everything: bool) -> None:
    shown = {each.report: _records(each, everything=everything) for each in found.answers}
    if form is Format.JSON:
        typer.echo(to_json(_document(found, shown)))
    elif form is Format.CSV:
        rows = [{"report": report, **record} for report, records in shown.items() for record in records]
        from replay.what_if.comparison import Figure

        columns = tuple(each.name for each in fields(Figure))
        typer.echo(to_csv(rows, raw=raw, columns=columns), nl=False)
    else:
        _say_changes(found)
        for report, records in shown.items():
            typer.echo(f"\n{report}" + ("" if records else ": no difference"))
            if records:
                typer.echo(to_table(_narrow(records)))
    if form is not Format.JSON:
        for report, why in found.left_out.items():
            say(f"{report} is left out: {why}")
        say(f"{ASSUMED} At position {found.position}.")


def _records(answer: Answer, *, everything: bool) -> list[dict[str, object]]:
    """What differs, with all the totals of a report in which something does."""
    nothing_differs = not any(figure.differs for figure in answer.figures)
    if nothing_differs and not everything:
        return []
    return [
        {each.name: getattr(figure, each.name) for each in fields(figure) if each.name != "report"}
        for figure in answer.figures
        if everything or figure.differs or figure.is_total
    ]


def _narrow(records: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Without the columns of a second grouping and of a mean's basis where there is none."""
    names = {"second_key": ("second_key", "second_label"), "basis": ("basis",)}
    unused = {
        column
        for name, columns in names.items()
        if not any(each[name] for each in records)
        for column in columns
    }
    return [{name: each[name] for name in each if name not in unused} for each in records]


def _document(found: WhatIf, shown: Mapping[str, Sequence[Mapping[str, object]]]) -> dict[str, object]:
    return {
        "position": found.position,
        "rules": found.rules,
        "assumed": ASSUMED,
        "changes": found.changes,
        "reports": [
            {"report": each.report, "parameters": each.parameters, "figures": shown[each.report]}
            for each in found.answers
        ],
        "left_out": found.left_out,
    }


def _say_changes(found: WhatIf) -> None:
    for rule in found.rules:
        typer.echo(f"what if {rule}")
    changes = found.changes
    said = (
        (changes.episodes, f"episodes end earlier, {changes.open_episodes} of them still open"),
        (changes.assignments, f"assignments decided anew, {changes.other_assignments} with another outcome"),
        (changes.follow_ups, "follow-up actions have another date"),
        (changes.targets, "definitions of a status have another target"),
    )
    for number, what in said:
        if number:
            typer.echo(f"{number} {what}")
    typer.echo(f"{changes.events} events of {changes.streams} streams differ")
