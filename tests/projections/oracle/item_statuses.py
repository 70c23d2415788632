"""Spec 35: open items per status, and how much of the overdue value has one."""

from __future__ import annotations

from decimal import Decimal

from projections.parameters import Parameters
from tests.projections.oracle import groups, reach
from tests.projections.oracle.answer import Answer, Row, share
from tests.projections.oracle.items import Item
from tests.projections.oracle.view import View


def item_statuses(view: View, asked: Parameters) -> Answer:
    by = groups.levels(asked.by or "status")
    found = (
        (groups.of_item(view, item, by), item.currency, item)
        for item in view.open_items
        if view.is_item_asked(item, asked) and reach.sees_status(view, item)
    )
    return groups.answer(groups.summed(found, len(by)), lambda _, currency, own: _row(view, currency, own))


def _row(view: View, currency: str, own: list[Item]) -> Row:
    overdue = [item for item in own if item.due < view.today]
    said = [item for item in overdue if item.status is not None]
    debit = sum((item.balance for item in overdue if item.balance > 0), Decimal(0))
    debit_said = sum((item.balance for item in said if item.balance > 0), Decimal(0))
    return {
        "currency": currency,
        "items": len(own),
        "amount": sum((item.balance for item in own), Decimal(0)),
        "overdue": sum((item.balance for item in overdue), Decimal(0)),
        "overdue_with_status": sum((item.balance for item in said), Decimal(0)),
        "share_with_status": share(debit_said, debit),
    }
