"""The rows of a CSV file: one by one as the CSV reader finds them, or many at once where nothing needs it.

A block of whole lines without any quotation mark comes apart by its delimiters alone, and so into columns,
several times as fast. As soon as anything else is in it, the block goes to the CSV reader.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from typing import IO, TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from api.mapping import FileFormat

MAX_CELL: Final = 2**20
"""The most characters of one cell."""

_MAX_LINE: Final = 2**22

_BLOCK: Final = 2**16
"""Characters looked at together: some hundred rows."""

_MOST_ROWS: Final = 500
"""Rows that the CSV reader hands over together."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that does not come apart into cells, and why."""

    reason: str


class FileRefused(Exception):
    """A file cannot be used as a whole. The message names the file, the place and the cure."""


Numbered: TypeAlias = tuple[int, list[str] | Broken]
"""A row with its number, from 1; no spaces around its cells."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows that follow one another, column by column; no spaces around cells. *numbers*: of the rows."""

    numbers: Sequence[int]
    cells: list[list[str]]

    def rows(self) -> list[Numbered]:
        """The same, row by row."""
        return list(zip(self.numbers, map(list, zip(*self.cells, strict=True)), strict=True))


def columns_of(rows: Sequence[Numbered]) -> Columns | None:
    """*rows*, at least one, column by column; None if one is broken or has more cells than others."""
    cells = [row for _, row in rows if not isinstance(row, Broken)]
    if len(cells) < len(rows) or len(set(map(len, cells))) > 1:
        return None
    return Columns([number for number, _ in rows], list(map(list, zip(*cells, strict=True))))


class Lines:
    """The lines of *text*, none longer than memory should hold. Raises FileRefused while they are read."""

    def __init__(self, path: Path, text: IO[str]) -> None:
        self._name: Final = path.name
        self._text: Final = text
        self._returned: IO[str] = StringIO()
        self.number = 0
        """How many have been read."""

    def __iter__(self) -> Iterator[str]:
        while line := self._returned.readline(_MAX_LINE) or self._text.readline(_MAX_LINE):
            self.number += 1
            if len(line) == _MAX_LINE and line[-1] not in "\r\n":
                problem = f"line {self.number} is longer than {_MAX_LINE} characters"
                raise FileRefused(f"{self._name}: {problem}; is this the right file, with line ends?")
            if "\0" in line:
                problem = f"line {self.number} holds a zero byte"
                raise FileRefused(f"{self._name}: {problem}; this is not a text file")
            yield line

    def take(self) -> str:
        """The lines that follow, some hundred, as one text; they count as read. Empty at the end."""
        text = self._text.read(_BLOCK)
        if text and text[-1] != "\n":  # within a line, or between both characters of a line's end
            text += self._text.readline(_MAX_LINE)
        self.number += text.count("\n")
        return text

    def give_back(self, text: str) -> None:
        """Read *text*, which was just taken, line by line after all."""
        self.number -= text.count("\n")
        self._returned = StringIO(text, newline="")

    @property
    def has_returned(self) -> bool:
        """Whether anything of what was given back is still to be read."""
        here = self._returned.tell()
        more = self._returned.read(1)
        self._returned.seek(here)
        return bool(more)


class CsvRows:
    """The rows of *lines*, as an iterator. Raises FileRefused while they are read."""

    def __init__(self, lines: Lines, path: Path, file: FileFormat) -> None:
        self._lines: Final = lines
        self._name: Final = path.name
        self._delimiter: Final = file.delimiter
        self._quote: Final = file.quote
        # Strict: otherwise a quotation mark that is never closed swallows the rest of the file silently.
        self._reader: Final = csv.reader(
            lines,
            delimiter=file.delimiter,
            quotechar=file.quote or '"',
            quoting=csv.QUOTE_MINIMAL if file.quote else csv.QUOTE_NONE,
            strict=True,
        )
        # The limit is the process's, not the reader's.
        csv.field_size_limit(MAX_CELL)
        self._number = 0

    def __iter__(self) -> Iterator[Numbered]:
        return self

    def __next__(self) -> Numbered:
        begin = self._lines.number + 1
        self._number += 1
        try:
            return self._number, list(map(str.strip, next(self._reader)))
        except csv.Error as error:
            return self._number, self._broken(str(error), f"row {self._number} (line {begin})")

    def blocks(self, width: int) -> Iterator[Columns | list[Numbered]]:
        """The rows that follow, many at a time: as columns where nothing but delimiters tells cells apart and
        each row has *width* of them."""
        while text := self._lines.take():
            cells = self._cut(text, width)
            if cells is not None:
                first = self._number + 1
                self._number += len(cells[0])
                yield Columns(range(first, self._number + 1), cells)
                continue
            self._lines.give_back(text)
            while self._lines.has_returned:
                yield self._some()

    def _some(self) -> list[Numbered]:
        found: list[Numbered] = []
        while len(found) < _MOST_ROWS and self._lines.has_returned:
            found.append(next(self))
        return found

    def _cut(self, text: str, width: int) -> list[list[str]] | None:
        """The columns of *text*, whole lines; None if it does not come apart by delimiters alone."""
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        is_quoted = self._quote and self._quote in text
        if is_quoted or "\r" in text or "\0" in text or len(text) > MAX_CELL:
            return None
        mark = self._delimiter
        text = text if text[-1] == "\n" else f"{text}\n"
        cells = text.replace("\n", f"{mark}\n{mark}").split(mark)
        cells.pop()
        # Line feeds are cells of their own now: one in each row, and where one is expected.
        rows = text.count("\n")
        if len(cells) != rows * (width + 1) or cells[width :: width + 1].count("\n") != rows:
            return None
        return [list(map(str.strip, cells[place :: width + 1])) for place in range(width)]

    def _broken(self, error: str, place: str) -> Broken:
        if "field limit" in error:
            problem = f"{place} holds a cell of more than {MAX_CELL} characters"
            raise FileRefused(f"{self._name}: {problem}; is a quotation mark there not closed?")
        if "unexpected end" in error:
            problem = f"{place} opens a quotation mark that is never closed"
            cure = 'close it, or set `quote = ""` if the file quotes nothing'
            raise FileRefused(f"{self._name}: {problem}; {cure}")
        return Broken("a quotation mark inside a quoted cell is not doubled")
