"""The reports that two moments can be compared of: what each of them counts, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from psycopg.sql import Composable

from domain.roles import Permission
from projections import (
    aged_balance,
    buckets,
    comparable_agenda,
    comparable_desks,
    comparable_months,
    comparable_receivables,
    dispute_report,
    item_rows,
    item_statuses,
    resolution_time,
)
from projections import selection as select
from projections.agenda import AgendaParameters
from projections.comparable_things import (
    DISPUTES,
    ITEMS,
    VERSIONS_OF_DISPUTES,
    VERSIONS_OF_ITEMS,
    reached,
)
from projections.comparison import Asking, Counts, Statistics
from projections.comparison_statement import Added
from projections.dispute_report import Counted, DisputeReportParameters
from projections.parameters import Parameters
from projections.reading import Reading, Snapshot
from projections.receivables import ReceivablesParameters
from projections.resolution_time import ResolutionTimeParameters
from projections.selection import Groupings

_OF_DISPUTES: Final[LiteralString] = """
select dispute_id as thing, null::integer as episode, {named}, currency, null::text as part,
       1::numeric as disputes, count(distinct item_id)::numeric as items, sum(amount) as amount
from facts group by dispute_id, {levels}, currency"""

_OF_EPISODES: Final[LiteralString] = """
select dispute_id as thing, episode, {named}, null::text as currency, null::text as part,
       count(*) filter (where is_opened) as opened,
       count(*) filter (where is_opened and state = 'open') as still_open,
       count(*) filter (where is_opened and state = 'escalated') as escalated,
       coalesce(sum(round(days::numeric, 6)) filter (where is_opened), 0) as days_observed,
       count(target_days) filter (where is_closed) as with_target,
       count(*) filter (where is_closed and days <= target_days) as in_time,
       count(*) filter (where is_closed) as count,
       coalesce(sum(round(days::numeric, 6)) filter (where is_closed), 0) as days
from lines group by dispute_id, episode, {levels}"""

_OF_STATUSES: Final[LiteralString] = """
select item_id as thing, null::integer as episode, {columns}, currency, null::text as part,
       1::numeric as items, balance as amount, case when is_overdue then balance else 0 end as overdue,
       case when is_overdue and status is not null then balance else 0 end as overdue_with_status
from facts"""

_OF_BALANCES: Final[LiteralString] = """
select item_id as thing, null::integer as episode, {columns}, currency,
       (%(buckets)s::text[])[bucket + 1] as part, balance, disputed
from facts"""


@dataclass(frozen=True, slots=True)
class Comparable:
    """A report by what it can be asked, and how it is compared."""

    parameters: type[Parameters]
    permission: Permission
    ask: Callable[[Reading, Any], Asking]


def _disputes(reading: Reading, parameters: DisputeReportParameters) -> Asking:
    asked = dispute_report.Asked.of(reading, parameters)
    # Two disputes may have been opened over the same item: then their items do not add up.
    figures = ("disputes", "items", "amount") if parameters.state is Counted.OPEN else ("disputes", "amount")
    return Asking(
        Counts(parameters.state), asked.group, Added(figures, frozenset({"disputes"})),
        asked.facts + _OF_DISPUTES, lambda snapshot: (asked.bindings(snapshot), asked.parts(snapshot)),
        DISPUTES, VERSIONS_OF_ITEMS, reached(reading, Permission.READ_DISPUTES, select.DISPUTES),
    )  # fmt: skip


def _episodes(reading: Reading, parameters: ResolutionTimeParameters) -> Asking:
    group = resolution_time.BY.asked(parameters.by)
    of_case = resolution_time.chosen_episodes(reading, parameters)
    figures = (
        "opened", "still_open", "escalated", "days_observed", "with_target", "in_time", "count", "days"
    )  # fmt: skip

    def statistics(snapshot: Snapshot) -> Statistics:
        told = resolution_time.rows_and_totals(snapshot, parameters, group, of_case)
        return Statistics.of(_STATISTICS, *told)

    return Asking(
        Counts.EPISODES, group, Added(figures, frozenset(figures)),
        resolution_time.LINES + _OF_EPISODES,
        lambda snapshot: resolution_time.places(snapshot, parameters, group, of_case, with_sums=False),
        DISPUTES, VERSIONS_OF_ITEMS, reached(reading, Permission.READ_DISPUTES, select.DISPUTES),
        statistics,
    )  # fmt: skip


_STATISTICS: Final = (
    "mean_days", "median_days", "p90_days", "within_target", "km_median_days", "km_p90_days"
)  # fmt: skip


def _statuses(reading: Reading, parameters: Parameters) -> Asking:
    figures = ("items", "amount", "overdue", "overdue_with_status")
    permission = Permission.READ_DISPUTES
    return _of_items(
        reading, parameters, permission, item_statuses.BY, figures, item_statuses.FACTS + _OF_STATUSES
    )


def _balances(reading: Reading, parameters: Parameters) -> Asking:
    figures = ("balance", "disputed")
    permission = Permission.READ_AGED_BALANCE
    return _of_items(
        reading, parameters, permission, aged_balance.BY, figures, aged_balance.FACTS + _OF_BALANCES
    )


def _of_items(
    reading: Reading,
    parameters: Parameters,
    permission: Permission,
    groupings: Groupings,
    figures: tuple[str, ...],
    facts: LiteralString,
) -> Asking:
    group = groupings.asked(parameters.by)
    seen = reached(reading, permission, select.ITEMS)
    chosen = select.both(select.of_items(parameters), seen)

    def places(snapshot: Snapshot) -> tuple[dict[str, object], dict[str, Composable]]:
        ends = snapshot.ageing_buckets
        aged = {"starts": buckets.starts([0, *ends]), "buckets": aged_balance.bucket_names(ends)}
        parts = {
            "items": snapshot.sql(item_rows.ITEMS),
            "selected": chosen.sql(snapshot.moment),
            **group.parts(snapshot.moment),
        }
        return {**chosen.bindings, **group.bindings, **aged}, parts

    return Asking(Counts.ITEMS, group, Added(figures), facts, places, ITEMS, VERSIONS_OF_DISPUTES, seen)


COMPARABLE: Final[Mapping[str, Comparable]] = {
    "dispute-report": Comparable(DisputeReportParameters, Permission.READ_DISPUTES, _disputes),
    "dispute-months": Comparable(Parameters, Permission.READ_DISPUTES, comparable_months.months),
    "resolution-time": Comparable(ResolutionTimeParameters, Permission.READ_DISPUTES, _episodes),
    "resolver-days": Comparable(ResolutionTimeParameters, Permission.READ_DISPUTES, comparable_desks.desks),
    "item-statuses": Comparable(Parameters, Permission.READ_DISPUTES, _statuses),
    "aged-balance": Comparable(Parameters, Permission.READ_AGED_BALANCE, _balances),
    "receivables": Comparable(
        ReceivablesParameters, Permission.READ_RECEIVABLES, comparable_receivables.figures
    ),
    "agenda": Comparable(AgendaParameters, Permission.READ_AGENDA, comparable_agenda.lines),
}
"""By the reports' names."""
