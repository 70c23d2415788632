"""What the tables of states should hold of one stream, and what they do hold, thing by thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, Protocol, TypeAlias

from domain.case import State, evolve
from domain.events import Event
from projections.states import tables_of
from projections.tables import Key, Table

Row: TypeAlias = tuple[Any, ...]
"""With `Table.all_columns`."""

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
        self._events = []


class Stored(Protocol):
    """The rows of one table, thing by thing."""

    def take(self, key: Key) -> tuple[list[Row], list[Row]]:
        """Rows of things before *key* that nobody took, and the rows of *key*."""

    def rest(self) -> Iterator[Row]:
        """Rows that nobody took."""


class SortedRows:
    """Rows in the order of their keys, read along with streams in the same order."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._things: Final = groupby(rows, key=itemgetter(0))
        self._ahead: list[Row] = []
        self._read()

    def _read(self) -> None:
        _, rows = next(self._things, (None, ()))
        self._ahead = list(rows)

    def take(self, key: Key) -> tuple[list[Row], list[Row]]:
        """See `Stored`."""
        strays: list[Row] = []
        while self._ahead and self._ahead[0][0] < key:
            strays += self._ahead
            self._read()
        found: list[Row] = []
        if self._ahead and self._ahead[0][0] == key:
            found = self._ahead
            self._read()
        return strays, found

    def rest(self) -> Iterator[Row]:
        """See `Stored`."""
        while self._ahead:
            yield from self._ahead
            self._read()


class HeldRows:
    """Rows of the few things that a company has in one stream, all in memory."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._things: Final = {key: list(of_key) for key, of_key in groupby(rows, key=itemgetter(0))}

    def take(self, key: Key) -> tuple[list[Row], list[Row]]:
        """See `Stored`."""
        return [], self._things.pop(key, [])

    def rest(self) -> Iterator[Row]:
        """See `Stored`."""
        for rows in self._things.values():
            yield from rows


def columns_that_differ(table: Table, found: Row, expected: Iterable[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Name, value found and value expected of each column in which two rows differ."""
    for column, is_so, should_be in zip(table.all_columns, found, expected, strict=True):
        if is_so != should_be:
            yield column, is_so, should_be
