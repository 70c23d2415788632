"""The estimator of Kaplan and Meier (spec 34), against the lifelines library and by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections import kaplan_meier
from projections.kaplan_meier import Curve, Reached

NEAR = 1e-9


def theirs(over: list[float], censored: list[float]) -> Any:
    from lifelines import KaplanMeierFitter  # noqa: PLC0415 - takes seconds to import

    happened = [1] * len(over) + [0] * len(censored)
    return KaplanMeierFitter().fit([*over, *censored], happened)


def first_time(curve: Any, level: float) -> float | None:
    """When a curve of lifelines is at *level*, give or take its rounding."""
    below = curve.index[curve.to_numpy() <= level + 1e-10]
    return float(below[0]) if len(below) else None


DURATIONS = st.one_of(
    st.integers(0, 12).map(float), st.integers(0, 400 * 86_400).map(lambda seconds: seconds / 86_400)
)


@given(over=st.lists(DURATIONS, max_size=40), censored=st.lists(DURATIONS, max_size=25))
@settings(max_examples=60, deadline=None)
def test_34_curve_interval_and_quantiles_equal_those_of_lifelines(over: list[float], censored: list[float]):
    if not over and not censored:
        assert [*Curve([], []).steps()] == []
        return
    fitted = theirs(over, censored)
    curve = Curve(over, censored)
    for step in curve.steps():
        assert step.survival == pytest.approx(fitted.survival_function_.loc[step.time].item(), abs=NEAR)
        assert [step.low, step.high] == pytest.approx(
            fitted.confidence_interval_.loc[step.time].to_list(), abs=NEAR
        )
    curves = [fitted.survival_function_, fitted.confidence_interval_]
    survival, low, high = (frame.iloc[:, place] for frame, place in zip(
        [curves[0], curves[1], curves[1]], [0, 0, 1], strict=True
    ))  # fmt: skip
    for share in (0.05, 0.5, 0.9):
        expected = Reached(*(first_time(each, 1 - share) for each in (survival, low, high)))
        assert curve.reached(share) == expected


def test_34_the_median_and_its_limits_equal_what_lifelines_calls_so():
    from lifelines.utils import median_survival_times, qth_survival_times  # noqa: PLC0415

    over: list[float] = [3.25, 4, 4.5, 7, 9, 10.75, 12, 14, 19, 21, 26, 31, 33.5, 40, 52]
    censored: list[float] = [2, 5, 8, 11, 20, 41]
    fitted = theirs(over, censored)
    curve = Curve(over, censored)
    median = curve.reached(0.5)
    assert median.time == pytest.approx(fitted.median_survival_time_, abs=NEAR)
    limits = median_survival_times(fitted.confidence_interval_).to_numpy().ravel().tolist()
    assert [median.low, median.high] == pytest.approx(limits, abs=NEAR)
    tail = qth_survival_times(0.1, fitted.confidence_interval_).to_numpy().ravel().tolist()
    assert curve.reached(0.9).low == pytest.approx(tail[0], abs=NEAR)


def test_34_the_worked_example():
    """Five episodes took 2, 3, 3, 8 and 12 days; three are open since 4, 9 and 10 days."""
    curve = Curve([2, 3, 3, 8, 12], [4, 9, 10])
    steps = [*curve.steps()]
    assert [step.time for step in steps] == [2, 3, 8, 12]
    assert [step.survival for step in steps] == pytest.approx([7 / 8, 5 / 8, 15 / 32, 0])
    assert curve.reached(0.5) == Reached(8, 2, 12)


def test_34_what_was_not_reached_is_not_made_up():
    assert Curve([1], [5, 5, 5]).reached(0.5) == Reached(None, 1, None)
    assert Curve([], []).reached(0.5) == Reached(None, None, None)


def test_34_what_is_censored_at_the_time_of_an_end_had_lasted_until_then():
    (step,) = Curve([4], [4]).steps()
    assert step.survival == 0.5


@given(
    over=st.lists(DURATIONS, min_size=1, max_size=300),
    censored=st.lists(DURATIONS, max_size=300),
    block=st.integers(1, 40),
    share=st.floats(0.01, 0.99),
)
@settings(max_examples=200, deadline=None)
def test_34_what_is_passed_over_in_blocks_is_not_what_is_looked_for(
    over: list[float], censored: list[float], block: int, share: float
):
    curve = Curve(over, censored)
    level = 1 - share + 1e-10
    expected: list[float | None] = [None, None, None]
    for step in curve.steps():
        for place, value in enumerate((step.survival, step.low, step.high)):
            if expected[place] is None and value <= level:
                expected[place] = step.time
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kaplan_meier, "_BLOCK", block)
        assert curve.reached(share) == Reached(*expected)
