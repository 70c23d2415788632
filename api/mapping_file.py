"""Reading a column mapping from TOML. It is checked before any row of a file is.

`docs/reference/mapping.md` describes the keys. Whatever is wrong is refused with file, key and cure."""

from __future__ import annotations

import codecs
import tomllib
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final

from api.cells import AmountMarks, DatePattern
from api.mapping import (
    AMOUNTS,
    DATES,
    REQUIRED,
    Combine,
    Field,
    FileFormat,
    FileKind,
    ItemMapping,
    Part,
    Source,
    TypeBySign,
)
from api.mapping_table import MappingRefused, Table
from api.markers import marker, numbers_between
from domain.item import ItemType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BIGGEST_PAD: Final = 60


def read_mapping(path: Path) -> ItemMapping:
    """The mapping in the TOML file *path*. Raises MappingRefused, naming file, key and cure."""
    return checked(path, load(path))


def checked(path: Path, content: Mapping[str, object]) -> ItemMapping:
    """The mapping that *content* is, as *path* holds it. Raises MappingRefused."""
    top = Table(path.name, "", content)
    file = top.table("file", required=False)
    columns = top.table("columns")
    attributes = top.table("attributes", required=False)
    rows = top.table("rows", required=False)
    top.finish()
    by_content = "format" not in file
    kind = FileKind(file.choice("format", list(FileKind), FileKind.CSV))
    amounts, date = amount_marks(file), declared_date(file)
    type_by_sign = _type_by_sign(columns)  # before the other fields, as it is no source of text
    mapping = ItemMapping(
        path=path,
        file=file_format(file, kind, by_content=by_content),
        amounts=amounts,
        date=date,
        fields=_fields(columns, by_sign=type_by_sign is not None),
        type_by_sign=type_by_sign,
        ignore=frozenset(attributes.texts("ignore", empty_allowed=True)),
        rename=attributes.text_table("rename"),
        negate_types=frozenset(map(ItemType, rows.choices("negate_types", list(ItemType)))),
        subtotal_when_empty=tuple(map(Field, rows.choices("subtotal_when_empty", list(Field)))),
        subtotal_when=tuple(map(marker, rows.tables("subtotal_when"))),
        only_when=tuple(map(marker, rows.tables("only_when"))),
    )
    attributes.finish()
    rows.finish()
    _check_together(mapping, top, attributes, rows)
    return mapping


def load(path: Path) -> dict[str, object]:
    """The TOML of the file *path*. Raises MappingRefused."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingRefused(f"{path.name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise MappingRefused(f"{path.name}: byte {error.start} is not UTF-8; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise MappingRefused(f"{path.name}: is not TOML: {error}") from None


def _check_together(mapping: ItemMapping, top: Table, attributes: Table, rows: Table) -> None:
    by_sign = mapping.type_by_sign is not None
    renamed = mapping.taken.intersection(mapping.rename)
    if renamed:
        raise attributes.refused("rename", f"names '{min(renamed)}', which does not become an attribute")
    if len(set(mapping.rename.values())) < len(mapping.rename):
        raise attributes.refused("rename", "gives two columns the same name; choose two names")
    missing = [f for f in REQUIRED if f not in mapping.fields and not (f is Field.TYPE and by_sign)]
    if missing:
        raise top.refused(f"columns.{missing[0]}", f'is missing; add `{missing[0]} = "<name of the column>"`')
    if mapping.file.year_begins is None and not all(pattern.has_year for pattern in mapping.patterns):
        cure = "say when it begins: `year_begins` under [file]"
        raise top.refused("file.date", f"or a date of [columns] has no year; {cure}")
    both = mapping.ignore.intersection(mapping.columns)
    if both:
        raise attributes.refused("ignore", f"names '{min(both)}', which is mapped; take it out of one")
    if by_sign and mapping.negate_types:
        raise rows.refused("negate_types", "contradicts `type` by sign; take one of them out")
    unmapped = [field for field in mapping.subtotal_when_empty if field not in mapping.fields]
    if unmapped:
        raise rows.refused("subtotal_when_empty", f"names {unmapped[0]}, which [columns] does not map")


def file_format(file: Table, kind: FileKind, *, by_content: bool) -> FileFormat:
    """How the file is written, from the keys of [file] that are left. Raises MappingRefused."""
    empty = frozenset(file.texts("empty"))
    sheet = file.text("sheet", "") or None if by_content or kind is FileKind.XLSX else None
    if kind is FileKind.XLSX:
        header_line = file.whole("header_line", 1, lowest=1, highest=1000)
        file.finish(hint=" for workbooks")
        return FileFormat(kind=kind, header_line=header_line, empty=empty, sheet=sheet)
    encoding = file.text("encoding", "utf-8-sig")
    try:
        text_encoding = codecs.lookup(encoding)._is_text_encoding  # noqa: SLF001 - there is no public way to ask
    except LookupError:
        text_encoding = False
    if not text_encoding:
        raise file.refused("encoding", "is not a known encoding; use utf-8-sig, cp1252, latin-1 or utf-16")
    if kind is FileKind.JSON_LINES:
        file.finish(hint=" for JSON lines")
        return FileFormat(kind=kind, encoding=encoding, empty=empty)
    delimiter = {"tab": "\t"}.get(named := file.text("delimiter", ","), named)
    quote = file.text("quote", '"', empty_allowed=True)
    for key, sign in (("delimiter", delimiter), ("quote", quote)):
        if len(sign) > 1 or sign in {"\n", "\r"} or (key == "delimiter" and not sign):
            raise file.refused(key, 'must be one character; for a tab write "tab"')
    if delimiter == quote:
        raise file.refused("quote", "is the delimiter too; they must differ")
    header_line = file.whole("header_line", 1, lowest=1, highest=1000)
    year_begins = _year_begins(file)
    file.finish()
    return FileFormat(
        kind, delimiter, quote or None, encoding, header_line, empty, by_content, sheet, year_begins
    )


def _year_begins(file: Table) -> date | tuple[int, int] | None:
    if "year_begins" not in file:
        return None
    place = file.peek("year_begins")
    if place is not None:
        file.drop("year_begins")
        found = tuple(place.whole(key, 0, lowest=1, highest=1000) for key in ("row", "cell"))
        place.finish()
        if not all(found):
            raise file.refused("year_begins", "needs `row` and `cell`, counted from 1")
        return found[0], found[1]
    try:
        return date.fromisoformat(file.text("year_begins"))
    except ValueError:
        raise file.refused(
            "year_begins", "must be a day such as 2024-01-01, or a table of row and cell"
        ) from None


def amount_marks(file: Table) -> AmountMarks:
    """The marks of amounts that [file] declares. Raises MappingRefused."""
    declared = "decimal" in file or "thousands" in file
    decimal, thousands = file.text("decimal", "."), file.text("thousands", "", empty_allowed=True)
    if decimal not in {".", ","}:
        raise file.refused("decimal", 'must be "." or ","')
    if thousands not in {"", ".", ",", " ", "'"}:
        raise file.refused("thousands", 'must be ".", ",", " ", "\'" or "" for none')
    if decimal == thousands:
        raise file.refused("thousands", "is the decimal mark too; they must differ")
    return AmountMarks(decimal, thousands, declared)


def declared_date(table: Table) -> DatePattern | None:
    """The format at ``date``, None for ISO dates. Raises MappingRefused."""
    text = table.text("date", "iso")
    if text.lower() == "iso":
        return None
    try:
        return DatePattern.of(text)
    except ValueError as error:
        raise table.refused("date", str(error)) from None


def _fields(columns: Table, *, by_sign: bool) -> Mapping[Field, Source]:
    columns.expect(list(Field))
    fields = {
        field: source_of(field, columns.table_or_text(field, "column")) for field in Field if field in columns
    }
    if by_sign and Field.TYPE in fields:
        # What the value table does not know, the sign decides.
        source = fields[Field.TYPE]
        parts = tuple(replace(part, otherwise=part.otherwise or "") for part in source.parts)
        fields[Field.TYPE] = replace(source, parts=parts)
    return fields


def _type_by_sign(columns: Table) -> TypeBySign | None:
    table = columns.peek(Field.TYPE)
    if table is None or not ("positive" in table or "negative" in table):
        return None
    positive, negative = (table.choice(key, list(ItemType)) for key in ("positive", "negative"))
    if any(key in table for key in ("column", "constant", *Combine)):
        columns.take_out(Field.TYPE, ("positive", "negative"))
    else:
        columns.drop(Field.TYPE)
        table.finish()
    if positive in {ItemType.CREDIT_NOTE, ItemType.PAYMENT}:
        raise table.refused("positive", f"is {positive}, whose amounts are negative")
    if negative == ItemType.INVOICE:
        raise table.refused("negative", "is invoice, whose amounts are positive")
    return TypeBySign(ItemType(positive), ItemType(negative))


def source_of(field: Field, table: Table) -> Source:
    """Where *field* comes from, as *table* tells it. Raises MappingRefused."""
    kinds = [key for key in ("column", "constant", *Combine) if key in table]
    if len(kinds) != 1:
        raise table.refused("", "needs exactly one of `column`, `constant`, `join`, `first_of`")
    date = declared_date(table) if field in DATES else None
    if kinds[0] == "constant":
        source = Source((), when_empty=table.text("constant"))
    elif kinds[0] == "column":
        source = Source((_part(table),), when_empty=table.text("when_empty", ""), date=date)
    else:
        parts = tuple(_finished_part(part, field) for part in table.tables(kinds[0], shorthand="column"))
        separator = table.text("with", "", empty_allowed=True) if kinds[0] == Combine.JOIN else ""
        source = Source(parts, Combine(kinds[0]), separator, table.text("when_empty", ""), date)
    if field in AMOUNTS:
        turning = tuple(map(marker, table.tables("negative_when")))
        minus = table.text("minus", "") or None
        source = replace(source, minus=minus, negative_when=turning, round=table.flag("round"))
    table.finish()
    if field is Field.TYPE:
        _check_types(source, table)
    if len({part.date is None for part in source.parts}) > 1:
        raise table.refused("", "gives a `date` to some columns only; give it to all of them")
    return source


def _part(table: Table) -> Part:
    column = table.text("column")
    values = table.text_table("values") if "values" in table else None
    otherwise = table.text("otherwise", "") or None
    if otherwise is not None and values is None:
        raise table.refused("otherwise", "needs `values`; add the table or use `constant`")
    pad = table.whole("pad", 0, lowest=1, highest=_BIGGEST_PAD)
    return Part(column, table.flag("integer"), pad, values, otherwise, numbers_between(table))


def _finished_part(table: Table, field: Field) -> Part:
    part = _part(table)
    if field in DATES:
        part = replace(part, date=declared_date(table))
    table.finish()
    return part


def _check_types(source: Source, table: Table) -> None:
    texts = [text for part in source.parts for text in (*(part.values or {}).values(), part.otherwise)]
    for text in (*texts, source.when_empty):
        if text and text not in list(ItemType):
            raise table.refused("", f"gives '{text}', which is no type of item; use {', '.join(ItemType)}")
