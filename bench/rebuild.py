"""How fast `redress rebuild` makes the tables of a log of a million events (BENCH_EVENTS) anew, and what the
service notices of it.

*rebuild*, all of it from the first table to the swap, takes turns with a *bare* read of the same log (COPY
out and `orjson.loads` on one core) and with the *library*'s ProjectionRunner, which keeps the same tables of
the log's beginning as in bench/feed.py. Values are medians of the turns' ratios. Then items are registered
and the agenda is asked for as fast as can be, with the feed following: alone, and while tables are rebuilt.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from decimal import Decimal
from itertools import groupby, islice
from statistics import median
from typing import Any, Final
from uuid import UUID

from psycopg.sql import SQL, Identifier

from api.database import OpenCompany
from bench import long_log
from bench.bare_read import bare_read
from bench.feed import LIBRARY_EVENTS, Library, library_rate
from bench.server import temporary_server
from domain.commands import Decision
from domain.identity import OPERATOR, CustomerId, ItemId
from domain.item import ItemDetails, ItemRegistered, ItemType
from domain.roles import Actor, Role
from projections.agenda import AgendaParameters, agenda
from projections.feed import Feed
from projections.reading import Reading
from projections.worker import Worker
from replay.rebuild import Rebuilt, rebuild
from replay.verify import verify
from store.clock import new_id, now
from store.connections import CompanyDatastore
from store.log import Attribution, Log, Submission
from store.migrate import create_company

EVENTS: Final = int(os.environ.get("BENCH_EVENTS", "1000000"))
TURNS: Final = 3
SECONDS: Final = 10.0
"""That writers write alone."""
WRITERS: Final = 2
LIBRARY_START: Final = 40_000
"""Events before those that the library takes."""

SHARE: Final = 0.15
FASTER: Final = 40
WRITES: Final = 0.5
SWAP: Final = 100


def run() -> dict[str, Any]:
    """Measure; return the result as `python -m bench` prints it."""
    rates: dict[str, list[float]] = {"rebuild": [], "bare": [], "library": []}
    swaps: list[float] = []
    with temporary_server() as conninfo:
        company = long_log.make(conninfo, "long", EVENTS)
        with company.datastore.pool:
            _prepare_library(conninfo, company)
            for _ in range(TURNS):
                rates["bare"].append(bare_read(conninfo, company.datastore.schema))
                rates["library"].append(library_rate(conninfo))
                began = time.perf_counter()
                made = rebuild(company.datastore, company.log)
                rates["rebuild"].append(made.events / (time.perf_counter() - began))
                swaps.append(made.swap_seconds)
                _say(", ".join(f"{side} {of[-1]:.0f} events/s" for side, of in rates.items()))
            beside = _beside(company, swaps)
            sound = verify(company.datastore, company.log)
            assert sound.is_sound, sound.differences
    return _result(rates, swaps, beside)


def _say(text: str) -> None:
    print(f"rebuild: {text}", file=sys.stderr)


# --- the library's side ------------------------------------------------------------------------------

_BEGINNING: Final = SQL("""
insert into {copied} select * from {events}
where position <= (select decision_end from {events} where position = {last})""")

_EVENTS: Final = SQL("select decision_end, occurred_at, type, data::text from {} order by position")


def _prepare_library(conninfo: str, company: OpenCompany) -> None:
    """Give the library the beginning of the log, and the tables up to where it begins."""
    create_company(conninfo, "library")
    datastore = CompanyDatastore(company.datastore.pool, "library")
    events = Identifier(datastore.schema, "events")
    last = LIBRARY_START + 2 * TURNS * LIBRARY_EVENTS
    copied = _BEGINNING.format(
        copied=events, events=Identifier(company.datastore.schema, "events"), last=last
    )
    with datastore.pool.connection() as connection:
        connection.execute(copied)
    log = Log(datastore)
    start = Feed(datastore, log).catch_up(LIBRARY_START)
    rows = datastore.rows(_EVENTS.format(events).as_bytes())
    decisions = [
        Decision(moment, tuple(log.codec.decode(name, data) for _, _, name, data in decision))
        for (_, moment), decision in groupby(rows, key=lambda row: row[:2])
    ]
    with datastore.pool.connection() as connection:
        connection.execute("analyze")
    Library.prepare(log, decisions, start)


# --- what the service notices ------------------------------------------------------------------------


def _beside(company: OpenCompany, swaps: list[float]) -> dict[str, float]:
    """Commands a second alone and while tables are rebuilt; how many questions were answered meanwhile."""
    alone, during = list[float](), list[float]()
    answered = 0
    with Worker(company.feed, company.log):
        for _ in range(TURNS):
            with _working(company) as count:
                began = time.perf_counter()
                time.sleep(SECONDS)
                alone.append(count()[0] / (time.perf_counter() - began))
            with _working(company) as count:
                began = time.perf_counter()
                made: Rebuilt = rebuild(company.datastore, company.log)
                writes, reads = count()
                during.append(writes / (time.perf_counter() - began))
            answered += reads
            swaps.append(made.swap_seconds)
            _say(f"{alone[-1]:.0f} commands/s alone, {during[-1]:.0f} during a rebuild, {reads} reads")
        company.feed.wait_for(company.log.newest(), 600)
    share = median(some / most for some, most in zip(during, alone, strict=True))
    return {"alone": median(alone), "during": median(during), "share": share, "reads": answered}


@contextmanager
def _working(company: OpenCompany) -> Iterator[Callable[[], tuple[int, int]]]:
    """Threads that write and one that reads, until the block ends; yields what asks for how much they did.
    Raises what any of them raised."""
    over, troubles = threading.Event(), list[Exception]()
    done: dict[str, list[int]] = {"write": [0] * WRITERS, "read": [0]}

    def go_on(what: str, number: int) -> None:
        try:
            while not over.is_set():
                (_write if what == "write" else _read)(company)
                done[what][number] += 1
        except Exception as error:  # noqa: BLE001 - raised below
            troubles.append(error)

    with ExitStack() as stack:
        for what, counts in done.items():
            for number in range(len(counts)):
                thread = threading.Thread(target=go_on, args=(what, number))
                thread.start()
                stack.callback(thread.join)
        stack.callback(over.set)
        yield lambda: (sum(done["write"]), sum(done["read"]))
    for trouble in islice(troubles, 1):
        raise trouble


_BY: Final = Attribution(OPERATOR, "administrator", None, None)
_CUSTOMER: Final = CustomerId(UUID(int=1))


def _write(company: OpenCompany) -> None:
    item, today = ItemId(new_id()), date(2024, 1, 2)
    details = ItemDetails(ItemType.INVOICE, today, today, Decimal("100.00"), Decimal("100.00"), "EUR", {})
    registered = ItemRegistered(item, _CUSTOMER, "bench", "bench", str(item), details, None)
    decision = Decision(now(), (registered,))
    company.log.append(Submission(new_id(), None, b"", _BY, (decision,), {item: 0}, b""))


def _read(company: OpenCompany) -> None:
    reading = Reading(company.datastore, Actor(OPERATOR, Role.ADMINISTRATOR), now())
    agenda(reading, AgendaParameters())


def _result(rates: dict[str, list[float]], swaps: list[float], beside: dict[str, float]) -> dict[str, Any]:
    def ratio(other: str) -> float:
        return median(ours / theirs for ours, theirs in zip(rates["rebuild"], rates[other], strict=True))

    return {
        "bench": "rebuild",
        "figures": {
            **{side: {"events_per_second": round(median(of))} for side, of in rates.items()},
            "commands_per_second": {name: round(beside[name]) for name in ("alone", "during")},
            "reads_without_error": beside["reads"],
        },
        "bars": [
            _bar("share of a bare read", ratio("bare"), SHARE),
            _bar("vs the library's runner", ratio("library"), FASTER),
            _bar("writes during a rebuild, share of their speed alone", beside["share"], WRITES),
            {
                "name": "longest swap, milliseconds",
                "value": round(max(swaps) * 1000, 1),
                "at_most": SWAP,
                "holds": max(swaps) * 1000 <= SWAP,
            },
        ],
    }


def _bar(name: str, value: float, at_least: float) -> dict[str, Any]:
    return {"name": name, "value": round(value, 3), "at_least": at_least, "holds": value >= at_least}
