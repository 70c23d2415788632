"""A company that is served over HTTP, with a key for each role and two customers with invoices."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import uvicorn
from fastapi import FastAPI
from httpx import Client, HTTPTransport, Response

from api.app import create_app
from api.database import Database
from domain.catalogue import Settings
from domain.customer import RegisterCustomer
from domain.identity import OPERATOR, KeyId, customer_id, dispute_id, item_id, person_id
from domain.people import IssueKey, RegisterPerson
from domain.refusals import Refusal
from domain.roles import Actor, Permission, Role
from store.clock import new_id
from store.companies import found
from store.connections import open_pool
from store.execute import Order
from store.keys import Keys

OPERATING: Final = Actor(OPERATOR, Role.ADMINISTRATOR)
PEOPLE: Final = {
    "admin": Role.ADMINISTRATOR,
    "manager": Role.CREDIT_MANAGER,
    "collector": Role.COLLECTOR,
    "other-collector": Role.COLLECTOR,
    "resolver": Role.RESOLVER,
    "sales": Role.SALES_MANAGER,
    "auditor": Role.AUDITOR,
    "analyst": Role.ANALYST,
}
ACME: Final = "ACME"
"""A customer of ``collector`` and ``sales``."""

OTHER: Final = "OTHER"
"""A customer of nobody."""


def identity(number: str, customer: str = ACME) -> dict[str, str]:
    return {"customer_code": customer, "number": number}


def invoice(number: str, amount: str = "100.00", customer: str = ACME, **more: Any) -> dict[str, Any]:
    dates = {"issue_date": "2026-01-05", "due_date": "2026-02-04"}
    return {**identity(number, customer), "type": "invoice", "amount": amount, **dates, **more}


def opening(*numbers: str, reference: str | None = "D", **more: Any) -> dict[str, Any]:
    items = [identity(number) for number in numbers]
    said = {"type": "price", "reason": "Too much", "channel": "phone", "resolver_id": "resolver"}
    return {"item_ids": items, "reference": reference, **said, **more}


@dataclass
class Service:
    """The service, and the keys of its people. Everything is sent over HTTP."""

    http: Client
    app: FastAPI
    database: Database
    keys: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, who: str | None = "manager", **more: Any) -> Response:
        headers = dict(more.pop("headers", {}))
        if who is not None:
            headers.setdefault("Authorization", f"Bearer {self.keys[who]}")
        return self.http.request(method, path, headers=headers, **more)

    def post(self, path: str, body: Any = None, who: str | None = "manager", **more: Any) -> Response:
        return self.send("POST", path, who, json=body, **more)

    def get(self, path: str, who: str | None = "manager", **more: Any) -> Response:
        return self.send("GET", path, who, **more)

    def done(self, path: str, body: Any = None, who: str = "manager", **more: Any) -> dict[str, Any]:
        """A command that is accepted; its answer."""
        answer = self.post(path, body, who, **more)
        assert answer.status_code in {200, 201}, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def seen(self, path: str, who: str = "manager", **more: Any) -> dict[str, Any]:
        """A read that sees all that was done; its answer."""
        headers = {"X-Min-Position": str(self.newest()), **more.pop("headers", {})}
        answer = self.get(path, who, headers=headers, **more)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def newest(self) -> int:
        return self.database.company("acme").log.newest()


def problem(answer: Response, status: int, name: str) -> dict[str, Any]:
    """The problem that *answer* is, which must be of this type."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["type"]) == (status, f"urn:redress:problem:{name}"), body
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


@contextmanager
def serving(conninfo: str, folder: Path, *, size: int = 20, patience: float = 10.0) -> Iterator[Service]:
    with open_pool(conninfo, size=size, timeout=patience) as pool:
        database = Database(conninfo, pool, is_own=False, data_dir=folder, keys=Keys(pool))
        found(conninfo, pool, "acme", Settings("Acme"))
        app = create_app(database)
        with listening(app, folder / "http") as http:
            service = Service(http, app, database)
            _people(service)
            yield service


@contextmanager
def listening(app: FastAPI, socket: Path) -> Iterator[Client]:
    """A client of *app*, which a real server serves on a Unix socket."""
    server = uvicorn.Server(uvicorn.Config(app, uds=str(socket), log_level="critical", lifespan="on"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        transport = HTTPTransport(uds=str(socket), verify=False)  # reading all authorities takes longest
        with Client(base_url="http://redress", transport=transport, timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def _people(service: Service) -> None:
    executor = service.database.company("acme").executor
    known = [RegisterPerson(code, code.title(), f"{code}@example.com", role) for code, role in PEOPLE.items()]
    mine = RegisterCustomer(ACME, "Acme Foods", None, person_id("collector"), person_id("sales"))
    given = executor.execute_all([Order(each, OPERATING) for each in known])
    given += executor.execute_all(
        [Order(each, OPERATING) for each in (mine, RegisterCustomer(OTHER, "Other Ltd"))]
    )
    assert not [answer for answer in given if isinstance(answer, Refusal)]
    service.keys.update({code: issue(service, code) for code in PEOPLE})


def issue(service: Service, code: str | None, *scopes: Permission) -> str:
    """A key of the person with this code, or of a service with these scopes."""
    key, person = KeyId(new_id()), person_id(code) if code else None
    name = code or "client"
    executor = service.database.company("acme").executor
    executor.execute(Order(IssueKey(key, name, person, scopes), OPERATING))
    return service.database.keys.issue(key, "acme")


@pytest.fixture
def service(database: str, tmp_path: Path) -> Iterator[Service]:
    with serving(database, tmp_path) as service:
        yield service


def item(number: str, customer: str = ACME) -> str:
    return str(item_id("main", customer, number))


DISPUTE: Final = str(dispute_id("D"))
CUSTOMER: Final = str(customer_id(ACME))
