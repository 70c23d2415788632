"""Spec 34: how long episodes took, and take."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from projections.parameters import Parameters
from projections.resolution_time import ResolutionTimeParameters
from tests.projections.oracle import groups, reach
from tests.projections.oracle.answer import Answer, Row
from tests.projections.oracle.calendars import holidays_of
from tests.projections.oracle.disputes import Episode, Part
from tests.projections.oracle.view import View


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
            and _picked(view, asked, episode)
            and not (asked.first_episodes_only and episode.number > 1)
        ):
            yield episode


def _picked(view: View, asked: ResolutionTimeParameters, episode: Episode) -> list[Part]:
    """Its items at the opening that pass the filters on items."""
    return [part for part in episode.opening if view.has_item_part(view.items[part.item], asked, episode)]


def resolution_time(view: View, asked: ResolutionTimeParameters) -> Answer:
    resolved: dict[groups.Group, list[_Line]] = defaultdict(list)
    opened: dict[groups.Group, list[_Line]] = defaultdict(list)
    all_resolved: list[_Line] = []
    all_opened: list[_Line] = []
    for episode in episodes_asked(view, asked):
        whole = _Line(episode, sum((part.amount for part in _picked(view, asked, episode)), Decimal(0)))
        if is_resolved_in_period(view, episode, asked) and episode.ended_at:
            all_resolved.append(whole)
            for group, amount in _groups(view, asked, episode, view.month(episode.ended_at)).items():
                resolved[group].append(_Line(episode, amount))
        if view.in_period(view.day(episode.opened_at), asked):
            all_opened.append(whole)
            for group, amount in _groups(view, asked, episode, view.month(episode.opened_at)).items():
                opened[group].append(_Line(episode, amount))
    currencies = {line.episode.dispute.currency for line in (*all_resolved, *all_opened)}
    total = _row(view, groups.TOTAL, all_resolved, all_opened, currencies)
    if asked.by == "none":
        return Answer([total], [total])
    return Answer(
        [_row(view, group, resolved[group], opened[group], currencies) for group in {*resolved, *opened}],
        [total],
    )


def is_resolved_in_period(view: View, episode: Episode, asked: Parameters) -> bool:
    return (
        episode.state == "resolved"
        and episode.ended_at is not None
        and view.in_period(view.day(episode.ended_at), asked)
    )


def _groups(
    view: View, asked: ResolutionTimeParameters, episode: Episode, month: str
) -> dict[groups.Group, Decimal]:
    by = asked.by or "type"
    amounts: dict[groups.Group, Decimal] = defaultdict(Decimal)
    for part in _picked(view, asked, episode):
        if by == "entity" or by.startswith(groups.ATTRIBUTE):
            group = groups.of_part(view.items[part.item], by, view.attributes_then(episode, part.item))
        elif by == "month":
            group = month, month
        else:
            group = groups.of_episode(view, episode, by)
        amounts[group] += part.amount
    return amounts


def _row(
    view: View, group: groups.Group, resolved: list[_Line], opened: list[_Line], currencies: set[str]
) -> Row:
    took = [days(view, line.episode) for line in resolved]
    business = [float(business_days(view, line.episode)) for line in resolved]
    targets = [
        (days(view, line.episode), within)
        for line in resolved
        if (within := target(view, line.episode)) is not None
    ]
    responses = [
        (line.episode.responded_at - line.episode.opened_at) / timedelta(days=1)
        for line in resolved
        if line.episode.responded_at is not None
    ]
    chases = [line.episode.chases for line in resolved]
    return {
        "key": group[0],
        "label": group[1],
        "count": len(resolved),
        "mean_days": _mean(took),
        "median_days": _percentile(took, 0.5),
        "p90_days": _percentile(took, 0.9),
        "mean_business_days": _mean(business),
        "median_business_days": _percentile(business, 0.5),
        "p90_business_days": _percentile(business, 0.9),
        "within_target": _mean([float(lasted <= within) for lasted, within in targets]),
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
        weighted = math.fsum(float(line.amount) * days(view, line.episode) for line in of)
        found[f"weighted_mean_days_{currency}"] = weighted / float(weight) if weight else None
    return found


def days(view: View, episode: Episode) -> float:
    return ((episode.ended_at or view.at) - episode.opened_at).total_seconds() / 86_400


def business_days(view: View, episode: Episode) -> int:
    first, last = view.day(episode.opened_at), view.day(episode.ended_at or view.at)
    holidays = holidays_of(view.masters.settings["country"])
    after: list[date] = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    return sum(day.weekday() < 5 and day not in holidays for day in after)


def target(view: View, episode: Episode) -> int | None:
    status = view.masters.statuses.get(episode.type)
    target = status["target_days"] if status else None
    return int(target) if target is not None else None


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
    over = sorted(days(view, line.episode) for line in opened if line.episode.state == "resolved")
    everything = [days(view, line.episode) for line in opened]
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
