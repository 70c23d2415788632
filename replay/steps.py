"""Replay of a company, step by step (spec 40): what each decision, or each day, did to the agenda and to the
dispute report.

A step is one decision, or all that was recorded on one day of the company's zone: steps follow the order of
the log, in which business days come and go. Both reports are asked as known before it and as known after it,
as at the same moment, so that what differs is what the step did and not what time did. The agenda is that of
everybody, however far ahead; the dispute report is that of the open disputes, by type.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Final, LiteralString, TypeAlias
from uuid import UUID

from domain.calendar import local_date, start_of_day
from domain.catalogue import Settings
from domain.events import Event
from domain.identity import COMPANY_STREAM
from domain.item import OfItem
from domain.roles import Permission, Role, reach
from projections.agenda import AgendaParameters, AgendaRow, agenda
from projections.dispute_report import DisputeReportParameters, DisputeReportRow, dispute_report
from projections.moment import business_moment
from projections.parameters import ParameterInvalid, Parameters
from projections.reading import Reading, Snapshot
from replay.every_event import in_words
from replay.names import labels_of, people_names
from replay.row_changes import RowChange, row_changes
from replay.seen import company_of, read_up_to
from replay.sentences import Words
from store.log import Log, Recorded

SHOWN: Final = 20
"""Events of a step that are told in words; the others are counted."""

_BATCH: Final = 500
_FAR: Final = date(2999, 12, 31)
_TINY: Final = timedelta(microseconds=1)

End: TypeAlias = int | date | datetime | None
"""One end of a range: a position, a day, a recorded time (aware), or None: that of the log."""


class Every(StrEnum):
    """What one step is."""

    DECISION = "decision"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Doer:
    """Who recorded something, as people and keys are called now; *original_name* is that of the person on
    whose behalf it was done."""

    actor: UUID
    actor_name: str | None
    role: str
    key_id: UUID | None
    key_name: str | None
    on_behalf_of: UUID | None
    original_name: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """One event in words."""

    position: int
    event: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the positions *first* to *last*, when they occurred and were recorded, and by whom.

    *events* are the first `SHOWN` in words, *counts* all of them by stored name. *agenda* and
    *dispute_report* hold what became of their rows.
    """

    first: int
    last: int
    decisions: int
    occurred_from: datetime
    occurred_to: datetime
    recorded_from: datetime
    recorded_to: datetime
    doers: tuple[Doer, ...]
    events: tuple[Told, ...]
    counts: Mapping[str, int]
    agenda: tuple[RowChange[AgendaRow], ...]
    dispute_report: tuple[RowChange[DisputeReportRow], ...]


def steps(reading: Reading, log: Log, begin: End, end: End, every: Every = Every.DECISION) -> Iterator[Step]:
    """The steps that hold the positions, or what was recorded at the times, from *begin* to *end*, both
    included; a day stands for its start as *begin* and for its end as *end*.

    The read side must have followed the log. Raises RoleForbids for who may not read the log, and
    ParameterInvalid for a range that the log does not have, both before the first step.
    """
    reach(reading.actor, Permission.READ_LOG)
    company = company_of(read_up_to(log, {COMPANY_STREAM}, newest := log.newest()), newest)
    zone = (company.settings if company else Settings("")).zone
    after, last = _range(log, begin, end, zone, newest)
    return _Replay(reading, log, zone, Words(people_names(log), labels_of(company))).steps(after, last, every)


# --- the range -------------------------------------------------------------------------------------


def _range(log: Log, begin: End, end: End, zone: str, newest: int) -> tuple[int, int]:
    """The positions after which the first step begins, and at which the last one ends."""
    _check("from", begin, newest)
    _check("to", end, newest)
    if isinstance(begin, int) and isinstance(end, int) and begin > end:
        raise ParameterInvalid("from", begin, f"it lies after the end, {end}")
    after, last = _before(log, begin, zone), _until(log, end, zone, newest)
    if after < last:
        return after, last
    first, final = log.read(0, 1)[0].recorded_at, log.read(newest - 1, 1)[-1].recorded_at
    cure = (
        f"nothing was recorded from there to the end; the log goes from {first} to {final}, position {newest}"
    )
    raise ParameterInvalid("from", str(begin or 1), cure)


def _check(name: str, end: End, newest: int) -> None:
    if isinstance(end, int) and not 1 <= end <= newest:
        raise ParameterInvalid(name, end, f"give a position from 1 to {newest}, or a time")
    if isinstance(end, datetime) and end.tzinfo is None:
        raise ParameterInvalid(name, end.isoformat(), "give the zone of the time, such as Z or +01:00")


def _before(log: Log, begin: End, zone: str) -> int:
    if begin is None:
        return 0
    if isinstance(begin, int):
        return log.end_of_decision_at(begin - 1)
    moment = begin if isinstance(begin, datetime) else start_of_day(begin, zone)
    return log.end_of_decision_at(moment - _TINY)


def _until(log: Log, end: End, zone: str, newest: int) -> int:
    if end is None:
        return newest
    if isinstance(end, int):
        return log.read(end - 1, 1)[0].decision_end
    moment = business_moment(end, zone)
    assert moment is not None, "there is an end"
    return min(log.end_of_decision_at(moment), newest)


# --- the steps -------------------------------------------------------------------------------------

_AGENDA: Final = ("due_on", "chases", "title", "type", "resolver", "items", "disputed")
_DISPUTES: Final = ("disputes", "items", "amount")
_STEP_OF_SCENARIO: Final = "scenario_step"

_NAMES: Final[LiteralString] = """
select dispute_id as id, reference as name from dispute_states
where until is null and dispute_id = any (%(ids)s)
union all
select follow_up_id, title from follow_up_states where until is null and follow_up_id = any (%(ids)s)
union all
select item_id, number from item_states where until is null and item_id = any (%(ids)s)
union all
select customer_id, code from customer_states where until is null and customer_id = any (%(ids)s)"""


@dataclass(frozen=True, slots=True)
class _Reports:
    agenda: tuple[AgendaRow, ...]
    disputes: tuple[DisputeReportRow, ...]


@dataclass(slots=True)
class _Gathered:
    """What a step's decisions have in common with what is told of them."""

    first: Recorded
    last: Recorded
    decisions: int = 0
    occurred: set[datetime] = field(default_factory=set)
    shown: list[Recorded] = field(default_factory=list)
    counts: Counter[type[Event]] = field(default_factory=Counter)
    doers: dict[tuple[object, ...], Recorded] = field(default_factory=dict)

    def take(self, decision: list[Recorded]) -> None:
        self.last = decision[-1]
        self.decisions += 1
        self.occurred.update(each.occurred_at for each in decision)
        self.shown += decision[: max(0, SHOWN - len(self.shown))]
        self.counts.update(type(each.event) for each in decision)
        one = decision[0]
        self.doers.setdefault((one.actor, one.role, one.key_id, one.on_behalf_of), one)


def _gathered(decisions: Iterable[list[Recorded]]) -> _Gathered:
    found: _Gathered | None = None
    for decision in decisions:
        found = found or _Gathered(decision[0], decision[-1])
        found.take(decision)
    assert found is not None, "a step has a decision"
    return found


class _Replay:
    """One replay: what was known after the last step is what is known before the next."""

    def __init__(self, reading: Reading, log: Log, zone: str, words: Words) -> None:
        # Who may read the log may know all that the reports tell.
        scopes = frozenset({Permission.READ_AGENDA, Permission.READ_DISPUTES})
        seeing_all = replace(reading.actor, role=Role.SERVICE, scopes=scopes)
        self._reading: Final = replace(reading, actor=seeing_all)
        self._log: Final = log
        self._zone: Final = zone
        self._words: Final = words

    def steps(self, after: int, last: int, every: Every) -> Iterator[Step]:
        """The steps after the position *after* up to *last*, both ends of decisions."""
        before = self._reports(after)
        decisions = self._decisions(after, last)
        by = self._day if every is Every.DAY else _end
        for _, group in groupby(decisions, key=by):
            gathered = _gathered(group)
            known = self._reports(gathered.last.position)
            yield self._step(gathered, before, known)
            before = known

    def _day(self, decision: list[Recorded]) -> date:
        return local_date(decision[0].recorded_at, self._zone)

    def _decisions(self, after: int, last: int) -> Iterator[list[Recorded]]:
        while after < last:
            read = self._log.read(after, _BATCH)
            for _, group in groupby(read, key=lambda each: each.decision_end):
                decision = [*group]
                after = decision[-1].position
                if after > last:
                    return
                yield decision

    def _reports(self, known: int) -> _Reports:
        todo = agenda(self._reading, AgendaParameters(known_at=known, until=_FAR))
        disputes = dispute_report(self._reading, DisputeReportParameters(known_at=known))
        return _Reports(todo.rows, disputes.rows)

    def _step(self, gathered: _Gathered, before: _Reports, after: _Reports) -> Step:
        first, last = gathered.first, gathered.last
        self._learn_names(gathered.shown)
        return Step(
            first.position,
            last.position,
            gathered.decisions,
            min(gathered.occurred),
            max(gathered.occurred),
            first.recorded_at,
            last.recorded_at,
            tuple(self._doer(each) for each in gathered.doers.values()),
            tuple(self._told(each) for each in gathered.shown),
            {self._log.codec.types.name_of(of): count for of, count in gathered.counts.items()},
            row_changes(before.agenda, after.agenda, _line, _AGENDA),
            row_changes(before.disputes, after.disputes, lambda row: (row.key, row.currency), _DISPUTES),
        )

    def _doer(self, recorded: Recorded) -> Doer:
        known = self._words.known
        return Doer(
            recorded.actor,
            known(recorded.actor),
            recorded.role,
            recorded.key_id,
            known(recorded.key_id),
            recorded.on_behalf_of,
            known(recorded.on_behalf_of),
        )

    def _told(self, recorded: Recorded) -> Told:
        event = recorded.event
        said = in_words(event, self._words)
        if isinstance(event, OfItem):
            said = f"Item {self._words.name(event.item_id)}: {said}"
        return Told(recorded.position, self._log.codec.types.name_of(type(event)), said)

    def _learn_names(self, shown: Iterable[Recorded]) -> None:
        """Look up what things are called now, once for each."""
        ids = {id_ for each in shown for id_ in _spoken_of(each.event)}
        unknown = [id_ for id_ in ids if self._words.known(id_) is None]
        if unknown:

            def look(snapshot: Snapshot) -> dict[UUID, str]:
                found = snapshot.dicts(_NAMES, {"ids": unknown})
                return {each["id"]: each["name"] for each in found if each["name"]}

            self._words.learn(self._reading.at(Parameters(), look))


def _end(decision: list[Recorded]) -> int:
    return decision[-1].position


def _line(row: AgendaRow) -> tuple[object, ...]:
    # A customer has several steps of the scenario, one for each currency; nothing else has.
    step = (row.currency, row.title) if row.kind == _STEP_OF_SCENARIO else ()
    return (row.kind, row.person_id, row.part, row.customer_id, row.follow_up_id, row.dispute_id, *step)


def _spoken_of(event: Event) -> Iterator[UUID]:
    """The ids among an event's fields."""
    names: tuple[str, ...] = event.__match_args__
    for name in names:
        told = getattr(event, name)
        if isinstance(told, UUID):
            yield told
