"""Days: the company's local date of a moment, and business days."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

WorkingDay: TypeAlias = Callable[[date], bool]
"""Whether a date is a working day; the company's public holidays are behind it."""


def local_date(at: datetime, zone: str) -> date:
    """The date of the moment *at* in the IANA *zone*."""
    return at.astimezone(ZoneInfo(zone)).date()


@lru_cache(maxsize=4_000)  # the same days come again and again in a file
def start_of_day(day: date, zone: str) -> datetime:
    """The first moment of *day* in the IANA *zone*."""
    return datetime.combine(day, time(), ZoneInfo(zone))


def next_working_day(day: date, is_working_day: WorkingDay) -> date:
    """*day* itself if it is a working day, else the first one after it."""
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


def is_weekday(day: date) -> bool:
    """Monday to Friday: the working days of a company that names no country."""
    return day.weekday() < 5  # noqa: PLR2004 - Saturday is 5


class BusinessDays:
    """Counts working days between dates of one stretch of time, however many such counts are asked for.

    Business days from *start* to *end* = the number of days d with start < d ≤ end that are working days
    (spec 34): what begins and ends on one date took none, and the day of the beginning never counts.
    Each day from *first* to *last* is looked at once, so that a count is one subtraction of running totals.
    """

    def __init__(self, first: date, last: date, is_working_day: WorkingDay) -> None:
        days = (first + timedelta(days=passed) for passed in range((last - first).days + 1))
        self._first: Final = first.toordinal()
        self._until: Final = tuple(accumulate(is_working_day(day) for day in days))

    def between(self, starts: Iterable[int], ends: Iterable[int]) -> list[int]:
        """Business days from each of *starts* to the one of *ends* beside it: ordinals of dates, all of them
        from *first* to *last*. Negative where the end is earlier."""
        first, until = self._first, self._until
        return [until[end - first] - until[start - first] for start, end in zip(starts, ends, strict=True)]
