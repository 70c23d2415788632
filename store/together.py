"""Group commit: commands that wait for the log at the same time share one append.

The log takes one writer after the other, and each waits until the disk has its commit. Whoever comes
meanwhile need not do so one by one: one thread takes along all that wait, in one append.
Each is accepted or refused on its own, as if it had come alone.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from store.connections import LogUnavailable
from store.log import Appended, Log, Submission


@dataclass(slots=True)
class _Place:
    """One submission in the queue, and what became of it.

    *turn* is locked as long as its thread has to wait: until there is an outcome, or it is to send all.
    """

    submission: Submission
    outcome: Appended | Exception | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)

    def writes(self) -> frozenset[UUID]:
        """The streams that it adds to."""
        return frozenset(
            event.stream_id for decision in self.submission.decisions for event in decision.events
        )


class Together:
    """Appends to *log* for many threads."""

    def __init__(self, log: Log) -> None:
        self._log: Final = log
        self._lock: Final = threading.Lock()
        self._waiting: list[_Place] = []
        self._is_busy = False

    def append(self, submission: Submission) -> Appended:
        """As Log.append, together with what other threads append at this moment. Raises the same."""
        place = _Place(submission)
        with self._lock:
            self._waiting.append(place)
            if self._is_busy:
                place.turn.acquire()
            self._is_busy = True
        try:
            with place.turn:
                pass
        except BaseException:
            self._leave(place)
            raise
        if place.outcome is None:
            with self._lock:
                taken, self._waiting = self._waiting, []
            self._send(taken, place)
        return _result(place)

    def _leave(self, place: _Place) -> None:
        """Its thread was interrupted. If it was to send what waits, another thread has to."""
        with self._lock:
            is_leader = place.outcome is None and not place.turn.locked()
            if place in self._waiting:
                self._waiting.remove(place)
            if is_leader:
                self._hand_on()

    def _hand_on(self) -> None:
        # One thread is woken for what waits by now; waking all of them made each look, and most wait again.
        self._is_busy = bool(self._waiting)
        if self._waiting:
            self._waiting[0].turn.release()

    def _send(self, taken: Sequence[_Place], leader: _Place) -> None:
        try:
            first, rest = _disjoint(taken)
            self._send_together(first)
            for place in rest:
                self._send_alone(place)
        finally:
            for place in taken:
                if place.outcome is None:  # this thread was interrupted; nobody else would answer the others
                    place.outcome = LogUnavailable("the append was interrupted; send it again")
            with self._lock:
                self._hand_on()
            for place in taken:
                if place is not leader:
                    place.turn.release()

    def _send_together(self, places: Sequence[_Place]) -> None:
        if len(places) > 1:
            try:
                answers = self._log.append_all([place.submission for place in places])
            except LogUnavailable as error:
                for place in places:
                    place.outcome = error
                return
            except Exception:  # noqa: BLE001, S110 - one of them was refused: each hears for itself
                pass
            else:
                for place, appended in zip(places, answers, strict=True):
                    place.outcome = appended
                return
        for place in places:
            self._send_alone(place)

    def _send_alone(self, place: _Place) -> None:
        try:
            place.outcome = self._log.append(place.submission)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that it is for
            place.outcome = error


def _disjoint(places: Sequence[_Place]) -> tuple[list[_Place], list[_Place]]:
    """Those that can be accepted together, and those that expect what one of these changes."""
    together: list[_Place] = []
    rest: list[_Place] = []
    written: set[UUID] = set()
    for place in places:
        if written.isdisjoint(place.submission.expected):
            together.append(place)
            written |= place.writes()
        else:
            rest.append(place)
    return together, rest


def _result(place: _Place) -> Appended:
    if isinstance(place.outcome, Exception):
        raise place.outcome
    assert place.outcome is not None, "whoever leads takes along itself"
    return place.outcome
