r"""Values as PostgreSQL's COPY reads them in its text format: columns apart by tabs, rows by line feeds, null
as ``\N``, and backslashes before what would be mistaken for one of these."""

from __future__ import annotations

import re
from typing import Final

NULL: Final = "\\N"

_special: Final = re.compile(r"[\\\t\n\r\b\f\v]").search
_ESCAPES: Final = str.maketrans(
    {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\b": r"\b", "\f": r"\f", "\v": r"\v"}
)


def text(value: str) -> str:
    """A text, so that COPY reads it back as it is."""
    return value.translate(_ESCAPES) if _special(value) else value


def texts(column: list[str]) -> list[str]:
    """As `text` for many, of which there is seldom one to change."""
    return list(map(text, column)) if _special("".join(column)) else column


def cell(value: object) -> str:
    """Any value by what `str` makes of it; None is null."""
    return NULL if value is None else text(str(value))
