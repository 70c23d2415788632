"""What changed between two moments of the agenda: which lines came, went and moved, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.customer import RegisterCustomer
from domain.dispute import AssignResolver, CancelDispute, Outcome, ReopenDispute, ResolveDispute
from domain.follow_up import ChaseResolver, FollowUpPlan, PlanFollowUp, PostponeFollowUp
from domain.identity import customer_id, dispute_id, follow_up_id, person_id
from domain.item import ClearItem
from domain.people import DeactivatePerson
from domain.refusals import NotYours, RoleForbids
from domain.reminder import DoReminderStep, PostponeReminderStep
from domain.roles import Actor, Permission, Role
from projections.comparison import Counts, Figures, Line, Place, Since, Thing
from projections.parameters import ParameterInvalid
from replay.change_kinds import Difference, Kind
from replay.changed_rows import Contribution, WhatChanged
from replay.kind_of_change import kind_of
from tests.replay.test_what_changed import OPERATING, Desk, desk, item, pool, sentences, told

__all__ = ["desk", "pool"]

FOLLOW_UP, STEP = "follow_up", "scenario_step"
NO_RESOLVER, NO_ACTION = "dispute_without_resolver", "dispute_without_follow_up"
NO_COLLECTOR = "customer_without_collector"


def came_and_went(found: WhatChanged) -> dict[tuple[Any, Any], list[tuple[str | None, str, int]]]:
    """By person and kind of line: what contributes, how, and how many lines more it has."""
    return {
        place: [(each.name, each.kind, int(each.figures["lines"].change)) for each in contributions]
        for place, contributions in told(found).items()
    }


def planned(desk: Desk, name: str, number: str, due: str, **more: Any) -> None:
    """An action over an item on 10 February."""
    action = PlanFollowUp(
        follow_up_id(name), f"Look at {name}", date.fromisoformat(due), item_ids=(item(number),), **more
    )
    desk.does(action, "2026-02-10")


def one(found: WhatChanged, key: str | None, kind: str) -> Contribution:
    """The only contribution to a person's lines of one kind."""
    (contribution,) = told(found)[key, kind]
    return contribution


def opened(desk: Desk, when: str = "2026-02-10", **more: Any) -> None:
    """The dispute D1, with Rita unless *more* says otherwise, and without action."""
    desk.opens("D1", "1", when=when, **{"resolver_id": person_id("rita"), "plan_follow_up": False, **more})


# --- follow-up actions -------------------------------------------------------------------------------


def test_32_an_action_stands_with_its_owner_and_the_resolver_from_when_it_was_planned(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-03-10", resolver_id=person_id("rita"))
    found = desk.changes("agenda")
    assert came_and_went(found) == {
        ("cora", FOLLOW_UP): [("Ask the resolver", "planned", 1)],
        ("rita", FOLLOW_UP): [("Ask the resolver", "planned", 1)],
    }
    line = one(found, "rita", FOLLOW_UP)
    assert (line.thing, line.customer_code, int(line.figures["overdue"].change)) == ("follow_up", "C1", 1)
    assert sentences(line) == ["The follow-up action “Ask the resolver” was planned for 2026-03-17."]
    assert line.events[0].stream == "follow_up"
    (total,) = found.totals
    assert (int(total.figures["lines"].change), total.statistics) == (2, {})


def test_32_an_action_that_ended_or_was_given_another_day_is_told_so(desk: Desk) -> None:
    planned(desk, "A", "1", "2026-02-20")
    planned(desk, "B", "2", "2026-02-20", resolver_id=person_id("rita"))
    desk.does(ClearItem(item("1"), date(2026, 3, 5)))
    desk.does(PostponeFollowUp(follow_up_id("B"), date(2026, 4, 20)), "2026-03-05")
    found = desk.changes("agenda")
    assert {(each.name, each.kind) for each in told(found)["cora", FOLLOW_UP]} == {
        ("Look at A", "ended"), ("Look at B", "postponed"),
    }  # fmt: skip
    moved = "The follow-up action “Look at B” was moved from 2026-02-20 to 2026-04-20."
    assert sentences(one(found, "rita", FOLLOW_UP)) == [moved]
    # It stays where the agenda looks so far ahead, and is overdue no more.
    ahead = one(desk.changes("agenda", days_ahead=60), "rita", FOLLOW_UP)
    assert {name: int(each.change) for name, each in ahead.figures.items()} == {"overdue": -1, "lines": 0}
    assert ahead.kind == "postponed"


def test_32_a_chase_moves_the_day_of_an_action(desk: Desk) -> None:
    planned(desk, "B", "2", "2026-02-20", resolver_id=person_id("rita"))
    desk.does(ChaseResolver(follow_up_id("B"), due_on=date(2026, 4, 20)), "2026-03-05")
    chased = one(desk.changes("agenda"), "rita", FOLLOW_UP)
    (said,) = sentences(chased)
    assert chased.kind == "postponed"
    assert said.endswith("was chased for the 1st time and was moved from 2026-02-20 to 2026-04-20.")


def test_32_what_came_due_or_grew_overdue_did_so_without_an_event(desk: Desk) -> None:
    planned(desk, "A", "1", "2026-03-20")
    planned(desk, "B", "2", "2026-02-28")
    found = told(desk.changes("agenda"))["cora", FOLLOW_UP]
    assert {each.name: (each.kind, each.events) for each in found} == {
        "Look at A": ("due", ()), "Look at B": ("aged", ()),
    }  # fmt: skip
    planned(desk, "C", "3", "2026-05-20")
    desk.does(PostponeFollowUp(follow_up_id("C"), date(2026, 3, 20)), "2026-03-01")
    kinds = {each.name: each.kind for each in told(desk.changes("agenda"))["cora", FOLLOW_UP]}
    assert kinds == {"Look at A": "due", "Look at B": "aged", "Look at C": "postponed"}


def test_32_a_reopened_dispute_has_an_action_of_its_own(desk: Desk) -> None:
    opened(desk, plan_follow_up=True)
    desk.does(ResolveDispute(dispute_id("D1"), Outcome.OTHER), "2026-02-20")
    desk.does(ReopenDispute(dispute_id("D1"), FollowUpPlan(date(2026, 3, 15), "Again")), "2026-03-10")
    assert one(desk.changes("agenda"), "rita", FOLLOW_UP).kind == "planned"


def test_32_another_resolver_or_collector_moves_the_line(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10", resolver_id=person_id("rita"))
    desk.does(AssignResolver(dispute_id("D1"), person_id("rolf")), "2026-03-10")
    found = desk.changes("agenda")
    out, into = one(found, "rita", FOLLOW_UP), one(found, "rolf", FOLLOW_UP)
    assert (out.kind, out.moved_to, into.kind, into.moved_from) == ("moved_out", "rolf", "moved_in", "rita")
    assert sentences(into) == sentences(out) == ["The dispute D1 was given to Rolf, by person."]

    known = desk.log.newest()
    desk.does(RegisterCustomer("C2", None, None, person_id("cora")), actor=OPERATING)
    found = desk.changes("agenda", Since(known_at=known))
    assert sentences(one(found, "cora", STEP)) == ["The customer was given to the collector Cora."]
    assert one(found, "carl", STEP).moved_to == "cora"


def test_32_who_left_is_stood_in_for(desk: Desk) -> None:
    planned(desk, "B", "2", "2026-02-20", resolver_id=person_id("rita"), owner_id=person_id("rolf"))
    known = desk.log.newest()
    desk.does(DeactivatePerson(person_id("rita")), actor=OPERATING)
    found = desk.changes("agenda", Since(known_at=known))
    assert (one(found, "rita", FOLLOW_UP).kind, one(found, "cora", FOLLOW_UP).moved_from) == (
        "moved_out", "rita",
    )  # fmt: skip


def test_05_an_action_that_an_undone_import_had_ended_goes_on() -> None:
    after = Thing(
        follow_up_id("A"), 3, "Ask", customer_id("C1"), "C1", "open", None, (),
        is_reached=True, what="follow_up", due_on=date(2026, 3, 1), is_due=True,
    )  # fmt: skip
    figures = Figures(
        {"overdue": Decimal(0), "lines": Decimal(0)}, {"overdue": Decimal(0), "lines": Decimal(1)}
    )
    line = Line(Place("cora", None, FOLLOW_UP), "Cora", None, figures, after.id)
    before = replace(after, version=2, state="ended")
    assert kind_of(Counts.LINES, Difference(line, (), before, after, is_corrected=False)) is Kind.CONTINUED


# --- disputes ----------------------------------------------------------------------------------------


def test_32_disputes_without_resolver_or_action_come_and_go(desk: Desk) -> None:
    opened(desk, "2026-03-01", resolver_id=None)
    assert came_and_went(desk.changes("agenda")) == {
        ("cora", NO_RESOLVER): [("D1", "opened", 1)],
        ("cora", NO_ACTION): [("D1", "opened", 1)],
    }
    since = "2026-03-05"
    desk.does(AssignResolver(dispute_id("D1"), person_id("rita")), "2026-03-10")
    action = PlanFollowUp(follow_up_id("A"), "Ask", date(2026, 6, 1), dispute_id=dispute_id("D1"))
    desk.does(action, "2026-03-11")
    found = desk.changes("agenda", since)
    assigned, followed_up = one(found, "cora", NO_RESOLVER), one(found, "cora", NO_ACTION)
    assert (assigned.thing, assigned.kind, followed_up.kind) == ("dispute", "assigned", "followed_up")
    assert "The dispute D1 got the follow-up action “Ask”." in sentences(followed_up)
    assert "The dispute D1 was given to Rita, by person." in sentences(assigned)


def test_32_a_dispute_that_nobody_settles_any_more_is_told(desk: Desk) -> None:
    opened(desk)
    desk.does(AssignResolver(dispute_id("D1"), None), "2026-03-10")
    unassigned = one(desk.changes("agenda"), "cora", NO_RESOLVER)
    assert unassigned.kind == "unassigned"
    assert sentences(unassigned) == ["The dispute D1 has no resolver: withdrawn."]


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (ResolveDispute(dispute_id("D1"), Outcome.OTHER), "resolved"),
        (CancelDispute(dispute_id("D1")), "cancelled"),
    ],
)
def test_32_a_dispute_that_ended_needs_nothing(desk: Desk, command: Any, kind: str) -> None:
    opened(desk)
    desk.does(command, "2026-03-10")
    assert one(desk.changes("agenda"), "cora", NO_ACTION).kind == kind
    if kind == "resolved":
        desk.does(ReopenDispute(dispute_id("D1"), FollowUpPlan(date(2026, 6, 1), None, None)), "2026-03-20")
        desk.does(AssignResolver(dispute_id("D1"), None), "2026-03-21")
        assert one(desk.changes("agenda", "2026-03-15"), "cora", NO_RESOLVER).kind == "reopened"


# --- customers and the steps due for them ------------------------------------------------------------


def test_17_a_step_that_was_done_is_due_no_more_and_the_next_comes_due(desk: Desk) -> None:
    customer, items = customer_id("C1"), tuple(map(item, "123"))
    desk.does(DoReminderStep(customer, "second_reminder", items), "2026-02-25")
    found = desk.changes("agenda", "2026-02-24", as_at=date(2026, 2, 26))
    done = one(found, "cora", STEP)
    assert (done.thing, done.name, done.kind) == ("customer", "Customer C1", "not_due")
    assert sentences(done) == ["The step second_reminder over 300 EUR was done."]
    assert done.events[0].stream == "reminders"
    came = one(desk.changes("agenda", "2026-02-26", as_at=date(2026, 3, 3), customer="C1"), "cora", STEP)
    assert (came.kind, int(came.figures["lines"].change), came.events) == ("due", 1, ())


def test_17_a_step_that_was_postponed_is_overdue_no_more(desk: Desk) -> None:
    postponed = PostponeReminderStep(customer_id("C1"), "second_reminder", (item("1"),), to=date(2026, 2, 26))
    desk.does(postponed, "2026-02-25")
    found = desk.changes("agenda", "2026-02-24", as_at=date(2026, 2, 26))
    later = one(found, "cora", STEP)
    assert {name: int(each.change) for name, each in later.figures.items()} == {"overdue": -1, "lines": 0}
    assert (later.kind, sentences(later)) == (
        "postponed", ["The step second_reminder over 100 EUR was postponed to 2026-02-26."],
    )  # fmt: skip


def test_32_customers_without_collector_and_new_ones_are_told(desk: Desk) -> None:
    known = desk.log.newest()
    desk.does(RegisterCustomer("C2", None, None, None), actor=OPERATING)
    desk.does(RegisterCustomer("C3", "Customer C3"), actor=OPERATING)
    desk.registers("1", customer="C3")
    found = desk.changes("agenda", Since(known_at=known))
    assert {(name, kind) for name, kind, _ in came_and_went(found)[None, NO_COLLECTOR]} == {
        ("Customer C2", "came_in"), ("Customer C3", "registered"),
    }  # fmt: skip
    left = next(each for each in told(found)[None, NO_COLLECTOR] if each.name == "Customer C2")
    assert sentences(left) == ["The customer has no collector any more."]
    known = desk.log.newest()
    desk.does(RegisterCustomer("C2", None, None, person_id("carl")), actor=OPERATING)
    assert one(desk.changes("agenda", Since(known_at=known)), None, NO_COLLECTOR).kind == "left_out"


# --- who may see what, and what cannot be asked ------------------------------------------------------


def test_29_ones_own_agenda_tells_nothing_of_what_left_ones_reach(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10", resolver_id=person_id("rita"))
    desk.does(AssignResolver(dispute_id("D1"), person_id("rolf")), "2026-03-10")
    rita, rolf = (Actor(person_id(code), Role.RESOLVER) for code in ("rita", "rolf"))
    gone = one(desk.changes("agenda", actor=rita), "rita", FOLLOW_UP)
    assert (gone.kind, gone.moved_to, gone.events) == ("out_of_reach", None, ())
    came = one(desk.changes("agenda", actor=rolf), "rolf", FOLLOW_UP)
    assert (came.kind, came.moved_from) == ("into_reach", None)
    with pytest.raises(NotYours):
        desk.changes("agenda", actor=rita, person=person_id("rolf"))
    with pytest.raises(RoleForbids):
        desk.changes("agenda", actor=Actor(person_id("anna"), Role.AUDITOR))


def test_29_the_steps_of_a_customer_that_one_was_given_are_told_so(desk: Desk) -> None:
    known = desk.log.newest()
    desk.does(RegisterCustomer("C2", None, None, person_id("cora")), actor=OPERATING)
    cora, carl = (Actor(person_id(code), Role.COLLECTOR) for code in ("cora", "carl"))
    came = one(desk.changes("agenda", Since(known_at=known), cora), "cora", STEP)
    assert (came.kind, sentences(came)) == (
        "into_reach", ["The customer was given to the collector Cora."]
    )  # fmt: skip
    assert one(desk.changes("agenda", Since(known_at=known), carl), "carl", STEP).kind == "out_of_reach"


def test_29_a_program_that_may_read_the_agenda_alone_is_told_no_events(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-03-10", resolver_id=person_id("rita"))
    program = Actor(person_id("boss"), Role.SERVICE, scopes=frozenset({Permission.READ_AGENDA}))
    line = one(desk.changes("agenda", actor=program), "rita", FOLLOW_UP)
    assert (line.kind, line.events) == ("planned", ())


def test_32_one_persons_agenda_is_compared_with_itself(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-03-10", resolver_id=person_id("rita"))
    found = desk.changes("agenda", person=person_id("rita"))
    assert came_and_went(found).keys() == {("rita", FOLLOW_UP)}
    assert found.parameters["by"] == "person"
    for wrong in ({"by": "customer"}, {"days_ahead": 9999}):
        with pytest.raises(ParameterInvalid):
            desk.changes("agenda", **wrong)
