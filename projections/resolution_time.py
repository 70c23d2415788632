"""Resolution time (spec 34): how long episodes took that were resolved, and how many still wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, LiteralString

from domain.roles import Permission
from projections import selection
from projections.episodes import CUSTOMERS, EPISODES, GROUPINGS, opening_items
from projections.parameters import Parameters, Report
from projections.reading import Reading, Snapshot

_SQL: Final[LiteralString] = """
with {episodes},
chosen as (
    select d.*, case when d.state = 'resolved' then d.ended_at else d.opened_at end as moment from episodes d
),
facts as (
    -- Once for each group that the episode is in, however many of its items are in that group.
    select d.dispute_id, d.episode, d.state, {key} as key, max({label}) as label,
           case when d.state = 'resolved'
                then (extract(epoch from d.ended_at - d.opened_at) / 86400)::double precision end as days
    from chosen d {opening} {customers} {joins}
    where {selected}
    group by d.dispute_id, d.episode, 4, d.state, d.opened_at, d.ended_at
),
once as (
    select distinct on (dispute_id, episode) state, days from facts
),
sums as (
    select false as is_total, key, max(label) as label, count(days) as count, avg(days) as mean_days,
           percentile_cont(0.5) within group (order by days) as median_days,
           percentile_cont(0.9) within group (order by days) as p90_days,
           count(*) filter (where state = 'open') as still_open,
           count(*) filter (where state = 'escalated') as escalated
    from facts group by key
    union all
    select true, 'total', 'total', count(days), avg(days),
           percentile_cont(0.5) within group (order by days),
           percentile_cont(0.9) within group (order by days),
           count(*) filter (where state = 'open'),
           count(*) filter (where state = 'escalated')
    from once
)
select * from sums order by is_total, {order} count desc, still_open + escalated desc, key
"""

_ORDERS: Final[Mapping[str, LiteralString]] = {"month": "key,"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionTimeParameters(Parameters):
    """``first_episodes_only``: leave out what was reopened. The period speaks of when episodes were resolved;
    of those that were not, of when they were opened."""

    first_episodes_only: bool = False


@dataclass(frozen=True, slots=True)
class ResolutionTimeRow:
    """Episodes of one group. *count* of those resolved; their mean, median and 90th percentile in days (None
    for none); how many are *still_open*, and how many were *escalated*: neither is resolved (spec 20)."""

    key: str | None
    label: str | None
    count: int
    mean_days: float | None
    median_days: float | None
    p90_days: float | None
    still_open: int
    escalated: int


def resolution_time(reading: Reading, parameters: ResolutionTimeParameters) -> Report[ResolutionTimeRow]:
    """Days from the opening of episodes to their resolution, of those resolved in the period.

    Days are elapsed seconds / 86 400; percentiles are interpolated linearly (PostgreSQL's percentile_cont,
    which is type 7 of Hyndman and Fan 1996). Episodes opened in the period and not resolved at the moment are
    counted as ``still_open``, or as ``escalated``: both are censored, but nobody waits for the latter to be
    resolved. Disputes cancelled by the moment count nowhere.

    Grouped ``by`` type (default), customer, resolver, collector, entity, currency, month (of resolution; of
    those not resolved, of opening), none or attribute:<name> of items, as they were at the resolution. An
    episode over several entities or attribute values counts once in each row and once in the total. Filters
    by entity and attributes pick episodes with such an item. Largest groups first.

    Raises RoleForbids, ParameterInvalid.
    """
    reached = reading.reach(Permission.READ_DISPUTES)
    group = selection.grouping(parameters.by, "type", GROUPINGS)
    of_case = selection.both(selection.of_disputes(parameters), selection.of_item_parts(parameters))
    of_case.only(reached, reading.actor, selection.DISPUTES)
    if parameters.first_episodes_only:
        of_case.where("d.episode = 1")

    def work(snapshot: Snapshot) -> Report[ResolutionTimeRow]:
        period = selection.in_period(parameters, snapshot.moment, "d.moment")
        selected = selection.both(of_case, period)
        rows, totals = snapshot.rows_and_totals(
            ResolutionTimeRow,
            _SQL,
            {**selected.bindings, **group.bindings},
            episodes=snapshot.sql(EPISODES),
            opening=snapshot.sql(opening_items(parameters, group)),
            customers=snapshot.sql(CUSTOMERS),
            selected=selected.sql(snapshot.moment),
            order=snapshot.sql(_ORDERS.get(group.name, "")),
            **group.parts(snapshot.moment),
        )
        if group.name == "none" and not rows:
            rows = totals
        return snapshot.report(parameters, rows, totals, by=group.name)

    return reading.at(parameters, work)
