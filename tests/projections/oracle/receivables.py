"""Spec 38: DSO by counting back, simple and best possible, of disputes, and days deduction outstanding."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from projections.receivables import ReceivablesParameters
from tests.projections.oracle import groups
from tests.projections.oracle.answer import Answer, Row
from tests.projections.oracle.disputes import Episode
from tests.projections.oracle.items import Item
from tests.projections.oracle.view import View

_NOTHING = Decimal(0)


@dataclass
class _Group:
    """What a group in one currency has: items, and what of it was newly disputed."""

    items: list[Item] = field(default_factory=list)
    new: list[tuple[Episode, Decimal]] = field(default_factory=list)


def receivables(view: View, asked: ReceivablesParameters) -> Answer:
    by = asked.by or "none"
    found: dict[tuple[groups.Group, str], _Group] = defaultdict(_Group)
    totals: dict[str, _Group] = defaultdict(_Group)
    for item in view.items.values():
        if view.is_item_asked(item, asked) and (item.is_open or _is_sold(view, item)):
            found[groups.of_item(view, item, by), item.currency].items.append(item)
            totals[item.currency].items.append(item)
    for episode in _new(view, asked):
        for group, amount in _parts(view, asked, episode, by):
            found[group, episode.dispute.currency].new.append((episode, amount))
            totals[episode.dispute.currency].new.append((episode, amount))
    of_customers = asked.customer or asked.collector or asked.attributes
    stated = {} if of_customers or by not in {"none", "entity"} else _stated(view, asked)
    for _, entity, currency in stated:
        _ = found[(entity, entity), currency], totals[currency]
    whole = replace(asked, by=None)
    total_rows = [_row(view, whole, (groups.TOTAL, each), own, stated) for each, own in totals.items()]
    if by == "none":
        return Answer(total_rows, total_rows)
    return Answer([_row(view, asked, key, own, stated) for key, own in found.items()], total_rows)


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


def _parts(
    view: View, asked: ReceivablesParameters, episode: Episode, by: str
) -> Iterator[tuple[groups.Group, Decimal]]:
    for part in episode.opening:
        item = view.items[part.item]
        if view.has_item_part(item, asked, episode):
            is_split = by == "entity" or by.startswith(groups.ATTRIBUTE)
            group = (
                groups.of_part(item, by, view.attributes_then(episode, item.id))
                if is_split
                else groups.of_episode(view, episode, by)
            )
            yield group, part.amount


def _is_sale(item: Item) -> bool:
    return item.details["type"] in {"invoice", "credit_note"} and not item.withdrawn


def _stated(view: View, asked: ReceivablesParameters) -> dict[tuple[date, str, str], Decimal]:
    return {
        (month, entity, currency): amount
        for (month, entity, currency), amount in view.masters.sales.items()
        if month <= view.today and asked.entity in {None, entity} and asked.currency in {None, currency}
    }


def _row(
    view: View,
    asked: ReceivablesParameters,
    key: tuple[groups.Group, str],
    own: _Group,
    stated: dict[tuple[date, str, str], Decimal],
) -> Row:
    (group, currency), items = key, own.items
    entity = group[0] if asked.by == "entity" else None
    stated = {
        key: amount
        for key, amount in stated.items()
        if key[2] == currency and (entity is None or key[1] == entity)
    }
    still = [item for item in items if item.is_open]
    owed = sum((item.balance for item in still), _NOTHING)
    not_due = sum((item.balance for item in still if item.due >= view.today), _NOTHING)
    disputed = sum((item.disputed for item in still), _NOTHING)
    number = len({item.dispute for item in still if item.dispute})
    months = _months(view, items, stated)
    recent, source = _recent(view, asked, items, stated)
    new_amount = sum((amount for _, amount in own.new), _NOTHING)
    new_number = len({episode.dispute.id for episode, _ in own.new})
    dso, without = _count_back(view, owed, months), _count_back(view, owed - disputed, months)
    return {
        "key": group[0],
        "label": group[1],
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


def _months(
    view: View, items: list[Item], stated: dict[tuple[date, str, str], Decimal]
) -> dict[date, Decimal]:
    """The sales of each month, of the one that is not over those so far."""
    registered: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for item in items:
        if _is_sale(item) and item.issued <= view.today:
            registered[item.issued.replace(day=1), item.entity] += item.amount
    for (month, entity, _), amount in stated.items():
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
    stated: dict[tuple[date, str, str], Decimal],
) -> tuple[Decimal, str]:
    """The sales of the last days, day by day, and where they come from."""
    sold: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for item in items:
        if _is_sold(view, item):
            sold[item.issued, item.entity] += item.amount
    by_month = {(month, entity): amount for (month, entity, _), amount in stated.items()}
    registered = {(day.replace(day=1), entity) for day, entity in sold}
    total, sources = _NOTHING, set()
    for back in range(asked.sales_days):
        day = view.today - timedelta(days=back)
        month = day.replace(day=1)
        for entity in {entity for _, entity in (*registered, *by_month)}:
            if (month, entity) in by_month:
                total += by_month[month, entity] / _length(day)
                sources.add("stated")
            elif (month, entity) in registered:
                total += sold.get((day, entity), _NOTHING)
                sources.add("registered")
    return total, "both" if len(sources) > 1 else next(iter(sources), "registered")
