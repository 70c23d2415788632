"""The reports (spec §8), each as JSON or CSV."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.drill_down import to_disputes, to_episodes, to_items, to_work
from api.routes.asking import Listed, add_list
from domain.roles import Permission
from projections.aged_balance import AgedBalanceRow, aged_balance
from projections.agenda import AgendaParameters, AgendaRow, agenda
from projections.dispute_months import DisputeMonthRow, dispute_months
from projections.dispute_report import DisputeReportParameters, DisputeReportRow, dispute_report
from projections.item_statuses import ItemStatusRow, item_statuses
from projections.parameters import Parameters
from projections.receivables import ReceivablesParameters, ReceivablesRow, receivables
from projections.resolution_figures import ResolutionTimeRow
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from projections.resolver_days import ResolverDaysRow, resolver_days

_DISPUTES: Final = (Permission.READ_DISPUTES,)
_HOME: Final = "/v1/reports"

REPORTS: Final = (
    Listed(
        f"{_HOME}/agenda", "agenda", "Agenda: what each person has to do, by date",
        agenda, AgendaParameters, AgendaRow, (Permission.READ_AGENDA,), is_report=True,
        drill_down=to_work,
    ),
    Listed(
        f"{_HOME}/dispute-report", "dispute_report", "Dispute report: how many, over what, of which causes",
        dispute_report, DisputeReportParameters, DisputeReportRow, _DISPUTES, is_report=True,
        drill_down=to_disputes,
    ),
    Listed(
        f"{_HOME}/dispute-months", "dispute_months", "Disputes opened, reopened and resolved per month",
        dispute_months, Parameters, DisputeMonthRow, _DISPUTES, is_report=True,
    ),
    Listed(
        f"{_HOME}/resolution-time", "resolution_time", "Resolution time: how long disputes took",
        resolution_time, ResolutionTimeParameters, ResolutionTimeRow, _DISPUTES, is_report=True,
        drill_down=to_episodes,
    ),
    Listed(
        f"{_HOME}/resolver-days", "resolver_days", "Days that resolved disputes were with each resolver",
        resolver_days, ResolutionTimeParameters, ResolverDaysRow, _DISPUTES, is_report=True,
    ),
    Listed(
        f"{_HOME}/item-statuses", "item_statuses", "Item statuses: what was said of the open items",
        item_statuses, Parameters, ItemStatusRow, _DISPUTES, is_report=True,
        drill_down=to_items,
    ),
    Listed(
        f"{_HOME}/aged-balance", "aged_balance", "Aged balance: what is open by how long it is past due",
        aged_balance, Parameters, AgedBalanceRow, (Permission.READ_AGED_BALANCE,), is_report=True,
        drill_down=to_items,
    ),
    Listed(
        f"{_HOME}/receivables", "receivables", "Receivables figures: DSO, DSO of disputes, DDO",
        receivables, ReceivablesParameters, ReceivablesRow, (Permission.READ_RECEIVABLES,), is_report=True,
        drill_down=to_items,
    ),
)  # fmt: skip

router: Final = APIRouter(tags=["reports"])
for each in REPORTS:
    add_list(router, each)
