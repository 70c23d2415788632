"""What changed in the months of disputes, in the days with each resolver, and by two groupings."""

from __future__ import annotations

from datetime import date

import pytest

from domain.customer import RegisterCustomer
from domain.dispute import (
    AssignResolver,
    CancelDispute,
    ChangeDisputeType,
    Outcome,
    ReopenDispute,
    ResolveDispute,
)
from domain.follow_up import FollowUpPlan
from domain.identity import dispute_id, person_id
from projections.comparison import Since
from tests.replay.test_what_changed import OPERATING, Desk, desk, only, pool, told

__all__ = ["desk", "pool"]


def test_33_what_was_opened_and_resolved_in_a_month_is_told_by_dispute(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    desk.does(ResolveDispute(dispute_id("D1"), Outcome.OTHER), "2026-02-20")
    reported = desk.log.newest()
    desk.opens("D2", "2", when="2026-03-10")
    desk.does(ReopenDispute(dispute_id("D1"), FollowUpPlan(date(2026, 12, 1))), "2026-03-20")
    desk.does(ResolveDispute(dispute_id("D2"), Outcome.OTHER), "2026-03-25")
    (row,) = desk.changes("dispute-months", Since(known_at=reported)).rows
    assert row.key == "2026-03"
    assert {name: int(each.change) for name, each in row.figures.items()} == {
        "opened": 1, "reopened": 1, "resolved": 1,
        "amount_opened": 100, "amount_reopened": 100, "amount_resolved": 100,
    }  # fmt: skip
    assert [(each.name, each.episode, each.kind) for each in row.contributions] == [
        ("D2", 1, "resolved"), ("D1", 2, "reopened"),
    ]  # fmt: skip


def test_33_a_resolution_leaves_the_month_of_the_opening_as_it_was(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    desk.does(ResolveDispute(dispute_id("D1"), Outcome.OTHER), "2026-03-20")
    (row,) = desk.changes("dispute-months").rows
    assert (row.key, only(desk.changes("dispute-months")).kind) == ("2026-03", "resolved")


def test_33_a_cancelled_dispute_was_never_opened(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    desk.does(CancelDispute(dispute_id("D1")), "2026-03-20")
    gone = only(desk.changes("dispute-months"))
    assert (gone.kind, int(gone.figures["opened"].change)) == ("cancelled", -1)


def test_33_what_was_opened_before_and_resolved_since_changes_its_row(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    desk.does(ResolveDispute(dispute_id("D1"), Outcome.OTHER), "2026-03-20")
    assert only(desk.changes("dispute-months", by="type")).kind == "resolved"


def test_34_days_at_each_desk_are_told_by_episode(desk: Desk) -> None:
    """Ten days with rita, then twenty with rolf."""
    desk.opens("D1", "1", when="2026-02-10", resolver_id=person_id("rita"))
    desk.does(AssignResolver(dispute_id("D1"), person_id("rolf")), "2026-02-20")
    desk.does(ResolveDispute(dispute_id("D1"), Outcome.OTHER), "2026-03-12")
    found = desk.changes("resolver-days")
    assert {
        key: [(each.name, each.kind, int(each.figures["days"].change)) for each in contributions]
        for (key, _), contributions in told(found).items()
    } == {"rita": [("D1", "resolved", 10)], "rolf": [("D1", "resolved", 20)]}
    (total,) = found.totals
    assert {name: int(each.after) for name, each in total.figures.items()} == {"episodes": 1, "days": 30}
    assert (total.statistics["mean_days"].after, total.mean_basis) == (30, "closed only")


@pytest.mark.parametrize(
    ("by", "subtotals"),
    [
        ("attribute:sector,resolver", {"food": (1, 30), "wine": (1, 30)}),
        ("resolver,attribute:sector", {"rita": (1, 10), "rolf": (1, 20)}),
        ("attribute:sector,type", {"food": (1, 30), "wine": (1, 30)}),
    ],
)
def test_34_days_count_once_in_totals_at_each_desk(
    desk: Desk, by: str, subtotals: dict[str, tuple[int, int]]
) -> None:
    desk.registers("8", attributes={"sector": "food"})
    desk.registers("9", attributes={"sector": "wine"})
    desk.opens("D1", "8", "9", when="2026-02-10", resolver_id=person_id("rita"))
    desk.does(AssignResolver(dispute_id("D1"), person_id("rolf")), "2026-02-20")
    desk.does(ResolveDispute(dispute_id("D1"), Outcome.OTHER), "2026-03-12")
    found = desk.changes("resolver-days", by=by)
    assert {
        row.key: (int(row.figures["episodes"].change), int(row.figures["days"].change))
        for row in found.totals
    } == {**subtotals, "total": (1, 30)}


@pytest.mark.parametrize("report", ["dispute-months", "resolution-time"])
def test_33_an_open_dispute_of_a_customer_who_was_given_away_is_left_out(desk: Desk, report: str) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    known = Since(known_at=desk.log.newest())
    desk.does(RegisterCustomer("C1", None, None, person_id("carl")), actor=OPERATING)
    assert only(desk.changes(report, known, collector=person_id("cora"))).kind == "left_out"
    assert only(desk.changes(report, known, collector=person_id("carl"))).kind == "came_in"
    moved = told(desk.changes(report, known, by="collector"))
    assert {key: each.kind for (key, _), (each,) in moved.items()} == {
        "cora": "moved_out", "carl": "moved_in",
    }  # fmt: skip


# --- two groupings -----------------------------------------------------------------------------------


def test_40_two_groupings_have_rows_with_two_keys_and_subtotals(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    desk.opens("D2", "1", when="2026-03-10", of="C2")
    found = desk.changes(by="type,customer")
    assert [(row.key, row.label, row.second_key, row.second_label) for row in found.rows] == [
        ("price", "Price dispute", "C2", "Customer C2")
    ]
    assert only(found).kind == "opened"
    assert [(row.key, row.second_key, int(row.figures["amount"].after)) for row in found.totals] == [
        ("price", "total", 200), ("total", "total", 200),
    ]  # fmt: skip
    assert found.is_by_two
    assert not desk.changes().is_by_two


def test_40_what_moved_between_rows_of_two_groupings_names_both_keys(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    desk.does(ChangeDisputeType(dispute_id("D1"), "quality"), "2026-03-10")
    moves = [each for row in desk.changes(by="type,customer").rows for each in row.contributions]
    assert {(each.moved_from, each.moved_to) for each in moves} == {
        ("price, C1", None), (None, "quality, C1"),
    }  # fmt: skip
