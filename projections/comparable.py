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
    dispute_report,
    item_rows,
    item_statuses,
    resolution_time,
)
from projections import selection as select
from projections.agenda import AgendaParameters
from projections.comparison import Asking, Counts, Statistics
from projections.dispute_report import Counted, DisputeReportParameters
from projections.parameters import ParameterInvalid, Parameters
from projections.reading import Reading, Snapshot
from projections.resolution_figures import ResolutionTimeRow
from projections.resolution_time import ResolutionTimeParameters
from projections.selection import Grouping, Groupings, Selection

_DISPUTES: Final[LiteralString] = """
select d.dispute_id as id, d.version, d.reference as name, d.customer_id, d.customer_code, d.state, d.episode,
       d.items as around, coalesce({reached}, false) as is_reached, 'dispute' as what
from dispute_states d left join customer_states c on c.customer_id = d.customer_id and {known_c}
where {seen_d} and d.dispute_id = any(%(ids)s)"""

_ITEMS: Final[LiteralString] = """
select i.item_id as id, i.version, i.number as name, i.customer_id, i.customer_code,
       case when i.is_open then 'open' when i.withdrawn then 'withdrawn' else 'cleared' end as state,
       null::integer as episode, array_remove(array[i.dispute_id], null) as around,
       coalesce({reached}, false) as is_reached, 'item' as what
from item_states i left join customer_states c on c.customer_id = i.customer_id and {known_c}
where {seen_i} and i.item_id = any(%(ids)s)"""

_VERSIONS_OF_ITEMS: Final[LiteralString] = """
select i.item_id as id, i.version from item_states i where {seen_i} and i.item_id = any(%(ids)s)"""

_VERSIONS_OF_DISPUTES: Final[LiteralString] = """
select d.dispute_id as id, d.version from dispute_states d where {seen_d} and d.dispute_id = any(%(ids)s)"""

_OF_DISPUTES: Final[LiteralString] = """
select dispute_id as thing, null::integer as episode, key, max(label) as label, currency, null::text as part,
       1::numeric as disputes, count(distinct item_id)::numeric as items, sum(amount) as amount
from facts group by dispute_id, key, currency"""

_OF_EPISODES: Final[LiteralString] = """
select dispute_id as thing, episode, key, max(label) as label, null::text as currency, null::text as part,
       count(*) filter (where is_opened) as opened,
       count(*) filter (where is_opened and state = 'open') as still_open,
       count(*) filter (where is_opened and state = 'escalated') as escalated,
       coalesce(sum(round(days::numeric, 6)) filter (where is_opened), 0) as days_observed,
       count(target_days) filter (where is_closed) as with_target,
       count(*) filter (where is_closed and days <= target_days) as in_time,
       count(*) filter (where is_closed) as count,
       coalesce(sum(round(days::numeric, 6)) filter (where is_closed), 0) as days
from lines group by dispute_id, episode, key"""

_OF_STATUSES: Final[LiteralString] = """
select item_id as thing, null::integer as episode, key, label, currency, null::text as part,
       1::numeric as items, balance as amount, case when is_overdue then balance else 0 end as overdue,
       case when is_overdue and status is not null then balance else 0 end as overdue_with_status
from facts"""

_OF_BALANCES: Final[LiteralString] = """
select item_id as thing, null::integer as episode, key, label, currency,
       (%(buckets)s::text[])[bucket + 1] as part, balance, disputed
from facts"""


@dataclass(frozen=True, slots=True)
class Comparable:
    """A report by what it can be asked, and how it is compared."""

    parameters: type[Parameters]
    permission: Permission
    ask: Callable[[Reading, Any], Asking]


def _reached(reading: Reading, permission: Permission, relations: select.Relations) -> Selection:
    return Selection().only(reading.reach(permission), reading.actor, relations)


def _one_level(groupings: Groupings, parameters: Parameters) -> Grouping:
    group = groupings.asked(parameters.by)
    _require_one_level(group)
    return group


def _require_one_level(group: Grouping) -> None:
    if len(group.levels) > 1:
        levels = " or ".join(group.levels)
        raise ParameterInvalid("by", group.name, f"what changed is told by one grouping: {levels}")


def _disputes(reading: Reading, parameters: DisputeReportParameters) -> Asking:
    asked = dispute_report.Asked.of(reading, parameters)
    _require_one_level(asked.group)
    # Two disputes may have been opened over the same item: then their items do not add up.
    figures = ("disputes", "items", "amount") if parameters.state is Counted.OPEN else ("disputes", "amount")
    return Asking(
        Counts(parameters.state), asked.group.name, figures, frozenset({"disputes"}),
        asked.facts + _OF_DISPUTES, lambda snapshot: (asked.bindings(snapshot), asked.parts(snapshot)),
        _DISPUTES, _VERSIONS_OF_ITEMS, _reached(reading, Permission.READ_DISPUTES, select.DISPUTES),
    )  # fmt: skip


def _episodes(reading: Reading, parameters: ResolutionTimeParameters) -> Asking:
    group = _one_level(resolution_time.BY, parameters)
    of_case = resolution_time.chosen_episodes(reading, parameters)
    figures = (
        "opened", "still_open", "escalated", "days_observed", "with_target", "in_time", "count", "days"
    )  # fmt: skip

    def statistics(snapshot: Snapshot) -> Statistics:
        rows, (*_, total) = resolution_time.rows_and_totals(snapshot, parameters, group, of_case)
        return Statistics({row.key: _statistics_of(row) for row in rows}, _statistics_of(total))

    return Asking(
        Counts.EPISODES, group.name, figures, frozenset(figures),
        resolution_time.LINES + _OF_EPISODES,
        lambda snapshot: resolution_time.places(snapshot, parameters, group, of_case, with_sums=False),
        _DISPUTES, _VERSIONS_OF_ITEMS, _reached(reading, Permission.READ_DISPUTES, select.DISPUTES),
        statistics,
    )  # fmt: skip


_STATISTICS: Final = (
    "mean_days", "median_days", "p90_days", "within_target", "km_median_days", "km_p90_days"
)  # fmt: skip


def _statistics_of(row: ResolutionTimeRow) -> dict[str, float | None]:
    return {name: getattr(row, name) for name in _STATISTICS}


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
    group = _one_level(groupings, parameters)
    reached = _reached(reading, permission, select.ITEMS)
    chosen = select.both(select.of_items(parameters), reached)

    def places(snapshot: Snapshot) -> tuple[dict[str, object], dict[str, Composable]]:
        ends = snapshot.ageing_buckets
        aged = {"starts": buckets.starts([0, *ends]), "buckets": aged_balance.bucket_names(ends)}
        parts = {
            "items": snapshot.sql(item_rows.ITEMS),
            "selected": chosen.sql(snapshot.moment),
            **group.parts(snapshot.moment),
        }
        return {**chosen.bindings, **group.bindings, **aged}, parts

    return Asking(
        Counts.ITEMS, group.name, figures, frozenset(), facts, places, _ITEMS, _VERSIONS_OF_DISPUTES, reached
    )


COMPARABLE: Final[Mapping[str, Comparable]] = {
    "dispute-report": Comparable(DisputeReportParameters, Permission.READ_DISPUTES, _disputes),
    "resolution-time": Comparable(ResolutionTimeParameters, Permission.READ_DISPUTES, _episodes),
    "item-statuses": Comparable(Parameters, Permission.READ_DISPUTES, _statuses),
    "aged-balance": Comparable(Parameters, Permission.READ_AGED_BALANCE, _balances),
    "agenda": Comparable(AgendaParameters, Permission.READ_AGENDA, comparable_agenda.lines),
}
"""By the reports' names."""
