"""Ageing buckets: ranges of days with names that follow from a company's upper ends (30, 60, 90)."""

from __future__ import annotations

from collections.abc import Sequence


def names(ends: Sequence[int], first: int) -> list[str]:
    """The names of the buckets whose upper *ends* are given in days, the lowest beginning with *first*.

    ``names([30, 60], 1)`` is ``["1-30", "31-60", "over_60"]``.
    """
    lows = [first, *(end + 1 for end in ends[:-1])]
    return [*(f"{low}-{high}" for low, high in zip(lows, ends, strict=True)), f"over_{ends[-1]}"]


def starts(ends: Sequence[int]) -> list[int]:
    """The first days of all buckets but the lowest, as PostgreSQL's width_bucket wants them."""
    return [end + 1 for end in ends]
