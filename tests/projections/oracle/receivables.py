"""Spec 38: DSO by counting back, simple and best possible, of disputes, and days deduction outstanding."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeAlias

from projections.receivables import ReceivablesParameters
from tests.projections.oracle import groups
from tests.projections.oracle.answer import Answer, Row
from tests.projections.oracle.disputes import Episode
from tests.projections.oracle.items import Item
from tests.projections.oracle.view import View

_NOTHING = Decimal(0)


@dataclass
class _New:
    """An item of an episode that began in the last days, with what was disputed of it."""

    episode: Episode
    amount: Decimal


@dataclass
class _Stated:
    """What the company said that an entity sold in a month."""

    month: date
    entity: str
    currency: str
    amount: Decimal


_Fact: TypeAlias = Item | _New | _Stated


def receivables(view: View, asked: ReceivablesParameters) -> Answer:
    by = groups.levels(asked.by or "none")
    found = groups.summed(_facts(view, asked, by), len(by))
    return groups.answer(found, lambda _, currency, own: _row(view, asked, currency, own))


def _facts(
    view: View, asked: ReceivablesParameters, by: list[str]
) -> Iterator[tuple[groups.Groups, str, _Fact]]:
    for item in view.items.values():
        if view.is_item_asked(item, asked) and (item.is_open or _is_sold(view, item)):
            yield groups.of_item(view, item, by), item.currency, item
    for episode in _new(view, asked):
        for part in episode.opening:
            item = view.items[part.item]
            if view.has_item_part(item, asked, episode):
                group = groups.of_part(view, episode, item, by, view.today)
                yield group, episode.dispute.currency, _New(episode, part.amount)
    for each in _stated(view, asked, by):
        of = tuple((each.entity, each.entity) if level == "entity" else groups.TOTAL for level in by)
        yield of, each.currency, each


def _stated(view: View, asked: ReceivablesParameters, by: list[str]) -> Iterator[_Stated]:
    if asked.customer or asked.collector or asked.attributes or not {*by} <= {"none", "entity"}:
        return  # nobody said to whom it was sold
    for (month, entity, currency), amount in view.masters.sales.items():
        is_asked = asked.entity in {None, entity} and asked.currency in {None, currency}
        if is_asked and month <= view.today:
            yield _Stated(month, entity, currency, amount)


def _is_sold(view: View, item: Item) -> bool:
    return _is_sale(item) and item.issued <= view.today


def _new(view: View, asked: ReceivablesParameters) -> Iterator[Episode]:
    """First episodes that began in the last days."""
    first = view.today - timedelta(days=asked.days - 1)
    for dispute in view.counted:
        episode = dispute.episodes[0]
        if view.day(episode.opened_at) >= first and view.is_case_asked(
            dispute, asked, episode.type, episode.resolver
        ):
            yield episode


def _is_sale(item: Item) -> bool:
    return item.details["type"] in {"invoice", "credit_note"} and not item.withdrawn


def _row(view: View, asked: ReceivablesParameters, currency: str, own: list[_Fact]) -> Row:
    items = [each for each in own if isinstance(each, Item)]
    new = [each for each in own if isinstance(each, _New)]
    stated = {(each.month, each.entity): each.amount for each in own if isinstance(each, _Stated)}
    still = [item for item in items if item.is_open]
    owed = sum((item.balance for item in still), _NOTHING)
    not_due = sum((item.balance for item in still if item.due >= view.today), _NOTHING)
    disputed = sum((item.disputed for item in still), _NOTHING)
    number = len({item.dispute for item in still if item.dispute})
    months = _months(view, items, stated)
    recent, source = _recent(view, asked, items, stated)
    new_amount = sum((each.amount for each in new), _NOTHING)
    new_number = len({each.episode.dispute.id for each in new})
    dso, without = _count_back(view, owed, months), _count_back(view, owed - disputed, months)
    return {
        "currency": currency,
        "receivables": owed,
        "not_due": not_due,
        "disputed": disputed,
        "disputes": number,
        "sales": _shown(recent),
        "sales_source": source,
        "dso": dso,
        "simple_dso": _ratio(owed, recent, asked.sales_days),
        "best_possible_dso": _ratio(not_due, recent, asked.sales_days),
        "dispute_dso": dso - without if dso is not None and without is not None else None,
        "disputed_opened": new_amount,
        "disputes_opened": new_number,
        "days_deduction_outstanding": _ratio(disputed, new_amount, asked.days),
        "days_deduction_outstanding_by_number": _ratio(Decimal(number), Decimal(new_number), asked.days),
    }


def _shown(amount: Decimal) -> Decimal:
    """In cents, where a part of a month has more decimals than that."""
    amount = round(amount, 12)
    return amount if amount == round(amount, 3) else round(amount, 2)


def _ratio(part: Decimal, of: Decimal, days: int) -> float | None:
    return float(part / of * days) if of > 0 else None


def _length(month: date) -> int:
    return monthrange(month.year, month.month)[1]


def _months(view: View, items: list[Item], stated: dict[tuple[date, str], Decimal]) -> dict[date, Decimal]:
    """The sales of each month, of the one that is not over those so far."""
    registered: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for item in items:
        if _is_sale(item) and item.issued <= view.today:
            registered[item.issued.replace(day=1), item.entity] += item.amount
    for (month, entity), amount in stated.items():
        over = view.today.day if month == view.today.replace(day=1) else _length(month)
        registered[month, entity] = amount * over / _length(month)
    months: dict[date, Decimal] = defaultdict(Decimal)
    for (month, _), amount in registered.items():
        months[month] += amount
    return months


def _count_back(view: View, owed: Decimal, months: dict[date, Decimal]) -> float | None:
    if owed <= 0:
        return 0.0
    if not months:
        return None
    month, days, left = view.today.replace(day=1), Decimal(0), owed
    first = min(months)
    while month >= first:
        length = view.today.day if month == view.today.replace(day=1) else _length(month)
        sold = months.get(month, _NOTHING)
        if sold >= left:
            return float(days + left / sold * length)
        left -= sold
        days += length
        month = (month - timedelta(days=1)).replace(day=1)
    return None


def _recent(
    view: View,
    asked: ReceivablesParameters,
    items: list[Item],
    stated: dict[tuple[date, str], Decimal],
) -> tuple[Decimal, str]:
    """The sales of the last days, day by day, and where they come from."""
    sold: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for item in items:
        if _is_sold(view, item):
            sold[item.issued, item.entity] += item.amount
    registered = {(day.replace(day=1), entity) for day, entity in sold}
    total, sources = _NOTHING, set()
    for back in range(asked.sales_days):
        day = view.today - timedelta(days=back)
        month = day.replace(day=1)
        for entity in {entity for _, entity in (*registered, *stated)}:
            if (month, entity) in stated:
                total += stated[month, entity] / _length(day)
                sources.add("stated")
            elif (month, entity) in registered:
                total += sold.get((day, entity), _NOTHING)
                sources.add("registered")
    return total, "both" if len(sources) > 1 else next(iter(sources), "registered")
