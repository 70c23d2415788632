"""Group commit: many threads at once, each answered for itself."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pytest import MonkeyPatch  # noqa: PT013 - the type

from domain.commands import Decision
from domain.dispute import DisputeCommented, Visibility
from domain.identity import DisputeId
from store.clock import new_id, now
from store.connections import CompanyDatastore, LogUnavailable, open_pool
from store.log import Appended, Attribution, KeyReused, Log, Seen, StaleVersion, Submission
from store.together import Together, _Place

BY = Attribution(new_id(), "collector", None, None)


@pytest.fixture
def log(database: str) -> Iterator[Log]:
    with open_pool(database, size=20) as pool:
        yield Log(CompanyDatastore(pool, "acme"))


def comment(stream: Any, version: int, *, key: str | None = None, digest: bytes = b"") -> Submission:
    event = DisputeCommented(DisputeId(stream), "x", Visibility.INTERNAL)
    return Submission(new_id(), key, digest, BY, (Decision(now(), (event,)),), {stream: version}, b"{}")


class Slow(Log):
    """Holds back the first append until as many as *until* wait behind it, so that they go together."""

    calls: list[int]

    def hold(self, together: Together, until: int) -> None:
        self.calls = []
        self._held, self._together_with, self._until = threading.Event(), together, until

    def append(self, submission: Submission, seen: Seen | None = None) -> Appended:
        while not self._held.is_set() and len(self._together_with._waiting) < self._until:
            threading.Event().wait(0.001)
        self._held.set()
        self.calls.append(1)
        return super().append(submission, seen)

    def append_all(self, submissions: Any, seen: Seen | None = None) -> list[Appended]:
        self.calls.append(len(submissions))
        return super().append_all(submissions, seen)


def send(log: Log, submissions: list[Submission]) -> tuple[list[Any], list[int]]:
    """The first alone, while all others wait; what became of each, and how many went at a time."""
    slow = Slow(log._company)
    together = Together(slow)
    slow.hold(together, len(submissions) - 1)
    with ThreadPoolExecutor(len(submissions)) as threads:
        first = threads.submit(together.append, submissions[0])
        while not together._is_busy:
            threading.Event().wait(0.001)
        rest = [threads.submit(together.append, each) for each in submissions[1:]]
        return [each.exception() or each.result() for each in (first, *rest)], slow.calls


def test_those_that_wait_go_together(log: Log) -> None:
    streams = [new_id() for _ in range(9)]
    outcomes, calls = send(log, [comment(stream, 0) for stream in streams])
    assert calls == [1, 8]
    assert sorted(each.first for each in outcomes) == list(range(1, 10))
    assert all(not each.replayed for each in outcomes)
    assert {each.stream_id: each.position for each in log.read(0, 100)} == {
        stream: each.first for stream, each in zip(streams, outcomes, strict=True)
    }


def test_one_that_is_refused_does_not_refuse_the_others(log: Log) -> None:
    streams = [new_id() for _ in range(5)]
    submissions = [comment(stream, 1 if number == 3 else 0) for number, stream in enumerate(streams)]
    outcomes, calls = send(log, submissions)
    assert calls == [1, 4, 1, 1, 1, 1]
    assert isinstance(outcomes[3], StaleVersion)
    assert outcomes[3].stream_id == streams[3]
    assert [isinstance(each, Appended) for each in outcomes] == [True, True, True, False, True]
    assert log.newest() == 4


def test_those_that_expect_what_another_changes_go_after_it(log: Log) -> None:
    stream = new_id()
    outcomes, calls = send(
        log, [comment(new_id(), 0), comment(stream, 0), comment(stream, 0), comment(new_id(), 0)]
    )
    assert calls == [1, 2, 1]
    assert sorted(type(each).__name__ for each in outcomes) == [
        "Appended",
        "Appended",
        "Appended",
        "StaleVersion",
    ]


def test_the_same_key_at_once_has_one_effect(log: Log) -> None:
    stream = new_id()
    submissions = [comment(new_id(), 0), *(comment(stream, 0, key="k", digest=b"d") for _ in range(3))]
    outcomes, _ = send(log, submissions)
    assert sorted(each.replayed for each in outcomes[1:]) == [False, True, True]
    assert log.newest() == 2
    other = comment(stream, 1, key="k", digest=b"other")
    with pytest.raises(KeyReused):
        Together(log).append(other)


def test_an_unknown_outcome_is_unknown_to_all(log: Log, monkeypatch: MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise LogUnavailable("gone")

    monkeypatch.setattr(Log, "append_all", fail)
    outcomes, _ = send(log, [comment(new_id(), 0) for _ in range(4)])
    assert [isinstance(each, LogUnavailable) for each in outcomes] == [False, True, True, True]


def test_it_goes_on_after_an_error(log: Log, monkeypatch: MonkeyPatch) -> None:
    together = Together(log)
    with monkeypatch.context() as patch:
        patch.setattr(Log, "append", lambda *_: (_ for _ in ()).throw(RuntimeError))
        with pytest.raises(RuntimeError):
            together.append(comment(new_id(), 0))
    assert together.append(comment(new_id(), 0)).first == 1


def test_many_threads_lose_nothing(log: Log) -> None:
    together = Together(log)

    def write(_: int) -> list[int]:
        stream = new_id()
        return [together.append(comment(stream, version)).first for version in range(10)]

    with ThreadPoolExecutor(16) as threads:
        positions = [position for each in threads.map(write, range(16)) for position in each]
    assert sorted(positions) == list(range(1, 161))


@pytest.mark.parametrize("behind", [0, 2])
def test_a_thread_that_is_interrupted_while_it_waits_holds_nobody_up(log: Log, behind: int) -> None:
    slow = Slow(log._company)
    together = Together(slow)
    slow.hold(together, 10)  # until it is let go on

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with ThreadPoolExecutor(3) as threads:
            first = threads.submit(together.append, comment(new_id(), 0))
            while not together._is_busy:
                threading.Event().wait(0.001)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(KeyboardInterrupt):
                together.append(comment(new_id(), 0))
            rest = [threads.submit(together.append, comment(new_id(), 0)) for _ in range(behind)]
            slow._held.set()
            assert [each.result(10).first for each in (first, *rest)] == list(range(1, behind + 2))
        assert together.append(comment(new_id(), 0)).first == behind + 2
    finally:
        signal.signal(signal.SIGALRM, before)


def test_who_is_interrupted_when_its_turn_has_come_hands_it_on(log: Log) -> None:
    together = Together(log)
    gone, waiting = _Place(comment(new_id(), 0)), _Place(comment(new_id(), 0))
    waiting.turn.acquire()
    together._is_busy, together._waiting = True, [gone, waiting]
    together._leave(gone)
    assert together._waiting == [waiting]
    assert not waiting.turn.locked()
