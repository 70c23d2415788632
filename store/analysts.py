"""Roles of the database for analysts: they may read the views of a company's reporting schema, nothing else.

What the views are stands in store/schema/0004_reporting.sql and docs/reference/reporting.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Composable, Identifier, Literal

from store.connections import CompanyDatastore

LOG: Final = "events"
"""The view that only those may be given who may read the log."""

_IDLE: Final = "5min"
"""How long a transaction may wait for its next statement."""

_ROLE: Final = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")
_RESERVED: Final = frozenset({"public", "none", "current_role", "current_user", "session_user"})


class RoleUnsuitable(Exception):
    """Name a role of 1 to 63 characters out of a-z, 0-9 and _, which does not begin with a digit or pg_."""


class RoleHasMore(Exception):
    """The role may do more in this database than analyse: it would lose that, or be an analyst who can write.
    Name another."""


class NoSuchRole(LookupError):
    """The database has no role of this name."""


class MayNotMakeRoles(Exception):
    """The service's user of the database may not do that: roles are made, and views granted, by a superuser,
    or by the tables' owner if it has CREATEROLE. Let REDRESS_DATABASE_URL name such a user for this."""


@dataclass(frozen=True, slots=True)
class View:
    """A view of the reporting schema and what it says."""

    view: str
    what: str


def reporting_schema(datastore: CompanyDatastore) -> str:
    """The name of the schema that analysts see."""
    return f"{datastore.schema}_reporting"


def views(datastore: CompanyDatastore) -> list[View]:
    """All views, by name."""
    statement = b"""
        select c.relname, obj_description(c.oid) from pg_class c
        where c.relnamespace = %s::text::regnamespace and c.relkind = 'v' order by 1"""
    return [View(name, said) for name, said in datastore.rows(statement, (reporting_schema(datastore),))]


def connection_line(datastore: CompanyDatastore, role: str) -> str:
    """The libpq connection string with which *role* finds the views by their bare names; no password."""
    told = conninfo_to_dict(datastore.pool.conninfo if isinstance(datastore.pool.conninfo, str) else "")
    known = {name: str(told[name]) for name in ("host", "port", "dbname", "sslmode") if told.get(name)}
    return make_conninfo(**known, user=role, options=f"-c search_path={reporting_schema(datastore)}")


def grant(
    datastore: CompanyDatastore,
    role: str,
    *,
    password: str | None = None,
    timeout: int = 60,
    with_log: bool = False,
) -> bool:
    """Let *role* read the company's views; whether the role was made now.

    Its sessions begin read-only, end statements after *timeout* seconds, and end idle transactions.
    *password* None leaves that of a role that exists, and gives a new one none. *with_log*: also the view
    `events`, else that is taken away.

    Raises RoleUnsuitable, RoleHasMore, MayNotMakeRoles.
    """
    if _ROLE.fullmatch(role) is None or role in _RESERVED:
        raise RoleUnsuitable(RoleUnsuitable.__doc__)
    with _owning(datastore) as connection:
        made = _make(connection, datastore, role)
        user, schema = Identifier(role), Identifier(reporting_schema(datastore))
        if password is not None:
            _run(connection, "alter role {} password {}", user, Literal(_hidden(connection, role, password)))
        _set(connection, user, "default_transaction_read_only", "on")
        _set(connection, user, "statement_timeout", f"{timeout}s")
        # A forgotten transaction would keep a rebuild from taking the tables' place.
        _set(connection, user, "idle_in_transaction_session_timeout", _IDLE)
        _run(connection, "grant usage on schema {} to {}", schema, user)
        _run(connection, "grant select on all tables in schema {} to {}", schema, user)
        if not with_log:
            _run(connection, "revoke select on {}.{} from {}", schema, Identifier(LOG), user)
    return made


def revoke(datastore: CompanyDatastore, role: str) -> None:
    """Take the company's views away from *role*, which stays.

    Raises NoSuchRole, RoleHasMore (the service itself reads these views), MayNotMakeRoles.
    """
    with _owning(datastore) as connection:
        if not _known(connection, role):
            raise NoSuchRole(f"there is no role {role!r} in this database")
        _require_no_more(connection, datastore, role)
        user, schema = Identifier(role), Identifier(reporting_schema(datastore))
        _run(connection, "revoke select on all tables in schema {} from {}", schema, user)
        _run(connection, "revoke usage on schema {} from {}", schema, user)


@contextmanager
def _owning(datastore: CompanyDatastore) -> Iterator[Connection[Any]]:
    try:
        with datastore.pool.connection() as connection, connection.transaction():
            yield connection
    except psycopg.errors.InsufficientPrivilege:
        raise MayNotMakeRoles(MayNotMakeRoles.__doc__) from None


def _make(connection: Connection[Any], datastore: CompanyDatastore, role: str) -> bool:
    if not _known(connection, role):
        _run(connection, "create role {} login", Identifier(role))
        return True
    _require_no_more(connection, datastore, role)
    if _writes(connection, role):
        raise RoleHasMore(RoleHasMore.__doc__)
    return False


def _require_no_more(connection: Connection[Any], datastore: CompanyDatastore, role: str) -> None:
    found = connection.execute(
        """select rolsuper or rolcreaterole or rolcreatedb or rolbypassrls
                  or has_schema_privilege(oid, %(company)s, 'usage')
                  or has_schema_privilege(oid, 'redress', 'usage') as has_more
           from pg_roles where rolname = %(role)s""",
        {"role": role, "company": datastore.schema},
    ).fetchone()
    if found is None or found["has_more"]:
        raise RoleHasMore(RoleHasMore.__doc__)


def _writes(connection: Connection[Any], role: str) -> bool:
    """Whether *role* may change any table of the database: it would find itself in read-only sessions."""
    return bool(
        connection.execute(
            """select from pg_class
               where relkind in ('r', 'p') and relpersistence <> 't'
                 and relnamespace <> 'pg_catalog'::regnamespace
                 and has_table_privilege(%s, oid, 'insert, update, delete, truncate')
               limit 1""",
            [role],
        ).fetchall()
    )


def _known(connection: Connection[Any], role: str) -> bool:
    return connection.execute("select from pg_roles where rolname = %s", [role]).fetchone() is not None


def _hidden(connection: Connection[Any], role: str, password: str) -> str:
    """What the server keeps instead of the password, which then is in nobody's log of statements."""
    return connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()


def _set(connection: Connection[Any], user: Identifier, name: str, value: str) -> None:
    database = Identifier(connection.info.dbname)  # elsewhere the role stays as it is
    _run(
        connection,
        "alter role {} in database {} set {} = {}",
        user,
        database,
        Identifier(name),
        Literal(value),
    )


def _run(connection: Connection[Any], statement: LiteralString, *parts: Composable) -> None:
    connection.execute(SQL(statement).format(*parts))
