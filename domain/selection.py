"""Which items a command is about, and how much of each (spec 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from domain.case import Case
from domain.dispute import (
    DisputedItem,
)
from domain.identity import ItemId
from domain.item import (
    Item,
)
from domain.money import same_sign
from domain.refusals import (
    AmountOverBalance,
    EmptySelection,
    ItemAlreadyDisputed,
    ItemCleared,
    ItemNotSelected,
    ItemSelectedTwice,
    SeveralCurrencies,
    SeveralCustomers,
)


def select(case: Case, item_ids: Sequence[ItemId]) -> list[Item]:
    """The open items with these ids, all of one customer.

    Raises EmptySelection, ItemSelectedTwice, UnknownItem, ItemCleared, SeveralCustomers.
    """
    if not item_ids:
        raise EmptySelection
    seen: set[ItemId] = set()
    for item_id in item_ids:
        if item_id in seen:
            raise ItemSelectedTwice(item_id)
        seen.add(item_id)
    items = [case.item(item_id) for item_id in item_ids]
    for item in items:
        if item.cleared:
            raise ItemCleared(item.id)
    if len({item.customer_id for item in items}) > 1:
        raise SeveralCustomers
    return items


def require_undisputed(items: Sequence[Item]) -> None:
    """Raise ItemAlreadyDisputed for the first item that is in an open dispute."""
    for item in items:
        if item.dispute_id is not None:
            raise ItemAlreadyDisputed(item.id, item.dispute_id, item.disputed_by)


def require_one_currency(currencies: set[str]) -> None:
    """Raise SeveralCurrencies, naming them."""
    if len(currencies) > 1:
        raise SeveralCurrencies(", ".join(sorted(currencies)))


def disputed(items: Sequence[Item], amounts: Mapping[ItemId, Decimal] | None) -> tuple[DisputedItem, ...]:
    """What is disputed of *items*: the given amount, or without one the whole balance.

    Raises ItemNotSelected, AmountOverBalance.
    """
    given = dict(amounts or {})
    all_disputed = tuple(_disputed_item(item, given.pop(item.id, None)) for item in items)
    for stranger in given:
        raise ItemNotSelected(stranger)
    return all_disputed


def _disputed_item(item: Item, amount: Decimal | None) -> DisputedItem:
    balance = item.details.balance
    if amount is None:
        return DisputedItem(item.id, item.entity, balance)
    if not same_sign(amount, balance) or abs(amount) > abs(balance):
        raise AmountOverBalance(item.id, amount, balance)
    # An amount equal to the balance is still a part by name: it does not grow with the balance.
    return DisputedItem(item.id, item.entity, amount, amount)
