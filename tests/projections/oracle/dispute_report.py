"""Spec 33: how many disputes, over what, of which causes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.roles import Role
from projections.dispute_report import Counted, DisputeReportParameters
from projections.parameters import Parameters
from tests.projections.oracle import groups, reach
from tests.projections.oracle.answer import Answer, Row, share
from tests.projections.oracle.disputes import Episode, Part
from tests.projections.oracle.view import View


@dataclass
class _Line:
    """One item of a dispute that counts."""

    episode: Episode
    part: Part
    is_debit: bool


def dispute_report(view: View, asked: DisputeReportParameters) -> Answer:
    by = groups.levels(asked.by or "type")
    found = (
        (group, episode.dispute.currency, line)
        for episode, day in counted(view, asked, asked.state)
        if view.in_period(day, asked)
        and view.is_case_asked(episode.dispute, asked, episode.type, episode.resolver)
        and reach.sees_dispute(view, episode.dispute, episode.resolver)
        for group, line in _lines(view, asked, episode, by, day)
    )
    return groups.answer(
        groups.summed(found, len(by)), lambda _, currency, own: _row(view, asked, currency, own)
    )


def counted(view: View, asked: Parameters, state: Counted) -> Iterator[tuple[Episode, date]]:
    """The episode by which each dispute counts, and the day that the period and the month speak of."""
    for dispute in view.counted:
        match state:
            case Counted.OPEN if dispute.state == "open":
                yield dispute.episode, view.day(dispute.episode.opened_at)
            case Counted.OPENED:
                yield dispute.episodes[0], view.day(dispute.episodes[0].opened_at)
            case Counted.RESOLVED:
                ended = [
                    (episode, view.day(episode.ended_at))
                    for episode in dispute.episodes
                    if episode.state == "resolved" and episode.ended_at is not None
                ]
                yield from [each for each in ended if view.in_period(each[1], asked)][-1:]
            case _:
                pass


def _lines(
    view: View, asked: DisputeReportParameters, episode: Episode, by: list[str], day: date
) -> Iterator[tuple[groups.Groups, _Line]]:
    for part in _parts(view, asked, episode):
        item = view.items[part.item]
        then = None if asked.state is Counted.OPEN else episode
        if view.has_item_part(item, asked, then):
            yield groups.of_part(view, episode, item, by, day), _Line(episode, part, item.balance > 0)


def _parts(view: View, asked: DisputeReportParameters, episode: Episode) -> list[Part]:
    if asked.state is not Counted.OPEN:
        return episode.opening
    return [Part(each, view.items[each].entity, view.items[each].disputed) for each in episode.dispute.items]


def _row(view: View, asked: DisputeReportParameters, currency: str, own: list[_Line]) -> Row:
    part = None
    if asked.state is Counted.OPEN:
        shared = [line for line in own if _sees_receivables(view, line.episode.dispute.customer_id)]
        debit = sum((line.part.amount for line in shared if line.is_debit), Decimal(0))
        part = share(debit, _receivables(view, asked, currency)) if shared else None
    return {
        "currency": currency,
        "disputes": len({line.episode.dispute.id for line in own}),
        "items": len({line.part.item for line in own}),
        "amount": sum((line.part.amount for line in own), Decimal(0)),
        "share": part,
    }


def _sees_receivables(view: View, customer: str) -> bool:
    """Whether all of the customer's items are theirs to see, not only the disputed ones."""
    role = view.asker.role
    return role in reach.ALL or (role is not Role.RESOLVER and reach.owns(view, customer))


def _receivables(view: View, asked: DisputeReportParameters, currency: str) -> Decimal:
    """Open debit balances of the same customers, entities and attributes."""
    return sum(
        (
            item.balance
            for item in view.open_items
            if item.balance > 0
            and item.currency == currency
            and _sees_receivables(view, item.customer_id)
            and view.has_item_part(item, asked)
            and asked.customer in {None, item.customer}
            and (
                asked.collector is None or str(asked.collector) == view.masters.collector_of(item.customer_id)
            )
        ),
        Decimal(0),
    )
