"""Business days (spec 34): working days after the first date, up to the last."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import BusinessDays, is_weekday

FIRST, LAST = date(2025, 12, 1), date(2026, 3, 1)
DAYS = st.dates(FIRST, LAST)


@given(DAYS, DAYS, st.frozensets(DAYS, max_size=30))
def test_34_they_are_the_working_days_d_with_start_before_d_and_d_not_after_end(
    one: date, other: date, holidays: frozenset[date]
):
    start, end = sorted((one, other))

    def is_working_day(day: date) -> bool:
        return is_weekday(day) and day not in holidays

    days = [start + timedelta(days=passed) for passed in range(1, (end - start).days + 1)]
    calendar = BusinessDays(FIRST, LAST, is_working_day)
    (counted,) = calendar.between([start.toordinal()], [end.toordinal()])
    assert counted == sum(is_working_day(day) for day in days)


def test_34_a_weekend_has_none_and_a_day_by_itself_neither():
    calendar = BusinessDays(FIRST, LAST, is_weekday)
    friday, sunday, monday = date(2026, 1, 2), date(2026, 1, 4), date(2026, 1, 5)
    ends = [day.toordinal() for day in (friday, sunday, monday)]
    assert calendar.between([friday.toordinal()] * 3, ends) == [0, 0, 1]
