"""Receivables figures (spec 38) at random moments of random histories, against a fold in plain Python."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from domain.calendar import local_date
from domain.commands import Decision
from domain.dispute import Dispute, DisputeOpened
from domain.identity import DisputeId
from domain.item import Item, ItemType
from domain.sales import MonthlySales, StateMonthlySales
from projections.receivables import ReceivablesParameters, ReceivablesRow, receivables
from store.connections import Pool, open_pool
from tests.projections.histories import BEGINNING, Made, picks
from tests.projections.test_past import fed, fold, reading, told_late, visible, zone_of

DAYS, SALES_DAYS = 20, 25
NOW = datetime(2020, 2, 10, 15, tzinfo=UTC)


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=6) as pool:
        yield pool


def sold(seed: int) -> Made:
    """A history that begins with stated figures of months before; it states some of its own months, too."""
    made = told_late(picks(seed, 400), seed)
    before = Made()
    for month, amount in ((date(2019, 11, 1), "3100"), (date(2019, 12, 1), "1930.5")):
        before.give(StateMonthlySales(month, "main", "EUR", Decimal(amount)))
    made.decisions[1:1] = before.decisions[1:]
    return made


class Folded:
    """One currency as the decisions up to a moment leave it."""

    def __init__(self, seen: Sequence[Decision], at: datetime, currency: str) -> None:
        states = fold(seen).values()
        self._today = local_date(at, zone_of(seen))
        self._zone, self._currency, self._seen = zone_of(seen), currency, seen
        self._items = [
            each for each in states if isinstance(each, Item) and each.details.currency == currency
        ]
        self._stated = [
            each for each in states if isinstance(each, MonthlySales) and each.currency == currency
        ]
        self._cancelled: set[DisputeId] = {
            each.id for each in states if isinstance(each, Dispute) and each.state == "cancelled"
        }
        self._open = [each for each in self._items if each.is_open]

    def open(self) -> tuple[Decimal, Decimal, Decimal, int]:
        """Receivables, those not due, what is disputed, and how many disputes."""
        late = [each for each in self._open if each.details.due_date < self._today]
        total = sum((each.details.balance for each in self._open), Decimal(0))
        in_dispute = [each for each in self._open if each.dispute_id is not None]
        return (
            total,
            total - sum((each.details.balance for each in late), Decimal(0)),
            sum((each.disputed_amount for each in in_dispute), Decimal(0)),
            len({each.dispute_id for each in in_dispute}),
        )

    def opened(self) -> tuple[Decimal, int]:
        """Disputed newly in the last days: the amount, and how many disputes."""
        new = [
            event
            for decision in self._seen
            for event in decision.events
            if isinstance(event, DisputeOpened)
            and event.dispute_id not in self._cancelled
            and event.currency == self._currency
            and local_date(event.received_on, self._zone) > self._today - timedelta(days=DAYS)
        ]
        return sum((event.amount for event in new), Decimal(0)), len(new)

    def by_day(self) -> dict[date, Decimal]:
        """Sales of each day up to today; a stated figure spread over its month."""
        days: dict[date, Decimal] = defaultdict(Decimal)
        stated = {(each.entity, each.month) for each in self._stated}
        for each in self._items:
            details = each.details
            is_sale = details.type in {ItemType.INVOICE, ItemType.CREDIT_NOTE} and not each.withdrawn
            if is_sale and (each.entity, details.issue_date.replace(day=1)) not in stated:
                days[details.issue_date] += details.amount
        for figure in self._stated:
            length = monthrange(figure.month.year, figure.month.month)[1]
            for day in range(length):
                days[figure.month + timedelta(days=day)] += figure.amount / length
        return {day: amount for day, amount in days.items() if day <= self._today}

    def dso(self, remaining: Decimal) -> float | None:
        """By counting back, day by day: a month's sales are spread evenly over its days so far."""
        if remaining <= 0:
            return 0
        by_month: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
        for day, amount in self.by_day().items():
            by_month[day.year, day.month] += amount
        passed = 0.0
        day = self._today
        while (day.year, day.month) >= min(by_month, default=(9999, 1)):
            here = by_month.get((day.year, day.month), Decimal(0))
            if here >= remaining:
                return passed + float(remaining / here * day.day)
            remaining -= here
            passed += day.day
            day = day.replace(day=1) - timedelta(days=1)
        return None


def near(expected: float | None) -> object:
    return None if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-9)


def compare(row: ReceivablesRow, folded: Folded) -> set[str]:
    total, not_due, disputed, disputes = folded.open()
    assert (row.receivables, row.not_due, row.disputed, row.disputes) == (total, not_due, disputed, disputes)
    amount, number = folded.opened()
    assert (row.disputed_opened, row.disputes_opened) == (amount, number)
    recent = [
        sales for day, sales in folded.by_day().items() if day > folded._today - timedelta(days=SALES_DAYS)
    ]
    sales = sum(recent, Decimal(0))
    assert abs(row.sales - sales) <= Decimal("0.005")  # parts of months are told in cents
    assert row.simple_dso == (near(float(total / sales * SALES_DAYS)) if sales > 0 else None)
    whole, rest = folded.dso(total), folded.dso(total - disputed)
    assert row.dso == near(whole)
    assert row.dispute_dso == near(None if whole is None or rest is None else whole - rest)
    assert row.days_deduction_outstanding == near(float(disputed / amount * DAYS) if amount > 0 else None)
    assert row.days_deduction_outstanding_by_number == near(disputes / number * DAYS if number else None)
    told = {
        "dso": row.dso, "disputes": row.dispute_dso, "ddo": row.days_deduction_outstanding,
        row.sales_source: True,
    }  # fmt: skip
    return {name for name, value in told.items() if value}


@pytest.mark.parametrize("seed", range(5))
def test_38_figures_at_any_past_equal_those_of_a_fold(pool: Pool, seed: int) -> None:
    made = sold(seed)
    log, chance = fed(pool, made.decisions), Random(seed)
    met: set[str] = set()
    for turn in range(10):
        at = BEGINNING + timedelta(minutes=chance.randrange(60 * 24 * 38)) if turn % 3 else None
        known = log.end_of_decision_at(chance.randrange(made.events // 3, made.events + 1))
        asked = ReceivablesParameters(as_at=at, known_at=known, days=DAYS, sales_days=SALES_DAYS)
        seen = visible(made.decisions, at, known)
        found = receivables(reading(log, NOW), asked).rows
        for row in found:
            met |= compare(row, Folded(seen, at or NOW, row.currency))
        for currency in {"EUR", "USD"} - {row.currency for row in found}:
            nothing = Folded(seen, at or NOW, currency)
            assert not any(nothing.open())
            assert not nothing.by_day()
    assert {"dso", "disputes", "ddo"} <= met  # or little was compared
