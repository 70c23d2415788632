"""Carrying out commands without writing: each is decided as if those before it had been recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from store.append import written
from store.clock import now
from store.connections import CompanyDatastore
from store.execute import Answer, Each, Executor, Order
from store.log import Appended, KeyReused, Log, Seen, Submission
from store.states import States

_SIZE: Final = 1_000_000
"""How many streams a rehearsal remembers: what it would have written stands nowhere else."""


def rehearsal(datastore: CompanyDatastore) -> Executor:
    """An executor on the company's log as it stands, whose own decisions are remembered and never written."""
    log = _Unwritten(datastore)
    return _Rehearsal(log, States(log, size=_SIZE))


class _Rehearsal(Executor):
    """Decides one after the other: of what was not written nothing can be read again if it has to be."""

    def execute_all(self, orders: Sequence[Order], *, stop_at_first: bool = False) -> list[Each]:
        """As the real one."""
        return self._each_alone(orders, stop_at_first=stop_at_first)

    def _from_memory(self, order: Order) -> Answer | None:
        # Nothing is appended, so the log would not say whether what is remembered still holds.
        del order
        return None


class _Unwritten(Log):
    """Reads as the log does, and accepts submissions without keeping their events."""

    def __init__(self, datastore: CompanyDatastore) -> None:
        super().__init__(datastore)
        self._accepted: Final[dict[str, tuple[bytes, Appended]]] = {}

    def append(self, submission: Submission, seen: Seen | None = None) -> Appended:
        """Nothing is recorded. Raises KeyReused, Unencodable."""
        del seen  # nobody else writes to what is not written
        if submission.key is not None and (known := self.answered(submission.key, submission.digest)):
            return known
        written(submission, self.codec)
        newest = self.newest()
        appended = Appended(newest + 1, newest, now(), submission.answer, replayed=False)
        if submission.key is not None:
            self._accepted[submission.key] = submission.digest, appended
        return appended

    def answered_all(self, digests: Mapping[str, bytes]) -> dict[str, Appended]:
        """What was accepted under these keys, in the log or in the rehearsal. Raises KeyReused."""
        rehearsed = {key: self._accepted[key] for key in digests if key in self._accepted}
        for key, (accepted, _) in rehearsed.items():
            if accepted != digests[key]:
                raise KeyReused(key)
        found = super().answered_all({key: digests[key] for key in digests if key not in rehearsed})
        return found | {key: replace(appended, replayed=True) for key, (_, appended) in rehearsed.items()}
