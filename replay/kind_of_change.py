"""What kind of change a difference between two moments of a report is."""

from __future__ import annotations

from projections.comparison import Counts
from replay.change_kinds import Difference, Kind
from replay.kinds_of_disputes import of_dispute
from replay.kinds_of_items import of_item
from replay.kinds_of_lines import of_line
from replay.kinds_of_receivables import of_receivables


def kind_of(counts: Counts, told: Difference) -> Kind:
    """The kind of change that *told* is, in a report of what it *counts*."""
    match counts:
        case Counts.ITEMS:
            return of_item(told)
        case Counts.RECEIVABLES:
            return of_receivables(told)
        case Counts.LINES:
            return of_line(told)
        case _:
            return of_dispute(counts, told)
