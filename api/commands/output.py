"""What commands print: tables, JSON and CSV on standard output, progress on a terminal's standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Final, TypeAlias

import typer

from api.one_line import one_line

Record: TypeAlias = Mapping[str, object]
Advance: TypeAlias = Callable[[int, int | None], None]
"""Told how many steps are done, and how many there are (None: as before, or not known)."""


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


FormatOption: TypeAlias = Annotated[Format, typer.Option("--format", help="How to print it.")]
RawOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--raw", help="CSV for machines: cells that a spreadsheet takes for formulas stay as they are."
    ),
]


def say(text: str) -> None:
    """A line for the person at the terminal, out of the way of what is printed for machines."""
    typer.echo(text, err=True)


def show(records: Sequence[Record], form: Format, *, raw: bool = False, empty: str = "nothing") -> None:
    """Print *records*, which have the same keys. *empty* is said of none in the form of a table."""
    if form is Format.JSON:
        typer.echo(to_json(list(records)))
    elif form is Format.CSV:
        typer.echo(to_csv(records, raw=raw), nl=False)
    elif records:
        typer.echo(to_table(records))
    else:
        typer.echo(empty)


def to_json(value: object, indent: int | None = 2) -> str:
    """*value* as JSON; amounts as strings, moments in ISO 8601."""
    return json.dumps(_plain(value), ensure_ascii=False, indent=indent)


def _plain(value: object) -> object:
    match value:
        case Enum():
            return _plain(value.value)
        case None | bool() | int() | float() | str():
            return value
        case date():
            return value.isoformat()
        case Mapping():
            return {str(_plain(name)): _plain(each) for name, each in value.items()}
        case set() | frozenset():
            return sorted(str(_plain(each)) for each in value)
        case Sequence():
            return [_plain(each) for each in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
        case _:
            return str(value)  # Decimal, UUID


def to_csv(records: Sequence[Record], *, raw: bool = False, columns: Sequence[str] = ()) -> str:
    """*records* as CSV with a header. Unless *raw*, texts that a spreadsheet would take for formulas are
    defused. *columns* name those of no records."""
    from api.csv_text import csv_text

    return csv_text(list(records[0]) if records else columns, records, raw=raw)


# --- tables ----------------------------------------------------------------------------------------

_WIDEST: Final = 60


def to_table(records: Sequence[Record]) -> str:
    """*records* in columns, numbers to the right; no ids that have a name beside them, no empty columns."""
    columns = [
        column
        for column in records[0]
        if column.removesuffix("_id") not in set(records[0]) - {column}
        and any(record[column] is not None for record in records)
    ]
    cells = [[_shortened(cell(record[column])) for column in columns] for record in records]
    widths = [max(len(row[place]) for row in [columns, *cells]) for place in range(len(columns))]
    right = [all(_is_number(record[column]) for record in records) for column in columns]
    rows = [columns, ["-" * width for width in widths], *cells]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_the_right else cell.ljust(width)
            for cell, width, to_the_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    )


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool))


def _shortened(cell: str) -> str:
    line = one_line(cell)
    return line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…"


def cell(value: object) -> str:
    """*value* as it stands in a table, or in a line."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6f}"
        case Decimal():
            return f"{value:f}"
        case Mapping():
            return "; ".join(f"{name}={cell(each)}" for name, each in value.items())
        case Sequence() | set() | frozenset() if not isinstance(value, str):
            return "; ".join(map(cell, value))
        case _:
            return str(value)


# --- progress --------------------------------------------------------------------------------------


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Advance]:
    """A bar on standard error while something takes its time; nothing where nobody looks."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(title, total=total)

        def advance(done: int, of: int | None) -> None:
            bars.update(bar, completed=done, total=of)

        yield advance


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """As `progress`, a bar for each title that is told."""
    if not sys.stderr.isatty():
        yield lambda _title, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        known: dict[str, TaskID] = {}

        def advance(title: str, done: int, total: int) -> None:
            if title not in known:
                known[title] = bars.add_task(title, total=total)
            bars.update(known[title], completed=done, total=total)

        yield advance
