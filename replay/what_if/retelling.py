"""From the log and the changed rules to the log as it would have been: which streams change, and how.

Streams are told anew one by one, each by itself. What has to be known of other streams for that (which
disputes end when, whom the other rule finds) is found out before, in one pass over the disputes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Generic, TypeAlias, TypeVar
from uuid import UUID

from domain.assignment import find_resolver
from domain.case import State, evolve
from domain.catalogue import Company, Settings, StatusDefined, StatusKind
from domain.customer import Customer
from domain.dispute import OfDispute, Unassigned
from domain.follow_up import FollowUpPlanned
from domain.identity import COMPANY_STREAM, PEOPLE_STREAM, DisputeId, PersonId
from domain.item import Item, Qualification
from domain.people import People
from replay.what_if.assigned_anew import Asked, Found, asked, assigned_anew, persons_with
from replay.what_if.happened import Happened, Stream, decisions
from replay.what_if.planned_anew import planned_anew
from replay.what_if.recorded import Recorded
from replay.what_if.resolved_early import (
    Due,
    EarlyEnd,
    after_business_days,
    after_days,
    concerned,
    early_ends,
    resolved_early,
)
from replay.what_if.rules import Rules, check
from store.working_days import working_days

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told (what is being done, how much of it is done, how much there is)."""

Thing = TypeVar("Thing", bound=State)

_BATCH: Final = 2_000
"""Disputes whose items are looked up together."""


@dataclass(slots=True)
class Changes:
    """What the rules changed: ``episodes`` that end earlier, ``open_episodes`` of them that are still open;
    ``assignments`` by the rule decided anew, ``other_assignments`` with another outcome; ``follow_ups`` with
    another due date; ``targets`` (definitions of statuses); ``streams`` and ``events`` that differ: moved,
    altered, added or left out."""

    episodes: int = 0
    open_episodes: int = 0
    assignments: int = 0
    other_assignments: int = 0
    follow_ups: int = 0
    targets: int = 0
    streams: int = 0
    events: int = 0


class States(Generic[Thing]):
    """The states that one stream had, by the numbers of its decisions; *nothing* if it had none."""

    def __init__(self, stream: Stream, nothing: Thing | None = None) -> None:
        self._ends: Final[list[int]] = []
        self._states: Final[list[State]] = []
        self._nothing: Final = nothing
        state: State | None = None
        for together in decisions(stream):
            for one in together:
                state = evolve(state, one.event)
            assert state is not None, "a decision has events"
            self._ends.append(together[0].end)
            self._states.append(state)

    def before(self, end: int) -> Thing:
        """The state just before the decision with the number *end*, or the first one that there was."""
        return self._at(max(0, bisect_left(self._ends, end) - 1))

    @property
    def last(self) -> Thing:
        """The last state."""
        return self._at(-1)

    def _at(self, place: int) -> Thing:
        # The stream is of that kind.
        return self._states[place] if self._states else self._nothing  # type: ignore[return-value]


@dataclass(slots=True)
class Retelling:
    """How every stream is told under *rules*. Make it with `retelling`."""

    rules: Rules
    company: States[Company]
    early: Mapping[UUID, Sequence[EarlyEnd]] = field(default_factory=dict)
    """By dispute, item and follow-up action."""
    found: Found = field(default_factory=dict)
    asked: frozenset[UUID] = frozenset()
    """The disputes of `found`."""
    changes: Changes = field(default_factory=Changes)

    def concerns(self, stream: UUID, first: type[object]) -> bool:
        """Whether *stream*, whose first event is of this class, may come out otherwise."""
        return (
            stream in self.early
            or (stream == COMPANY_STREAM and bool(self.rules.target_days))
            or (first is FollowUpPlanned and bool(self.rules.follow_up_days))
            or stream in self.asked
        )

    def told(self, stream: UUID, recorded: Stream) -> list[Happened]:
        """The events of *stream* as they would have been."""
        told = [*recorded]
        told = self._by_catalogue(told)
        if stream in self.asked:
            told = self._assigned(told)
        told = resolved_early(told, self.early.get(stream, ()))
        same = len({id(one) for one in recorded} & {id(one) for one in told})
        if differ := max(len(recorded), len(told)) - same:
            self.changes.streams += 1
            self.changes.events += differ
        return told

    def _assigned(self, stream: list[Happened]) -> list[Happened]:
        told = assigned_anew(stream, self.found)
        kept = {id(one) for one in told}
        self.changes.other_assignments += sum(id(one) not in kept for one in stream)
        return told

    def _by_catalogue(self, stream: list[Happened]) -> list[Happened]:
        first = stream[0]
        if isinstance(first.event, FollowUpPlanned):
            company = self.company.before(first.end)
            calendar = working_days(company.settings.country)
            planned = planned_anew(first, company, calendar, self.rules.follow_up_days)
            self.changes.follow_ups += planned is not first
            return [planned, *stream[1:]]
        targeted = [_targeted(one, self.rules.target_days) for one in stream]
        self.changes.targets += sum(now is not was for now, was in zip(targeted, stream, strict=True))
        return targeted


def _targeted(one: Happened, target_days: Mapping[str, int]) -> Happened:
    if not isinstance(one.event, StatusDefined) or one.event.status.code not in target_days:
        return one
    status = one.event.status
    return one.altered(replace(one.event, status=replace(status, target_days=target_days[status.code])))


def retelling(recorded: Recorded, rules: Rules, now: datetime, progress: Progress) -> Retelling:
    """Find out all that telling the streams of *recorded* anew needs; nothing ends after *now*.

    Raises RuleInvalid.
    """
    company = States(recorded.stream(COMPANY_STREAM), Company(Settings("")))
    people = States(recorded.stream(PEOPLE_STREAM), People())
    check(rules, company.last, people.last)
    made = Retelling(rules, company)
    if rules.resolved_within or rules.assign:
        _look_at_disputes(recorded, made, people, now, progress)
    return made


def _look_at_disputes(
    recorded: Recorded, made: Retelling, people: States[People], now: datetime, progress: Progress
) -> None:
    rules = made.rules
    early: dict[UUID, list[EarlyEnd]] = defaultdict(list)
    questions: list[Asked] = []
    company = made.company.last
    status = company.first_status(StatusKind.DISPUTE_RESOLVED) if rules.resolved_within else None
    within = _within(rules, company.settings)
    number = 0
    for number, (_, stream) in enumerate(recorded.of_kind(OfDispute), 1):
        said = Qualification(status.code, status.kind) if status else None
        ends = early_ends(stream, within, now, said) if said else []
        for end in ends:
            of_it = concerned(stream)
            for each in (end.dispute_id, *of_it.items, *of_it.follow_ups):
                early[each].append(end)
        made.changes.episodes += len(ends)
        made.changes.open_episodes += sum(end.until is None for end in ends)
        if rules.assign:
            questions += asked(stream)
        if number % _BATCH == 0:
            progress("looking at disputes", number, number)
    progress("looking at disputes", number, number)
    made.early = early
    made.found = _found(recorded, made, people, questions)
    made.asked = frozenset(dispute for dispute, _ in made.found)
    made.changes.assignments = len(made.found)


def _within(rules: Rules, settings: Settings) -> dict[str, Due]:
    if not rules.business_days:
        return {type_: after_days(days) for type_, days in rules.resolved_within.items()}
    calendar = working_days(settings.country)  # of today, as in the report on resolution time
    return {
        type_: after_business_days(days, settings.zone, calendar)
        for type_, days in rules.resolved_within.items()
    }


# --- whom the other rule finds ---------------------------------------------------------------------


def _found(recorded: Recorded, made: Retelling, people: States[People], questions: Sequence[Asked]) -> Found:
    found: dict[tuple[DisputeId, int], PersonId | Unassigned] = {}
    resolver_of = made.rules.resolver_of()
    for start in range(0, len(questions), _BATCH):
        some = questions[start : start + _BATCH]
        items = _states(recorded, (item for each in some for item in each.items))
        customers = _states(recorded, (each.customer_id for each in some))
        for each in some:
            settings = made.company.before(each.end).settings
            persons = persons_with(people.before(each.end), people.last, resolver_of)
            found[each.dispute_id, each.end] = find_resolver(
                made.rules.assignment_field or settings.assignment_field,
                [_known(items, item, Item, each.end) for item in each.items],
                _known(customers, each.customer_id, Customer, each.end),
                persons,
            )
    return found


def _states(recorded: Recorded, streams: Iterable[UUID]) -> dict[UUID, States[State]]:
    return {UUID(key): States(stream) for key, stream in recorded.streams(streams)}


def _known(states: Mapping[UUID, States[State]], stream: UUID, kind: type[Thing], end: int) -> Thing:
    state = states[stream].before(end)
    assert isinstance(state, kind), "the stream is of that kind"
    return state
