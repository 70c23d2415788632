"""Does the past cost what the present costs? Each report at random moments of a year, and now.

The log is long (bench/long_log.py). Of 200 moments a third has an as-at, any time of the year; a third a
known-at, any position; a third both. A report of a moment at which little was open would be quick for that
reason: moments count at which LEAST to MOST times as many items and as many disputes were open as are now.
The reports of what is over (in a month, in all the time until then) have at most as many rows as now, and
months of the same length.

What is due on a day differs more than what is open: the time of an answer with more rows than today's counts
for as many rows as that has, in proportion. The p95 as it is stands beside it (past), and so does the number
of rows now and, in the median, then.

Reports of now and of the past take turns; p95 are compared. A report is fast enough in the past if that takes
at most twice as long, or at most 10 ms longer.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from statistics import median, quantiles
from typing import Any, Final, LiteralString, TypeAlias
from uuid import UUID

from psycopg.rows import tuple_row

from bench import long_log
from bench.server import temporary_server
from domain.identity import PersonId
from domain.roles import Actor, Role
from projections.aged_balance import aged_balance
from projections.agenda import AgendaParameters, agenda
from projections.dispute_months import dispute_months
from projections.dispute_report import Counted, DisputeReportParameters, dispute_report
from projections.item_statuses import item_statuses
from projections.parameters import Parameters, Report
from projections.reading import Reading
from projections.receivables import ReceivablesParameters, receivables
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from projections.resolver_days import resolver_days
from projections.search import ItemSearch, items
from store import clock
from store.connections import CompanyDatastore

EVENTS: Final = int(os.environ.get("BENCH_EVENTS", "1000000"))
MOMENTS: Final = 200
NOWS: Final = 100
LEAST, MOST = 0.5, 1.25
TIMES: Final = 2.0
MORE_MS: Final = 10.0
FIRST_MS: Final = 100
"""Agenda and dispute report, now."""
OTHERS_MS: Final = 300
COPY: Final = 62_500
"""Somewhat more than the events of one copy of the sample."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The two clocks, and the day that is today to them."""

    day: date
    as_at: datetime | None = None
    known_at: int | None = None

    @property
    def clocks(self) -> dict[str, Any]:
        """For the parameters of a report."""
        return {"as_at": self.as_at, "known_at": self.known_at}

    @property
    def month(self) -> dict[str, Any]:
        """The last thirty days, as a period and the clocks."""
        return {**self.clocks, "period_from": self.day - timedelta(days=29), "period_to": self.day}


Ask: TypeAlias = Callable[[Reading, Asked], Report[Any]]


def _agenda_of(role: str) -> Ask:
    def ask(reading: Reading, asked: Asked) -> Report[Any]:
        return agenda(reading, AgendaParameters(person=_person(reading.datastore, role), **asked.clocks))

    return ask


def _disputes(state: Counted) -> Ask:
    return lambda reading, asked: dispute_report(reading, DisputeReportParameters(state=state, **asked.month))


REPORTS: Final[dict[str, tuple[Ask, int]]] = {
    "agenda of a collector": (_agenda_of("collector"), FIRST_MS),
    "agenda of a resolver": (_agenda_of("resolver"), FIRST_MS),
    "agenda of all": (lambda reading, at: agenda(reading, AgendaParameters(**at.clocks)), FIRST_MS),
    "dispute report": (
        lambda reading, at: dispute_report(reading, DisputeReportParameters(**at.clocks)),
        FIRST_MS,
    ),
    "disputes opened in a month": (_disputes(Counted.OPENED), FIRST_MS),
    "disputes resolved in a month": (_disputes(Counted.RESOLVED), FIRST_MS),
    "dispute months": (
        lambda reading, at: dispute_months(reading, Parameters(**at.clocks)),
        OTHERS_MS,
    ),
    "resolution time": (
        lambda reading, at: resolution_time(reading, ResolutionTimeParameters(**at.clocks)),
        OTHERS_MS,
    ),
    "resolution time of a month": (
        lambda reading, at: resolution_time(reading, ResolutionTimeParameters(**at.month)),
        OTHERS_MS,
    ),
    "resolver days": (
        lambda reading, at: resolver_days(reading, ResolutionTimeParameters(**at.clocks)),
        OTHERS_MS,
    ),
    "resolver days of a month": (
        lambda reading, at: resolver_days(reading, ResolutionTimeParameters(**at.month)),
        OTHERS_MS,
    ),
    "item statuses": (lambda reading, at: item_statuses(reading, Parameters(**at.clocks)), OTHERS_MS),
    "aged balance": (lambda reading, at: aged_balance(reading, Parameters(**at.clocks)), OTHERS_MS),
    "receivables": (
        lambda reading, at: receivables(reading, ReceivablesParameters(**at.clocks)),
        OTHERS_MS,
    ),
    "a page of items": (lambda reading, at: items(reading, ItemSearch(**at.clocks)), OTHERS_MS),
}
"""What is asked without any parameter, and what is asked of a month; at most so many ms now."""


def run() -> dict[str, Any]:
    """Measure; return the result as `python -m bench` prints it."""
    with temporary_server() as conninfo:
        company = long_log.make(conninfo, "long", EVENTS, alive=alive(EVENTS))
        figures = measured(company.datastore, REPORTS)
        company.datastore.pool.close()
    return {"bench": "asof", "events": EVENTS, "figures": figures, "bars": list(_bars(figures))}


def alive(events: int) -> int:
    """How many copies of the sample stay open in a log of *events*; the usual number from a million on."""
    return max(1, min(long_log.ALIVE, events // COPY))


def reading_of(datastore: CompanyDatastore) -> Reading:
    """The credit manager asks, who sees everything."""
    actor = Actor(PersonId(_person(datastore, "credit_manager")), Role.CREDIT_MANAGER)
    return Reading(datastore, actor, clock.now())


def measured(
    datastore: CompanyDatastore, reports: dict[str, tuple[Ask, int]], moments: int = MOMENTS
) -> dict[str, dict[str, float]]:
    """For each report p95 in ms, now and in the past."""
    reading = reading_of(datastore)
    pasts = list(islice(_pasts(datastore, random.Random(1)), moments))
    now = Asked(reading.now.date())
    return {name: _figures(name, ask, reading, now, pasts) for name, (ask, _) in reports.items()}


def _figures(name: str, ask: Ask, reading: Reading, now: Asked, pasts: list[Asked]) -> dict[str, float]:
    taken: dict[str, list[float]] = {"now": [], "past": [], "at_same_rows": []}
    each = max(1, len(pasts) // NOWS)
    rows_now = measured_once(ask, reading, now)[1]
    rows_then = []
    for number, past in enumerate(pasts):
        took, rows = measured_once(ask, reading, past)
        rows_then.append(rows)
        taken["past"].append(took)
        taken["at_same_rows"].append(took * min(1.0, max(rows_now, 1) / max(rows, 1)))
        if number % each == 0:
            taken["now"].append(measured_once(ask, reading, now)[0])
    figures = {when: round(p95(several), 1) for when, several in taken.items()}
    figures["ratio"] = round(figures["at_same_rows"] / figures["now"], 2)
    figures |= {"rows_now": rows_now, "rows_then": median(rows_then)}
    print(f"asof: {name}: {figures}", file=sys.stderr)
    return figures


def measured_once(ask: Ask, reading: Reading, asked: Asked) -> tuple[float, int]:
    """How many ms a report takes, and how many rows it has."""
    began = time.perf_counter()
    report = ask(reading, asked)
    return 1000 * (time.perf_counter() - began), len(report.rows)


def p95(several: list[float]) -> float:
    """The 95th percentile of two numbers or more."""
    return quantiles(several, n=20, method="inclusive")[-1]


def _bars(figures: dict[str, dict[str, float]]) -> Iterator[dict[str, Any]]:
    for name, each in figures.items():
        at_most = REPORTS[name][1]
        now, past = each["now"], each["at_same_rows"]
        yield {
            "name": f"{name}, now, ms", "value": now, "at_most": at_most, "holds": now <= at_most
        }  # fmt: skip
        yield {
            "name": f"{name}, past ÷ now (or {MORE_MS:.0f} ms more)",
            "value": each["ratio"],
            "at_most": TIMES,
            "holds": past <= max(TIMES * now, now + MORE_MS),
        }


# --- what there is to ask about ------------------------------------------------------------------------

_PERSON: Final[LiteralString] = """
select person_id from person_states where role = %s and until is null order by code limit 1"""

_SPAN: Final[LiteralString] = """
select min(occurred_at) as first, max(occurred_at) as last, max(position) as position from events"""

_RECORDED: Final[LiteralString] = "select recorded_at, decision_end from events where position = %s"

# Those open at a moment, found in another way than the reports find them.
_OPEN: Final[LiteralString] = """
select count(*) filter (where is_item), count(*) filter (where not is_item)
from (
    select true as is_item, since, until, occurred_from, occurred_until from item_states where is_open
    union all
    select false, since, until, occurred_from, occurred_until from dispute_states where state = 'open'
) one
where since <= %(known)s and occurred_from <= %(at)s
  and (until is null or until > %(known)s or occurred_until > %(at)s)"""


def _person(datastore: CompanyDatastore, role: str) -> UUID:
    ((found,),) = _asked(datastore, _PERSON, (role,))
    return UUID(str(found))


def _pasts(datastore: CompanyDatastore, random: random.Random) -> Iterator[Asked]:
    ((first, last, position),) = _asked(datastore, _SPAN)
    now = _open(datastore, last, position)
    kinds = ("as_at", "known_at", "both")
    found = 0
    while True:
        at = first + (last - first) * random.random()
        ((recorded, end),) = _asked(datastore, _RECORDED, (random.randint(1, position),))
        kind = kinds[found % len(kinds)]
        past = {
            "as_at": Asked(at.date(), as_at=at),
            "known_at": Asked(recorded.date(), known_at=end),
            "both": Asked(min(at, recorded).date(), as_at=at, known_at=end),
        }[kind]
        then = _open(datastore, past.as_at or last, past.known_at or position)
        if all(LEAST * had <= has <= MOST * had for has, had in zip(then, now, strict=True)):
            found += 1
            yield past


def _open(datastore: CompanyDatastore, at: datetime, known: int) -> tuple[int, ...]:
    return _asked(datastore, _OPEN, {"at": at, "known": known})[0]


def _asked(
    datastore: CompanyDatastore,
    statement: LiteralString,
    told: Sequence[object] | Mapping[str, object] = (),
) -> list[tuple[Any, ...]]:
    with datastore.pool.connection() as connection, connection.transaction():
        connection.execute("select set_config('search_path', %s, true)", (datastore.schema,))
        with connection.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(statement, told).fetchall()
