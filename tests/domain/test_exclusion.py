"""Spec §4: when an item takes no part in the collection scenario."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.catalogue import DefineStatus, StatusKind
from domain.dispute import CancelDispute, EscalateDispute, Outcome, RemoveItems, ReopenDispute
from domain.follow_up import FollowUpPlan, PlanFollowUp
from domain.item import ClearItem, Exclusion
from domain.resolving import EndFollowUp
from tests.domain.sentences import (
    MONDAY,
    action,
    day,
    dispute,
    given,
    invoice,
    item,
    on,
    opening,
    planned,
    qualifying,
    resolving,
)

PLAN = PlanFollowUp(action("F"), "Public sector: wait", on(3), item_ids=(item("1"),))


def test_15_an_open_item_of_which_nothing_is_said_is_collectable() -> None:
    world = given(invoice("1"))
    assert world.exclusions("1") == set()
    assert world.collectable("1")


@pytest.mark.parametrize(
    ("kind", "excluded"),
    [
        (StatusKind.ONGOING, set()),
        (StatusKind.DISPUTE_RESOLVED, set()),
        (StatusKind.LITIGATION, {Exclusion.LITIGATION}),
        (StatusKind.DISPUTE, {Exclusion.DISPUTE}),
    ],
)
def test_15_an_item_is_excluded_while_its_statuss_kind_is_dispute_or_litigation(kind, excluded) -> None:
    world = given(
        DefineStatus("x", kind, {"en": "X"}), invoice("1"), qualifying("x", "1", plan_follow_up=False)
    )
    assert world.exclusions("1") == excluded
    assert world.collectable("1") is (excluded == set())


def test_15_while_an_open_action_lists_it() -> None:
    world = given(invoice("1"), invoice("2"), PLAN)
    assert world.exclusions("1") == {Exclusion.FOLLOW_UP}
    assert world.collectable("2")
    assert world.take(EndFollowUp(action("F"))).collectable("1")


def test_15_while_any_of_several_actions_lists_it() -> None:
    second = PlanFollowUp(action("G"), "Another", on(3), item_ids=(item("1"),))
    world = given(invoice("1"), PLAN, second, EndFollowUp(action("F")))
    assert world.exclusions("1") == {Exclusion.FOLLOW_UP}


@pytest.mark.parametrize(
    ("zone", "moment", "excluded"),
    [
        ("UTC", datetime(2026, 3, 4, 23, 59, 59, 999999, UTC), True),
        ("UTC", datetime(2026, 3, 5, tzinfo=UTC), False),
        ("Europe/Paris", datetime(2026, 3, 4, 22, 59, 59, tzinfo=UTC), True),
        ("Europe/Paris", datetime(2026, 3, 4, 23, tzinfo=UTC), False),
        ("America/New_York", datetime(2026, 3, 5, 4, 59, tzinfo=UTC), True),
        ("America/New_York", datetime(2026, 3, 5, 5, tzinfo=UTC), False),
    ],
)
def test_15_a_promise_holds_through_the_end_of_its_date_in_the_companys_zone(zone, moment, excluded) -> None:
    world = given(invoice("1"), qualifying("promise_to_pay", "1", promised_on=on(2)), zone=zone)
    assert world.exclusions("1", moment) == ({Exclusion.PROMISE} if excluded else set())
    assert world.collectable("1", moment) is not excluded


def test_15_another_status_ends_a_promise() -> None:
    promise = qualifying("promise_to_pay", "1", promised_on=on(9))
    assert given(invoice("1"), promise, qualifying("ongoing", "1")).collectable("1")


def test_15_after_written_off_until_it_clears() -> None:
    world = given(invoice("1"), opening("1"), resolving(Outcome.WRITTEN_OFF))
    assert world.exclusions("1") == {Exclusion.WRITTEN_OFF}
    assert world.exclusions("1", day(5000)) == {Exclusion.WRITTEN_OFF}
    world.take(ClearItem(item("1")))
    assert world.exclusions("1") == set()
    world.take(invoice("1"))
    assert world.collectable("1")


def test_15_written_off_stays_though_the_status_changes() -> None:
    world = given(invoice("1"), opening("1"), resolving(Outcome.WRITTEN_OFF), qualifying("ongoing", "1"))
    assert world.exclusions("1") == {Exclusion.WRITTEN_OFF}


def test_15_a_cleared_item_is_not_collected() -> None:
    world = given(invoice("1"), ClearItem(item("1")))
    assert world.exclusions("1") == set()
    assert not world.collectable("1")


def test_15_several_reasons_are_all_named() -> None:
    world = given(invoice("1"), opening("1"))
    assert world.exclusions("1") == {Exclusion.DISPUTE, Exclusion.FOLLOW_UP}


# --- as the dispute goes on ------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.CLEARED, Outcome.WRITTEN_OFF}))
def test_21_resolved_items_are_collectable_again_at_once(outcome: Outcome) -> None:
    assert given(invoice("1"), opening("1"), resolving(outcome)).collectable("1")


def test_21_unless_an_action_of_its_own_still_lists_them() -> None:
    world = given(invoice("1"), PLAN, opening("1"), resolving())
    assert world.exclusions("1") == {Exclusion.FOLLOW_UP}


def test_20_escalated_items_stay_excluded() -> None:
    world = given(invoice("1"), opening("1"), EscalateDispute(dispute()))
    assert world.exclusions("1") == {Exclusion.LITIGATION}


def test_20_a_cancelled_dispute_leaves_the_promise_that_was_there() -> None:
    promise = qualifying("promise_to_pay", "1", promised_on=on(1))
    world = given(invoice("1"), promise, opening("1"), CancelDispute(dispute()))
    assert world.exclusions("1", MONDAY) == {Exclusion.PROMISE}
    assert world.collectable("1", day(2))


def test_19_a_removed_item_is_collectable_again() -> None:
    world = given(invoice("1"), invoice("2"), opening("1", "2"), RemoveItems(dispute(), (item("1"),)))
    assert world.collectable("1")
    assert not world.collectable("2")


def test_22_a_reopened_dispute_excludes_its_items_again() -> None:
    world = given(invoice("1"), opening("1"), resolving(), ReopenDispute(dispute(), FollowUpPlan(on(5))))
    assert world.exclusions("1") == {Exclusion.DISPUTE, Exclusion.FOLLOW_UP}


def test_25_the_last_action_of_a_dispute_gives_its_items_back() -> None:
    world = given(invoice("1"), opening("1"), EndFollowUp(planned(), outcome=Outcome.OTHER))
    assert world.collectable("1")
