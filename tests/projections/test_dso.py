"""The formulas of receivables figures (spec 38), by the examples of docs/explanation/figures.md."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.dso import MonthOfSales, count_back, days_deduction_outstanding, of_disputes, simple

MILLION = Decimal(1_000_000)

JUNE_TO_MARCH = [
    MonthOfSales(Decimal(300_000), 30),
    MonthOfSales(Decimal(400_000), 31),
    MonthOfSales(Decimal(200_000), 30),
    MonthOfSales(Decimal(350_000), 31),
]
"""The latest month first."""


def test_38_simple_dso_and_best_possible_dso():
    sales = 10 * MILLION
    assert simple(Decimal("1.2") * MILLION, sales, 365) == Decimal("43.8")
    assert simple(Decimal("0.8") * MILLION, sales, 365) == Decimal("29.2")


def test_38_count_back_takes_whole_months_and_then_a_part_of_one():
    assert count_back(Decimal(850_000), JUNE_TO_MARCH) == Decimal("83.5")
    assert count_back(Decimal(150_000), JUNE_TO_MARCH) == 15
    assert count_back(Decimal(300_000), JUNE_TO_MARCH) == 30
    assert count_back(Decimal(700_000), JUNE_TO_MARCH) == 61


def test_38_dso_of_disputes_is_what_is_left_without_them():
    # 850 000 → 83.5 days; 850 000 - 310 000 = 540 000 → 30 + 240/400 · 31 = 48.6
    assert of_disputes(Decimal(850_000), Decimal(310_000), JUNE_TO_MARCH) == Decimal("34.9")
    assert of_disputes(Decimal(850_000), Decimal(0), JUNE_TO_MARCH) == 0
    assert of_disputes(Decimal(850_000), Decimal(850_000), JUNE_TO_MARCH) == Decimal("83.5")
    assert of_disputes(2 * MILLION, Decimal(310_000), JUNE_TO_MARCH) is None


def test_38_days_deduction_outstanding_by_amount_and_by_number():
    assert days_deduction_outstanding(Decimal(120_000), Decimal(270_000), 90) == 40
    assert days_deduction_outstanding(18, 45, 90) == 36


def test_38_what_cannot_be_told_is_none_and_never_a_division_by_nothing():
    assert simple(MILLION, Decimal(0), 365) is None
    assert simple(MILLION, Decimal(-5), 365) is None
    assert days_deduction_outstanding(Decimal(5), Decimal(0), 90) is None
    assert count_back(MILLION * 2, JUNE_TO_MARCH) is None
    assert count_back(Decimal(1), []) is None
    assert count_back(Decimal(0), []) == 0
    assert count_back(Decimal(-7), JUNE_TO_MARCH) == 0


def test_38_a_month_of_more_credit_notes_than_invoices_gives_back_what_it_takes():
    months = [MonthOfSales(Decimal(-100), 30), MonthOfSales(Decimal(0), 28), MonthOfSales(Decimal(400), 31)]
    assert count_back(Decimal(100), months) == Decimal("73.5")


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(28, 31)), max_size=9), st.integers(1, 4000))
def test_38_count_back_walks_back_until_sales_make_up_the_receivables(
    sold: list[tuple[int, int]], receivables: int
):
    days = count_back(Decimal(receivables), [MonthOfSales(Decimal(sales), days) for sales, days in sold])
    if days is None:
        assert sum(sales for sales, _ in sold) < receivables
        return
    made_up, left = Decimal(0), days
    for sales, length in sold:
        part = min(left, Decimal(length))
        made_up += sales * part / length
        left -= part
    assert left == 0
    assert made_up == pytest.approx(Decimal(receivables))
