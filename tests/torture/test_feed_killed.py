"""12. However often the feed is killed, the tables equal a fold of the log."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from replay.verify import verify
from tests.api.company_case import CompanyCase, company_case
from tests.torture import victims
from tests.torture.append_paths import PATHS
from tests.torture.killing import kill, start
from tests.torture.scale import sized

KILLS = sized(small=6, large=200)


@pytest.fixture
def case(database: str, tmp_path: Path) -> Iterator[CompanyCase]:
    with company_case(database, tmp_path) as case:
        yield case


def test_12_a_feed_that_is_killed_at_random_leaves_tables_that_equal_a_fold_of_the_log(
    case: CompanyCase, database: str, dice: random.Random, say: Callable[[str], None]
) -> None:
    ended = threading.Event()
    failures: list[BaseException] = []

    def write() -> None:
        number = 0
        try:
            while not ended.is_set():
                number += 1
                for name in sorted(PATHS):
                    PATHS[name](case.company, f"{name}-{number}")()
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            failures.append(error)

    writing = threading.Thread(target=write)
    writing.start()
    reached: set[int] = set()
    try:
        for _ in range(KILLS):
            feed = start(victims.follow, database, 5)  # small batches: it is seldom not within one
            time.sleep(0.05 + dice.random() * 0.25)
            kill(feed)
            reached.add(case.company.feed.position())
    finally:
        ended.set()
        writing.join()
    say(f"{KILLS} kills at {len(reached)} different positions of {case.newest}")
    assert failures == []
    assert len(reached) > KILLS / 4
    assert verify(case.company.datastore, case.company.log).differences == []
    case.company.feed.catch_up()
    found = verify(case.company.datastore, case.company.log)
    assert (found.position, found.differences) == (case.newest, [])
