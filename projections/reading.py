"""Asking the read side: one snapshot for the position and the rows, for one actor, at one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString, TypeVar

from psycopg import Connection, Cursor
from psycopg.rows import DictRow, class_row, dict_row
from psycopg.sql import SQL, Composable, Composed, Identifier
from psycopg.types.json import Jsonb

from domain.catalogue import Settings
from domain.refusals import Forbidden
from domain.roles import Actor, Permission, Reach, reach
from projections.moment import Moment, business_moment
from projections.parameters import ParameterInvalid, Parameters, Report
from store.connections import CompanyDatastore, survive
from store.log_statements import END_OF_DECISION, POSITION_AT, InSchema

Row = TypeVar("Row")
Result = TypeVar("Result")

_BEGIN: Final = "begin transaction isolation level repeatable read, read only"

# From here on to the end of the transaction the reports' SQL names tables without their schema. Plans are
# made for the values at hand (how many rows a moment shows depends on the moment), and never compiled: these
# queries take less time than that.
_PREPARE: Final = """
select coalesce(max(notification_id), 0),
       set_config('search_path', %(schema)s, true),
       set_config('plan_cache_mode', 'force_custom_plan', true),
       set_config('jit', 'off', true)
from {tracking} where application_name = 'states'"""

_SETTINGS: Final = """
select zone, language, currency, ageing_buckets, country from settings_states s
where s.since <= %(known)s and (s.until is null or s.until > %(known)s)"""


STATUS_LABEL: Final[LiteralString] = (
    "coalesce(nullif(s.labels ->> %(language)s, ''), nullif(s.labels ->> 'en', ''), s.code)"
)
"""A status (s) in the company's language, for people to read."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The read side at one position, and the moment of it that is asked for."""

    connection: Connection[DictRow]
    moment: Moment
    language: str
    ageing_buckets: tuple[int, ...]
    """Upper ends in days."""
    country: str | None = None
    """Whose public holidays are none of the company's working days."""

    def rows(
        self, of: type[Row], statement: LiteralString, bindings: Mapping[str, object], **parts: Composable
    ) -> list[Row]:
        """The rows of *statement* as instances of the dataclass *of*, which has its columns as fields.

        In *statement* ``{seen_i}`` and the like stand for the moment's conditions, ``{status_label}`` for the
        label of a status s, other names for *parts*.
        """
        with self.connection.cursor(row_factory=class_row(of)) as cursor:
            self._execute(cursor, statement, bindings, parts)
            return cursor.fetchall()

    def dicts(
        self, statement: LiteralString, bindings: Mapping[str, object], **parts: Composable
    ) -> list[dict[str, Any]]:
        """As `rows`, each row a mapping of its columns."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            self._execute(cursor, statement, bindings, parts)
            return cursor.fetchall()

    def rows_and_totals(
        self, of: type[Row], statement: LiteralString, bindings: Mapping[str, object], **parts: Composable
    ) -> tuple[list[Row], list[Row]]:
        """As `rows`, told apart by the column ``is_total``, which is no field of *of*."""
        rows: list[Row] = []
        totals: list[Row] = []
        for found in self.dicts(statement, bindings, **parts):
            (totals if found.pop("is_total") else rows).append(of(**found))
        return rows, totals

    def sql(self, text: LiteralString) -> Composable:
        """*text* with the moment's conditions in it, as a part of a statement."""
        return SQL(text).format(**self._places())

    def statement(self, text: LiteralString, **parts: Composable) -> Composed:
        """*text* with the moment's conditions and *parts* in their places."""
        return SQL(text).format(**self._places(), **parts)

    def bound(self, bindings: Mapping[str, object]) -> dict[str, object]:
        """*bindings*, and what the moment's conditions refer to."""
        return {"language": self.language, **self.moment.bindings(), **bindings}

    def _places(self) -> dict[str, Composable]:
        return {"status_label": SQL(STATUS_LABEL), **self.moment.conditions()}

    def _execute(
        self,
        cursor: Cursor[Any],
        statement: LiteralString,
        bindings: Mapping[str, object],
        parts: Mapping[str, Composable],
    ) -> None:
        cursor.execute(self.statement(statement, **parts), self.bound(bindings), binary=True)

    def report(
        self,
        parameters: Parameters,
        rows: list[Row],
        totals: list[Row] | tuple[()] = (),
        *,
        next_cursor: str | None = None,
        **computed: object,
    ) -> Report[Row]:
        """*rows* with the position and what they were computed with; *computed* adds to the parameters."""
        clocks = {"as_at": self.moment.at, "known_at": self.moment.known}
        stated = {**parameters.stated(), **computed, **clocks}
        return Report(self.moment.position, stated, tuple(rows), tuple(totals), next_cursor)


@dataclass(frozen=True, slots=True)
class Reading:
    """Who asks which company, and when: *now* is what `store.clock.now` said."""

    datastore: CompanyDatastore
    actor: Actor
    now: datetime

    def reach(self, *permissions: Permission) -> Reach:
        """What the first of *permissions* that the actor has reaches. Raises RoleForbids if there is none."""
        *others, last = permissions
        for permission in others:
            if self.has(permission):
                return reach(self.actor, permission)
        return reach(self.actor, last)

    def has(self, permission: Permission) -> bool:
        """Whether the actor has *permission* over anything at all."""
        try:
            reach(self.actor, permission)
        except Forbidden:
            return False
        return True

    def at(self, parameters: Parameters, work: Callable[[Snapshot], Result]) -> Result:
        """Do *work* on a snapshot at the clocks of *parameters*; again if the connection is lost under it.

        Raises ParameterInvalid, and LogUnavailable when the database cannot be reached.
        """
        parameters.check()
        return self.within(lambda snapshot: work(snapshot(parameters)))

    def within(self, work: Callable[[Callable[[Parameters], Snapshot]], Result]) -> Result:
        """As `at`, with as many snapshots as *work* asks for: all of one state of the read side, at the same
        position, each at the clocks of its own parameters."""
        return survive(self.datastore.pool, lambda: self._once(work))

    def _once(self, work: Callable[[Callable[[Parameters], Snapshot]], Result]) -> Result:
        with self.datastore.pool.connection() as connection:  # ends the transaction on its way out
            connection.execute(_BEGIN)
            tracking = Identifier(self.datastore.schema, "tracking")
            # Before the snapshot: a rebuild's swap holds this table, so rows and position come from one side.
            connection.execute(SQL("lock table {} in access share mode").format(tracking))
            prepared = connection.execute(
                SQL(_PREPARE).format(tracking=tracking), {"schema": self.datastore.schema}
            ).fetchone()
            assert prepared is not None, "an aggregate has a row"
            position = prepared["coalesce"]
            return work(lambda parameters: self._snapshot(connection, parameters, position))

    def _snapshot(self, connection: Connection[DictRow], parameters: Parameters, position: int) -> Snapshot:
        known_at = self._known_at(connection, parameters.known_at, position)
        known = position if known_at is None else known_at
        found = connection.execute(_SETTINGS, {"known": known}).fetchone()
        # A company of which nothing is known yet has what a fresh one is founded with.
        fresh = Settings("")
        settings = found or {
            "zone": fresh.zone, "language": fresh.language, "ageing_buckets": fresh.ageing_buckets,
            "country": fresh.country,
        }  # fmt: skip
        as_at = business_moment(parameters.as_at, settings["zone"])
        moment = Moment(position, self.now, settings["zone"], as_at, known_at)
        buckets = tuple(settings["ageing_buckets"])
        return Snapshot(connection, moment, settings["language"], buckets, settings["country"])

    def _known_at(
        self, connection: Connection[DictRow], known_at: int | datetime | None, position: int
    ) -> int | None:
        if known_at is None:
            return None
        if isinstance(known_at, int) and not 0 <= known_at <= position:
            raise ParameterInvalid("known_at", known_at, f"give a position from 0 to {position}, or a time")
        statement = POSITION_AT if isinstance(known_at, datetime) else END_OF_DECISION
        found = connection.execute(InSchema(self.datastore.schema)[statement], (known_at,)).fetchone()
        assert found is not None, "the functions always answer"
        # The log may be ahead of the read side, which then answers for what it has.
        (end_of_decision,) = found.values()
        return min(int(end_of_decision), position)


def jsonb(value: Mapping[str, str]) -> Jsonb:
    """*value* as PostgreSQL's jsonb."""
    return Jsonb(dict(value))
