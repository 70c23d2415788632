"""Does a long log make today slow? The agenda and the dispute report of a log of ten million events and of
one of a million, with the same number of things open (bench/long_log.py).

The two logs are on one server and are asked the same in turn; the bar's value is the ratio of p95.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

from api.database import OpenCompany
from bench import long_log
from bench.asof import REPORTS, Asked, alive, measured_once, p95, reading_of
from bench.server import temporary_server
from projections.reading import Reading

EVENTS: Final = int(os.environ.get("BENCH_EVENTS", "10000000"))
"""In the long log; the short one has a tenth."""
TIMES: Final = 10
TURNS: Final = 200
AT_MOST: Final = 1.3
NAMES: Final = ("agenda of a collector", "agenda of a resolver", "agenda of all", "dispute report")


def run() -> dict[str, Any]:
    """Measure; return the result as `python -m bench` prints it."""
    open_copies = alive(EVENTS // TIMES)
    with temporary_server() as conninfo:
        short = long_log.make(conninfo, "short", EVENTS // TIMES, alive=open_copies)
        long = long_log.make(conninfo, "long", EVENTS, alive=open_copies)
        figures = {name: _figures(name, short=short, long=long) for name in NAMES}
        for company in (short, long):
            company.datastore.pool.close()
    bars = [_bar(name, each["ratio"]) for name, each in figures.items()]
    return {"bench": "growth", "events": EVENTS, "figures": figures, "bars": bars}


def _figures(name: str, **companies: OpenCompany) -> dict[str, float]:
    readings = {size: reading_of(company.datastore) for size, company in companies.items()}
    taken = {size: [_taken(name, reading)] for size, reading in readings.items()}
    for several in taken.values():
        several.clear()  # that was for warming up
    for _ in range(TURNS):
        for size, reading in readings.items():
            taken[size].append(_taken(name, reading))
    figures = {size: round(p95(several), 1) for size, several in taken.items()}
    figures["ratio"] = round(p95(taken["long"]) / p95(taken["short"]), 2)
    print(f"growth: {name}: {figures}", file=sys.stderr)
    return figures


def _taken(name: str, reading: Reading) -> float:
    ask, _ = REPORTS[name]
    return measured_once(ask, reading, Asked(reading.now.date()))[0]


def _bar(name: str, ratio: float) -> dict[str, Any]:
    bar = {"name": f"{name}, {EVENTS} events ÷ {EVENTS // TIMES}", "value": ratio}
    return {**bar, "at_most": AT_MOST, "holds": ratio <= AT_MOST}
