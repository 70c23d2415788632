"""Sales by month (spec 38): of registered invoices and credit notes, or as the company stated them."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, LiteralString, TypeAlias
from uuid import UUID

from psycopg.sql import Composable

from domain.money import NOTHING
from projections import dso, item_rows, selection
from projections.parameters import Parameters
from projections.reading import Snapshot
from projections.selection import TOTAL, Grouping, Name, Selection
from projections.shares import ALL, Share

# Credit notes reduce sales as they reduce receivables; payments are no sales. What was withdrawn was never
# registered. (As a timestamp, for the month of a date would be looked up in the session's time zone.)
_REGISTERED_ITEMS: Final[LiteralString] = """
select i.item_id, {keys}, i.currency, i.entity, i.amount,
       date_trunc('month', i.issue_date::timestamp)::date as month,
       i.issue_date > %(today)s::date - %(sales_days)s::int as is_recent
{items} {joins}
where {seen_i} and not i.withdrawn and i.type in ('invoice', 'credit_note') and i.issue_date <= %(today)s
  and {selected}
"""

_REGISTERED: Final[LiteralString] = """
with facts as ({facts})
select 0 as summed, {named}, currency, entity, month, sum(amount) as amount,
       coalesce(sum(amount) filter (where is_recent), 0) as recent
from facts
where {of_share}
group by {levels}, currency, entity, month
"""

_STATED: Final[LiteralString] = """
select s.sales_id, s.entity, s.currency, s.month, s.amount
from sales_states s
where {known_s} and s.month <= %(today)s and {selected}
"""

Group: TypeAlias = tuple[tuple[str | None, ...], str]
"""The keys of a group, and the currency; there are fewer keys for a subtotal, none for a total."""


def group_of(names: Sequence[Name], currency: str) -> Group:
    """The group with these *names*."""
    return tuple(key for key, _ in names), currency


@dataclass(frozen=True, slots=True)
class _Registered:
    """Sales of a month; *recent* those of the last days that count."""

    names: tuple[Name, ...]
    currency: str
    entity: str
    month: date
    amount: Decimal
    recent: Decimal


@dataclass(frozen=True, slots=True)
class StatedSales:
    """The sales of a month, entity and currency as the company stated them: the whole *amount*."""

    sales_id: UUID
    entity: str
    currency: str
    month: date
    amount: Decimal


@dataclass(slots=True)
class Sales:
    """What a group sold: by months, and in the last days that count."""

    names: tuple[Name, ...] = ()
    months: dict[date, Decimal] = field(default_factory=dict)
    recent: Decimal = NOTHING
    sources: frozenset[str] = frozenset()

    def add(self, sale: _Registered, recent_source: str | None) -> None:
        """*recent_source*: where it comes from, if its month is among the last days that count."""
        self.months[sale.month] = self.months.get(sale.month, NOTHING) + sale.amount
        self.recent += sale.recent
        if recent_source is not None:
            self.sources |= {recent_source}

    def back_from(self, today: date) -> Iterator[dso.MonthOfSales]:
        """The months from that of *today* back to the first one with sales."""
        month, days = today.replace(day=1), today.day
        first = min(self.months, default=today)
        while month >= first:
            yield dso.MonthOfSales(self.months.get(month, NOTHING), days)
            before = month - timedelta(days=1)
            month, days = before.replace(day=1), before.day

    @property
    def source(self) -> str:
        """``registered`` if there were none."""
        return "both" if len(self.sources) > 1 else next(iter(self.sources), "registered")


def sales_by_month(
    snapshot: Snapshot, parameters: Parameters, group: Grouping, days: int, share: Share = ALL
) -> Mapping[Group, Sales]:
    """The sales of each group and currency, and of all groups together (of two levels of the first one's,
    too), up to the moment's date; those of the last *days* apart.

    A figure that the company stated for a month, entity and currency stands in the place of what was
    registered. Only invoices tell whose sales they were: with a filter or grouping by customer, collector or
    attribute, nothing that was stated counts. share: of which groups; where stated figures count, all.
    """
    today = snapshot.moment.today
    stated = stated_sales(snapshot, parameters, group)
    known = {(each.entity, each.currency, each.month) for each in stated}
    registered = [
        each
        for each in _registered(snapshot, parameters, group, days, share)
        if (each.entity, each.currency, each.month) not in known
    ]
    found: dict[Group, Sales] = {}
    for source, several in (
        ("registered", registered),
        ("stated", [_so_far(each, group, today, days) for each in stated]),
    ):
        for sale in several:
            is_recent = _recent_days(sale.month, today, days) > 0
            for level in range(len(sale.names) + 1):
                names = sale.names[:level]
                sales = found.setdefault(group_of(names, sale.currency), Sales(names))
                sales.add(sale, source if is_recent else None)
    return found


def counts_stated(parameters: Parameters, group: Grouping) -> bool:
    """Whether sales that the company stated count, which are of no customer."""
    of_customers = (parameters.customer, parameters.collector, parameters.attributes or None)
    return {*group.levels} <= {"none", "entity"} and of_customers == (None, None, None)


def registered_items(
    snapshot: Snapshot, parameters: Parameters, group: Grouping, days: int
) -> tuple[dict[str, object], Composable]:
    """A SELECT of the items that make registered sales (item_id, key and label of each level, currency,
    entity, amount, month, is_recent), and what it refers to."""
    chosen = selection.of_items(parameters)
    text = snapshot.statement(
        _REGISTERED_ITEMS,
        items=snapshot.sql(item_rows.items_for(chosen, group)),
        selected=chosen.sql(snapshot.moment),
        **group.parts(snapshot.moment),
    )
    return {**chosen.bindings, **group.bindings, "sales_days": days}, text


def _registered(
    snapshot: Snapshot, parameters: Parameters, group: Grouping, days: int, share: Share
) -> list[_Registered]:
    bindings, facts = registered_items(snapshot, parameters, group, days)
    parts = {**group.parts(snapshot.moment), "of_share": share.condition}
    found = snapshot.dicts(_REGISTERED, {**bindings, **share.bindings}, facts=facts, **parts)
    return [_Registered(group.names(each), **each) for each in found]


def stated_sales(snapshot: Snapshot, parameters: Parameters, group: Grouping) -> list[StatedSales]:
    """What the company stated of the months up to the moment's date; nothing where that does not count."""
    if not counts_stated(parameters, group):
        return []
    chosen = Selection()
    chosen.where_given("s.entity = %(entity)s", entity=parameters.entity)
    chosen.where_given("s.currency = %(currency)s", currency=parameters.currency)
    return snapshot.rows(StatedSales, _STATED, chosen.bindings, selected=chosen.sql(snapshot.moment))


def sold_so_far(stated: StatedSales, today: date, sales_days: int) -> tuple[Decimal, Decimal]:
    """What a stated figure tells up to *today*, as if each day of its month had sold as much; and of that
    what the last *sales_days* sold."""
    last = monthrange(stated.month.year, stated.month.month)[1]
    so_far = min(last, (today - stated.month).days + 1)
    recent = _recent_days(stated.month, today, sales_days)
    return stated.amount * so_far / last, stated.amount * recent / last


def _so_far(stated: StatedSales, group: Grouping, today: date, sales_days: int) -> _Registered:
    entity = stated.entity
    names = tuple((entity, entity) if level == "entity" else TOTAL for level in group.levels)
    return _Registered(names, stated.currency, entity, stated.month, *sold_so_far(stated, today, sales_days))


def _recent_days(month: date, today: date, sales_days: int) -> int:
    """How many days of *month* are among the last *sales_days* up to *today*."""
    last = min(today, month.replace(day=monthrange(month.year, month.month)[1]))
    first = max(month, today - timedelta(days=sales_days - 1))
    return max(0, (last - first).days + 1)
