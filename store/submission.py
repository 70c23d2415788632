"""What is handed to the log, what it hands back, and why it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from eventsourcing.persistence import IntegrityError

from domain.commands import Decision
from domain.events import Event


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who did it (spec 30): the person, in which role, with which key, and on whose behalf."""

    actor: UUID
    role: str
    key_id: UUID | None
    on_behalf_of: UUID | None


@dataclass(frozen=True, slots=True)
class Submission:
    """One accepted command, to be recorded as a whole or not at all.

    key: the client's idempotency key, prefixed with whose it is, unique in the company; None if not given.
    digest: of the request, so that the same key with another request is noticed.
    expected: each stream that was decided on, with the version it had (0: a new stream), also those that
    were only read; every stream of an event must be among them.
    answer: kept and given back as it is whenever the command is sent again.
    """

    command_id: UUID
    key: str | None
    digest: bytes
    attribution: Attribution
    decisions: tuple[Decision, ...]
    expected: Mapping[UUID, int]
    answer: bytes


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a submission.

    first and last are the positions of its events; without events last is the newest position of the log then
    and first the one after. replayed: the command had been accepted before and this is its stored outcome.
    """

    first: int
    last: int
    recorded_at: datetime
    answer: bytes
    replayed: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """The streams that something was decided on, as they stood at a position or later."""

    position: int
    streams: AbstractSet[UUID]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it stands in the log. decision_end: position of the last event of its decision."""

    position: int
    decision_end: int
    stream_id: UUID
    version: int
    event: Event
    occurred_at: datetime
    recorded_at: datetime
    actor: UUID
    role: str
    key_id: UUID | None
    on_behalf_of: UUID | None
    command_id: UUID


class StaleVersion(IntegrityError):
    """A stream moved on after it was read: read it again and decide anew."""

    def __init__(self, stream_id: UUID, version: int) -> None:
        super().__init__(f"stream {stream_id} is at version {version} now")
        self.stream_id = stream_id
        self.version = version


class TimeWentBackwards(ValueError):
    """An event would have occurred before the last event of its stream."""

    def __init__(self, stream_id: UUID, last_moment: datetime) -> None:
        super().__init__(f"the last event of stream {stream_id} occurred at {last_moment.isoformat()}")
        self.stream_id = stream_id
        self.last_moment = last_moment


class ToldInTheFuture(ValueError):
    """An event would have occurred more than a minute ahead of the log's clock."""


class KeyReused(ValueError):
    """This idempotency key came before, with another request."""

    def __init__(self, key: str | None) -> None:
        super().__init__("this idempotency key belongs to another request")
        self.key = key
