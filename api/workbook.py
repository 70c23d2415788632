"""Workbooks (XLSX): their rows, read by a process of its own whose memory and time are limited."""

from __future__ import annotations

import select
import subprocess
import sys
import zipfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

import orjson

from api.cells import JsonNumber, show

MEMORY: Final = 2**30
"""Bytes that reading a workbook may take. 100 000 rows of 20 columns take about 300 MB."""

_SECONDS: Final = 120
_LARGEST: Final = 100 * 2**20
_UNPACKED: Final = 512 * 2**20
_MOST_PARTS: Final = 10_000
_ZIP: Final = b"PK\x03\x04"
_OLD: Final = b"\xd0\xcf\x11\xe0"
_CHILD: Final = Path(__file__).with_name("workbook_child.py")
_CURE: Final = "split it, or save the sheet as CSV"
_LIMITS: Final = {"memory": MEMORY, "seconds": _SECONDS}
_TOO_MUCH: Final = f"needs more than {MEMORY // 2**20} MB or {_SECONDS} seconds to be read; {_CURE}"

Rows: TypeAlias = Generator[tuple[int, list[str] | None]]
"""Row numbers as the spreadsheet counts, and cells; None where a cell holds what is not text."""


class WorkbookRefused(Exception):
    """A workbook cannot be used. The message names the place and the cure, not the file."""


class WorkbookDay(str):
    """A cell that the spreadsheet itself knows as a date, in ISO 8601; no declared format applies to it."""

    __slots__ = ()


def is_workbook(path: Path) -> bool:
    """Whether a file begins as workbooks do. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(_ZIP)) == _ZIP


def workbook_rows(path: Path, sheet: str | None, header_line: int, columns: Sequence[str]) -> Rows:
    """The rows of one sheet: *sheet*, or else the first one that has *columns* in its row *header_line*.

    Cells are texts, without spaces around; those that the spreadsheet knows as numbers are JsonNumber, as
    dates WorkbookDay; of formulas the last result. Raises OSError, WorkbookRefused.
    """
    _check_package(path)
    told = {
        "path": str(path.absolute()),
        "sheet": sheet,
        "header_line": header_line,
        "columns": list(columns),
        **_LIMITS,
    }
    with _child(told) as lines:
        yield from _rows(lines, sheet)


def sheet_names(path: Path) -> list[str]:
    """The names of all sheets. Raises OSError, WorkbookRefused."""
    _check_package(path)
    told = {"path": str(path.absolute()), "sheet": "", "header_line": 1, "columns": [], **_LIMITS}
    with _child(told) as lines:
        message = orjson.loads(next(lines, b"{}"))
    if "sheets" not in message:
        raise WorkbookRefused(message.get("refused", _TOO_MUCH))
    found: list[str] = message["sheets"]
    return found


def _check_package(path: Path) -> None:
    """Look at what the file says of itself before anything is unpacked."""
    with path.open("rb") as file:
        head = file.read(len(_ZIP))
    if head == _OLD:
        raise WorkbookRefused("is an old Office file, or has a password; save it as XLSX without a password")
    if head != _ZIP:
        raise WorkbookRefused(
            'is no XLSX workbook; if it is text, set `format = "csv"` under [file] of the mapping'
        )
    if path.stat().st_size > _LARGEST:
        raise WorkbookRefused(f"is larger than {_LARGEST // 2**20} MB; {_CURE}")
    try:
        with zipfile.ZipFile(path) as package:
            parts = package.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise WorkbookRefused("is a broken workbook or ZIP file; open it and save it again as XLSX") from None
    if not any(part.filename.lower() == "xl/workbook.xml" for part in parts):
        raise WorkbookRefused("is a ZIP file but no XLSX workbook; unpack it, or save the sheet as XLSX")
    unpacked = sum(part.file_size for part in parts)
    if unpacked > _UNPACKED or len(parts) > _MOST_PARTS:
        size = f"{unpacked // 2**20} MB in {len(parts)} parts"
        raise WorkbookRefused(f"unpacks to {size}, where {_UNPACKED // 2**20} MB are allowed; {_CURE}")


@contextmanager
def _child(told: dict[str, Any]) -> Iterator[IO[bytes]]:
    arguments = [sys.executable, "-I", str(_CHILD), orjson.dumps(told).decode()]
    with subprocess.Popen(  # noqa: S603 - our own program
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None, "it was asked for"
        try:
            # Later on it waits for whoever reads; until its first line it only waits for itself.
            if not select.select([process.stdout], [], [], _SECONDS)[0]:
                raise WorkbookRefused(f"cannot be opened within {_SECONDS} seconds; {_CURE}")
            yield process.stdout
        finally:
            process.kill()


def _rows(lines: IO[bytes], sheet: str | None) -> Rows:
    for line in lines:
        message = orjson.loads(line)
        if isinstance(message, list):
            number, cells = message
            yield number, None if b"\\u0000" in line else list(map(_text, cells))
        elif "refused" in message:
            raise WorkbookRefused(message["refused"])
        elif "end" in message:
            return
        elif message["sheet"] is None:
            there = ", ".join(show(name) for name in message["sheets"][:30]) or "none"
            wanted = f"no sheet {show(sheet)}" if sheet else "no sheet"
            raise WorkbookRefused(f"there is {wanted}; there are: {there}")
    raise WorkbookRefused(_TOO_MUCH)


def _text(cell: str | list[str]) -> str:
    if isinstance(cell, str):
        return cell
    kind, text = cell
    return JsonNumber(text) if kind == "n" else WorkbookDay(text)
