"""What kind of change a dispute or an episode makes to a report."""

from __future__ import annotations

from typing import Final

from projections.comparison import Counts, Thing
from replay.change_kinds import Difference, Found, Kind


def of_dispute(counts: Counts, told: Difference) -> Kind:
    """The kind of change that *told* is of a dispute or an episode, in a report of what it *counts*."""
    if told.others:
        return Kind.MOVED_IN if told.is_new else Kind.MOVED_OUT
    if told.is_new:
        return _began(counts, told) or _seen_now(told)
    if told.is_gone:
        return _ended(counts, told)
    return _changed(counts, told)


def _episode(thing: Thing | None) -> int:
    return thing.episode or 0 if thing else 0


def _began(counts: Counts, told: Difference) -> Found:
    match counts:
        case Counts.OPEN:
            return open_since(told)
        case Counts.RESOLVED:
            return _resolved_since(told, _episode(told.after))
        case Counts.DESKS:
            return _resolved_since(told, told.line.episode or 0)
        case Counts.HAPPENINGS:
            return _happened_since(told)
        case Counts.EPISODES:
            return _episode_since(told)
        case _:
            return Kind.OPENED if told.before is None else None


def _resolved_since(told: Difference, episode: int) -> Found:
    before = told.before
    if before is None or _episode(before) < episode:
        return Kind.RESOLVED
    return Kind.RESOLVED if _episode(before) == episode and before.state != "resolved" else None


def _happened_since(told: Difference) -> Found:
    episode = told.line.episode or 0
    if told.grew("resolved"):
        return _resolved_since(told, episode)
    if episode > _episode(told.before):
        return Kind.OPENED if episode == 1 else Kind.REOPENED
    return None


def open_since(told: Difference) -> Found:
    """What made it open, unless it was open before."""
    if told.before is None:
        return Kind.OPENED
    if told.before.state == "open":
        return None
    return Kind.REOPENED if _episode(told.after) > _episode(told.before) else Kind.CONTINUED


def _episode_since(told: Difference) -> Found:
    episode = told.line.episode or 0
    if episode > _episode(told.before):
        was_resolved = told.grew("count") > 0
        return Kind.RESOLVED if was_resolved else Kind.OPENED if episode == 1 else Kind.REOPENED
    return Kind.RESOLVED if told.before and told.before.state == "open" and told.grew("count") else None


def _seen_now(told: Difference) -> Kind:
    if told.before is not None and not told.before.is_reached:
        return Kind.INTO_REACH
    return Kind.ITEMS_ADDED if other_items(told, 1) else Kind.CAME_IN


_OF_ENDINGS: Final = frozenset({Counts.RESOLVED, Counts.EPISODES, Counts.DESKS, Counts.HAPPENINGS})


def _ended(counts: Counts, told: Difference) -> Kind:
    after = told.after
    if not after.is_reached:
        return Kind.OUT_OF_REACH
    if after.state == "cancelled" or (counts is Counts.OPEN and after.state != "open"):
        return Kind(after.state)
    if counts in _OF_ENDINGS and (again := _again(counts, told)):
        return again
    return Kind.ITEMS_TAKEN_OUT if other_items(told, -1) else Kind.LEFT_OUT


def _again(counts: Counts, told: Difference) -> Found:
    """What makes a resolution count no longer, or elsewhere: the dispute goes on."""
    episode = told.line.episode or _episode(told.before)
    if _episode(told.after) == episode:
        had_ended = told.before is not None and told.before.state != "open"
        return Kind.CONTINUED if had_ended and told.after.state == "open" else None
    return Kind.REOPENED if counts is Counts.RESOLVED else None


def _changed(counts: Counts, told: Difference) -> Kind:
    if counts is Counts.EPISODES:
        return _episode_changed(told)
    if counts in {Counts.DESKS, Counts.HAPPENINGS}:
        return _ending_changed(told)
    if _episode(told.after) != _episode(told.before):
        return Kind.RESOLVED if counts is Counts.RESOLVED else Kind.REOPENED
    if counts is Counts.OPEN and other_items(told, 0):
        return Kind.ITEMS_ADDED if other_items(told, 1) else Kind.ITEMS_TAKEN_OUT
    return Kind.CORRECTED if told.is_corrected else Kind.AMOUNT_CHANGED


def _ending_changed(told: Difference) -> Kind:
    """Of an episode that counts as before, and its ending otherwise or not at all."""
    if told.grew("resolved") < 0:
        return Kind.CONTINUED
    is_resolved = told.grew("resolved") > 0 or told.grew("days")
    return Kind.RESOLVED if is_resolved else Kind.AMOUNT_CHANGED


def _episode_changed(told: Difference) -> Kind:
    if told.grew("escalated") > 0:
        return Kind.ESCALATED
    if told.grew("still_open") > 0:
        return Kind.CONTINUED
    if told.line.figures.after["still_open"]:
        return Kind.AGED
    if any(map(told.grew, ("still_open", "escalated", "days_observed", "count", "days"))):
        return Kind.ESCALATED if told.line.figures.after["escalated"] else Kind.RESOLVED
    return Kind.TARGET_CHANGED


def other_items(told: Difference, direction: int) -> bool:
    """Whether the dispute's items differ (0), or some came (1) or went (-1)."""
    before = set(told.before.around) if told.before else set()
    after = set(told.after.around)
    came, went = after - before, before - after
    return bool({0: came | went, 1: came, -1: went}[direction])
