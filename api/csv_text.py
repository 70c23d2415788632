"""Reports as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

CSV: Final = "text/csv; charset=utf-8"

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula, and a formula can do harm."""


_CHUNK: Final = 64 * 1024
"""Characters that go out together."""


def csv_text(names: Sequence[str], rows: Iterable[Mapping[str, object]], *, raw: bool = False) -> str:
    """Rows with a header of *names* (RFC 4180). Texts that look like formulas get a ``'`` in front unless
    *raw*; numbers never do."""
    return b"".join(csv_chunks(names, rows, raw=raw)).decode()


def csv_chunks(
    names: Sequence[str], rows: Iterable[Mapping[str, object]], *, raw: bool = False
) -> Iterator[bytes]:
    """As `csv_text`, in UTF-8, piece by piece as the rows come."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([cell(name, raw=raw) for name in names])
    for row in rows:
        writer.writerow([cell(row.get(name), raw=raw) for name in names])
        if text.tell() > _CHUNK:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


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
