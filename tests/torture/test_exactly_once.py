"""11. A command has one effect however often it is sent at once with its key, and however its connections
end; whoever is answered gets the same bytes."""

from __future__ import annotations

import http.client
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.database import OpenCompany
from domain.dispute import DisputeCommented, DisputeOpened
from replay.verify import verify
from store.connections import open_pool
from tests.torture.cutting import Cutter, cutting
from tests.torture.scale import sized
from tests.torture.served import DISPUTES, Served, furnish, serving

COMMANDS = sized(small=30, large=1_000)
SHARE = sized(small=0.05, large=0.02)
"""Of the requests to the database that are cut: a command makes two or three."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """For a socket, whose path has to be short."""
    with tempfile.TemporaryDirectory(prefix="redress-cut-") as name:
        yield Path(name)


class Command:
    """One command, and the answers that were given to it."""

    def __init__(self, number: int, dice: random.Random) -> None:
        self.mark = f"mark {number}"
        self.times = dice.randint(1, 5)
        self.hangs_up = [dice.random() < 0.2 for _ in range(self.times)]
        self.headers = {"Idempotency-Key": f"key-{number}"}
        self.answers: list[tuple[int, bytes]] = []
        self.surprises: list[str] = []
        self.path, self.body = f"/v1/disputes/D{number % DISPUTES}/comment", {"text": self.mark}
        if number % 4 == 0:
            items = [{"customer_code": "C", "number": str(number + DISPUTES)}]
            self.path = "/v1/disputes"
            self.body = {"reference": self.mark, "type": "price", "item_ids": items}  # type: ignore[dict-item]

    def send(self, served: Served, *, hangs_up: bool) -> None:
        """Send it until it is accepted; *hangs_up*: before the first answer comes."""
        if hangs_up:
            served.ask_and_hang_up("POST", self.path, self.body, self.headers)
        while True:
            try:
                status, text, _ = served.ask("POST", self.path, self.body, self.headers)
            except (OSError, http.client.HTTPException):
                continue
            if status in {200, 201}:
                self.answers.append((status, text))
                return
            if not (status == 503 or (status == 409 and b"running" in text)):
                self.surprises.append(f"{status}: {text.decode()}")
                return
            time.sleep(0.02)


def test_11_a_command_has_one_effect_however_often_it_comes_and_whatever_is_cut(
    database: str, tmp_path: Path, folder: Path, dice: random.Random, say: Callable[[str], None]
) -> None:
    key = furnish(database)
    commands = [Command(number, dice) for number in range(COMMANDS)]
    cutter: Cutter
    with (
        cutting(database, folder, 0, dice) as (conninfo, cutter),
        serving({"REDRESS_DATABASE_URL": conninfo}, key, tmp_path / "said") as served,
    ):
        cutter.share = SHARE
        with ThreadPoolExecutor(24) as threads:
            sent = [
                threads.submit(command.send, served, hangs_up=hangs_up)
                for command in commands
                for hangs_up in command.hangs_up
            ]
        for each in sent:
            each.result()
        cutter.share = 0
    say(
        f"{COMMANDS} commands, sent {len(sent)} times; "
        f"connections cut: {cutter.before} before, {cutter.after} after what was asked"
    )
    assert [each for command in commands for each in command.surprises] == []
    different = {command.mark: set(command.answers) for command in commands if len(set(command.answers)) != 1}
    assert different == {}
    with open_pool(database, size=4) as pool:
        company = OpenCompany(pool, "acme")
        effects = Counter(
            each.event.text if isinstance(each.event, DisputeCommented) else each.event.reference
            for each in company.log.read(0, 1_000_000)
            if isinstance(each.event, DisputeCommented | DisputeOpened)
        )
        assert {command.mark: effects[command.mark] for command in commands} == {
            command.mark: 1 for command in commands
        }
        company.feed.catch_up()
        assert verify(company.datastore, company.log).differences == []
    assert cutter.before
    assert cutter.after
