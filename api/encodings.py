"""Why a file is not text in the declared encoding, where, and which encoding it more likely has."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK: Final = 2**16
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_OTHER_FORMATS: Final = (
    (b"PK\x03\x04", 'is a workbook or ZIP file; for XLSX set `format = "xlsx"` under [file] of the mapping'),
    (b"\xd0\xcf\x11\xe0", "is an old Office file, or has a password; save it as XLSX without a password"),
    (b"\x1f\x8b", "is compressed; unpack it first"),
    (b"%PDF", "is a PDF; export the rows as CSV"),
)
_CONTROLS: Final = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b")) + b"\x7f"
_BINARY_SHARE: Final = 50


def why_not_text(path: Path, encoding: str) -> str | None:
    """What the first bytes of a file already show: another format or encoding, or no text. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(_CHUNK)
    for start, problem in _OTHER_FORMATS:
        if head.startswith(start):
            return problem
    declared = _family(encoding)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if marked is not None and _family(marked) != declared:
        return f"begins with the mark of {marked}, not {encoding}{_set(marked)}"
    if declared in {"utf-16", "utf-32"}:
        return None
    found = wide(head)
    if found is not None:
        return f"is not {encoding} but probably {found}{_set(found)}"
    if len(head.translate(None, _CONTROLS)) < len(head) - len(head) / _BINARY_SHARE:
        return "holds binary data, not text; export the rows as CSV or JSON lines"
    return None


def where_undecodable(path: Path, encoding: str) -> str:
    """The first place that is not *encoding*: line and byte, counted from 1 and 0, and what it may be."""
    decoder = codecs.getincrementaldecoder(encoding)()
    read = lines = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            read += len(chunk)
            try:
                lines += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as error:
                line = lines + bytes(error.object[: error.start]).count(b"\n") + 1
                place = f"line {line}, byte {read - len(error.object) + error.start}"
                return f"{place}: is not {encoding}{_cure(bytes(error.object))}"
            except UnicodeError:
                return f"is not {encoding}; set `encoding` under [file] of the mapping"
            if not chunk:
                return f"is not {encoding}; set `encoding` under [file] of the mapping"


def _family(encoding: str) -> str:
    name = codecs.lookup(encoding).name
    return next((family for family in ("utf-8", "utf-16", "utf-32") if name.startswith(family)), name)


def wide(head: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of Western text is zero."""
    pairs = len(head) // 2
    if pairs and head[1::2].count(0) > pairs * 0.7 and not head[::2].count(0):
        return "utf-16-le"
    if pairs and head[::2].count(0) > pairs * 0.7 and not head[1::2].count(0):
        return "utf-16-be"
    return None


def _set(encoding: str) -> str:
    return f'; set `encoding = "{encoding}"` under [file] of the mapping'


def _cure(sample: bytes) -> str:
    for encoding in ("utf-8", "cp1252", "latin-1"):
        try:
            codecs.getincrementaldecoder(encoding)().decode(sample)
        except UnicodeDecodeError:
            continue
        return f"; it is probably {encoding}{_set(encoding)}"
    return ""
