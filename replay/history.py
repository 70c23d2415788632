"""Histories (spec 39): one dispute, item or follow-up action from its first event to its last, who did what
and what it changed, as it was known and true at any moment.

That of a dispute has the events of its items and follow-up actions woven in, as far as they concerned it. An
item's, and an action's, is of its own events alone. A history is for whoever may see the thing today, and
whole: it is not cut to what was in reach then. People are called as they are called now.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from domain.case import Case, State, connected, evolve
from domain.dispute import Dispute, DisputeFollowedUp, DisputeOpened, DisputeReopened, ItemsAdded
from domain.follow_up import FollowUpAction
from domain.identity import COMPANY_STREAM, DisputeId, FollowUpId, ItemId
from domain.item import Item
from domain.refusals import Unknown, UnknownDispute, UnknownFollowUp, UnknownItem
from domain.roles import Actor, Permission, Relation, reach, require, stands
from projections.absence import NotThereThen
from projections.moment import Moment
from projections.parameters import ParameterInvalid, Parameters
from replay.every_event import in_words
from replay.names import STREAMS, called, labels_of, name_of, people_names
from replay.seen import (
    around_item,
    company_of,
    concerned_by_any,
    folded,
    is_seen,
    known_position,
    moment_of,
    read_up_to,
)
from replay.sentences import Words
from store.codec import Codec
from store.log import Log, Recorded

_NOW: Final = Parameters()
_UNKNOWN: Final[Mapping[type[State], Callable[[UUID], Unknown]]] = {
    Dispute: UnknownDispute,
    Item: UnknownItem,
    FollowUpAction: UnknownFollowUp,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a history: what the ``as_at`` and ``known_at`` of *clocks* show; or up to the version
    *at_version* of the dispute, item or action, with the decision that made it. Of that the entries after
    the position *after*, at most *limit* (None: all)."""

    clocks: Parameters = _NOW
    at_version: int | None = None
    after: int = 0
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a field was before an event and is after it."""

    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a history. *stream* is dispute, item or follow_up; *name* what people call that one.

    *data* are the event's own fields, *changes* what it made of its stream's state, field by field, *after*
    that state, and *sentence* the event in words. *actor_name* is None for programs whose key never was
    there; *key_name* is that of the key; *original_name* that of the person on whose behalf it was done.
    """

    position: int
    occurred_at: datetime
    recorded_at: datetime
    actor: UUID
    actor_name: str | None
    role: str
    key_id: UUID | None
    key_name: str | None
    on_behalf_of: UUID | None
    original_name: str | None
    command_id: UUID
    stream: str
    stream_id: UUID
    name: str | None
    version: int
    event: str
    sentence: str
    data: Mapping[str, Any]
    changes: Mapping[str, Change]
    after: State


@dataclass(frozen=True, slots=True)
class History:
    """The entries by position, as at and known at (a position) as they were understood; *position* is the
    log's newest when they were read. *next_after* asks for what comes after the last entry; None: nothing.
    *words* name what the entries speak of by id."""

    position: int
    as_at: datetime
    known_at: int
    entries: tuple[Entry, ...]
    next_after: int | None
    words: Words


def dispute_history(
    log: Log, actor: Actor, dispute_id: DisputeId, now: datetime, asked: Asked | None = None
) -> History:
    """All that happened to the dispute, and to its items and follow-up actions as far as it concerned it.

    Of an item that is everything from the decision that put it in until the one that took it out. *now*
    stands for an as-at that is not given. Raises RoleForbids, NotYours; UnknownDispute, also for what is no
    dispute; NotThereThen; ParameterInvalid.
    """
    reach(actor, Permission.READ_DISPUTES)
    whole = _whole(log, dispute_id, Dispute)
    states = folded(whole.events)
    customers = {each.customer_id for each in states.values() if isinstance(each, Dispute)}
    around = Case({**states, **folded(read_up_to(log, customers, whole.newest))})
    require(actor, Permission.READ_DISPUTES, around.concerned(dispute_id))
    own = whole.at(asked or Asked(), now)
    others = [each for each in read_up_to(log, _in_case(own.seen), own.newest) if is_seen(each, own.moment)]
    ends = {each.decision_end for each in own.seen}

    def is_told(before: State | None, after: State, decision: int) -> bool:
        return _is_about(dispute_id, before, after, is_of_same_decision=decision in ends)

    return own.history(others, is_told)


def item_history(
    log: Log, actor: Actor, item_id: ItemId, now: datetime, asked: Asked | None = None
) -> History:
    """All that happened to the item. It reaches whoever may see the item's customer or one of the disputes
    and actions that it ever was in. Raises as `dispute_history`, and UnknownItem."""
    reach(actor, Permission.READ_DISPUTES)
    whole = _whole(log, item_id, Item)
    around = read_up_to(log, around_item(whole.events), whole.newest)
    concerned = concerned_by_any(Case({**folded(whole.events), **folded(around)}))
    require(actor, Permission.READ_DISPUTES, concerned)
    return whole.at(asked or Asked(), now).history(around, _of_stream(item_id))


def follow_up_history(
    log: Log, actor: Actor, follow_up_id: FollowUpId, now: datetime, asked: Asked | None = None
) -> History:
    """All that happened to the follow-up action. It reaches its owner, too. Raises as `dispute_history`, and
    UnknownFollowUp."""
    reach(actor, Permission.READ_DISPUTES)
    whole = _whole(log, follow_up_id, FollowUpAction)
    states = folded(whole.events)
    around = read_up_to(log, connected(states[follow_up_id]), whole.newest)
    concerned = Case({**states, **folded(around)}).concerned(follow_up_id)
    if not stands(actor, concerned, Relation.OWNER):
        require(actor, Permission.READ_DISPUTES, concerned)
    return whole.at(asked or Asked(), now).history(around, _of_stream(follow_up_id))


IsTold = Callable[[State | None, State, int], bool]
"""Whether an event is told: by its stream's state before it and after it, and the end of its decision."""


def _of_stream(stream: UUID) -> IsTold:
    return lambda _before, after, _end: getattr(after, "id", None) == stream


@dataclass(frozen=True, slots=True)
class _Own:
    """The events of the thing that a history is of: *every* one, and those *seen* at the moment."""

    log: Log
    asked: Asked
    newest: int
    every: list[Recorded]
    seen: list[Recorded]
    moment: Moment
    labels: Mapping[str, str]

    def history(self, others: list[Recorded], is_told: IsTold) -> History:
        """The history of this and *others*, which also give names to what is spoken of."""
        people = people_names(self.log)
        shown = [each for each in others if is_seen(each, self.moment)]
        woven = sorted((*self.seen, *shown), key=lambda each: each.position)
        names = {**people, **called(folded(others)), **called(folded(self.every))}
        words = Words(names, self.labels)
        limit = self.asked.limit
        entries: list[Entry] = []
        for entry in _entries(woven, self.asked.after, is_told, words, self.log.codec):
            if len(entries) == limit:
                return self._of(entries, words, entries[-1].position)
            entries.append(entry)
        return self._of(entries, words, None)

    def _of(self, entries: list[Entry], words: Words, next_after: int | None) -> History:
        return History(self.newest, self.moment.at, self.moment.known, tuple(entries), next_after, words)


@dataclass(frozen=True, slots=True)
class _Whole:
    """All *events* of the thing that a history is of. Nothing of them is for who is out of its reach: not how
    many they are, nor since when."""

    log: Log
    stream: UUID
    kind: type[State]
    newest: int
    events: list[Recorded]

    def at(self, asked: Asked, now: datetime) -> _Own:
        """What is asked for. Raises ParameterInvalid, NotThereThen."""
        asked.clocks.check()
        if asked.at_version is None:
            known = known_position(self.log, asked.clocks.known_at, self.newest)
        else:
            known = _end_of_version(self.events, asked)
        company = company_of(read_up_to(self.log, {COMPANY_STREAM}, self.newest), known)
        moment = moment_of(asked.clocks, company, known, self.newest, now)
        seen = [each for each in self.events if is_seen(each, moment)]
        if not seen:
            raise NotThereThen(STREAMS[self.kind].replace("_", "-"), str(self.stream))
        return _Own(self.log, asked, self.newest, self.events, seen, moment, labels_of(company))


def _whole(log: Log, stream: UUID, kind: type[State]) -> _Whole:
    newest = log.newest()
    events = read_up_to(log, {stream}, newest)
    if not events or not isinstance(evolve(None, events[0].event), kind):
        raise _UNKNOWN[kind](stream)
    return _Whole(log, stream, kind, newest, events)


def _end_of_version(every: list[Recorded], asked: Asked) -> int:
    version = asked.at_version
    assert version is not None, "it was asked for"
    if asked.clocks != _NOW:
        raise ParameterInvalid("at_version", version, "give a version, or as_at and known_at, but not both")
    if not 1 <= version <= len(every):
        raise ParameterInvalid("at_version", version, f"give a version from 1 to {len(every)}")
    return every[version - 1].decision_end


def _in_case(own: Iterable[Recorded]) -> set[UUID]:
    streams: set[UUID] = set()
    for each in own:
        match each.event:
            case DisputeOpened() | ItemsAdded() | DisputeReopened():
                streams |= {item.item_id for item in each.event.items}
            case DisputeFollowedUp():
                streams.add(each.event.follow_up_id)
            case _:
                pass
    return streams


def _is_about(
    dispute_id: DisputeId, before: State | None, after: State, *, is_of_same_decision: bool
) -> bool:
    if not isinstance(after, Item):
        return True
    was_in = isinstance(before, Item) and before.dispute_id == dispute_id
    # Its status changes with the dispute, in the same decision, before it is in and after it has left.
    return was_in or after.dispute_id == dispute_id or is_of_same_decision


def _entries(
    woven: Iterable[Recorded], after_position: int, is_told: IsTold, words: Words, codec: Codec
) -> Iterator[Entry]:
    states: dict[UUID, State] = {}
    for each in woven:
        before = states.get(each.stream_id)
        after = states[each.stream_id] = evolve(before, each.event)
        if each.position > after_position and is_told(before, after, each.decision_end):
            yield _entry(each, before, after, words, codec)


def _entry(recorded: Recorded, before: State | None, after: State, words: Words, codec: Codec) -> Entry:
    event, data = codec.encode_bytes(recorded.event)
    return Entry(
        recorded.position,
        recorded.occurred_at,
        recorded.recorded_at,
        recorded.actor,
        words.known(recorded.actor),
        recorded.role,
        recorded.key_id,
        words.known(recorded.key_id),
        recorded.on_behalf_of,
        words.known(recorded.on_behalf_of),
        recorded.command_id,
        STREAMS[type(after)],
        recorded.stream_id,
        name_of(after),
        recorded.version,
        event,
        in_words(recorded.event, words),
        orjson.loads(data),
        _changes(before, after),
        after,
    )


def _changes(before: State | None, after: State) -> dict[str, Change]:
    if before is None:
        return {}
    pairs = {
        each.name: (getattr(before, each.name), getattr(after, each.name))
        for each in dataclasses.fields(after)
    }
    return {name: Change(was, now) for name, (was, now) in pairs.items() if was != now}
