"""How far the tables of states have come, and who may move them on."""

from __future__ import annotations

from typing import Any, Final

from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from psycopg import Cursor
from psycopg.sql import SQL, Identifier

from store.connections import CompanyDatastore

_NAME: Final = "states"
"""The library's name for what follows a log."""

_BEGIN: Final = SQL("insert into {tracking} values (%s, 0) on conflict do nothing returning notification_id")

_POSITION: Final = SQL("select notification_id from {tracking} where application_name = %s")

# Rows and position can only be lost together, with the server's last moments, and are then made again from
# the log: waiting for the disk at every commit would gain nothing. And each row to be ended is looked up by
# its key, also where the statistics of a young table would have all of it read. So there is but one way to do
# it, which need not be planned anew for each batch.
_LOCK: Final = SQL("""
select notification_id,
       set_config('synchronous_commit', 'off', true), set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true), set_config('enable_seqscan', 'off', true),
       set_config('plan_cache_mode', 'force_generic_plan', true)
from {tracking} where application_name = %s for update skip locked""")

_HOLD: Final = SQL("select notification_id from {tracking} where application_name = %s for update")


class StatesTracking(PostgresTrackingRecorder):
    """The position of the tables of states, kept by the library's recorder in our table.

    Its row is also the lock of those who write the tables. suffix: of the table that keeps it; empty for that
    of the tables in use. Cursors that are handed in give rows as mappings.
    """

    def __init__(self, datastore: CompanyDatastore, suffix: str = "") -> None:
        super().__init__(datastore, tracking_table_name=f"tracking{suffix}")
        self.sql_create_statements.clear()  # store.migrate creates the table
        self._company: Final = datastore
        table = Identifier(datastore.schema, self.tracking_table_name)
        self._begin: Final = _BEGIN.format(tracking=table).as_bytes()
        self._position: Final = _POSITION.format(tracking=table).as_bytes()
        self._lock: Final = _LOCK.format(tracking=table).as_bytes()
        self._hold: Final = _HOLD.format(tracking=table).as_bytes()

    def position(self) -> int:
        """The position that the tables have reached; 0 at the beginning."""
        rows = self._company.rows(self._position, (_NAME,))
        return rows[0][0] if rows else 0

    def begin(self) -> None:
        """Make the row, so that it can be locked."""
        self._company.rows(self._begin, (_NAME,))

    def lock(self, cursor: Cursor[Any]) -> int | None:
        """The position, which nobody else can move until the transaction ends; None if another holds it.

        Also prepares the transaction for writing the tables.
        """
        found = cursor.execute(self._lock, (_NAME,)).fetchone()
        position: int | None = found["notification_id"] if found else None
        return position

    def hold(self, cursor: Cursor[Any]) -> int:
        """As `lock`, but wait for whoever holds it."""
        found = cursor.execute(self._hold, (_NAME,)).fetchone()
        assert found is not None, "`begin` made the row"
        position: int = found["notification_id"]
        return position

    def move(self, cursor: Cursor[Any], position: int) -> None:
        """The tables reach *position* with this transaction. Raises IntegrityError unless that is forward."""
        self._insert_tracking(cursor, Tracking(_NAME, position))
