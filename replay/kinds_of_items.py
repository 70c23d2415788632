"""What kind of change an item makes to a report."""

from __future__ import annotations

from replay.change_kinds import Difference, Kind


def of_item(told: Difference) -> Kind:
    """The kind of change that *told* is of an item."""
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
    if any(map(told.grew, ("amount", "balance", "receivables"))):
        return Kind.CORRECTED if told.is_corrected else Kind.AMOUNT_CHANGED
    if direction := told.grew("disputed"):
        return Kind.DISPUTED if direction > 0 else Kind.UNDISPUTED
    if told.grew("overdue") or told.grew("not_due"):
        return Kind.CORRECTED if told.is_corrected else Kind.AGED
    return Kind.QUALIFIED
