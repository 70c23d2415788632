"""Events and submissions made up for the tests of the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from domain.commands import Decision
from domain.events import Event
from store.clock import new_id
from store.codec import Codec
from store.event_types import EventTypes
from store.log import Attribution, Submission


@dataclass(frozen=True, slots=True)
class Noted(Event):
    id: UUID
    text: str
    amount: Decimal = Decimal(0)


CODEC: Final = Codec(EventTypes({"noted.v1": Noted}))
BY: Final = Attribution(new_id(), "collector", new_id(), new_id())
MONDAY: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def noted(*streams: UUID, at: datetime = MONDAY, text: str = "said") -> Decision:
    """A decision with one event for each of the streams, in this order."""
    return Decision(at, tuple(Noted(stream, text) for stream in streams))


def submission(
    *decisions: Decision,
    expected: Mapping[UUID, int],
    key: str | None = None,
    digest: bytes = b"digest",
    answer: bytes = b"accepted",
    command: UUID | None = None,
) -> Submission:
    return Submission(command or new_id(), key, digest, BY, decisions, expected, answer)


def one(stream: UUID, version: int = 0, at: datetime = MONDAY, key: str | None = None) -> Submission:
    """The usual case: one event on one stream."""
    return submission(noted(stream, at=at), expected={stream: version}, key=key)
