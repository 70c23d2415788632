"""Work that the service does in the background, and how far each piece of it is.

Jobs live in the memory of the process: a restart forgets them. What they recorded is in the log, and what
they had not come to is done by asking for the same again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Event, Lock
from typing import Final
from uuid import UUID

from api import problems
from api.database import OpenCompany
from api.problems import NoSuchJob, Problem
from domain.roles import Actor
from store.clock import new_id
from store.log import KeyReused

_AT_ONCE: Final = 2
"""Jobs carried out at the same time; further ones wait."""

_REMEMBERED: Final = 1_000
"""Jobs that are remembered; of more the oldest that have ended are forgotten."""


class JobState(StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class _Cancelled(Exception):
    """Somebody does not want it done any more."""


@dataclass(slots=True)
class Job(ABC):
    """One piece of work for *actor*. It has a problem if it failed."""

    company: OpenCompany
    actor: Actor
    id: UUID = field(default_factory=new_id, kw_only=True)
    state: JobState = field(default=JobState.QUEUED, init=False)
    problem: Problem | None = field(default=None, init=False)
    _unwanted: Event = field(default_factory=Event, init=False)

    @abstractmethod
    def work(self) -> None:
        """Do it, asking `go_on` between its parts."""

    @abstractmethod
    def clean(self) -> None:
        """Put away what it needed."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will become of it."""
        return self.state in {JobState.FINISHED, JobState.FAILED, JobState.CANCELLED}

    def cancel(self) -> None:
        """Leave off after the chunk that is being written. Nothing if it has ended."""
        self._unwanted.set()

    def go_on(self) -> None:
        """Return if the work is still wanted; else it ends here, as cancelled."""
        if self._unwanted.is_set():
            raise _Cancelled

    def run(self) -> None:
        """Carry it out; never raises."""
        try:
            self.go_on()
            self.state = JobState.RUNNING
            self.work()
            self.state = JobState.FINISHED
        except _Cancelled:
            self.state = JobState.CANCELLED
        except Exception as error:  # noqa: BLE001 - whoever asks for the job is told
            self.problem = problems.of_exception(error)
            self.state = JobState.FAILED
        finally:
            self.clean()


class Jobs:
    """The jobs of one process."""

    def __init__(self) -> None:
        self._jobs: Final[OrderedDict[UUID, Job]] = OrderedDict()
        self._by_key: Final[dict[str, tuple[bytes, UUID]]] = {}
        self._lock: Final = Lock()
        self._workers: ThreadPoolExecutor | None = None

    def start(self, key: str | None, digest: bytes, make: Callable[[], Job]) -> tuple[Job, bool]:
        """Begin the job that *make* makes, and return it with whether it is new.

        With a *key* that came before the job is that one. Raises KeyReused if its *digest* was another.
        """
        with self._lock:
            known = self._by_key.get(key) if key is not None else None
            if known is not None and known[1] in self._jobs:
                if known[0] != digest:
                    raise KeyReused(key)
                return self._jobs[known[1]], False
            job = self._jobs.setdefault((made := make()).id, made)
            if key is not None:
                self._by_key[key] = digest, job.id
            self._forget_some()
            if self._workers is None:
                self._workers = ThreadPoolExecutor(_AT_ONCE, "job")
            self._workers.submit(job.run)
        return job, True

    def job(self, job_id: UUID, company: str) -> Job:
        """The job with this id. Raises NoSuchJob, also for another company's."""
        job = self._jobs.get(job_id)
        if job is None or job.company.id != company:
            raise NoSuchJob(NoSuchJob.__doc__)
        return job

    def stop(self) -> None:
        """Let the jobs under way finish their chunk, and no other begin."""
        with self._lock:
            workers, self._workers = self._workers, None
            for job in self._jobs.values():
                job.cancel()
        if workers is not None:
            workers.shutdown()

    def _forget_some(self) -> None:
        ended = [job.id for job in self._jobs.values() if job.has_ended]
        for job_id in ended[: max(0, len(self._jobs) - _REMEMBERED)]:
            del self._jobs[job_id]
        for key in [key for key, (_, job_id) in self._by_key.items() if job_id not in self._jobs]:
            del self._by_key[key]
