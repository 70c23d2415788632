"""Aged balance (spec 36): what is open by how long it is past due, the disputed part shown apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, LiteralString

from domain.money import NOTHING
from domain.roles import Permission
from projections import buckets, item_rows, selection
from projections.parameters import Parameters, Report
from projections.reading import Reading, Snapshot

FACTS: Final[LiteralString] = """
with facts as (
    select i.item_id, {key} as key, {label} as label, i.currency, i.balance,
           coalesce(i.disputed, 0) as disputed,
           width_bucket(%(today)s::date - i.due_date, %(starts)s::int[]) as bucket
    {items} {joins}
    where {seen_i} and i.is_open and {selected}
)
"""

_SUMS: Final[LiteralString] = """
, sums as (
    select grouping(key) = 1 as is_total, key, max(label) as label, currency, bucket,
           sum(balance) as balance, sum(disputed) as disputed
    from facts
    group by grouping sets ((key, currency, bucket), (currency, bucket))
)
select is_total, case when is_total then 'total' else key end as key,
       case when is_total then 'total' else max(label) end as label, currency,
       array_agg(bucket) as buckets, array_agg(balance) as balances, sum(balance) as total,
       sum(disputed) as disputed
from sums
group by is_total, sums.key, currency
order by is_total, currency, total desc, sums.key
"""


@dataclass(frozen=True, slots=True)
class AgedBalanceRow:
    """Open balance in one currency. *buckets* add up to *total*; *disputed* is the part of it in dispute.

    The buckets are ``not_due``, then those of the company: ``1-30``, ``31-60``, ``61-90``, ``over_90``.
    """

    key: str | None
    label: str | None
    currency: str
    buckets: Mapping[str, Decimal]
    total: Decimal
    disputed: Decimal


def aged_balance(reading: Reading, parameters: Parameters) -> Report[AgedBalanceRow]:
    """Open balances per currency in the company's ageing buckets.

    Grouped ``by`` customer (default), collector, resolver, entity, status, currency, month (of issue), none
    or attribute:<name>; largest totals first. Days past due are counted to the as-at's date in the company's
    zone; an item due on that date is not due yet. Credit notes and payments count as what they are: negative.
    The period selects items by issue date. Raises RoleForbids, ParameterInvalid.
    """
    reached = reading.reach(Permission.READ_AGED_BALANCE)
    group = selection.grouping(parameters.by, "customer", item_rows.GROUPINGS)
    chosen = selection.of_items(parameters).only(reached, reading.actor, selection.ITEMS)

    def work(snapshot: Snapshot) -> Report[AgedBalanceRow]:
        ends = snapshot.ageing_buckets
        found = snapshot.dicts(
            FACTS + _SUMS,
            {**chosen.bindings, **group.bindings, "starts": buckets.starts([0, *ends])},
            items=snapshot.sql(item_rows.ITEMS),
            selected=chosen.sql(snapshot.moment),
            **group.parts(snapshot.moment),
        )
        names = bucket_names(ends)
        rows = [_row(each, names) for each in found if not each["is_total"]]
        totals = [_row(each, names) for each in found if each["is_total"]]
        return snapshot.report(parameters, rows, totals, by=group.name)

    return reading.at(parameters, work)


def bucket_names(ends: Sequence[int]) -> list[str]:
    """The buckets that end at *ends* days past due, with ``not_due`` before them."""
    return ["not_due", *buckets.names(ends, 1)]


def _row(found: Mapping[str, Any], names: list[str]) -> AgedBalanceRow:
    balances = dict(zip(found["buckets"], found["balances"], strict=True))
    return AgedBalanceRow(
        found["key"],
        found["label"],
        found["currency"],
        {name: balances.get(number, NOTHING) for number, name in enumerate(names)},
        found["total"],
        found["disputed"],
    )
