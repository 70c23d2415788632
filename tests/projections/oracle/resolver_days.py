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
    lasting = 0
    for episode in episodes_asked(view, asked):
        if is_resolved_in_period(view, episode, asked):
            desks = _desks(episode)
            lasting += bool(desks)
            for desk, lasted in desks.items():
                days[desk].append(lasted)
    all_days = sum(sum(each) for each in days.values())
    total = _row(groups.TOTAL, [all_days], all_days)
    return Answer(
        [_row(groups.person(view, desk), own, all_days) for desk, own in days.items()],
        [{**total, "episodes": lasting, "mean_days": all_days / lasting if lasting else None}],
    )


def _desks(episode: Episode) -> dict[str | None, float]:
    """How many days the episode was with whom; with nobody until it was recorded."""
    assert episode.ended_at is not None
    changes = [(episode.opened_at, None), *episode.desks, (episode.ended_at, None)]
    found: dict[str | None, float] = defaultdict(float)
    for (since, desk), (until, _) in pairwise(changes):
        if until > since:
            found[desk] += (until - since) / timedelta(days=1)
    return found


def _row(group: groups.Group, own: list[float], all_days: float) -> Row:
    return {
        "key": group[0],
        "label": group[1],
        "episodes": len(own),
        "days": sum(own),
        "mean_days": sum(own) / len(own),
        "share": sum(own) / all_days if all_days else None,
    }
