"""Days in the company's ageing buckets (spec 27)."""

from __future__ import annotations


def names(ends: list[int], first: int) -> list[str]:
    """``1-30``, ``31-60``, ``over_60``."""
    firsts = [first, *(end + 1 for end in ends[:-1])]
    return [*(f"{low}-{high}" for low, high in zip(firsts, ends, strict=True)), f"over_{ends[-1]}"]


def bucket(ends: list[int], first: int, days: int) -> str:
    """The name of the bucket that *days* lie in."""
    called = names(ends, first)
    return next((name for name, end in zip(called, ends, strict=False) if days <= end), called[-1])
