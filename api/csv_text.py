"""Reports as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula, and a formula can do harm."""


def csv_text(names: Sequence[str], rows: Iterable[Mapping[str, object]], *, raw: bool = False) -> str:
    """Rows with a header of *names* (RFC 4180). Texts that look like formulas get a ``'`` in front unless
    *raw*; numbers never do."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([cell(name, raw=raw) for name in names])
    for row in rows:
        writer.writerow([cell(row.get(name), raw=raw) for name in names])
    return text.getvalue()


def cell(value: object, *, raw: bool = False) -> str:
    """One value as a cell: nothing for None, list elements with spaces between."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if raw or not value.startswith(_FORMULA) else f"'{value}"
    if isinstance(value, Mapping):
        return cell("; ".join(f"{key}={each}" for key, each in value.items()), raw=raw)
    if isinstance(value, Iterable):
        return cell(" ".join(str(each) for each in value), raw=raw)
    return str(value)
