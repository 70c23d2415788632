"""Spec 38: monthly figures of sales are stated, and stated anew."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from domain.identity import sales_id
from domain.refusals import CurrencyInvalid, MonthInvalid, TextMissing
from domain.sales import MonthlySalesStated, StateMonthlySales
from tests.domain.sentences import given

MARCH = date(2026, 3, 1)
STATED = StateMonthlySales(MARCH, "main", "EUR", Decimal("100.00"))
ID = sales_id("main", "EUR", MARCH)


def test_the_sales_of_a_month_are_stated():
    given().when(STATED).then(MonthlySalesStated(ID, MARCH, "main", "EUR", Decimal("100.00"), None))


def test_stated_anew_they_tell_the_figure_before():
    again = StateMonthlySales(MARCH, "main", "EUR", Decimal("90.00"))
    given(STATED).when(again).then(
        MonthlySalesStated(ID, MARCH, "main", "EUR", Decimal("90.00"), Decimal("100.00"))
    )


def test_said_twice_changes_nothing():
    given(STATED).when(StateMonthlySales(MARCH, "main", "EUR", Decimal(100))).then()


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (StateMonthlySales(date(2026, 3, 31), "main", "EUR", Decimal(1)), MonthInvalid),
        (StateMonthlySales(MARCH, "main", "euro", Decimal(1)), CurrencyInvalid),
        (StateMonthlySales(MARCH, " ", "EUR", Decimal(1)), TextMissing),
    ],
)
def test_a_figure_needs_a_month_a_currency_and_an_entity(command, refusal):
    given().when(command).then(refusal)
