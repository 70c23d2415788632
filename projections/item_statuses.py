"""Item statuses (spec 35): what collectors have said of the open items, and of how much nothing was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, LiteralString

from domain.roles import Permission
from projections import item_rows, selection
from projections.grouped_rows import grouped_rows
from projections.parameters import Parameters, Report
from projections.reading import Reading, Snapshot
from projections.selection import Groupings

BY: Final = Groupings("status", item_rows.GROUPINGS)

FACTS: Final[LiteralString] = """
with facts as (
    select i.item_id, {keys}, i.currency, i.balance, i.status,
           i.due_date < %(today)s::date as is_overdue
    {items} {joins}
    where {open_i} and {selected}
)
"""

_SUMS: Final[LiteralString] = """
, sums as (
    select grouping({levels}) as summed, {named}, currency,
           count(*) as items, sum(balance) as amount,
           coalesce(sum(balance) filter (where is_overdue), 0) as overdue,
           coalesce(sum(balance) filter (where is_overdue and status is not null), 0) as overdue_with_status,
           sum(greatest(balance, 0)) filter (where is_overdue) as debit,
           coalesce(sum(greatest(balance, 0)) filter (where is_overdue and status is not null), 0)
               as debit_with_status
    from facts
    group by currency, rollup ({levels})
)
select summed, {columns}, currency, items, amount,
       overdue, overdue_with_status, round(debit_with_status / nullif(debit, 0), 6) as share_with_status
from sums
order by summed, currency, {order} amount desc, {levels}
"""


@dataclass(frozen=True, slots=True)
class ItemStatusRow:
    """Open items in one currency: their number and balance, the balance that is past due, and the part of
    that which has a status; net of credit notes and payments. *share_with_status*: how much of the overdue
    value has a status, from 0 to 1, over debit balances alone: positive overdue balances with a status,
    divided by all positive overdue balances; None when there are none."""

    key: str | None
    label: str | None
    grouped: Mapping[str, str | None] = field(default_factory=dict, kw_only=True)
    currency: str
    items: int
    amount: Decimal
    overdue: Decimal
    overdue_with_status: Decimal
    share_with_status: Decimal | None


def item_statuses(reading: Reading, parameters: Parameters) -> Report[ItemStatusRow]:
    """Number and balance of open items per status and currency; items without a status have the key None.

    Grouped ``by`` status (default), customer, collector, resolver, entity, currency, month (of issue), none
    or attribute:<name>, or by two of them; largest amounts first, months as they come. The period selects
    items by issue date.

    Raises RoleForbids, ParameterInvalid.
    """
    reached = reading.reach(Permission.READ_DISPUTES)
    group = BY.asked(parameters.by)
    chosen = selection.of_items(parameters).only(reached, reading.actor, selection.ITEMS)

    def work(snapshot: Snapshot) -> Report[ItemStatusRow]:
        rows, totals = grouped_rows(
            snapshot,
            group,
            ItemStatusRow,
            FACTS + _SUMS,
            {**chosen.bindings, **group.bindings},
            items=snapshot.sql(item_rows.items_for(chosen, group)),
            selected=chosen.sql(snapshot.moment),
            order=group.order(item_rows.ORDERS),
            **group.parts(snapshot.moment),
        )
        return snapshot.report(parameters, rows, totals, by=group.name)

    return reading.at(parameters, work)
