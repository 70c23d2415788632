"""Dispute report (spec 33): how many disputes, over what, of which causes, at whose desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final, LiteralString

from psycopg.sql import Composable

from domain.roles import Actor, Permission, Reach, Relation
from projections import buckets, selection
from projections.episodes import CUSTOMERS, EPISODES, GROUPINGS, opening_items
from projections.grouped_rows import grouped_rows
from projections.parameters import Parameters, Report
from projections.reading import Reading, Snapshot
from projections.selection import By, Grouping, Groupings, Selection


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
)
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
)
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
)
"""

_SUMS: Final[LiteralString] = """
, sums as (
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

_FACTS: Final[Mapping[Counted, LiteralString]] = {
    Counted.OPEN: _OPEN,
    Counted.OPENED: _OPENED,
    Counted.RESOLVED: _RESOLVED,
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
    asked = Asked.of(reading, parameters)
    group = asked.group
    shown = _of_receivables(reading.reach(Permission.READ_DISPUTES))
    receivables = _receivables(parameters, shown, reading.actor)
    share = _SHARE if parameters.state is Counted.OPEN else _NO_SHARE

    def work(snapshot: Snapshot) -> Report[DisputeReportRow]:
        rows, totals = grouped_rows(
            snapshot,
            group,
            DisputeReportRow,
            asked.facts + _SUMS + share + _ORDER,
            {**asked.bindings(snapshot), **receivables.bindings},
            of_receivables=receivables.sql(snapshot.moment),
            order=group.order(_ORDERS),
            **asked.parts(snapshot),
        )
        return snapshot.report(parameters, rows, totals, by=group.name)

    return reading.at(parameters, work)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which items of which disputes count in which group: *facts* are common table expressions, of which the
    last is ``facts`` (dispute_id, item_id, key, label, second_key and second_label if there are two levels,
    currency, amount, debit)."""

    parameters: DisputeReportParameters
    group: Grouping
    of_case: Selection
    of_seen_receivables: Selection

    @classmethod
    def of(cls, reading: Reading, parameters: DisputeReportParameters) -> Asked:
        """What *reading* may see of it. Raises RoleForbids, ParameterInvalid."""
        reached = reading.reach(Permission.READ_DISPUTES)
        of_case = selection.both(selection.of_disputes(parameters), selection.of_item_parts(parameters))
        of_case.only(reached, reading.actor, selection.DISPUTES)
        seen = Selection().only(_of_receivables(reached), reading.actor, selection.ITEMS)
        group = (BY_OF_OPEN if parameters.state is Counted.OPEN else BY).asked(parameters.by)
        return cls(parameters, group, of_case, seen)

    @property
    def facts(self) -> LiteralString:
        """SQL that wants `parts` and `bindings`, and a statement behind it."""
        return _FACTS[self.parameters.state]

    def bindings(self, snapshot: Snapshot) -> dict[str, object]:
        """What the SQL refers to."""
        selected = selection.both(self.of_case, self._period(snapshot), self.of_seen_receivables)
        return {**selected.bindings, **self.group.bindings, **_ages(snapshot)}

    def parts(self, snapshot: Snapshot) -> dict[str, Composable]:
        """What goes into its places."""
        moment, period = snapshot.moment, self._period(snapshot)
        is_resolved = self.parameters.state is Counted.RESOLVED
        selected = self.of_case if is_resolved else selection.both(self.of_case, period)
        return {
            "customers": snapshot.sql(CUSTOMERS),
            "episodes": snapshot.sql(EPISODES),
            "opening": snapshot.sql(opening_items(self.parameters, self.group)),
            "selected": selected.sql(moment),
            "in_period": period.sql(moment),
            "of_seen_receivables": self.of_seen_receivables.sql(moment),
            **self.group.parts(moment),
        }

    def _period(self, snapshot: Snapshot) -> Selection:
        return selection.in_period(self.parameters, snapshot.moment, "d.moment")


def _of_receivables(reached: Reach) -> Reach:
    # Who sees only disputes has no receivables.
    return Reach(reached & {Relation.ANY, Relation.CUSTOMER})


def _ages(snapshot: Snapshot) -> dict[str, object]:
    ends = snapshot.ageing_buckets
    return {"age_names": buckets.names(ends, 0), "age_starts": buckets.starts(ends)}


def _receivables(parameters: Parameters, shown: Reach, actor: Actor) -> Selection:
    of_all = replace(parameters, resolver=None, status=None, period_from=None, period_to=None)
    return selection.of_items(of_all).only(shown, actor, selection.ITEMS)
