"""What the tables of states should hold of one stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from domain.case import State, evolve
from domain.dispute import Dispute
from domain.events import Event
from projections.states import tables_of
from projections.tables import Key, Table
from replay.expected_episodes import DisputeLife
from replay.stored_rows import Row

SINCE: Final = 2
"""The place in a row of the position at which it begins."""
_UNTIL: Final = 3
_OCCURRED_UNTIL: Final = 5


class StreamFold:
    """Folds one stream from its first event on, and keeps the rows of the decisions up to *position*.

    ``version`` and ``moment`` are those of the last event.
    """

    def __init__(self, position: int) -> None:
        self.version = 0
        self.moment: datetime | None = None
        self.rows: Final[dict[str, dict[Key, list[list[Any]]]]] = {}
        """For each table, the rows of each thing in order."""
        self.life: DisputeLife | None = None
        """Of the dispute, if it is one."""
        self._position: Final = position
        self._state: State | None = None
        self._before: State | None = None
        self._events: list[Event] = []
        self._end = 0

    def take(self, event: Event, version: int, end: int, moment: datetime) -> tuple[State | None, State]:
        """Fold *event*, whose decision ends at position *end*; the states before and after it.

        Raises whatever `evolve` raises.
        """
        if end != self._end:
            self.finish()
            self._before, self._events, self._end = self._state, [], end
        before, after = self._state, evolve(self._state, event)
        self._state = after
        self._events.append(event)
        self.version, self.moment = version, moment
        return before, after

    def finish(self) -> None:
        """Make the rows of the decision taken last."""
        if self._state is None or self._end > self._position:
            return
        for table in tables_of(self._state):
            for key, _, values in table.changes(self._before, self._state, self._events):
                rows = self.rows.setdefault(table.name, {}).setdefault(key, [])
                if rows:
                    rows[-1][_UNTIL], rows[-1][_OCCURRED_UNTIL] = self._end, self.moment
                rows.append([key, self.version, self._end, None, self.moment, None, *values])
        if isinstance(self._state, Dispute):
            self._live_on(self._before, self._state)
        self._events = []

    def _live_on(self, before: State | None, dispute: Dispute) -> None:
        assert before is None or isinstance(before, Dispute), "a stream is of one kind"
        assert self.moment is not None, "an event was taken"
        if self.life is None:
            self.life = DisputeLife(dispute.id)
        at = (self._end, self.version, self.moment)
        self.life.take(before, dispute, self._events, *at)


def columns_that_differ(table: Table, found: Row, expected: Iterable[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Name, value found and value expected of each column in which two rows differ."""
    for column, is_so, should_be in zip(table.all_columns, found, expected, strict=True):
        if is_so != should_be:
            yield column, is_so, should_be
