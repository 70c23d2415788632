"""What changed between two moments of the receivables figures: why the DSO is not what was told before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.customer import RegisterCustomer
from domain.dispute import (
    AddItems,
    CancelDispute,
    EscalateDispute,
    OpenDispute,
    Outcome,
    RemoveItems,
    ReopenDispute,
    ResolveDispute,
)
from domain.follow_up import FollowUpPlan
from domain.identity import dispute_id, item_id, person_id
from domain.item import ClearItem, ItemDetails, ItemType, RegisterItem
from domain.refusals import RoleForbids
from domain.roles import Actor, Permission, Role
from domain.sales import StateMonthlySales
from projections.comparison import Since
from replay.changed_rows import ChangedRow, WhatChanged
from tests.replay.test_what_changed import OPERATING, Desk, desk, item, pool, sentences, told

__all__ = ["desk", "pool"]

DETAILS = ItemDetails(
    ItemType.INVOICE, date(2026, 3, 10), date(2026, 4, 9), Decimal(300), Decimal(300), "EUR", {}
)


def invoiced(desk: Desk, number: str, issued: date, customer: str = "C1") -> None:
    details = replace(DETAILS, issue_date=issued, due_date=issued + timedelta(days=30))
    desk.does(RegisterItem(customer, "main", number, details), issued.isoformat())


def row(found: WhatChanged, bucket: str | None = None, key: str = "total") -> ChangedRow:
    (one,) = (each for each in found.rows if (each.key, each.bucket) == (key, bucket))
    assert told(found)  # they add up
    return one


def changes(one: ChangedRow) -> Mapping[str, int]:
    return {name: int(each.change) for name, each in one.figures.items() if each.change}


def kinds(one: ChangedRow) -> list[tuple[str, str | None, str]]:
    return sorted((each.thing, each.name, each.kind) for each in one.contributions)


def days(one: ChangedRow, name: str = "dso") -> tuple[Any, Any]:
    return one.statistics[name].before, one.statistics[name].after


# --- the DSO -----------------------------------------------------------------------------------------


def test_38_another_dso_is_told_with_the_items_that_made_it(desk: Desk) -> None:
    """January sold 400. Before: 28 days of February and 31 of January; now 31, 28, and 3 quarters of 31."""
    desk.does(ClearItem(item("1"), date(2026, 3, 5)))
    found = desk.changes("receivables")
    one = row(found)
    assert days(one) == (59, 82.25)
    assert changes(one) == {"receivables": -100}
    assert kinds(one) == [("item", "1", "cleared")]
    (total,) = found.totals
    assert {**total.statistics} == {**one.statistics}
    assert [int(each) for each in (total.figures["sales"].before, total.figures["sales"].after)] == [400, 400]
    assert one.mean_basis is None


def test_38_an_invoice_told_late_counts_in_receivables_and_in_the_sales_of_its_month(desk: Desk) -> None:
    known = desk.log.newest()
    invoiced(desk, "9", date(2026, 3, 10))
    found = desk.changes("receivables", Since(known_at=known))
    assert changes(row(found)) == {"receivables": 300, "not_due": 300}
    assert changes(row(found, "2026-03")) == {"sales": 300, "month_sales": 300}
    for one in found.rows:
        assert kinds(one) == [("item", "9", "registered")]
        assert sentences(one.contributions[0])
        # Before, nothing was sold in March and February; now 300 of the 700 were, and January's 400 remain.
        assert days(one) == (90, 90)
    assert days(row(found), "best_possible_dso") == (0, pytest.approx(300 / 700 * 365))


def test_38_time_alone_makes_another_dso_and_no_contribution(desk: Desk) -> None:
    found = desk.changes("receivables", "2026-03-30")
    one = row(found)
    assert days(one) == (89, 90)
    assert (one.contributions, changes(one)) == ((), {})
    assert desk.changes("receivables", "2026-03-31").rows == ()


def test_38_sales_that_are_none_of_the_last_days_any_more_are_told_by_their_month(desk: Desk) -> None:
    one = row(desk.changes("receivables", sales_days=60), "2026-01")
    assert changes(one) == {"sales": -400}
    assert one.figures["month_sales"].after == 400
    assert {each.kind for each in one.contributions} == {"aged"}
    assert days(one, "simple_dso") == (60, None)


def test_38_an_invoice_of_another_month_moves_its_sales(desk: Desk) -> None:
    invoiced(desk, "9", date(2026, 2, 10))
    known = desk.log.newest()
    invoiced(desk, "9", date(2026, 3, 10))
    found = desk.changes("receivables", Since(known_at=known))
    assert changes(row(found, "2026-02")) == {"sales": -300, "month_sales": -300}
    assert changes(row(found, "2026-03")) == {"sales": 300, "month_sales": 300}
    for bucket in ("2026-02", "2026-03"):
        (each,) = row(found, bucket).contributions
        assert each.kind == "corrected"
        assert "issued 2026-02-10 → 2026-03-10" in sentences(each)[0]


def test_38_stated_sales_take_the_place_of_invoices_and_say_so(desk: Desk) -> None:
    known = desk.log.newest()
    desk.does(StateMonthlySales(date(2026, 1, 1), "main", "EUR", Decimal(4000)))
    found = desk.changes("receivables", Since(known_at=known))
    one = row(found, "2026-01")
    assert changes(one) == {"sales": 3600, "month_sales": 3600}
    assert kinds(one) == [
        *[("item", number, "superseded") for number in ("1", "1", "2", "3")],
        ("sales", "main 2026-01", "stated"),
    ]
    for each in one.contributions:
        assert sentences(each) == ["The sales of main in 2026-01 were stated: 4000 EUR."]
    assert {each.customer_code for each in one.contributions} == {"C1", "C2", None}
    assert days(one) == (90, pytest.approx(31 + 28 + 3.1))
    # Only invoices tell whose sales they were.
    assert desk.changes("receivables", Since(known_at=known), by="customer").rows == ()


def test_38_sales_stated_anew_and_those_of_a_month_that_goes_on_are_told(desk: Desk) -> None:
    desk.does(StateMonthlySales(date(2026, 3, 1), "main", "EUR", Decimal(3100)))
    known = desk.log.newest()
    grew = row(desk.changes("receivables", "2026-03-20"), "2026-03")
    assert (kinds(grew), changes(grew)) == (
        [("sales", "main 2026-03", "aged")], {"sales": 1100, "month_sales": 1100},
    )  # fmt: skip
    desk.does(StateMonthlySales(date(2026, 3, 1), "main", "EUR", Decimal(6200)))
    again = row(desk.changes("receivables", Since(known_at=known), by="entity"), "2026-03", key="main")
    assert sentences(again.contributions[0]) == [
        "The sales of main in 2026-03 were stated: 6200 EUR, before 3100."
    ]


# --- disputes ----------------------------------------------------------------------------------------


def test_38_a_dispute_counts_by_number_and_its_items_by_amount(desk: Desk) -> None:
    desk.opens("D1", "1", "2", when="2026-03-10")
    one = row(desk.changes("receivables"))
    assert changes(one) == {
        "disputes": 1, "disputes_opened": 1, "disputed": 200, "disputed_opened": 200,
    }  # fmt: skip
    assert kinds(one) == [("dispute", "D1", "opened"), ("item", "1", "disputed"), ("item", "2", "disputed")]
    assert days(one, "days_deduction_outstanding") == (None, 90)
    assert days(one, "dispute_dso") == (0, 15.5)


@pytest.mark.parametrize(
    ("command", "kind", "opened"),
    [
        (ResolveDispute(dispute_id("D1"), Outcome.OTHER), "resolved", 0),
        (EscalateDispute(dispute_id("D1")), "escalated", 0),
        (CancelDispute(dispute_id("D1")), "cancelled", -1),
    ],
)
def test_38_how_a_dispute_ended_is_told(desk: Desk, command: Any, kind: str, opened: int) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    desk.does(command, "2026-03-10")
    one = row(desk.changes("receivables", by="customer"), key="C1")
    assert ("dispute", "D1", kind) in kinds(one)
    assert (changes(one)["disputes"], changes(one).get("disputes_opened", 0)) == (-1, opened)


def test_38_a_dispute_reopened_is_open_and_not_new(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-01-10")
    desk.does(ResolveDispute(dispute_id("D1"), Outcome.OTHER), "2026-01-20")
    desk.does(ReopenDispute(dispute_id("D1"), FollowUpPlan(date(2026, 12, 1))), "2026-03-20")
    one = row(desk.changes("receivables"))
    assert ("dispute", "D1", "reopened") in kinds(one)
    assert changes(one)["disputes"] == 1
    assert "disputes_opened" not in changes(one)


def test_38_a_dispute_that_was_opened_too_long_ago_is_new_no_more(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    one = row(desk.changes("receivables", days=30))
    assert kinds(one) == [("dispute", "D1", "aged")]
    assert changes(one) == {"disputes_opened": -1, "disputed_opened": -100}


def test_38_a_dispute_counts_where_its_items_are(desk: Desk) -> None:
    desk.registers("8", entity="north")
    desk.registers("9", entity="south")
    north, south = (item_id(entity, "C1", number) for entity, number in (("north", "8"), ("south", "9")))
    desk.does(OpenDispute(dispute_id("D1"), (north,), "price", "Too dear", reference="D1"), "2026-02-10")
    desk.does(AddItems(dispute_id("D1"), (south,)), "2026-03-10")
    found = desk.changes("receivables", by="entity")
    assert ("dispute", "D1", "items_added") in kinds(row(found, key="south"))
    assert not any(each.contributions for each in found.rows if each.key == "north")
    (total,) = found.totals
    assert total.figures["disputes"].change == 0
    desk.does(RemoveItems(dispute_id("D1"), (north,)), "2026-03-20")
    found = desk.changes("receivables", "2026-03-15", by="entity")
    assert ("dispute", "D1", "items_taken_out") in kinds(row(found, key="north"))


def test_38_what_another_collector_has_moved_with_all_its_sales(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    known = desk.log.newest()
    desk.does(RegisterCustomer("C1", None, None, person_id("carl")), actor=OPERATING)
    found = desk.changes("receivables", Since(known_at=known), by="collector")
    for bucket, things in ((None, {"item", "dispute"}), ("2026-01", {"item"})):
        gone, came = row(found, bucket, "cora"), row(found, bucket, "carl")
        assert {each.thing for each in came.contributions} == things
        assert {(each.kind, each.moved_to) for each in gone.contributions} == {("moved_out", "carl")}
        assert {(each.kind, each.moved_from) for each in came.contributions} == {("moved_in", "cora")}
        for each in came.contributions:
            assert sentences(each) == ["The customer was given to the collector Carl."]


def test_38_the_months_of_a_row_come_with_it(desk: Desk) -> None:
    known = desk.log.newest()
    for month in (2, 3):
        for customer in ("C1", "C2"):
            invoiced(desk, f"9{month}", date(2026, month, 10), customer)
    found = desk.changes("receivables", Since(known_at=known), by="customer")
    assert [(each.key, each.bucket) for each in found.rows] == [
        ("C1", None), ("C1", "2026-02"), ("C1", "2026-03"),
        ("C2", None), ("C2", "2026-02"), ("C2", "2026-03"),
    ]  # fmt: skip


# --- asking ------------------------------------------------------------------------------------------


def test_40_receivables_by_two_groupings_have_subtotals(desk: Desk) -> None:
    desk.does(ClearItem(item("1"), date(2026, 3, 5)))
    found = desk.changes("receivables", by="entity,customer")
    (one,) = (each for each in found.rows if each.contributions)
    assert (one.key, one.second_key, changes(one)) == ("main", "C1", {"receivables": -100})
    assert [(each.key, each.second_key, days(each)) for each in found.totals] == [
        ("main", "total", (59, 82.25)), ("total", "total", (59, 82.25)),
    ]  # fmt: skip


def test_29_who_may_not_read_receivables_may_not_ask_what_changed(desk: Desk) -> None:
    with pytest.raises(RoleForbids):
        desk.changes("receivables", actor=Actor(person_id("cora"), Role.COLLECTOR))


def test_29_a_program_that_reads_these_figures_alone_sees_no_events(desk: Desk) -> None:
    desk.does(ClearItem(item("1"), date(2026, 3, 5)))
    program = Actor(person_id("boss"), Role.SERVICE, scopes=frozenset({Permission.READ_RECEIVABLES}))
    (each,) = row(desk.changes("receivables", actor=program)).contributions
    assert (each.kind, each.events) == ("cleared", ())
