"""Events of the log as answers name them: what, when by both clocks, who, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from store.codec import Codec
from store.log import Recorded


@dataclass(frozen=True, slots=True)
class Fact:
    """One event, by both clocks, and what it says in words. *stream* is item, dispute, follow_up,
    reminders, customer or sales; *actor_name* is None for service keys that are gone and people who never
    were registered; *original_name* is of the person on whose behalf it was done, by a history load."""

    position: int
    event: str
    stream: str
    stream_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    actor: UUID
    actor_name: str | None
    role: str
    on_behalf_of: UUID | None
    original_name: str | None
    sentence: str


def fact(recorded: Recorded, stream: str, said: str, people: Mapping[UUID, str], codec: Codec) -> Fact:
    """*recorded*, which *said* tells in words; *people* are names by id."""
    name, _ = codec.encode_bytes(recorded.event)
    return Fact(
        recorded.position,
        name,
        stream,
        recorded.stream_id,
        recorded.occurred_at,
        recorded.recorded_at,
        recorded.actor,
        people.get(recorded.actor),
        recorded.role,
        recorded.on_behalf_of,
        people.get(recorded.on_behalf_of) if recorded.on_behalf_of else None,
        said,
    )
