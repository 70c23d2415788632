"""The case: what is read for a decision, and what a draft sees of itself."""

from __future__ import annotations

import pytest

from domain import identity
from domain.case import Case, Draft, evolve
from domain.commands import Command
from domain.decide import still_to_read
from domain.dispute import CommentDispute
from domain.follow_up import CommentFollowUp
from domain.identity import COMPANY_STREAM, PEOPLE_STREAM
from domain.item import ClearItem, ItemReturned
from domain.people import People
from domain.refusals import UnknownCustomer
from domain.roles import Actor
from tests.domain.sentences import (
    COLLECTOR,
    MANAGER,
    action,
    day,
    dispute,
    given,
    invoice,
    item,
    opening,
    planned,
    resolving,
)

WORLD = given(invoice("1"), invoice("2"), opening("1", "2"))


def test_a_decision_taken_into_the_case_is_as_if_it_were_read_back() -> None:
    case = WORLD.read(ClearItem(item("1")), MANAGER)
    after = WORLD.when(ClearItem(item("1")), at=day(1))
    case.absent.add(action("new"))
    for decision in after.decisions:
        case.take(decision)
    read = after.world.read(ClearItem(item("1")), MANAGER)
    assert case.states == {stream: after.world.states[stream] for stream in case.states}
    assert read.states.items() <= case.states.items()
    assert case.moments[item("1")] == day(1)
    assert case.absent == {action("new")}


def test_what_is_taken_into_the_case_is_no_longer_absent() -> None:
    new = given().when(invoice("1"))
    case = Case(absent={item("1")})
    case.take(new.decisions[0])
    assert case.absent == set()


def test_a_draft_leaves_the_case_as_it_was() -> None:
    case = WORLD.read(ClearItem(item("1")), MANAGER)
    before = dict(case.states)
    draft = Draft(case)
    draft.record(ItemReturned(item("1"), planned()))
    assert draft.item(item("1")).follow_ups == frozenset()
    assert case.states == before


def test_a_customer_who_was_not_read_is_unknown() -> None:
    with pytest.raises(UnknownCustomer):
        Case().customer(identity.customer_id("NEW"))


def test_without_people_there_is_nobody() -> None:
    assert Case().people == People()


def test_the_first_event_of_the_people_needs_no_people_before() -> None:
    world = given()
    first = next(
        event for decision in world.decisions for event in decision.events if event.stream_id == PEOPLE_STREAM
    )
    assert isinstance(evolve(None, first), People)


@pytest.mark.parametrize(
    ("command", "actor", "wanted"),
    [
        (
            ClearItem(item("1")),
            MANAGER,
            {item("1"), item("2"), dispute(), planned(), identity.customer_id("ACME")},
        ),
        (resolving(), MANAGER, {item("1"), item("2"), dispute(), planned(), identity.customer_id("ACME")}),
    ],
)
def test_a_decision_over_a_case_reads_all_that_is_connected(
    command: Command, actor: Actor, wanted: set[object]
) -> None:
    assert set(WORLD.read(command, actor).states) - {COMPANY_STREAM, PEOPLE_STREAM} == wanted


@pytest.mark.parametrize(
    ("command", "actor", "wanted"),
    [
        (CommentDispute(dispute(), "Text"), MANAGER, {dispute()}),
        (CommentDispute(dispute(), "Text"), COLLECTOR, {dispute(), identity.customer_id("ACME")}),
        (CommentFollowUp(planned(), "Text"), MANAGER, {planned(), dispute()}),
        (CommentFollowUp(planned(), "Text"), COLLECTOR, {planned(), dispute(), identity.customer_id("ACME")}),
    ],
)
def test_a_decision_over_one_stream_reads_that_and_whom_it_concerns(
    command: Command, actor: Actor, wanted: set[object]
) -> None:
    assert set(WORLD.read(command, actor).states) - {COMPANY_STREAM, PEOPLE_STREAM} == wanted


def test_what_is_absent_is_not_asked_for_again() -> None:
    case = WORLD.read(opening("9", name="E"), COLLECTOR)
    assert {item("9"), dispute("E")} <= case.absent
    assert still_to_read(case, [opening("9", name="E")], COLLECTOR) == frozenset()


def test_a_decision_of_nothing_has_no_last_moment() -> None:
    assert WORLD.read(resolving(), MANAGER).last_moment([]) is None
