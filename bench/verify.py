"""How fast `redress verify` compares a log of a million events (BENCH_EVENTS) with its tables.

Its bar is a share of a bare read of the log: COPY out and `orjson.loads` on one core. They take turns; the
value is the median of the turns' ratios.
"""

from __future__ import annotations

import os
import sys
import time
from statistics import median
from typing import Any, Final

from bench import long_log
from bench.bare_read import bare_read
from bench.server import temporary_server
from replay.verify import verify

EVENTS: Final = int(os.environ.get("BENCH_EVENTS", "1000000"))
TURNS: Final = 3
AT_LEAST: Final = 0.15


def run() -> dict[str, Any]:
    """Measure; return the result as `python -m bench` prints it."""
    rates: dict[str, list[float]] = {"verify": [], "bare": []}
    with temporary_server() as conninfo:
        company = long_log.make(conninfo, "long", EVENTS)
        with company.datastore.pool:
            for _ in range(TURNS):
                rates["bare"].append(bare_read(conninfo, company.datastore.schema))
                began = time.perf_counter()
                found = verify(company.datastore, company.log)
                rates["verify"].append(found.events / (time.perf_counter() - began))
                assert found.is_sound, found.differences
                print(
                    ", ".join(f"verify: {side} {of[-1]:.0f}/s" for side, of in rates.items()), file=sys.stderr
                )
    share = median(ours / bare for ours, bare in zip(rates["verify"], rates["bare"], strict=True))
    bar = {"name": "share of a bare read", "value": round(share, 3), "at_least": AT_LEAST}
    return {
        "bench": "verify",
        "figures": {side: {"events_per_second": round(median(of))} for side, of in rates.items()},
        "bars": [{**bar, "holds": share >= AT_LEAST}],
    }
