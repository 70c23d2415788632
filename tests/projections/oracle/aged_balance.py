"""Spec 36: open balance in the company's buckets, the disputed part shown apart."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from projections.parameters import Parameters
from tests.projections.oracle import groups, reach
from tests.projections.oracle.answer import Answer, Row
from tests.projections.oracle.items import Item
from tests.projections.oracle.view import View


def aged_balance(view: View, asked: Parameters) -> Answer:
    seen = [item for item in view.open_items if reach.sees_aged(view, item)]
    found = [item for item in seen if view.is_item_asked(item, asked)]
    rows: dict[tuple[groups.Group, str], list[Item]] = defaultdict(list)
    totals: dict[str, list[Item]] = defaultdict(list)
    for item in found:
        rows[groups.of_item(view, item, asked.by or "customer"), item.currency].append(item)
        totals[item.currency].append(item)
    return Answer(
        [_row(view, group, currency, own) for (group, currency), own in rows.items()],
        [_row(view, groups.TOTAL, currency, own) for currency, own in totals.items()],
    )


def _row(view: View, group: groups.Group, currency: str, own: list[Item]) -> Row:
    ends = list(view.masters.settings["ageing_buckets"])
    buckets = dict.fromkeys(["not_due", *names(ends, 1)], Decimal(0))
    for item in own:
        late = (view.today - item.due).days
        buckets["not_due" if late <= 0 else bucket(ends, 1, late)] += item.balance
    return {
        "key": group[0],
        "label": group[1],
        "currency": currency,
        "buckets": buckets,
        "total": sum((item.balance for item in own), Decimal(0)),
        "disputed": sum((item.disputed for item in own), Decimal(0)),
    }


def names(ends: list[int], first: int) -> list[str]:
    """``1-30``, ``31-60``, ``over_60``."""
    firsts = [first, *(end + 1 for end in ends[:-1])]
    return [*(f"{low}-{high}" for low, high in zip(firsts, ends, strict=True)), f"over_{ends[-1]}"]


def bucket(ends: list[int], first: int, days: int) -> str:
    """The name of the bucket that *days* lie in."""
    called = names(ends, first)
    return next((name for name, end in zip(called, ends, strict=False) if days <= end), called[-1])
