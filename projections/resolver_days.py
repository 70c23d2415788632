"""Days with each resolver (spec 34): at whose desk the time went, of episodes that were resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, LiteralString

from projections import selection
from projections.episodes import CUSTOMERS, EPISODES, OPENING_ITEMS, OPENING_ITEMS_THEN
from projections.parameters import Report
from projections.reading import Reading, Snapshot
from projections.resolution_time import ResolutionTimeParameters, chosen_episodes

_SQL: Final[LiteralString] = """
with {episodes},
ended as (
    select e.*, e.ended_at as moment from episodes e where e.state = 'resolved'
),
chosen as (
    select distinct d.dispute_id, d.episode, d.opened_at, d.ended_at
    from ended d {opening} {customers}
    where {selected}
),
held as (
    -- What came after the end lasted less than nothing.
    select d.dispute_id, d.episode, r.resolver_id,
           least(r.occurred_until, d.ended_at) - r.occurred_from as lasted
    from chosen d
    join dispute_states r on r.dispute_id = d.dispute_id and r.episode = d.episode
    union all
    -- From when the customer said it until somebody wrote it down.
    select d.dispute_id, d.episode, null, r.occurred_from - d.opened_at
    from chosen d
    join dispute_states r on r.dispute_id = d.dispute_id and r.episode = d.episode and r.begins_episode
),
days as (
    select dispute_id, episode, resolver_id,
           (extract(epoch from sum(lasted)) / 86400)::double precision as days
    from held
    where lasted > interval '0'
    group by dispute_id, episode, resolver_id
),
sums as (
    select grouping(resolver_id) = 1 as is_total, resolver_id,
           count(distinct (dispute_id, episode))::int as episodes, coalesce(sum(days), 0) as days
    from days group by grouping sets ((resolver_id), ())
)
select is_total,
       case when is_total then 'total' else coalesce(resolver.code, resolver_id::text) end as key,
       case when is_total then 'total' else resolver.name end as label, episodes, days,
       days / nullif(episodes, 0) as mean_days,
       days / nullif((select days from sums where is_total), 0) as share
from sums left join person_states resolver on resolver.person_id = sums.resolver_id and {known_resolver}
order by is_total, days desc, key
"""


@dataclass(frozen=True, slots=True)
class ResolverDaysRow:
    """What one resolver had (key None: nobody): how many *episodes*, for how many calendar *days* in all,
    the *mean_days* of an episode with them, and their *share* of all the days, from 0 to 1."""

    key: str | None
    label: str | None
    episodes: int
    days: float
    mean_days: float | None
    share: float | None


def resolver_days(reading: Reading, parameters: ResolutionTimeParameters) -> Report[ResolverDaysRow]:
    """Calendar days that episodes resolved in the period were with each resolver; they add up to the days
    that the episodes took.

    Until a dispute is recorded, it is with nobody, though its clock runs since the customer said it. The
    filters are those of resolution time; that by a resolver picks the episodes that were with them at the
    end, and shows who else had these. Most days first; there is no other grouping ``by``.

    Raises RoleForbids, ParameterInvalid.
    """
    selection.require_by(parameters, "resolver")
    of_case = chosen_episodes(reading, parameters)

    def work(snapshot: Snapshot) -> Report[ResolverDaysRow]:
        period = selection.in_period(parameters, snapshot.moment, "d.moment")
        selected = selection.both(of_case, period)
        rows, totals = snapshot.rows_and_totals(
            ResolverDaysRow,
            _SQL,
            selected.bindings,
            episodes=snapshot.sql(EPISODES),
            opening=snapshot.sql(OPENING_ITEMS_THEN if parameters.attributes else OPENING_ITEMS),
            customers=snapshot.sql(CUSTOMERS),
            selected=selected.sql(snapshot.moment),
        )
        return snapshot.report(parameters, rows, totals, by="resolver")

    return reading.at(parameters, work)
