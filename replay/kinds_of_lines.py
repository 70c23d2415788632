"""What kind of change an action, a dispute or a customer makes to an agenda."""

from __future__ import annotations

from typing import Final

from replay.change_kinds import Difference, Found, Kind
from replay.kinds_of_disputes import open_since

# Of a dispute that stays open the last action does not end.
_CAME: Final = {"dispute_without_resolver": Kind.UNASSIGNED}
_WENT: Final = {"dispute_without_resolver": Kind.ASSIGNED, "dispute_without_follow_up": Kind.FOLLOWED_UP}
_STEP: Final = "scenario_step"


def of_line(told: Difference) -> Kind:
    """The kind of change that *told* is of a line of an agenda."""
    if told.others:
        return Kind.MOVED_IN if told.is_new else Kind.MOVED_OUT
    if told.is_new:
        return _line_began(told) or _line_seen(told)
    if told.is_gone:
        return _line_ended(told)
    if direction := told.grew("lines"):
        return Kind.DUE if direction > 0 else Kind.NOT_DUE
    return Kind.POSTPONED if _has_other_day(told) else Kind.AGED


def _has_other_day(told: Difference) -> bool:
    if told.line.place.part == _STEP:
        return told.grew("overdue") < 0
    return told.before is not None and told.before.due_on != told.after.due_on


def _line_began(told: Difference) -> Found:
    before, what = told.before, told.after.what
    if what == "dispute":
        return open_since(told)
    if before is None:
        return Kind.PLANNED if what == "follow_up" else Kind.REGISTERED
    return Kind.CONTINUED if before.state != "open" else None


def _line_seen(told: Difference) -> Kind:
    before, part = told.before, told.line.place.part or ""
    assert before is not None, "it was there before"
    if not before.is_reached:
        return Kind.INTO_REACH
    if part == _STEP:
        return Kind.DUE
    if part == "follow_up" and not before.is_due:
        return Kind.POSTPONED if _has_other_day(told) else Kind.DUE
    return _CAME.get(part, Kind.CAME_IN)


def _line_ended(told: Difference) -> Kind:
    after, part = told.after, told.line.place.part or ""
    if not after.is_reached:
        return Kind.OUT_OF_REACH
    if after.state != "open":
        return Kind(after.state)
    if part == _STEP:
        return Kind.NOT_DUE
    if part == "follow_up" and not after.is_due:
        return Kind.POSTPONED
    return _WENT.get(part, Kind.LEFT_OUT)
