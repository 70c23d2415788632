"""What kind of change a difference between two moments of a report is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from projections.comparison import Line, Thing


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
    STATED = "stated"
    SUPERSEDED = "superseded"
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
    Kind.STATED: "The company stated it.",
    Kind.SUPERSEDED: "The company stated the sales of its month, which count in its place.",
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
"""The kind of a change, as far as it can be told."""


def _is_nothing(figures: Mapping[str, object]) -> bool:
    return not any(figures.values())
