"""Monthly sales as the company stated them (spec 38). They are read by known-at only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, LiteralString
from uuid import UUID

from domain.roles import Permission
from projections.paging import Order, PageParameters, page
from projections.parameters import Report
from projections.reading import Reading
from projections.selection import Selection

SALES_RIGHTS: Final = (Permission.READ_RECEIVABLES, Permission.IMPORT)
"""Whoever reads figures of receivables, and whoever brings them."""

_SALES: Final[LiteralString] = """
select s.sales_id, s.version, s.month, s.entity, s.currency, s.amount, s.occurred_from as changed_at
from sales_states s
where {known_s} and {selected}
order by {order} limit %(rows)s"""

_ORDERS: Final = {
    "month": Order(
        (("s.month", "date", "month"), ("s.entity", "text", "entity"), ("s.currency", "text", "currency"))
    )
}


@dataclass(frozen=True, slots=True)
class MonthlySalesRow:
    """The sales of one month (its first day), entity and currency."""

    sales_id: UUID
    version: int
    month: date
    entity: str
    currency: str
    amount: Decimal
    changed_at: datetime


def monthly_sales(reading: Reading, parameters: PageParameters) -> Report[MonthlySalesRow]:
    """One page of monthly sales by month, entity and currency.

    Filters: entity, currency, and the period in which the month begins; the others are not used.

    Raises RoleForbids, ParameterInvalid.
    """
    reading.reach(*SALES_RIGHTS)
    chosen = Selection()
    chosen.where_given("s.entity = %(entity)s", entity=parameters.entity)
    chosen.where_given("s.currency = %(currency)s", currency=parameters.currency)
    chosen.where_given("s.month >= %(period_from)s", period_from=parameters.period_from)
    chosen.where_given("s.month <= %(period_to)s", period_to=parameters.period_to)
    return reading.at(
        parameters,
        lambda snapshot: page(snapshot, parameters, MonthlySalesRow, _SALES, chosen, _ORDERS),
    )
