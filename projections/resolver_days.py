"""Days with each resolver (spec 34): at whose desk the time went, of episodes that were resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, LiteralString

from psycopg.sql import SQL, Composable, Literal

from projections import selection
from projections.episodes import EPISODES, GROUPINGS, WHOLE, customers_for, opening_amounts
from projections.grouped_rows import grouped_rows
from projections.parameters import Report
from projections.reading import Reading, Snapshot
from projections.resolution_time import ResolutionTimeParameters, chosen_episodes
from projections.selection import By, Grouping, Groupings, Selection

BY: Final = Groupings(
    "resolver",
    {
        **GROUPINGS,
        # Whoever it was with, and not who had it when it was resolved.
        "resolver": By(
            "coalesce(resolver.code, t.resolver_id::text)",
            "resolver.name",
            "left join person_states resolver on resolver.person_id = t.resolver_id and {known_resolver}",
        ),
    },
)

_ENDED: Final[LiteralString] = """
with {episodes},
ended as (
    select e.*, e.ended_at as moment from episodes e where e.state = 'resolved'
),
"""

_BY_RESOLVER: Final[LiteralString] = """
chosen as (
    select {distinct} d.dispute_id, d.episode, d.held_by, d.held_for
    from ended d {opening} {customers}
    where {selected}
),
by_resolver as (
    select desk.resolver_id, count(*)::int as episodes,
           sum(desk.lasted)::double precision / 86400e6 as days
    from chosen d
    cross join lateral unnest(d.held_by, d.held_for) desk (resolver_id, lasted)
    group by desk.resolver_id
),
sums as (
    select 0 as summed, coalesce(resolver.code, t.resolver_id::text) as key, resolver.name as label,
           episodes, days
    from by_resolver t
    left join person_states resolver on resolver.person_id = t.resolver_id and {known_resolver}
  union all
    select 1, null, null, (select count(*) from chosen where cardinality(held_by) > 0)::int,
           coalesce((select sum(days) from by_resolver), 0)
)
"""

_AT_DESKS: Final[LiteralString] = """
facts as (
    select d.dispute_id, d.episode, t.resolver_id, t.lasted, {keys}
    from ended d
    cross join lateral ({desks}) t
    {opening} {customers} {joins}
    where {selected}
)
"""

FACTS: Final[LiteralString] = _ENDED + _AT_DESKS
"""The time (*lasted*, in microseconds) that each episode was with each resolver, or with all of them; once
for each of its items where items differ."""

_GROUPED: Final[LiteralString] = """
, at_desks as (
    -- However many of its items are in a group, and however many groups it is in: once in each sum.
    select grouping({levels}) as summed, dispute_id, {named}, episode, min(lasted) as lasted
    from facts group by dispute_id, episode, resolver_id, rollup ({levels})
),
each_episode as (
    select summed, dispute_id, {named}, sum(lasted) as lasted
    from at_desks group by summed, dispute_id, episode, {levels}
  union all
    select {nothing}  -- so that there is a total of it, too
),
sums as (
    select summed, {named}, count(dispute_id)::int as episodes,
           coalesce(sum(lasted), 0)::double precision / 86400e6 as days
    from each_episode group by summed, {levels}
)
"""

_EACH_DESK: Final[LiteralString] = "select * from unnest(d.held_by, d.held_for) desk (resolver_id, lasted)"

_ALL_DESKS: Final[LiteralString] = """
select null as resolver_id, sum(lasted) as lasted from unnest(d.held_for) desk (lasted) having count(*) > 0
"""

_ROWS: Final[LiteralString] = """
select summed, {columns}, episodes, days, days / nullif(episodes, 0) as mean_days,
       days / nullif((select days from sums order by summed desc limit 1), 0) as share
from sums
order by summed, {order} days desc, {levels}
"""

_ORDERS: Final[Mapping[str, LiteralString]] = {"month": "@,"}


@dataclass(frozen=True, slots=True)
class ResolverDaysRow:
    """What one resolver (key None: nobody), or another group, had: how many *episodes*, for how many calendar
    *days* in all, the *mean_days* of an episode with them, and their *share* of all the days, from 0 to 1."""

    key: str | None
    label: str | None
    grouped: Mapping[str, str | None] = field(default_factory=dict, kw_only=True)
    episodes: int
    days: float
    mean_days: float | None
    share: float | None


def resolver_days(reading: Reading, parameters: ResolutionTimeParameters) -> Report[ResolverDaysRow]:
    """Calendar days that episodes resolved in the period were with each resolver; they add up to the days
    that the episodes took.

    Until a dispute is recorded, it is with nobody, though its clock runs since the customer said it. The
    filters are those of resolution time; that by a resolver picks the episodes that were with them at the
    end, and shows who else had these.

    Grouped ``by`` resolver (default), type, customer, collector, entity, currency, month (of resolution),
    none or attribute:<name>, as they were at the resolution; or by two of them, such as type,resolver: with
    whom the disputes of each type were. An episode over several entities or attribute values counts with all
    its days in each, and once in each subtotal and in the total. Most days first.

    Raises RoleForbids, ParameterInvalid.
    """
    group = BY.asked(parameters.by)
    of_case = chosen_episodes(reading, parameters)

    def work(snapshot: Snapshot) -> Report[ResolverDaysRow]:
        rows, totals = rows_and_totals(snapshot, parameters, group, of_case)
        return snapshot.report(parameters, rows, totals, by=group.name)

    return reading.at(parameters, work)


def rows_and_totals(
    snapshot: Snapshot, parameters: ResolutionTimeParameters, group: Grouping, of_case: Selection
) -> tuple[list[ResolverDaysRow] | Iterator[ResolverDaysRow], list[ResolverDaysRow]]:
    """What the report says at one moment: its rows; its subtotals, if any, and last its total. Of a streamed
    reading the rows alone, as they are asked for."""
    bindings, parts = places(snapshot, parameters, group, of_case)
    return grouped_rows(
        snapshot,
        group,
        ResolverDaysRow,
        (_ENDED + _BY_RESOLVER if group.name == "resolver" else FACTS + _GROUPED) + _ROWS,
        bindings,
        "key",
        distinct=SQL("" if opening_amounts(parameters, group) == WHOLE else "distinct"),
        nothing=_nothing(len(group.levels)),
        order=group.order(_ORDERS),
        **parts,
    )


def places(
    snapshot: Snapshot, parameters: ResolutionTimeParameters, group: Grouping, of_case: Selection
) -> tuple[dict[str, object], dict[str, Composable]]:
    """What `FACTS` refers to, and what goes into its places."""
    selected = selection.both(of_case, selection.in_period(parameters, snapshot.moment, "d.moment"))
    parts = {
        "episodes": snapshot.sql(EPISODES),
        "opening": snapshot.sql(opening_amounts(parameters, group)),
        "customers": snapshot.sql(customers_for(of_case, group)),
        "selected": selected.sql(snapshot.moment),
        "desks": SQL(_EACH_DESK if "resolver" in group.levels else _ALL_DESKS),
        **group.parts(snapshot.moment),
    }
    return {**selected.bindings, **group.bindings}, parts


def _nothing(levels: int) -> Composable:
    """The columns of `each_episode`, summed over all *levels*, of no episode."""
    empty = [SQL("null")] * (1 + 2 * levels + 1)
    return SQL(", ").join([SQL("{}").format(Literal(2**levels - 1)), *empty])
