"""What bench/http.py measures against each other, each in a process of its own: ``python -m bench.http_sides
SIDE CONNINFO`` serves on a free port, prints it, and ends with its standard input.

*ours* is the service as it is served. *stock* does the same with the eventsourcing library as it comes: its
Application and Aggregates, the same events with the same fields, the same FastAPI shape, bodies and server.
It checks its key against memory, reads nothing but what it changes, and keeps no read models: all that is to
its advantage. *bare* has the same routes and does nothing.
"""
# ruff: noqa: ARG002 - the library records a method's arguments, whether the method uses them or not

from __future__ import annotations

import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID, uuid4, uuid5

import anyio.to_thread
import orjson
import uvicorn
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from fastapi import Depends, FastAPI, HTTPException, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from psycopg.conninfo import conninfo_to_dict
from pydantic import BaseModel

from api import wire
from api.app import create_app
from api.database import Database
from domain.catalogue import Settings
from domain.customer import RegisterCustomer
from domain.identity import OPERATOR, KeyId, person_id
from domain.item import ItemDetails, ItemType, RegisterItem
from domain.people import IssueKey, RegisterPerson
from domain.roles import Actor, Role
from store.clock import new_id
from store.companies import found
from store.connections import open_pool
from store.execute import Order
from store.keys import Keys

THREADS: Final = 16
ITEMS: Final = 30_000
CUSTOMERS: Final = 100
COMPANY: Final = "bench"
DAY: Final = date(2026, 1, 5)
AMOUNT: Final = Decimal("100.00")


def customer_of(number: int) -> str:
    """The customer whose item has this number."""
    return f"C-{number % CUSTOMERS}"


# --- ours --------------------------------------------------------------------------------------------


@contextmanager
def ours(conninfo: str, company: str) -> Iterator[tuple[FastAPI, str]]:
    """The service, and a key for it."""
    with open_pool(conninfo, size=THREADS + 4) as pool:
        database = Database(
            conninfo, pool, is_own=False, data_dir=Path(tempfile.gettempdir()), keys=Keys(pool)
        )
        if not database.company(company).log.newest():
            found(conninfo, pool, company, Settings("Bench"))
        yield create_app(database, threads=THREADS), _furnish(database, company)


def _furnish(database: Database, company: str) -> str:
    executor, operator = database.company(company).executor, Actor(OPERATOR, Role.ADMINISTRATOR)
    for code, role in (("manager", Role.CREDIT_MANAGER), ("resolver", Role.RESOLVER)):
        executor.execute(Order(RegisterPerson(code, code, role=role), operator))
    manager = person_id("manager")
    for number in range(CUSTOMERS):
        registering = RegisterCustomer(customer_of(number), customer_of(number), None, manager, manager)
        executor.execute(Order(registering, operator))
    details = ItemDetails(ItemType.INVOICE, DAY, DAY, AMOUNT, AMOUNT, "EUR", {})
    rows = [RegisterItem(customer_of(n), "main", str(n), details, accept_as_new=True) for n in range(ITEMS)]
    for first in range(0, ITEMS, 1_000):
        executor.execute_rows(rows[first : first + 1_000], operator)
    database.company(company).feed.catch_up()
    key = KeyId(new_id())
    executor.execute(Order(IssueKey(key, "bench", manager), operator))
    return database.keys.issue(key, company)


@contextmanager
def empty(conninfo: str, company: str) -> Iterator[tuple[FastAPI, str]]:
    """The service with a company in which nothing has happened, and a credit manager's key."""
    with open_pool(conninfo, size=THREADS + 4) as pool:
        keys = Keys(pool)
        database = Database(conninfo, pool, is_own=False, data_dir=Path(tempfile.gettempdir()), keys=keys)
        found(conninfo, pool, company, Settings("Bench"))
        executor, operator = database.company(company).executor, Actor(OPERATOR, Role.ADMINISTRATOR)
        manager, key = person_id("manager"), KeyId(new_id())
        for command in (
            RegisterPerson("manager", role=Role.CREDIT_MANAGER),
            IssueKey(key, "bench", manager),
        ):
            executor.execute(Order(command, operator))
        yield create_app(database, threads=THREADS), keys.issue(key, company)


# --- the library as it comes ---------------------------------------------------------------------------


class Item(Aggregate):
    """An item with what a dispute does to it."""

    @event("Registered")
    def __init__(self, customer_code: str, entity: str, number: str, amount: Decimal, currency: str) -> None:
        self.customer_code = customer_code
        self.entity = entity
        self.number = number
        self.amount = amount
        self.currency = currency
        self.dispute_id: UUID | None = None
        self.status: str | None = None
        self.follow_ups: set[UUID] = set()

    @staticmethod
    def create_id(customer_code: str, entity: str, number: str) -> UUID:
        """The id that follows from what the ledger calls it."""
        return uuid5(_NAMESPACE, f"{customer_code}/{entity}/{number}")

    @event("Qualified")
    def qualify(self, status: str, kind: str, comment: str | None, previous: str | None) -> None:
        """What the collector says of it."""
        self.status = status

    @event("Disputed")
    def dispute(self, dispute_id: UUID, disputed: Decimal | None, opened_by: UUID) -> None:
        """It is in a dispute."""
        self.dispute_id = dispute_id

    @event("PlacedUnderFollowUp")
    def place(self, follow_up_id: UUID) -> None:
        """An action lists it."""
        self.follow_ups.add(follow_up_id)


class Dispute(Aggregate):
    """A dispute, as far as it is opened and commented."""

    @event("Opened")
    def __init__(  # noqa: PLR0913, PLR0917 - the event's fields
        self,
        reference: str | None,
        customer_code: str,
        currency: str,
        type: str,  # noqa: A002
        reason: str,
        comment: str | None,
        items: list[dict[str, Any]],
        amount: Decimal,
        received_on: datetime,
        channel: str,
        opened_by: UUID,
    ) -> None:
        self.resolver_id: UUID | None = None
        self.comments = 0
        self.items = items
        self.follow_ups: set[UUID] = set()

    @event("ResolverAssigned")
    def assign(self, resolver_id: UUID, previous: UUID | None, by: str) -> None:
        """Somebody is to settle it."""
        self.resolver_id = resolver_id

    @event("FollowedUp")
    def follow_up(self, follow_up_id: UUID) -> None:
        """An action is planned for it."""
        self.follow_ups.add(follow_up_id)

    @event("Commented")
    def comment(self, text: str, visibility: str) -> None:
        """Somebody said something about it."""
        self.comments += 1


class FollowUp(Aggregate):
    """A follow-up action, as far as it is planned."""

    @event("Planned")
    def __init__(  # noqa: PLR0913, PLR0917 - the event's fields
        self,
        reference: str | None,
        customer_code: str,
        dispute_id: UUID,
        title: str,
        due_on: str,
        owner_id: UUID,
        resolver_id: UUID | None,
        items: list[UUID],
        planned_by: UUID,
        status: str,
    ) -> None:
        self.due_on = due_on


_NAMESPACE: Final = UUID("d0f5ed6e-20e5-4a3d-93a0-6d6f7f7f8c55")
_MANAGER: Final = uuid4()


class Receivables(Application[UUID]):
    """The two commands."""

    def furnish(self) -> None:
        """Register the items."""
        for first in range(0, ITEMS, 500):
            numbers = range(first, first + 500)
            self.save(*(Item(customer_of(n), "main", str(n), AMOUNT, "EUR") for n in numbers))

    def open_dispute(self, told: Any) -> tuple[Dispute, int]:  # noqa: ANN401 - a body
        """Open a dispute over items, with resolver and follow-up action."""
        present = datetime.now(UTC)
        items: list[Item] = [
            self.repository.get(Item.create_id(each.customer_code, "main", each.number))
            for each in told.item_ids
        ]
        if any(each.dispute_id for each in items):
            raise HTTPException(409)
        lines = [{"item_id": each.id, "entity": each.entity, "amount": each.amount} for each in items]
        first, amount = items[0], sum((each.amount for each in items), Decimal(0))
        opened = Dispute(
            told.reference, first.customer_code, first.currency, told.type, told.reason, told.comment, lines,
            amount, present, told.channel.value, _MANAGER,
        )  # fmt: skip
        opened.assign(told.resolver_id, None, "person")
        ids = [each.id for each in items]
        due_on = (present.date() + timedelta(days=7)).isoformat()
        action = FollowUp(
            None, first.customer_code, opened.id, "Ask the resolver", due_on, _MANAGER, None, ids, _MANAGER,
            told.type,
        )  # fmt: skip
        opened.follow_up(action.id)
        for each in items:
            each.qualify(told.type, "dispute", told.comment, each.status)
            each.dispute(opened.id, None, _MANAGER)
            each.place(action.id)
        recordings = self.save(opened, *items, action)
        return opened, int(recordings[-1].notification.id)

    def comment_dispute(self, dispute_id: UUID, told: Any) -> tuple[Dispute, int]:  # noqa: ANN401 - a body
        """Comment a dispute."""
        dispute: Dispute = self.repository.get(dispute_id)
        dispute.comment(told.text, told.visibility.value)
        (recording,) = self.save(dispute)
        return dispute, int(recording.notification.id)


@contextmanager
def stock(conninfo: str, _: str) -> Iterator[tuple[FastAPI, str]]:
    """The same on the library."""
    told = conninfo_to_dict(conninfo)
    names = {"DBNAME": "dbname", "HOST": "host", "PORT": "port", "USER": "user"}
    environment = {f"POSTGRES_{name}": str(told.get(key, "")) for name, key in names.items()}
    environment |= {"POSTGRES_PASSWORD": str(told.get("password", "")), "POSTGRES_POOL_SIZE": str(THREADS)}
    with Receivables(env={"PERSISTENCE_MODULE": "eventsourcing.postgres", **environment}) as application:
        application.furnish()
        key = "redress_stock"

        def open_dispute(body: Any) -> tuple[UUID, int, int]:  # noqa: ANN401 - a body
            dispute, position = application.open_dispute(body)
            return dispute.id, dispute.version, position

        def comment_dispute(dispute_id: UUID, body: Any) -> tuple[UUID, int, int]:  # noqa: ANN401 - a body
            dispute, position = application.comment_dispute(dispute_id, body)
            return dispute.id, dispute.version, position

        yield _app(key, open_dispute, comment_dispute), key


@contextmanager
def bare(_: str, __: str) -> Iterator[tuple[FastAPI, str]]:
    """The same routes, and nothing behind them."""
    some = uuid4()
    yield _app("redress_bare", lambda _: (some, 1, 1), lambda _, __: (some, 1, 1)), "redress_bare"


Done = tuple[UUID, int, int]
_BEARER: Final = HTTPBearer(auto_error=False)


def _app(key: str, opening: Callable[[Any], Done], commenting: Callable[[UUID, Any], Done]) -> FastAPI:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    open_body = wire.body_of(wire.BY_NAME["open_dispute"], with_subject=False)
    comment_body = wire.body_of(wire.BY_NAME["comment_dispute"], with_subject=False)

    async def known(shown: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)] = None) -> None:
        if shown is None or shown.credentials != key:
            raise HTTPException(401)

    def open_dispute(body: BaseModel) -> Response:
        return _answer(201, opening(body))

    def comment_dispute(dispute_id: UUID, body: BaseModel) -> Response:
        return _answer(200, commenting(dispute_id, body))

    open_dispute.__annotations__ = {"body": open_body, "return": Response}
    comment_dispute.__annotations__ = {"dispute_id": UUID, "body": comment_body, "return": Response}
    guarded = [Depends(known)]
    app.post("/v1/disputes", dependencies=guarded, response_class=Response)(open_dispute)
    app.post("/v1/disputes/{dispute_id}/comment", dependencies=guarded, response_class=Response)(
        comment_dispute
    )
    return app


def _answer(status: int, done: Done) -> Response:
    subject, version, position = done
    recorded_at = datetime.now(UTC)
    body = {
        "id": subject,
        "version": version,
        "position": position,
        "changed": True,
        "recorded_at": recorded_at,
    }
    headers = {"ETag": f'"{version}"', "X-Position": str(position), "Location": f"/v1/disputes/{subject}"}
    return Response(orjson.dumps(body), status, headers, "application/json")


# --- the process ---------------------------------------------------------------------------------------

SIDES: Final[Mapping[str, Any]] = {"ours": ours, "empty": empty, "stock": stock, "bare": bare}


def main(side: str, conninfo: str, company: str) -> None:
    """Serve until standard input ends."""
    # Said to be TCP in so many words, or asyncio would not switch Nagle's algorithm off: 40 ms an answer.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with SIDES[side](conninfo, company) as (app, key), listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        server = uvicorn.Server(uvicorn.Config(_threaded(app), log_level="warning", access_log=False))
        print(listening.getsockname()[1], key, flush=True)

        def wait() -> None:
            sys.stdin.read()
            server.should_exit = True

        threading.Thread(target=wait, daemon=True).start()
        server.run(sockets=[listening])


def _threaded(app: FastAPI) -> Any:  # noqa: ANN401 - an ASGI application
    # All sides have as many threads as ours.
    async def limited(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI has it
        if scope["type"] == "lifespan":
            anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        await app(scope, receive, send)

    return limited


if __name__ == "__main__":
    os.environ.pop("POSTGRES_ENABLE_DB_FUNCTIONS", None)
    main(*sys.argv[1:])
