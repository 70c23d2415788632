"""The log of one company: appending decisions, reading them back.

Nothing here decides anything. What makes the log trustworthy (gapless positions in the order of commits, one
effect per command, no stale version, no time that runs backwards) is kept by the database in one function
call, `append` in schema/0002_log.sql.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    Notification,
    StoredEvent,
    Subscription,
)
from eventsourcing.postgres import PostgresApplicationRecorder

from store import log_statements as statements
from store.append import ACCEPTED_BEFORE, AppendCalls, Call, Line, Written, refusal, written
from store.bulk import BulkAppend, Prepared, Watch
from store.clock import new_id, now
from store.codec import Codec
from store.connections import CompanyDatastore, Parameters, Row, survive
from store.log_statements import InSchema
from store.submission import (
    Appended,
    Attribution,
    KeyReused,
    Recorded,
    Seen,
    StaleVersion,
    Submission,
    TimeWentBackwards,
    ToldInTheFuture,
)
from store.subscription import LogSubscription

__all__ = [
    "Appended",
    "Attribution",
    "KeyReused",
    "Log",
    "Recorded",
    "Seen",
    "StaleVersion",
    "Submission",
    "TimeWentBackwards",
    "ToldInTheFuture",
]

_POLL: Final = 0.03
"""Seconds between looks for what other processes appended."""


class Log(PostgresApplicationRecorder):
    """One company's log. Threads may share it; whoever waits for new events shares it with whoever appends.

    The library's recorder on our own table: it neither locks the table nor notifies, and creates nothing
    (store.migrate does).
    """

    def __init__(self, datastore: CompanyDatastore, codec: Codec | None = None) -> None:
        super().__init__(datastore, events_table_name="events")
        self.sql_create_statements.clear()  # so that create_table() creates nothing
        self.codec: Final = codec or Codec()
        self._company: Final = datastore
        self._calls: Final = AppendCalls(datastore.schema)
        self._statements: Final = InSchema(datastore.schema)
        self._bulk: Final = BulkAppend(datastore.schema)
        self._appended: Final = threading.Condition()
        self._appends = 0

    def append(self, submission: Submission, seen: Seen | None = None) -> Appended:
        """Record *submission* in one round trip and one transaction, or give back what became of it before.

        *seen*: what it rests on beside what it expects; for many streams that is much cheaper.

        Raises StaleVersion, TimeWentBackwards, ToldInTheFuture or KeyReused, and then nothing was recorded;
        LogUnavailable, and then the outcome is unknown until the same command is sent again.
        """
        (appended,) = self._append([written(submission, self.codec)], seen)
        return appended

    def append_all(self, submissions: Sequence[Submission], seen: Seen | None = None) -> list[Appended]:
        """Record *submissions* in this order in one transaction: all of them, or none if one is refused.

        For many small commands: they share one call of the database's function, unless one of them was
        accepted before. *seen* and raises as `append`.
        """
        if not submissions:
            return []
        return self._append([written(submission, self.codec) for submission in submissions], seen)

    def _append(self, whats: Sequence[Written], seen: Seen | None = None) -> list[Appended]:
        tries = 0

        def once() -> list[Row]:
            nonlocal tries
            tries += 1
            return self._send(whats, seen)

        try:
            rows = survive(self._company.pool, once)
        except psycopg.Error as error:
            raise refusal(error) from error
        self._wake()
        return [_appended(what, row, is_retry=tries > 1) for what, row in zip(whats, rows, strict=True)]

    def _send(self, whats: Sequence[Written], seen: Seen | None) -> list[Row]:
        if len(whats) > 1 and (together := self._calls.call_together(whats)) is not None:
            try:
                ((first, _, recorded_at, *_),) = self._rows_after([together], seen)
            except psycopg.Error as error:
                if error.sqlstate != ACCEPTED_BEFORE:
                    raise
            else:
                return _following(whats, first, recorded_at)
        # What became of each is asked for by itself, still in one transaction.
        return self._rows_after([self._calls.call(what) for what in whats], seen)

    def _rows_after(self, calls: Sequence[Call], seen: Seen | None) -> list[Row]:
        if seen is not None:
            look = self._statements[statements.CHANGED_AFTER], (seen.position,)
            _, *rows = self._company.rows_together([look, *calls], partial(_require_unmoved, seen))
            return rows
        return self._company.rows_once(*calls[0]) if len(calls) == 1 else self._company.rows_together(calls)

    def append_bulk(
        self, command_id: UUID, by: Attribution, parts: Sequence[Prepared], watch: Watch | None = None
    ) -> Appended:
        """Record *parts* in one append by COPY: for very many events. No two of them write to one stream.

        Raises Overtaken, ToldInTheFuture or what *watch* raises, and then nothing was recorded; and
        LogUnavailable as `append`.
        """

        def once() -> Appended:
            with self._company.pool.connection() as connection:
                return self._bulk.append(connection, command_id, by, parts, watch)

        appended = survive(self._company.pool, once)
        self._wake()
        return appended

    def answered(self, key: str, digest: bytes) -> Appended | None:
        """The stored outcome of the command with this idempotency key, if one was accepted.

        Raises KeyReused if *digest* is another request's.
        """
        return self.answered_all({key: digest}).get(key)

    def answered_all(self, digests: Mapping[str, bytes]) -> dict[str, Appended]:
        """As `answered` for many keys, each with its request's digest: what outcomes there are, by key."""
        if len(digests) == 1:
            rows = [(key, *row) for key in digests for row in self._rows(statements.ACCEPTED, (key,))]
        else:
            rows = self._rows(statements.ACCEPTED_ALL, (list(digests),)) if digests else []
        found: dict[str, Appended] = {}
        for key, first, last, recorded_at, _, stored_digest, answer in rows:
            if stored_digest != digests[key]:
                raise KeyReused(key)
            found[key] = Appended(first, last, recorded_at, answer, replayed=True)
        return found

    def newest(self) -> int:
        """The position of the last event; 0 in an empty log."""
        position: int
        ((position,),) = self._rows(statements.NEWEST)
        return position

    def read(self, after: int, limit: int) -> list[Recorded]:
        """About *limit* (at least 1) events after position *after*, in order, to the end of a decision.

        The list is longer than *limit* if a decision does not fit; it is empty at the end of the log.
        """
        rows = self._rows(statements.READ, {"after": after, "limit": limit})
        return self._recorded(rows)

    def read_streams(self, after: Mapping[UUID, int]) -> list[Recorded]:
        """The events of many streams with a version greater than the one given for each, by position."""
        if len(after) == 1:
            rows = self._rows(statements.READ_STREAM, next(iter(after.items())))
        else:
            rows = self._rows(statements.READ_STREAMS, (list(after), list(after.values())))
        return self._recorded(rows)

    def end_of_decision_at(self, known_at: int | datetime) -> int:
        """The last position that ended a decision at or before *known_at*; 0 if there is none.

        *known_at* is a position or a recorded time (aware). A position inside a decision means the end of the
        one before it: a decision is known as a whole or not at all.
        """
        if isinstance(known_at, datetime):
            # What one append recorded shares its recorded-at, so a moment never falls inside a decision.
            rows = self._rows(statements.POSITION_AT, (known_at,))
        else:
            rows = self._rows(statements.END_OF_DECISION, (known_at,))
        position: int
        ((position,),) = rows
        return position

    def wait(self, after: int, timeout: float, stop: Callable[[], bool] = lambda: False) -> bool:
        """Wait up to *timeout* seconds for an event after position *after*; return whether there is one.

        Woken at once by an append through this object; what others append is noticed by looking, and so is
        *stop*, which ends the wait.
        """
        end = time.monotonic() + timeout
        while True:
            seen = self._appends  # before looking: an append in between ends the wait at once
            if self.newest() > after:
                return True
            left = end - time.monotonic()
            if left <= 0 or stop():
                return False
            with self._appended:
                if self._appends == seen:
                    self._appended.wait(min(left, _POLL))

    def _wake(self) -> None:
        with self._appended:
            self._appends += 1
            self._appended.notify_all()

    def _recorded(self, rows: list[Row]) -> list[Recorded]:
        decode = self.codec.decode
        return [
            Recorded(position, end, stream, version, decode(name, data), *rest)
            for position, end, stream, version, name, data, *rest in rows
        ]

    def _rows(self, statement: LiteralString, parameters: Parameters = ()) -> list[Row]:
        return self._company.rows(self._statements[statement], parameters)

    # What the library's recorders promise, on our table. Its notification ids are our positions.

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        **kwargs: Any,  # noqa: ANN401 - the library's signature
    ) -> Sequence[int]:
        """Append *stored_events* as one decision; return their positions.

        kwargs: attribution (required); occurred_at (now), command_id (a new one), key, digest, answer. Raises
        what `append` raises, and IntegrityError if the versions of a stream do not follow each other.
        """
        if not stored_events:
            return []
        (appended,) = self._append(
            [
                Written(
                    kwargs.get("command_id") or new_id(),
                    kwargs.get("key"),
                    kwargs.get("digest", b""),
                    kwargs.get("answer", b""),
                    kwargs["attribution"],
                    _expected(stored_events),
                    [kwargs.get("occurred_at") or now()],
                    [Line(_uuid(e.originator_id), 0, e.topic, e.state.decode()) for e in stored_events],
                )
            ]
        )
        return range(appended.first, appended.last + 1)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The events of one stream, as stored."""
        statement = statements.STORED_BACKWARDS if desc else statements.STORED_FORWARDS
        rows = self._rows(statement, (_uuid(originator_id), gt or 0, lte, limit))
        return [StoredEvent(stream, version, name, data.encode()) for stream, version, name, data in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """The events from *start* to *stop* by position, as stored; of the stored names *topics*, if any."""
        after = (start or 0) - (1 if inclusive_of_start else 0)
        rows = self._rows(statements.NOTIFICATIONS, (after, stop, not topics, list(topics), limit))
        return [
            Notification(stream, version, name, data.encode(), at) for stream, version, name, data, at in rows
        ]

    def max_notification_id(self) -> int | None:
        """The newest position, None in an empty log."""
        return self.newest() or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """The events after position *gt*, and then each new one as it comes, until stopped."""
        return LogSubscription(self, self.wait, gt, topics)


def _following(whats: Sequence[Written], first: int, recorded_at: datetime) -> list[Row]:
    rows: list[Row] = []
    for what in whats:
        last = first + len(what.lines) - 1
        rows.append((first, last, recorded_at, None, None))
        first = last + 1
    return rows


def _appended(what: Written, row: Row, *, is_retry: bool) -> Appended:
    first, last, recorded_at, stored_command, stored_answer = row
    # Our own row met on a second try: the first was committed, only its answer was lost on the way.
    if stored_command is None or (is_retry and stored_command == what.command_id):
        return Appended(first, last, recorded_at, what.answer, replayed=False)
    return Appended(first, last, recorded_at, stored_answer, replayed=True)


def _require_unmoved(seen: Seen, rows: list[Row]) -> None:
    (streams, versions), *appended = rows
    if all(stored_command is not None for _, _, _, stored_command, _ in appended):
        return  # it is all there already; on a second try these are our own events
    for stream, version in zip(streams or (), versions or (), strict=True):
        if stream in seen.streams:
            raise StaleVersion(stream, version)


def _uuid(stream: UUID | str) -> UUID:
    return stream if isinstance(stream, UUID) else UUID(stream)


def _expected(stored_events: Sequence[StoredEvent]) -> dict[UUID, int]:
    expected: dict[UUID, int] = {}
    here: dict[UUID, int] = {}
    for stored in stored_events:
        stream, version = _uuid(stored.originator_id), stored.originator_version
        if version != here.setdefault(stream, version - 1) + 1:
            raise IntegrityError(f"version {version} of stream {stream} does not follow {here[stream]}")
        expected.setdefault(stream, version - 1)
        here[stream] = version
    return expected
