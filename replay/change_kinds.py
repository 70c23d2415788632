"""What kind of change a difference between two moments of a report is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from projections.comparison import Counts, Line, Thing


class Kind(StrEnum):
    """Why a dispute, an episode or an item adds something else to a row than it did."""

    OPENED = "opened"
    REOPENED = "reopened"
    CONTINUED = "continued"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"
    ESCALATED = "escalated"
    MOVED_IN = "moved_in"
    MOVED_OUT = "moved_out"
    ITEMS_ADDED = "items_added"
    ITEMS_TAKEN_OUT = "items_taken_out"
    REGISTERED = "registered"
    REINSTATED = "reinstated"
    CLEARED = "cleared"
    WITHDRAWN = "withdrawn"
    CORRECTED = "corrected"
    AMOUNT_CHANGED = "amount_changed"
    DISPUTED = "disputed"
    UNDISPUTED = "undisputed"
    QUALIFIED = "qualified"
    AGED = "aged"
    TARGET_CHANGED = "target_changed"
    PLANNED = "planned"
    ENDED = "ended"
    DUE = "due"
    NOT_DUE = "not_due"
    POSTPONED = "postponed"
    UNASSIGNED = "unassigned"
    ASSIGNED = "assigned"
    FOLLOWED_UP = "followed_up"
    CAME_IN = "came_in"
    LEFT_OUT = "left_out"
    INTO_REACH = "into_reach"
    OUT_OF_REACH = "out_of_reach"


SENTENCES: Final[Mapping[Kind, str]] = {
    Kind.OPENED: "It was opened.",
    Kind.REOPENED: "It was reopened.",
    Kind.CONTINUED: "It goes on: what had ended it was undone.",
    Kind.RESOLVED: "It was resolved.",
    Kind.CANCELLED: "It was cancelled, and counts nowhere.",
    Kind.ESCALATED: "It was handed to litigation.",
    Kind.MOVED_IN: "It moved here from {others}.",
    Kind.MOVED_OUT: "It moved from here to {others}.",
    Kind.ITEMS_ADDED: "Items were added to it.",
    Kind.ITEMS_TAKEN_OUT: "Items were taken out of it.",
    Kind.REGISTERED: "It was registered.",
    Kind.REINSTATED: "It is open again.",
    Kind.CLEARED: "It was paid.",
    Kind.WITHDRAWN: "The import that had registered it was undone.",
    Kind.CORRECTED: "The ledger corrected it.",
    Kind.AMOUNT_CHANGED: "Its amount is another one.",
    Kind.DISPUTED: "More of it is disputed.",
    Kind.UNDISPUTED: "Less of it is disputed.",
    Kind.QUALIFIED: "Something else is said of it.",
    Kind.AGED: "Time went by; no event marks it.",
    Kind.TARGET_CHANGED: "The target of its type is another one.",
    Kind.PLANNED: "It was planned.",
    Kind.ENDED: "It ended.",
    Kind.DUE: "It has come due.",
    Kind.NOT_DUE: "It is due no more.",
    Kind.POSTPONED: "It has another day.",
    Kind.UNASSIGNED: "It has no resolver any more.",
    Kind.ASSIGNED: "It has a resolver now.",
    Kind.FOLLOWED_UP: "An action is planned for it now.",
    Kind.CAME_IN: "It was there before, and now is among what is asked for.",
    Kind.LEFT_OUT: "It is still there, and no longer among what is asked for.",
    Kind.INTO_REACH: "It was out of your reach before.",
    Kind.OUT_OF_REACH: "It is out of your reach now.",
}
"""Each kind in words; *others* are the rows that it came from or went to."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A line, the other lines of the same thing, and what both moments show of it."""

    line: Line
    siblings: Sequence[Line]
    before: Thing | None
    after: Thing
    is_corrected: bool
    """Whether the ledger corrected one of its items in between."""

    @property
    def is_new(self) -> bool:
        """Whether it was not in the row before."""
        return _is_nothing(self.line.figures.before)

    @property
    def is_gone(self) -> bool:
        """Whether it is no longer in the row."""
        return _is_nothing(self.line.figures.after)

    @property
    def others(self) -> list[Line]:
        """Where it was before and is no longer, if it is new here; where it is now, if it is gone here."""
        if self.is_new:
            return [each for each in self.siblings if _is_nothing(each.figures.after)]
        if self.is_gone:
            return [each for each in self.siblings if _is_nothing(each.figures.before)]
        return []

    def grew(self, figure: str) -> int:
        """1 if the absolute *figure* is larger now, -1 if it is smaller, else 0; also where there is none."""
        before, after = self.line.figures.before.get(figure), self.line.figures.after.get(figure)
        if before is None or after is None:
            return 0
        return (abs(after) > abs(before)) - (abs(after) < abs(before)) or int(after != before)


Found: TypeAlias = Kind | None


def _is_nothing(figures: Mapping[str, object]) -> bool:
    return not any(figures.values())


def kind_of(counts: Counts, told: Difference) -> Kind:
    """The kind of change that *told* is, in a report of what it *counts*."""
    if counts is Counts.ITEMS:
        return _of_item(told)
    if counts is Counts.LINES:
        return _of_line(told)
    if told.others:
        return Kind.MOVED_IN if told.is_new else Kind.MOVED_OUT
    if told.is_new:
        return _began(counts, told) or _seen_now(told)
    if told.is_gone:
        return _ended(counts, told)
    return _changed(counts, told)


# --- disputes and episodes -------------------------------------------------------------------------


def _episode(thing: Thing | None) -> int:
    return thing.episode or 0 if thing else 0


def _began(counts: Counts, told: Difference) -> Found:
    match counts:
        case Counts.OPEN:
            return _open_since(told)
        case Counts.RESOLVED:
            before = told.before
            is_news = before is None or before.state != "resolved" or before.episode != told.after.episode
            return Kind.RESOLVED if is_news else None
        case Counts.EPISODES:
            return _episode_since(told)
        case _:
            return Kind.OPENED if told.before is None else None


def _open_since(told: Difference) -> Found:
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
    return Kind.ITEMS_ADDED if _other_items(told, 1) else Kind.CAME_IN


def _ended(counts: Counts, told: Difference) -> Kind:
    after = told.after
    if not after.is_reached:
        return Kind.OUT_OF_REACH
    if after.state == "cancelled" or (counts is Counts.OPEN and after.state != "open"):
        return Kind(after.state)
    if counts in {Counts.RESOLVED, Counts.EPISODES} and (again := _again(counts, told)):
        return again
    return Kind.ITEMS_TAKEN_OUT if _other_items(told, -1) else Kind.LEFT_OUT


def _again(counts: Counts, told: Difference) -> Found:
    """What makes a resolution count no longer, or elsewhere: the dispute goes on."""
    episode = told.line.episode if counts is Counts.EPISODES else _episode(told.before)
    if _episode(told.after) == episode:
        return Kind.CONTINUED if told.after.state == "open" else None
    return Kind.REOPENED if counts is Counts.RESOLVED else None


def _changed(counts: Counts, told: Difference) -> Kind:
    if counts is Counts.EPISODES:
        return _episode_changed(told)
    if _episode(told.after) != _episode(told.before):
        return Kind.RESOLVED if counts is Counts.RESOLVED else Kind.REOPENED
    if counts is Counts.OPEN and _other_items(told, 0):
        return Kind.ITEMS_ADDED if _other_items(told, 1) else Kind.ITEMS_TAKEN_OUT
    return Kind.CORRECTED if told.is_corrected else Kind.AMOUNT_CHANGED


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


def _other_items(told: Difference, direction: int) -> bool:
    """Whether the dispute's items differ (0), or some came (1) or went (-1)."""
    before = set(told.before.around) if told.before else set()
    after = set(told.after.around)
    came, went = after - before, before - after
    return bool({0: came | went, 1: came, -1: went}[direction])


# --- items -----------------------------------------------------------------------------------------


def _of_item(told: Difference) -> Kind:
    if told.others:
        return _moved(told)
    if told.is_new:
        if told.before is None:
            return Kind.REGISTERED
        if told.before.state != "open":
            return Kind.REINSTATED
        return Kind.CAME_IN if told.before.is_reached else Kind.INTO_REACH
    if told.is_gone:
        if not told.after.is_reached:
            return Kind.OUT_OF_REACH
        return Kind.LEFT_OUT if told.after.state == "open" else Kind(told.after.state)
    return _item_changed(told)


def _moved(told: Difference) -> Kind:
    place, other = told.line.place, told.others[0].place
    if (place.key, place.currency) == (other.key, other.currency):  # another bucket of the same row
        return Kind.CORRECTED if told.is_corrected else Kind.AGED
    return Kind.MOVED_IN if told.is_new else Kind.MOVED_OUT


def _item_changed(told: Difference) -> Kind:
    if told.grew("amount") or told.grew("balance"):
        return Kind.CORRECTED if told.is_corrected else Kind.AMOUNT_CHANGED
    if direction := told.grew("disputed"):
        return Kind.DISPUTED if direction > 0 else Kind.UNDISPUTED
    if told.grew("overdue"):
        return Kind.CORRECTED if told.is_corrected else Kind.AGED
    return Kind.QUALIFIED


# --- lines of an agenda ------------------------------------------------------------------------------

# Of a dispute that stays open the last action does not end.
_CAME: Final = {"dispute_without_resolver": Kind.UNASSIGNED}
_WENT: Final = {"dispute_without_resolver": Kind.ASSIGNED, "dispute_without_follow_up": Kind.FOLLOWED_UP}
_STEP: Final = "scenario_step"


def _of_line(told: Difference) -> Kind:
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
        return _open_since(told)
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
