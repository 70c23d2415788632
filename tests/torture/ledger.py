"""What clients were told: kept outside the service, and compared with its log in the end."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from domain.dispute import DisputeCommented, DisputeOpened
from store.log import Log
from tests.torture.served import DISPUTES, ITEMS, Served

_PAUSE: Final = 0.02


@dataclass
class Ledger:
    """By each command's mark (a comment's text, a dispute's reference): the position that was told.

    *unknown*: those whose clients heard nothing certain and did not ask again. *surprises*: answers that no
    client of a service in trouble should get.
    """

    acknowledged: dict[str, int] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)

    def differences(self, log: Log) -> list[str]:
        """What the log has otherwise: acknowledged and missing, elsewhere, or there twice."""
        positions: dict[str, int] = {}
        times: Counter[str] = Counter()
        for mark, position in _marks(log):
            positions[mark] = position
            times[mark] += 1
        missing = [f"missing: {mark}" for mark in self.acknowledged if mark not in positions]
        doubled = [f"{number} times: {mark}" for mark, number in times.items() if number > 1]
        moved = [
            f"told {told}, found {positions[mark]}: {mark}"
            for mark, told in self.acknowledged.items()
            if positions.get(mark, told) != told
        ]
        invented = [
            f"of nobody: {mark}" for mark in times if mark not in self.acknowledged.keys() | self.unknown
        ]
        return missing + doubled + moved + invented

    def __str__(self) -> str:
        return f"{len(self.acknowledged)} acknowledged, {len(self.unknown)} unknown"


def _marks(log: Log) -> Iterator[tuple[str, int]]:
    """The mark of each command of a client, and the end of its decision."""
    position = 0
    while batch := log.read(position, 5_000):
        for each in batch:
            match each.event:
                case DisputeCommented(text=text) if str(text).startswith("mark "):
                    yield str(text), each.decision_end
                case DisputeOpened(reference=str(reference)) if reference.startswith("mark-"):
                    yield reference, each.decision_end
        position = batch[-1].position


class _Clerk(threading.Thread):
    """Sends one command after the other. With a key it sends a command again until it is answered; without,
    never."""

    def __init__(
        self, number: int, served: Served, ledger: Ledger, ended: threading.Event, items: Iterator[int]
    ) -> None:
        super().__init__()
        self._number, self._served, self._ledger, self._ended = number, served, ledger, ended
        self._items = items
        self._dice = random.Random(number)

    def run(self) -> None:
        for turn in count():
            if self._ended.is_set():
                return
            self._send(f"{self._number}-{turn}")

    def _send(self, name: str) -> None:
        if self._dice.random() < 0.2 and (item := next(self._items)) < ITEMS:
            mark, path = f"mark-{name}", "/v1/disputes"
            body: dict[str, object] = {
                "reference": mark,
                "type": "price",
                "item_ids": [{"customer_code": "C", "number": str(item)}],
            }
        else:
            mark, path = f"mark {name}", f"/v1/disputes/D{self._dice.randrange(DISPUTES)}/comment"
            body = {"text": mark}
        key = f"key-{name}" if self._dice.random() < 0.7 else None
        while not self._told(mark, path, body, key):
            if key is None or self._ended.is_set():
                self._ledger.unknown.add(mark)
                return
            time.sleep(_PAUSE)

    def _told(self, mark: str, path: str, body: object, key: str | None) -> bool:
        """Whether the command was acknowledged now."""
        try:
            status, text, headers = self._served.ask(
                "POST", path, body, {"Idempotency-Key": key} if key else None
            )
        except (OSError, http.client.HTTPException):
            return False
        if status in {200, 201}:
            self._ledger.acknowledged[mark] = json.loads(text)["position"]
            return True
        if status != 503 or headers.get("Retry-After") is None:
            self._ledger.surprises.append(f"{status} for {mark}: {text.decode()}")
            return True
        return False


@contextmanager
def load(served: Served, clients: int) -> Iterator[Ledger]:
    """Clients that send commands until the block ends, and the ledger of what they were told."""
    ledger, ended, items = Ledger(), threading.Event(), count(DISPUTES)
    clerks = [_Clerk(number, served, ledger, ended, items) for number in range(clients)]
    for clerk in clerks:
        clerk.start()
    try:
        yield ledger
    finally:
        ended.set()
        for clerk in clerks:
            clerk.join()
