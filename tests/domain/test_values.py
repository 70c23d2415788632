"""Amounts, days and ids."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain import identity
from domain.calendar import is_weekday, local_date, next_working_day, start_of_day
from domain.money import is_currency, same_sign, smaller, total


@pytest.mark.parametrize(
    ("one", "other", "same", "nearer"),
    [
        ("5", "3", True, "3"),
        ("-5", "-3", True, "-3"),
        ("5", "-3", False, "0"),
        ("0", "3", False, "0"),
        ("0", "-3", False, "0"),
        ("0", "0", False, "0"),
    ],
)
def test_amounts_on_one_side_of_zero(one: str, other: str, same: bool, nearer: str) -> None:  # noqa: FBT001
    for first, second in ((one, other), (other, one)):
        assert same_sign(Decimal(first), Decimal(second)) is same
        assert smaller(Decimal(first), Decimal(second)) == Decimal(nearer)


def test_amounts_are_added_exactly() -> None:
    assert total([Decimal("0.1")] * 3) == Decimal("0.3")
    assert total([]) == 0


@pytest.mark.parametrize(
    ("code", "valid"), [("EUR", True), ("eur", False), ("EURO", False), ("EUR\n", False), ("", False)]
)
def test_a_currency_is_three_capital_letters(code: str, valid: bool) -> None:  # noqa: FBT001
    assert is_currency(code) is valid


def test_the_day_is_the_zones() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    assert local_date(late, "UTC") == date(2026, 3, 2)
    assert local_date(late, "Europe/Paris") == date(2026, 3, 3)
    assert start_of_day(date(2026, 3, 3), "Europe/Paris") == datetime(2026, 3, 2, 23, tzinfo=UTC)
    assert start_of_day(date(2026, 7, 3), "Europe/Paris") == datetime(2026, 7, 2, 22, tzinfo=UTC)


def test_the_next_working_day_may_be_the_same() -> None:
    assert next_working_day(date(2026, 3, 6), is_weekday) == date(2026, 3, 6)
    assert next_working_day(date(2026, 3, 7), is_weekday) == date(2026, 3, 9)


def test_02_parts_of_an_identity_do_not_run_into_each_other() -> None:
    ids = {
        identity.item_id("a", "b", "c"),
        identity.item_id("ab", "", "c"),
        identity.item_id("a", "bc", ""),
        identity.item_id("", "ab", "c"),
    }
    assert len(ids) == 4


def test_ids_are_for_ever() -> None:
    assert str(identity.item_id("main", "0042", "0001")) == "beb00e4b-c1bd-5f5f-8016-a5110c1315f1"
    assert (
        len(
            {
                str(kind("x"))
                for kind in (
                    identity.customer_id,
                    identity.person_id,
                    identity.dispute_id,
                    identity.follow_up_id,
                )
            }
        )
        == 4
    )


def test_02_twins_differ_by_leading_zeros_alone_and_are_not_without_end() -> None:
    twins = identity.leading_zero_twins("main", "0042", "007")
    assert set(twins.values()) == {"7".rjust(length, "0") for length in range(1, 21)} - {"007"}
    assert all(identity.item_id("main", "0042", number) == found for found, number in twins.items())
    assert len(identity.leading_zero_twins("main", "0042", "0" * 1_000_000)) == 64
    assert identity.leading_zero_twins("main", "0042", "7" * 1_000_000) == {}
