"""Spec 34: how long episodes took, and take."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from projections.parameters import Parameters
from projections.resolution_time import ResolutionTimeParameters
from tests.projections.oracle import durations, groups, reach
from tests.projections.oracle.answer import Answer, Row
from tests.projections.oracle.disputes import Episode, Part
from tests.projections.oracle.view import View


@dataclass
class _Part:
    """An item of an episode that was resolved, or else opened, in the period, and what was disputed of it."""

    episode: Episode
    is_resolved: bool
    amount: Decimal


@dataclass
class _Line:
    """An episode in one group, with what was disputed there at its opening."""

    episode: Episode
    amount: Decimal


def episodes_asked(view: View, asked: ResolutionTimeParameters) -> Iterator[Episode]:
    """At any time."""
    for episode in view.episodes:
        if (
            view.is_case_asked(episode.dispute, asked, episode.type, episode.resolver)
            and reach.sees_dispute(view, episode.dispute, episode.resolver)
            and picked(view, asked, episode)
            and not (asked.first_episodes_only and episode.number > 1)
        ):
            yield episode


def picked(view: View, asked: ResolutionTimeParameters, episode: Episode) -> list[Part]:
    """Its items at the opening that pass the filters on items."""
    return [part for part in episode.opening if view.has_item_part(view.items[part.item], asked, episode)]


def resolution_time(view: View, asked: ResolutionTimeParameters) -> Answer:
    by = groups.levels(asked.by or "type")
    found = groups.summed(_parts(view, asked, by), len(by))
    everything = found[0].setdefault(((), ""), [])  # there is a total of nothing, too
    currencies = {part.episode.dispute.currency for part in everything}
    answer = groups.answer(found, lambda _, __, own: _row(view, own, currencies))
    return Answer(answer.totals, answer.totals) if by == ["none"] else answer


def _parts(
    view: View, asked: ResolutionTimeParameters, by: list[str]
) -> Iterator[tuple[groups.Groups, str, _Part]]:
    for episode in episodes_asked(view, asked):
        days: list[tuple[date, bool]] = []
        if view.in_period(view.day(episode.opened_at), asked):
            days.append((view.day(episode.opened_at), False))
        if is_resolved_in_period(view, episode, asked) and episode.ended_at is not None:
            days.append((view.day(episode.ended_at), True))
        for day, is_resolved in days:
            for part in picked(view, asked, episode):
                group = groups.of_part(view, episode, view.items[part.item], by, day)
                yield group, "", _Part(episode, is_resolved, part.amount)


def is_resolved_in_period(view: View, episode: Episode, asked: Parameters) -> bool:
    return (
        episode.state == "resolved"
        and episode.ended_at is not None
        and view.in_period(view.day(episode.ended_at), asked)
    )


def _lines(parts: list[_Part], *, is_resolved: bool) -> list[_Line]:
    """Each episode once, however many of its items there are."""
    lines: dict[tuple[str, int], _Line] = {}
    for part in parts:
        if part.is_resolved is is_resolved:
            of = part.episode
            line = lines.setdefault((of.dispute.id, of.number), _Line(of, Decimal(0)))
            line.amount += part.amount
    return list(lines.values())


def _row(view: View, own: list[_Part], currencies: set[str]) -> Row:
    resolved, opened = _lines(own, is_resolved=True), _lines(own, is_resolved=False)
    days = [durations.days(view, line.episode) for line in resolved]
    business = [float(durations.business_days(view, line.episode)) for line in resolved]
    targets = [
        (durations.days(view, line.episode), target)
        for line in resolved
        if (target := durations.target(view, line.episode)) is not None
    ]
    responses = [
        (line.episode.responded_at - line.episode.opened_at) / timedelta(days=1)
        for line in resolved
        if line.episode.responded_at is not None
    ]
    chases = [line.episode.chases for line in resolved]
    return {
        "count": len(resolved),
        "mean_days": _mean(days),
        "median_days": _percentile(days, 0.5),
        "p90_days": _percentile(days, 0.9),
        "mean_business_days": _mean(business),
        "median_business_days": _percentile(business, 0.5),
        "p90_business_days": _percentile(business, 0.9),
        "within_target": _mean([float(took <= target) for took, target in targets]),
        "responded": len(responses),
        "mean_first_response_days": _mean(responses),
        "median_first_response_days": _percentile(responses, 0.5),
        "chases_per_episode": _mean([float(each) for each in chases]),
        "opened": len(opened),
        "still_open": sum(line.episode.state == "open" for line in opened),
        "escalated": sum(line.episode.state == "escalated" for line in opened),
        **_kaplan_meier(view, opened),
        "by_currency": _weighted(view, resolved, currencies),
    }


def _weighted(view: View, resolved: list[_Line], currencies: set[str]) -> dict[str, float | None]:
    """The mean weighted by what was disputed at the opening, where that is not credit."""
    found: dict[str, float | None] = {}
    for currency in currencies:
        of = [line for line in resolved if line.episode.dispute.currency == currency and line.amount > 0]
        weight = sum((line.amount for line in of), Decimal(0))
        days = math.fsum(float(line.amount) * durations.days(view, line.episode) for line in of)
        found[f"weighted_mean_days_{currency}"] = days / float(weight) if weight else None
    return found


def _mean(values: list[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _percentile(values: list[float], share: float) -> float | None:
    """Linear interpolation."""
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


# --- Kaplan-Meier ------------------------------------------------------------------------------------

_Z = 1.959963984540054
"""95 % of a normal distribution lies within so many standard deviations."""


def _kaplan_meier(view: View, opened: list[_Line]) -> dict[str, float | None]:
    over = sorted(durations.days(view, line.episode) for line in opened if line.episode.state == "resolved")
    everything = [durations.days(view, line.episode) for line in opened]
    found: dict[str, float | None] = {
        f"km_{name}": None
        for name in ("median_days", "median_low", "median_high", "p90_days", "p90_low", "p90_high")
    }
    survival, greenwood = 1.0, 0.0
    for time in sorted(set(over)):
        at_risk, ended = sum(each >= time for each in everything), over.count(time)
        survival *= 1 - ended / at_risk
        if survival > 0 and at_risk > ended:
            greenwood += ended / (at_risk * (at_risk - ended))
            width = _Z * math.sqrt(greenwood) / math.log(survival)
            low, high = survival ** math.exp(-width), survival ** math.exp(width)
        else:
            survival = low = high = 0.0
        for name, left in (("median", 0.5), ("p90", 0.1)):
            bounds = (
                (f"km_{name}_days", survival),
                (f"km_{name}_low", min(low, high)),
                (f"km_{name}_high", max(low, high)),
            )
            for column, value in bounds:
                if found[column] is None and value <= left + 1e-12:
                    found[column] = time
    return found
