"""How many rows a second an import takes, beside a bare COPY of the same rows into the staging table.

*new*: all items of a file are registered in a company that knows none of them. *again*: the same file, which
changes nothing. Both are the whole way: reading the file, staging, comparing, writing; all of it durable.
What the feed needs to bring the read side up afterwards is reported apart. *copy* is the same staged rows,
ready in memory, into the same table. A bar's value is the median of the turns' ratios. *peak* is the most
memory that the importing process has used, for the file and for one twice as long: each is imported by a
process of its own. (Those that make very many items ready for it stay below it: decision 14.)

``BENCH_ROWS`` says how many rows the file has (1 000 000), ``BENCH_TURNS`` how often all are measured (3).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

from api.database import OpenCompany
from api.item_file import ItemMapping, read_mapping
from api.item_import import ImportOptions, ImportResult, import_items, item_source, settings_of
from bench.server import temporary_server
from domain.catalogue import Settings
from domain.identity import OPERATOR
from domain.roles import Actor, Role
from projections.staging import staging
from store.companies import found
from store.connections import Pool, open_pool
from store.migrate import migrate

ROWS: Final = int(os.environ.get("BENCH_ROWS", "1000000"))
TURNS: Final = int(os.environ.get("BENCH_TURNS", "3"))
ACTOR: Final = Actor(OPERATOR, Role.ADMINISTRATOR)
NEW_AT_LEAST: Final = 0.07
AGAIN_AT_LEAST: Final = 0.25
PEAK_AT_MOST: Final = 200
"""MB."""
_MORE: Final = 1.1
"""How much larger a peak may be and still be the same one."""

HEADER: Final = "customer,name,number,type,issued,due,amount,balance,currency,entity,sector,order,plant"
MAPPING: Final = """
[columns]
customer_code = "customer"
customer_name = "name"
number = "number"
type = "type"
issue_date = "issued"
due_date = "due"
amount = "amount"
balance = "balance"
currency = "currency"
entity = "entity"
"""


def run() -> dict[str, Any]:
    """Measure; return the result as `python -m bench` prints it."""
    with tempfile.TemporaryDirectory() as folder, temporary_server() as conninfo:
        migrate(conninfo)
        place = Path(folder)
        (place / "map.toml").write_text(MAPPING, encoding="utf-8")
        mapping = read_mapping(place / "map.toml")
        file = _file(place / "items.csv", ROWS)
        with open_pool(conninfo) as pool:
            turns = [_turn(conninfo, pool, f"bench{turn}", file, mapping) for turn in range(TURNS)]
        peaks = [_peak(conninfo, place, times) for times in (1, 2)]
    return _result(turns, peaks)


def _file(path: Path, rows: int) -> Path:
    chance, customers = random.Random(7), max(1, rows // 50)
    with path.open("w", encoding="utf-8") as file:
        print(HEADER, file=file)
        for number in range(rows):
            code, issued = number % customers, date(2021, 6, 1) + timedelta(days=number % 700)
            kind, sign = ("credit_note", "-") if number % 20 == 0 else ("invoice", "")
            amount = f"{sign}{chance.randrange(1_000, 900_000) / 100:.2f}"
            due = issued + timedelta(days=30)
            identity = f"C{code:06},Customer {code},INV-{number:08}"
            more = f"EUR,main,north,PO {number},4711"
            print(f"{identity},{kind},{issued},{due},{amount},{amount},{more}", file=file)
    return path


def _turn(conninfo: str, pool: Pool, name: str, file: Path, mapping: ItemMapping) -> dict[str, float]:
    found(conninfo, pool, name, Settings(name, currency="EUR"))
    company = OpenCompany(pool, name)
    seconds = {"copy": _copy(company, file, mapping)}
    began = time.perf_counter()
    assert _import(company, file, mapping).counts.registered == ROWS
    seconds["new"] = time.perf_counter() - began
    began = time.perf_counter()
    company.feed.catch_up()
    seconds["feed"] = time.perf_counter() - began
    with pool.connection() as connection:
        connection.execute("analyze")  # as a server's own housekeeping would have done long ago
    began = time.perf_counter()
    assert _import(company, file, mapping).counts.unchanged == ROWS
    seconds["again"] = time.perf_counter() - began
    rates = {side: ROWS / taken for side, taken in seconds.items()}
    _say(", ".join(f"{side} {rate:.0f} rows/s" for side, rate in rates.items()))
    return rates


def _copy(company: OpenCompany, file: Path, mapping: ItemMapping) -> float:
    blocks = [block for _, block in item_source(file, mapping, settings_of(company.executor)).lines()]
    taken = []
    for _ in range(3):
        with staging(company.datastore) as staged:
            began = time.perf_counter()
            staged.fill(blocks)
            taken.append(time.perf_counter() - began)
    return median(taken)


def _import(company: OpenCompany, file: Path, mapping: ItemMapping) -> ImportResult:
    source = item_source(file, mapping, settings_of(company.executor))
    return import_items(company, source, ACTOR, ImportOptions())


def _say(text: str) -> None:
    print(f"import: {text}", file=sys.stderr)


def _result(turns: list[dict[str, float]], peaks: list[float]) -> dict[str, Any]:
    def share(side: str) -> float:
        return median(turn[side] / turn["copy"] for turn in turns)

    once, twice = peaks
    bars = [
        _bar("new items, share of a bare COPY", share("new"), at_least=NEW_AT_LEAST),
        _bar("nothing changed, share of a bare COPY", share("again"), at_least=AGAIN_AT_LEAST),
        _bar("peak memory, MB", once, at_most=PEAK_AT_MOST),
        _bar("peak memory of twice as many rows, MB", twice, at_most=round(once * _MORE)),
    ]
    figures = {
        side: {"rows_per_second": round(median(turn[side] for turn in turns))}
        for side in ("copy", "new", "again", "feed")
    }
    return {"bench": "import", "rows": ROWS, "figures": figures, "bars": bars}


def _bar(name: str, value: float, *, at_least: float = 0, at_most: float = 0) -> dict[str, Any]:
    if at_least:
        return {"name": name, "value": round(value, 3), "at_least": at_least, "holds": value >= at_least}
    return {"name": name, "value": round(value), "at_most": at_most, "holds": value <= at_most}


# --- memory: an import in a process of its own -------------------------------------------------------


def _peak(conninfo: str, place: Path, times: int) -> float:
    file = _file(place / f"items{times}.csv", ROWS * times)
    command = [sys.executable, "-m", "bench.import_", conninfo, f"peak{times}", str(file)]
    told = subprocess.run([*command, str(place / "map.toml")], check=True, capture_output=True, text=True)  # noqa: S603
    _say(f"{ROWS * times} rows: peak memory {told.stdout.strip()} MB")
    return float(told.stdout)


def _measured_alone(conninfo: str, name: str, file: str, mapping: str) -> None:
    with open_pool(conninfo) as pool:
        found(conninfo, pool, name, Settings(name, currency="EUR"))
        _import(OpenCompany(pool, name), Path(file), read_mapping(Path(mapping)))
    # Not getrusage: there the child begins with the peak of its parent.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    print(next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024)


if __name__ == "__main__":
    _measured_alone(*sys.argv[1:])
