"""15. Two people at once: of two who dispute the same item one succeeds, and the other is told by whom it
was; and whatever the two do in between each other, it is as if they had done it one after the other."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeAlias

import hypothesis.strategies as st
import pytest
from httpx import Client, Response
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from api.app import create_app
from api.database import Database, OpenCompany
from domain.commands import Command
from domain.dispute import AddItems, Dispute, OpenDispute, Outcome, ResolveDispute
from domain.identity import DisputeId, ItemId, PersonId, dispute_id, item_id, person_id
from domain.item import Item
from domain.people import RegisterPerson
from domain.refusals import ItemAlreadyDisputed, Refusal
from domain.roles import Actor, Role
from replay.verify import verify
from store.clock import new_id
from store.execute import Answer, Order
from store.keys import Keys
from tests.api.company_case import ADMINISTRATOR, CompanyCase, company_case
from tests.api.http_service import Service, identity, invoice, listening, service
from tests.torture.append_paths import invoice_of
from tests.torture.scale import SEED, sized

__all__ = ["service"]

ROUNDS = sized(small=15, large=300)
EXAMPLES = sized(small=15, large=150)
STEPS = sized(small=15, large=40)
TWO = ("manager", "collector")


@pytest.fixture
def other(service: Service, tmp_path: Path) -> Iterator[Client]:
    """A second service over the same database, which remembers nothing of the first."""
    first = service.database
    folder = tmp_path / "other"
    folder.mkdir()
    second = Database(first.conninfo, first.pool, is_own=False, data_dir=folder, keys=Keys(first.pool))
    with listening(create_app(second), folder / "http") as http:
        yield http


def dispute(door: Client, key: str, number: str, reference: str, at_once: threading.Barrier) -> Response:
    body = {"item_ids": [identity(number)], "type": "price", "reference": reference}
    at_once.wait()
    return door.post("/v1/disputes", json=body, headers={"Authorization": f"Bearer {key}"})


def test_15_of_two_who_dispute_an_item_at_once_one_succeeds_and_the_other_is_told_by_whom_it_was(
    service: Service, other: Client, dice: random.Random, say: Callable[[str], None]
) -> None:
    winners: list[str] = []
    for number in range(ROUNDS):
        service.done("/v1/items", invoice(f"{number}"))
        at_once = threading.Barrier(2)
        doors = dice.sample([service.http, other], 2)
        with ThreadPoolExecutor(2) as threads:
            sent = [
                threads.submit(dispute, door, service.keys[who], f"{number}", f"{who}-{number}", at_once)
                for who, door in zip(TWO, doors, strict=True)
            ]
        answers = {who: each.result() for who, each in zip(TWO, sent, strict=True)}
        by_status = {answer.status_code: who for who, answer in answers.items()}
        assert sorted(by_status) == [201, 409], [answer.text for answer in answers.values()]
        winner, told = by_status[201], answers[by_status[409]].json()
        assert told["type"] == "urn:redress:problem:item-already-disputed"
        assert told["disputed_by"] == str(person_id(winner))
        assert told["dispute_id"] == str(dispute_id(f"{winner}-{number}"))
        winners.append(winner)
    say(f"{ROUNDS} items disputed by two at once, won by {[winners.count(who) for who in TWO]}")


# --- commands of two actors, interleaved -----------------------------------------------------------


@dataclass
class Model:
    """What the rules allow, in a few lines: which disputes there are, where items are, who put them there."""

    opened: set[DisputeId] = field(default_factory=set)
    resolved: set[DisputeId] = field(default_factory=set)
    place: dict[ItemId, DisputeId] = field(default_factory=dict)
    disputed_by: dict[ItemId, PersonId] = field(default_factory=dict)

    def taken(self, items: tuple[ItemId, ...], by_others_than: DisputeId) -> set[DisputeId]:
        """Other open disputes that have some of *items*."""
        return {self.place[each] for each in items if each in self.place} - {by_others_than}

    def allows(self, command: Command) -> bool:
        match command:
            case OpenDispute():
                return command.dispute_id not in self.opened and not self.taken(
                    command.item_ids, command.dispute_id
                )
            case AddItems():
                is_open = command.dispute_id in self.opened - self.resolved
                return is_open and not self.taken(command.item_ids, command.dispute_id)
            case ResolveDispute():
                return command.dispute_id in self.opened - self.resolved
            case _:
                raise AssertionError(command)

    def _put(self, items: tuple[ItemId, ...], dispute: DisputeId, who: Actor) -> None:
        for item in items:
            if self.place.get(item) != dispute:  # where it is already, it stays as it was
                self.place[item], self.disputed_by[item] = dispute, who.person_id

    def take(self, command: Command, who: Actor) -> None:
        match command:
            case OpenDispute():
                self.opened.add(command.dispute_id)
                self._put(command.item_ids, command.dispute_id, who)
            case AddItems():
                self._put(command.item_ids, command.dispute_id, who)
            case ResolveDispute():
                self.resolved.add(command.dispute_id)
                self.place = {item: at for item, at in self.place.items() if at != command.dispute_id}
            case _:
                raise AssertionError(command)


Intent: TypeAlias = tuple[str, list[int], int]
people = st.sampled_from([0, 1])
few = st.lists(st.integers(0, 3), min_size=1, max_size=2, unique=True)
intents = st.tuples(st.sampled_from(["open", "add", "resolve"]), few, st.integers(0, 3))


class TwoActors(RuleBasedStateMachine):
    """Two people, each at a service of their own."""

    companies: ClassVar[tuple[OpenCompany, OpenCompany]]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.actors = tuple(Actor(person_id(f"p{number}"), Role.CREDIT_MANAGER) for number in (0, 1))

    @initialize()
    def stock(self) -> None:
        self.name = f"{new_id()}"
        rows = [invoice_of(self.name, f"{number}") for number in range(4)]
        self.companies[0].executor.execute_rows(rows, ADMINISTRATOR)
        self.items = [item_id("main", self.name, f"{number}") for number in range(4)]

    @rule(who=people, intent=intents)
    def one(self, who: int, intent: Intent) -> None:
        self._give(who, self._command(intent))

    @rule(who=people, intent=intents, meanwhile=intents)
    def two(self, who: int, intent: Intent, meanwhile: Intent) -> None:
        """The other is faster: between the moment at which one has decided and the moment of the append."""
        log = self.companies[who].log
        append = log.append

        def overtaken(*what, **how):
            del log.append
            self._give(1 - who, self._command(meanwhile))
            return append(*what, **how)

        log.append = overtaken  # type: ignore[method-assign]
        try:
            self._give(who, self._command(intent))
        finally:
            vars(log).pop("append", None)

    def _command(self, intent: Intent) -> Command:
        kind, numbers, which = intent
        items = tuple(self.items[number] for number in numbers)
        about = dispute_id(f"{self.name}-{which}")
        match kind:
            case "open":
                return OpenDispute(about, items, "price")
            case "add":
                return AddItems(about, items)
            case _:
                return ResolveDispute(about, Outcome.INVOICE_UPHELD)

    def _give(self, who: int, command: Command) -> None:
        actor = self.actors[who]
        given: Answer | Refusal
        try:
            given = self.companies[who].executor.execute(Order(command, actor))
        except Refusal as refusal:
            given = refusal
        if self.model.allows(command):
            assert isinstance(given, Answer), given
            self.model.take(command, actor)
        elif isinstance(given, Answer):
            assert not given.changed, command  # said twice
        elif isinstance(given, ItemAlreadyDisputed):
            assert self.model.place[ItemId(given.item_id)] == given.dispute_id
            assert given.disputed_by == self.model.disputed_by[ItemId(given.item_id)]

    @invariant()
    def both_see_what_was_done(self) -> None:
        if not hasattr(self, "items"):
            return
        wanted = frozenset({*self.items, *self.model.opened})
        for company in self.companies:
            states = company.executor.states.read(wanted).case.states
            for item in self.items:
                found = states[item]
                assert isinstance(found, Item)
                assert found.dispute_id == self.model.place.get(item)
            for dispute in self.model.opened:
                case = states[dispute]
                assert isinstance(case, Dispute)
                assert case.is_open == (dispute not in self.model.resolved)


@pytest.fixture
def case(database: str, tmp_path: Path) -> Iterator[CompanyCase]:
    with company_case(database, tmp_path) as case:
        yield case


def test_15_what_two_do_in_between_each_other_is_as_if_done_one_after_the_other(
    case: CompanyCase, say: Callable[[str], None]
) -> None:
    for number in (0, 1):
        person = RegisterPerson(f"p{number}", f"P{number}", role=Role.CREDIT_MANAGER)
        case.company.executor.execute(Order(person, ADMINISTRATOR))

    class Here(TwoActors):
        companies = case.company, OpenCompany(case.database.pool, "acme")

    say(f"REDRESS_SEED={SEED}")
    run_state_machine_as_test(
        seed(SEED)(Here),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
    case.company.feed.catch_up()
    found = verify(case.company.datastore, case.company.log)
    say(f"{found.events} events of {EXAMPLES} histories of up to {STEPS} steps")
    assert found.differences == []
