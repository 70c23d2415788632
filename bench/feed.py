"""How fast the tables of states catch up with a log in which all streams are worked on at once.

*ours* is the feed, in its batches. *library* is the library's ProjectionRunner keeping the same tables,
indexes in place, one event a transaction: its projection folds with the same `evolve` onto states that it
holds in memory, ends the live rows, inserts the new ones and records its tracking. Neither side waits for the
disk when it commits. They take turns on copies of one log; the bar's value is the median of the ratios.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from statistics import median
from typing import Any, Final
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import ApplicationRecorder, Mapper, Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg import Cursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from bench.interleaved import Company, append, events_of
from bench.server import temporary_server
from domain.case import State, evolve
from domain.commands import Decision
from projections.feed import Feed
from projections.states import TABLES, tables_of
from projections.tables import Change, Kind, Table
from replay.verify import verify
from store.codec import Versioned
from store.connections import CompanyDatastore, Pool, open_pool
from store.log import Log
from store.migrate import create_company, migrate

TURNS: Final = 7
EVENTS: Final = int(os.environ.get("BENCH_EVENTS", "70000"))
"""That ours takes in all turns together."""
LIBRARY_EVENTS: Final = 1_000
"""That the library takes in each turn."""
SIDES: Final = ("ours", "library")
AT_LEAST: Final = 10.0


def run() -> dict[str, Any]:
    """Measure; return the result as `python -m bench` prints it."""
    with temporary_server() as conninfo:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(
                f"alter database {connection.info.dbname} set synchronous_commit = off".encode()
            )
        migrate(conninfo)
        for side in SIDES:
            create_company(conninfo, side)
        with open_pool(conninfo) as pool:
            return _result(_measured(conninfo, pool))


def _measured(conninfo: str, pool: Pool) -> dict[str, list[float]]:
    _say("making a company up")
    company = Company(customers=300, items=10_000, disputes=1_500)
    beginning = list(company.beginning())
    work = list(events_of(company.work(), EVENTS))
    logs = {side: Log(CompanyDatastore(pool, side)) for side in SIDES}
    for log in logs.values():
        append(log, iter([*beginning, *work]), {})
    start = sum(len(decision.events) for decision in beginning)
    feeds = {side: Feed(CompanyDatastore(pool, side), log) for side, log in logs.items()}
    for side, feed in feeds.items():
        _say(f"{side}: {feed.catch_up(until=start)} events before the race")
    with pool.connection() as connection:
        connection.execute("analyze")
    Library.prepare(logs["library"], [*beginning, *work], start)

    figures: dict[str, list[float]] = {side: [] for side in SIDES}
    for turn in range(TURNS):
        until = start + (turn + 1) * EVENTS // TURNS
        figures["ours"].append(_ours(feeds["ours"], until))
        figures["library"].append(library_rate(conninfo))
        _say(", ".join(f"{side} {figures[side][-1]:.0f} events/s" for side in SIDES))
    sound = verify(CompanyDatastore(pool, "ours"), logs["ours"])
    assert sound.is_sound, sound.differences
    return figures


def _ours(feed: Feed, until: int) -> float:
    before = feed.position()
    began = time.perf_counter()
    reached = feed.catch_up(until=until)
    return (reached - before) / (time.perf_counter() - began)


def _say(text: str) -> None:
    print(f"feed: {text}", file=sys.stderr)


def _result(figures: dict[str, list[float]]) -> dict[str, Any]:
    ratio = median(ours / library for ours, library in zip(figures["ours"], figures["library"], strict=True))
    bar = {"name": "vs the library's runner", "value": round(ratio, 1), "at_least": AT_LEAST}
    return {
        "bench": "feed",
        "figures": {side: {"events_per_second": round(median(figures[side]))} for side in SIDES},
        "bars": [{**bar, "holds": ratio >= AT_LEAST}],
    }


# --- the library's side ------------------------------------------------------------------------------


class Library(Application[UUID]):
    """The library's application over our log, so that both sides read the same events in the same way."""

    source: Log
    moments: list[datetime]
    states: dict[UUID, State]

    @classmethod
    def prepare(cls, log: Log, decisions: list[Decision], start: int) -> None:
        """It has seen the events up to position *start*."""
        cls.source, cls.moments, cls.states = log, [decisions[0].occurred_at], {}
        for decision in decisions:
            for event in decision.events:
                if len(cls.moments) <= start:
                    cls.states[event.stream_id] = evolve(cls.states.get(event.stream_id), event)
                cls.moments.append(decision.occurred_at)
        View.start = start

    # What the base class calls.

    def construct_mapper(self) -> Mapper[UUID]:
        """Our codec."""
        return self.source.codec

    def construct_recorder(self) -> ApplicationRecorder:
        """Our log."""
        return self.source


class View(PostgresTrackingRecorder):
    """The tables of states, and beside them where the library keeps its position."""

    start: int

    def __init__(self, datastore: PostgresDatastore, *, tracking_table_name: str) -> None:
        super().__init__(datastore, tracking_table_name=tracking_table_name)
        self._statements: Final = {table.name: self._written(table) for table in TABLES}

    def _written(self, table: Table) -> tuple[bytes, bytes]:
        place, key = Identifier(self.datastore.schema, table.name), Identifier(table.key)
        columns = SQL(", ").join(map(Identifier, table.all_columns))
        values = SQL(", ").join(SQL("%s") for _ in table.all_columns)
        end = SQL("update {} set until = %s, occurred_until = %s where {} = %s and until is null")
        insert = SQL("insert into {} ({}) values ({})").format(place, columns, values)
        return end.format(place, key).as_bytes(), insert.as_bytes()

    def max_tracking_id(self, application_name: str) -> int | None:
        """Where the library goes on."""
        return super().max_tracking_id(application_name) or self.start

    def keep(self, event: Versioned, tracking: Tracking) -> None:
        """Fold one event, and write what it changes, in one transaction."""
        before = Library.states.get(event.originator_id)
        after = Library.states[event.originator_id] = evolve(before, event.event)
        with self.datastore.transaction(commit=True) as cursor:
            for table in tables_of(after):
                for change in table.changes(before, after, [event.event]):
                    self._write(cursor, table, change, (event.version, tracking.notification_id))
            self._insert_tracking(cursor, tracking)

    def _write(self, cursor: Cursor[Any], table: Table, change: Change, at: tuple[int, int]) -> None:
        key, was_there, values = change
        version, position = at
        moment = Library.moments[position]
        end, insert = self._statements[table.name]
        if was_there:
            cursor.execute(end, (position, moment, key), prepare=True)
        row = map(_adapted, table.columns.values(), values)
        cursor.execute(insert, (key, version, position, None, moment, None, *row), prepare=True)


def _adapted(kind: Kind, value: object) -> object:
    if kind is Kind.JSON:
        return Jsonb(value)
    return str(value) if kind is Kind.TEXT and value is not None else value


class _States(Projection[View]):
    """Keeps the view; notes when it took events."""

    taken: list[float]
    enough: threading.Event

    def process_event(self, domain_event: Versioned, tracking: Tracking) -> None:
        self.view.keep(domain_event, tracking)
        self.taken.append(time.perf_counter())
        if len(self.taken) > LIBRARY_EVENTS:
            self.enough.set()


def library_rate(conninfo: str) -> float:
    """Let the library's runner take so many events, and some more until it stops; how many a second."""
    _States.taken, _States.enough = [], threading.Event()
    with _runner(conninfo):
        _States.enough.wait(600)
    first, *_, last = islice(_States.taken, LIBRARY_EVENTS + 1)
    return LIBRARY_EVENTS / (last - first)


@contextmanager
def _runner(conninfo: str) -> Iterator[None]:
    told = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    environment = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": told["dbname"],
        "POSTGRES_HOST": told["host"],
        "POSTGRES_PORT": told["port"],
        "POSTGRES_USER": told["user"],
        "POSTGRES_PASSWORD": told.get("password", ""),
        "POSTGRES_SCHEMA": Library.source.datastore.schema,
    }
    with ProjectionRunner(
        application_class=Library, projection_class=_States, view_class=View, env=environment
    ):
        yield
