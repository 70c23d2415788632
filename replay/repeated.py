"""What events repeat, so that their readers need not look back, must be what their stream says.

An event begins with the id of its stream, and many hold keys, amounts and former values of the thing that
they are about. Folding looks at none of them: altered, they would leave every state as it is, and mislead
whoever reads the event alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

from domain.case import State
from domain.dispute import DisputeTypeChanged, OfDispute, ResolverAssigned, ResolverNotFound
from domain.events import Event
from domain.follow_up import OfFollowUp
from domain.item import (
    ItemCleared,
    ItemCorrected,
    ItemCorrectionUndone,
    ItemQualified,
    ItemReinstatementUndone,
    ItemReleased,
    ItemStatusRestored,
    ItemWithdrawn,
    OfItem,
)
from store.event_types import TABLE


class Contradiction(NamedTuple):
    """A field of an event, what it says, and what the stream says."""

    name: str
    found: object
    expected: object


_SAME: Final[Mapping[type[Event], frozenset[str]]] = {
    OfDispute: frozenset({
        "customer_id", "currency", "type", "resolver_id", "amount_at_opening", "episode", "episode_opened_at",
    }),
    OfItem: frozenset({"customer_id"}),
    OfFollowUp: frozenset({"dispute_id"}),
}  # fmt: skip
"""Fields that say the same in any event of such a stream and in the state after it."""

_BEFORE: Final[Mapping[type[Event], Mapping[str, str]]] = {
    DisputeTypeChanged: {"previous_type": "type", "previous_reason": "reason"},
    ResolverAssigned: {"previous": "resolver_id"},
    ResolverNotFound: {"previous": "resolver_id"},
    ItemCleared: {"balance": "details.balance", "currency": "details.currency"},
    ItemCorrected: {"previous": "details"},
    ItemCorrectionUndone: {"previous": "details"},
    ItemQualified: {"previous": "qualification"},
    ItemReinstatementUndone: {"previous": "details"},
    ItemReleased: {"dispute_id": "dispute_id"},
    ItemStatusRestored: {"previous": "qualification"},
    ItemWithdrawn: {"previous": "details"},
}
"""Fields that say what the state before the event was."""


_NAMES: Final[Mapping[type[Event], tuple[str, ...]]] = {
    of: tuple(each.name for each in fields(of) if each.name in _SAME.get(of.__base__, ()))  # type: ignore[arg-type]
    for of in TABLE.values()
    if isinstance(of, type)
}
_FORMER: Final[Mapping[type[Event], tuple[tuple[str, Callable[[Any], object]], ...]]] = {
    of: tuple((name, attrgetter(path)) for name, path in paths.items()) for of, paths in _BEFORE.items()
}


def contradictions(stream: UUID, event: Event, before: State | None, after: State) -> Iterator[Contradiction]:
    """What *event* of *stream* says otherwise than the states before and after it."""
    of = type(event)
    if event.stream_id != stream:
        yield Contradiction("stream", event.stream_id, stream)
    for name in _NAMES[of]:
        if (found := getattr(event, name)) != (expected := getattr(after, name)):
            yield Contradiction(name, found, expected)
    for name, former in _FORMER.get(of, ()) if before is not None else ():
        if (found := getattr(event, name)) != (expected := former(before)):
            yield Contradiction(name, found, expected)
