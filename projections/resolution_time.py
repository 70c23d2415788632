"""Resolution time (spec 34): how long episodes took that were resolved, and how long those take that were
opened, which counts the ones that still wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import Final, LiteralString

from psycopg.sql import SQL, Composable

from domain.roles import Permission
from projections import selection
from projections.episodes import EPISODES, GROUPINGS, WHOLE, customers_for, opening_amounts
from projections.parameters import Parameters, Report
from projections.reading import Reading, Shown, Snapshot
from projections.resolution_figures import Bundle, Figures, ResolutionTimeRow
from projections.selection import Grouping, Groupings, Selection
from projections.shares import ALL, Ordered, Share, in_order
from store.working_days import calendar_version

BY: Final = Groupings("type", GROUPINGS)

LINES: Final[LiteralString] = """
with {episodes},
chosen as ({chosen}),
facts as (
    select d.dispute_id, d.episode, d.state, d.is_closed, d.is_opened, d.currency, {keys},
           i.amount, target.target_days, d.opened_at, coalesce(d.ended_at, %(at)s) as ended_at,
           d.responded_at, d.chases
    from chosen d {opening} {customers} {joins}
    left join status_states target on target.code = d.type and {known_target}
    where {selected}
),
grouped as ({lines}),
lines as (
    select g.*,
           date_part('epoch', greatest(ended_at - opened_at, interval '0')) / 86400 as days
    from grouped g
)
"""
"""Each episode once for each group that it is in: whether it was resolved in the period (is_closed) and
whether it was opened in it (is_opened), how many days it lasted, and what was disputed in the group at its
opening."""

_EITHER: Final[LiteralString] = """
    select d.*, d.state = 'resolved' and {ended_in_period} as is_closed, {opened_in_period} as is_opened
    from episodes d
    where d.state = 'resolved' and {ended_in_period} or {opened_in_period}
"""

# An episode may be resolved in one month and opened in another.
_EACH: Final[LiteralString] = """
    select d.*, true as is_closed, false as is_opened, d.ended_at as moment
    from episodes d where d.state = 'resolved' and {ended_in_period}
  union all
    select d.*, false, true, d.opened_at from episodes d where {opened_in_period}
"""

_AS_THEY_ARE: Final[LiteralString] = "select 0 as summed, f.* from facts f"

# However many of its items are in the group; and once in each subtotal and in the total.
_PUT_TOGETHER: Final[LiteralString] = """
    select {summed} as summed, dispute_id, episode, state, is_closed, is_opened, currency, {named},
           sum(amount) as amount, target_days, opened_at, ended_at, responded_at, chases
    from facts
    group by dispute_id, episode, state, is_closed, is_opened, currency, target_days, opened_at, ended_at,
             responded_at, chases, {sums}
"""

# All the episodes that count alike come as one row with arrays: that is much quicker than a row for each.
_BUNDLES: Final[LiteralString] = """
select summed, {named}, state, is_closed, is_opened, currency,
       array_agg(days) as days,
       array_agg((opened_at at time zone %(zone)s)::date - date '0001-01-01' + 1) filter (where is_closed)
           as opened_on,
       array_agg((ended_at at time zone %(zone)s)::date - date '0001-01-01' + 1) filter (where is_closed)
           as ended_on,
       array_agg(date_part('epoch', responded_at - opened_at) / 86400)
           filter (where is_closed and responded_at is not null) as response_days,
       coalesce(sum(chases), 0) as chases,
       count(target_days) as targeted,
       count(*) filter (where days <= target_days) as in_time,
       -- A dispute over more credit notes than invoices has no weight: it would pull the mean away.
       coalesce(sum(amount) filter (where is_closed and amount > 0), 0)::double precision as weight,
       coalesce(sum(amount::double precision * days) filter (where is_closed and amount > 0), 0)
           as weighted_days
from lines
where {of_share}
group by summed, {levels}, state, is_closed, is_opened, currency
"""


_GROUPS: Final[LiteralString] = """
select count(distinct key)::int as groups, coalesce(array_agg(distinct currency), '{{}}') as currencies
from lines
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionTimeParameters(Parameters):
    """``first_episodes_only``: leave out what was reopened. The period speaks of when episodes were resolved;
    of those that were not, of when they were opened."""

    first_episodes_only: bool = False


def chosen_episodes(reading: Reading, parameters: ResolutionTimeParameters) -> Selection:
    """The episodes that may be seen and are asked for, at any time. Raises RoleForbids, ParameterInvalid."""
    chosen = selection.both(selection.of_disputes(parameters), selection.of_item_parts(parameters))
    chosen.only(reading.reach(Permission.READ_DISPUTES), reading.actor, selection.DISPUTES)
    if parameters.first_episodes_only:
        chosen.where("d.episode = 1")
    return chosen


def resolution_time(reading: Reading, parameters: ResolutionTimeParameters) -> Report[ResolutionTimeRow]:
    """Days from the opening of episodes to their resolution, of those resolved in the period; and how long
    those take that were opened in the period.

    Calendar days are elapsed seconds / 86 400; business days are the days d with start date < d ≤ end date
    that are working days: neither Saturday, Sunday nor a public holiday of the company's country (the
    parameters say which calendar, in which version). Percentiles are interpolated linearly (type 7 of Hyndman
    and Fan 1996). The mean is of closed episodes only, and says so. ``weighted_mean_days`` =
    Σ amount · days / Σ amount, with what was disputed at the opening, per currency, of episodes with a
    positive amount.

    The first response is the first comment, interaction or change by the resolver, until the episode ended.
    ``within_target``: the share resolved within the target days of the type.

    Episodes opened in the period and not resolved at the moment are counted as ``still_open``, or as
    ``escalated``. All that were opened in the period make the Kaplan-Meier estimate: those open are censored
    at the moment, those escalated at their escalation. Its limits at 95 % are by Greenwood's formula on the
    log-log scale. Disputes cancelled by the moment count nowhere.

    Grouped ``by`` type (default), customer, resolver, collector, entity, currency, month (of resolution; for
    what is told of those opened, of opening), none or attribute:<name> of items, as they were at the
    resolution; or by two of them. An episode over several entities or attribute values counts once in each
    row, with its amount there, and once in each subtotal and in the total, which are computed over their
    episodes and not from rows. Filters by entity and attributes pick episodes with such an item. Largest
    groups first.

    Raises RoleForbids, ParameterInvalid.
    """
    group = BY.asked(parameters.by)
    of_case = chosen_episodes(reading, parameters)

    def work(snapshot: Snapshot) -> Report[ResolutionTimeRow]:
        rows: Shown[ResolutionTimeRow]
        totals: list[ResolutionTimeRow] = []
        if snapshot.stream is not None and group.name != "none":
            rows = _coming(snapshot, parameters, group, of_case, snapshot.stream)
        else:
            rows, totals = rows_and_totals(snapshot, parameters, group, of_case)
        calendar = {"country": snapshot.country, "calendar": calendar_version(snapshot.country)}
        return snapshot.report(parameters, rows, totals, by=group.name, **calendar)

    return reading.at(parameters, work)


def rows_and_totals(
    snapshot: Snapshot, parameters: ResolutionTimeParameters, group: Grouping, of_case: Selection
) -> tuple[list[ResolutionTimeRow], list[ResolutionTimeRow]]:
    """What the report says at one moment: its rows; its subtotals, if any, and last its total."""
    bindings, parts = places(snapshot, parameters, group, of_case)
    found = snapshot.rows(Bundle, LINES + _BUNDLES, bindings, of_share=ALL.condition, **parts)
    figures = Figures(found, snapshot, group)
    totals, *above, rows = [figures.of_level(level) for level in range(len(group.levels) + 1)]
    if group.name == "none":
        rows = totals
    return group.in_order(rows, above[0] if above else ()), [*chain(*above, totals)]


def _coming(
    snapshot: Snapshot,
    parameters: ResolutionTimeParameters,
    group: Grouping,
    of_case: Selection,
    stream: ExitStack,
) -> Iterator[ResolutionTimeRow]:
    bindings, parts = places(snapshot, parameters, group, of_case)
    (counted,) = snapshot.dicts(LINES + _GROUPS, bindings, **parts)

    def made(share: Share) -> list[Ordered[ResolutionTimeRow]]:
        told = {**bindings, **share.bindings}
        found = snapshot.rows(Bundle, LINES + _BUNDLES, told, of_share=share.condition, **parts)
        return Figures(found, snapshot, group, counted["currencies"]).ordered()

    return in_order(counted["groups"], made, stream)


def places(
    snapshot: Snapshot,
    parameters: ResolutionTimeParameters,
    group: Grouping,
    of_case: Selection,
    *,
    with_sums: bool = True,
) -> tuple[dict[str, object], dict[str, Composable]]:
    """What `LINES` refers to, and what goes into its places. with_sums: lines for subtotals and total too,
    where an episode can be in several groups."""
    ended = selection.in_period(parameters, snapshot.moment, "d.ended_at")
    opened = selection.in_period(parameters, snapshot.moment, "d.opened_at")
    opening = opening_amounts(parameters, group)
    of_group = group.parts(snapshot.moment)
    has_sums = with_sums and group.is_split
    sums = {
        "summed": SQL("grouping({levels})" if has_sums else "0").format(**of_group),
        "sums": SQL("rollup ({levels})" if has_sums else "{levels}").format(**of_group),
    }
    parts = {
        **of_group,
        "episodes": snapshot.sql(EPISODES),
        "chosen": SQL(_EACH if "month" in group.levels else _EITHER).format(
            ended_in_period=ended.sql(snapshot.moment), opened_in_period=opened.sql(snapshot.moment)
        ),
        "opening": snapshot.sql(opening),
        "customers": snapshot.sql(customers_for(of_case, group)),
        "selected": of_case.sql(snapshot.moment),
        "lines": SQL(_AS_THEY_ARE if opening == WHOLE else _PUT_TOGETHER).format(**of_group, **sums),
    }
    return {**of_case.bindings, **ended.bindings, **group.bindings}, parts
