"""Dispute report (spec 33): how many disputes, over what, of which causes, at whose desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final, LiteralString

from domain.roles import Actor, Permission, Reach, Relation
from projections import buckets, selection
from projections.episodes import CUSTOMERS, EPISODES, GROUPINGS, opening_items
from projections.parameters import Parameters, Report
from projections.reading import Reading, Snapshot
from projections.selection import By, Groupings, Selection


class Counted(StrEnum):
    """Which disputes a report counts."""

    OPEN = "open"
    OPENED = "opened"
    RESOLVED = "resolved"


_OPEN: Final[LiteralString] = """
with chosen as (
    select d.dispute_id, d.episode_opened_at as moment, d.customer_id, d.customer_code, d.currency, d.type,
           d.resolver_id, d.opened_by
    from dispute_states d
    where {open_d}
),
facts as (
    select d.dispute_id, i.item_id, {keys}, d.currency, i.disputed as amount,
           case when {of_seen_receivables} then greatest(i.disputed, 0) end as debit
    from chosen d
    join item_states i on i.dispute_id = d.dispute_id and {seen_i}
    {customers} {joins}
    where {selected}
),
"""

_OPENED: Final[LiteralString] = """
with {episodes},
chosen as (
    select d.*, d.opened_at as moment from episodes d where d.episode = 1
),
facts as (
    select d.dispute_id, i.item_id, {keys}, d.currency, i.amount,
           null::numeric as debit
    from chosen d {opening} {customers} {joins}
    where {selected}
),
"""

_RESOLVED: Final[LiteralString] = """
with {episodes},
chosen as (
    select distinct on (d.dispute_id) d.*
    from (select e.*, e.ended_at as moment from episodes e where e.state = 'resolved') d
    where {in_period}
    order by d.dispute_id, d.episode desc
),
facts as (
    select d.dispute_id, i.item_id, {keys}, d.currency, i.amount,
           null::numeric as debit
    from chosen d {opening} {customers} {joins}
    where {selected}
),
"""

_SUMS: Final[LiteralString] = """
sums as (
    select grouping({levels}) as summed, {named}, currency,
           count(distinct dispute_id) as disputes, count(distinct item_id) as items, sum(amount) as amount,
           sum(debit) as debit
    from facts
    group by currency, rollup ({levels})
)
select summed, {columns}, currency, disputes, items, amount,
"""

_SHARE: Final[LiteralString] = """
       round(debit / balance, 6) as share
from sums left join (
    select i.currency, sum(i.balance) as balance
    from item_states i
    left join customer_states c on c.customer_id = i.customer_id and {known_c}
    where {open_i} and i.balance > 0 and {of_receivables}
    group by i.currency
) receivables using (currency)
"""

_NO_SHARE: Final[LiteralString] = """
       null::numeric as share
from sums
"""

_ORDER: Final[LiteralString] = "order by summed, currency, {order} amount desc, {levels}"

_STATEMENTS: Final[Mapping[Counted, LiteralString]] = {
    Counted.OPEN: _OPEN + _SUMS + _SHARE + _ORDER,
    Counted.OPENED: _OPENED + _SUMS + _NO_SHARE + _ORDER,
    Counted.RESOLVED: _RESOLVED + _SUMS + _NO_SHARE + _ORDER,
}

_AGE: Final[LiteralString] = """
(%(age_names)s::text[])[1 + width_bucket(%(today)s::date - (d.moment at time zone %(zone)s)::date,
                                         %(age_starts)s::int[])]"""

BY: Final = Groupings("type", GROUPINGS)
BY_OF_OPEN: Final = Groupings("type", {**GROUPINGS, "age": By(_AGE, _AGE)})
"""Of disputes that are open at the moment."""

_ORDERS: Final[Mapping[str, LiteralString]] = {
    "month": "@,",
    "age": "array_position(%(age_names)s::text[], @),",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeReportParameters(Parameters):
    """``state``: which disputes count. The period speaks of when they were opened, or resolved."""

    state: Counted = Counted.OPEN


@dataclass(frozen=True, slots=True)
class DisputeReportRow:
    """Disputes of one group in one currency: their number, that of their items, and the disputed amount.

    *share*: of the open receivables in that currency, from 0 to 1, over debit balances alone: the disputed
    amounts of items with a positive balance, divided by all open positive balances. None unless open disputes
    count, and where there is nothing to divide.
    """

    key: str | None
    label: str | None
    grouped: Mapping[str, str | None] = field(default_factory=dict, kw_only=True)
    currency: str
    disputes: int
    items: int
    amount: Decimal
    share: Decimal | None


def dispute_report(reading: Reading, parameters: DisputeReportParameters) -> Report[DisputeReportRow]:
    """Number of disputes, of their items, and the amount, per group and currency.

    ``state`` open (default): disputes open at the moment (if a period is given, opened in it), with the
    amounts disputed at that moment. ``opened``: disputes whose first episode began in the period.
    ``resolved``: those resolved in the period, each as it was at its last resolution there. Both with amounts
    at the opening of the episode. Disputes cancelled by that moment count nowhere.

    Grouped ``by`` type (default), customer, resolver, collector, entity, currency, month (of opening, or
    resolution), age (open ones only: days since opening in the company's buckets), none or attribute:<name>
    of items, or by two of them. A dispute over several entities or attribute values is split: its amount adds
    up, and it counts once in each row, and once in each subtotal and in the total. Filters by entity and
    attributes pick items. Largest amounts first.

    ``share`` = disputed amounts / open balances, both over the items with a positive balance (credit notes
    and payments would let it pass 1 or fall below 0) that pass the filters on entity, customer, collector,
    attributes and currency. Both are of the same customers: for who sees only the receivables of their own,
    a dispute over another's that is assigned to them counts in the row and not in its share, which is None
    where the row has no other. None also for those who see no receivables but what is in dispute.

    Raises RoleForbids, ParameterInvalid.
    """
    reached = reading.reach(Permission.READ_DISPUTES)
    group = (BY_OF_OPEN if parameters.state is Counted.OPEN else BY).asked(parameters.by)
    of_case = selection.both(selection.of_disputes(parameters), selection.of_item_parts(parameters))
    of_case.only(reached, reading.actor, selection.DISPUTES)

    def work(snapshot: Snapshot) -> Report[DisputeReportRow]:
        moment = snapshot.moment
        period = selection.in_period(parameters, moment, "d.moment")
        # Who sees only disputes has no receivables.
        shown = Reach(reached & {Relation.ANY, Relation.CUSTOMER})
        receivables = _receivables(parameters, shown, reading.actor)
        seen = Selection().only(shown, reading.actor, selection.ITEMS)
        selected = selection.both(of_case, period)
        found = snapshot.dicts(
            _STATEMENTS[parameters.state],
            {**selected.bindings, **receivables.bindings, **group.bindings, **_ages(snapshot)},
            customers=snapshot.sql(CUSTOMERS),
            episodes=snapshot.sql(EPISODES),
            opening=snapshot.sql(opening_items(parameters, group)),
            selected=of_case.sql(moment) if parameters.state is Counted.RESOLVED else selected.sql(moment),
            in_period=period.sql(moment),
            of_receivables=receivables.sql(moment),
            of_seen_receivables=seen.sql(moment),
            order=group.order(_ORDERS),
            **group.parts(moment),
        )
        rows, totals = group.rows_and_totals(DisputeReportRow, found)
        return snapshot.report(parameters, rows, totals, by=group.name)

    return reading.at(parameters, work)


def _ages(snapshot: Snapshot) -> dict[str, object]:
    ends = snapshot.ageing_buckets
    return {"age_names": buckets.names(ends, 0), "age_starts": buckets.starts(ends)}


def _receivables(parameters: Parameters, shown: Reach, actor: Actor) -> Selection:
    of_all = replace(parameters, resolver=None, status=None, period_from=None, period_to=None)
    return selection.of_items(of_all).only(shown, actor, selection.ITEMS)
