"""What is asked at a pair of clocks: each report with filters and groupings by chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.identity import person_id
from domain.roles import Actor, Role
from projections.aged_balance import aged_balance
from projections.agenda import AgendaParameters, agenda
from projections.cases import DisputeList, FollowUpList, disputes, follow_ups
from projections.dispute_months import dispute_months
from projections.dispute_report import Counted, DisputeReportParameters, dispute_report
from projections.item_statuses import item_statuses
from projections.parameters import Parameters, Report
from projections.reading import Reading
from projections.receivables import ReceivablesParameters, receivables
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from projections.resolver_days import resolver_days
from projections.search import ItemSearch, items
from tests.projections.oracle import aged_balance as aged
from tests.projections.oracle import agenda as todo
from tests.projections.oracle import dispute_months as months
from tests.projections.oracle import dispute_report as counted
from tests.projections.oracle import item_statuses as statuses
from tests.projections.oracle import lists
from tests.projections.oracle import receivables as figures
from tests.projections.oracle import resolution_time as times
from tests.projections.oracle import resolver_days as desks
from tests.projections.oracle.answer import Answer
from tests.projections.oracle.facts import Fact
from tests.projections.oracle.made_up import PEOPLE, SECTORS, TYPES, ZONES
from tests.projections.oracle.view import BOSS, View

ASKERS: Final = (
    BOSS,
    BOSS,
    Actor(person_id("P1"), Role.COLLECTOR),
    Actor(person_id("P3"), Role.RESOLVER),
    Actor(person_id("P4"), Role.SALES_MANAGER),
)
NOW: Final = datetime(2020, 12, 1, 12, tzinfo=UTC)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asking:
    """One report: how it is asked, and who knows better."""

    report: Callable[[Reading, Any], Report[Any]]
    oracle: Callable[[View, Any], Answer]
    parameters: type[Parameters]
    identity: Sequence[str] = ("key", "currency")
    by: Sequence[str] = ()
    filters: Sequence[str] = (
        "entity",
        "customer",
        "collector",
        "resolver",
        "status",
        "attributes",
        "currency",
        "period",
    )
    options: Callable[[Random], Mapping[str, object]] = lambda _: {}
    has_totals: bool = False
    order: Callable[[Any], Any] | None = None
    """What rows go by within a currency, unless they go by month or age."""
    is_for_all: bool = True
    """Whether all of these roles may ask it."""


_OF_ITEMS: Final = (
    "customer", "collector", "resolver", "entity", "status", "currency", "month", "none", "attribute:sector",
)  # fmt: skip
_OF_DISPUTES: Final = (
    "type", "customer", "resolver", "collector", "entity", "currency", "month", "none", "attribute:sector",
)  # fmt: skip


def _searched(chance: Random) -> Mapping[str, object]:
    return {
        "limit": 200,
        "text": chance.choice(
            (None, None, "words", "N1 plain", "NORTH", "100% \\", "sure_", "中", "buyer 2")
        ),
        "is_open": chance.choice((None, None, True, False)),
        "is_disputed": chance.choice((None, None, True, False)),
        "is_overdue": chance.choice((None, None, True, False)),
        "kind": chance.choice((None, None, None, "dispute", "promise_to_pay")),
        "type": chance.choice((None, None, None, "invoice", "credit_note")),
        "due_from": chance.choice((None, None, date(2020, 1, 10))),
        "due_to": chance.choice((None, None, date(2020, 3, 10))),
    }


QUESTIONS: Final[Mapping[str, Asking]] = {
    "aged balance": Asking(
        aged_balance,
        aged.aged_balance,
        Parameters,
        by=_OF_ITEMS,
        order=lambda row: -row.total,
        has_totals=True,
    ),
    "item statuses": Asking(
        item_statuses,
        statuses.item_statuses,
        Parameters,
        by=_OF_ITEMS,
        order=lambda row: -row.amount,
        has_totals=True,
    ),
    "dispute report": Asking(
        dispute_report,
        counted.dispute_report,
        DisputeReportParameters,
        by=_OF_DISPUTES,
        options=lambda chance: {"state": chance.choice(list(Counted))},
        has_totals=True,
        order=lambda row: -row.amount,
    ),
    "open disputes by age": Asking(
        dispute_report, counted.dispute_report, DisputeReportParameters, by=("age",), has_totals=True
    ),
    "dispute months": Asking(
        dispute_months, months.dispute_months, Parameters, order=lambda row: (row.currency, row.key)
    ),
    "resolution time": Asking(
        resolution_time,
        times.resolution_time,
        ResolutionTimeParameters,
        identity=("key",),
        by=_OF_DISPUTES,
        options=lambda chance: {"first_episodes_only": chance.random() < 0.3},
        has_totals=True,
        order=lambda row: -row.count,
    ),
    "resolver days": Asking(
        resolver_days,
        desks.resolver_days,
        ResolutionTimeParameters,
        has_totals=True,
        identity=("key",),
        options=lambda chance: {"first_episodes_only": chance.random() < 0.3},
        order=lambda row: -row.days,
    ),
    "receivables": Asking(
        receivables,
        figures.receivables,
        ReceivablesParameters,
        by=("none", "entity", "customer", "collector", "attribute:sector"),
        filters=("entity", "customer", "collector", "attributes", "currency"),
        is_for_all=False,
        options=lambda chance: {
            "days": chance.choice((90, 7, 30)),
            "sales_days": chance.choice((365, 30, 45)),
        },
        has_totals=True,
        order=lambda row: -row.receivables,
    ),
    "agenda": Asking(
        agenda,
        todo.agenda,
        AgendaParameters,
        identity=("kind", "part", "person_id", "follow_up_id", "dispute_id", "customer_id", "currency"),
        options=lambda chance: {
            "person": chance.choice((None, None, person_id(chance.choice(PEOPLE)))),
            "days_ahead": chance.choice((0, 0, 5, 60)),
            "until": chance.choice((None, None, date(2020, 2, 20))),
        },
        order=lambda row: (row.day, row.person is None, row.person or ""),
    ),
    "items": Asking(
        items,
        lists.items,
        ItemSearch,
        identity=("item_id",),
        options=_searched,
        order=lambda row: (row.customer_code, row.number),
    ),
    "disputes": Asking(
        disputes,
        lists.disputes,
        DisputeList,
        identity=("dispute_id",),
        options=lambda chance: {
            "limit": 200,
            "state": chance.choice((None, None, "open", "resolved")),
            "is_assigned": chance.choice((None, None, True, False)),
        },
        order=lambda row: -row.episode_opened_at.timestamp(),
    ),
    "follow-ups": Asking(
        follow_ups,
        lists.follow_ups,
        FollowUpList,
        identity=("follow_up_id",),
        filters=("customer", "collector", "resolver", "status", "period"),
        options=lambda chance: {
            "limit": 200,
            "is_open": chance.choice((None, True, False)),
            "owner": chance.choice((None, None, person_id(chance.choice(PEOPLE)))),
            "due_to": chance.choice((None, None, date(2020, 2, 20))),
        },
        order=lambda row: row.due_on,
    ),
}
"""Every report, and the lists."""


def question(
    of: Asking,
    chance: Random,
    view: View,
    as_at: date | datetime | None,
    known_at: int | datetime | None,
) -> Parameters:
    """Parameters by chance; half of the questions have filters."""
    given: dict[str, Any] = {"as_at": as_at, "known_at": known_at, **of.options(chance)}
    if "person" in given and view.asker is not BOSS:
        given["person"] = None
    if of.by:
        given["by"] = chance.choice(of.by)
    if chance.random() < 0.5:
        for each in chance.sample(of.filters, chance.choice((1, 1, 2))):
            given |= _filter(each, chance, view)
    return of.parameters(**given)


def _filter(name: str, chance: Random, view: View) -> Mapping[str, object]:
    match name:
        case "entity":
            return {"entity": chance.choice(("main", "north"))}
        case "customer":
            return {"customer": f"C{chance.randrange(3)}"}
        case "collector" | "resolver":
            return {name: person_id(chance.choice(PEOPLE))}
        case "status":
            return {"status": chance.choice((*TYPES, "promise_to_pay", "dispute_resolved"))}
        case "attributes":
            return {"attributes": {"sector": chance.choice(SECTORS)}}
        case "currency":
            return {"currency": chance.choice(("EUR", "EUR", "USD"))}
        case _:
            pass
    first = view.today - chance.randrange(60) * _DAY
    last = first + chance.randrange(40) * _DAY
    return chance.choice(
        ({"period_from": first}, {"period_to": last}, {"period_from": first, "period_to": last})
    )


def clocks(chance: Random, facts: Sequence[Fact]) -> tuple[date | datetime | None, int | datetime | None]:
    """A business moment and what is known: any, and those where something turns."""
    fact = chance.choice(facts)
    day = fact.occurred_at.date() + chance.randrange(-1, 4) * _DAY
    midnight = datetime.combine(day, time(), ZoneInfo(chance.choice(ZONES))).astimezone(UTC)
    tick = timedelta(microseconds=1)
    business = (
        None,
        day,
        fact.occurred_at,
        fact.occurred_at - tick,
        midnight,
        midnight - tick,
        fact.occurred_at + chance.randrange(9_000) * timedelta(minutes=1),
    )
    told = chance.choice(facts[len(facts) // 4 :] if chance.random() < 0.8 else facts)
    known = (
        None,
        None,
        told.position,
        told.position,
        told.decision_end,
        told.decision_end - 1,
        told.recorded_at,
        told.recorded_at - tick,
    )
    return chance.choice(business), chance.choice(known)
