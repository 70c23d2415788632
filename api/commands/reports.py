"""`redress report`: every report, as a table, JSON or CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from api.commands.output import Format, FormatOption, RawOption, progress, say, show, to_json
from api.commands.session import CommandRefused, Session, session

if TYPE_CHECKING:
    from pydantic import ValidationError

    from projections.parameters import Parameters, Report
    from projections.reading import Reading

    Ask: TypeAlias = Callable[[Reading, Parameters], Report[Any]]

_REPORTS: Final[Mapping[str, str]] = {
    "agenda": "AgendaParameters",
    "dispute-report": "DisputeReportParameters",
    "dispute-months": "Parameters",
    "resolution-time": "ResolutionTimeParameters",
    "resolver-days": "ResolutionTimeParameters",
    "item-statuses": "Parameters",
    "aged-balance": "Parameters",
    "receivables": "ReceivablesParameters",
}
"""The reports by name, with their parameters; each has a module and a function of its name."""

_OTHER_NAMES: Final = {"dispute": "dispute-report", "disputes": "dispute-report"}


def install(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("report")(report)


def report(  # noqa: PLR0913 - whatever a report can be asked
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(_REPORTS)}.")],
    *,
    by: Annotated[
        str | None,
        typer.Option(
            help="Grouping: type, customer, resolver, collector, entity, currency, month, attribute:NAME …;"
            " two as type,customer."
        ),
    ] = None,
    state: Annotated[str | None, typer.Option(help="Dispute report: open, opened or resolved.")] = None,
    period_from: Annotated[str | None, typer.Option("--from", help="First day of the period.")] = None,
    period_to: Annotated[str | None, typer.Option("--to", help="Last day of the period.")] = None,
    entity: Annotated[str | None, typer.Option(help="Business unit.")] = None,
    customer: Annotated[str | None, typer.Option(help="Code of a customer.")] = None,
    collector: Annotated[str | None, typer.Option(help="Code of a collector.")] = None,
    resolver: Annotated[str | None, typer.Option(help="Code of a resolver.")] = None,
    status: Annotated[
        str | None, typer.Option("--status", "--type", help="Status, or type of dispute.")
    ] = None,
    attribute: Annotated[list[str] | None, typer.Option(help="name=value of items; may be repeated.")] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217 code.")] = None,
    as_at: Annotated[
        str | None, typer.Option(help="As it was at the end of this day, or at this time.")
    ] = None,
    known_at: Annotated[str | None, typer.Option(help="As the log stood at this position or time.")] = None,
    person: Annotated[str | None, typer.Option(help="Agenda: of whom (code).")] = None,
    until: Annotated[str | None, typer.Option(help="Agenda: the last day shown.")] = None,
    days_ahead: Annotated[str | None, typer.Option(help="Agenda: so many days ahead.")] = None,
    days: Annotated[
        str | None, typer.Option(help="Receivables: disputes opened in so many last days (90).")
    ] = None,
    sales_days: Annotated[
        str | None, typer.Option(help="Receivables: sales of so many last days (365).")
    ] = None,
    first_episodes_only: Annotated[
        bool, typer.Option("--first-episodes-only", help="Resolution time: without what was reopened.")
    ] = False,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """Print a report, with amounts per currency. JSON also has its position and its parameters.

    \b
    redress report dispute-report --by customer
    redress report dispute-report --by type,entity
    redress report dispute-report --state opened --from 2024-01-01 --to 2024-12-31 --format json
    redress report resolution-time --by attribute:sector --format csv
    redress report aged-balance --as-at 2024-06-30 --currency EUR
    redress report receivables --by entity --as-at 2024-06-30
    redress report agenda --person c1
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
        "person": person,
        "until": until,
        "days_ahead": days_ahead,
        "days": days,
        "sales_days": sales_days,
        "first_episodes_only": first_episodes_only or None,
    }
    ask, parameters = _question(name, {key: value for key, value in told.items() if value is not None})
    with session(ctx) as here:
        answer = _asked(here, ask, parameters)
        if form is Format.JSON:
            typer.echo(
                to_json(
                    {
                        "position": answer.position,
                        "parameters": answer.parameters,
                        "rows": answer.records(),
                        "totals": answer.total_records(),
                    }
                )
            )
            return
        show(answer.records(), form, raw=raw, empty="nothing to report")
        if form is Format.TABLE:
            if answer.totals:
                say("\n" + _totals(answer.total_records()))
            say(f"at position {answer.position}")


_NAMES: Final = {"period_from": "from", "period_to": "to"}


def _question(name: str, told: Mapping[str, object]) -> tuple[Ask, Parameters]:
    """The report called *name*, and what it is asked. Raises CommandRefused, ParameterInvalid."""
    from pydantic import ValidationError

    from api.queries import parameters_of, query_of

    chosen = name.replace("_", "-")
    chosen = _OTHER_NAMES.get(chosen, chosen)
    if chosen not in _REPORTS:
        raise CommandRefused(f"there is no report {name!r}; there are: {', '.join(_REPORTS)}")
    module = import_module(f"projections.{chosen.replace('-', '_')}")
    of: type[Parameters] = getattr(module, _REPORTS[chosen])
    query = query_of(of)
    try:
        asked = query.model_validate(dict(told))
    except ValidationError as error:
        raise option_refused(f"the report {chosen}", error) from None
    ask: Ask = getattr(module, chosen.replace("-", "_"))
    return ask, parameters_of(of, asked)


def option_refused(whose: str, error: ValidationError) -> CommandRefused:
    """What to say of an option of *whose* that is not understood, or that it does not have."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = str(first["loc"][0])
    option = "--" + _NAMES.get(place, place).replace("_", "-")
    if first["type"] == "extra_forbidden":
        return CommandRefused(f"{whose} takes no {option}")
    return CommandRefused(f"{option}: {message_of(error)}")


def message_of(error: ValidationError) -> str:
    """What is wrong first, without what was given."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}"


def _asked(here: Session, ask: Ask, parameters: Parameters) -> Report[Any]:
    from projections.reading import Reading
    from store.clock import now

    with progress("reading the log") as advance:
        here.company.feed.catch_up(progress=advance)
    return ask(Reading(here.company.datastore, here.actor, now()), parameters)


def _totals(records: list[dict[str, object]]) -> str:
    from api.commands.output import to_table

    return to_table(records)
