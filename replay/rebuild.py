"""Making the read side anew from the log, beside the one in use, and putting it in its place.

New tables are filled by processes that share out the streams of the log and fold each from beginning to end.
They get the indexes of the live ones, catch up with what was recorded meanwhile, and take their names in one
short transaction. Until then nobody sees them: whatever ends a rebuild early leaves the live tables as
they were, and what it left behind is removed by the next one.

All tables are at one position. Where only some are made anew they are brought to just that position, while
the feed is held, before they take their place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import Connection

from domain.case import kind_of
from projections import ended_episodes
from projections.feed import Feed
from projections.report_tables import KINDS
from replay.filling import Share, fill
from replay.new_tables import ALL, SUFFIX, add_ended_episodes, add_indexes, create, drop_leftovers
from replay.processes import processes_for, share_out
from replay.stream_ranges import stream_ranges
from replay.swap import swap
from store.codec import Codec
from store.connections import CompanyDatastore
from store.log import Log
from store.tracking import StatesTracking

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told (what is being done, how much of it is done, how much there is)."""

_SHARES: Final = 4
"""Parts of the log for each process: none waits long for the last, and each has little to sort."""

_CLOSE: Final = 2_000
"""How many events behind the live tables the new ones may be when these are stopped for the rest."""

_ROUNDS: Final = 20
"""How often the new tables run after the live ones before these are stopped however far it is."""


class RebuildRunning(Exception):
    """Another rebuild of this company is under way."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did: events folded, and the position up to which the new tables were true when they took
    their place. swap_seconds: how long readers may have waited."""

    events: int
    position: int
    swap_seconds: float


def rebuild(
    datastore: CompanyDatastore,
    log: Log,
    progress: Progress = lambda *_: None,
    *,
    tables: Collection[str] = ALL,
    processes: int | None = None,
) -> Rebuilt:
    """Make *tables* of states of *datastore*'s company anew from *log* and swap them in.

    processes: how many share the work; None: as many as are of use. The feed and all readers go on meanwhile.
    Takes a connection of the pool, three towards the end; two for each process come to these. Raises
    RebuildRunning, swap.ReadersInTheWay, processes.ProcessLost, projections.fold.Unfoldable or FeedFailed
    naming an event that cannot be folded, psycopg.Error; whatever it is, the live tables are as they were.
    """
    with datastore.pool.connection() as connection, _alone(connection, datastore.schema):
        drop_leftovers(connection, datastore.schema)
        try:
            return _Rebuild(connection, datastore, log, progress, tables).run(processes)
        finally:
            with suppress(psycopg.OperationalError):  # no connection any more: the next rebuild does it
                drop_leftovers(connection, datastore.schema)


@contextmanager
def _alone(connection: Connection[Any], schema: str) -> Iterator[None]:
    key = f"redress rebuild {schema}"
    got = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0)) as got", [key]).fetchone()
    if got is None or not got["got"]:
        raise RebuildRunning(f"a rebuild of {schema} is under way")
    try:
        yield
    finally:
        with suppress(psycopg.OperationalError):  # the lock ended with the connection
            connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [key])


class _Rebuild:
    def __init__(
        self,
        connection: Connection[Any],
        datastore: CompanyDatastore,
        log: Log,
        progress: Progress,
        tables: Collection[str],
    ) -> None:
        self._connection: Final = connection
        self._datastore: Final = datastore
        self._log: Final = log
        self._progress: Final = progress
        self._tables: Final = [name for name in ALL if name in tables]
        self._live: Final = StatesTracking(datastore)

    @property
    def _is_whole(self) -> bool:
        return len(self._tables) == len(ALL)

    def run(self, processes: int | None) -> Rebuilt:
        """All of it, from creating tables to the swap."""
        self._live.begin()
        # Some tables alone cannot be further than the rest.
        upto = self._log.newest() if self._is_whole else self._live.position()
        number = processes or processes_for(upto)
        schema = self._datastore.schema
        with self._connection.transaction(), self._connection.cursor() as cursor:
            made = create(cursor, schema, self._tables, upto)
        events = self._fill(upto, made, number)
        conninfo = str(self._datastore.pool.conninfo)
        folded = [name for name in self._tables if name != ended_episodes.NAME]
        add_indexes(self._connection, conninfo, schema, folded, number, self._told("indexing"))
        if len(folded) < len(self._tables):
            add_ended_episodes(conninfo, schema, number, self._told("adding episodes"))
            add_indexes(self._connection, conninfo, schema, [ended_episodes.NAME], 1, lambda *_: None)
        new = Feed(self._datastore, self._log, suffix=SUFFIX, tables=self._tables)
        self._catch_up(new)
        seconds = swap(self._connection, schema, self._tables, self._live, new)
        self._progress("swapped", 1, 1)
        return Rebuilt(events, self._live.position(), seconds)

    def _told(self, what: str) -> Callable[[int, int], None]:
        return lambda done, of: self._progress(what, done, of)

    def _fill(self, upto: int, made: int, processes: int) -> int:
        conninfo, company = str(self._datastore.pool.conninfo), self._datastore.company
        types = None if self._is_whole else types_of(self._log.codec, self._tables)
        number = processes * _SHARES if processes > 1 else 1
        shares = [
            Share(conninfo, company, streams, upto, types, tuple(self._tables), made)
            for streams in stream_ranges(self._connection, self._datastore.schema, upto, number)
        ]
        done = 0

        def told(more: int) -> None:
            nonlocal done
            done += more
            self._progress("folding", done, upto)

        return sum(share_out(fill, shares, processes, told))

    def _catch_up(self, new: Feed) -> None:
        for _ in range(_ROUNDS):
            if (target := self._live.position()) - new.position() <= _CLOSE:
                break
            new.catch_up(target, progress=self._told("catching up"))


def types_of(codec: Codec, tables: Collection[str]) -> tuple[str, ...]:
    """The stored names of the events from which *tables* follow, older versions included."""
    kinds = {KINDS[table] for table in tables}
    return tuple(
        sorted(name for name in codec.types.stored_names if kind_of(codec.types.way(name)[0]) in kinds)
    )
