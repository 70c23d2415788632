"""Does the length of the log matter to who writes? Appends by threads that share transactions (as in
bench/append.py) and requests over HTTP (as in bench/http.py) with one and five million events in the log
already, and with none.

The three companies are on one server, and take short turns within one run; a bar's value is the median of the
turns' ratios to the empty one.

A log that was copied and vacuumed has a little room left on each of its pages, and PostgreSQL puts the next
events there before it makes the table longer: each of them is then the first on its page since a checkpoint,
and the whole page goes into the write-ahead log. That is over after some ten thousand events a million; what
it costs is reported apart (first), and the turns begin after it.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from statistics import median
from typing import Any, Final

from bench import append, http, long_log
from bench.server import temporary_server
from domain.catalogue import Settings
from store.companies import found
from store.connections import CompanyDatastore, open_pool
from store.log import Log
from store.migrate import migrate
from store.together import Together

SIZES: Final = {"empty": 0, "1 M": 1_000_000, "5 M": 5_000_000}
WRITERS: Final = 16
TURNS: Final = 11
ROOM: Final = 12
"""Turns until no page of a copied log has room."""

SECONDS: Final = 1.0
AT_LEAST: Final = 0.85

Rates = dict[str, list[float]]
"""By the size of the log, commands a second in each turn."""


def run() -> dict[str, Any]:
    """Measure; return the result as `python -m bench` prints it."""
    with temporary_server() as conninfo:
        migrate(conninfo)
        for size, events in SIZES.items():
            _company(conninfo, _name(size), events)
        # In this order: what the appends write nobody could read.
        requests = _requests(conninfo)
        first, rates = _appends(conninfo)
        return _result({"append": rates, "http": requests}, first)


def _name(size: str) -> str:
    return f"log_{size.replace(' ', '').lower()}"


def _company(conninfo: str, name: str, events: int) -> None:
    if events:
        long_log.make(conninfo, name, events).datastore.pool.close()
        return
    with open_pool(conninfo) as pool:
        found(conninfo, pool, name, Settings(name))


def _appends(conninfo: str) -> tuple[Rates, Rates]:
    """Those of the first turns, but for one for warming up, and those after them."""
    first: Rates = {size: [] for size in SIZES}
    rates: Rates = {size: [] for size in SIZES}
    with open_pool(conninfo, size=WRITERS) as pool:
        groups = {size: Together(Log(CompanyDatastore(pool, _name(size)))) for size in SIZES}
        for number in range(ROOM + TURNS):
            for size in _in_turn(number):
                turn = append.turn([append.writing(groups[size].append)] * WRITERS, SECONDS)
                print(f"filled: append, {size}: {turn.per_second:.0f}/s", file=sys.stderr)
                if number:  # the first round is for warming up
                    (first if number < ROOM else rates)[size].append(turn.per_second)
    return first, rates


def _requests(conninfo: str) -> Rates:
    rates: Rates = {size: [] for size in SIZES}
    with ExitStack() as stack:
        servers = {size: stack.enter_context(http.serving("ours", conninfo, _name(size))) for size in SIZES}
        for number in range(TURNS // 2 + 1):
            for size in _in_turn(number):
                taken = http.turn(servers[size], f"log of {size}")
                if number:
                    rates[size].append(len(taken) / http.SECONDS)
    return rates


def _in_turn(number: int) -> list[str]:
    sizes = list(SIZES)
    return [sizes[(at + number) % len(sizes)] for at in range(len(sizes))]  # who comes first changes


def _result(found_rates: dict[str, Rates], first: Rates) -> dict[str, Any]:
    figures = {
        what: {size: {"per_second": round(median(taken))} for size, taken in rates.items()}
        for what, rates in {**found_rates, "append, first": first}.items()
    }
    bars = [_bar(what, size, rates) for what, rates in found_rates.items() for size in list(SIZES)[1:]]
    return {"bench": "filled", "figures": figures, "bars": bars}


def _bar(what: str, size: str, rates: Rates) -> dict[str, Any]:
    ratios = [filled / empty for filled, empty in zip(rates[size], rates["empty"], strict=True)]
    value = round(median(ratios), 2)
    name = f"{what} with {size} events in the log, share of its speed without"
    return {"name": name, "value": value, "at_least": AT_LEAST, "holds": value >= AT_LEAST}
