"""Many events in one append by COPY: what an import of very many rows records.

It is the same append as the function `append` of schema/0002_log.sql, under the same lock and with the same
promises. Only the events take another way into the table: COPY writes them several times as fast, and in its
binary format with a third less work for the server than as text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from struct import Struct
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.errors import UniqueViolation
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from domain.commands import Decision
from store import copy_binary
from store.codec import Codec
from store.submission import Appended, Attribution, ToldInTheFuture

_ANSWER: Final = b'{"changed":true,"subject":null,"version":null}'

_LOCK: Final = "select pg_advisory_xact_lock({lock}())"

_HEAD: Final = """
select coalesce(newest.position, 0), greatest(clock_timestamp(), newest.recorded_at, %(latest)s),
       %(latest)s > greatest(clock_timestamp(), newest.recorded_at) + interval '1 minute'
from (select) nothing
left join (select position, recorded_at from {events} order by position desc limit 1) newest on true"""

_COMMAND: Final = """
insert into {commands} values (%s, null, ''::bytea, %s, %s, %s, %s) on conflict do nothing"""

_KNOWN: Final = "select first_position, last_position, recorded_at from {commands} where command_id = %s"

_OVERTAKEN: Final = """
select s.stream from unnest(%s::uuid[], %s::bigint[], %s::timestamptz[]) s (stream, expected, moment)
left join lateral (select e.version, e.occurred_at from {events} e where e.stream_id = s.stream
                   order by e.version desc limit 1) newest on true
where coalesce(newest.version, 0) <> s.expected or newest.occurred_at > s.moment"""

_MEANWHILE: Final = """
select position, stream_id, type, data::text from {events}
where position > %s and (type = any(%s) or stream_id = any(%s)) order by position"""

_COPY: Final = """
copy {events} (position, decision_end, stream_id, version, type, data, occurred_at, recorded_at,
               actor, role, key_id, on_behalf_of, command_id) from stdin (format binary)"""

_numbers: Final = Struct(">hiqiq").pack
"""How a row begins: how many columns it has, its position and that of its decision's last event."""

_COLUMNS: Final = 13

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

_place: Final = Struct(">i16siq").pack
"""Stream and version."""


class Overtaken(Exception):
    """Some streams are not at the version that was expected, or have a later moment: nothing was recorded."""

    def __init__(self, streams: frozenset[UUID]) -> None:
        super().__init__(f"{len(streams)} streams moved on")
        self.streams = streams


@dataclass(frozen=True, slots=True)
class Other:
    """An event that others recorded while something was prepared."""

    position: int
    stream_id: UUID
    name: str
    data: str


@dataclass(frozen=True, slots=True)
class Watch:
    """What else must not have happened after *position*: *look* is shown, under the lock, the events with one
    of the stored *names* and those of *streams*, and raises if they are in the way."""

    position: int
    names: Collection[str]
    streams: Collection[UUID]
    look: Callable[[list[Other]], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Decisions ready to be copied: all of each row that is known before its position is.

    streams: each stream (the bytes of its id) with its version before, and when the first event that is added
    to it occurred.
    ends: for each event, how many events after it its decision still has.
    rows: of each event stream, version, type, data and moment, as COPY reads them.
    """

    streams: list[tuple[bytes, int, datetime]]
    ends: list[int]
    rows: list[bytes]
    latest: datetime


def prepared(decisions: Iterable[Decision], versions: Mapping[UUID, int], codec: Codec) -> Prepared:
    """*decisions*, encoded. *versions*: those that streams have already; 0 for others.

    Raises what the codec raises; ValueError if time runs backwards within a stream.
    """
    streams: list[tuple[bytes, int, datetime]] = []
    reached: dict[bytes, tuple[int, datetime]] = {}  # bytes are found quicker than ids
    moments: dict[datetime, bytes] = {}  # an item has a day like many others
    names: dict[str, bytes] = {}
    ends: list[int] = []
    rows: list[bytes] = []
    for decision in decisions:
        moment = decision.occurred_at
        occurred = moments.get(moment) or moments.setdefault(moment, copy_binary.moment(moment))
        ends += range(len(decision.events) - 1, -1, -1)
        for event in decision.events:
            stream_id = event.stream_id
            stream = stream_id.int.to_bytes(16, "big")  # as `bytes` of it, but quicker
            if stream in reached:
                version, before = reached[stream]
                if before > moment:
                    raise ValueError(f"time runs backwards in stream {stream_id}")
            else:
                version = versions.get(stream_id, 0) if versions else 0
                streams.append((stream, version, moment))
            reached[stream] = version + 1, moment
            name, data = codec.encode_bytes(event)
            kind = names.get(name) or names.setdefault(name, copy_binary.text(name))
            place = _place(16, stream, 8, version + 1)
            rows.append(b"".join((place, kind, copy_binary.length(len(data)), data, occurred)))
    return Prepared(streams, ends, rows, max(moments, default=_LONG_AGO))


class BulkAppend:
    """Appends by COPY to the log of one company."""

    def __init__(self, schema: str) -> None:
        self._names: Final = {
            "events": Identifier(schema, "events"),
            "commands": Identifier(schema, "commands"),
            "lock": Identifier(schema, "append_lock"),
        }

    def append(
        self,
        connection: Connection[Any],
        command_id: UUID,
        by: Attribution,
        parts: Sequence[Prepared],
        watch: Watch | None = None,
    ) -> Appended:
        """Record *parts*, of which no two write to one stream: all of it, or nothing.

        Doing it again with the same *command_id* has one effect. Raises Overtaken, ToldInTheFuture, and what
        *watch* raises.
        """
        try:
            return self._once(connection, command_id, by, parts, watch)
        except UniqueViolation:
            # Of a new stream the table itself says that it is not new: asking for all of them would cost a
            # fifth more. Which ones they are is asked only now.
            with connection.cursor(row_factory=tuple_row) as cursor:
                self._compare(cursor, parts, new_ones=True)
            raise

    def _once(
        self,
        connection: Connection[Any],
        command_id: UUID,
        by: Attribution,
        parts: Sequence[Prepared],
        watch: Watch | None,
    ) -> Appended:
        with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(self._sql(_LOCK))
            cursor.execute(self._sql(_HEAD), {"latest": max(part.latest for part in parts)})
            ((newest, recorded_at, is_ahead),) = cursor.fetchall()
            if is_ahead:
                raise ToldInTheFuture("occurred_at lies in the future")
            first, last = newest + 1, newest + sum(len(part.rows) for part in parts)
            cursor.execute(self._sql(_COMMAND), (command_id, first, last, recorded_at, _ANSWER))
            if not cursor.rowcount:
                cursor.execute(self._sql(_KNOWN), (command_id,))
                ((first, last, recorded_at),) = cursor.fetchall()
                return Appended(first, last, recorded_at, _ANSWER, replayed=True)
            if watch is not None and newest > watch.position:
                wanted = (watch.position, list(watch.names), list(watch.streams))
                cursor.execute(self._sql(_MEANWHILE), wanted)
                watch.look([Other(*row) for row in cursor.fetchall()])
            self._compare(cursor, parts, new_ones=False)
            with cursor.copy(self._sql(_COPY)) as copy:
                copy.write(b"".join(_numbered(first, parts, _tail(recorded_at, by, command_id))))
        return Appended(first, last, recorded_at, _ANSWER, replayed=False)

    def _compare(self, cursor: Cursor[Any], parts: Sequence[Prepared], *, new_ones: bool) -> None:
        streams = [each for part in parts for each in part.streams if new_ones or each[1]]
        if not streams:
            return
        ids, versions, moments = zip(*streams, strict=True)
        told = map(bytes.hex, ids), map(str, versions), map(datetime.isoformat, moments)
        cursor.execute(self._sql(_OVERTAKEN), [_array(texts) for texts in told])
        if overtaken := cursor.fetchall():
            raise Overtaken(frozenset(stream for (stream,) in overtaken))

    def _sql(self, statement: LiteralString) -> bytes:
        return SQL(statement).format(**self._names).as_bytes()


def _numbered(first: int, parts: Sequence[Prepared], tail: bytes) -> Iterator[bytes]:
    yield copy_binary.BEGIN
    position = first
    for part in parts:
        for row, end in zip(part.rows, part.ends, strict=True):
            yield _numbers(_COLUMNS, 8, position, 8, position + end)
            yield row
            yield tail
            position += 1
    yield copy_binary.END


def _tail(recorded_at: datetime, by: Attribution, command_id: UUID) -> bytes:
    key, whose, command = map(copy_binary.uuid, (by.key_id, by.on_behalf_of, command_id))
    told = (copy_binary.moment(recorded_at), copy_binary.uuid(by.actor), copy_binary.text(by.role))
    return b"".join((*told, key, whose, command))


def _array(values: Iterable[str]) -> str:
    return "{" + ",".join(values) + "}"
