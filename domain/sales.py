"""Monthly sales as the company states them itself, for figures that invoices alone do not tell (spec 38)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import ClassVar, TypeAlias
from uuid import UUID

from domain.commands import Command
from domain.events import Event
from domain.identity import SalesId, sales_id
from domain.money import is_currency
from domain.refusals import CurrencyInvalid, MonthInvalid, TextMissing
from domain.roles import Permission


@dataclass(frozen=True, slots=True)
class StateMonthlySales(Command):
    """State the sales of a month (its first day) of one entity in one currency, or state them anew."""

    permission: ClassVar[Permission] = Permission.IMPORT
    month: date
    entity: str
    currency: str
    amount: Decimal

    @property
    def sales_id(self) -> SalesId:
        """The figure that is stated."""
        return sales_id(self.entity, self.currency, self.month)

    def streams(self) -> frozenset[UUID]:
        """The figure's stream."""
        return frozenset({self.sales_id})


@dataclass(frozen=True, slots=True)
class OfSales(Event):
    """A fact about the sales of one month, entity and currency."""

    sales_id: SalesId


@dataclass(frozen=True, slots=True)
class MonthlySalesStated(OfSales):
    """The sales of a month (its first day) are known, or known otherwise than before."""

    month: date
    entity: str
    currency: str
    amount: Decimal
    previous: Decimal | None


SalesEvent: TypeAlias = MonthlySalesStated


@dataclass(frozen=True, slots=True)
class MonthlySales:
    """The sales of one month, entity and currency as they stand."""

    id: SalesId
    month: date
    entity: str
    currency: str
    amount: Decimal


def evolve(sales: MonthlySales | None, event: SalesEvent) -> MonthlySales:
    """The figure after *event*."""
    if sales is None:
        return MonthlySales(event.sales_id, event.month, event.entity, event.currency, event.amount)
    return replace(sales, amount=event.amount)


def state(sales: MonthlySales | None, command: StateMonthlySales) -> list[Event]:
    """The figure is recorded; said twice changes nothing.

    Raises MonthInvalid, CurrencyInvalid, TextMissing."""
    if command.month.day != 1:
        raise MonthInvalid(command.month)
    if not is_currency(command.currency):
        raise CurrencyInvalid(command.currency)
    if not command.entity.strip():
        raise TextMissing("entity")
    previous = sales.amount if sales else None
    if previous == command.amount:
        return []
    stated = (command.month, command.entity, command.currency, command.amount, previous)
    return [MonthlySalesStated(command.sales_id, *stated)]
