"""The service as it is run, `redress serve`, in a process of its own that a test may kill and start again."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from api.database import OpenCompany
from domain.catalogue import Settings
from domain.dispute import OpenDispute
from domain.identity import KeyId, dispute_id, item_id, person_id
from domain.people import IssueKey, RegisterPerson
from domain.roles import Role
from store.clock import new_id
from store.companies import found
from store.connections import Pool, open_pool
from store.execute import Order
from store.keys import Keys
from store.migrate import migrate
from tests.api.company_case import ADMINISTRATOR, MANAGER
from tests.torture import victims
from tests.torture.append_paths import invoice_of
from tests.torture.killing import eventually, kill, start
from tests.torture.scale import sized

ITEMS: Final = sized(small=500, large=4_000)
DISPUTES: Final = 8
"""Those that are there from the beginning: D0 to D7, over the first items."""


def furnish(conninfo: str) -> str:
    """The company acme with items and some disputes; the key of its credit manager."""
    migrate(conninfo)
    with open_pool(conninfo, size=2) as pool:
        found(conninfo, pool, "acme", Settings("Acme"))
        executor = OpenCompany(pool, "acme").executor
        for code, role in (("manager", Role.CREDIT_MANAGER), ("resolver", Role.RESOLVER)):
            executor.execute(Order(RegisterPerson(code, code, role=role), ADMINISTRATOR))
        for first in range(0, ITEMS, 500):
            executor.execute_rows([invoice_of("C", f"{n}") for n in range(first, first + 500)], ADMINISTRATOR)
        for number in range(DISPUTES):
            items = (item_id("main", "C", f"{number}"),)
            opening = OpenDispute(dispute_id(f"D{number}"), items, "price", reference=f"D{number}")
            executor.execute(Order(opening, MANAGER))
        return _key(pool, executor)


def _key(pool: Pool, executor: Any) -> str:
    key = KeyId(new_id())
    executor.execute(Order(IssueKey(key, "torture", person_id("manager")), ADMINISTRATOR))
    return Keys(pool).issue(key, "acme")


class Served:
    """`redress serve` in *environment*, always on the same port."""

    def __init__(self, environment: Mapping[str, str], key: str, said: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: Final[int] = free.getsockname()[1]
        self.key: Final = key
        self.said: Final = said
        self._environment: Final = {"REDRESS_PORT": str(self.port), **environment}
        self._process: BaseProcess | None = None

    def start(self) -> None:
        """It serves when this returns."""
        self._process = start(victims.serve, self._environment, self.said)
        eventually(self._answers)

    def kill(self) -> None:
        """As by ``kill -9``."""
        if self._process is not None:
            kill(self._process)
            self._process = None

    @property
    def pid(self) -> int:
        """Of the process, which is always another after a kill."""
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.is_alive(), self.said.read_text()[-2_000:]
        with suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/v1/health")[0] == 200
        return False

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Status, body and headers. Raises OSError and HTTPException when the connection ends before that."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            self._send(connection, method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.headers)
        finally:
            connection.close()

    def ask_and_hang_up(
        self, method: str, path: str, body: object, headers: Mapping[str, str] | None = None
    ) -> None:
        """Not waiting for the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self._send(connection, method, path, body, headers)
        connection.close()

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: object,
        headers: Mapping[str, str] | None,
    ) -> None:
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        text = json.dumps(body) if body is not None else None
        connection.request(method, path, text, {**sent, **(headers or {})})

    def downtime(self) -> float:
        """Seconds until a command is accepted again."""
        began = time.monotonic()
        eventually(self._accepts)
        return time.monotonic() - began

    def _accepts(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            return self.ask("POST", "/v1/disputes/D0/comment", {"text": "is it there again?"})[0] == 200
        return False


@contextmanager
def serving(environment: Mapping[str, str], key: str, said: Path) -> Iterator[Served]:
    """The service, until the block ends."""
    served = Served(environment, key, said)
    try:
        served.start()
        yield served
    finally:
        served.kill()
