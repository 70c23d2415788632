"""What keeps the tables of states up with the log.

A feed folds the log in batches that end on decisions, and writes each batch's rows and the position that they
reach in one transaction. What a batch becomes follows from the log alone, so it is put together before the
transaction begins and while the batch before it is being written. Any number of feeds may follow one log, in
one process or several: each batch is applied by one of them.

A feed never skips. At an event that it cannot fold, or rows that it cannot write, it stays where it is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from typing import Final, TypeAlias

import psycopg
from eventsourcing.persistence import IntegrityError
from psycopg.rows import dict_row

from projections.fold import Fold, Known, Rows, Unfoldable, fold_states, reason
from projections.lines import Line, Lines
from projections.writing import RowsMissing, Writer
from store.connections import CompanyDatastore, survive
from store.log import Log
from store.tracking import StatesTracking

Progress: TypeAlias = Callable[[int, int], None]
"""Told (position reached, position to reach) after every batch."""

_PAUSE: Final = 0.02
"""Seconds between looks at what another feed does."""


class FeedFailed(Exception):
    """The feed stands still: ``position`` and ``stored_name`` say at which event, ``why`` for what reason."""

    def __init__(self, position: int, stored_name: str, why: str) -> None:
        super().__init__(f"the feed stopped at event {position} ({stored_name}): {why}")
        self.position = position
        self.stored_name = stored_name
        self.why = why


class _Outcome(Enum):
    APPLIED = auto()
    BUSY = auto()
    """Another feed is at work: nothing was done."""
    MOVED = auto()
    """Another feed was faster: the batch is not the next one any more."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the events after ``after`` up to ``upto`` change."""

    after: int
    upto: int
    first: tuple[int, str]
    rows: list[Rows]
    ends: list[tuple[str, int]]
    taken_back: list[str]


class Feed:
    """Follows one company's log. Threads may share it.

    batch: about how many events one transaction takes. cache: how many streams' last states are kept, so that
    they need not be folded anew when their next event comes. suffix: of the tables that are written, that of
    the position among them; empty for the live ones. tables: the names of those that are written; None: all.
    """

    def __init__(
        self,
        datastore: CompanyDatastore,
        log: Log,
        *,
        batch: int = 2_000,
        cache: int = 50_000,
        suffix: str = "",
        tables: Collection[str] | None = None,
    ) -> None:
        self._datastore: Final = datastore
        self._log: Final = log
        self._batch: Final = batch
        self._capacity: Final = cache
        self._lines: Final = Lines(datastore)
        self._tracking: Final = StatesTracking(datastore, suffix)
        self._writer: Final = Writer(datastore.schema, suffix, tables)
        self._known: Final[dict[str, Known]] = {}
        self._working: Final = threading.Lock()
        self._moved: Final = threading.Condition()
        self._reached = 0
        self.failure: FeedFailed | None = None
        """Why the feed stands still; None while it gets on."""
        self.followed = False
        """Whether something keeps it running, so that those who wait need not."""
        self._wanted: Final = threading.Event()

    # --- where it stands ---------------------------------------------------------------------------

    def position(self) -> int:
        """The position up to which the tables are true."""
        position = self._tracking.position()
        self._notice(position)
        return position

    def lag(self) -> int:
        """How many events the tables are behind the log."""
        newest = self._log.newest()  # asked first: it is not smaller than what is asked after it
        return max(0, newest - self.position())

    def wait_for(self, position: int, timeout: float) -> bool:
        """Wait up to *timeout* seconds until the tables have reached *position*; return whether they have.

        Does the work itself if nothing in this process follows the log. Raises FeedFailed if the feed stands
        before *position*; LogUnavailable.
        """
        end = time.monotonic() + timeout
        while self._reached < position and self.position() < position:
            if self.followed and (failure := self.failure) is not None:
                raise FeedFailed(failure.position, failure.stored_name, failure.why)
            left = end - time.monotonic()
            if left <= 0:
                return False
            if self.followed or not self._help(position, left):
                self._wanted.set()
                self._pause(position, min(left, _PAUSE))
        return True

    def rest(self, seconds: float) -> None:
        """Wait up to *seconds*, or until somebody waits for the tables to get on.

        Many events take hardly longer than one: who follows a log at every event is busy with transactions.
        """
        self._wanted.wait(seconds)
        self._wanted.clear()

    def _help(self, position: int, patience: float) -> bool:
        """Apply one batch on the way to *position*; whether that was possible."""
        if not self._working.acquire(timeout=patience):
            return False
        try:
            limit = min(self._batch, max(1, position - self.position()))
            return self._careful_step(limit, time.monotonic() + patience)
        finally:
            self._working.release()

    def _notice(self, position: int) -> None:
        with self._moved:
            if position > self._reached:
                self._reached = position
                self._moved.notify_all()

    def _pause(self, position: int, seconds: float) -> None:
        with self._moved:
            if self._reached < position:
                self._moved.wait(seconds)

    # --- getting on --------------------------------------------------------------------------------

    def catch_up(
        self,
        until: int | None = None,
        progress: Progress | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> int:
        """Bring the tables to position *until*, or to the newest event; return the position reached.

        Ends on the decision that *until* belongs to, does not wait for events that are still to come, and
        leaves off after a batch when *stop* says so.
        Raises FeedFailed after everything before the failing event's decision was applied; LogUnavailable.
        """
        newest = self._log.newest()
        target = newest if until is None else min(until, newest)

        def told(position: int) -> bool:
            if progress is not None:
                progress(position, target)
            return stop()

        with self._working:
            while (position := self.position()) < target and not stop():
                try:
                    outcome = self._run(position, target, told)
                except Unfoldable as error:
                    self._creep(min(self._end_of(error), target), lambda: told(self._reached))
                else:
                    if outcome is _Outcome.BUSY:
                        self._pause(target, _PAUSE)
            return position

    def _run(self, position: int, target: int, told: Callable[[int], bool]) -> _Outcome:
        """Apply batch after batch, putting each together while the one before is being written.

        *told* the position after each, says whether to leave off.
        """
        outcome = _Outcome.APPLIED
        batch = self._prepare(position, min(self._batch, target - position))
        with ThreadPoolExecutor(1) as assistant:  # costs nothing until something is submitted
            while batch is not None and outcome is _Outcome.APPLIED:
                upto = batch.upto
                following: Future[_Batch | None] | None = None
                if upto < target:
                    following = assistant.submit(self._prepare, upto, min(self._batch, target - upto))
                outcome = self._apply(batch)
                batch = following.result() if following else None
                if told(self._reached):
                    break
        return outcome

    def _creep(self, goal: int, stop: Callable[[], bool]) -> None:
        """Approach the event that cannot be applied, in ever smaller batches: all before it, then FeedFailed.

        Leaves off at *goal* (the batch that failed is over, so it went after all: another feed, or another
        version of the service, got past it) and when *stop* says so.
        """
        limit = self._batch
        while True:
            limit = max(1, limit // 4)
            try:
                return self._inch(goal, limit, stop)
            except Unfoldable as error:
                if limit == 1:
                    self.failure = FeedFailed(error.position, error.stored_name, error.why)
                    raise self.failure from error

    def _inch(self, goal: int, limit: int, stop: Callable[[], bool]) -> None:
        while (position := self.position()) < goal and not stop():
            if self._step(min(limit, goal - position)) is _Outcome.BUSY:
                self._pause(goal, _PAUSE)

    def _end_of(self, failed: Unfoldable) -> int:
        """Where the batch in which something *failed* is over: it is written next, or was read ahead."""
        return max(failed.position, self.position() + self._batch)

    def _careful_step(self, limit: int, end: float) -> bool:
        try:
            return self._step(limit) is _Outcome.APPLIED
        except Unfoldable as error:
            goal = min(self._end_of(error), self._log.newest())
            self._creep(goal, lambda: time.monotonic() >= end)
            return True

    def _step(self, limit: int) -> _Outcome | None:
        """Apply about *limit* events, at least one decision; None at the end of the log."""
        batch = self._prepare(self.position(), limit)
        return None if batch is None else self._apply(batch)

    # --- one batch ---------------------------------------------------------------------------------

    def _prepare(self, after: int, limit: int) -> _Batch | None:
        """Fold the events after position *after*; None if there are none. Raises Unfoldable."""
        lines = self._lines.after(after, limit)
        if not lines:
            return None
        fold = Fold(self._before(lines), self._log.codec.decode)
        fold.take(lines)
        self._remember(fold.states)
        position, _, _, _, name, _, _ = lines[0]
        return _Batch(after, lines[-1][0], (position, name), fold.rows, fold.ends, fold.taken_back)

    def _before(self, lines: list[Line]) -> dict[str, Known]:
        """The states onto which *lines* are folded: from the cache if its version fits, else from the log."""
        known: dict[str, Known] = {}
        missing: dict[str, int] = {}
        for stream, version in {line[2]: line[3] for line in reversed(lines)}.items():
            cached = self._known.get(stream)
            if cached is not None and cached[0] == version - 1:
                known[stream] = cached
            elif version > 1:
                missing[stream] = version
        return known | fold_states(self._lines.beginnings(missing), self._log.codec.decode)

    def _remember(self, states: dict[str, Known]) -> None:
        for stream, known in states.items():
            self._known.pop(stream, None)  # a dictionary keeps its order: the least recently used come first
            self._known[stream] = known
        for stream in list(islice(self._known, max(0, len(self._known) - self._capacity))):
            del self._known[stream]

    def _apply(self, batch: _Batch) -> _Outcome:
        """Write *batch*, if it is the next one. Raises Unfoldable if its rows do not fit."""
        try:
            outcome = survive(self._datastore.pool, lambda: self._write(batch))
        except (psycopg.Error, IntegrityError, RowsMissing) as error:
            raise Unfoldable(*batch.first, reason(error)) from error
        if outcome is _Outcome.APPLIED:
            self.failure = None
            self._notice(batch.upto)
        return outcome

    def _write(self, batch: _Batch) -> _Outcome:
        if batch.after == 0:
            self._tracking.begin()
        with (
            self._datastore.pool.connection() as connection,
            connection.transaction(),
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            position = self._tracking.lock(cursor)
            if position is None:
                return _Outcome.BUSY
            if position != batch.after:
                return _Outcome.MOVED
            for rows in batch.rows:
                self._writer.write(cursor, rows)
            self._writer.write_ended_episodes(cursor, batch.ends, batch.taken_back)
            self._tracking.move(cursor, batch.upto)
        return _Outcome.APPLIED
