"""Disputes opened, reopened and resolved in each month (spec 33)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, LiteralString

from psycopg.sql import Composable

from domain.roles import Permission
from projections import selection
from projections.episodes import CUSTOMERS, EPISODES, GROUPINGS, opening_amounts
from projections.grouped_rows import grouped_rows
from projections.parameters import Parameters, Report
from projections.reading import Reading, Snapshot
from projections.selection import Grouping, Groupings, Selection

BY: Final = Groupings("month", GROUPINGS)

_BY_MONTH: Final[LiteralString] = """
with {episodes},
parts as (
    select d.dispute_id, d.episode, d.state, d.currency, d.opened_at, d.ended_at, sum(i.amount) as amount
    from episodes d {opening} {customers}
    where {selected}
    group by d.dispute_id, d.episode, d.state, d.currency, d.opened_at, d.ended_at
),
happened as (
    select currency, amount, opened_at as moment,
           case when episode = 1 then 'opened' else 'reopened' end as what
    from parts
    union all
    select currency, amount, ended_at, 'resolved' from parts where state = 'resolved'
)
select to_char(d.moment at time zone %(zone)s, 'YYYY-MM') as key, d.currency,
       count(*) filter (where what = 'opened') as opened,
       count(*) filter (where what = 'reopened') as reopened,
       count(*) filter (where what = 'resolved') as resolved,
       coalesce(sum(amount) filter (where what = 'opened'), 0) as amount_opened,
       coalesce(sum(amount) filter (where what = 'reopened'), 0) as amount_reopened,
       coalesce(sum(amount) filter (where what = 'resolved'), 0) as amount_resolved
from happened d
where {in_period}
group by 1, 2
order by 2, 1
"""

FACTS: Final[LiteralString] = """
with {episodes},
happened as (
    select e.*, e.opened_at as moment, case when e.episode = 1 then 'opened' else 'reopened' end as what
    from episodes e
    union all
    select e.*, e.ended_at, 'resolved' from episodes e where e.state = 'resolved'
),
facts as (
    select d.id, d.what, d.dispute_id, d.episode, d.currency, {keys}, i.amount
    from (select h.*, row_number() over () as id from happened h) d {opening} {customers} {joins}
    where {selected} and {in_period}
)
"""
"""What happened (*what*, by *id*) to which episode, once for each of its items where items differ."""

ADDED: Final[LiteralString] = """
       count(distinct id) filter (where what = 'opened') as opened,
       count(distinct id) filter (where what = 'reopened') as reopened,
       count(distinct id) filter (where what = 'resolved') as resolved,
       coalesce(sum(amount) filter (where what = 'opened'), 0) as amount_opened,
       coalesce(sum(amount) filter (where what = 'reopened'), 0) as amount_reopened,
       coalesce(sum(amount) filter (where what = 'resolved'), 0) as amount_resolved
from facts
"""
"""What a SELECT out of `FACTS` adds up, whatever it goes by."""

_SUMS: Final[LiteralString] = (
    "select grouping({levels}) as summed, {named}, currency,"
    + ADDED
    + """
group by currency, rollup ({levels})
order by summed, currency, {order} count(distinct id) desc, {levels}
"""
)

_ORDERS: Final[Mapping[str, LiteralString]] = {"month": "@,"}


@dataclass(frozen=True, slots=True)
class DisputeMonthRow:
    """One month (``2026-03``, in the company's zone) or another group, and currency: numbers of disputes, and
    amounts disputed at the opening of the episode. There is a label, but for the month alone."""

    key: str | None
    grouped: Mapping[str, str | None] = field(default_factory=dict, kw_only=True)
    currency: str
    opened: int
    reopened: int
    resolved: int
    amount_opened: Decimal
    amount_reopened: Decimal
    amount_resolved: Decimal


def dispute_months(reading: Reading, parameters: Parameters) -> Report[DisputeMonthRow]:
    """What was opened, reopened and resolved per month and currency, months without anything left out.

    A dispute that was resolved twice counts in both months. Disputes cancelled by the moment count nowhere.
    The period speaks of each of the three.

    Grouped ``by`` month (default), type, customer, resolver, collector, entity, currency, none or
    attribute:<name>, as they were at the resolution or are; or by two of them, such as type,month. Then there
    are totals, in which a dispute over two entities counts once. Most episodes first, months as they
    come.

    Raises RoleForbids, ParameterInvalid.
    """
    group = BY.asked(parameters.by)
    of_case = chosen_disputes(reading, parameters)

    def work(snapshot: Snapshot) -> Report[DisputeMonthRow]:
        bindings, parts = places(snapshot, parameters, group, of_case)
        if group.name == "month":
            shown = snapshot.shown(DisputeMonthRow, _BY_MONTH, bindings, **parts)
            return snapshot.report(parameters, shown, by=group.name)
        order = group.order(_ORDERS)
        rows, totals = grouped_rows(snapshot, group, _row, FACTS + _SUMS, bindings, order=order, **parts)
        return snapshot.report(parameters, rows, totals, by=group.name)

    return reading.at(parameters, work)


def chosen_disputes(reading: Reading, parameters: Parameters) -> Selection:
    """The disputes that may be seen and are asked for. Raises RoleForbids."""
    chosen = selection.both(selection.of_disputes(parameters), selection.of_item_parts(parameters))
    return chosen.only(reading.reach(Permission.READ_DISPUTES), reading.actor, selection.DISPUTES)


def places(
    snapshot: Snapshot, parameters: Parameters, group: Grouping, of_case: Selection
) -> tuple[dict[str, object], dict[str, Composable]]:
    """What `FACTS` refers to, and what goes into its places."""
    period = selection.in_period(parameters, snapshot.moment, "d.moment")
    parts = {
        "episodes": snapshot.sql(EPISODES),
        "opening": snapshot.sql(opening_amounts(parameters, group)),
        "customers": snapshot.sql(CUSTOMERS),
        "selected": of_case.sql(snapshot.moment),
        "in_period": period.sql(snapshot.moment),
        **group.parts(snapshot.moment),
    }
    return {**of_case.bindings, **period.bindings, **group.bindings}, parts


def _row(label: str | None, grouped: Mapping[str, str | None], **columns: Any) -> DisputeMonthRow:  # noqa: ANN401
    return DisputeMonthRow(grouped={"label": label, **grouped}, **columns)
