"""Spec 34: how long an episode took, or takes, and how long it should."""

from __future__ import annotations

from datetime import date, timedelta

from tests.projections.oracle.calendars import holidays_of
from tests.projections.oracle.disputes import Episode
from tests.projections.oracle.view import View


def days(view: View, episode: Episode) -> float:
    return ((episode.ended_at or view.at) - episode.opened_at).total_seconds() / 86_400


def business_days(view: View, episode: Episode) -> int:
    first, last = view.day(episode.opened_at), view.day(episode.ended_at or view.at)
    holidays = holidays_of(view.masters.settings["country"])
    after: list[date] = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    return sum(day.weekday() < 5 and day not in holidays for day in after)


def target(view: View, episode: Episode) -> int | None:
    status = view.masters.statuses.get(episode.type)
    days = status["target_days"] if status else None
    return int(days) if days is not None else None
