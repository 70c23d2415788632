"""How many commands a second the log takes: ours, the library's recorder as it comes, and the bare function.

Each command records one event; every tenth begins a new stream. *ours* is `Log.append` with everything that
the service pays for: encoding, the pool, the idempotency row. *together* is what the service does: the
commands of its threads share transactions (store/together.py), each accepted or refused on its own. *stock*
is the library's PostgresApplicationRecorder with a connection for every thread, given events that are encoded
already. *bare* calls our SQL function with ready parameters, each thread on a connection of its own: what
PostgreSQL and the driver allow, one command a transaction. The sides take short turns within one run, so that
a machine's moods meet all of them; a bar's value is the median of the turns' ratios.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any, Final
from uuid import UUID

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from bench.server import temporary_server
from domain.commands import Decision
from domain.dispute import DisputeCommented, Visibility
from domain.identity import DisputeId
from store.append import AppendCalls, written
from store.clock import new_id, now
from store.codec import Codec
from store.connections import CompanyDatastore, open_pool
from store.log import Attribution, Log, Submission
from store.migrate import create_company, migrate
from store.together import Together

WRITERS: Final = (1, 16)
TURNS: Final = 25
SECONDS: Final = 0.4
EVENTS_PER_STREAM: Final = 10
SIDES: Final = ("ours", "together", "stock", "bare")

Write = Callable[[UUID, int], None]
"""Append one event to a stream that has so many events."""


@dataclass
class Turn:
    """What one side did in one turn."""

    seconds: float
    latencies: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Appends a second."""
        return len(self.latencies) / self.seconds


def run() -> dict[str, Any]:
    """Measure; return the result as `python -m bench` prints it."""
    with temporary_server() as conninfo:
        migrate(conninfo)
        create_company(conninfo, "bench")
        return _result({writers: _turns(conninfo, writers) for writers in WRITERS})


def _turns(conninfo: str, writers: int) -> dict[str, list[Turn]]:
    turns: dict[str, list[Turn]] = {side: [] for side in SIDES}
    with ExitStack() as stack:
        sides = {
            "ours": stack.enter_context(_ours(conninfo, writers)),
            "together": stack.enter_context(_together(conninfo, writers)),
            "stock": stack.enter_context(_stock(conninfo, writers)),
            "bare": stack.enter_context(_bare(conninfo, writers)),
        }
        for number in range(TURNS + 1):
            for at in range(len(SIDES)):
                side = SIDES[(at + number) % len(SIDES)]  # who comes first changes
                taken = turn(sides[side], SECONDS)
                print(f"append: {writers} writers, {side}: {taken.per_second:.0f}/s", file=sys.stderr)
                if number:  # the first round is for warming up
                    turns[side].append(taken)
    return turns


def turn(writes: list[Write], seconds: float) -> Turn:
    """Let a thread for each of *writes* append for so long."""
    found: list[list[float]] = [[] for _ in writes]
    gate = threading.Barrier(len(writes) + 1)
    stop = threading.Event()
    threads = [
        threading.Thread(target=_writer, args=(write, gate, stop, latencies))
        for write, latencies in zip(writes, found, strict=True)
    ]
    for thread in threads:
        thread.start()
    gate.wait()
    began = time.perf_counter()
    stop.wait(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return Turn(time.perf_counter() - began, [each for latencies in found for each in latencies])


def _writer(write: Write, gate: threading.Barrier, stop: threading.Event, latencies: list[float]) -> None:
    gate.wait()
    while True:
        stream = new_id()
        for version in range(EVENTS_PER_STREAM):
            if stop.is_set():
                return
            began = time.perf_counter()
            write(stream, version)
            latencies.append(time.perf_counter() - began)


BY: Final = Attribution(new_id(), "collector", None, None)


def _comment(stream: UUID) -> DisputeCommented:
    return DisputeCommented(DisputeId(stream), "The customer says the price is wrong.", Visibility.INTERNAL)


def _submission(stream: UUID, version: int) -> Submission:
    decision = Decision(now(), (_comment(stream),))
    command = new_id()
    return Submission(
        command, f"bench:{command}", bytes(32), BY, (decision,), {stream: version}, b'{"ok":true}'
    )


def writing(append: Callable[[Submission], object]) -> Write:
    """To write by *append*."""

    def write(stream: UUID, version: int) -> None:
        append(_submission(stream, version))

    return write


@contextmanager
def _ours(conninfo: str, writers: int) -> Iterator[list[Write]]:
    with open_pool(conninfo, size=writers) as pool:
        log = Log(CompanyDatastore(pool, "bench"))
        yield [writing(log.append)] * writers


@contextmanager
def _together(conninfo: str, writers: int) -> Iterator[list[Write]]:
    with open_pool(conninfo, size=writers) as pool:
        group = Together(Log(CompanyDatastore(pool, "bench")))
        yield [writing(group.append)] * writers


@contextmanager
def _stock(conninfo: str, writers: int) -> Iterator[list[Write]]:
    told = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    datastore = PostgresDatastore(
        told["dbname"], told["host"], told["port"], told["user"], told.get("password", ""), pool_size=writers
    )
    with datastore:
        recorder = PostgresApplicationRecorder(datastore)
        recorder.create_table()
        name, data = Codec().encode_bytes(_comment(new_id()))

        def write(stream: UUID, version: int) -> None:
            recorder.insert_events([StoredEvent(stream, version + 1, name, data)])

        yield [write] * writers


@contextmanager
def _bare(conninfo: str, writers: int) -> Iterator[list[Write]]:
    calls, codec = AppendCalls("company_bench"), Codec()
    template = written(_submission(new_id(), 0), codec)
    statement, (_, _, *rest) = calls.call(template)
    before, (name, data, moment) = rest[:6], rest[8:]

    def writer(connection: psycopg.Connection) -> Write:
        def write(stream: UUID, version: int) -> None:
            command = new_id()
            connection.execute(
                statement,
                (command, str(command), *before, stream, version, name, data, moment),
                prepare=True,
                binary=True,
            ).fetchall()

        return write

    with ExitStack() as stack:
        yield [
            writer(stack.enter_context(psycopg.connect(conninfo, autocommit=True))) for _ in range(writers)
        ]


def _result(turns: dict[int, dict[str, list[Turn]]]) -> dict[str, Any]:
    figures = {
        f"{writers} writers": {
            side: {
                "per_second": round(median(turn.per_second for turn in taken)),
                "p99_ms": round(
                    1000 * quantiles([x for turn in taken for x in turn.latencies], n=100)[98], 2
                ),
            }
            for side, taken in sides.items()
        }
        for writers, sides in turns.items()
    }
    bars = [
        _bar("vs stock, 16 writers", turns[16], "ours", "stock", 1.8),
        _bar("vs the bare function, 16 writers", turns[16], "ours", "bare", 0.6),
        _bar("vs stock, 1 writer", turns[1], "ours", "stock", 1.5),
        _bar("together vs stock, 16 writers", turns[16], "together", "stock", 4),
        _bar("together vs stock, 1 writer", turns[1], "together", "stock", 1.5),
    ]
    return {"bench": "append", "figures": figures, "bars": bars}


def _bar(name: str, sides: dict[str, list[Turn]], side: str, against: str, at_least: float) -> dict[str, Any]:
    ratios = [
        ours.per_second / other.per_second for ours, other in zip(sides[side], sides[against], strict=True)
    ]
    value = round(median(ratios), 2)
    return {"name": name, "value": value, "at_least": at_least, "holds": value >= at_least}
