"""Small CSV files of people or customers: each row is a command; what cannot be is rejected row by row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeAlias

import typer

from api.commands.output import progress, say, to_csv
from api.commands.session import CommandRefused, Session, person_named
from api.commands.trouble import REFUSED
from domain.identity import person_id
from domain.refusals import Refusal

if TYPE_CHECKING:
    from domain.commands import Command

RejectsOption: TypeAlias = Annotated[
    Path | None, typer.Option("--rejects", help="Where the rejected rows are listed, as CSV.")
]

_CHUNK: Final = 500
_SHOWN: Final = 10
_LONGEST_CELL: Final = 100_000


class RowRefused(Exception):
    """A row cannot be used."""

    def __init__(self, column: str | None, reason: str) -> None:
        super().__init__(reason)
        self.column = column


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row as a person counts them (the header is row 1), its cells that are not empty by column."""

    row: int
    cells: dict[str, str]

    def refuse(self, column: str, reason: str) -> NoReturn:
        """Reject the row. Raises RowRefused."""
        raise RowRefused(column, reason)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rejected row."""

    row: int
    column: str | None
    reason: str


def read_table(
    path: Path, *, required: Sequence[str], optional: Sequence[str] | None
) -> list[TableRow | Rejected]:
    """The rows of a CSV file with a header, in UTF-8. *optional* None: any other column may be there.

    Raises FileRefused, and then nothing of it can be used.
    """
    from api.item_file import FileRefused

    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            csv.field_size_limit(_LONGEST_CELL)
            lines = csv.reader(file, strict=True)
            header = [name.strip() for name in next(lines, [])]
            _check_header(path, header, required, optional)
            found: list[TableRow | Rejected] = []
            for number, cells in enumerate(lines, 2):
                line = lines.line_num
                if any(cell.strip() for cell in cells):
                    found.append(_row(number, cells, header, required))
            return found
    except OSError as error:
        raise FileRefused(f"{path.name}: cannot be read: {error.strerror}") from None
    except UnicodeError:
        raise FileRefused(f"{path.name}: is not UTF-8 text; save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise FileRefused(f"{path.name}: after line {line}: {error}") from None


def _check_header(
    path: Path, header: list[str], required: Sequence[str], optional: Sequence[str] | None
) -> None:
    from api.item_file import FileRefused

    missing = [name for name in required if name not in header]
    if missing:
        there = ", ".join(header)[:200] or "none"
        cure = "the first line names the columns, separated by commas"
        raise FileRefused(f"{path.name}: has no column {missing[0]!r}; there are: {there} ({cure})")
    unknown = [name for name in header if optional is not None and name not in {*required, *optional}]
    if unknown or len(set(header)) != len(header):
        problem = f"the column {unknown[0][:100]!r} is not known" if unknown else "two columns have one name"
        known = ", ".join([*required, *(optional or ())])
        raise FileRefused(f"{path.name}: {problem}; there can be: {known}")


def _row(number: int, cells: list[str], header: list[str], required: Sequence[str]) -> TableRow | Rejected:
    if len(cells) != len(header):
        return Rejected(number, None, f"has {len(cells)} cells where the header has {len(header)}")
    found = {name: text for name, cell in zip(header, cells, strict=True) if (text := cell.strip())}
    empty = next((name for name in required if name not in found), None)
    if empty is not None:
        return Rejected(number, empty, "is empty")
    if any("\0" in text for text in found.values()):
        return Rejected(number, None, "holds a character that is not text")
    return TableRow(number, found)


def carry_out(
    here: Session,
    path: Path,
    command_of: Callable[[TableRow], Command],
    *,
    required: Sequence[str],
    optional: Sequence[str] | None,
    people_in: Sequence[str] = (),
    rejects: Path | None,
) -> None:
    """Carry out the commands of all rows and say what became of them.

    *people_in*: columns with codes of people.

    Raises FileRefused; typer.Exit(1) if rows were rejected.
    """
    check_rejects(rejects)
    rows = read_table(path, required=required, optional=optional)
    rejected = [row for row in rows if isinstance(row, Rejected)]
    told: list[tuple[TableRow, Command]] = []
    for row in rows:
        try:
            told += [(row, command_of(row))] if isinstance(row, TableRow) else []
        except RowRefused as refused:
            rejected.append(Rejected(row.row, refused.column, str(refused)))
    changed = 0
    with progress(path.name, len(told)) as advance:
        for start in range(0, len(told), _CHUNK):
            chunk = told[start : start + _CHUNK]
            outcomes, _ = here.company.executor.execute_rows([command for _, command in chunk], here.actor)
            for (row, _), outcome in zip(chunk, outcomes, strict=True):
                if isinstance(outcome, Refusal):
                    codes: dict[object, str] = {
                        person_id(row.cells[name]): row.cells[name] for name in people_in if name in row.cells
                    }
                    rejected.append(Rejected(row.row, None, person_named(outcome, codes)))
                else:
                    changed += bool(outcome)
            advance(start + len(chunk), None)
    unchanged = len(rows) - len(rejected) - changed
    say(f"{path.name}: {changed} changed, {unchanged} unchanged, {len(rejected)} rejected")
    report_rejects(rejected, rejects)


def check_rejects(file: Path | None, option: str = "--rejects") -> None:
    """Raise CommandRefused if rejected rows could not be listed in *file* afterwards."""
    if file is not None and not file.absolute().parent.is_dir():
        raise CommandRefused(f"{option}: there is no folder {file.absolute().parent}")


def report_rejects(rejected: Iterable[Rejected], file: Path | None) -> None:
    """List rejected rows in *file*, or the first of them here. Raises typer.Exit(1) if there are any."""
    found = sorted(rejected, key=lambda each: each.row)
    if file is not None:
        records = [{"row": each.row, "column": each.column, "reason": each.reason} for each in found]
        file.write_text(to_csv(records, columns=("row", "column", "reason")), encoding="utf-8", newline="")
    if not found:
        return
    if file is None:
        for each in found[:_SHOWN]:
            place = f"row {each.row}" + (f", column {each.column}" if each.column else "")
            say(f"  {place}: {each.reason}")
        if len(found) > _SHOWN:
            say(f"  … and {len(found) - _SHOWN} more; --rejects FILE lists them all")
    else:
        say(f"  the rejected rows are listed in {file}")
    raise typer.Exit(REFUSED)
