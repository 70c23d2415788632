"""Connections to PostgreSQL: one pool a process, shared by all companies, and how a lost one is survived."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import psycopg
from eventsourcing.persistence import OperationalError
from eventsourcing.postgres import ConnectionPool, PostgresDatastore
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row, tuple_row
from psycopg_pool import PoolTimeout
from psycopg_pool.abc import CT
from psycopg_pool.base import AttemptWithBackoff

from store.backends import stand_behind

Row: TypeAlias = tuple[Any, ...]
Parameters: TypeAlias = Sequence[object] | Mapping[str, object]
Result = TypeVar("Result")

_ATTEMPTS: Final = 5
_FIRST_PAUSE: Final = 0.05
"""Seconds; doubled after each attempt."""

_LOST: Final = ("08", "57P01", "57P02", "57P03")
"""SQLSTATEs that tell of a lost connection: class 08, and a server that shuts down, crashed or starts."""

_PREPARED_PER_CONNECTION: Final = 500
"""Each company has statements of its own; psycopg's default of 100 would prepare again and again."""


class UnsafeSetting(Exception):
    """POSTGRES_ENABLE_DB_FUNCTIONS is set: it drops the append lock, and readers miss events. Unset it."""


class LogUnavailable(OperationalError):
    """The database cannot be reached, or cannot do it now: no connection, a timeout, a full disk.

    If this comes from an append, its outcome is unknown: the connection may have been lost after the
    commit. Send the same command (its id, its key) again to learn what became of it.
    """


class _SteadyAttempt(AttemptWithBackoff):
    """Tries to connect at an even pace.

    psycopg's own doubles its pause each time: after an outage it stood still for as long again.
    """

    INITIAL_DELAY = 0.25
    DELAY_BACKOFF = 1.0


class LifoPool(ConnectionPool[CT]):
    """A pool that hands out the connection returned last.

    psycopg's own is first in, first out: one busy thread would visit every backend in turn and find each
    one's caches cold. The idle ones gather at the far end, where the pool looks for those to close.
    """

    def _add_connection(self, attempt: AttemptWithBackoff | None, growing: bool = False) -> None:  # noqa: FBT001, FBT002 - psycopg's
        super()._add_connection(attempt or _SteadyAttempt(timeout=self.reconnect_timeout), growing)

    def _get_ready_connection(self, timeout: float | None) -> CT | None:
        self._pool.rotate(1)  # called with the pool's lock held; the base class takes from the left
        return super()._get_ready_connection(timeout)


_OFF: Final = frozenset({"", "n", "no", "f", "false", "off", "0"})

Pool: TypeAlias = LifoPool[Connection[DictRow]]


def refuse_unsafe_settings(environment: Mapping[str, str] = os.environ) -> None:
    """Raise UnsafeSetting if the environment asks the library to write without the lock."""
    if environment.get("POSTGRES_ENABLE_DB_FUNCTIONS", "").lower() not in _OFF:
        raise UnsafeSetting(UnsafeSetting.__doc__)


def open_pool(conninfo: str, *, size: int = 10, timeout: float = 10.0, behind: bool = False) -> Pool:
    """A pool of up to *size* autocommit connections (at least as many as threads use it), opened.

    *timeout* is how many seconds a thread waits for a connection. *behind*: what is asked for through it need
    not be soon (`backends.stand_behind`). Raises UnsafeSetting. Close it, or use it as a context manager.
    """
    refuse_unsafe_settings()
    return LifoPool(
        conninfo,
        connection_class=Connection[DictRow],
        # The library's recorders read rows as mappings.
        kwargs={"autocommit": True, "row_factory": dict_row},
        min_size=min(2, size),
        max_size=size,
        open=True,
        configure=_configure_behind if behind else _configure,
        timeout=timeout,
    )


def _configure(connection: Connection[DictRow]) -> None:
    connection.prepared_max = _PREPARED_PER_CONNECTION
    connection.execute("set timezone to 'UTC'")  # moments come back in UTC, wherever the server stands


def _configure_behind(connection: Connection[DictRow]) -> None:
    _configure(connection)
    stand_behind(connection)


class CompanyDatastore(PostgresDatastore):
    """The library's idea of a database, for one company's schema over the shared pool.

    *company* is the company's id as `migrate.create_company` took it.
    """

    def __init__(self, pool: Pool, company: str) -> None:
        refuse_unsafe_settings()
        told = conninfo_to_dict(pool.conninfo if isinstance(pool.conninfo, str) else "")
        super().__init__(
            dbname=str(told.get("dbname", "")),
            host=str(told.get("host", "")),
            port=str(told.get("port", "")),
            user=str(told.get("user", "")),
            password="",  # not needed: the base class' own pool is never opened
            schema=f"company_{company}",
        )
        self.company = company
        self.pool = pool

    def register_type_adapters(self) -> None:
        """Nothing: our tables have no composite types, and looking for them costs a round trip."""

    def close(self) -> None:
        """Nothing: the pool belongs to whoever opened it, and other companies use it."""

    def rows(self, statement: bytes, parameters: Parameters = ()) -> list[Row]:
        """Run one statement in one round trip and return all its rows.

        The statement is its own transaction. If the connection is lost it is run again, so it must be
        harmless to run twice. Raises what `survive` raises.
        """
        return survive(self.pool, lambda: self.rows_once(statement, parameters))

    def rows_once(self, statement: bytes, parameters: Parameters = ()) -> list[Row]:
        """As `rows`, but the first error is the last."""
        with self.pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            # Binary answers: parsing dates and ids from text costs more than the rest of reading.
            return cursor.execute(statement, parameters, prepare=True, binary=True).fetchall()

    def rows_together(
        self, calls: Sequence[tuple[bytes, Parameters]], check: Callable[[list[Row]], None] | None = None
    ) -> list[Row]:
        """Run statements that return one row each in one transaction; all of them, or none.

        They are sent without waiting for each other's answers. The first error is the last. *check* looks at
        the rows before they are committed; what it raises undoes them.
        """
        with self.pool.connection() as connection, connection.pipeline(), connection.transaction():
            cursors = [connection.cursor(row_factory=tuple_row) for _ in calls]
            for cursor, (statement, parameters) in zip(cursors, calls, strict=True):
                cursor.execute(statement, parameters, prepare=True, binary=True)
            rows = [row for cursor in cursors for row in cursor.fetchall()]
            if check is not None:
                check(rows)
            return rows


def survive(pool: ConnectionPool[Connection[DictRow]], work: Callable[[], Result]) -> Result:
    """Do *work*, again if the connection is lost under it, a few times over some seconds.

    *work* takes a connection from *pool* and must be harmless to do twice. Raises LogUnavailable at the end
    of patience, when the pool has no connection to give, or when the server cannot do it now; what is wrong
    with the statement itself passes through as psycopg.Error.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return work()
        except PoolTimeout as error:
            raise LogUnavailable(str(error)) from error
        except psycopg.errors.ReadOnlySqlTransaction as error:
            # A standby, or switched to read-only. To the driver that is a fault of the program.
            raise LogUnavailable(str(error)) from error
        except psycopg.OperationalError as error:
            if not _is_lost(error):
                # A timeout, a full disk …: at once again would not help.
                raise LogUnavailable(str(error)) from error
            if attempt == _ATTEMPTS:
                raise LogUnavailable(str(error)) from error
            # One lost connection is seldom alone. Without this, each of the others costs an attempt.
            pool.check()
            time.sleep(_FIRST_PAUSE * 2 ** (attempt - 1))
    raise AssertionError("the last attempt either returns or raises")


def is_reachable(pool: ConnectionPool[Connection[DictRow]], patience: float = 2.0) -> bool:
    """Whether the database answers within about *patience* seconds; never raises."""
    try:
        with pool.connection(timeout=patience) as connection:
            connection.execute("select 1")
    except (psycopg.Error, PoolTimeout):
        return False
    return True


def _is_lost(error: psycopg.OperationalError) -> bool:
    # Without an SQLSTATE the client itself noticed: the server said nothing any more.
    return error.sqlstate is None or error.sqlstate.startswith(_LOST)
