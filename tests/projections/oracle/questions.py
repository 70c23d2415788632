"""What is asked: every report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from random import Random
from typing import Final

from domain.identity import person_id
from domain.roles import Actor, Role
from projections.aged_balance import aged_balance
from projections.agenda import AgendaParameters, agenda
from projections.dispute_months import dispute_months
from projections.dispute_report import Counted, DisputeReportParameters, dispute_report
from projections.item_statuses import item_statuses
from projections.parameters import Parameters
from projections.receivables import ReceivablesParameters, receivables
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from projections.resolver_days import resolver_days
from tests.projections.oracle import aged_balance as aged
from tests.projections.oracle import agenda as todo
from tests.projections.oracle import dispute_months as months
from tests.projections.oracle import dispute_report as counted
from tests.projections.oracle import item_statuses as statuses
from tests.projections.oracle import receivables as figures
from tests.projections.oracle import resolution_time as times
from tests.projections.oracle import resolver_days as desks
from tests.projections.oracle.asking import Asking
from tests.projections.oracle.list_questions import LISTS
from tests.projections.oracle.made_up import BRANCH, PEOPLE
from tests.projections.oracle.view import BOSS, View

ASKERS: Final = (
    BOSS,
    BOSS,
    Actor(person_id("P1"), Role.COLLECTOR),
    Actor(person_id("P3"), Role.RESOLVER),
    Actor(person_id("P4"), Role.SALES_MANAGER),
)
NOW: Final = datetime(2020, 12, 1, 12, tzinfo=UTC)

_ATTRIBUTES: Final = (
    "attribute:sector",
    f"attribute:{BRANCH.replace(',', ',,')}",
    "attribute:unheard of",
)
_OF_ITEMS: Final = (
    *("customer", "collector", "resolver", "entity", "status", "currency", "month", "none"),
    *_ATTRIBUTES,
)
_OF_DISPUTES: Final = (
    *("type", "customer", "resolver", "collector", "entity", "currency", "month", "none"),
    *_ATTRIBUTES,
)


def _of_first_episodes(chance: Random, _: View) -> Mapping[str, object]:
    return {"first_episodes_only": chance.random() < 0.3}


REPORTS: Final[Mapping[str, Asking]] = {
    "aged balance": Asking(
        aged_balance,
        aged.aged_balance,
        Parameters,
        by=_OF_ITEMS,
        default="customer",
        measure=lambda row: row.total,
    ),
    "item statuses": Asking(
        item_statuses,
        statuses.item_statuses,
        Parameters,
        by=_OF_ITEMS,
        default="status",
        measure=lambda row: row.amount,
    ),
    "dispute report": Asking(
        dispute_report,
        counted.dispute_report,
        DisputeReportParameters,
        options=lambda chance, _: {"state": chance.choice((Counted.OPEN, *Counted))},
        by=_OF_DISPUTES,
        default="type",
        measure=lambda row: row.amount,
    ),
    "dispute months": Asking(
        dispute_months,
        months.dispute_months,
        Parameters,
        by=_OF_DISPUTES,
        default="month",
        measure=lambda row: row.opened + row.reopened + row.resolved,
    ),
    "resolution time": Asking(
        resolution_time,
        times.resolution_time,
        ResolutionTimeParameters,
        identity=("key", "grouped"),
        options=_of_first_episodes,
        by=_OF_DISPUTES,
        default="type",
        measure=lambda row: row.count,
    ),
    "resolver days": Asking(
        resolver_days,
        desks.resolver_days,
        ResolutionTimeParameters,
        identity=("key", "grouped"),
        options=_of_first_episodes,
        by=_OF_DISPUTES,
        default="resolver",
        measure=lambda row: row.days,
    ),
    "receivables": Asking(
        receivables,
        figures.receivables,
        ReceivablesParameters,
        filters=("entity", "customer", "collector", "attributes", "currency"),
        options=lambda chance, _: {
            "days": chance.choice((90, 7, 30)),
            "sales_days": chance.choice((365, 30, 45)),
        },
        by=("none", "entity", "customer", "collector", *_ATTRIBUTES),
        default="none",
        measure=lambda row: row.receivables,
        is_for_all=False,
    ),
    "agenda": Asking(
        agenda,
        todo.agenda,
        AgendaParameters,
        identity=("kind", "part", "person_id", "follow_up_id", "dispute_id", "customer_id", "currency"),
        options=lambda chance, _: {
            "person": chance.choice((None, None, person_id(chance.choice(PEOPLE)))),
            "days_ahead": chance.choice((0, 0, 5, 60)),
            "until": chance.choice((None, None, None, date(2020, 2, 20))),
        },
        orders={None: lambda row: (row.day, row.person is None, row.person or "")},
    ),
}
QUESTIONS: Final[Mapping[str, Asking]] = {**REPORTS, **LISTS}
"""Every report, and the lists."""
