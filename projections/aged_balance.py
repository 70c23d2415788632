"""Aged balance (spec 36): what is open by how long it is past due, the disputed part shown apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, Final, LiteralString

from domain.money import NOTHING
from domain.roles import Permission
from projections import buckets, item_rows, selection
from projections.grouped_rows import grouped_rows
from projections.parameters import Parameters, Report
from projections.reading import Reading, Snapshot
from projections.selection import Groupings

BY: Final = Groupings("customer", item_rows.GROUPINGS)

FACTS: Final[LiteralString] = """
with facts as (
    select i.item_id, {keys}, i.currency, i.balance, coalesce(i.disputed, 0) as disputed,
           width_bucket(%(today)s::date - i.due_date, %(starts)s::int[]) as bucket
    {items} {joins}
    where {open_i} and {selected}
)
"""

_SUMS: Final[LiteralString] = """
, sums as (
    select grouping({levels}) as summed, {named}, currency, bucket,
           sum(balance) as balance, sum(disputed) as disputed
    from facts
    group by currency, bucket, rollup ({levels})
)
select summed, {named}, currency,
       array_agg(bucket) as buckets, array_agg(balance) as balances, sum(balance) as total,
       sum(disputed) as disputed
from sums
group by summed, currency, {levels}
order by summed, currency, {order} total desc, {levels}
"""


@dataclass(frozen=True, slots=True)
class AgedBalanceRow:
    """Open balance in one currency. *buckets* add up to *total*; *disputed* is the part of it in dispute.

    The buckets are ``not_due``, then those of the company: ``1-30``, ``31-60``, ``61-90``, ``over_90``.
    """

    key: str | None
    label: str | None
    grouped: Mapping[str, str | None] = field(default_factory=dict, kw_only=True)
    currency: str
    buckets: Mapping[str, Decimal]
    total: Decimal
    disputed: Decimal


def aged_balance(reading: Reading, parameters: Parameters) -> Report[AgedBalanceRow]:
    """Open balances per currency in the company's ageing buckets.

    Grouped ``by`` customer (default), collector, resolver, entity, status, currency, month (of issue), none
    or attribute:<name>, or by two of them; largest totals first, months as they come. Days past due are
    counted to the as-at's date in the company's zone; an item due on that date is not due yet. Credit notes
    and payments count as what they are: negative. The period selects items by issue date.

    Raises RoleForbids, ParameterInvalid.
    """
    reached = reading.reach(Permission.READ_AGED_BALANCE)
    group = BY.asked(parameters.by)
    chosen = selection.of_items(parameters).only(reached, reading.actor, selection.ITEMS)

    def work(snapshot: Snapshot) -> Report[AgedBalanceRow]:
        ends = snapshot.ageing_buckets
        rows, totals = grouped_rows(
            snapshot,
            group,
            partial(_row, bucket_names(ends)),
            FACTS + _SUMS,
            {**chosen.bindings, **group.bindings, "starts": buckets.starts([0, *ends])},
            items=snapshot.sql(item_rows.items_for(chosen, group)),
            selected=chosen.sql(snapshot.moment),
            order=group.order(item_rows.ORDERS),
            **group.parts(snapshot.moment),
        )
        return snapshot.report(parameters, rows, totals, by=group.name)

    return reading.at(parameters, work)


def bucket_names(ends: Sequence[int]) -> list[str]:
    """The buckets that end at *ends* days past due, with ``not_due`` before them."""
    return ["not_due", *buckets.names(ends, 1)]


def _row(
    names: Sequence[str],
    buckets: Sequence[int],
    balances: Sequence[Decimal],
    **columns: Any,  # noqa: ANN401 - the fields that are columns as they are
) -> AgedBalanceRow:
    found = dict(zip(buckets, balances, strict=True))
    in_buckets = {name: found.get(number, NOTHING) for number, name in enumerate(names)}
    return AgedBalanceRow(buckets=in_buckets, **columns)
