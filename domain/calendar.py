"""Days: the company's local date of a moment, and business days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TypeAlias
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
