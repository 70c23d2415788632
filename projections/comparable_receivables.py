"""Receivables figures as a report that two moments can be compared of: the items, the disputes and the stated
sales that they are made of.

What adds up are amounts and numbers; the DSO and its relatives stand beside. They rest on the sales month by
month, so these stand apart: the bucket of a row is the month of its sales.
"""

from __future__ import annotations

from typing import Final, LiteralString

from psycopg.sql import SQL, Composable

from projections.comparable_things import DISPUTES, ITEMS, VERSIONS_OF_DISPUTES, VERSIONS_OF_ITEMS
from projections.comparison import Asking, Counts, Statistics
from projections.comparison_statement import Added
from projections.reading import Reading, Snapshot
from projections.receivables import Asked, ReceivablesParameters
from projections.sales_by_month import registered_items, sold_so_far, stated_sales
from projections.selection import Grouping, Selection

_FIGURES: Final = (
    "month_sales", "sales", "not_due", "disputes_opened", "disputed_opened", "disputes", "disputed",
    "receivables",
)  # fmt: skip

_STATISTICS: Final = (
    "dso", "simple_dso", "best_possible_dso", "dispute_dso", "days_deduction_outstanding",
    "days_deduction_outstanding_by_number",
)  # fmt: skip

_STATED: Final[LiteralString] = """
unnest(%(sales_ids)s::uuid[], %(sales_entities)s::text[], %(sales_currencies)s::text[],
       %(sales_months)s::date[], %(sales_amounts)s::numeric[], %(sales_recent)s::numeric[])
    as stated (sales_id, entity, currency, month, amount, recent)"""

_FACTS: Final[LiteralString] = """
with open_items as ({open_items}),
newly_disputed as ({newly_disputed}),
registered as ({registered}),
made as (
    select item_id as thing, {columns}, currency, null::date as month, 0 as month_sales, 0 as sales,
           case when due_date >= %(today)s then balance else 0 end as not_due,
           0 as disputes_opened, 0 as disputed_opened, 0 as disputes, disputed, balance as receivables
    from open_items
  union all
    select dispute_id, {named}, currency, null, 0, 0, 0, 0, 0, 1, 0, 0
    from open_items where dispute_id is not null group by dispute_id, {levels}, currency
  union all
    select dispute_id, {named}, currency, null, 0, 0, 0, 1, sum(amount), 0, 0, 0
    from newly_disputed group by dispute_id, {levels}, currency
  union all
    select item_id, {columns}, r.currency, r.month, r.amount, case when is_recent then r.amount else 0 end,
           0, 0, 0, 0, 0, 0
    from registered r
    where not exists (
        select from {stated}
        where stated.entity = r.entity and stated.currency = r.currency and stated.month = r.month
    )
  union all
    select sales_id, {names_of_stated}, currency, month, amount, recent, 0, 0, 0, 0, 0, 0 from {stated}
)
select thing, null::integer as episode, {columns}, currency, to_char(month, 'YYYY-MM') as part,
       month_sales, sales, not_due, disputes_opened, disputed_opened, disputes, disputed, receivables
from made"""

_SALES: Final[LiteralString] = """
select s.sales_id, s.version, s.entity || ' ' || to_char(s.month, 'YYYY-MM'), null::uuid, null, 'stated',
       null::integer, array[]::uuid[], true, 'sales'
from sales_states s where {known_s} and s.sales_id = any(%(ids)s)"""

_SUPERSEDED_BY: Final[LiteralString] = """
(
    select stated.sales_id from item_states i join @
    on stated.entity = i.entity and stated.currency = i.currency
       and stated.month = date_trunc('month', i.issue_date::timestamp)::date
    where i.item_id = t.id and {seen_i}
) as superseded_by""".replace("@", _STATED)

_THINGS: Final[LiteralString] = " ".join(
    ["select t.*,", _SUPERSEDED_BY, "from (", f"{ITEMS} union all {DISPUTES} union all {_SALES}", ") t"]
)

_VERSIONS: Final[LiteralString] = f"{VERSIONS_OF_ITEMS} union all {VERSIONS_OF_DISPUTES}"


def figures(reading: Reading, parameters: ReceivablesParameters) -> Asking:
    """What the figures are made of. Raises RoleForbids, ParameterInvalid."""
    asked = Asked.of(reading, parameters)
    group = asked.group

    def places(snapshot: Snapshot) -> tuple[dict[str, object], dict[str, Composable]]:
        of_items, open_items = asked.open_items(snapshot)
        of_disputes, newly_disputed = asked.newly_disputed(snapshot)
        of_sales, registered = registered_items(snapshot, parameters, group, parameters.sales_days)
        parts = {
            "open_items": open_items,
            "newly_disputed": newly_disputed,
            "registered": registered,
            "stated": SQL(_STATED),
            "names_of_stated": _names_of_stated(group),
            **group.parts(snapshot.moment),
        }
        return {**of_items, **of_disputes, **of_sales, **_stated(snapshot, parameters, group)}, parts

    return Asking(
        Counts.RECEIVABLES,
        group,
        Added(_FIGURES, frozenset({"disputes", "disputes_opened"})),
        _FACTS,
        places,
        _THINGS,
        _VERSIONS,
        Selection(),  # who may read these figures may read all of them
        lambda snapshot: Statistics.of(_STATISTICS, *asked.answer(snapshot)),
    )


def _stated(snapshot: Snapshot, parameters: ReceivablesParameters, group: Grouping) -> dict[str, object]:
    """What the company stated, column by column. Parts of months to six decimals."""
    found = stated_sales(snapshot, parameters, group)
    so_far = [sold_so_far(each, snapshot.moment.today, parameters.sales_days) for each in found]
    return {
        "sales_ids": [each.sales_id for each in found],
        "sales_entities": [each.entity for each in found],
        "sales_currencies": [each.currency for each in found],
        "sales_months": [each.month for each in found],
        "sales_amounts": [round(amount, 6) for amount, _ in so_far],
        "sales_recent": [round(recent, 6) for _, recent in so_far],
    }


def _names_of_stated(group: Grouping) -> Composable:
    """Stated figures tell of entities alone."""
    names = ["entity, entity" if level == "entity" else "'total', 'total'" for level in group.levels]
    return SQL(", ").join([SQL(name) for name in names])
