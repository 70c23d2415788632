"""From bytes to records: a file, its encoding, its lines and cells. Nothing here knows what a column means.

What makes the whole file unreadable is a FileRefused; what spoils one record is a Broken in its place."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, TypeAlias

from api.cells import JsonNumber, show
from api.csv_rows import MAX_CELL, Broken, CsvRows, FileRefused, Lines, Numbered
from api.encodings import where_undecodable, why_not_text
from api.mapping import FileKind
from api.workbook import WorkbookRefused, is_workbook, workbook_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from api.mapping import FileFormat, ItemMapping

__all__ = [
    "MAX_CELL",
    "Broken",
    "FileRefused",
    "Record",
    "Table",
    "cell_above_header",
    "column_list",
    "csv_table",
    "kind_of",
    "records",
]

_MAX_COLUMNS: Final = 2_000
_NAMED_IN_MESSAGE: Final = 30

Record: TypeAlias = dict[str, str]
"""The cells of one record by the names of their columns, without spaces around them."""


def records(path: Path, mapping: ItemMapping) -> Iterator[tuple[int, Record | Broken]]:
    """The records of a file with their row numbers (CSV: the header is row 1; JSON lines: the line).

    Blank rows and repeated headers are left out. Memory stays flat. Raises FileRefused."""
    if kind_of(path, mapping.file) is FileKind.XLSX:
        yield from _table_records(_workbook_rows(path, mapping), path, mapping)
        return
    with _text_of(path, mapping.file) as text:
        lines = Lines(path, text)
        if mapping.file.kind is FileKind.JSON_LINES:
            yield from _json_records(iter(lines), path, mapping)
        else:
            yield from _table_records(CsvRows(lines, path, mapping.file), path, mapping)


def kind_of(path: Path, file: FileFormat) -> FileKind:
    """What the file is, by its declared format or else by its content. Raises FileRefused."""
    try:
        return FileKind.XLSX if file.by_content and is_workbook(path) else file.kind
    except OSError as error:
        raise FileRefused(f"{path.name}: cannot be read: {error.strerror}") from None


def cell_above_header(path: Path, mapping: ItemMapping, row: int, cell: int) -> str:
    """One cell of the rows above the header of a CSV file; empty if there is none. Raises FileRefused."""
    with _text_of(path, mapping.file) as text:
        for number, cells in CsvRows(Lines(path, text), path, mapping.file):
            if number == row:
                return cells[cell - 1] if isinstance(cells, list) and len(cells) >= cell else ""
    return ""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a table behind its header, each with its number; no spaces around cells."""

    columns: list[str]
    """Each name once."""
    header: list[str]
    """As it is written."""
    rows: Iterator[Numbered]
    empty: frozenset[str]

    def records(self, rows: Iterable[Numbered]) -> Iterator[tuple[int, Record | Broken]]:
        """*rows* as records, without blank rows and repeated headers."""
        width = len(self.columns)
        for number, row in rows:
            if isinstance(row, Broken):
                yield number, row
                continue
            cells = ["" if cell in self.empty else cell for cell in row] if self.empty else row
            if cells == self.header or not any(cells):
                continue
            if len(cells) == width:
                yield number, dict(zip(self.columns, cells, strict=True))
            else:
                cure = "is a delimiter or quotation mark inside a cell not quoted?"
                yield number, Broken(f"has {len(cells)} cells where the header has {width}; {cure}")


@contextmanager
def csv_table(path: Path, mapping: ItemMapping) -> Iterator[tuple[Table, CsvRows]]:
    """A CSV file, and its rows behind the header. Raises FileRefused, also while they are read."""
    with _text_of(path, mapping.file) as text:
        rows = CsvRows(Lines(path, text), path, mapping.file)
        yield _table(rows, path, mapping), rows


def column_list(columns: list[str]) -> str:
    """*columns* as a message lists them: each shortened, not more than 30."""
    shown = ", ".join(show(column) for column in columns[:_NAMED_IN_MESSAGE])
    more = len(columns) - _NAMED_IN_MESSAGE
    return f"{shown} and {more} more" if more > 0 else shown


@contextmanager
def _text_of(path: Path, file: FileFormat) -> Iterator[IO[str]]:
    try:
        problem = why_not_text(path, file.encoding)
        if problem:
            raise FileRefused(f"{path.name}: {problem}")
        # newline="" leaves line ends to the CSV reader, which knows those inside quotation marks.
        with path.open(encoding=file.encoding, newline="") as text:
            yield text
    except OSError as error:
        raise FileRefused(f"{path.name}: cannot be read: {error.strerror}") from None
    except UnicodeError:
        raise FileRefused(f"{path.name}: {where_undecodable(path, file.encoding)}") from None


def _table_records(
    rows: Iterator[Numbered], path: Path, mapping: ItemMapping
) -> Iterator[tuple[int, Record | Broken]]:
    table = _table(rows, path, mapping)
    yield from table.records(table.rows)


def _table(rows: Iterator[Numbered], path: Path, mapping: ItemMapping) -> Table:
    written = _header(rows, path, mapping)
    return Table(_named(written, path, mapping), written, rows, mapping.file.empty)


def _workbook_rows(path: Path, mapping: ItemMapping) -> Iterator[Numbered]:
    file, amounts = mapping.file, mapping.amount_columns
    header: list[str] = []
    try:
        for number, cells in workbook_rows(path, file.sheet, file.header_line, mapping.columns):
            if cells is None:
                yield number, Broken("holds characters that are not text")
                continue
            if number == file.header_line:
                header = cells
            yield number, _of_workbook(cells, header, amounts, mapping.columns)
    except WorkbookRefused as refused:
        raise FileRefused(f"{path.name}: {refused}") from None
    except OSError as error:
        raise FileRefused(f"{path.name}: cannot be read: {error.strerror}") from None


def _of_workbook(
    cells: list[str], header: list[str], amounts: frozenset[str], columns: tuple[str, ...]
) -> list[str] | Broken:
    """*cells* with numbers as texts wherever they are not amounts."""
    found: list[str] = []
    for place, cell in enumerate(cells):
        name = header[place] if place < len(header) else ""
        if not isinstance(cell, JsonNumber) or name in amounts:
            found.append(cell)
            continue
        if "e+" in cell and name in columns:
            cure = "a spreadsheet does not keep so many; format the column as text"
            return Broken(f"has a number of more than 15 digits in {show(name)}; {cure}")
        found.append(str(cell))
    return found


def _header(rows: Iterator[Numbered], path: Path, mapping: ItemMapping) -> list[str]:
    """The names of the columns as they are written, all mapped ones among them."""
    wanted = mapping.file.header_line
    cells = next((row for number, row in rows if number >= wanted), None)
    if cells is None:
        line = "" if wanted == 1 else f" from line {wanted} on"
        raise FileRefused(f"{path.name}: is empty{line}; a header and rows are needed")
    if isinstance(cells, Broken):
        raise FileRefused(f"{path.name}: row {wanted} cannot be read as a header: {cells.reason}")
    if len(cells) > _MAX_COLUMNS:
        raise FileRefused(f"{path.name}: row {wanted} has {len(cells)} columns; is it a header?")
    _check_columns(cells, path, mapping)
    return cells


def _named(names: list[str], path: Path, mapping: ItemMapping) -> list[str]:
    """*names*, each once; a column without a name is called by its place unless it is ignored."""
    if "" not in mapping.ignore:
        names = [name or f"column {place}" for place, name in enumerate(names, 1)]
    twice = [name for name in names if names.count(name) > 1 and name not in mapping.ignore]
    if twice:
        problem = f"the header names the column {show(twice[0])} twice"
        raise FileRefused(f"{path.name}: {problem}; rename one in the file, or ignore both in the mapping")
    return names


def _check_columns(names: list[str], path: Path, mapping: ItemMapping) -> None:
    missing = [column for column in mapping.columns if column not in names]
    if not missing:
        return
    row = mapping.file.header_line
    if not any(names):
        raise FileRefused(f"{path.name}: row {row} is blank; set `header_line` to the row of the header")
    if len(missing) < len(mapping.columns) or len(missing) == 1:
        raise FileRefused(f"{path.name}: {_missing(missing[0], names)}")
    other = [f'"{sign}"' for sign in (";", "\t", "|", ",") if len(names) == 1 and sign in names[0]]
    cure = f"is the delimiter {other[0]}?" if other else "has the file no header, or is `header_line` wrong?"
    problem = f"row {row} is not the header: it names none of the mapped columns"
    raise FileRefused(f"{path.name}: {problem}; {cure} It holds {column_list(names)}".replace("\t", "tab"))


def _missing(column: str, there: list[str]) -> str:
    return f"there is no column {show(column)}; there are {column_list(there)}"


def _json_records(
    lines: Iterator[str], path: Path, mapping: ItemMapping
) -> Iterator[tuple[int, Record | Broken]]:
    wanted = dict.fromkeys(mapping.columns, "")
    unseen, first = set(wanted), None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        record = _json_record(line, f"{path.name}: line {number}", mapping)
        if first is None:
            first = record
            _check_first(record, path, number, line)
        if isinstance(record, Broken):
            yield number, record
            continue
        unseen.difference_update(record)
        if any(record.values()):
            yield number, wanted | record
    if first is None:
        raise FileRefused(f"{path.name}: is empty; one JSON object a line is needed")
    if unseen and isinstance(first, dict):
        column = next(column for column in wanted if column in unseen)
        raise FileRefused(f"{path.name}: {_missing(column, list(first))}")


def _check_first(record: Record | Broken, path: Path, number: int, line: str) -> None:
    if not isinstance(record, Broken) or line.lstrip().startswith("{"):
        return
    cure = "is the format `csv`?"
    if line.lstrip().startswith("["):
        cure = "write an array as one object a line, such as `jq -c '.[]'` does"
    raise FileRefused(f"{path.name}: line {number} is not a JSON object; {cure}")


class _NotARecordError(ValueError):
    """A JSON line holds no record; the message is for a person."""


def _json_record(line: str, place: str, mapping: ItemMapping) -> Record | Broken:
    try:
        found = _DECODER.decode(line)
        if not isinstance(found, dict):
            return Broken("is not a JSON object")
        record = {
            name.strip(): _json_cell(name, cell, mapping)
            for name, cell in found.items()
            if name not in mapping.ignore
        }
    except json.JSONDecodeError as error:
        return Broken(f"is not JSON: {error.msg} at character {error.colno}")
    except RecursionError:
        return Broken("is nested too deeply")
    except _NotARecordError as error:
        return Broken(str(error))
    too_long = next((name for name, cell in record.items() if len(cell) > MAX_CELL), None)
    if too_long is not None:
        raise FileRefused(f"{place}, {show(too_long)}: holds more than {MAX_CELL} characters")
    if "\\u" in line and not _storable("".join([*record, *record.values()])):
        return Broken("holds characters that are not text")
    return record


def _json_cell(name: str, cell: object, mapping: ItemMapping) -> str:
    if isinstance(cell, JsonNumber):
        return cell if name in mapping.amount_columns else str(cell)
    if isinstance(cell, str):
        return "" if (text := cell.strip()) in mapping.file.empty else text
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    cure = "flatten it, or ignore the column in the mapping"
    raise _NotARecordError(f"{show(name)} holds a nested value; {cure}")


def _storable(text: str) -> bool:
    """Whether the log can keep *text*: JSON may spell a zero character or half of a surrogate pair."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for n, (name, _) in enumerate(pairs) if name in dict(pairs[:n]))
        raise _NotARecordError(f"has {show(twice)} twice")
    return found


def _no_constant(name: str) -> object:
    raise _NotARecordError(f"holds {name}, which is not a JSON number")


# Numbers stay as they are written: a float would change amounts, an int would lose the form of an id.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=JsonNumber, parse_int=JsonNumber, parse_constant=_no_constant
)
