"""Spec 34: days with each resolver."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from itertools import pairwise

from projections.resolution_time import ResolutionTimeParameters
from tests.projections.oracle import groups
from tests.projections.oracle.answer import Answer, Row
from tests.projections.oracle.disputes import Episode
from tests.projections.oracle.resolution_time import episodes_asked, is_resolved_in_period
from tests.projections.oracle.view import View


def resolver_days(view: View, asked: ResolutionTimeParameters) -> Answer:
    days: dict[str | None, list[float]] = defaultdict(list)
    for episode in episodes_asked(view, asked):
        if is_resolved_in_period(view, episode, asked):
            for desk, lasted in _desks(episode).items():
                days[desk].append(lasted)
    all_days = sum(sum(each) for each in days.values())
    return Answer([_row(view, desk, own, all_days) for desk, own in days.items()])


def _desks(episode: Episode) -> dict[str | None, float]:
    """How many days the episode was with whom; with nobody until it was recorded."""
    assert episode.ended_at is not None
    changes = [(episode.opened_at, None), *episode.desks, (episode.ended_at, None)]
    found: dict[str | None, float] = defaultdict(float)
    for (since, desk), (until, _) in pairwise(changes):
        if until > since:
            found[desk] += (until - since) / timedelta(days=1)
    return found


def _row(view: View, desk: str | None, own: list[float], all_days: float) -> Row:
    return {
        "key": groups.person(view, desk)[0],
        "label": groups.person(view, desk)[1],
        "episodes": len(own),
        "days": sum(own),
        "mean_days": sum(own) / len(own),
        "share": sum(own) / all_days if all_days else None,
    }
