"""Why was it, or was it not, collectable (spec 16), on a log in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings

from domain.calendar import start_of_day
from domain.case import State, evolve
from domain.catalogue import ChangeSettings, Settings
from domain.commands import Command
from domain.customer import RegisterCustomer
from domain.dispute import (
    AddItems,
    CancelDispute,
    ChangeDisputeType,
    EscalateDispute,
    OpenDispute,
    Outcome,
    RemoveItems,
    ReopenDispute,
    ResolveDispute,
)
from domain.follow_up import FollowUpPlan, PlanFollowUp, PostponeFollowUp
from domain.identity import (
    OPERATOR,
    DisputeId,
    ItemId,
    customer_id,
    dispute_id,
    follow_up_id,
    follow_up_of,
    item_id,
    person_id,
)
from domain.item import (
    ClearItem,
    Exclusion,
    Item,
    ItemDetails,
    ItemType,
    RegisterItem,
    exclusions,
    is_collectable,
)
from domain.people import RegisterPerson
from domain.qualifying import QualifyItems
from domain.refusals import NotYours, RoleForbids, UnknownItem
from domain.resolving import EndFollowUp
from domain.roles import TABLE, Actor, Permission, Role
from projections.parameters import ParameterInvalid, Parameters
from replay.why import CLEARED, ItemNotRegisteredYet, Reason, Why, why
from store.companies import found
from store.connections import CompanyDatastore, Pool, open_pool
from store.execute import Executor, Order
from store.log import Log
from tests.projections.histories import BUSY, HISTORIES, Made, Pick, append, new_company

ZONE = "America/New_York"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
OPERATING = Actor(OPERATOR, Role.ADMINISTRATOR)
BOSS = Actor(person_id("boss"), Role.CREDIT_MANAGER, on_behalf_of=person_id("ann"))
D, ACTION = dispute_id("D"), follow_up_id("F")


def item(number: str) -> ItemId:
    return item_id("main", "C1", number)


def at(text: str) -> datetime:
    """``2026-02-10 09:00`` in UTC; of a day alone its noon."""
    return datetime.fromisoformat(text if ":" in text else f"{text} 12:00").replace(tzinfo=UTC)


@dataclass
class Desk:
    """A company whose commands are given with the time at which they happened."""

    log: Log
    executor: Executor

    def does(self, command: Command, when: str | None = None, actor: Actor = BOSS) -> int:
        """Carry it out, as of *when* if that is told; the position of its last event."""
        answer = self.executor.execute(Order(command, actor, at(when) if when else None))
        assert answer.changed, command
        return answer.position

    def registers(self, number: str, issued: str = "2026-01-05", balance: str = "100", **more: str) -> int:
        amount = Decimal(more.pop("amount", balance))
        day = date.fromisoformat(issued)
        kind = ItemType(more.pop("type", "invoice"))
        details = ItemDetails(kind, day, day + timedelta(days=30), amount, Decimal(balance), "EUR")
        return self.does(RegisterItem("C1", "main", number, details), more.pop("when", "2026-06-01"))

    def opens(self, *numbers: str, when: str = "2026-02-10 09:00", **more: object) -> int:
        items = tuple(item(number) for number in numbers)
        said = {"type": "price", "reason": "Too dear", "reference": "D", **more}
        return self.does(OpenDispute(D, items, **said), when)  # type: ignore[arg-type]

    def promises(self, number: str, promised_on: str, when: str) -> int:
        day = date.fromisoformat(promised_on)
        said = QualifyItems(
            DisputeId(uuid4()), (item(number),), "promise_to_pay", "Mrs Lind", promised_on=day,
            plan_follow_up=False,
        )  # fmt: skip
        return self.does(said, when)

    def plans(self, *numbers: str, when: str, due: str = "2026-12-01") -> int:
        items = tuple(item(number) for number in numbers)
        return self.does(PlanFollowUp(ACTION, "Call the lawyer", date.fromisoformat(due), None, items), when)

    def why(self, number: str = "1", as_at: object = None, known_at: object = None, by: Actor = BOSS) -> Why:
        if isinstance(as_at, str):
            as_at = at(as_at) if ":" in as_at else date.fromisoformat(as_at)
        return why(self.log, by, item(number), Parameters(as_at=as_at, known_at=known_at), NOW)  # type: ignore[arg-type]


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=4) as pool:
        yield pool


@pytest.fixture
def desk(database: str, pool: Pool) -> Desk:
    """In New York, with a person of each role, and item 1 of a customer that ``cora`` collects."""
    found(database, pool, "acme", Settings("Acme", zone=ZONE))
    log = Log(CompanyDatastore(pool, "acme"))
    desk = Desk(log, Executor(log))
    for code in ("boss", "cora", "carl", "rita", "rolf", "sam", "ann"):
        role = {"boss": Role.CREDIT_MANAGER, "sam": Role.SALES_MANAGER}.get(code, Role.RESOLVER)
        desk.does(RegisterPerson(code, code.title(), None, role), actor=OPERATING)
    customer = RegisterCustomer("C1", "Customer", None, person_id("cora"), person_id("sam"))
    desk.does(customer, actor=OPERATING)
    desk.registers("1")
    return desk


def names(found: Why) -> list[str]:
    return [each.reason for each in found.reasons]


def events(told: Reason | Why) -> list[str]:
    return [fact.event.partition(".")[0] for fact in told.events]


# --- each exclusion ----------------------------------------------------------------------------------


def test_16_an_item_that_never_was_excluded_is_collectable_since_its_registration(desk: Desk) -> None:
    found = desk.why()
    assert (found.is_collectable, found.reasons, found.is_open) == (True, (), True)
    assert found.sentence == "It is collectable: it never was excluded."
    assert events(found) == ["item-registered"]
    assert found.events[0].sentence == "The invoice of 100 EUR was registered, due on 2026-02-04."
    assert found.since == start_of_day(date(2026, 1, 5), ZONE)
    assert (found.number, found.customer_code, found.entity, found.zone) == ("1", "C1", "main", ZONE)
    assert (found.as_at, found.known_at, found.position) == (NOW, desk.log.newest(), desk.log.newest())


def test_16_a_disputed_item_is_not_collectable_because_of_its_dispute_and_its_follow_up(desk: Desk) -> None:
    desk.opens("1", comment="Old price list", amounts={item("1"): Decimal(40)})
    desk.does(PostponeFollowUp(follow_up_of(D, 1), date(2026, 7, 1)), "2026-02-11")
    found = desk.why()
    assert not found.is_collectable
    assert found.since == at("2026-02-10 09:00")
    assert found.events == ()
    dispute, action = found.reasons
    assert dispute.reason == Exclusion.DISPUTE
    assert (
        dispute.sentence == "It is in the dispute D; it has the status Price dispute (price): Old price list."
    )
    assert events(dispute) == ["dispute-opened", "item-disputed", "item-qualified"]
    assert [fact.sentence for fact in dispute.events] == [
        "The dispute D was opened: Too dear.",
        "It was taken into the dispute D, 40 of it.",
        "It was given the status Price dispute (price): Old price list.",
    ]
    assert action.reason == Exclusion.FOLLOW_UP
    assert "due on 2026-07-01, lists it." in action.sentence  # as it stands, after it was postponed
    assert events(action) == ["follow-up-planned", "item-placed-under-follow-up"]
    assert found.sentence == f"{dispute.sentence} {action.sentence}"


def test_16_an_event_is_named_by_both_clocks_and_by_who_did_it_for_whom(desk: Desk) -> None:
    last = desk.opens("1")
    (opened, *_) = desk.why().reasons[0].events
    (recorded,) = [each for each in desk.log.read_streams({D: 0}) if each.position == opened.position]
    assert (opened.stream, opened.stream_id, opened.event) == ("dispute", D, "dispute-opened.v1")
    assert opened.occurred_at == at("2026-02-10 09:00")
    assert opened.recorded_at == recorded.recorded_at > opened.occurred_at
    assert (opened.actor, opened.actor_name, opened.role) == (person_id("boss"), "Boss", "credit_manager")
    assert (opened.on_behalf_of, opened.original_name) == (person_id("ann"), "Ann")
    assert last == desk.why().position


def test_16_litigation(desk: Desk) -> None:
    desk.does(QualifyItems(DisputeId(uuid4()), (item("1"),), "litigation", "Insolvent"), "2026-03-01")
    (reason,) = desk.why().reasons
    assert (reason.reason, events(reason)) == ("litigation", ["item-qualified"])
    assert "Insolvent" in reason.sentence


def test_16_litigation_that_a_dispute_was_escalated_to(desk: Desk) -> None:
    desk.opens("1")
    desk.does(EscalateDispute(D, "No answer"), "2026-03-01")
    found = desk.why()
    (reason,) = found.reasons
    assert (reason.reason, events(reason)) == ("litigation", ["dispute-escalated", "item-qualified"])
    assert reason.events[0].sentence == "The dispute D was handed to litigation: No answer."
    assert found.since == at("2026-02-10 09:00")  # it was not collectable in between
    assert names(desk.why(as_at="2026-02-28")) == ["dispute", "follow_up"]


def test_16_a_follow_up_without_a_dispute(desk: Desk) -> None:
    desk.plans("1", when="2026-03-01")
    (reason,) = desk.why().reasons
    assert reason.reason == "follow_up"
    assert reason.sentence == "The open follow-up action “Call the lawyer”, due on 2026-12-01, lists it."
    desk.does(EndFollowUp(ACTION), "2026-04-01")
    found = desk.why()
    assert found.is_collectable
    assert found.sentence == ("It is collectable again. The follow-up action “Call the lawyer” ended: done.")
    assert events(found) == ["follow-up-ended", "item-returned"]


def test_16_written_off_until_it_is_cleared(desk: Desk) -> None:
    desk.opens("1")
    desk.does(ResolveDispute(D, Outcome.WRITTEN_OFF), "2026-03-01")
    (reason,) = desk.why().reasons
    assert (reason.reason, events(reason)) == ("written_off", ["dispute-resolved", "item-written-off"])
    desk.does(ClearItem(item("1"), date(2026, 4, 1)), "2026-05-01")
    found = desk.why()
    assert (names(found), found.is_open, found.is_collectable) == ([CLEARED], False, False)
    assert names(desk.why(as_at="2026-03-31")) == ["written_off"]


def test_16_of_a_cleared_item_there_is_nothing_to_collect(desk: Desk) -> None:
    desk.does(ClearItem(item("1"), date(2026, 4, 1)), "2026-05-01")
    found = desk.why()
    (reason,) = found.reasons
    assert reason.sentence == ("There is nothing to collect. It was paid on 2026-04-01: 100 EUR were open.")
    assert events(reason) == ["item-cleared"]
    assert found.since == start_of_day(date(2026, 4, 1), ZONE)
    assert desk.why(as_at="2026-03-31").is_collectable


def test_16_an_item_paid_when_it_was_first_seen(desk: Desk) -> None:
    desk.registers("2", balance="0", amount="50")
    assert names(desk.why("2")) == [CLEARED]


def test_16_a_reinstated_item_is_collectable_because_it_was_seen_again(desk: Desk) -> None:
    desk.does(ClearItem(item("1")), "2026-03-01")
    desk.registers("1", balance="30", amount="100")
    found = desk.why()
    assert found.is_collectable
    assert events(found) == ["item-reinstated"]
    assert "seen again with 30 EUR open" in found.sentence


# --- the end of an exclusion -------------------------------------------------------------------------


def test_16_a_resolution_makes_collectable_again(desk: Desk) -> None:
    desk.opens("1")
    desk.does(ResolveDispute(D, Outcome.CREDIT_NOTE, comment="Credited."), "2026-03-01 10:00")
    found = desk.why()
    assert (found.is_collectable, found.since) == (True, at("2026-03-01 10:00"))
    assert found.sentence == "It is collectable again. The dispute D was resolved: credit_note: Credited."
    assert events(found) == [
        "dispute-resolved", "item-qualified", "item-released", "follow-up-ended", "item-returned",
    ]  # fmt: skip
    desk.does(ReopenDispute(D, FollowUpPlan(date(2026, 12, 1))), "2026-04-01")
    found = desk.why()
    assert (names(found), found.since) == (["dispute", "follow_up"], at("2026-04-01"))
    assert "dispute-reopened" in events(found.reasons[0])
    assert "dispute-opened" not in events(found.reasons[0])


def test_16_a_type_that_changed_is_named_beside_the_opening(desk: Desk) -> None:
    desk.opens("1")
    desk.does(ChangeDisputeType(D, "quality", "Broken"), "2026-02-20")
    dispute = desk.why().reasons[0]
    assert events(dispute) == [
        "dispute-opened", "item-disputed", "item-qualified", "dispute-type-changed", "item-qualified",
    ]  # fmt: skip
    assert dispute.events[3].sentence == "The dispute D took the type Quality dispute (quality)."
    assert "Quality dispute" not in desk.why(as_at="2026-02-19").sentence


def test_16_a_cancelled_dispute_is_told_as_it_was_before_and_since(desk: Desk) -> None:
    desk.promises("1", "2026-12-24", "2026-02-01")
    desk.opens("1")
    desk.does(CancelDispute(D), "2026-03-01")
    (promise,) = desk.why().reasons
    assert promise.reason == "promise"
    assert events(promise) == [
        "item-qualified",
        "item-status-restored",
    ]
    assert names(desk.why(as_at="2026-02-28")) == ["dispute", "follow_up"]
    assert names(desk.why(as_at="2026-02-09")) == ["promise"]


def test_16_a_cancelled_dispute_of_an_item_without_a_status(desk: Desk) -> None:
    desk.opens("1")
    before = desk.log.newest()
    desk.does(CancelDispute(D), "2026-03-01")
    found = desk.why()
    assert found.sentence.endswith("The dispute D was cancelled, for it was opened by mistake.")
    assert "item-status-restored" in events(found)
    assert names(desk.why(known_at=before)) == ["dispute", "follow_up"]


def test_16_an_item_taken_in_later_and_taken_out(desk: Desk) -> None:
    desk.registers("2")
    desk.opens("1")
    assert desk.why("2").is_collectable
    desk.does(AddItems(D, (item("2"),)), "2026-02-12")
    dispute, action = desk.why("2").reasons
    assert events(dispute) == ["items-added", "item-disputed", "item-qualified"]
    assert events(action) == ["follow-up-items-changed", "item-placed-under-follow-up"]
    desk.does(RemoveItems(D, (item("2"),)), "2026-02-14")
    assert desk.why("2").sentence.endswith("The dispute D let items go: removed.")
    assert names(desk.why("1")) == ["dispute", "follow_up"]


def test_16_a_promise_holds_through_its_day_in_the_companys_zone_and_no_event_marks_its_end(
    desk: Desk,
) -> None:
    desk.promises("1", "2026-03-01", "2026-02-20")
    midnight = start_of_day(date(2026, 3, 2), ZONE)
    assert midnight == at("2026-03-02 05:00")
    last = desk.why(as_at=midnight - timedelta.resolution)
    assert names(last) == ["promise"]
    assert last.sentence == (
        "Its payment is promised for 2026-03-01, and that day has not ended in the company's zone"
        " (America/New_York)."
    )
    assert desk.why(as_at="2026-03-01").reasons == last.reasons  # a date means its end, there
    after = desk.why(as_at=midnight)
    assert (after.is_collectable, after.since, events(after)) == (True, midnight, ["item-qualified"])
    assert after.sentence == (
        "It is collectable again: the promise of 2026-03-01 expired at the end of that day in the company's"
        " zone (America/New_York); no event marks it."
    )
    assert desk.why().since == midnight


def test_16_a_promise_expires_before_what_happens_at_the_very_midnight(desk: Desk) -> None:
    desk.promises("1", "2026-03-01", "2026-02-20")
    desk.registers("1", balance="70", amount="100", when="2026-03-02 05:00")
    found = desk.why()
    assert (found.since, events(found)) == (at("2026-03-02 05:00"), ["item-qualified"])
    assert "the promise of 2026-03-01 expired" in found.sentence


def test_16_a_promise_that_expired_while_a_follow_up_listed_the_item(desk: Desk) -> None:
    desk.promises("1", "2026-03-01", "2026-02-20")
    desk.plans("1", when="2026-02-25")
    assert names(desk.why(as_at="2026-02-28")) == ["follow_up", "promise"]
    assert names(desk.why(as_at="2026-03-05")) == ["follow_up"]
    desk.does(EndFollowUp(ACTION), "2026-04-01")
    found = desk.why()
    assert (events(found), found.since) == (["follow-up-ended", "item-returned"], at("2026-04-01"))
    assert desk.why(as_at="2026-03-05").since == at("2026-02-20")


def test_16_the_promise_that_holds_is_the_last_one(desk: Desk) -> None:
    desk.promises("1", "2026-03-01", "2026-02-20")
    second = desk.promises("1", "2026-12-01", "2026-03-10")
    (promise,) = desk.why().reasons
    assert [fact.position for fact in promise.events] == [second]
    assert desk.why().since == at("2026-03-10")
    assert desk.why(as_at="2026-03-05").is_collectable


def test_16_a_follow_up_of_which_some_items_are_paid_keeps_the_others(desk: Desk) -> None:
    desk.registers("2")
    desk.plans("1", "2", when="2026-03-01")
    desk.does(ClearItem(item("2"), date(2026, 4, 1)), "2026-05-01")
    assert names(desk.why("1")) == ["follow_up"]
    assert names(desk.why("2")) == [CLEARED]
    assert events(desk.why("2").reasons[0]) == ["item-cleared"]
    assert names(desk.why("2", as_at="2026-03-15")) == ["follow_up"]


def test_16_an_action_that_takes_up_what_remains_disputed_is_why_those_items_are_excluded(desk: Desk) -> None:
    desk.registers("2")
    desk.opens("1", "2", plan_follow_up=False)
    desk.does(PlanFollowUp(ACTION, "Ask", date(2026, 12, 1), D, (item("2"),)), "2026-02-11")
    assert names(desk.why("1")) == ["dispute"]
    desk.does(ClearItem(item("2"), date(2026, 3, 1)), "2026-05-01")
    dispute, action = desk.why("1").reasons
    assert (dispute.reason, action.reason) == ("dispute", "follow_up")
    assert events(action) == ["follow-up-items-changed", "item-placed-under-follow-up"]


# --- the two clocks ----------------------------------------------------------------------------------


def test_16_what_was_recorded_late_is_true_as_at_then_and_was_not_known_then(desk: Desk) -> None:
    registered = desk.log.newest()
    desk.opens("1", when="2026-02-10 09:00")  # told long afterwards
    assert names(desk.why(as_at="2026-02-10")) == ["dispute", "follow_up"]
    assert desk.why(as_at="2026-02-10", known_at=registered).is_collectable
    assert desk.why(known_at=registered).is_collectable
    assert desk.why(as_at="2026-02-10 08:59").is_collectable
    assert names(desk.why(as_at="2026-02-10 09:00")) == ["dispute", "follow_up"]
    first = desk.log.read(registered, 1)[0]
    assert not desk.why(known_at=first.recorded_at).is_collectable
    assert desk.why(known_at=first.recorded_at - timedelta.resolution).is_collectable


def test_16_a_position_inside_a_decision_means_the_end_of_the_one_before(desk: Desk) -> None:
    before = desk.log.newest()
    last = desk.opens("1")
    for position in range(before, last):
        found = desk.why(known_at=position)
        assert (found.is_collectable, found.known_at) == (True, before)
    assert not desk.why(known_at=last).is_collectable


def test_16_the_zone_is_the_one_known_then(desk: Desk) -> None:
    desk.promises("1", "2026-03-01", "2026-02-20")
    before = desk.log.newest()
    desk.does(ChangeSettings(zone="Asia/Tokyo"), actor=OPERATING)
    assert desk.why(as_at="2026-03-01 20:00").is_collectable
    assert not desk.why(as_at="2026-03-01 20:00", known_at=before).is_collectable


def test_16_before_its_registration_nothing_is_said_of_an_item(desk: Desk) -> None:
    with pytest.raises(ItemNotRegisteredYet, match="was not registered at that moment") as refused:
        desk.why(as_at="2026-01-04")
    assert refused.value.position > 0
    assert desk.why(as_at="2026-01-05").is_collectable
    with pytest.raises(ItemNotRegisteredYet):
        desk.why(known_at=0)


def test_16_moments_that_cannot_be_asked_for_are_refused(desk: Desk) -> None:
    for clocks in ({"known_at": 10_000}, {"known_at": -1}, {"as_at": datetime(2026, 1, 1)}):  # noqa: DTZ001
        with pytest.raises(ParameterInvalid):
            desk.why(**clocks)


# --- rights ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "code", "is_shown"),
    [
        (Role.ADMINISTRATOR, "nobody", True),
        (Role.CREDIT_MANAGER, "nobody", True),
        (Role.AUDITOR, "nobody", True),
        (Role.ANALYST, "nobody", True),
        (Role.COLLECTOR, "cora", True),
        (Role.COLLECTOR, "rita", True),
        (Role.COLLECTOR, "carl", False),
        (Role.COLLECTOR, "rolf", False),
        (Role.SALES_MANAGER, "sam", True),
        (Role.SALES_MANAGER, "rita", True),
        (Role.SALES_MANAGER, "carl", False),
        (Role.RESOLVER, "rita", True),
        (Role.RESOLVER, "rolf", True),
        (Role.RESOLVER, "cora", False),
        (Role.RESOLVER, "carl", False),
    ],
)
@pytest.mark.parametrize("is_over", [False, True])
def test_16_each_role_is_told_of_what_it_may_see_the_history_of(
    desk: Desk, role: Role, code: str, *, is_shown: bool, is_over: bool
) -> None:
    opener = Actor(person_id("rolf"), Role.RESOLVER)
    opening = OpenDispute(D, (item("1"),), "price", "x", resolver_id=person_id("rita"))
    desk.does(opening, actor=opener)
    if is_over:
        desk.does(ResolveDispute(D, Outcome.OTHER))
    asking = Actor(person_id(code), role)
    if is_shown:
        assert desk.why(by=asking).is_collectable is is_over
    else:
        with pytest.raises(NotYours):
            desk.why(by=asking)


def test_16_a_client_needs_the_scope(desk: Desk) -> None:
    client = Actor(person_id("robot"), Role.SERVICE, scopes=frozenset({Permission.READ_DISPUTES}))
    assert desk.why(by=client).is_collectable
    with pytest.raises(RoleForbids):
        desk.why(by=Actor(client.person_id, Role.SERVICE, scopes=frozenset({Permission.READ_ITEMS})))
    assert {*Role} - {Role.SERVICE} == {*TABLE[Permission.READ_DISPUTES]}


def test_16_an_item_that_does_not_exist(desk: Desk) -> None:
    with pytest.raises(UnknownItem):
        desk.why("9")
    desk.opens("1")
    for stream in (D, customer_id("C1")):
        with pytest.raises(UnknownItem):
            why(desk.log, BOSS, ItemId(stream), Parameters(), NOW)


# --- any history -------------------------------------------------------------------------------------


def _state(made: Made, stream: UUID, known: int, moment: datetime) -> Item | None:
    """What folding the decisions that occurred by *moment* and are known at *known* gives."""
    state: State | None = None
    position = 0
    for decision in made.decisions:
        position += len(decision.events)
        if position > known or decision.occurred_at > moment:
            continue
        for event in decision.events:
            if event.stream_id == stream:
                state = evolve(state, event)
    assert state is None or isinstance(state, Item)
    return state


def _before(made: Made, stream: UUID, known: int, since: datetime) -> set[bool]:
    """Whether the item was collectable just before *since*, or between two decisions of that moment; either,
    if it was not there yet."""
    before = since - timedelta.resolution
    points = [(known, before)]
    position = 0
    for decision in made.decisions:
        position += len(decision.events)
        if decision.occurred_at == since and position <= known:
            points.append((position, since))
    states = [(_state(made, stream, *point), point[1]) for point in points]
    if states[0][0] is None:
        return {True, False}
    return {is_collectable(state, moment, "UTC") for state, moment in states if state}


def _moments(made: Made, chance: Random) -> Sequence[tuple[datetime, int]]:
    told = [decision.occurred_at for decision in made.decisions]  # what is told last may have happened first
    first, latest = min(told) - timedelta(days=2), max(told) + timedelta(days=60)
    span = (latest - first) // timedelta(minutes=1)
    return [
        (first + timedelta(minutes=chance.randrange(span)), chance.randrange(made.events + 1))
        for _ in range(6)
    ]


@settings(max_examples=10, deadline=None, suppress_health_check=BUSY)
@given(HISTORIES)
def test_16_at_any_moment_of_any_history_the_answer_is_that_of_the_fold(
    pool: Pool, picks: tuple[Pick, ...]
) -> None:
    made = Made().play(picks)
    log = new_company(pool)
    append(log, made.decisions)
    streams = [stream for stream, state in made.case.states.items() if isinstance(state, Item)]
    for stream in streams:
        for moment, known in _moments(made, Random(made.events)):
            known_end = log.end_of_decision_at(known)
            state = _state(made, stream, known_end, moment)
            clocks = Parameters(as_at=moment, known_at=known)
            if state is None:
                with pytest.raises(ItemNotRegisteredYet):
                    why(log, OPERATING, ItemId(stream), clocks, NOW)
                continue
            answer = why(log, OPERATING, ItemId(stream), clocks, NOW)
            expected = (
                [CLEARED] if state.cleared else [str(each) for each in exclusions(state, moment, "UTC")]
            )
            assert names(answer) == expected
            assert answer.is_collectable is (not expected)
            assert answer.sentence
            told = [*answer.events, *(fact for reason in answer.reasons for fact in reason.events)]
            assert told
            assert all(reason.events for reason in answer.reasons)
            assert all(fact.position <= known_end and fact.occurred_at <= moment for fact in told)
            assert answer.since <= moment
            was_otherwise = not answer.is_collectable
            assert was_otherwise in _before(made, stream, known_end, answer.since)
