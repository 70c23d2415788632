"""Spec 33: opened, resolved, reopened per month."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from projections.parameters import Parameters
from tests.projections.oracle import reach
from tests.projections.oracle.answer import Answer, Row
from tests.projections.oracle.disputes import Episode
from tests.projections.oracle.view import View


def dispute_months(view: View, asked: Parameters) -> Answer:
    rows: dict[tuple[str, str], Row] = {}
    for episode in view.episodes:
        if not view.is_case_asked(episode.dispute, asked, episode.type, episode.resolver):
            continue
        if not reach.sees_dispute(view, episode.dispute, episode.resolver):
            continue
        picked = [
            part for part in episode.opening if view.has_item_part(view.items[part.item], asked, episode)
        ]
        if not picked:
            continue
        amount = sum((part.amount for part in picked), Decimal(0))
        for what, at in _turns(episode):
            if view.in_period(view.day(at), asked):
                key = view.month(at), episode.dispute.currency
                row = rows.setdefault(key, _empty(*key))
                row[what] += 1
                row[f"amount_{what}"] += amount
    return Answer(list(rows.values()))


def _turns(episode: Episode) -> list[tuple[str, datetime]]:
    turns = [("opened" if episode.number == 1 else "reopened", episode.opened_at)]
    if episode.state == "resolved" and episode.ended_at is not None:
        turns.append(("resolved", episode.ended_at))
    return turns


def _empty(month: str, currency: str) -> Row:
    counts = dict.fromkeys(("opened", "reopened", "resolved"), 0)
    amounts = dict.fromkeys(("amount_opened", "amount_reopened", "amount_resolved"), Decimal(0))
    return {"key": month, "currency": currency, **counts, **amounts}
