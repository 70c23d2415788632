"""Asking the read side: one snapshot for the position and the rows, for one actor, at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final, LiteralString, TypeAlias, TypeVar

from psycopg import Connection, Cursor
from psycopg.rows import DictRow, RowMaker, args_row, class_row, dict_row
from psycopg.sql import SQL, Composable, Composed, Identifier
from psycopg.types.json import Jsonb

from domain.catalogue import Settings
from domain.refusals import Forbidden
from domain.roles import Actor, Permission, Reach, reach
from projections.moment import Moment, business_moment
from projections.parameters import ParameterInvalid, Parameters, Report
from projections.report_pages import ROWS, Piece, Window, window_of
from store.connections import CompanyDatastore, survive
from store.log_statements import END_OF_DECISION, POSITION_AT, InSchema

Row = TypeVar("Row")
Result = TypeVar("Result")
Shown: TypeAlias = list[Row] | Piece[Row] | Iterator[Row]
"""The rows of an answer: all, those of a page, or one after the other as they are asked for."""

_BEGIN: Final = "begin transaction isolation level repeatable read, read only"

# From here on to the end of the transaction the reports' SQL names tables without their schema. Plans are
# never compiled: these queries take less time than that.
_PREPARE: Final = """
select coalesce(max(notification_id), 0),
       set_config('search_path', %(schema)s, true),
       set_config('plan_cache_mode', %(plans)s, true),
       set_config('jit', 'off', true)
from {tracking} where application_name = 'states'"""

# How many rows a moment shows depends on the moment: a plan is made for each. What is live can have the same
# plan from one question to the next (PostgreSQL weighs that), and making it may take longer than the answer.
_PLANS_OF_MOMENTS: Final = "force_custom_plan"
_PLANS_OF_NOW: Final = "auto"

# Who reads all rows wants the fastest way to the last, not to the first; and who reads no further holds up
# neither the database's cleaning up nor the swap of a rebuild for long.
_STREAM: Final = """
select set_config('cursor_tuple_fraction', '1', true),
       set_config('idle_in_transaction_session_timeout', '300s', true)"""

_AT_A_TIME: Final = 2_000
"""Rows fetched in one go while streaming."""

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
    window: Window | None = None
    """The page of a report that is asked for."""
    stream: ExitStack | None = None
    """While this is open, rows can be fetched as they are asked for."""

    @property
    def is_streamed(self) -> bool:
        """Whether rows are fetched as they are asked for."""
        return self.stream is not None

    def rows(
        self, of: type[Row], statement: LiteralString, bindings: Mapping[str, object], **parts: Composable
    ) -> list[Row]:
        """The rows of *statement* as instances of the dataclass *of*, which has its columns as fields.

        In *statement* ``{seen_i}`` and the like stand for the moment's conditions, ``{status_label}`` for the
        label of a status s, other names for *parts*.
        """
        with self.connection.cursor(row_factory=_made(of)) as cursor:
            self._execute(cursor, statement, bindings, parts)
            return cursor.fetchall()

    def dicts(
        self, statement: LiteralString, bindings: Mapping[str, object], **parts: Composable
    ) -> list[dict[str, Any]]:
        """As `rows`, each row a mapping of its columns."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            self._execute(cursor, statement, bindings, parts)
            return cursor.fetchall()

    def shown(
        self, of: type[Row], statement: LiteralString, bindings: Mapping[str, object], **parts: Composable
    ) -> Shown[Row]:
        """As `rows`, those that `report` shall show: all, the page's, or as they are asked for."""
        if self.is_streamed:
            return (of(**found) for found in self.coming(statement, bindings, **parts))
        if self.window is None:
            return self.rows(of, statement, bindings, **parts)
        with self.connection.cursor(row_factory=_made(of)) as cursor:
            self._execute(cursor, statement, bindings, parts, ROWS)
            return Piece(cursor.fetchall())

    def coming(
        self,
        statement: LiteralString,
        bindings: Mapping[str, object],
        around: LiteralString = "{}",
        /,
        **parts: Composable,
    ) -> Iterator[dict[str, Any]]:
        """As `dicts`, of a streamed reading: each row when it is asked for. around: a statement about those
        in its braces."""
        assert self.stream is not None, "only a streamed reading has rows coming"
        cursor = self.stream.enter_context(self.connection.cursor("streamed", row_factory=dict_row))
        cursor.itersize = _AT_A_TIME
        self._execute(cursor, statement, bindings, parts, around)
        return iter(cursor)

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
        around: LiteralString = "{}",
    ) -> None:
        text = SQL(around).format(self.statement(statement, **parts))
        bound = self.bound(bindings) | (self.window.bindings if self.window else {})
        cursor.execute(text, bound, binary=True)

    def report(
        self,
        parameters: Parameters,
        rows: Shown[Row],
        totals: list[Row] | tuple[()] = (),
        *,
        next_cursor: str | None = None,
        **computed: object,
    ) -> Report[Row]:
        """*rows*, or the page of them that is asked for, with the position and what they were computed with;
        *computed* adds to the parameters. Raises ParameterInvalid for a cursor that is none."""
        clocks = {"as_at": self.moment.at, "known_at": self.moment.known}
        stated = {**parameters.stated(), **computed, **clocks}
        told = self.moment.position, stated
        if self.window is not None and not isinstance(rows, Iterator):
            rows, next_cursor = self.window.page(rows, self.moment)
        if isinstance(rows, list):
            return Report(*told, tuple(rows), tuple(totals), next_cursor)
        assert isinstance(rows, Iterator), "only a window makes a piece"
        return Report(*told, (), coming=rows)


@dataclass(frozen=True, slots=True)
class Reading:
    """Who asks which company, and when: *now* is what `store.clock.now` said."""

    datastore: CompanyDatastore
    actor: Actor
    now: datetime
    held: ExitStack | None = None
    """While this is open, reports have their rows coming."""

    @contextmanager
    def streamed(self) -> Iterator[Reading]:
        """The same reading, for one question: rows of its answer come as they are asked for, in one snapshot,
        until the block ends. A page is answered as ever. Whoever asks for no row in five minutes loses it."""
        with ExitStack() as held:
            yield replace(self, held=held)

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
        asked, window = window_of(parameters)

        def once(snapshot: Callable[[Parameters], Snapshot], stack: ExitStack) -> Result:
            shown = replace(snapshot(asked), window=window)
            if self.held is None or window is not None:
                return work(shown)
            shown.connection.execute(_STREAM)
            result = work(replace(shown, stream=stack))
            self.held.push(stack.pop_all())
            return result

        is_now = asked.as_at is None and asked.known_at is None
        plans = _PLANS_OF_NOW if is_now else _PLANS_OF_MOMENTS
        return survive(self.datastore.pool, lambda: self._once(once, plans))

    def within(self, work: Callable[[Callable[[Parameters], Snapshot]], Result]) -> Result:
        """As `at`, with as many snapshots as *work* asks for: all of one state of the read side, at the same
        position, each at the clocks of its own parameters. Pages and streams are not looked at."""
        return survive(
            self.datastore.pool, lambda: self._once(lambda snapshot, _: work(snapshot), _PLANS_OF_MOMENTS)
        )

    def _once(
        self, work: Callable[[Callable[[Parameters], Snapshot], ExitStack], Result], plans: str
    ) -> Result:
        with ExitStack() as stack:
            # Ends the transaction on its way out.
            connection = stack.enter_context(self.datastore.pool.connection())
            connection.execute(_BEGIN)
            tracking = Identifier(self.datastore.schema, "tracking")
            # Before the snapshot: a rebuild's swap holds this table, so rows and position come from one side.
            connection.execute(SQL("lock table {} in access share mode").format(tracking))
            prepared = connection.execute(
                SQL(_PREPARE).format(tracking=tracking), {"schema": self.datastore.schema, "plans": plans}
            ).fetchone()
            assert prepared is not None, "an aggregate has a row"
            position = prepared["coalesce"]
            return work(lambda parameters: self._snapshot(connection, parameters, position), stack)

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


def _made(of: type[Row]) -> Callable[[Cursor[Any]], RowMaker[Row]]:
    """Rows as instances of the dataclass *of*: by place where the columns come in the order of its fields,
    which takes half as long as by name."""
    names = [each.name for each in fields(of) if not each.kw_only]  # type: ignore[arg-type]

    def factory(cursor: Cursor[Any]) -> RowMaker[Row]:
        told = [column.name for column in cursor.description or ()]
        return args_row(of)(cursor) if told == names[: len(told)] else class_row(of)(cursor)

    return factory


def jsonb(value: Mapping[str, str]) -> Jsonb:
    """*value* as PostgreSQL's jsonb."""
    return Jsonb(dict(value))
