"""From lines of the log to rows of the tables: which states there were, when each began and ended.

Pure but for the JSON of the lines. The feed folds batches in the order of positions and a rebuild folds whole
streams, both through here; only what they do with the outcome differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NoReturn, TypeAlias

from domain.case import State, evolve
from domain.dispute import Dispute
from domain.events import Event
from projections.copy_text import identifier, writer
from projections.lines import Line
from projections.states import ENDS_COUNTING, TABLES, TAKES_ENDS_BACK, tables_of
from projections.tables import Change, Table
from store.copy_text import NULL, text

Decode: TypeAlias = Callable[[str, str], Event]

Known: TypeAlias = tuple[int, State]
"""A stream's version, and its state then. True for ever: the log does not change."""

_NEW: Final = (0, None)
_NO_LINE: Final[Line] = (0, 0, "", 0, "", "", "")


def _refuse_gap(here: int, version: int) -> NoReturn:
    raise ValueError(f"version {version} of its stream follows version {here}")


class Unfoldable(Exception):
    """An event that cannot be read, or that does not fit the state before it. Says which and why."""

    def __init__(self, position: int, stored_name: str, why: str) -> None:
        super().__init__(position, stored_name, why)  # what it is made of, so that processes can pass it on
        self.position = position
        self.stored_name = stored_name
        self.why = why

    def __str__(self) -> str:
        return f"event {self.position} ({self.stored_name}): {self.why}"


class Rows:
    """New rows of one table, and which rows of before they end."""

    def __init__(self, table: Table) -> None:
        self.table: Final = table
        self.ended: Final[dict[str, tuple[int, str]]] = {}
        """Of what was there before: whose row ended, at which position and moment."""
        self._lines: Final[list[str]] = []
        self._live: Final[dict[str, tuple[str, str, str]]] = {}
        self._write: Final = writer(table)

    def add(self, change: Change, version: int, since: int, moment: str) -> None:
        """What *change* tells is true from position *since*, *moment* on; the row before ends there."""
        key, was_there, values = change
        name, written = (key, text(key)) if isinstance(key, str) else (identifier(key),) * 2
        before = self._live.get(name)
        if before is not None:
            start, began, rest = before
            self._lines.append(f"{start}\t{since}\t{began}\t{moment}\t{rest}")
        elif was_there:
            self.ended[name] = (since, moment)
        self._live[name] = (f"{written}\t{version}\t{since}", moment, self._write(values))

    def lines(self) -> list[str]:
        """All rows in COPY's text, with `Table.all_columns`."""
        live = [f"{start}\t{NULL}\t{began}\t{NULL}\t{rest}" for start, began, rest in self._live.values()]
        return self._lines + live


class Fold:
    """Folds lines, decision by decision, onto the states that *known* tells of.

    The lines of a stream must come in order and without gaps, and those of one stream and decision together
    or among other lines of the same decision.
    """

    def __init__(self, known: Mapping[str, Known], decode: Decode) -> None:
        self.states: Final[dict[str, Known]] = dict(known)
        self._decode: Final = decode
        self._rows: Final[dict[str, Rows]] = {}
        self._touched: Final[dict[str, tuple[State | None, list[Event]]]] = {}
        """The streams of the decision under way: each one's state before it, and its events."""
        self.ends: Final[list[tuple[str, int]]] = []
        """Disputes of which an episode was resolved or escalated, and at which position."""
        self.taken_back: Final[list[str]] = []
        """Disputes of which ends of episodes are none any more."""

    def take(self, lines: Iterable[Line]) -> None:
        """Fold *lines*. Raises Unfoldable; what was folded until then is of no use."""
        states, touched, decode = self.states, self._touched, self._decode
        last = _NO_LINE
        try:
            for line in lines:
                if line[1] != last[1]:
                    self._finish(last)
                last = line
                _, _, stream, version, name, data, _ = line
                event = decode(name, data)
                here, state = states.get(stream, _NEW)
                if version != here + 1:
                    _refuse_gap(here, version)
                if stream in touched:
                    touched[stream][1].append(event)
                else:
                    touched[stream] = (state, [event])
                states[stream] = (version, evolve(state, event))
            self._finish(last)
        except Exception as error:
            raise Unfoldable(last[0], last[4], reason(error)) from error

    def _finish(self, last: Line) -> None:
        """Make the rows of the decision of which *last* is the last line."""
        _, end, _, _, _, _, moment = last
        for stream, (before, events) in self._touched.items():
            version, state = self.states[stream]
            if state.__class__ is Dispute:
                self._note_ends(stream, end, events)
            for table in tables_of(state):
                for change in table.changes(before, state, events):
                    rows = self._rows.get(table.name) or self._rows.setdefault(table.name, Rows(table))
                    rows.add(change, version, end, moment)
        self._touched.clear()

    def _note_ends(self, dispute: str, end: int, events: Iterable[Event]) -> None:
        kinds = set(map(type, events))
        if not ENDS_COUNTING.isdisjoint(kinds):
            self.ends.append((dispute, end))
        elif not TAKES_ENDS_BACK.isdisjoint(kinds):
            self.taken_back.append(dispute)

    @property
    def rows(self) -> list[Rows]:
        """What became of the lines so far, for the tables that they changed, in the order of TABLES."""
        return [self._rows[table.name] for table in TABLES if table.name in self._rows]


def fold_states(lines: Iterable[Line], decode: Decode) -> dict[str, Known]:
    """The states of streams after *lines*, which begin with each stream's first event. Raises Unfoldable."""
    states: dict[str, Known] = {}
    for position, _, stream, version, name, data, _ in lines:
        before = states.get(stream)
        try:
            states[stream] = (version, evolve(before[1] if before else None, decode(name, data)))
        except Exception as error:
            raise Unfoldable(position, name, reason(error)) from error
    return states


def reason(error: Exception) -> str:
    """An error in one line. Of a database's error only its first sentence: details quote rows."""
    diagnosis = getattr(error, "diag", None)
    said = diagnosis.message_primary if diagnosis is not None else str(error)
    return f"{type(error).__name__}: {said}"
