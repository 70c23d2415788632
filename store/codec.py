"""Events to JSON and back.

One encoder and one decoder are put together for every event class when the codec is made, from the types of
its fields, so that nothing about types is looked up while events pass. Every field is written, also those
without a value: the JSON is complete and can be read in SQL. Amounts are strings, never floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from domain.events import Event
from store.event_types import TABLE, Data, EventTypes, UnknownEventType, Upcaster
from store.json_shapes import Decode, Encode, Mismatch, compiled, refuse_nul

__all__ = ["Codec", "Undecodable", "Unencodable", "Versioned"]


class Unencodable(ValueError):
    """An event holds a value that its field's type does not allow, or that would not come back the same."""


class Undecodable(ValueError):
    """The stored data of an event does not have the shape of its class."""


@dataclass(frozen=True, slots=True)
class Versioned:
    """An event with its place in its stream: what the library calls a domain event."""

    event: Event
    version: int

    @property
    def originator_id(self) -> UUID:
        """The stream."""
        return self.event.stream_id

    @property
    def originator_version(self) -> int:
        """The place in the stream, from 1."""
        return self.version


class Codec(Mapper[UUID]):
    """Knows the JSON of every event in *types* (by default all of the service).

    Raises json_shapes.Unsupported at once if a class has a field of a type that it cannot keep exactly.
    """

    def __init__(self, types: EventTypes | None = None) -> None:
        # The base class asks for a transcoder of single values. Ours works on whole events and never uses it.
        super().__init__(JSONTranscoder())
        self.types: Final = EventTypes(TABLE) if types is None else types
        self._encoders: dict[type[Event], tuple[str, Encode]] = {}
        self._decoders: dict[str, tuple[Decode, tuple[Upcaster, ...]]] = {}
        self._compile()

    def _compile(self) -> None:
        shapes = {kind: compiled(kind) for kind in self.types.classes.values()}  # type: ignore[arg-type] # classes can be hashed
        for name, event_class in self.types.classes.items():
            self._encoders[event_class] = (name, shapes[event_class].encode)
        for name in self.types.stored_names:
            event_class, upcasters = self.types.way(name)
            self._decoders[name] = (shapes[event_class].decode, upcasters)

    def encode(self, event: Event) -> tuple[str, str]:
        """The stored name of *event* and its JSON.

        Raises UnknownEventType if its class is not in the table, Unencodable naming the field.
        """
        name, data = self.encode_bytes(event)
        return name, data.decode()

    def encode_bytes(self, event: Event) -> tuple[str, bytes]:
        """As `encode`, the JSON in UTF-8."""
        try:
            name, encode = self._encoders[event.__class__]
        except KeyError:
            raise UnknownEventType(event.__class__.__qualname__) from None
        try:
            values = encode(event)
            data = orjson.dumps(values)
            if b"\\" in data and b"\\u0000" in data:  # a backslash alone is found quicker
                refuse_nul(values, type(event).__qualname__)
        except (Mismatch, TypeError) as error:
            # TypeError: orjson met a lone surrogate or a number of more than 64 bits.
            raise Unencodable(f"{name}: {error}") from error
        return name, data

    def decode(self, stored_name: str, data: str | bytes) -> Event:
        """The event that was stored under *stored_name*, older shapes turned into the current one.

        Raises UnknownEventType or Undecodable.
        """
        try:
            decode, upcasters = self._decoders[stored_name]
        except KeyError:
            raise UnknownEventType(stored_name) from None
        try:
            values: Data = orjson.loads(data)
            for upcaster in upcasters:
                values = upcaster(values)
            event: Event = decode(values)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
            raise Undecodable(f"{stored_name}: {error}") from error
        return event

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """The library's way in. Raises TypeError for anything but a Versioned."""
        if not isinstance(domain_event, Versioned):
            raise TypeError(f"{type(domain_event).__qualname__} in the place of Versioned")
        name, data = self.encode_bytes(domain_event.event)
        return StoredEvent(domain_event.originator_id, domain_event.originator_version, name, data)

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """The library's way out: a Versioned."""
        return Versioned(self.decode(stored_event.topic, stored_event.state), stored_event.originator_version)
