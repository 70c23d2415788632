"""How long things take, counting those that are not over yet: the estimator of Kaplan and Meier.

A mean over closed cases alone is too short while long ones are still open. This estimator uses what an open
case tells: that it has lasted so long already (it is *censored*).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Final

Z: Final = NormalDist().inv_cdf(0.975)
"""Of a two-sided interval of 95 %."""

_SLACK: Final = 1e-10
"""S(t) is a product of many rounded factors: that much above a level is on it."""


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


def curve(over: Iterable[float], censored: Iterable[float]) -> list[Step]:
    """The survival function, a step for each time at which something was over.

    *over* are the durations of what is over, *censored* those so far of what is not. With dᵢ things over at
    the time tᵢ, of nᵢ that had lasted until then (what is censored at tᵢ is still among them):

        S(t) = Π (1 - dᵢ / nᵢ)  over tᵢ ≤ t
            E. L. Kaplan and P. Meier, Journal of the American Statistical Association 53 (1958)
        v(t) = Σ dᵢ / (nᵢ (nᵢ - dᵢ))  over tᵢ ≤ t
            M. Greenwood, The natural duration of cancer (1926): the variance of S is about S² v
        S(t) ^ exp(± z √v(t) / log S(t))
            the limits, on the scale of log(-log S), where they stay between 0 and 1: J. D. Kalbfleisch and
            R. L. Prentice, The Statistical Analysis of Failure Time Data (1980)

    Where S is 0 both limits are 0.
    """
    ended, left = Counter(over), Counter(censored)
    at_risk = ended.total() + left.total()
    survival, variance = 1.0, 0.0
    steps = []
    for time in sorted(ended.keys() | left.keys()):
        if over_now := ended[time]:
            lasting = at_risk - over_now
            survival *= lasting / at_risk
            variance += over_now / (at_risk * lasting) if lasting else 0
            steps.append(Step(time, survival, *_limits(survival, variance)))
        at_risk -= over_now + left[time]
    return steps


def _limits(survival: float, variance: float) -> tuple[float, float]:
    if survival == 0:
        return 0.0, 0.0
    spread = Z * sqrt(variance) / log(survival)
    # log S < 0, so the larger power is that of -spread
    return exp(log(survival) * exp(-spread)), exp(log(survival) * exp(spread))


def reached(steps: Sequence[Step], share: float) -> Reached:
    """When *share* of all (0.5: the median) was over: the first time at which S(t) ≤ 1 - share.

    Its limits are the first times at which the lower and the upper limit of S(t) are so low: R. Brookmeyer
    and J. Crowley, "A Confidence Interval for the Median Survival Time", Biometrics 38 (1982), on the scale
    above.
    """
    level = 1 - share + _SLACK
    return Reached(
        next((step.time for step in steps if step.survival <= level), None),
        next((step.time for step in steps if step.low <= level), None),
        next((step.time for step in steps if step.high <= level), None),
    )
