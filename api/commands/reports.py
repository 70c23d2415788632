"""`redress report`: every report, as a table or JSON, and as a file: CSV, a workbook or Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import date
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, TypeAlias, get_args, get_type_hints

import typer

from api.commands import filters, item_filters
from api.commands.clocks import AsAtOption, KnownAtOption
from api.commands.files import written_to
from api.commands.option_refused import option_refused
from api.commands.output import Format, RawOption, cell, progress, say, show, to_json, to_table
from api.commands.session import CommandRefused, Session, session
from api.one_line import one_line

if TYPE_CHECKING:
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
    "items": "ItemSearch",
    "episodes": "EpisodeList",
}
"""The reports by name, with their parameters; each has a function of its name."""

_MODULES: Final[Mapping[str, str]] = {"items": "search", "episodes": "episode_list"}
"""Where a report stands in a module that is not called as it is."""

_OTHER_NAMES: Final = {"dispute": "dispute-report", "disputes": "dispute-report"}


class ReportFormat(StrEnum):
    """How a report is printed, or what kind of file it is."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


_BINARY: Final = frozenset({ReportFormat.XLSX, ReportFormat.PARQUET})


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
    as_at: AsAtOption = None,
    known_at: KnownAtOption = None,
    person: Annotated[str | None, typer.Option(help="Agenda: of whom (code).")] = None,
    until: Annotated[str | None, typer.Option(help="Agenda: the last day shown.")] = None,
    days_ahead: Annotated[str | None, typer.Option(help="Agenda: so many days ahead.")] = None,
    days: Annotated[
        str | None, typer.Option(help="Receivables: disputes opened in so many last days (90).")
    ] = None,
    sales_days: Annotated[
        str | None, typer.Option(help="Receivables: sales of so many last days (365).")
    ] = None,
    first_episodes_only: filters.FirstEpisodesOnly = False,
    counted: filters.CountedEpisodes = None,
    is_assigned: item_filters.IsAssigned = None,
    text: item_filters.Text = None,
    number: item_filters.Number = None,
    item_type: item_filters.Type = None,
    kind: item_filters.Kind = None,
    dispute: item_filters.Dispute = None,
    follow_up: item_filters.FollowUp = None,
    due_from: item_filters.DueFrom = None,
    due_to: item_filters.DueTo = None,
    is_open: item_filters.IsOpen = None,
    is_disputed: item_filters.IsDisputed = None,
    is_overdue: item_filters.IsOverdue = None,
    has_status: item_filters.HasStatus = None,
    has_collector: item_filters.HasCollector = None,
    sort: item_filters.Sort = None,
    limit: item_filters.Limit = None,
    form: Annotated[
        ReportFormat | None,
        typer.Option("--format", help="How to print it; if nothing is said, as the name of the output ends."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="A file, which is replaced when the report is complete.")
    ] = None,
    raw: RawOption = False,
) -> None:
    """Print a report, with amounts per currency. JSON and Parquet also have its position and its parameters,
    a workbook on its second sheet; of a table and of CSV they are said on standard error.

    \b
    redress report dispute-report --by customer
    redress report dispute-report --by type,entity
    redress report dispute-report --state opened --from 2024-01-01 --to 2024-12-31 --format json
    redress report resolution-time --by attribute:sector --format csv
    redress report aged-balance --as-at 2024-06-30 --currency EUR
    redress report receivables --by entity --as-at 2024-06-30
    redress report agenda --person c1
    redress report items --text "acme pallets" --is-overdue yes --is-disputed no
    redress report items --is-open either --output items.parquet
    redress report episodes --type price --from 2024-01-01 --sort longest
    redress report aged-balance --output balance.xlsx
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
        "counted": counted,
        "is_assigned": is_assigned,
        "text": text,
        "number": number,
        "type": item_type,
        "kind": kind,
        "dispute": dispute,
        "follow_up": follow_up,
        "due_from": due_from,
        "due_to": due_to,
        "is_open": is_open,
        "is_disputed": is_disputed,
        "is_overdue": is_overdue,
        "has_status": has_status,
        "has_collector": has_collector,
        "sort": sort,
        "limit": limit,
    }
    question = _question(name, {key: _plain(value) for key, value in told.items() if value is not None})
    chosen = _form(form, output)
    with session(ctx) as here:
        if chosen is ReportFormat.TABLE:
            _print_table(_asked(here, question))
        elif chosen is ReportFormat.JSON:
            _write_json(here, question, output)
        else:
            _write_file(here, question, chosen, output, raw=raw)


def _plain(value: object) -> object:
    return item_filters.WHETHER[value] if isinstance(value, item_filters.Whether) else value


def _form(told: ReportFormat | None, output: Path | None) -> ReportFormat:
    ending = output.suffix.lower().removeprefix(".") if output is not None else ""
    form = told or (ReportFormat(ending) if ending in {*ReportFormat} else ReportFormat.TABLE)
    if output is not None and form is ReportFormat.TABLE:
        files = ", ".join(each for each in ReportFormat if each is not ReportFormat.TABLE)
        raise CommandRefused(f"--output takes a --format for files: {files}")
    return form


def _print_table(answer: Report[Any]) -> None:
    show(answer.records(), Format.TABLE, empty="nothing to report")
    if answer.totals:
        say("\n" + to_table(answer.total_records()))
    if answer.next_cursor is not None:
        say(
            f"the first {len(answer.rows)}, and there are more: up to 200 with --limit, all with --format csv"
        )
    _say_asked(answer.position, answer.parameters)


def _write_json(here: Session, question: _Question, output: Path | None) -> None:
    with ExitStack() as held:
        file = held.enter_context(written_to(output, is_binary=False))
        reading = _reading(here)
        if question.parameters.has_order:  # all of a list, which has a page of its rows unless it is streamed
            reading = held.enter_context(reading.streamed())
        for piece in _json_pieces(question.ask(reading, question.parameters)):
            file.write(piece.encode())


def _json_pieces(answer: Report[Any]) -> Iterator[str]:
    from projections.parameters import record

    head = to_json({"position": answer.position, "parameters": answer.parameters})
    yield f"{head.removesuffix('}').rstrip()},\n"
    yield from _json_list("rows", map(record, answer.each()))
    yield ",\n"
    yield from _json_list("totals", iter(answer.total_records()))
    yield "\n}\n"


def _json_list(name: str, records: Iterator[Mapping[str, object]]) -> Iterator[str]:
    """A field of the outermost object, row by row."""
    yield f'  "{name}": ['
    between = "\n"
    for each in records:
        yield between + indent(to_json(each), "    ")
        between = ",\n"
    yield "]" if between == "\n" else "\n  ]"


def _write_file(
    here: Session, question: _Question, form: ReportFormat, output: Path | None, *, raw: bool
) -> None:
    from api.table_files import FileFormat, file_chunks
    from api.typed_columns import table_of

    with ExitStack() as held:
        file = held.enter_context(written_to(output, is_binary=form in _BINARY))
        reading = held.enter_context(_reading(here).streamed())
        table = table_of(question.ask(reading, question.parameters), question.row, question.name)
        for chunk in file_chunks(table, FileFormat(form), raw=raw):
            file.write(chunk)
    if form is ReportFormat.CSV:
        _say_asked(table.position, table.parameters)


def _say_asked(position: int, parameters: Mapping[str, object]) -> None:
    """What the answer was computed with, where the rows do not have it with them."""
    told = {name.replace("_", " "): _in_line(value) for name, value in parameters.items()}
    clocks = [f"{name} {told.pop(name)}" for name in ("as at", "known at")]
    asked = [f"{name} {value}" for name, value in told.items()]
    say(one_line(", ".join([f"at position {position}", *clocks, *asked])))


def _in_line(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else cell(value)


class _Question(NamedTuple):
    name: str
    ask: Ask
    parameters: Parameters
    row: type[Any]


def _question(name: str, told: Mapping[str, object]) -> _Question:
    """The report called *name*, and what it is asked. Raises CommandRefused, ParameterInvalid."""
    chosen = name.replace("_", "-")
    chosen = _OTHER_NAMES.get(chosen, chosen)
    if chosen not in _REPORTS:
        raise CommandRefused(f"there is no report {name!r}; there are: {', '.join(_REPORTS)}")
    ask, parameters = asked_of(chosen, told, f"the report {chosen}")
    (row,) = get_args(get_type_hints(ask)["return"])
    return _Question(chosen, ask, parameters, row)


def asked_of(name: str, told: Mapping[str, object], whose: str) -> tuple[Ask, Parameters]:
    """The report that is called *name*, and what it is asked by these options of *whose*.

    Raises CommandRefused, ParameterInvalid.
    """
    from pydantic import ValidationError

    from api.queries import parameters_of, query_of

    module = import_module(f"projections.{_MODULES.get(name, name.replace('-', '_'))}")
    of: type[Parameters] = getattr(module, _REPORTS[name])
    # A list by an order of its own has no groupings.
    without = frozenset({"by"}) if of.has_order else frozenset[str]()
    try:
        asked = query_of(of, without=without).model_validate(dict(told))
    except ValidationError as error:
        raise option_refused(whose, error) from None
    return getattr(module, name.replace("-", "_")), parameters_of(of, asked)


def _asked(here: Session, question: _Question) -> Report[Any]:
    return question.ask(_reading(here), question.parameters)


def _reading(here: Session) -> Reading:
    from projections.reading import Reading
    from store.clock import now

    with progress("reading the log") as advance:
        here.company.feed.catch_up(progress=advance)
    return Reading(here.company.datastore, here.actor, now())
