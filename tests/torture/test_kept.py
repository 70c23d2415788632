"""10. What was acknowledged is kept, whatever is killed and when: the service, a feed, one backend, or all of
PostgreSQL."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from api.database import OpenCompany
from replay.verify import verify
from store import embedded
from store.connections import open_pool
from tests.torture import victims
from tests.torture.killing import eventually, kill, kill_with_children, start
from tests.torture.ledger import load
from tests.torture.scale import sized
from tests.torture.served import Served, furnish, serving

KILLS = sized(small=4, large=120)
KINDS = ("service", "feed", "backend", "postgresql")


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory whose embedded server this process uses too, so that it outlives the service."""
    directory = tmp_path / "data"
    embedded.ensure(directory / "postgresql")
    yield directory
    embedded.release(directory / "postgresql")


class Victims:
    """All that can be killed."""

    def __init__(self, served: Served, conninfo: str, data_dir: Path, dice: random.Random) -> None:
        self._served, self._conninfo, self._data_dir, self._dice = served, conninfo, data_dir, dice
        self.feed = start(victims.follow, conninfo, 50)
        self.killed: Counter[str] = Counter()

    def kill(self, kind: str) -> None:
        getattr(self, f"_{kind}")()
        self.killed[kind] += 1

    def _service(self) -> None:
        self._served.kill()
        self._served.start()

    def _feed(self) -> None:
        kill(self.feed)
        self.feed = start(victims.follow, self._conninfo, 50)

    def _backend(self) -> None:
        pids: list[int] = []
        while not pids:
            with suppress(psycopg.OperationalError), psycopg.connect(self._conninfo) as connection:
                rows = connection.execute(
                    "select pid from pg_stat_activity where backend_type = 'client backend'"
                    " and pid <> pg_backend_pid()"
                ).fetchall()
                pids = [pid for (pid,) in rows]
        with suppress(ProcessLookupError):
            os.kill(self._dice.choice(pids), signal.SIGKILL)

    def _postgresql(self) -> None:
        file = self._data_dir / "postgresql" / "data" / "postmaster.pid"
        pids: list[str] = []
        while not pids:  # right after another kill the next server may have yet to write it
            with suppress(FileNotFoundError):
                pids = file.read_text().split()[:1]
        kill_with_children(int(pids[0]))


def test_10_the_service_brings_its_own_database_up_again(data_dir: Path, tmp_path: Path) -> None:
    conninfo = embedded.ensure(data_dir / "postgresql")
    with serving({"REDRESS_DATA_DIR": str(data_dir)}, furnish(conninfo), tmp_path / "said") as served:
        pid = (data_dir / "postgresql" / "data" / "postmaster.pid").read_text().split()[0]
        kill_with_children(int(pid))
        served.downtime()


def test_10_nothing_acknowledged_is_lost_or_doubled_whatever_is_killed(
    data_dir: Path, tmp_path: Path, dice: random.Random, say: Callable[[str], None]
) -> None:
    conninfo = embedded.ensure(data_dir / "postgresql")
    key = furnish(conninfo)
    with serving({"REDRESS_DATA_DIR": str(data_dir)}, key, tmp_path / "said") as served:
        condemned = Victims(served, conninfo, data_dir, dice)
        try:
            with load(served, 6) as ledger:
                kinds = [KINDS[number % len(KINDS)] for number in range(KILLS)]
                dice.shuffle(kinds)
                for kind in kinds:
                    time.sleep(dice.random() * 0.5)
                    condemned.kill(kind)
                downtime = served.downtime()
                told = len(ledger.acknowledged)
                eventually(lambda: len(ledger.acknowledged) > told + 20)
        finally:
            kill(condemned.feed)
    with open_pool(conninfo, size=4) as pool:
        company = OpenCompany(pool, "acme")
        differences = ledger.differences(company.log)
        say(f"{sum(condemned.killed.values())} kills {dict(condemned.killed)}; {ledger}")
        say(f"{len(differences)} lost or doubled; up again {downtime:.2f} s after the last kill")
        assert differences == []
        assert ledger.surprises == []
        company.feed.catch_up()
        assert verify(company.datastore, company.log).differences == []
