"""The thread that runs a feed in the serving process."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final, Self

import structlog

from projections.feed import Feed, FeedFailed
from projections.fold import Unfoldable, reason
from store.connections import LogUnavailable
from store.log import Log

_log: Final = structlog.get_logger()

_PATIENCE: Final = 0.25
"""Seconds that the thread waits for events before it looks at the feed again."""

_GATHER: Final = 0.05
"""Seconds in which further events may come along, unless somebody waits for those that are there."""

_RETRY: Final = 2.0
"""Seconds until a feed that stands still is tried again: a rebuild may have mended what it stands at."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a feed does. lag: events still to apply, None if the database cannot be asked.

    failure: where it stands and the class of the error. The text of the error, which may quote the company's
    data, is in the service's own log only: everybody may ask for health.
    """

    running: bool
    position: int | None
    lag: int | None
    failure: str | None


class Worker:
    """Runs *feed* from `start` to `stop`, close behind the log. A context manager does both.

    It notices events within some 30 ms and applies those of 50 ms together, or at once if somebody waits for
    them.
    """

    def __init__(self, feed: Feed, log: Log) -> None:
        self._feed: Final = feed
        self._log: Final = log
        self._stopping: Final = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: str | None = None

    def start(self) -> None:
        """Begin to follow the log. Raises RuntimeError if it does so already."""
        if self._thread is not None:
            raise RuntimeError("the worker runs already")
        self._stopping.clear()
        self._feed.followed = True
        self._thread = threading.Thread(target=self._follow, name="feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch under way and end. Does nothing if it does not run."""
        if self._thread is None:
            return
        self._stopping.set()
        self._thread.join()
        self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def health(self) -> Health:
        """How it does now; never raises."""
        running = self._thread is not None and self._thread.is_alive() and self._failure is None
        try:
            position, lag = self._feed.position(), self._feed.lag()
        except LogUnavailable as error:
            return Health(running, None, None, self._failure or type(error).__name__)
        return Health(running, position, lag, self._failure)

    def _follow(self) -> None:
        try:
            while not self._stopping.is_set():
                self._turn()
        finally:
            self._feed.followed = False

    def _turn(self) -> None:
        try:
            position = self._feed.catch_up(stop=self._stopping.is_set)
            self._failure = None
            if self._log.wait(position, _PATIENCE, self._stopping.is_set):
                self._feed.rest(_GATHER)
        except FeedFailed as error:
            self._stumble(error, f"the feed stopped at event {error.position} ({error.stored_name}): ")
        except Exception as error:  # noqa: BLE001 - also what nobody thought of must show
            self._stumble(error)

    def _stumble(self, error: Exception, where: str = "") -> None:
        failure = f"{where}{_cause(error)}"
        is_new = failure != self._failure  # it is tried again and again, and said once
        self._failure = failure
        if is_new:
            _log.error("feed_stopped", failure=failure, error=reason(error))
        self._stopping.wait(_RETRY)


def _cause(error: Exception) -> str:
    """The name of the class of what went wrong at the bottom of *error*."""
    found: BaseException = error
    while isinstance(found, FeedFailed | Unfoldable) and found.__cause__ is not None:
        found = found.__cause__
    return type(found).__name__
