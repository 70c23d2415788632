"""Disputes opened, reopened and resolved in each month (spec 33)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, LiteralString

from domain.roles import Permission
from projections import selection
from projections.episodes import CUSTOMERS, EPISODES, OPENING_ITEMS, OPENING_ITEMS_THEN
from projections.parameters import Parameters, Report
from projections.reading import Reading, Snapshot

_SQL: Final[LiteralString] = """
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


@dataclass(frozen=True, slots=True)
class DisputeMonthRow:
    """One month (``2026-03``, in the company's zone) and currency: numbers of disputes, and amounts disputed
    at the opening of the episode."""

    key: str
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
    The period speaks of each of the three. There is no other grouping ``by``. Raises RoleForbids,
    ParameterInvalid.
    """
    reached = reading.reach(Permission.READ_DISPUTES)
    selection.require_by(parameters, "month")
    of_case = selection.both(selection.of_disputes(parameters), selection.of_item_parts(parameters))
    of_case.only(reached, reading.actor, selection.DISPUTES)

    def work(snapshot: Snapshot) -> Report[DisputeMonthRow]:
        period = selection.in_period(parameters, snapshot.moment, "d.moment")
        rows = snapshot.shown(
            DisputeMonthRow,
            _SQL,
            {**of_case.bindings, **period.bindings},
            episodes=snapshot.sql(EPISODES),
            opening=snapshot.sql(OPENING_ITEMS_THEN if parameters.attributes else OPENING_ITEMS),
            customers=snapshot.sql(CUSTOMERS),
            selected=of_case.sql(snapshot.moment),
            in_period=period.sql(snapshot.moment),
        )
        return snapshot.report(parameters, rows)

    return reading.at(parameters, work)
