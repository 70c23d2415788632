"""Does the read side equal the log, and is the log sound?

Every stream is folded by itself, straight from its first event to its last, and each table is read beside it
and compared row by row. Nothing of the feed is used for that: no batches, no states kept from before, no rows
ended later. Processes share the streams out. All of it happens in one snapshot, so the service may go on
meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, Final, TypeAlias
from uuid import UUID

import orjson
from psycopg import Connection
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composed, Identifier, Literal
from psycopg.types.json import set_json_loads

from domain.case import State, evolve
from domain.identity import COMPANY_STREAM, PEOPLE_STREAM
from domain.people import People
from projections.ended_episodes import ENDED_EPISODES
from projections.fold import reason
from projections.states import TABLES
from projections.tables import Key, Table
from replay.envelopes import misfits, strangers
from replay.expected import SINCE, StreamFold, columns_that_differ
from replay.expected_episodes import ExpectedEpisodes
from replay.processes import Tell, processes_for, share_out
from replay.repeated import Contradiction, contradictions
from replay.stored_rows import HeldRows, Row, SortedRows, Stored
from replay.stream_ranges import StreamRange, stream_ranges
from store.codec import Codec
from store.connections import CompanyDatastore, open_pool
from store.log import Log

Progress: TypeAlias = Callable[[int, int], None]
"""Told (events folded, events there are)."""

_EVENTS: Final = "events"
_TABLES: Final = {table.name: table for table in TABLES}
_FETCH: Final = 5_000
_SHARES: Final = 4
"""Parts of the log for each process, so that none waits long for the last."""

_OF_ONE_STREAM: Final = {
    "person_states": PEOPLE_STREAM,
    "status_states": COMPANY_STREAM,
    "scenario_step_states": COMPANY_STREAM,
}
"""Tables whose keys are not ids of streams: the things of one stream."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it must be.

    where: a table. key: of what in it (a stream, a person, a status' code, a position of the log, a command,
    a trigger). since: the position at which the row begins, if it is about one. what: a column, or what is
    wrong in words. found and expected: values, which may be personal.
    """

    where: str
    key: str
    since: int | None
    what: str
    found: object = None
    expected: object = None

    def __str__(self) -> str:
        place = f"{self.where} {self.key}" + (f" since {self.since}" if self.since is not None else "")
        if self.found is None and self.expected is None:
            return f"{place}: {self.what}"
        return f"{place}: {self.what}: found {self.found!r}, expected {self.expected!r}"


@dataclass(slots=True)
class Verification:
    """What was compared: the tables, which are at ``position``, with the log. differences: the first ones."""

    position: int
    events: int = 0
    rows: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether everything is as it must be."""
        return not self.differences


def verify(
    datastore: CompanyDatastore,
    log: Log,
    *,
    limit: int = 20,
    progress: Progress = lambda *_: None,
    processes: int | None = None,
) -> Verification:
    """Compare the log and the tables of states of *datastore*'s company; name *limit* differences at most.

    processes: how many share the work; None: as many as are of use. Several take connections beside the pool.
    Raises psycopg.Error if the database cannot be read, processes.ProcessLost.
    """
    events = log.newest()
    number = processes or processes_for(events)
    with datastore.pool.connection() as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        # Before the snapshot: a rebuild's swap holds this table, so log and tables come from one side of it.
        tracking = Identifier(datastore.schema, "tracking")
        connection.execute(SQL("lock table {} in access share mode").format(tracking))
        found = connection.execute("select pg_export_snapshot() as name").fetchone()
        assert found is not None, "a snapshot has a name"
        ranges = stream_ranges(connection, datastore.schema, events, number * _SHARES if number > 1 else 1)
        about = (str(datastore.pool.conninfo), datastore.schema, found["name"], limit)
        done = 0

        def told(more: int) -> None:
            nonlocal done
            done += more
            progress(done, max(done, events))

        # One by itself needs no connection of its own, of which the server may have none to give.
        work = verify_part if number > 1 else partial(_compared, connection)
        parts = share_out(work, [_Part(*about, each) for each in (None, *ranges)], number, told)
    differences = [each for part in parts for each in part.differences]
    whole = Verification(parts[0].position, parts[0].events, sum(part.rows for part in parts))
    whole.differences.extend(differences[:limit])
    return whole


@dataclass(frozen=True, slots=True)
class _Part:
    """What to compare in *snapshot*: the rows of *streams*; None: the log by itself."""

    conninfo: str
    schema: str
    snapshot: str
    limit: int
    streams: StreamRange | None


def verify_part(part: _Part, tell: Tell) -> Verification:
    """What one process does of a verification. Tells of events; raises psycopg.Error."""
    with (
        open_pool(part.conninfo, size=1, behind=True) as pool,
        pool.connection() as connection,
        connection.transaction(),
    ):
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute(SQL("set transaction snapshot {}").format(part.snapshot))
        set_json_loads(orjson.loads, connection)
        return _compared(connection, part, tell)


def _compared(connection: Connection[Any], part: _Part, tell: Tell) -> Verification:
    """Do *part* in the transaction of *connection*, which sees its snapshot."""
    # All rows are wanted, not the first soon, and sorted in memory where they fit in there.
    connection.execute("set local cursor_tuple_fraction = 1; set local work_mem = '64MB'")
    with ExitStack() as stack:
        verifying = _Verifying(connection, part.schema, part.limit, stack)
        try:
            if part.streams is None:
                verifying.check_log()
                verifying.check_envelopes()
            else:
                verifying.check_tables(part.streams, tell)
        except _Enough:
            pass
        return verifying.outcome


class _Enough(Exception):
    """So many differences that the rest is not looked for."""


_POSITION: Final = SQL("""
select coalesce((select notification_id from {tracking} where application_name = 'states'), 0)""")

# An event either belongs to the decision of the one before it, or that one was the last of its decision.
_MISPLACED: Final = SQL("""
select position, before, decision_end, end_before, recorded_at, recorded_before, occurred_at, occurred_before
from (select position, decision_end, recorded_at, occurred_at,
             lag(position, 1, 0::bigint) over placed as before,
             lag(decision_end, 1, 0::bigint) over placed as end_before,
             lag(recorded_at) over placed as recorded_before,
             lag(occurred_at) over placed as occurred_before
      from {events} window placed as (order by position)) e
where position <> before + 1 or recorded_at < recorded_before or decision_end < position
   or (decision_end <> end_before and before <> end_before)
   or (decision_end = end_before and occurred_at <> occurred_before)
order by position limit {limit}""")

_ENDS: Final = SQL("""
select coalesce(newest.position, 0), coalesce(newest.decision_end, 0), coalesce(known.position, 0)
from (values (true)) one
left join (select position, decision_end from {events} order by position desc limit 1) newest on true
left join (select position from {events} where position = decision_end and position <= {position}
           order by position desc limit 1) known on true""")

# Streams as text, which is quicker told from the one before than an id is.
_BY_STREAM: Final = SQL("""
select position, decision_end, stream_id::text, version, type, data::text, occurred_at
from {events} e where {streams} order by e.stream_id, version""")

_PEOPLE: Final = SQL("select type, data::text from {events} where stream_id = {stream} order by version")

_ROWS: Final = SQL("select {columns} from {table} where {things} order by {key}, since")


class _Verifying:
    def __init__(self, connection: Connection[Any], schema: str, limit: int, stack: ExitStack) -> None:
        self._connection: Final = connection
        self._schema: Final = schema
        self._events: Final = Identifier(schema, _EVENTS)
        self._decode: Final = Codec().decode
        self._limit: Final = limit
        self._stack: Final = stack
        self._broken: Final[set[UUID]] = set()
        """Streams that could not be folded: nothing can be said of their rows."""
        ((position,),) = self._all(_POSITION.format(tracking=Identifier(schema, "tracking")))
        self.outcome: Final = Verification(position)

    def _say(self, difference: Difference) -> None:
        self.outcome.differences.append(difference)
        if len(self.outcome.differences) >= self._limit:
            raise _Enough

    def _of_event(self, position: int, what: str, found: object = None, expected: object = None) -> None:
        self._say(Difference(_EVENTS, str(position), None, what, found, expected))

    # --- the log itself ----------------------------------------------------------------------------

    def check_log(self) -> None:
        """Positions without gaps, decisions that are whole and of one moment, recorded-at that never goes
        back."""
        misplaced = _MISPLACED.format(events=self._events, limit=self._limit)
        for position, before, ending, end_before, recorded, recorded_before, *moments in self._all(misplaced):
            if position != before + 1:
                self._of_event(position, f"follows event {before}")
            elif recorded_before is not None and recorded < recorded_before:
                self._of_event(position, "recorded_at goes back", recorded, recorded_before)
            elif ending == end_before:
                self._of_event(
                    position, "occurred_at is not that of the event before, of its decision", *moments
                )
            else:
                said = f"its decision ends at event {ending}, that of the event before at {end_before}"
                self._of_event(position, said)
        here = self.outcome.position
        ((newest, last_end, known),) = self._all(_ENDS.format(events=self._events, position=here))
        if newest != last_end:
            self._of_event(newest, f"its decision goes on to event {last_end}, which is not there")
        if here != known:
            self._say(Difference("tracking", "states", None, "no decision ends at the position", here, known))
        self.outcome.events = newest

    def check_envelopes(self) -> None:
        """Events and commands fit, the log knows who gave them, and the triggers that refuse changes of both
        are in force."""
        found = misfits(self._connection, self._schema, self._limit)
        people = self._people()
        unknown = strangers(self._connection, self._schema, people) if people else ()
        for misfit in chain(found, unknown):
            self._say(Difference(misfit.where, misfit.key, None, misfit.what))

    def _people(self) -> People | None:
        """All people and keys that the log tells of; None if it cannot be read, which is said elsewhere."""
        people: State = People()
        try:
            for name, data in self._all(_PEOPLE.format(events=self._events, stream=PEOPLE_STREAM)):
                people = evolve(people, self._decode(name, data))
        except Exception:  # noqa: BLE001 - whatever is wrong is said where the stream is folded
            return None
        return people if isinstance(people, People) else None

    # --- stream by stream --------------------------------------------------------------------------

    def check_tables(self, streams: StreamRange, tell: Tell) -> None:
        """The rows of every one of *streams*, and that there are no others."""
        stored = {table.name: self._open(table, streams) for table in TABLES}
        by_stream = _BY_STREAM.format(events=self._events, streams=streams.of("stream_id"))
        lines = self._read(by_stream, _EVENTS)
        ended = self._open(ENDED_EPISODES, streams)
        episodes = ExpectedEpisodes(self._connection, self._schema, self.outcome.position)
        untold = 0
        for text, of_stream in groupby(lines, key=itemgetter(2)):
            stream = UUID(text)
            fold = StreamFold(self.outcome.position)
            untold += self._fold(fold, stream, of_stream)
            for name, things in fold.rows.items():
                for key, rows in things.items():
                    self._compare(_TABLES[name], stored[name], key, rows)
            if fold.life is not None and fold.life.has_ends and stream not in self._broken:
                self._compare_episodes(ended, episodes.take(fold.life))
            if untold >= _FETCH:
                tell(untold)
                untold = 0
        tell(untold)
        for table in TABLES:
            self._strays(table, stored[table.name].rest())
        self._compare_episodes(ended, episodes.rest())
        self._strays(ENDED_EPISODES, ended.rest())

    def _fold(self, fold: StreamFold, stream: UUID, lines: Iterable[Row]) -> int:
        """Fold *lines*, all of them or until one cannot be; how many there are."""
        number = 0
        for number, (position, end, _, version, name, data, moment) in enumerate(lines, 1):
            if version != number:
                self._of_event(position, f"is number {number} of its stream and has version {version}")
            if fold.moment is not None and moment < fold.moment:
                self._of_event(position, "occurred_at goes back", moment, fold.moment)
            if stream in self._broken:
                continue
            try:
                event = self._decode(name, data)
                states = fold.take(event, version, end, moment)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with an event is looked for here
                self._of_event(position, f"{name} cannot be folded: {reason(error)}")
                self._broken.add(stream)
                fold.rows.clear()
                continue
            self._repeated(position, name, contradictions(stream, event, *states))
        if stream not in self._broken:
            fold.finish()
        return number

    def _repeated(self, position: int, name: str, found: Iterable[Contradiction]) -> None:
        for each in found:
            self._of_event(position, f"{name} tells of another {each.name}", each.found, each.expected)

    def _compare(self, table: Table, stored: Stored, key: Key, expected: list[list[Any]]) -> None:
        before, found = stored.take(key)
        self._strays(table, before)
        self.outcome.rows += len(found)
        should_be_found = [*map(tuple, expected)]
        if found == should_be_found:  # so it is nearly always
            return
        by_position = {row[SINCE]: row for row in should_be_found}
        for row in found:
            should_be = by_position.pop(row[SINCE], None)
            if should_be is None:
                self._strays(table, [row])
            elif row != should_be:
                for column, is_so, wanted in columns_that_differ(table, row, should_be):
                    self._say(Difference(table.name, str(key), row[SINCE], column, is_so, wanted))
        for since in by_position:
            self._say(Difference(table.name, str(key), since, "the row is missing"))

    def _compare_episodes(
        self, stored: Stored, expected: Iterable[tuple[UUID, list[list[Any]] | None]]
    ) -> None:
        for dispute_id, rows in expected:
            if rows is None:  # it is told elsewhere what of the log cannot be read
                self._broken.add(dispute_id)
            self._compare(ENDED_EPISODES, stored, dispute_id, rows or [])

    def _strays(self, table: Table, rows: Iterable[Row]) -> None:
        for row in rows:
            if _OF_ONE_STREAM.get(table.name, row[0]) not in self._broken:
                self._say(Difference(table.name, str(row[0]), row[SINCE], "no event tells of this row"))

    # --- reading -----------------------------------------------------------------------------------

    def _open(self, table: Table, streams: StreamRange) -> Stored:
        names = SQL(", ").join(map(Identifier, table.all_columns))
        place, key = Identifier(self._schema, table.name), Identifier(table.key)
        stream = _OF_ONE_STREAM.get(table.name)
        things = streams.of(table.key) if stream is None else Literal(stream in streams)
        statement = _ROWS.format(columns=names, table=place, key=key, things=things)
        rows = self._read(statement, table.name)
        return SortedRows(rows) if stream is None else HeldRows(rows)

    def _read(self, statement: Composed, name: str) -> Iterator[Row]:
        cursor = self._stack.enter_context(self._connection.cursor(name, row_factory=tuple_row))
        cursor.execute(statement, binary=True)
        return chain.from_iterable(iter(lambda: cursor.fetchmany(_FETCH), []))  # quicker than row by row

    def _all(self, statement: Composed) -> list[Row]:
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(statement, binary=True).fetchall()
