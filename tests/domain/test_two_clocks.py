"""Spec §1: when it happened. One decision has one moment, and no stream ever goes back."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from domain.dispute import (
    AssignResolver,
    CommentDispute,
    DisputeOpened,
    DisputeReopened,
    DisputeResolved,
    ReopenDispute,
)
from domain.follow_up import ChaseResolver, FollowUpPlan, PostponeFollowUp, ResolverChased
from domain.item import ClearItem, ItemCleared
from domain.refusals import ReceivedInTheFuture, TimeGoesBackwards
from tests.domain.sentences import (
    MONDAY,
    TECHNICIAN,
    at,
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

COMMENT = CommentDispute(dispute(), "Waiting for the delivery note")


def test_clocks_one_decision_has_one_moment_for_all_streams_that_it_writes() -> None:
    world = given(
        at(day(1), invoice("1", issued=on(1))),
        at(day(0), invoice("2")),
        at(day(3), qualifying("ongoing", "1")),
    )
    when = world.when(opening("1", "2"), at=day(2))
    assert when.moments == [day(3)]


def test_clocks_a_time_that_the_service_supplies_is_moved_forward() -> None:
    world = given(invoice("1"), at(day(2), opening("1")))
    assert world.when(COMMENT, at=day(1)).moments == [day(2)]
    assert world.when(COMMENT, at=day(3)).moments == [day(3)]


def test_clocks_what_follows_from_the_moment_follows_from_the_moved_one() -> None:
    world = given(invoice("1"), at(day(20), qualifying("ongoing", "1")))
    opened = world.when(opening("1"), at=day(0)).one(DisputeOpened)
    assert opened.received_on == day(20)


def test_clocks_an_explicit_time_that_goes_backwards_is_refused_naming_the_last_moment() -> None:
    world = given(invoice("1"), at(day(2), opening("1")))
    world.when(COMMENT, at=day(1), explicit=True).then(TimeGoesBackwards(day(1), day(2)))
    assert world.when(COMMENT, at=day(2), explicit=True).moments == [day(2)]


def test_clocks_an_explicit_time_is_held_against_every_stream_that_is_written() -> None:
    world = given(invoice("1"), invoice("2"), at(day(4), qualifying("ongoing", "2")))
    world.when(opening("1", "2"), at=day(3), explicit=True).then(TimeGoesBackwards(day(3), day(4)))
    assert world.when(opening("1"), at=day(3), explicit=True).moments == [day(3)]


@pytest.mark.parametrize("cleared_on", [None, on(0)])
def test_clocks_an_explicit_time_of_a_ledgers_word_is_refused_the_same(cleared_on: date | None) -> None:
    world = given(invoice("1"), at(day(2), qualifying("ongoing", "1")))
    world.when(ClearItem(item("1"), cleared_on), at=day(1), explicit=True).then(
        TimeGoesBackwards(day(1), day(2))
    )
    assert world.when(ClearItem(item("1")), at=day(3), explicit=True).moments == [day(3)]


def test_clocks_a_repetition_that_changes_nothing_may_tell_any_time() -> None:
    world = given(invoice("1"), at(day(2), ClearItem(item("1"))))
    world.when(ClearItem(item("1")), at=day(1), explicit=True).then_nothing()


# --- items -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("UTC", datetime(2026, 2, 10, tzinfo=UTC)),
        ("Europe/Paris", datetime(2026, 2, 9, 23, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 2, 10, 5, tzinfo=UTC)),
    ],
)
def test_clocks_a_registration_occurred_at_the_start_of_the_issue_date(zone: str, moment: datetime) -> None:
    assert given(zone=zone).when(invoice("1", issued=date(2026, 2, 10))).moments == [moment]


def test_clocks_no_registration_occurred_later_than_it_is_recorded() -> None:
    assert given().when(invoice("1", issued=on(10))).moments == [MONDAY]


def test_clocks_a_clearing_occurred_on_the_payment_date_if_there_is_one() -> None:
    world = given(invoice("1", issued=on(-30)))
    assert world.when(ClearItem(item("1"), on(-5))).moments == [day(-5, hour=0)]
    assert world.when(ClearItem(item("1"))).moments == [MONDAY]
    assert world.when(ClearItem(item("1"), on(5))).moments == [MONDAY]
    assert world.when(invoice("1", balance="0", cleared_on=on(-5))).moments == [day(-5, hour=0)]


def test_clocks_a_payment_date_before_what_happened_since_is_moved_forward_and_kept_as_told() -> None:
    when = given(invoice("1"), at(day(-2), opening("1"))).when(ClearItem(item("1"), on(-5)))
    assert when.moments == [day(-2)]
    assert when.one(ItemCleared).cleared_on == on(-5)
    assert when.one(DisputeResolved).outcome == "cleared"


def test_clocks_registered_and_cleared_by_one_row_are_two_decisions_in_order() -> None:
    row = invoice("1", balance="0", issued=on(-30), cleared_on=on(-5))
    assert given().when(row).moments == [day(-30, hour=0), day(-5, hour=0)]
    paid_before = invoice("1", balance="0", issued=on(-30), cleared_on=on(-40))
    assert given().when(paid_before).moments == [day(-30, hour=0), day(-30, hour=0)]


def test_clocks_a_correction_takes_effect_when_it_is_made() -> None:
    assert given(invoice("1")).when(invoice("1", balance="7"), at=day(3)).moments == [day(3)]


# --- episodes --------------------------------------------------------------------------------------


def test_clocks_the_episode_starts_when_the_customer_said_it() -> None:
    world = given(invoice("1"), opening("1", received_on=day(-6)))
    assert world.dispute().episode_opened_at == day(-6)
    assert world.moments[dispute()] == MONDAY


def test_clocks_nobody_said_it_after_the_opening() -> None:
    given(invoice("1")).when(opening("1", received_on=day(1))).then(ReceivedInTheFuture(day(1), MONDAY))


def test_clocks_a_reopened_episode_starts_at_the_reopening() -> None:
    world = given(invoice("1"), opening("1", received_on=day(-6)), at(day(1), resolving()))
    reopening = ReopenDispute(dispute(), FollowUpPlan(on(9)))
    assert world.when(reopening, at=day(2)).one(DisputeReopened).episode_opened_at == day(2)


# --- the company's day -----------------------------------------------------------------------------


def test_clocks_today_is_the_companys() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    assert given(invoice("1")).when(opening("1"), at=late).world.action(planned()).due_on == date(2026, 3, 9)
    paris = given(invoice("1"), zone="Europe/Paris").when(opening("1"), at=late)
    assert paris.world.action(planned()).due_on == date(2026, 3, 10)


def test_clocks_a_postponement_is_past_by_the_companys_day() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    world = given(invoice("1"), opening("1"), zone="Europe/Paris")
    assert world.when(PostponeFollowUp(planned(), date(2026, 3, 2)), at=late).refusal is not None
    assert world.when(PostponeFollowUp(planned(), date(2026, 3, 3)), at=late).events


def test_clocks_chases_are_dated_from_the_moved_moment() -> None:
    world = given(invoice("1"), opening("1"), AssignResolver(dispute(), TECHNICIAN))
    world = world.take(at(day(7), PostponeFollowUp(planned(), on(8))))
    assert world.when(ChaseResolver(planned()), at=day(0)).one(ResolverChased).due_on == on(14)
