"""Whole cases against a model that knows nothing of events: sets, and the spec's rules in a few lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.commands import Command
from domain.dispute import (
    AddItems,
    AssignResolver,
    CancelDispute,
    ChangeDisputeType,
    EscalateDispute,
    OpenDispute,
    Outcome,
    RemoveItems,
    ReopenDispute,
)
from domain.follow_up import ChaseResolver, FollowUpPlan, PlanFollowUp, PostponeFollowUp
from domain.identity import FollowUpId, ItemId
from domain.item import ClearItem, Exclusion, exclusions
from domain.qualifying import QualifyItems
from domain.resolving import EndFollowUp
from tests.domain.sentences import (
    ACME,
    MONDAY,
    OTHER,
    TECHNICIAN,
    World,
    action,
    dispute,
    given,
    invoice,
    item,
    planned,
    resolving,
)

ZONE = ZoneInfo("Europe/Paris")
LATER = date(2040, 1, 2)
LEDGER = {
    "1": (ACME, "EUR"),
    "2": (ACME, "EUR"),
    "3": (ACME, "EUR"),
    "4": (ACME, "USD"),
    "5": (ACME, "USD"),
    "6": (OTHER, "EUR"),
    "7": (OTHER, "EUR"),
}
BY_HAND = sorted(set(Outcome) - {Outcome.CLEARED})

# --- the model -------------------------------------------------------------------------------------


@dataclass
class Thing:
    """An item."""

    customer: str
    currency: str
    balance: Decimal = Decimal(100)
    cleared: bool = False
    says: str | None = None
    promised_on: date | None = None
    before: list[tuple[str, str | None, date | None]] = field(default_factory=list)
    case: str | None = None
    part: Decimal | None = None
    ended_by: str | None = None
    written_off_by: set[str] = field(default_factory=set)


@dataclass
class Dossier:
    """A dispute; ``members`` are remembered when it ends, ``gone`` are those that cleared while they were in
    it or were left out when it was reopened."""

    customer: str
    currency: str
    state: str = "open"
    members: dict[str, Decimal | None] = field(default_factory=dict)
    gone: dict[str, Decimal | None] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    actions: int = 0
    type: str = "price"


@dataclass
class Reminder:
    """A follow-up action that is open."""

    dossier: str | None
    things: set[str]


numbers = st.sampled_from(sorted(LEDGER))
pile = st.sampled_from([["1", "2", "3"], ["1", "2", "3"], ["4", "5"], ["6", "7"], sorted(LEDGER)])
some = pile.flatmap(lambda them: st.lists(st.sampled_from(them), min_size=1, max_size=3, unique=True))
"""Mostly items that can be in one dispute."""

picks = st.integers(0, 199)
"""Which of those that there are: mostly one over which the command can succeed."""


class Cases(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = MONDAY
        self.world = World()
        self.things: dict[str, Thing] = {}
        self.disputes: dict[str, Dossier] = {}
        self.actions: dict[FollowUpId, Reminder] = {}
        self.planned: list[FollowUpId] = []
        self.made = 0

    @initialize(chosen=st.sampled_from([["1", "2"], ["1", "2", "3"], ["4", "5"]]))
    def begin(self, chosen: list[str]) -> None:
        self.world = given(zone=str(ZONE))
        for number, (customer, currency) in LEDGER.items():
            self.things[number] = Thing(customer, currency)
            self.world.take(invoice(number, customer=customer, currency=currency))
        name = self.name()
        command = OpenDispute(dispute(name), self.ids(chosen), "price", resolver_id=TECHNICIAN)
        self.say(command, expected=True)
        self.open_in_model(name, chosen, None, plan=True)

    # --- choosing ---

    def a_dispute(self, pick: int, state: str) -> str:
        """One in that state, or one time in five any."""
        fitting = [
            name for name, dossier in self.disputes.items() if (dossier.state == "open") is (state == "open")
        ]
        among = fitting if pick % 5 and fitting else list(self.disputes)
        return among[pick % len(among)]

    def a_member(self, pick: int, name: str, otherwise: str) -> str:
        members = sorted(self.disputes[name].members)
        return members[pick % len(members)] if pick % 7 and members else otherwise

    def an_action(self, pick: int) -> FollowUpId:
        among = list(self.actions) if pick % 5 and self.actions else self.planned
        return among[pick % len(among)]

    # --- saying it ---

    def name(self) -> str:
        self.made += 1
        return f"made {self.made}"

    def say(self, command: Command, *, expected: bool, early: int = 0, repeats: bool = False) -> None:
        """Accepted exactly when *expected*; refused, it leaves no trace; said twice, it changes nothing."""
        when = self.world.when(command, at=self.now - timedelta(days=early))
        assert (when.refusal is None) is expected, (command, when.refusal)
        assert len(set(when.moments)) <= 1
        if when.refusal is not None:
            assert when.world.states == self.world.states
        self.world = when.world
        if when.refusal is None and not repeats:
            again = self.world.when(command, at=self.now)
            assert again.refusal is not None or again.events == ()

    def ids(self, chosen: list[str]) -> tuple[ItemId, ...]:
        return tuple(self.id(number) for number in chosen)

    def id(self, number: str) -> ItemId:
        return item(number, LEDGER[number][0])

    # --- the rules of the spec ---

    def selectable(self, chosen: list[str]) -> bool:
        things = [self.things[number] for number in chosen]
        return not any(thing.cleared for thing in things) and len({thing.customer for thing in things}) == 1

    def enter(self, name: str, number: str, part: Decimal | None) -> None:
        thing, dossier = self.things[number], self.disputes[name]
        speaks = thing.case or thing.ended_by
        if speaks is None:
            thing.before = []
        if speaks != name:
            thing.before.append((name, thing.says, thing.promised_on))
        thing.ended_by = None
        thing.says, thing.promised_on, thing.case, thing.part = "dispute", None, name, part
        dossier.members[number] = part
        dossier.gone.pop(number, None)
        dossier.settled.discard(number)

    def unsay(self, name: str, number: str) -> None:
        """As if the dispute had never been: what it said goes, also from under a later one."""
        thing = self.things[number]
        speaks = thing.case or thing.ended_by
        if speaks is None:
            return
        layers = [*thing.before, ("now", thing.says, thing.promised_on)]
        for at in range(len(thing.before) - 1, -1, -1):
            if layers[at][0] == name:
                layers[at : at + 2] = [(layers[at + 1][0], *layers[at][1:])]
        thing.before = layers[:-1]
        if speaks == name:
            self.leave(number, *layers[-1][1:])
            thing.ended_by = thing.before[-1][0] if thing.before else None

    def leave(self, number: str, says: str | None, promised_on: date | None = None) -> None:
        thing = self.things[number]
        thing.says, thing.promised_on, thing.case, thing.part = says, promised_on, None, None
        thing.ended_by = None

    def of(self, name: str) -> list[FollowUpId]:
        return [found for found, reminder in self.actions.items() if reminder.dossier == name]

    def end(self, name: str, state: str) -> None:
        self.disputes[name].state = state
        for found in self.of(name):
            del self.actions[found]

    def settle(self, name: str, outcome: Outcome) -> None:
        for number in self.disputes[name].members:
            self.leave(number, "dispute_resolved")
            self.things[number].ended_by = name
            if outcome is Outcome.WRITTEN_OFF:
                self.things[number].written_off_by.add(name)
        self.end(name, "resolved")

    def take_out(self, name: str, number: str) -> None:
        del self.disputes[name].members[number]
        for found in self.of(name):
            self.unlist(found, number)

    def unlist(self, found: FollowUpId, number: str) -> None:
        reminder = self.actions[found]
        if number not in reminder.things:
            return
        reminder.things.discard(number)
        if not reminder.things and reminder.dossier is not None:
            reminder.things |= set(self.disputes[reminder.dossier].members)
        if not reminder.things:
            del self.actions[found]

    def remind(self, name: str) -> None:
        dossier = self.disputes[name]
        dossier.actions += 1
        self.remember(planned(name, dossier.actions), name, set(dossier.members))

    def remember(self, found: FollowUpId, name: str | None, things: set[str]) -> None:
        self.actions[found] = Reminder(name, things)
        self.planned.append(found)

    # --- what people do ---

    @rule(
        chosen=some,
        part=st.sampled_from([None, None, "30", "100", "101", "-1"]),
        plan=st.booleans(),
        early=st.sampled_from([0, 0, 2]),
    )
    def open(self, chosen: list[str], part: str | None, plan: bool, early: int) -> None:  # noqa: FBT001
        name = self.name()
        things = [self.things[number] for number in chosen]
        first = Decimal(part) if part else None
        fits = first is None or 0 < first <= things[0].balance
        expected = (
            self.selectable(chosen)
            and all(thing.case is None for thing in things)
            and len({thing.currency for thing in things}) == 1
            and fits
        )
        amounts = {self.id(chosen[0]): first} if first is not None else None
        command = QualifyItems(
            dispute(name),
            self.ids(chosen),
            "price",
            amounts=amounts,
            plan_follow_up=plan,
            resolver_id=TECHNICIAN,
        )
        if not self.selectable(chosen) or any(thing.case for thing in things):
            # Qualifying what is disputed already would change that dispute; opening another one is refused.
            self.say(_opening(command), expected=False)
            return
        self.say(command, expected=expected, early=early)
        if expected:
            self.open_in_model(name, chosen, first, plan=plan)

    def open_in_model(self, name: str, chosen: list[str], part: Decimal | None, *, plan: bool) -> None:
        first = self.things[chosen[0]]
        self.disputes[name] = Dossier(first.customer, first.currency)
        for number in chosen:
            self.enter(name, number, part if number == chosen[0] else None)
        if plan:
            self.remind(name)

    @rule(pick=picks, number=numbers, part=st.sampled_from([None, "15"]))
    def add(self, pick: int, number: str, part: str | None) -> None:
        name = self.a_dispute(pick, "open")
        dossier, thing = self.disputes[name], self.things[number]
        expected = (
            dossier.state == "open"
            and not thing.cleared
            and thing.case in {None, name}
            and (thing.customer, thing.currency) == (dossier.customer, dossier.currency)
        )
        amount = Decimal(part) if part else None
        amounts = {self.id(number): amount} if amount is not None else None
        self.say(AddItems(dispute(name), self.ids([number]), amounts), expected=expected)
        if expected and thing.case == name and amount is not None:
            thing.part = dossier.members[number] = amount
        if expected and thing.case is None:
            self.enter(name, number, amount)
            for found in self.of(name):
                self.actions[found].things.add(number)

    @rule(pick=picks, number=numbers)
    def remove(self, pick: int, number: str) -> None:
        name = self.a_dispute(pick, "open")
        number = self.a_member(pick, name, number)
        dossier = self.disputes[name]
        expected = dossier.state == "open" and number in dossier.members and len(dossier.members) > 1
        self.say(RemoveItems(dispute(name), self.ids([number])), expected=expected)
        if expected:
            self.take_out(name, number)
            self.unsay(name, number)

    @rule(pick=picks, outcome=st.sampled_from(sorted(Outcome)), early=st.sampled_from([0, 3]))
    def resolve(self, pick: int, outcome: Outcome, early: int) -> None:
        name = self.a_dispute(pick, "open")
        expected = self.disputes[name].state == "open" and outcome is not Outcome.CLEARED
        self.say(resolving(outcome, name), expected=expected, early=early)
        if expected:
            self.settle(name, outcome)

    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        name = self.a_dispute(pick, "open" if pick % 2 else "ended")
        dossier = self.disputes[name]
        self.say(CancelDispute(dispute(name)), expected=True)
        if dossier.state == "cancelled":
            return
        for number in {*dossier.members, *dossier.gone, *dossier.settled}:
            self.unsay(name, number)
            self.things[number].written_off_by.discard(name)
        self.end(name, "cancelled")

    @rule(pick=picks)
    def escalate(self, pick: int) -> None:
        name = self.a_dispute(pick, "open")
        dossier = self.disputes[name]
        expected = dossier.state == "open"
        self.say(EscalateDispute(dispute(name)), expected=expected)
        if expected:
            for number in dossier.members:
                self.leave(number, "litigation")
                self.things[number].ended_by = name
            self.end(name, "escalated")

    @rule(pick=picks)
    def reopen(self, pick: int) -> None:
        name = self.a_dispute(pick, "ended")
        dossier = self.disputes[name]
        known = {**dossier.gone, **dossier.members}
        back = {
            number: part
            for number, part in known.items()
            if not self.things[number].cleared and self.things[number].case is None
        }
        expected = dossier.state in {"resolved", "escalated"} and bool(back)
        self.say(ReopenDispute(dispute(name), FollowUpPlan(LATER)), expected=expected)
        if expected:
            for number in known:
                self.things[number].written_off_by.discard(name)
            dossier.state, dossier.members, dossier.gone = "open", {}, known
            for number, part in back.items():
                self.enter(name, number, part)
            self.remind(name)

    @rule(pick=picks, type=st.sampled_from(["price", "quality"]))
    def change_type(self, pick: int, type: str) -> None:  # noqa: A002
        name = self.a_dispute(pick, "open")
        dossier = self.disputes[name]
        self.say(ChangeDisputeType(dispute(name), type), expected=dossier.state == "open")
        if dossier.state == "open":
            dossier.type = type

    @rule(pick=picks)
    def assign(self, pick: int) -> None:
        name = self.a_dispute(pick, "open")
        self.say(AssignResolver(dispute(name), TECHNICIAN), expected=self.disputes[name].state == "open")

    @rule(
        chosen=some,
        status=st.sampled_from(["ongoing", "litigation", "promise_to_pay", "dispute_resolved"]),
        days=st.integers(0, 4),
        outcome=st.sampled_from([None, *BY_HAND]),
        plan=st.booleans(),
    )
    def qualify(self, chosen: list[str], status: str, days: int, outcome: Outcome | None, plan: bool) -> None:  # noqa: FBT001
        name = self.name()
        promised_on = self.now.astimezone(ZONE).date() + timedelta(days=days)
        command = QualifyItems(
            dispute(name),
            self.ids(chosen),
            status,
            promised_on=promised_on if status == "promise_to_pay" else None,
            outcome=outcome,
            plan_follow_up=plan,
            comment=name,
        )
        in_cases = {self.things[number].case for number in chosen}
        if not self.selectable(chosen) or len(in_cases) > 1:
            self.say(command, expected=False)
            return
        (within,) = in_cases
        if within is not None:
            self._qualify_within(within, command, chosen, outcome)
            return
        self.say(command, expected=outcome is None)
        if outcome is not None:
            return
        for number in chosen:
            self.things[number].says = status
            self.things[number].promised_on = promised_on if status == "promise_to_pay" else None
            self.things[number].ended_by = None
        if plan:
            self.remember(planned(name), None, set(chosen))

    def _qualify_within(
        self, name: str, command: QualifyItems, chosen: list[str], outcome: Outcome | None
    ) -> None:
        everything = set(chosen) == set(self.disputes[name].members)
        resolves = command.status == "dispute_resolved" and not command.plan_follow_up
        expected = resolves and everything is (outcome is not None)
        self.say(command, expected=expected)
        if not expected:
            return
        if everything:
            assert outcome is not None
            self.settle(name, outcome)
        else:
            for number in chosen:
                self.take_out(name, number)
                self.leave(number, "dispute_resolved")
                self.things[number].ended_by = name
                self.disputes[name].settled.add(number)

    # --- follow-ups ---

    @rule(pick=picks)
    def plan_for_dispute(self, pick: int) -> None:
        name = self.a_dispute(pick, "open")
        found, dossier = action(self.name()), self.disputes[name]
        expected = dossier.state == "open"
        self.say(PlanFollowUp(found, "Ask", LATER, dispute(name)), expected=expected)
        if not expected:
            return
        dossier.actions += 1
        self.remember(found, name, set(dossier.members))

    @rule(pick=picks, number=numbers)
    def plan_for_one_item_of_a_dispute(self, pick: int, number: str) -> None:
        name = self.a_dispute(pick, "open")
        number = self.a_member(pick, name, number)
        found, dossier = action(self.name()), self.disputes[name]
        expected = dossier.state == "open" and number in dossier.members
        command = PlanFollowUp(found, "Ask", LATER, dispute(name), self.ids([number]))
        self.say(command, expected=expected)
        if not expected:
            return
        dossier.actions += 1
        self.remember(found, name, {number})

    @rule(chosen=some)
    def plan_for_items(self, chosen: list[str]) -> None:
        found, expected = action(self.name()), self.selectable(chosen)
        self.say(PlanFollowUp(found, "Wait", LATER, item_ids=self.ids(chosen)), expected=expected)
        if not expected:
            return
        self.remember(found, None, set(chosen))

    @rule(pick=picks, outcome=st.sampled_from([None, *BY_HAND]))
    def end_action(self, pick: int, outcome: Outcome | None) -> None:
        self._end_action(self.an_action(pick), outcome)

    @rule(pick=picks, outcome=st.sampled_from([None, *BY_HAND]))
    def end_first_action(self, pick: int, outcome: Outcome | None) -> None:
        name = self.a_dispute(pick, "open")
        if self.of(name):
            self._end_action(self.of(name)[0], outcome)

    def _end_action(self, found: FollowUpId, outcome: Outcome | None) -> None:
        reminder = self.actions.get(found)
        last = reminder is not None and reminder.dossier is not None and self.of(reminder.dossier) == [found]
        expected = reminder is None or last is (outcome is not None)
        self.say(EndFollowUp(found, outcome=outcome), expected=expected)
        if reminder is None or not expected:
            return
        del self.actions[found]
        if last:
            assert reminder.dossier is not None
            assert outcome is not None
            self.settle(reminder.dossier, outcome)

    @rule(pick=picks, days=st.integers(0, 9))
    def postpone(self, pick: int, days: int) -> None:
        found = self.an_action(pick)
        command = PostponeFollowUp(found, LATER + timedelta(days=days))
        self.say(command, expected=found in self.actions)

    @rule(pick=picks)
    def chase(self, pick: int) -> None:
        name = self.a_dispute(pick, "open")
        for found in self.of(name):
            before = self.world.action(found)
            self.say(ChaseResolver(found, due_on=LATER), expected=True, repeats=True)
            assert self.world.action(found).chases == before.chases + 1
            assert self.world.action(found).is_open

    # --- the ledger and time ---

    @rule(number=numbers, days=st.sampled_from([None, 0, 3, 40]))
    def clear(self, number: str, days: int | None) -> None:
        cleared_on = None if days is None else self.now.date() - timedelta(days=days)
        self.say(ClearItem(self.id(number), cleared_on), expected=True)
        thing = self.things[number]
        if thing.cleared:
            return
        name = thing.case
        if name is not None:
            dossier = self.disputes[name]
            part = thing.part
            self.take_out(name, number)
            dossier.gone[number] = part
            self.leave(number, "dispute")
            if not dossier.members:
                self.end(name, "resolved")
        for found in list(self.actions):
            self.unlist(found, number)
        thing.cleared, thing.ended_by, thing.balance = True, None, Decimal(0)
        thing.written_off_by.clear()

    @rule(number=numbers, balance=st.sampled_from(["100", "20", "150"]))
    def ledger_says(self, number: str, balance: str) -> None:
        thing = self.things[number]
        row = invoice(number, balance=balance, customer=thing.customer, currency=thing.currency)
        self.say(row, expected=True)
        thing.balance = Decimal(balance)
        if thing.cleared:
            thing.cleared = False
            if thing.says == "dispute":
                thing.says = None

    @rule(hours=st.sampled_from([1, 7, 24, 50]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    # --- what always holds ---

    @invariant()
    def items_are_as_the_model_says(self) -> None:
        for number, thing in self.things.items():
            found = self.world.item(number, thing.customer)
            assert found.cleared is thing.cleared
            assert found.details.balance == thing.balance
            assert (found.qualification.kind if found.qualification else None) == thing.says
            assert found.dispute_id == (dispute(thing.case) if thing.case else None)
            assert (found.disputed, found.disputed_by is None) == (thing.part, thing.case is None)
            if thing.case:
                part = thing.balance if thing.part is None else min(thing.part, thing.balance)
                assert found.disputed_amount == part

    @invariant()
    def an_item_is_excluded_exactly_when_the_spec_says(self) -> None:
        for number, thing in self.things.items():
            found = self.world.item(number, thing.customer)
            for moment in self.moments(thing):
                assert set(exclusions(found, moment, str(ZONE))) == self.excluded(number, moment)

    def moments(self, thing: Thing) -> list[datetime]:
        """Now, and on both sides of the promise's expiry."""
        if thing.promised_on is None:
            return [self.now]
        expiry = datetime.combine(thing.promised_on + timedelta(days=1), time(), ZONE).astimezone(UTC)
        return [self.now, expiry - timedelta(microseconds=1), expiry]

    def excluded(self, number: str, moment: datetime) -> set[Exclusion]:
        thing = self.things[number]
        reasons = set()
        if thing.says in {"dispute", "litigation"}:
            reasons.add(Exclusion(thing.says))
        if any(number in reminder.things for reminder in self.actions.values()):
            reasons.add(Exclusion.FOLLOW_UP)
        if thing.promised_on is not None and moment.astimezone(ZONE).date() <= thing.promised_on:
            reasons.add(Exclusion.PROMISE)
        if thing.written_off_by:
            reasons.add(Exclusion.WRITTEN_OFF)
        return reasons

    @invariant()
    def a_dispute_is_open_as_long_as_it_has_items(self) -> None:
        for name, dossier in self.disputes.items():
            found = self.world.dispute(name)
            inside = {self.id(number) for number, thing in self.things.items() if thing.case == name}
            assert found.state == dossier.state
            assert found.is_open is bool(inside)
            assert found.type == dossier.type
            if found.is_open:
                assert set(found.items) == inside
            assert found.follow_ups == set(self.of(name))

    @invariant()
    def no_item_is_in_two_open_disputes(self) -> None:
        open_ones = [self.world.dispute(name) for name in self.disputes if self.world.dispute(name).is_open]
        listed = [one for found in open_ones for one in found.items]
        assert len(listed) == len(set(listed))

    @invariant()
    def actions_and_items_name_each_other(self) -> None:
        for number, thing in self.things.items():
            listing = {found for found, reminder in self.actions.items() if number in reminder.things}
            assert self.world.item(number, thing.customer).follow_ups == listing
        for found, reminder in self.actions.items():
            assert self.world.action(found).is_open
            assert self.world.action(found).items == {self.id(number) for number in reminder.things}


def _opening(command: QualifyItems) -> OpenDispute:
    return OpenDispute(command.dispute_id, command.item_ids, command.status, amounts=command.amounts)


Cases.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestCases = Cases.TestCase
