"""Spec 34: days with each resolver, or of another group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from projections.resolution_time import ResolutionTimeParameters
from tests.projections.oracle import groups
from tests.projections.oracle.answer import Answer, Row
from tests.projections.oracle.disputes import Episode
from tests.projections.oracle.resolution_time import episodes_asked, is_resolved_in_period, picked
from tests.projections.oracle.view import View


@dataclass
class _Line:
    """What an episode was with one resolver, met for each of its items."""

    episode: Episode
    desk: str | None
    days: float


def resolver_days(view: View, asked: ResolutionTimeParameters) -> Answer:
    by = groups.levels(asked.by or "resolver")
    found = groups.summed(((group, "", line) for group, line in _lines(view, asked, by)), len(by))
    everything = found[0].setdefault(((), ""), [])  # there is a total of nothing, too
    all_days = sum(_days(everything).values())
    return groups.answer(found, lambda _, __, own: _row(_days(own), all_days))


def _lines(
    view: View, asked: ResolutionTimeParameters, by: list[str]
) -> Iterator[tuple[groups.Groups, _Line]]:
    for episode in episodes_asked(view, asked):
        if not is_resolved_in_period(view, episode, asked) or episode.ended_at is None:
            continue
        for part in picked(view, asked, episode):
            item, day = view.items[part.item], view.day(episode.ended_at)
            group = groups.of_part(view, episode, item, by, day)
            for desk, days in _desks(episode, episode.ended_at).items():
                # Whoever it was with, and not who had it at the end.
                at_desk = (
                    groups.person(view, desk) if level == "resolver" else each
                    for level, each in zip(by, group, strict=True)
                )
                yield tuple(at_desk), _Line(episode, desk, days)


def _desks(episode: Episode, ended_at: datetime) -> dict[str | None, float]:
    """How many days the episode was with whom; with nobody until it was recorded."""
    changes = [(episode.opened_at, None), *episode.desks, (ended_at, None)]
    found: dict[str | None, float] = defaultdict(float)
    for (since, desk), (until, _) in pairwise(changes):
        if until > since:
            found[desk] += (until - since) / timedelta(days=1)
    return found


def _days(own: list[_Line]) -> dict[tuple[str, int], float]:
    """Of each episode: once at each desk, however many of its items are there."""
    at_desks = {(line.episode.dispute.id, line.episode.number, line.desk): line.days for line in own}
    found: dict[tuple[str, int], float] = defaultdict(float)
    for (dispute, number, _), days in at_desks.items():
        found[dispute, number] += days
    return found


def _row(episodes: dict[tuple[str, int], float], all_days: float) -> Row:
    days = sum(episodes.values())
    return {
        "episodes": len(episodes),
        "days": days,
        "mean_days": days / len(episodes) if episodes else None,
        "share": days / all_days if all_days else None,
    }
