"""Percentiles of a few or many numbers, by linear interpolation."""

from __future__ import annotations

from collections.abc import Sequence


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The value below which *share* of *ordered* (smallest first) lies; None of no values.

    With n values x₀ … xₙ₋₁ and h = (n - 1) · share, it is x⌊h⌋ + (h - ⌊h⌋) · (x⌊h⌋₊₁ - x⌊h⌋): type 7 of
    Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50 (1996), which
    PostgreSQL's percentile_cont, NumPy and spreadsheets' PERCENTILE.INC use as well.
    """
    if not ordered:
        return None
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
