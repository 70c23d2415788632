"""Spec 33: opened, resolved, reopened per month, or another group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from projections.parameters import Parameters
from tests.projections.oracle import groups, reach
from tests.projections.oracle.answer import Answer, Row
from tests.projections.oracle.disputes import Episode, Part
from tests.projections.oracle.view import View

_TURNS: Final = ("opened", "reopened", "resolved")


@dataclass
class _Line:
    """An item of an episode that was opened, reopened or resolved."""

    turn: str
    episode: Episode
    part: Part


def dispute_months(view: View, asked: Parameters) -> Answer:
    by = groups.levels(asked.by or "month")
    found = groups.summed(_lines(view, asked, by), len(by))
    answer = groups.answer(found, lambda _, currency, own: _row(currency, own))
    for row in (*answer.rows, *answer.totals):
        label = row.pop("label")
        if by != ["month"]:
            row["grouped"] = {"label": label, **row["grouped"]}
    return Answer(answer.rows, [] if by == ["month"] else answer.totals)


def _lines(view: View, asked: Parameters, by: list[str]) -> Iterator[tuple[groups.Groups, str, _Line]]:
    for episode in view.episodes:
        if not view.is_case_asked(episode.dispute, asked, episode.type, episode.resolver):
            continue
        if not reach.sees_dispute(view, episode.dispute, episode.resolver):
            continue
        for turn, at in _turns(episode):
            day = view.day(at)
            if not view.in_period(day, asked):
                continue
            for part in episode.opening:
                item = view.items[part.item]
                if view.has_item_part(item, asked, episode):
                    group = groups.of_part(view, episode, item, by, day)
                    yield group, episode.dispute.currency, _Line(turn, episode, part)


def _turns(episode: Episode) -> list[tuple[str, datetime]]:
    turns = [("opened" if episode.number == 1 else "reopened", episode.opened_at)]
    if episode.state == "resolved" and episode.ended_at is not None:
        turns.append(("resolved", episode.ended_at))
    return turns


def _row(currency: str, own: list[_Line]) -> Row:
    row: Row = {"currency": currency}
    for turn in _TURNS:
        lines = [line for line in own if line.turn == turn]
        row[turn] = len({(line.episode.dispute.id, line.episode.number) for line in lines})
        row[f"amount_{turn}"] = sum((line.part.amount for line in lines), Decimal(0))
    return row
