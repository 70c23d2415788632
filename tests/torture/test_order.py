"""9. Whoever tails the log sees every position once, in order, none missing: whatever way it came in, however
long a writer stood still between lock and commit, and however often one gave up."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.database import OpenCompany
from projections.worker import Worker
from replay.verify import verify
from tests.api.company_case import CompanyCase, company_case
from tests.store.test_log_order import wait_until_blocked
from tests.torture import victims
from tests.torture.append_paths import PATHS, by_command
from tests.torture.killing import channel, killed_in_the_end
from tests.torture.scale import sized
from tests.torture.stalling import Stalls, closed, install_gate

PROCESSES = sized(small=2, large=4)
THREADS = 32 // PROCESSES
ROUNDS = sized(small=2, large=25)
PAGE = 500
"""What a reader asks for at a time: who always lags behind never looks at what is just being written."""

STALLS = Stalls(rolled_back=0.05, stalled=sized(small=0.02, large=0.03), longest=sized(small=1.0, large=2.0))


@pytest.fixture
def case(database: str, tmp_path: Path) -> Iterator[CompanyCase]:
    with company_case(database, tmp_path) as case:
        yield case


@contextmanager
def tailing(read: Callable[[int], list[int]]) -> Iterator[list[int]]:
    """What a reader sees who asks for what comes after the last that it saw, until the block has ended and
    nothing comes any more."""
    seen: list[int] = []
    ended = threading.Event()

    def tail() -> None:
        while True:
            has_ended = ended.is_set()  # asked before reading: what came until then is still read
            found = read(seen[-1] if seen else 0)
            seen.extend(found)
            if has_ended and not found:
                return

    reader = threading.Thread(target=tail)
    reader.start()
    try:
        yield seen
    finally:
        ended.set()
        reader.join()


def all_written(program: Callable[..., None], *arguments: Any) -> list[str]:
    """Wait until all processes of *program* have written; what went wrong."""
    told = channel()
    failures: list[str] = []
    running = [killed_in_the_end(program, *each, told) for each in zip(*arguments, strict=True)]
    for each in running:
        each.__enter__()
    try:
        for _ in running:
            failures += iter(lambda: told.get(timeout=300), None)
    finally:
        for each in running:
            each.__exit__(None, None, None)
        told.close()
    return failures


def test_09_a_tailing_reader_sees_every_position_once_in_order_whatever_the_writers_do(
    case: CompanyCase, database: str, dice: random.Random, say: Callable[[str], None]
) -> None:
    STALLS.install(database, "company_acme.events", dice.randrange(1_000_000))
    log, feed = case.company.log, case.company.feed
    seeds = [f"{dice.randrange(1_000_000)}-{number}" for number in range(PROCESSES)]
    subscribed: list[int] = []
    subscription = log.subscribe()
    subscribing = threading.Thread(target=lambda: subscribed.extend(each.id for each in subscription))
    subscribing.start()
    try:
        with (
            Worker(feed, log),
            tailing(lambda after: [each.position for each in log.read(after, PAGE)]) as seen,
        ):
            everybody = ([database] * PROCESSES, seeds, [THREADS] * PROCESSES, [ROUNDS] * PROCESSES)
            failures = all_written(victims.write, *everybody)
            assert feed.wait_for(log.newest(), 60)
        while len(subscribed) < len(seen):
            time.sleep(0.01)
    finally:
        subscription.stop()
        subscribing.join()
    say(f"{PROCESSES * THREADS} writers, {len(seen)} positions, {turns(database)} appends tried")
    assert failures == []
    assert seen == list(range(1, log.newest() + 1))
    assert subscribed == seen
    assert len(seen) > PROCESSES * THREADS * ROUNDS
    assert verify(case.company.datastore, log).differences == []


def turns(database: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute("select last_value from torture_turns").fetchone()
    assert row is not None
    return int(row[0])


def test_09_the_same_test_finds_losses_where_the_library_writes_without_the_lock(
    database: str, dice: random.Random, say: Callable[[str], None]
) -> None:
    recorder = victims.library_recorder(database, 4)
    recorder.create_table()
    Stalls(0, 0.1, 0.2).install(database, "library_events", dice.randrange(1_000_000))

    def read(after: int) -> list[int]:
        return [each.id for each in recorder.select_notifications(after, PAGE, inclusive_of_start=False)]

    with tailing(read) as seen:
        everybody = ([database] * PROCESSES, [THREADS] * PROCESSES, [ROUNDS * 10] * PROCESSES)
        failures = all_written(victims.write_with_the_library, *everybody)
    written = [each.id for each in recorder.select_notifications(0, 1_000_000)]
    recorder.datastore.close()
    say(f"the library without its lock: {len(set(written) - set(seen))} of {len(written)} events not seen")
    assert failures == []
    assert len(written) == PROCESSES * THREADS * ROUNDS * 10
    assert set(seen) < set(written)


# --- two at once, by each path ---------------------------------------------------------------------


class Appending(threading.Thread):
    """Appends in a thread of its own."""

    def __init__(self, append: Callable[[], object]) -> None:
        super().__init__()
        self._append = append
        self.failure: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self._append()
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.failure = error

    def joined(self) -> None:
        self.join()
        assert self.failure is None


@pytest.mark.parametrize("path", sorted(PATHS))
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "second"])
def test_09_of_two_transactions_the_second_waits_for_the_commit_of_the_first(
    case: CompanyCase, database: str, path: str, *, is_first: bool
) -> None:
    other = OpenCompany(case.database.pool, "acme")
    of_path, of_command = PATHS[path](case.company, "PATH"), by_command(other, "COMMAND")
    first, second = (of_path, of_command) if is_first else (of_command, of_path)
    before = case.newest
    install_gate(database, "company_acme.events")
    with closed(database):
        one = Appending(first)
        wait_until_blocked(database, 1)  # it has written, and stands before its commit
        two = Appending(second)
        wait_until_blocked(database, 2)
        assert case.recorded(before) == []  # nobody sees anything of either
    one.joined()
    two.joined()
    recorded = case.recorded(before)
    assert [each.position for each in recorded] == list(range(before + 1, case.newest + 1))
    assert (recorded[0].command_id == of_one_command(recorded)) is not is_first


def of_one_command(recorded: list[Any]) -> Any:
    """The id of the command that registered the customer COMMAND."""
    (found,) = [each.command_id for each in recorded if getattr(each.event, "code", None) == "COMMAND"]
    return found
