"""From bundles of episodes to the figures of resolution time (spec 34)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from math import fsum
from operator import itemgetter
from typing import Final

from domain.calendar import BusinessDays
from projections.kaplan_meier import Curve
from projections.quantiles import quantile
from projections.reading import Snapshot
from projections.selection import Grouping, Name
from projections.shares import Ordered
from store.working_days import working_days

CLOSED_ONLY: Final = "closed only"


@dataclass(frozen=True, slots=True)
class ResolutionTimeRow:
    """Episodes of one group. None stands for what cannot be told of none.

    Of those resolved in the period (``mean_basis`` says so: *closed only*; that mean is too short as long as
    others wait): their *count*; mean, median and 90th percentile in calendar days and in business days; the
    share *within_target* of the type, from 0 to 1, of those whose type has one; how many the resolver
    *responded* to, and after how many days on average and in the median; chases per episode; and for each
    currency ``weighted_mean_days_EUR``, the mean weighted by the amount at opening.

    Of those *opened* in the period, resolved or not: how many are *still_open*, and how many were
    *escalated*, which is not resolved either (spec 20); the Kaplan-Meier median and 90th percentile in
    calendar days, with their limits at 95 %, None where not reached yet.
    """

    key: str | None
    label: str | None
    grouped: Mapping[str, str | None] = field(default_factory=dict, kw_only=True)
    count: int
    mean_days: float | None
    median_days: float | None
    p90_days: float | None
    still_open: int
    escalated: int
    mean_basis: str
    mean_business_days: float | None
    median_business_days: float | None
    p90_business_days: float | None
    within_target: float | None
    responded: int
    mean_first_response_days: float | None
    median_first_response_days: float | None
    chases_per_episode: float | None
    opened: int
    km_median_days: float | None
    km_median_low: float | None
    km_median_high: float | None
    km_p90_days: float | None
    km_p90_low: float | None
    km_p90_high: float | None
    by_currency: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(slots=True)
class Bundle:
    """Episodes of one group, one currency and one *state*; either all or none of them resolved in the period,
    and so with those opened in it.

    *days* until they ended, or until the moment. Of those resolved in the period: on which days they were
    opened and ended (numbers, 1 being the first day of year 1), how long the first *response_days* took of
    those that had one, how often they were chased, how many had a target and were *in_time*, and the positive
    amounts at opening: their *weight*, and the days weighted so.

    *summed*: a bit for each level of the grouping that it is summed over.
    """

    summed: int
    key: str | None
    label: str | None
    state: str
    is_closed: bool
    is_opened: bool
    currency: str
    days: list[float]
    opened_on: list[int] | None
    ended_on: list[int] | None
    response_days: list[float] | None
    chases: int
    targeted: int
    in_time: int
    weight: float
    weighted_days: float
    second_key: str | None = None
    second_label: str | None = None
    business_days: list[int] = field(default_factory=list)

    @property
    def names(self) -> tuple[Name, Name]:
        """Of its group, level by level."""
        return (self.key, self.label), (self.second_key, self.second_label)


class Figures:
    """Makes rows of bundles."""

    def __init__(
        self,
        bundles: Sequence[Bundle],
        snapshot: Snapshot,
        group: Grouping,
        currencies: Iterable[str] | None = None,
    ) -> None:
        """currencies: all of the report, if *bundles* are a share of its."""
        self._group: Final = group
        self._bundles: Final = bundles
        of_these = {each.currency for each in bundles}
        self._currencies: Final = sorted(of_these if currencies is None else currencies)
        _count_business_days(bundles, snapshot)
        for each in bundles:
            each.days.sort()  # so that sums over several have little left to sort

    def of_level(self, level: int) -> list[ResolutionTimeRow]:
        """The rows of the groups that the first *level* levels make (the total, if none): largest first,
        months as they come."""
        if level == 0:
            return [self._row((), self._of_level(0))]
        return [row for _, row in sorted(self._ordered(level), key=itemgetter(0))]

    def ordered(self) -> list[Ordered[ResolutionTimeRow]]:
        """The rows of the last level, each behind its place among those of the whole report."""
        rows = self._ordered(len(self._group.levels))
        if len(self._group.levels) == 1:
            return rows
        above = {row.key: place for place, row in self._ordered(1)}
        return [((above[row.key], place), row) for place, row in rows]

    def _of_level(self, level: int) -> list[Bundle]:
        # In a subtotal or total an episode is one, in however many groups it is.
        above = len(self._group.levels) - level if self._group.is_split else 0
        return [each for each in self._bundles if each.summed.bit_count() == above]

    def _ordered(self, level: int) -> list[Ordered[ResolutionTimeRow]]:
        groups: dict[tuple[str | None, ...], list[Bundle]] = defaultdict(list)
        for each in self._of_level(level):
            groups[(each.key, each.second_key)[:level]].append(each)
        order = _month if self._group.levels[level - 1] == "month" else _largest
        several = ((key[-1], self._row(of_it[0].names[:level], of_it)) for key, of_it in groups.items())
        return [(order(key, row), row) for key, row in several]

    def _row(self, names: Sequence[Name], bundles: Sequence[Bundle]) -> ResolutionTimeRow:
        closed = [each for each in bundles if each.is_closed]
        opened = [each for each in bundles if each.is_opened]
        days = sorted(chain.from_iterable(each.days for each in closed))
        business = sorted(chain.from_iterable(each.business_days for each in closed))
        responses = sorted(chain.from_iterable(each.response_days or () for each in closed))
        curve = Curve(
            chain.from_iterable(each.days for each in opened if each.state == "resolved"),
            chain.from_iterable(each.days for each in opened if each.state != "resolved"),
        )
        median, p90 = curve.reached(0.5), curve.reached(0.9)
        return ResolutionTimeRow(
            **self._group.heading(*names),
            count=len(days),
            mean_days=_mean(days),
            median_days=quantile(days, 0.5),
            p90_days=quantile(days, 0.9),
            still_open=sum(len(each.days) for each in opened if each.state == "open"),
            escalated=sum(len(each.days) for each in opened if each.state == "escalated"),
            mean_basis=CLOSED_ONLY,
            mean_business_days=_mean(business),
            median_business_days=quantile(business, 0.5),
            p90_business_days=quantile(business, 0.9),
            within_target=_share(closed, lambda each: each.in_time, lambda each: each.targeted),
            responded=len(responses),
            mean_first_response_days=_mean(responses),
            median_first_response_days=quantile(responses, 0.5),
            chases_per_episode=_share(closed, lambda each: each.chases, lambda each: len(each.days)),
            opened=sum(len(each.days) for each in opened),
            km_median_days=median.time,
            km_median_low=median.low,
            km_median_high=median.high,
            km_p90_days=p90.time,
            km_p90_low=p90.low,
            km_p90_high=p90.high,
            by_currency={
                f"weighted_mean_days_{currency}": _share(
                    [each for each in closed if each.currency == currency],
                    lambda each: each.weighted_days,
                    lambda each: each.weight,
                )
                for currency in self._currencies
            },
        )


def _count_business_days(bundles: Iterable[Bundle], snapshot: Snapshot) -> None:
    days = [(each, each.opened_on, each.ended_on) for each in bundles if each.opened_on and each.ended_on]
    if not days:
        return
    # Nothing is looked up in the calendar but the days that matter.
    first = min(min(*opened, *ended) for _, opened, ended in days)
    last = max(max(*opened, *ended) for _, opened, ended in days)
    calendar = BusinessDays(date.fromordinal(first), date.fromordinal(last), working_days(snapshot.country))
    for each, opened, ended in days:
        each.business_days = calendar.between(opened, ended)


def _largest(key: str | None, row: ResolutionTimeRow) -> tuple[int, int, bool, str]:
    return -row.count, -row.still_open - row.escalated, key is None, key or ""


def _month(key: str | None, _: ResolutionTimeRow) -> tuple[int, int, bool, str]:
    return 0, 0, key is None, key or ""


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def _share(
    bundles: Sequence[Bundle], part: Callable[[Bundle], float], whole: Callable[[Bundle], float]
) -> float | None:
    of = fsum(map(whole, bundles))
    return fsum(map(part, bundles)) / of if of else None
