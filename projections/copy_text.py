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
    return f"{value.int:032x}"


def array(values: Iterable[object]) -> str:
    """An array literal of ids, numbers or moments, none of which needs quoting."""
    return "{" + ",".join(map(str, values)) + "}"


def quoted_array(values: Iterable[str]) -> str:
    """An array literal of texts."""
    quoted = (value.replace("\\", r"\\").replace('"', r"\"") for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def _json(value: object) -> str:
    return text(orjson.dumps(value).decode())


_ENCODERS: Final[dict[Kind, Encode]] = {
    Kind.ID: identifier,
    Kind.TEXT: text,
    Kind.WHOLE: str,
    Kind.AMOUNT: str,
    Kind.DAY: str,
    Kind.MOMENT: str,
    Kind.TRUTH: lambda value: "t" if value else "f",
    Kind.IDS: lambda values: "{" + ",".join([f"{value.int:032x}" for value in values]) + "}",
    Kind.TEXTS: lambda values: text(quoted_array(values)),
    Kind.WHOLES: array,
    Kind.JSON: _json,
}


def writer(table: Table) -> Callable[[Values], str]:
    """How a table's own columns are written: the end of a row, with its line feed."""
    encoders = tuple(_ENCODERS[kind] for kind in table.columns.values())

    def write(values: Values) -> str:
        cells = [
            NULL if value is None else encode(value) for encode, value in zip(encoders, values, strict=True)
        ]
        return "\t".join(cells) + "\n"

    return write
