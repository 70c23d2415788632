"""A founded company in a test's database, for tests below the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from api.database import Database, OpenCompany
from domain.catalogue import Settings
from domain.events import Event
from domain.identity import OPERATOR
from domain.roles import Actor, Role
from store.companies import found
from store.connections import open_pool
from store.keys import Keys

ADMINISTRATOR = Actor(OPERATOR, Role.ADMINISTRATOR)
MANAGER = Actor(OPERATOR, Role.CREDIT_MANAGER)


class CompanyCase:
    """The company ``acme`` and its log."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.company: OpenCompany = database.company("acme")

    def recorded(self, after: int = 0):
        return self.company.log.read(after, 1_000_000)

    def events(self, after: int = 0) -> list[Event]:
        return [each.event for each in self.recorded(after)]

    def kinds(self, after: int = 0) -> list[str]:
        return [type(event).__name__ for event in self.events(after)]

    @property
    def newest(self) -> int:
        return self.company.log.newest()

    def state(self, stream: UUID):
        return self.company.executor.states.read(frozenset({stream})).case.states.get(stream)


@contextmanager
def company_case(conninfo: str, directory: Path, **settings: object) -> Iterator[CompanyCase]:
    with open_pool(conninfo, size=4) as pool:
        found(conninfo, pool, "acme", Settings("Acme", **{"currency": "EUR", **settings}))  # type: ignore[arg-type]
        yield CompanyCase(Database(conninfo, pool, is_own=True, data_dir=directory, keys=Keys(pool)))


def ndjson(*lines: object) -> list[tuple[int, str]]:
    """Lines as a history file has them; texts stand for themselves."""
    return [
        (number, line if isinstance(line, str) else json.dumps(line)) for number, line in enumerate(lines, 1)
    ]
