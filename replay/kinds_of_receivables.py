"""What kind of change an item, a dispute or stated sales make to receivables figures."""

from __future__ import annotations

from replay.change_kinds import Difference, Kind
from replay.kinds_of_disputes import open_since, other_items
from replay.kinds_of_items import of_item


def of_receivables(told: Difference) -> Kind:
    """The kind of change that *told* is: of what is open, of what is disputed, or of the sales of a month."""
    if told.others:
        return Kind.MOVED_IN if told.is_new else Kind.MOVED_OUT
    if told.after.what == "dispute":
        return _of_dispute(told)
    if told.after.what == "sales":
        return _of_stated(told)
    return of_item(told) if told.line.place.part is None else _of_sold(told)


def _of_dispute(told: Difference) -> Kind:
    if told.before is None:
        return Kind.OPENED
    if told.after.state != "open" and (told.grew("disputes") or told.after.state == "cancelled"):
        return Kind(told.after.state)
    if direction := told.grew("disputes"):
        return (open_since(told) or _came(told)) if direction > 0 else _left(told)
    if direction := told.grew("disputes_opened"):
        # As time goes by, it is none of the last days any more.
        return Kind.CAME_IN if direction > 0 else Kind.AGED
    return Kind.AMOUNT_CHANGED


def _came(told: Difference) -> Kind:
    return Kind.ITEMS_ADDED if other_items(told, 1) else Kind.CAME_IN


def _left(told: Difference) -> Kind:
    return Kind.ITEMS_TAKEN_OUT if other_items(told, -1) else Kind.LEFT_OUT


def _of_stated(told: Difference) -> Kind:
    is_news = told.before is None or told.before.version != told.after.version
    return Kind.STATED if is_news else Kind.AGED


def _of_sold(told: Difference) -> Kind:
    """An item, in the sales of the month in which it was issued."""
    if told.before is None:
        return Kind.REGISTERED
    if "withdrawn" in {told.before.state, told.after.state}:
        return Kind.REINSTATED if told.is_new else Kind.WITHDRAWN
    if not told.grew("month_sales"):
        return Kind.AGED
    if told.is_corrected:
        return Kind.CORRECTED
    return Kind.CAME_IN if told.is_new else _went(told)


def _went(told: Difference) -> Kind:
    return Kind.LEFT_OUT if told.after.superseded_by is None else Kind.SUPERSEDED
