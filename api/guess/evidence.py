"""What the cells of a column say of how dates and amounts are written. What has two readings stays open."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from api.cells import (
    AmountMarks,
    CellRefused,
    DateNotSettled,
    JsonNumber,
    amount_reader,
    date_readings,
    read_iso_date,
    show,
)
from api.workbook import WorkbookDay

ISO: Final = "iso"
_TOLERATED: Final = 0.02
"""The share of cells that may be no date or no amount: they will be rejected one by one."""

_LONGEST_SPAN: Final = 20
"""Years. Dates of open items do not lie further apart; a reading that says so takes a day for a year."""


@dataclass(frozen=True, slots=True)
class Example:
    """A cell, and in which row it stands."""

    row: int
    text: str

    def __str__(self) -> str:
        return f"{show(self.text)} (row {self.row})"


class Undecided(Exception):
    """A column has more than one reading, or none that fits it all. The message names them with examples."""


# --- dates -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class DateEvidence:
    """The readings of the cells of one column."""

    readings: Counter[frozenset[str]] = field(default_factory=Counter)
    examples: dict[frozenset[str], Example] = field(default_factory=dict)
    spans: dict[str, tuple[date, date]] = field(default_factory=dict)
    known_as_dates: int = 0

    def take(self, row: int, text: str) -> None:
        """Count the cell *text* in; an empty one says nothing."""
        if isinstance(text, WorkbookDay):
            self.known_as_dates += 1
            return
        if not text:
            return
        found = _readings(text)
        key = frozenset(found)
        self.readings[key] += 1
        self.examples.setdefault(key, Example(row, text))
        for pattern, day in found.items():
            low, high = self.spans.get(pattern, (day, day))
            self.spans[pattern] = (min(low, day), max(high, day))

    @property
    def total(self) -> int:
        """How many cells are not empty."""
        return self.readings.total() + self.known_as_dates

    @property
    def is_dates(self) -> bool:
        """Whether the column holds dates at all."""
        return self.total > 0 and self.readings[frozenset()] <= self.total * _TOLERATED

    @property
    def patterns(self) -> frozenset[str]:
        """The formats in which every date of the column can be read."""
        keys = [key for key in self.readings if key]
        found = frozenset.intersection(*keys) if keys else frozenset()
        plausible = frozenset(each for each in found if self._years(each) <= _LONGEST_SPAN)
        return plausible or found

    def _years(self, pattern: str) -> int:
        low, high = self.spans[pattern]
        return high.year - low.year

    def decided(self) -> tuple[str, str] | None:
        """The format and why; None if the column holds no text that is a date. Raises Undecided."""
        keys = [key for key in self.readings if key]
        if not keys:
            return None
        patterns = self.patterns
        if len(patterns) == 1:
            (pattern,) = patterns
            return pattern, self._why(pattern)
        raise Undecided(self._two_ways(patterns) if patterns else self._no_way(keys))

    def _why(self, pattern: str) -> str:
        if pattern == ISO:
            return f"all {self.readings.total()} dates are ISO dates"
        telling = {key: count for key, count in self.readings.items() if key == {pattern}}
        if not telling:
            return f"only so do the {self.readings.total()} dates lie near each other"
        count = sum(telling.values())
        example = self.examples[frozenset({pattern})]
        return f"{count} of {self.readings.total()} dates have no other reading, such as {example}"

    def _two_ways(self, patterns: frozenset[str]) -> str:
        key = min((key for key in self.readings if key), key=lambda key: self.examples[key].row)
        example = self.examples[key]
        days = {pattern: day for pattern, day in _readings(example.text).items() if pattern in patterns}
        named = " or ".join(f"{day.isoformat()} (`{pattern}`)" for pattern, day in days.items())
        cure = " or ".join(f"--date {pattern}" for pattern in days)
        return (
            f"every date can be read in more than one way: {example} is {named}, and a date format is never"
            f" guessed; say which: {cure}"
        )

    def _no_way(self, keys: list[frozenset[str]]) -> str:
        one = keys[0]
        other = next((key for key in keys if not key & one), keys[-1])
        readable = [f"{self.examples[key]} as {', '.join(sorted(key))}" for key in (one, other)]
        return f"its dates have no format in common: {' but '.join(readable)}; put them into one format"


@lru_cache(maxsize=50_000)
def _readings(text: str) -> dict[str, date]:
    try:
        return {ISO: read_iso_date(text)}
    except (DateNotSettled, CellRefused):
        return dict(date_readings(text))


# --- amounts ---------------------------------------------------------------------------------------

_MARKS: Final = tuple(
    AmountMarks(decimal, thousands, declared=True)
    for decimal, groups in ((".", ("", ",", " ", "'")), (",", ("", ".", " ", "'")))
    for thousands in groups
)
_READERS: Final = {marks: amount_reader(marks) for marks in _MARKS}


@dataclass(slots=True)
class AmountEvidence:
    """With which marks the amounts of a file can be read."""

    total: int = 0
    read: Counter[AmountMarks] = field(default_factory=Counter)
    telling: dict[str, Example] = field(default_factory=dict)
    """A cell that only one decimal mark can read, by that mark."""
    two_ways: Example | None = None
    unreadable: int = 0

    def take(self, row: int, text: str) -> None:
        """Count the cell *text* in; an empty one says nothing, nor does a number that a program wrote."""
        if not text or isinstance(text, JsonNumber):
            return
        self.total += 1
        found = {marks: amount for marks in _MARKS if (amount := _amount(marks, text)) is not None}
        self.read.update(found.keys())
        points = {amount for marks, amount in found.items() if marks.decimal == "."}
        commas = {amount for marks, amount in found.items() if marks.decimal == ","}
        if points and not commas:
            self.telling.setdefault(".", Example(row, text))
        elif commas and not points:
            self.telling.setdefault(",", Example(row, text))
        elif points != commas:
            self.two_ways = self.two_ways or Example(row, text)
        elif not found:
            self.unreadable += 1

    @property
    def is_amounts(self) -> bool:
        """Whether the cells are amounts at all."""
        return self.unreadable <= self.total * _TOLERATED

    def decided(self) -> tuple[AmountMarks, str]:
        """The marks and why. Raises Undecided."""
        if len(self.telling) > 1:
            point, comma = self.telling["."], self.telling[","]
            raise Undecided(f"some amounts have a decimal point, {point}, and some a comma, {comma}")
        if self.telling:
            (decimal,) = self.telling
            return self._best(decimal), f"no other mark fits {self.telling[decimal]}"
        if self.two_ways is not None:
            text = self.two_ways.text
            values = {m.decimal: value for m in _MARKS if (value := _amount(m, text)) is not None}
            named = " or ".join(f"{value} (decimal mark '{mark}')" for mark, value in values.items())
            raise Undecided(
                f"every amount can be read in two ways: {self.two_ways} is {named}; say which:"
                " --decimal . or --decimal ,"
            )
        return self._best("."), "no amount has decimals" if self.total else "the file itself tells numbers"

    def best(self, decimal: str) -> AmountMarks:
        """The marks with this decimal mark that read most."""
        return self._best(decimal)

    def _best(self, decimal: str) -> AmountMarks:
        return max(
            (marks for marks in _MARKS if marks.decimal == decimal), key=lambda marks: self.read[marks]
        )


def _amount(marks: AmountMarks, text: str) -> Decimal | None:
    try:
        return _READERS[marks](text)
    except CellRefused:
        return None


def amount_with(marks: AmountMarks, text: str) -> Decimal | None:
    """The amount that *text* is with *marks*, None if it is none."""
    return _amount(marks, text) if text else None
