"""Case history (spec 39): one dispute from its first event to its last, who did what and what it changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from domain.case import State, evolve
from domain.dispute import Dispute, DisputeFollowedUp, DisputeOpened, DisputeReopened, ItemsAdded
from domain.follow_up import FollowUpAction
from domain.identity import OPERATOR, PEOPLE_STREAM, DisputeId
from domain.item import Item
from domain.people import People
from domain.refusals import UnknownDispute
from store.codec import Codec
from store.log import Log, Recorded

STREAMS: Final[Mapping[type[State], str]] = {Dispute: "dispute", Item: "item", FollowUpAction: "follow_up"}
"""What the streams of a case are called."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a field was before an event and is after it."""

    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a case. *stream* is dispute, item or follow_up; *name* what people call that one.

    *data* are the event's own fields, *changes* what it made of its stream's state, field by field, and
    *after* that state. *actor_name* is None for services; *original_name* is that of the
    person on whose behalf it was done.
    """

    position: int
    occurred_at: datetime
    recorded_at: datetime
    actor: UUID
    actor_name: str | None
    role: str
    key_id: UUID | None
    on_behalf_of: UUID | None
    original_name: str | None
    command_id: UUID
    stream: str
    stream_id: UUID
    name: str | None
    version: int
    event: str
    data: Mapping[str, Any]
    changes: Mapping[str, Change]
    after: State


@dataclass(frozen=True, slots=True)
class History:
    """The entries by position; *position* is the log's newest when they were read."""

    position: int
    entries: tuple[Entry, ...]


def dispute_history(log: Log, dispute_id: DisputeId) -> History:
    """All that happened to the dispute, and to its items and follow-up actions as far as it concerned it.

    Of an item that is everything from the decision that put it in until the one that took it out. Raises
    UnknownDispute, also for what is no dispute.
    """
    newest = log.newest()
    own = [each for each in log.read_streams({dispute_id: 0}) if each.position <= newest]
    if not own or not isinstance(own[0].event, DisputeOpened):
        raise UnknownDispute(dispute_id)
    others = _streams_of(own)
    recorded = [each for each in log.read_streams(dict.fromkeys(others, 0)) if each.position <= newest]
    names = people_names(log)
    ends = {each.decision_end for each in own}
    woven = sorted((*own, *recorded), key=lambda each: each.position)
    return History(newest, tuple(_entries(woven, dispute_id, ends, names, log.codec)))


def _streams_of(own: Iterable[Recorded]) -> set[UUID]:
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


def people_names(log: Log) -> Mapping[UUID, str]:
    """The names of all people by id, as they are called now; the operator and the service are among them."""
    people = People()
    for each in log.read_streams({PEOPLE_STREAM: 0}):
        after = evolve(people, each.event)
        assert isinstance(after, People), "the stream of people holds people"
        people = after
    names: dict[UUID, str] = {OPERATOR: "operator"}
    names.update((key.id, key.name) for key in people.keys.values())  # a program acts by the id of its key
    names.update((person.id, person.name) for person in people.persons.values())
    return names


def _entries(
    woven: Iterable[Recorded], dispute_id: DisputeId, ends: set[int], names: Mapping[UUID, str], codec: Codec
) -> Iterator[Entry]:
    states: dict[UUID, State] = {}
    for each in woven:
        before = states.get(each.stream_id)
        after = states[each.stream_id] = evolve(before, each.event)
        if _is_about(dispute_id, before, after, each.decision_end in ends):
            yield _entry(each, before, after, names, codec)


def _is_about(dispute_id: DisputeId, before: State | None, after: State, is_of_same_decision: bool) -> bool:  # noqa: FBT001
    if not isinstance(after, Item):
        return True
    was_in = isinstance(before, Item) and before.dispute_id == dispute_id
    # Its status changes with the dispute, in the same decision, before it is in and after it has left.
    return was_in or after.dispute_id == dispute_id or is_of_same_decision


def _entry(
    recorded: Recorded, before: State | None, after: State, names: Mapping[UUID, str], codec: Codec
) -> Entry:
    event, data = codec.encode_bytes(recorded.event)
    return Entry(
        recorded.position,
        recorded.occurred_at,
        recorded.recorded_at,
        recorded.actor,
        names.get(recorded.actor),
        recorded.role,
        recorded.key_id,
        recorded.on_behalf_of,
        names.get(recorded.on_behalf_of) if recorded.on_behalf_of else None,
        recorded.command_id,
        STREAMS[type(after)],
        recorded.stream_id,
        name_of(after),
        recorded.version,
        event,
        orjson.loads(data),
        _changes(before, after),
        after,
    )


def name_of(state: State) -> str | None:
    """What people call it: a dispute's own reference, an item's number, an action's title."""
    match state:
        case Dispute():
            return state.reference
        case Item():
            return state.number
        case FollowUpAction():
            return state.title
        case _:
            return None


def _changes(before: State | None, after: State) -> dict[str, Change]:
    if before is None:
        return {}
    pairs = {
        each.name: (getattr(before, each.name), getattr(after, each.name))
        for each in dataclasses.fields(after)
    }
    return {name: Change(was, now) for name, (was, now) in pairs.items() if was != now}
