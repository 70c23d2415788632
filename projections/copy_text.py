"""Rows as PostgreSQL's COPY reads them, put together by hand: writing rows is most of a feed's work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias
from uuid import UUID

import orjson

from projections.tables import Kind, Table, Values
from store.copy_text import NULL, text

Encode: TypeAlias = Callable[[Any], str]


def identifier(value: UUID) -> str:
    """An id. PostgreSQL reads it without hyphens, and writing these takes most of the time."""
    return "%032x" % value.int  # noqa: UP031 - twice as quick as a format string


def array(values: Iterable[object]) -> str:
    """An array literal of ids, numbers or moments, none of which needs quoting."""
    return "{" + ",".join(map(str, values)) + "}"


def quoted_array(values: Iterable[str]) -> str:
    """An array literal of texts."""
    quoted = (value.replace("\\", r"\\").replace('"', r"\"") for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def _json(value: object) -> str:
    return text(orjson.dumps(value).decode()) if value else orjson.dumps(value).decode()


_ENCODERS: Final[dict[Kind, Encode]] = {
    Kind.ID: identifier,
    Kind.TRUTH: lambda value: "t" if value else "f",
    Kind.IDS: lambda values: array(map(identifier, values)),
    Kind.TEXTS: lambda values: text(quoted_array(values)),
    Kind.WHOLES: array,
    Kind.JSON: _json,
}
"""Of the other kinds a value is written as `str` writes it, but for what is special in texts."""


def writer(table: Table) -> Callable[[Values], str]:
    """How a table's own columns are written: the end of a row, with its line feed."""
    kinds = list(enumerate(table.columns.values()))
    encoded = [(place, _ENCODERS[kind]) for place, kind in kinds if kind in _ENCODERS]
    of_text = [place for place, kind in kinds if kind is Kind.TEXT]
    row = "\t".join(["%s"] * len(kinds)) + "\n"

    def write(values: Values) -> str:
        cells: list[Any] = [NULL if value is None else value for value in values]
        for place, encode in encoded:
            if (value := values[place]) is not None:
                cells[place] = encode(value)
        for place in of_text:
            cell = cells[place]
            if not cell.isalnum() and values[place] is not None:  # most are known at a glance to be plain
                cells[place] = text(cell)
        return row % tuple(cells)

    return write
