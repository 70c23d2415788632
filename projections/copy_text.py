"""Rows as PostgreSQL's COPY reads them, put together by hand: writing rows is most of a feed's work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, Final
from uuid import UUID

import orjson

from projections.tables import Kind, Table, Values
from store.copy_text import NULL, text


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


_day: Final = lru_cache(maxsize=20_000)(str)

_WRITTEN: Final[dict[Kind, str]] = {
    Kind.ID: "'%032x' % {0}.int",
    Kind.TEXT: "{0} if {0}.isalnum() else text({0})",  # most are known at a glance to be plain
    Kind.WHOLE: "{0}",
    Kind.AMOUNT: "{0}",
    Kind.DAY: "day({0})",
    Kind.MOMENT: "{0}",
}
"""How a value that may be null is written otherwise: an expression of what `str` then makes a text of."""

_NEVER_NULL: Final[dict[Kind, str]] = {
    Kind.TRUTH: "'t' if {0} else 'f'",
    Kind.IDS: "array(map(identifier, {0})) if {0} else '{{}}'",
    Kind.TEXTS: "text(quoted_array({0}))",
    Kind.WHOLES: "array({0})",
    Kind.JSON: "json({0})",
}


def writer(table: Table) -> Callable[[Values], str]:
    """How a table's own columns are written: the end of a row, with its line feed."""
    return _writer(tuple(table.columns.values()))


@cache
def _writer(kinds: tuple[Kind, ...]) -> Callable[[Values], str]:
    """Written out column by column, once; a loop over them takes twice as long."""
    names = [f"v{place}" for place in range(len(kinds))]
    cells = [_cell(kind).format(name) for name, kind in zip(names, kinds, strict=True)]
    known: dict[str, Any] = {"row": "\t".join(["%s"] * len(names)) + "\n", "NULL": NULL}
    known |= {"text": text, "day": _day, "json": _json}
    known |= {"array": array, "quoted_array": quoted_array, "identifier": identifier}
    lines = ["def write(values):", f" {', '.join(names)}, = values", f" return row % ({', '.join(cells)},)"]
    exec("\n".join(lines), known)  # noqa: S102 - of nothing but what stands above
    write: Callable[[Values], str] = known["write"]
    return write


def _cell(kind: Kind) -> str:
    given = _NEVER_NULL.get(kind)
    return f"NULL if {{0}} is None else {_WRITTEN[kind]}" if given is None else given
