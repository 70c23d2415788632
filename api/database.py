"""The opened database of the service: the embedded server or another, and its companies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Final

from api.settings import Settings
from projections.feed import Feed
from store import embedded
from store.connections import CompanyDatastore, Pool, is_reachable, open_pool
from store.execute import Executor
from store.keys import Keys
from store.log import Log
from store.migrate import companies, migrate


class NoSuchCompanyHere(LookupError):
    """The database has no company with this id."""

    def __init__(self, company: str, known: list[str]) -> None:
        there = (
            ", ".join(known)
            or "none yet: load the sample with `redress demo`, or make one with `redress found`"
        )
        super().__init__(f"there is no company {company!r} here; there are: {there}")


class CompanyNotNamed(LookupError):
    """Several companies live here and none was named."""

    def __init__(self, known: list[str]) -> None:
        super().__init__(f"name the company with --company or REDRESS_COMPANY: {', '.join(known)}")


class OpenCompany:
    """One company of an opened database: its log, its executor, its feed."""

    def __init__(self, pool: Pool, company: str) -> None:
        self.id: Final = company
        self.datastore: Final = CompanyDatastore(pool, company)
        self.log: Final = Log(self.datastore)
        self.executor: Final = Executor(self.log)

    @cached_property
    def feed(self) -> Feed:
        """Follows this company's log into its read models."""
        return Feed(self.datastore, self.log)


@dataclass(slots=True)
class Database:
    """An opened database. ``is_own``: it is the embedded one, whose owner is administrator without a key."""

    conninfo: str
    pool: Pool
    is_own: bool
    data_dir: Path
    keys: Keys
    _open: dict[str, OpenCompany] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def is_reachable(self) -> bool:
        """Whether the database answers; never raises."""
        return is_reachable(self.pool)

    def companies(self) -> list[str]:
        """Ids of all companies."""
        return companies(self.conninfo)

    def company(self, company: str | None = None) -> OpenCompany:
        """The company with this id, or the only one. Raises NoSuchCompanyHere, CompanyNotNamed."""
        known = self.companies() if company is None or company not in self._open else [company]
        if company is None and len(known) > 1:
            raise CompanyNotNamed(known)
        name = company or (known[0] if known else "sample")
        if name not in known:
            raise NoSuchCompanyHere(name, known)
        with self._lock:
            if name not in self._open:
                self._open[name] = OpenCompany(self.pool, name)
            return self._open[name]


@contextmanager
def open_database(settings: Settings, *, pool_size: int | None = None) -> Iterator[Database]:
    """Start or reach the database, migrate it, and close it all in the end.

    Raises the refusals of store.embedded and store.migrate, UnsafeSetting, psycopg.OperationalError.
    """
    directory = settings.data_dir / "postgresql"
    own = settings.database_url is None
    conninfo = (
        embedded.ensure(directory)
        if settings.database_url is None
        else settings.database_url.get_secret_value()
    )
    try:
        migrate(conninfo)
        with open_pool(conninfo, size=pool_size or settings.threads + 4) as pool:
            yield Database(conninfo, pool, own, settings.data_dir, Keys(pool))
    finally:
        if own:
            embedded.release(directory)
