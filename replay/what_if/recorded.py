"""The log up to one position, stream by stream. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final
from uuid import UUID

from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composed, Identifier

from domain.case import kind_of
from domain.events import Event
from projections.lines import COLUMNS, Line
from replay.what_if.happened import Happened, stream_of
from store.codec import Codec
from store.connections import CompanyDatastore

_FETCH: Final = 5_000
_KEY: Final = itemgetter(2)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The log of one company up to *position*, which ends a decision."""

    datastore: CompanyDatastore
    codec: Codec
    position: int

    def stream(self, stream: UUID) -> list[Happened]:
        """One stream; empty if it does not exist."""
        return next((events for _, events in self.streams([stream])), [])

    def streams(self, streams: Iterable[UUID]) -> Iterator[tuple[str, list[Happened]]]:
        """Id and events of each of *streams* that exists."""
        wanted = sorted(set(streams))
        for start in range(0, len(wanted), _FETCH):
            yield from self._decoded(SQL("stream_id = any(%s)"), wanted[start : start + _FETCH])

    def of_kind(self, kind: type[Event]) -> Iterator[tuple[str, list[Happened]]]:
        """Id and events of each stream of *kind*, an ``Of…`` class of the domain."""
        yield from self._decoded(SQL("type = any(%s)"), names_of(self.codec, kind))

    def _decoded(self, which: SQL, told: object) -> Iterator[tuple[str, list[Happened]]]:
        with self._lines(which, told) as lines:
            for stream, own in groupby(lines, key=_KEY):
                yield stream, stream_of(own, self.codec)

    @contextmanager
    def whole(self) -> Iterator[Iterator[Line]]:
        """All lines, stream by stream."""
        with self._lines(SQL("%s"), True) as lines:  # noqa: FBT003 - a condition that always holds
            yield lines

    @contextmanager
    def _lines(self, which: SQL, told: object) -> Iterator[Iterator[Line]]:
        statement = self._statement(which)
        with self.datastore.pool.connection() as connection, connection.transaction():
            connection.execute("set transaction read only")
            connection.execute("set local cursor_tuple_fraction = 1")  # all of it is wanted
            with connection.cursor("what_if", row_factory=tuple_row) as cursor:
                cursor.itersize = _FETCH
                yield iter(cursor.execute(statement, [self.position, told], binary=True))

    def _statement(self, which: SQL) -> Composed:
        return SQL("select {} from {} where position <= %s and {} order by stream_id, version").format(
            COLUMNS, Identifier(self.datastore.schema, "events"), which
        )


def names_of(codec: Codec, kind: type[Event]) -> list[str]:
    """The stored names of all events of *kind*, older versions included."""
    return sorted(name for name in codec.types.stored_names if kind_of(codec.types.way(name)[0]) is kind)
