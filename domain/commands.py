"""What every command has in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar, Final
from uuid import UUID

from domain.events import Event
from domain.identity import PersonId
from domain.roles import Permission


class Unchanged(Enum):
    """What a command says of a field that is to stay as it is, where None takes away what is there."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True)
class Command:
    """An order. Names in the imperative; what it may lead to are events, named in the past."""

    permission: ClassVar[Permission]
    """The row of the role table that allows it."""

    spans_case: ClassVar[bool] = False
    """Whether deciding needs everything connected to the named streams, or these alone."""

    def streams(self) -> frozenset[UUID]:
        """Ids of the streams that the command names."""
        return frozenset()

    def also_reads(self, states: Mapping[UUID, object]) -> frozenset[UUID]:
        """Ids of the streams that it names through what is known of others: of *states*, by stream id."""
        del states
        return frozenset()

    def objects(self) -> frozenset[UUID]:
        """Ids of the streams over which the actor needs the permission."""
        return self.streams()


@dataclass(frozen=True, slots=True)
class Decision:
    """Events that one command recorded together, in order; ``occurred_at`` is the one moment of them all."""

    occurred_at: datetime
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Occasion:
    """By whom and when a decision is taken: ``at`` is the decision's one occurred-at, with zone."""

    by: PersonId
    at: datetime
