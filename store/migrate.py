"""Bringing a database to the shape that this version of the service needs.

The SQL stands in store/schema/NNNN_name.sql. A file that says ``{company}`` is applied to the schema of
every company, with that schema's name in its place; any other is applied once. Each schema records what was
applied to it in its own table `migrations`, so that a company's schema can be moved, restored or dropped as a
whole (with what analysts see of it, which stands in the schema ``<schema>_reporting`` and holds no data).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import psycopg
from psycopg.sql import SQL, Identifier

from store.connections import LogUnavailable

# What analysts see of a company stands in the schema <its schema>_reporting, which is to be nobody else's.
_COMPANY_ID: Final = re.compile(r"(?!.*_reporting$)[a-z][a-z0-9_]{0,40}")
_FILE: Final = re.compile(r"([0-9]{4})_[a-z0-9_]+\.sql")
_PLACE: Final = "{company}"
_SHARED: Final = "redress"
_RECORD: Final = """
create table {} (number integer primary key, name text not null, digest bytea not null,
                 applied_at timestamptz not null default clock_timestamp())"""
_LOCK: Final = 0x7265_6472_6573_73  # "redress"; one number for the whole database


class BadCompanyId(ValueError):
    """A company's id is 1 to 41 characters out of a-z, 0-9 and _; it begins with a letter and does not end
    with _reporting."""

    def __init__(self, company: str) -> None:
        super().__init__(f"{company!r} cannot be the id of a company: {self.__doc__}")


class CompanyExists(ValueError):
    """There is a company with this id already."""


class MigrationChanged(Exception):
    """A migration that was applied to this database is not the one that this version of the service has."""


class DatabaseNewer(Exception):
    """The database was migrated by a newer version of the service than this one."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of store/schema."""

    number: int
    name: str
    text: str

    @property
    def is_per_company(self) -> bool:
        """Whether it is applied to each company rather than once."""
        return _PLACE in self.text

    @property
    def digest(self) -> bytes:
        """SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).digest()


def migrations() -> list[Migration]:
    """All of them, in order. Raises ValueError if their numbers do not run 1, 2, 3 …"""
    found = [
        Migration(int(matched[1]), file.name.removesuffix(".sql"), file.read_text("utf-8"))
        for file in files("store").joinpath("schema").iterdir()
        if (matched := _FILE.fullmatch(file.name))
    ]
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"migrations are not numbered without gaps: {[each.name for each in found]}")
    return found


def migrate(conninfo: str) -> list[str]:
    """Bring the schema `redress` and every company up to date; return what was applied, as "schema/name".

    Any number of processes may call it at once: one works, the others wait and find nothing to do. Each
    schema is one transaction, so an error leaves whole schemas behind. Raises MigrationChanged,
    DatabaseNewer, psycopg.Error.
    """
    with _alone(conninfo) as connection:
        with connection.transaction():
            applied = _bring_up_to_date(connection, _SHARED)
        for company in _companies(connection):
            with connection.transaction():
                applied += _bring_up_to_date(connection, schema_of(company))
    return applied


def create_company(conninfo: str, company: str) -> None:
    """Make the schema and the tables of a new company, in a database that `migrate` has prepared.

    Raises BadCompanyId or CompanyExists.
    """
    schema = schema_of(company)
    with _alone(conninfo) as connection, connection.transaction():
        made = connection.execute(
            "insert into redress.companies (id) values (%s) on conflict do nothing returning id", (company,)
        ).fetchone()
        if made is None:
            raise CompanyExists(f"there is a company {company!r} already")
        _bring_up_to_date(connection, schema)


def companies(conninfo: str) -> list[str]:
    """The ids of all companies, sorted. Empty for a database never migrated. Raises LogUnavailable."""
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            prepared = connection.execute("select to_regclass('redress.companies') is not null").fetchone()
            return _companies(connection) if prepared == (True,) else []
    except psycopg.OperationalError as error:
        raise LogUnavailable(str(error)) from error


def schema_of(company: str) -> str:
    """The name of a company's schema. Raises BadCompanyId."""
    if _COMPANY_ID.fullmatch(company) is None:
        raise BadCompanyId(company)
    return f"company_{company}"


@contextmanager
def _alone(conninfo: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        # Held by the session and not by a transaction: there is one transaction for each schema.
        connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
        yield connection


def _companies(connection: psycopg.Connection) -> list[str]:
    return [row[0] for row in connection.execute("select id from redress.companies order by id")]


def _bring_up_to_date(connection: psycopg.Connection, schema: str) -> list[str]:
    table = Identifier(schema, "migrations")
    if connection.execute("select to_regclass(%s)", (f"{schema}.migrations",)).fetchone() == (None,):
        # Asked first, because "if not exists" wants the right to create even where there is nothing to do.
        connection.execute(SQL("create schema if not exists {}").format(Identifier(schema)))
        connection.execute(SQL(_RECORD).format(table))
    known = [each for each in migrations() if each.is_per_company == (schema != _SHARED)]
    recorded = connection.execute(SQL("select number, name, digest from {}").format(table)).fetchall()
    _compare(schema, known, {number: (name, digest) for number, name, digest in recorded})
    applied = []
    for migration in known[len(recorded) :]:
        connection.execute(migration.text.replace(_PLACE, schema).encode())
        connection.execute(
            SQL("insert into {} (number, name, digest) values (%s, %s, %s)").format(table),
            (migration.number, migration.name, migration.digest),
        )
        applied.append(f"{schema}/{migration.name}")
    return applied


def _compare(schema: str, known: list[Migration], recorded: dict[int, tuple[str, bytes]]) -> None:
    for migration in known[: len(recorded)]:
        if recorded.pop(migration.number, None) != (migration.name, migration.digest):
            raise MigrationChanged(f"{schema}: {migration.name} is not what was applied here; add a new one")
    if recorded:
        raise DatabaseNewer(f"{schema} has migrations that this version does not know: {sorted(recorded)}")
