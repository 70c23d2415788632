"""13. When the primary is lost and its standby promoted, nothing acknowledged is, and the service finds the
new one by itself."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.database import OpenCompany
from replay.verify import verify
from store.connections import open_pool
from tests.torture.clusters import Cluster, short_folder
from tests.torture.killing import eventually
from tests.torture.ledger import load
from tests.torture.scale import sized
from tests.torture.served import furnish, serving

SECONDS = sized(small=1.0, large=20.0)
SYNCHRONOUS = {"synchronous_standby_names": "*", "synchronous_commit": "remote_apply"}


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture
def pair(folder: Path) -> Iterator[tuple[Cluster, Cluster]]:
    """A primary, and a standby that has applied whatever the primary has acknowledged."""
    primary, standby = Cluster(folder, "a"), Cluster(folder, "b")
    try:
        primary.create()
        primary.start()
        standby.copy(primary)
        standby.start()
        for name, value in SYNCHRONOUS.items():
            primary.ask(f"alter system set {name} = '{value}'")
        primary.ask("select pg_reload_conf()")
        eventually(lambda: primary.ask("select sync_state from pg_stat_replication") == "sync")
        yield primary, standby
    finally:
        standby.kill()
        primary.kill()


def test_13_the_service_goes_on_with_the_promoted_standby_and_nothing_acknowledged_is_lost(
    pair: tuple[Cluster, Cluster], tmp_path: Path, dice: random.Random, say: Callable[[str], None]
) -> None:
    primary, standby = pair
    both = (
        f"host={primary.socket},{standby.socket} port=5432,5432 user=postgres dbname=postgres"
        " target_session_attrs=read-write"
    )
    key = furnish(both)
    with serving({"REDRESS_DATABASE_URL": both}, key, tmp_path / "said") as served, load(served, 6) as ledger:
        time.sleep(SECONDS + dice.random())
        standby.cut_off()  # for its last moments the primary is alone: it must not acknowledge anything then
        time.sleep(0.3)
        before = len(ledger.acknowledged)
        primary.kill()
        began = time.monotonic()
        standby.promote()
        promoted = time.monotonic() - began
        served.downtime()
        downtime = time.monotonic() - began
        eventually(lambda: len(ledger.acknowledged) > before + 20)
        time.sleep(SECONDS / 2)
    with open_pool(standby.conninfo, size=4) as pool:
        company = OpenCompany(pool, "acme")
        differences = ledger.differences(company.log)
        say(f"{before} acknowledged before, {ledger} in all; {len(differences)} lost or doubled")
        say(f"down for {downtime:.2f} s, of which {promoted:.2f} s until the standby was promoted")
        assert differences == []
        assert ledger.surprises == []
        company.feed.catch_up()
        assert verify(company.datastore, company.log).differences == []
