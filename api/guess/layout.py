"""How a file is written: format, encoding, delimiter, row of the header. Found by trying, not by its name."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from api.cells import AmountMarks
from api.encodings import why_not_text, wide
from api.guess.words import Sure, recognised
from api.mapping import Field, FileFormat, FileKind, ItemMapping, Part, Source
from api.records import Broken, FileRefused, Record, column_list, records
from api.workbook import WorkbookRefused, is_workbook, sheet_names, workbook_rows

_SAMPLE: Final = 2**18
_ROWS: Final = 100
_HEADER_WITHIN: Final = 40
_MOST_SHEETS: Final = 20
_DELIMITERS: Final = (",", ";", "\t", "|")
_NOT_CP1252: Final = frozenset(b"\x81\x8d\x8f\x90\x9d")
_LEAST_NAMES: Final = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: its value in the mapping, how sure it is, and why."""

    value: str
    sure: Sure
    why: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written, and what that rests on."""

    path: Path
    file: FileFormat
    header: tuple[str, ...]
    choices: dict[str, Choice]
    twice: frozenset[str] = frozenset()
    """Names that several columns have: these cannot be told apart."""

    def rows(self) -> Iterator[tuple[int, Record]]:
        """All rows that come apart into cells. Raises FileRefused."""
        for number, record in records(self.path, _bare(self)):
            if not isinstance(record, Broken):
                yield number, record


def _bare(layout: Layout) -> ItemMapping:
    # Where the file itself tells numbers from texts, they are to stay numbers: those of amounts do.
    numbers = layout.header if layout.file.kind is not FileKind.CSV else ()
    parts = tuple(Part(name) for name in numbers if name and name not in layout.twice)
    return ItemMapping(
        path=layout.path,
        file=layout.file,
        amounts=AmountMarks(),
        date=None,
        fields={Field.AMOUNT: Source(parts)} if parts else {},
        type_by_sign=None,
        ignore=layout.twice,
        rename={},
        negate_types=frozenset(),
        subtotal_when_empty=(),
        subtotal_when=(),
    )


def layout_of(path: Path) -> Layout:
    """How *path* is written. Raises FileRefused if it is no table or holds no header that can be found."""
    try:
        if is_workbook(path):
            return _of_workbook(path)
        encoding = _encoding(path)
        with path.open(encoding=encoding.value, newline="") as file:
            sample = file.read(_SAMPLE)
    except WorkbookRefused as refused:
        raise FileRefused(f"{path.name}: {refused}") from None
    except OSError as error:
        raise FileRefused(f"{path.name}: cannot be read: {error.strerror}") from None
    if not sample.strip():
        raise FileRefused(f"{path.name}: is empty; a header and rows are needed")
    if sample.lstrip().startswith("{"):
        return _of_json_lines(path, encoding)
    return _of_text(path, encoding, sample)


# --- encoding --------------------------------------------------------------------------------------


def _encoding(path: Path) -> Choice:
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Choice("utf-16", Sure.YES, "it begins with the mark of UTF-16")
    if (found := wide(head)) is not None:
        return Choice(found, Sure.YES, "every other byte is zero")
    problem = why_not_text(path, "utf-8")
    if problem and not head.startswith(codecs.BOM_UTF8):
        raise FileRefused(f"{path.name}: {problem}")
    special: set[int] = set()
    decoder, is_utf8, others = codecs.getincrementaldecoder("utf-8")(), True, False
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            others = others or not chunk.isascii()
            special |= _NOT_CP1252.intersection(chunk) if others else set()
            is_utf8 = is_utf8 and _decodes(decoder, chunk)
    if not others:
        return Choice("utf-8-sig", Sure.YES, "only letters that all encodings share")
    if is_utf8:
        return Choice("utf-8-sig", Sure.YES, "all of it is UTF-8")
    if special:
        return Choice("latin-1", Sure.LIKELY, "it is not UTF-8, and cp1252 lacks some of its bytes")
    return Choice("cp1252", Sure.LIKELY, "it is not UTF-8; a Western European Windows would write so")


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bool:
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


# --- text with delimiters --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Trial:
    """What a delimiter makes of the first rows."""

    delimiter: str
    header_line: int
    header: tuple[str, ...]
    names: int
    width: int
    share: float

    @property
    def rank(self) -> tuple[int, float, int]:
        return (self.names if self.width > 1 else 0, self.share, self.width)


def _of_text(path: Path, encoding: Choice, sample: str) -> Layout:
    trials = [_trial(sample, delimiter) for delimiter in _DELIMITERS]
    best, second = sorted(trials, key=lambda trial: trial.rank, reverse=True)[:2]
    if best.width < _LEAST_NAMES or not best.names:
        first = column_list(list(best.header)) if best.header else "nothing"
        problem = f"no row of the first {_HEADER_WITHIN} names columns that are known; it begins with {first}"
        raise FileRefused(f"{path.name}: {problem}; write the mapping by hand")
    quote = _quote(sample, best.delimiter)
    alone = second.width == 1 or second.names < best.names
    choices = {
        "delimiter": Choice(
            "tab" if best.delimiter == "\t" else best.delimiter,
            Sure.YES if alone and best.share == 1 else Sure.LIKELY,
            f"{best.share:.0%} of the first rows have {best.width} cells as the header",
        ),
        "encoding": encoding,
        "header_line": _header_choice(best.header_line, best.names),
    }
    if quote is None:
        choices["quote"] = Choice("", Sure.LIKELY, "quotation marks stand inside cells without being doubled")
    file = FileFormat(
        delimiter=best.delimiter, quote=quote, encoding=encoding.value, header_line=best.header_line
    )
    return Layout(path, file, best.header, choices, _twice(best.header))


def _trial(sample: str, delimiter: str) -> _Trial:
    rows = _parsed(sample, delimiter, quote='"')
    line, header = _best_header(rows)
    below = [len(row) for row in rows[line:] if any(cell.strip() for cell in row)]
    width = len(header)
    # A last row may be cut off by the end of the sample.
    share = Counter(below[:-1] or below)[width] / max(len(below[:-1] or below), 1) if below else 1.0
    return _Trial(delimiter, line, header, recognised(header), width, share)


def _parsed(sample: str, delimiter: str, quote: str | None) -> list[list[str]]:
    csv.field_size_limit(_SAMPLE)
    reader = csv.reader(
        io.StringIO(sample, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    return list(islice(reader, _ROWS))


def _quote(sample: str, delimiter: str) -> str | None:
    """None if quotation marks are letters like others here."""
    if '"' not in sample:
        return '"'
    lines = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, strict=True)
    try:
        for _ in islice(lines, _ROWS):
            pass
    except csv.Error:
        rows = _parsed(sample, delimiter, None)
        return None if len({len(row) for row in rows[:-1] if row}) == 1 else '"'
    return '"'


def _best_header(rows: Sequence[Sequence[str]]) -> tuple[int, tuple[str, ...]]:
    """The row, from 1, that names the most columns; the first of several."""
    named = [tuple(cell.strip() for cell in row) for row in rows[:_HEADER_WITHIN]]
    if not named:
        return 1, ()
    place = max(range(len(named)), key=lambda n: (recognised(named[n]), -n))
    return place + 1, named[place]


def _header_choice(line: int, names: int) -> Choice:
    sure = Sure.YES if names >= _LEAST_NAMES else Sure.NO
    return Choice(str(line), sure, f"{names} names of columns are known")


def _twice(header: Sequence[str]) -> frozenset[str]:
    return frozenset(name for name, count in Counter(header).items() if name and count > 1)


# --- other formats ---------------------------------------------------------------------------------


def _of_json_lines(path: Path, encoding: Choice) -> Layout:
    file = FileFormat(kind=FileKind.JSON_LINES, encoding=encoding.value)
    choices = {
        "format": Choice("jsonl", Sure.YES, "every line is a JSON object"),
        "encoding": encoding,
    }
    layout = Layout(path, file, (), choices)
    names: dict[str, None] = {}
    for _, record in islice(layout.rows(), 1_000):
        names |= dict.fromkeys(record)
    return Layout(path, file, tuple(names), choices)


def _of_workbook(path: Path) -> Layout:
    found: list[tuple[int, str, int, tuple[str, ...]]] = []
    for name in sheet_names(path)[:_MOST_SHEETS]:
        rows = [cells or [] for _, cells in islice(workbook_rows(path, name, 1, ()), _HEADER_WITHIN)]
        line, header = _best_header(rows)
        found.append((recognised(header), name, line, header))
    names, sheet, line, header = max(found, key=lambda each: each[0], default=(0, "", 1, ()))
    if not names:
        problem = f"no row of the first {_HEADER_WITHIN} names columns that are known"
        raise FileRefused(f"{path.name}: {problem}; write the mapping by hand")
    choices = {
        "format": Choice("xlsx", Sure.YES, "it is a workbook"),
        "sheet": Choice(
            sheet, Sure.YES if len(found) == 1 else Sure.LIKELY, "its header names the most columns"
        ),
        "header_line": _header_choice(line, names),
    }
    file = FileFormat(kind=FileKind.XLSX, header_line=line, sheet=sheet)
    return Layout(path, file, header, choices, _twice(header))
