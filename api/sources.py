"""What a mapping says of one field, made into a function from a record to the field's text."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from api.cells import CellRefused, show
from api.mapping import IDENTITY, Combine, Field, Part, Source
from api.workbook import WorkbookDay

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.records import Record

_WHOLE_WITH_DECIMALS: Final = re.compile(r"(\d+)[.,]0+", re.ASCII)
_NOT_WHOLE: Final = re.compile(r"\d+[.,]\d+|\d+(?:[.,]\d+)?[eE]\+?\d+", re.ASCII)
_DIGITS: Final = re.compile(r"\d+", re.ASCII)


def source_reader(field: Field, source: Source) -> Callable[[Record], str]:
    """A function that reads *field*; empty if the record says nothing. It raises CellRefused."""
    if not source.parts:
        constant = source.when_empty
        return lambda _: constant
    readers = [_part_reader(part) for part in source.parts]
    if len(readers) == 1:
        read = readers[0]
    elif source.combine is Combine.FIRST_OF:
        read = _first_of(readers)
    else:
        read = _joined(source, readers, whole=field in IDENTITY)
    when_empty = source.when_empty
    if not when_empty:
        return read
    return lambda record: read(record) or when_empty


def _part_reader(part: Part) -> Callable[[Record], str]:
    column = part.column
    if not (part.integer or part.pad or part.values is not None or part.range or part.date):
        return itemgetter(column)

    def read(record: Record) -> str:
        text = record[column]
        return _clean(text, part) if text else text

    return read


def _clean(text: str, part: Part) -> str:
    if part.integer:
        text = _whole_number(text)
    if part.pad and _DIGITS.fullmatch(text):
        text = text.zfill(part.pad)
    if part.range is not None and not part.range.holds(text):
        return ""
    if part.date is not None and not isinstance(text, WorkbookDay):
        return part.date.read(text).isoformat()
    if part.values is None:
        return text
    meaning = part.values.get(text, part.otherwise)
    if meaning is None:
        known = ", ".join(show(value) for value in list(part.values)[:10])
        raise CellRefused(f"{show(text)} is not in the value table ({known}); add it, or `otherwise`")
    return meaning


def _whole_number(text: str) -> str:
    """An id without the decimals that a spreadsheet gave it; ids with letters stay as they are."""
    found = _WHOLE_WITH_DECIMALS.fullmatch(text)
    if found is not None:
        return found[1]
    if _NOT_WHOLE.fullmatch(text):
        raise CellRefused(f"{show(text)} is not a whole number; export the column as text")
    return text


def _first_of(readers: list[Callable[[Record], str]]) -> Callable[[Record], str]:
    return lambda record: next((text for read in readers if (text := read(record))), "")


def _joined(
    source: Source, readers: list[Callable[[Record], str]], *, whole: bool
) -> Callable[[Record], str]:
    def read(record: Record) -> str:
        texts = [read_part(record) for read_part in readers]
        given = [text for text in texts if text]
        if whole and given and len(given) < len(texts):
            # Half of a key is another key: it must not pass for this item's.
            empty = source.parts[texts.index("")].column
            raise CellRefused(f"{show(empty)} is empty, so the parts do not make a key")
        return source.separator.join(given)

    return read
