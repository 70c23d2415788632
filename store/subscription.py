"""The library's subscription to a log, without NOTIFY: that would serialise the whole server's commits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from eventsourcing.persistence import ApplicationRecorder, Notification, Subscription

_BATCH: Final = 500
_PATIENCE: Final = 0.25
"""Seconds between looks at whether the subscription was stopped."""


class LogSubscription(Subscription[ApplicationRecorder]):
    """Iterates over the events after position *gt*, of the stored names *topics* if any; waits for new ones.

    *wait* is `Log.wait`. Works in the thread that iterates; `stop` may be called from any.
    """

    def __init__(
        self,
        recorder: ApplicationRecorder,
        wait: Callable[[int, float], bool],
        gt: int | None = None,
        topics: Sequence[str] = (),
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._wait = wait
        self._position = gt or 0
        self._ready: deque[Notification] = deque()

    def __next__(self) -> Notification:
        """The next event. Raises StopIteration once the subscription was stopped."""
        while not self._has_been_stopped:
            if self._ready:
                return self._ready.popleft()
            if self._wait(self._position, _PATIENCE):
                self._fetch()
        raise StopIteration

    def _fetch(self) -> None:
        # Asked first: what comes after it is left for the next look.
        newest = self._recorder.max_notification_id() or 0
        found = self._recorder.select_notifications(
            self._position, _BATCH, newest, self._topics, inclusive_of_start=False
        )
        self._ready.extend(found)
        self._position = found[-1].id if len(found) == _BATCH else newest
