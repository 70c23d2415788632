"""Spec 36: open balance in the company's buckets, the disputed part shown apart."""

from __future__ import annotations

from decimal import Decimal

from projections.parameters import Parameters
from tests.projections.oracle import groups, reach
from tests.projections.oracle.answer import Answer, Row
from tests.projections.oracle.buckets import bucket, names
from tests.projections.oracle.items import Item
from tests.projections.oracle.view import View


def aged_balance(view: View, asked: Parameters) -> Answer:
    by = groups.levels(asked.by or "customer")
    found = (
        (groups.of_item(view, item, by), item.currency, item)
        for item in view.open_items
        if reach.sees_aged(view, item) and view.is_item_asked(item, asked)
    )
    return groups.answer(groups.summed(found, len(by)), lambda _, currency, own: _row(view, currency, own))


def _row(view: View, currency: str, own: list[Item]) -> Row:
    ends = list(view.masters.settings["ageing_buckets"])
    buckets = dict.fromkeys(["not_due", *names(ends, 1)], Decimal(0))
    for item in own:
        late = (view.today - item.due).days
        buckets["not_due" if late <= 0 else bucket(ends, 1, late)] += item.balance
    return {
        "currency": currency,
        "buckets": buckets,
        "total": sum((item.balance for item in own), Decimal(0)),
        "disputed": sum((item.disputed for item in own), Decimal(0)),
    }
