"""Files of customers, people and monthly sales: CSV, workbooks or JSON lines, row by row in named cells.

Without a mapping the columns are called as the fields are. A mapping says otherwise, as the one for items
does: [file], [columns] and, where other columns are attributes, [attributes].
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from api.cells import CellRefused, DateNotSettled, DatePattern, amount_reader, read_iso_date, show
from api.mapping import Field, FileFormat, FileKind, ItemMapping, Part, Source
from api.mapping_file import amount_marks, declared_date, file_format, load, source_of
from api.mapping_table import MappingRefused, Table
from api.records import Broken, FileRefused, Record, records
from api.sources import source_reader
from api.table_shapes import Rejected, Shape, TableRow
from api.workbook import WorkbookDay, is_workbook

_DELIMITERS: Final = (",", ";", "\t", "|")
_HEAD: Final = 2**16
_MONTH: Final = re.compile(r"\d{4}-\d{2}", re.ASCII)
_NAMED: Final = 5
_LONGEST: Final = 2_000


def read_table(path: Path, shape: Shape, mapping: Path | None = None) -> list[TableRow | Rejected]:
    """The rows of a file. Raises FileRefused and MappingRefused, and then nothing of it can be used."""
    declared = _unmapped(path, shape) if mapping is None else _mapped(mapping, shape)
    reader = _Reader(path, shape, declared, is_mapped=mapping is not None)
    return _without_twins([reader.row(number, record) for number, record in reader.records()], shape.key)


# --- what the columns are --------------------------------------------------------------------------


def _mapped(path: Path, shape: Shape) -> ItemMapping:
    top = Table(path.name, "", load(path))
    file, columns = top.table("file", required=False), top.table("columns")
    attributes = top.table("attributes", required=False)
    top.finish()
    by_content = "format" not in file
    kind = FileKind(file.choice("format", list(FileKind), FileKind.CSV))
    amounts, date = amount_marks(file), declared_date(file)
    written = file_format(file, kind, by_content=by_content)
    columns.expect(shape.fields)
    sources = {name: columns.table_or_text(name, "column") for name in shape.fields if name in columns}
    missing = [name for name in shape.required if name not in sources]
    if missing:
        raise columns.refused(missing[0], f'is missing; add `{missing[0]} = "<name of the column>"`')
    ignore = frozenset(attributes.texts("ignore", empty_allowed=True)) if shape.attributes else frozenset()
    rename = attributes.text_table("rename") if shape.attributes else {}
    attributes.finish()
    if date is not None and not date.has_year:
        raise MappingRefused(f"{path.name}: file.date has no year")
    fields = {name: source_of(cast("Field", name), table) for name, table in sources.items()}
    of_items = [name for name, of in fields.items() if of.minus or of.negative_when or of.round]
    if of_items:
        raise columns.refused(of_items[0], "can have `minus`, `negative_when` and `round` for items only")
    return _mapping(path, written, fields, ignore=ignore, rename=rename, amounts=amounts, date=date)


def _unmapped(path: Path, shape: Shape) -> ItemMapping:
    fields = {name: Source((Part(name),)) for name in shape.required}
    return _mapping(path, _format(path, shape), fields)


def _mapping(path: Path, file: FileFormat, fields: Mapping[str, Source], **rest: object) -> ItemMapping:
    told: dict[str, object] = {"amounts": amount_marks(Table(path.name, "file", {})), "date": None, **rest}
    told = {"ignore": frozenset(), "rename": {}, **told}
    return ItemMapping(
        path=path,
        file=file,
        fields=cast("Mapping[Field, Source]", fields),
        type_by_sign=None,
        negate_types=frozenset(),
        subtotal_when_empty=(),
        subtotal_when=(),
        **told,  # type: ignore[arg-type] # amounts, date, ignore and rename
    )


def _format(path: Path, shape: Shape) -> FileFormat:
    """UTF-8, or UTF-16 with its mark; the delimiter is the one with which the header names what it must."""
    try:
        if is_workbook(path):
            return FileFormat(kind=FileKind.XLSX)
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise FileRefused(f"{path.name}: cannot be read: {error.strerror}") from None
    encoding = "utf-16" if head[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    text = head.decode(encoding, errors="replace").lstrip("\ufeff")
    if text.lstrip().startswith("{"):
        return FileFormat(kind=FileKind.JSON_LINES, encoding=encoding)
    for delimiter in _DELIMITERS:
        if set(shape.required) <= _names(text, delimiter):
            return FileFormat(delimiter=delimiter, encoding=encoding)
    return FileFormat(encoding=encoding)


def _names(text: str, delimiter: str) -> set[str]:
    try:
        return {
            name.strip() for name in next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        }
    except csv.Error:
        return set()


# --- the rows --------------------------------------------------------------------------------------


class _Reader:
    """A file's columns made ready to read its rows."""

    def __init__(self, path: Path, shape: Shape, mapping: ItemMapping, *, is_mapped: bool) -> None:
        self._path: Final = path
        self._shape: Final = shape
        self._mapping: Final = mapping
        self._is_mapped: Final = is_mapped
        self._amount: Final = amount_reader(mapping.amounts)
        self._read: Final = self._readers()
        self._checked = False

    def _readers(self) -> dict[str, Callable[[Record], str]]:
        if self._is_mapped:
            return {str(name): source_reader(name, source) for name, source in self._mapping.fields.items()}
        return {name: lambda record, name=name: record.get(name, "") for name in self._shape.fields}  # type: ignore[misc]

    def records(self) -> Iterator[tuple[int, Record | Broken]]:
        """The records, whose columns are all known. Raises FileRefused."""
        for number, record in records(self._path, self._mapping):
            if not self._checked and isinstance(record, dict):
                self._checked = True
                self._check_columns(record)
            yield number, record

    def _check_columns(self, record: Record) -> None:
        unknown = [name for name in record if name not in self._shape.fields]
        if unknown and not self._shape.attributes and not self._is_mapped:
            known = ", ".join(self._shape.fields)
            problem = f"the column {show(unknown[0])} is not known; there can be: {known}"
            raise FileRefused(f"{self._path.name}: {problem}; or give a mapping")

    def row(self, number: int, record: Record | Broken) -> TableRow | Rejected:
        """One row with the cells that are not empty. Raises FileRefused for a date of two readings."""
        if isinstance(record, Broken):
            return Rejected(number, None, record.reason)
        cells: dict[str, str] = {}
        for name, read in self._read.items():
            try:
                text = read(record)
                if len(text) > _LONGEST:
                    return Rejected(number, self._column(name), f"has more than {_LONGEST} characters")
                if text:
                    cells[name] = self._value(name, text)
            except CellRefused as refusal:
                return Rejected(number, self._column(name), str(refusal))
            except DateNotSettled as problem:
                place = f"row {number}, column {self._column(name)}"
                raise FileRefused(f"{self._path.name}: {place}: {problem}") from None
        empty = next((name for name in self._shape.required if name not in cells), None)
        if empty is not None:
            return Rejected(number, self._column(empty), "is empty")
        return TableRow(number, self._attributes(record) | cells)

    def _value(self, name: str, text: str) -> str:
        if name in self._shape.months:
            return _month(text, self._mapping.date)
        return str(self._amount(text)) if name in self._shape.amounts else str(text)

    def _attributes(self, record: Record) -> dict[str, str]:
        if not self._shape.attributes:
            return {}
        taken = self._mapping.taken | (frozenset() if self._is_mapped else frozenset(self._shape.fields))
        rename = self._mapping.rename
        return {
            rename.get(name, name): str(cell) for name, cell in record.items() if cell and name not in taken
        }

    def _column(self, name: str) -> str:
        source = self._mapping.fields.get(cast("Field", name))
        return source.columns if source is not None and source.parts else name


def _month(text: str, pattern: DatePattern | None) -> str:
    """The first day of the month that *text* names, or lies in."""
    if _MONTH.fullmatch(text):
        text = f"{text}-01"
    elif pattern is not None and not isinstance(text, WorkbookDay):
        return pattern.read(text).replace(day=1).isoformat()
    return read_iso_date(str(text)).replace(day=1).isoformat()


def _without_twins(rows: Sequence[TableRow | Rejected], key: Sequence[str]) -> list[TableRow | Rejected]:
    """*rows*, those with one key rejected, each naming the others."""
    places: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in rows:
        if isinstance(row, TableRow):
            places[_key(row, key)].append(row.row)
    found: list[TableRow | Rejected] = []
    for row in rows:
        others = (
            [each for each in places[_key(row, key)] if each != row.row] if isinstance(row, TableRow) else []
        )
        if others:
            named = ", ".join(map(str, others[:_NAMED]))
            reason = f"has the same {' and '.join(key)} as row {named}; keep one of them"
            found.append(Rejected(row.row, None, reason))
        else:
            found.append(row)
    return found


def _key(row: TableRow, key: Sequence[str]) -> tuple[str, ...]:
    return tuple(row.cells.get(name, "") for name in key)
