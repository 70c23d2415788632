"""Resolution time (spec 34) at random moments of random histories, against a fold in plain Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from domain.case import State, evolve
from domain.commands import Decision
from domain.dispute import (
    Dispute,
    DisputeCancelled,
    DisputeContinued,
    DisputeEscalated,
    DisputeOpened,
    DisputeReopened,
    DisputeResolved,
    OpenDispute,
    Outcome,
    ResolveDispute,
)
from domain.events import Event
from domain.follow_up import (
    Direction,
    FollowUpAction,
    InteractionRecorded,
    Medium,
    Party,
    RecordInteraction,
    ResolverChased,
)
from domain.identity import OPERATOR, DisputeId, PersonId, follow_up_of, item_id, person_id
from domain.item import ItemDetails, ItemType, RegisterItem
from domain.people import RegisterPerson
from domain.roles import Role
from projections.feed import Feed
from projections.reading import Reading
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from projections.resolver_days import ResolverDaysRow, resolver_days
from store.connections import CompanyDatastore, Pool, open_pool
from store.log import Attribution, Log, Submission
from tests.projections.histories import BEGINNING, Made, Pick, new_company
from tests.projections.test_past import BOSS, LATER, told_late, zone_of

DAY: Final = 86_400


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=6) as pool:
        yield pool


def by_many(made: Made) -> list[tuple[Decision, PersonId]]:
    """The decisions of *made*, each by one of the people that are resolvers in it."""
    return [(each, person_id(f"P{number % 3}")) for number, each in enumerate(made.decisions)]


def fed(pool: Pool, decisions: Sequence[tuple[Decision, PersonId]]) -> Log:
    log = new_company(pool)
    versions: dict[Any, int] = {}
    for decision, who in decisions:
        streams = [event.stream_id for event in decision.events]
        expected = {stream: versions.get(stream, 0) for stream in streams}
        for stream in streams:
            versions[stream] = versions.get(stream, 0) + 1
        by = Attribution(OPERATOR, "administrator", None, who)
        log.append(Submission(uuid4(), None, b"", by, (decision,), expected, b""))
    assert isinstance(log.datastore, CompanyDatastore)
    Feed(log.datastore, log).catch_up()
    return log


@dataclass
class Life:
    """One episode as it is folded."""

    opened: datetime
    amount: Decimal
    currency: str
    ended: datetime | None = None
    is_resolved: bool = False
    done: list[tuple[datetime, bool]] = field(default_factory=list)
    """Responses of the resolver (True) and chases (False), in the order of the log."""
    done_by_end: list[tuple[datetime, bool]] = field(default_factory=list)
    """Those up to the decision that ended it; what came later by its own clock was not done by then."""
    held: dict[PersonId | None, float] = field(default_factory=dict)

    def look_back(self) -> None:
        """The decision that ended it is over."""
        assert self.ended is not None
        self.done_by_end = [each for each in self.done if each[0] <= self.ended]

    @property
    def responded(self) -> datetime | None:
        return min((at for at, is_response in self.done_by_end if is_response), default=None)

    @property
    def chases(self) -> int:
        return sum(not is_response for _, is_response in self.done_by_end)


class Folded:
    """Episodes, from the decisions alone: event by event, state by state."""

    def __init__(self, decisions: Sequence[tuple[Decision, PersonId]]) -> None:
        self.lives: dict[tuple[Any, int], Life] = {}
        self._states: dict[Any, State] = {}
        self._since: dict[Any, datetime] = {}
        self._cancelled: set[Any] = set()
        for decision, who in decisions:
            self._decision(decision, who)

    def _decision(self, decision: Decision, who: PersonId) -> None:
        at = decision.occurred_at
        before = dict(self._states)
        for event in decision.events:
            self._states[event.stream_id] = evolve(self._states.get(event.stream_id), event)
        begun = {
            each.dispute_id: each
            for each in decision.events
            if isinstance(each, DisputeOpened | DisputeReopened)
        }
        touched = {state.id for state in self._after(decision) if isinstance(state, Dispute)}
        through = {state.dispute_id for state in self._after(decision) if isinstance(state, FollowUpAction)}
        for dispute_id in sorted((touched | through) - {None}):  # type: ignore[type-var]
            was, now = before.get(dispute_id), self._states[dispute_id]
            assert isinstance(now, Dispute)
            held_until = self._since.get(dispute_id)
            if isinstance(was, Dispute) and held_until is not None and dispute_id not in begun:
                self._held(self.lives[dispute_id, was.episode], was.resolver_id, held_until, at)
                self._since[dispute_id] = at
            if dispute_id in begun:
                life = Life(now.episode_opened_at, now.amount_at_opening, now.currency)
                self.lives[dispute_id, now.episode] = life
                self._held(life, None, now.episode_opened_at, at)
                self._since[dispute_id] = at
            elif who in {now.resolver_id, was.resolver_id if isinstance(was, Dispute) else None}:
                self.lives[dispute_id, now.episode].done.append((at, True))
        self._events(decision.events, at)

    def _after(self, decision: Decision) -> list[State]:
        return [self._states[event.stream_id] for event in decision.events]

    def _held(self, life: Life, by: PersonId | None, since: datetime, until: datetime) -> None:
        life.held[by] = life.held.get(by, 0) + (until - since).total_seconds() / DAY

    def _events(self, events: Sequence[Event], at: datetime) -> None:
        for event in events:
            self._event(event, at)
        for event in events:
            if isinstance(event, DisputeResolved | DisputeEscalated):
                self.lives[event.dispute_id, event.episode].look_back()

    def _event(self, event: object, at: datetime) -> None:
        match event:
            case DisputeResolved() | DisputeEscalated():
                life = self.lives[event.dispute_id, event.episode]
                life.ended, life.is_resolved = at, isinstance(event, DisputeResolved)
            case DisputeContinued():
                life = self.lives[event.dispute_id, event.episode]
                life.ended, life.is_resolved = None, False
            case DisputeCancelled():
                self._cancelled.add(event.dispute_id)
            case ResolverChased(dispute_id=dispute_id) if dispute_id is not None:
                state = self._states[dispute_id]
                assert isinstance(state, Dispute)
                self.lives[dispute_id, state.episode].done.append((at, False))
            case InteractionRecorded(dispute_id=dispute_id) if dispute_id is not None:
                if (event.with_whom, event.direction) == (Party.RESOLVER, Direction.INCOMING):
                    state = self._states[dispute_id]
                    assert isinstance(state, Dispute)
                    self.lives[dispute_id, state.episode].done.append((at, True))
            case _:
                pass

    def counting(self) -> list[Life]:
        """The episodes of disputes that are not cancelled."""
        return [life for (dispute, _), life in self.lives.items() if dispute not in self._cancelled]

    def closed(self) -> list[Life]:
        """Those of them that are resolved."""
        return [life for life in self.counting() if life.is_resolved]


def working(life: Life, zone: str) -> int:
    assert life.ended is not None
    day, last = (each.astimezone(ZoneInfo(zone)).date() for each in (life.opened, life.ended))
    found = 0
    while day < last:
        day += timedelta(days=1)
        found += day.weekday() < 5
    return found


def survivors(lives: Sequence[Life], at: datetime) -> float | None:
    """The Kaplan-Meier median, slowly: at each end, over those that had lasted until then."""
    lasted = [((life.ended or at) - life.opened, life.is_resolved) for life in lives]
    survival = 1.0
    for time in sorted({each for each, over in lasted if over}):
        at_risk = sum(each >= time for each, _ in lasted)
        survival *= 1 - sum(each == time and over for each, over in lasted) / at_risk
        if survival <= 0.5 + 1e-10:
            return time.total_seconds() / DAY
    return None


def near(expected: object) -> object:
    return pytest.approx(expected, abs=1e-9)


def average(values: Sequence[float]) -> object:
    return near(sum(values) / len(values)) if values else None


# Registered, opened, qualified, ended, reopened, commented, assigned, planned, chased: by their places in
# `histories`. Escalated or cancelled seldom, for what is cancelled counts nowhere.
_OFTEN: Final = (
    *(0, 1, 2, 4, 5, 6, 6, 7, 9, 11, 11, 13, 13, 14, 15, 16, 17, 17, 17, 17, 18, 19, *(20,) * 8, 21, 24) * 4,
    12,
)


def busy(seed: int) -> Made:
    """A history in which many disputes are worked on; now and then somebody notes what the resolver said."""
    chance = Random(seed)
    draw = chance.randrange
    what: list[Pick] = [(chance.choice(_OFTEN), draw(8), draw(8), draw(6)) for _ in range(500)]
    made = told_late(what, seed)
    for action in [each.id for each in made.case.states.values() if isinstance(each, FollowUpAction)]:
        made.give(RecordInteraction(action, Party.RESOLVER, Medium.PHONE, Direction.INCOMING, "Soon."))
    return made


@pytest.mark.parametrize("seed", range(5))
def test_34_figures_at_any_past_equal_those_of_a_fold(pool: Pool, seed: int) -> None:
    made = busy(seed)
    told = by_many(made)
    log = fed(pool, told)
    assert isinstance(log.datastore, CompanyDatastore)
    chance, reading = Random(seed), Reading(log.datastore, BOSS, LATER)
    met: set[str] = set()
    for turn in range(8):
        at = BEGINNING + timedelta(minutes=chance.randrange(60 * 24 * 42)) if turn % 3 else None
        known = log.end_of_decision_at(
            chance.randrange(made.events // 2, made.events + 1) if turn else made.events
        )
        folded = Folded(shown(told, at, known))
        zone = zone_of([decision for decision, _ in shown(told, None, known)])
        asked = ResolutionTimeParameters(as_at=at, known_at=known)
        (row,) = resolution_time(reading, asked).totals
        closed, lives = folded.closed(), folded.counting()
        days = [(life.ended - life.opened).total_seconds() / DAY for life in closed if life.ended]
        responses = [
            (life.responded - life.opened).total_seconds() / DAY for life in closed if life.responded
        ]
        assert (row.count, row.opened, row.responded) == (len(closed), len(lives), len(responses))
        assert row.mean_days == average(days)
        assert row.mean_business_days == average([working(life, zone) for life in closed])
        assert row.mean_first_response_days == average(responses)
        assert row.chases_per_episode == average([life.chases for life in closed])
        for currency in {life.currency for life in lives}:
            assert row.by_currency[f"weighted_mean_days_{currency}"] == weighted(closed, currency)
        median = survivors(lives, at or LATER)
        assert row.km_median_days == (None if median is None else near(median))
        held: dict[PersonId | None, float] = {}
        for life in closed:
            for by, length in life.held.items():
                held[by] = held.get(by, 0) + length
        found = resolver_days(reading, asked)
        assert by_person(found.rows) == {by: near(length) for by, length in held.items() if length > 0}
        chases = any(life.chases for life in closed)
        met |= {name for name, there in (("chased", chases), ("responded", responses)) if there}
    assert met == {"chased", "responded"}  # or nothing was compared


def weighted(closed: Sequence[Life], currency: str) -> object:
    own = [life for life in closed if life.currency == currency and life.amount > 0 and life.ended]
    if not own:
        return None
    days = [(life.ended - life.opened).total_seconds() / DAY for life in own if life.ended]
    amounts = [float(life.amount) for life in own]
    return near(sum(amount * each for amount, each in zip(amounts, days, strict=True)) / sum(amounts))


def by_person(rows: Sequence[ResolverDaysRow]) -> dict[PersonId | None, float]:
    return {None if row.key is None else person_id(row.key): row.days for row in rows if row.days > 0}


def shown(
    told: Sequence[tuple[Decision, PersonId]], at: datetime | None, known: int
) -> list[tuple[Decision, PersonId]]:
    """The decisions that both clocks show."""
    found = []
    position = 0
    for decision, by in told:
        position += len(decision.events)
        if position <= known and (at is None or decision.occurred_at <= at):
            found.append((decision, by))
    return found


def test_34_an_answer_that_somebody_noted_is_the_response_of_the_resolver(pool: Pool) -> None:
    made = Made()
    day = made.at.date()
    made.give(RegisterPerson("rita", "Rita", None, Role.RESOLVER))
    details = ItemDetails(ItemType.INVOICE, day, day, Decimal(10), Decimal(10), "EUR")
    made.give(RegisterItem("C0", "main", "N0", details))
    dispute = DisputeId(uuid4())
    items = (item_id("main", "C0", "N0"),)
    made.give(OpenDispute(dispute, items, "price", "Too dear", None, person_id("rita")))
    action = follow_up_of(dispute, 1)
    asked = RecordInteraction(action, Party.RESOLVER, Medium.EMAIL, Direction.OUTGOING, "Please look at it.")
    told = RecordInteraction(action, Party.CUSTOMER, Medium.PHONE, Direction.INCOMING, "Any news?")
    answered = RecordInteraction(action, Party.RESOLVER, Medium.PHONE, Direction.INCOMING, "They are right.")
    for each in (asked, told, answered, ResolveDispute(dispute, Outcome.CREDIT_NOTE)):
        made.at += timedelta(days=1)
        made.give(each)
    log = fed(pool, [(decision, person_id("cora")) for decision in made.decisions])
    assert isinstance(log.datastore, CompanyDatastore)
    reading = Reading(log.datastore, BOSS, LATER)
    (row,) = resolution_time(reading, ResolutionTimeParameters()).totals
    assert (row.count, row.mean_days, row.responded) == (1, 4, 1)
    assert (row.mean_first_response_days, row.median_first_response_days) == (3, 3)
