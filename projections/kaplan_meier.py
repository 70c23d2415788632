"""How long things take, counting those that are not over yet: the estimator of Kaplan and Meier.

A mean over closed cases alone is too short while long ones are still open. This estimator uses what an open
case tells: that it has lasted so long already (it is *censored*).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Final, TypeAlias

Z: Final = NormalDist().inv_cdf(0.975)
"""Of a two-sided interval of 95 %."""

_SLACK: Final = 1e-10
"""S(t) is a product of many rounded factors: that much above a level is on it."""

_BLOCK: Final = 256
"""Ends that are passed over at once where none of them can be the one that is looked for."""

_BEYOND: Final = 100.0
"""An exponent from which on nothing is told of limits without looking at them one by one."""

_Three: TypeAlias = tuple[float, float, float]
"""The survival, its lower and its upper limit."""


@dataclass(frozen=True, slots=True)
class Step:
    """From *time* on (and until the next step) the share *survival* lasts longer; 95 % interval *low* to
    *high*."""

    time: float
    survival: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reached:
    """When a share of all was over, and the limits of its 95 % interval. None: not within the time that was
    observed."""

    time: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class _Run:
    """Ends between which nothing is censored: before the first of them, of which *ended* came before, so many
    are *at_risk*."""

    ended: int
    at_risk: int
    survival: float
    variance: float

    def after(self, ended: int) -> tuple[float, float]:
        """Survival and Greenwood's variance after *ended* ends, of which some are of this run."""
        lasting = self.at_risk - (ended - self.ended)
        if not lasting:
            return 0.0, self.variance
        # Of the products and sums over the run all but the first and last terms cancel each other out.
        return self.survival * lasting / self.at_risk, self.variance + 1 / lasting - 1 / self.at_risk


class Curve:
    """The survival function, a step for each time at which something was over.

    *over* are the durations of what is over, *censored* those so far of what is not. With dᵢ things over at
    the time tᵢ, of nᵢ that had lasted until then (what is censored at tᵢ is still among them):

        S(t) = Π (1 - dᵢ / nᵢ)  over tᵢ ≤ t
            E. L. Kaplan and P. Meier, Journal of the American Statistical Association 53 (1958)
        v(t) = Σ dᵢ / (nᵢ (nᵢ - dᵢ)) = Σ 1 / (nᵢ - dᵢ) - 1 / nᵢ  over tᵢ ≤ t
            M. Greenwood, The natural duration of cancer (1926): the variance of S is about S² v
        S(t) ^ exp(± z √v(t) / log S(t))
            the limits, on the scale of log(-log S), where they stay between 0 and 1: J. D. Kalbfleisch and
            R. L. Prentice, The Statistical Analysis of Failure Time Data (1980)

    Where S is 0 both limits are 0. What is over at one time may be counted one after the other: the terms are
    the same.
    """

    def __init__(self, over: Iterable[float], censored: Iterable[float]) -> None:
        self._over: Final = sorted(over)
        self._runs: Final = [*_runs(self._over, sorted(censored))]
        self._begins: Final = [run.ended for run in self._runs]

    def steps(self, begin: int = 0, end: int | None = None) -> Iterator[Step]:
        """The steps of the ends from number *begin* (from 0) until before number *end*."""
        last = len(self._over)
        for ended in range(begin + 1, (last if end is None else end) + 1):
            time = self._over[ended - 1]
            if ended == last or self._over[ended] != time:
                yield Step(time, *_with_limits(*self._after(ended)))

    def reached(self, share: float) -> Reached:
        """When *share* of all (0.5: the median) was over: the first time at which S(t) ≤ 1 - share.

        Its limits are the first times at which the lower and the upper limit of S(t) are so low: R.
        Brookmeyer and J. Crowley, "A Confidence Interval for the Median Survival Time", Biometrics 38 (1982),
        on the scale above.
        """
        level = 1 - share + _SLACK
        first: list[float | None] = [None, None, None]
        before = 1.0, 0.0
        for begin in range(0, len(self._over), _BLOCK):
            end = min(begin + _BLOCK, len(self._over))
            after = self._after(end)
            floors = _floors(*before, *after)
            if any(time is None and floor <= level for time, floor in zip(first, floors, strict=True)):
                for step in self.steps(begin, end):
                    for place, value in enumerate((step.survival, step.low, step.high)):
                        if first[place] is None and value <= level:
                            first[place] = step.time
            before = after
        return Reached(*first)

    def _after(self, ended: int) -> tuple[float, float]:
        return self._runs[bisect_right(self._begins, ended - 1) - 1].after(ended)


def _runs(over: list[float], censored: list[float]) -> Iterator[_Run]:
    # What is censored at the time of an end had lasted until then: it leaves behind that.
    left = [bisect_right(over, time) for time in censored]
    survival, variance = 1.0, 0.0
    begins = sorted({0, *left} | {len(over)})
    for begin, end in pairwise(begins):
        run = _Run(begin, len(over) - begin + len(left) - bisect_right(left, begin), survival, variance)
        yield run
        survival, variance = run.after(end)


def _with_limits(survival: float, variance: float) -> _Three:
    if survival == 0:
        return 0.0, 0.0, 0.0
    spread = Z * sqrt(variance) / log(survival)
    # log S < 0, so the larger power is that of -spread
    return survival, exp(log(survival) * exp(-spread)), exp(log(survival) * exp(spread))


def _floors(before: float, variance_before: float, after: float, variance_after: float) -> _Three:
    """What neither S nor its limits fall below between two points of the curve: 0 if that cannot be told.

    Both S and v are monotone, but the limits need not be; each power is at most what the ends make of it.
    """
    if before == 1 or after == 0:
        return after, 0.0, 0.0
    spread = -Z * sqrt(variance_after) / log(before)
    low = exp(log(after) * exp(spread)) if spread < _BEYOND else 0.0
    return after, low, exp(log(after) * exp(Z * sqrt(variance_before) / log(after)))
