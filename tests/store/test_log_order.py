"""Positions have no gaps and come in the order of commits, so a reader that tails the log misses nothing.

With many writers, by every way in: tests/torture/test_order.py."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from psycopg.errors import UniqueViolation

from store.append import AppendCalls, written
from store.clock import new_id
from store.log import Log, StaleVersion, Submission
from tests.store.facts import CODEC, noted, one, submission

A, B, C = new_id(), new_id(), new_id()


@contextmanager
def held_open(database: str) -> Iterator[psycopg.Connection]:
    """Another writer, who takes its time to commit."""
    with psycopg.connect(database) as connection:
        yield connection
        connection.rollback()


def call(connection: psycopg.Connection, command: Submission) -> None:
    connection.execute(*AppendCalls("company_acme").call(written(command, CODEC)))


class Appending(threading.Thread):
    """Appends in a thread of its own and keeps what came of it."""

    def __init__(self, log: Log, command: Submission) -> None:
        super().__init__()
        self._log, self._command = log, command
        self.position = 0
        self.refused: Exception | None = None

    def run(self) -> None:
        try:
            self.position = self._log.append(self._command).last
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.refused = error


def wait_until_blocked(database: str, count: int) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        for _ in range(500):
            row = connection.execute(
                "select count(*) from pg_locks where not granted"
                " and database = (select oid from pg_database where datname = current_database())"
                " or not granted and locktype = 'transactionid'"
            ).fetchone()
            if row is not None and row[0] >= count:
                return
            time.sleep(0.01)
    raise AssertionError("the other writer does not wait")


@pytest.mark.parametrize("streams", [(B,), (B, C)])
def test_a_writer_waits_for_the_commit_of_the_one_before_and_takes_the_next_position(
    log: Log, database: str, streams: tuple[UUID, ...]
) -> None:
    second = Appending(log, submission(noted(*streams), expected=dict.fromkeys(streams, 0)))
    with held_open(database) as first:
        call(first, one(A))
        second.start()
        wait_until_blocked(database, 1)
        assert log.newest() == 0  # nobody sees 2 before 1
        first.commit()
    second.join()

    assert second.position == 1 + len(streams)
    assert [each.position for each in log.read(0, 10)] == list(range(1, 2 + len(streams)))


def test_what_is_rolled_back_leaves_no_gap(log: Log, database: str) -> None:
    second = Appending(log, one(B))
    with held_open(database) as first:
        call(first, submission(noted(A, A, A), expected={A: 0}))
        second.start()
        wait_until_blocked(database, 1)
        first.rollback()
    second.join()

    assert second.position == 1


@pytest.mark.parametrize("streams", [(A,), (A, B)])
def test_a_writer_that_waited_sees_what_the_one_before_did(
    log: Log, database: str, streams: tuple[UUID, ...]
) -> None:
    same_stream = Appending(log, submission(noted(*streams), expected=dict.fromkeys(streams, 0)))
    same_key = Appending(log, submission(noted(C), expected={C: 0}, key="mine"))
    with held_open(database) as first:
        call(first, submission(noted(A), expected={A: 0}, key="mine"))
        same_stream.start()
        same_key.start()
        wait_until_blocked(database, 2)
        first.commit()
    same_stream.join()
    same_key.join()

    assert isinstance(same_stream.refused, StaleVersion)
    assert same_key.position == 1  # the stored outcome
    assert log.newest() == 1


def test_a_writer_that_forgets_the_lock_collides_instead_of_slipping_in_between(
    log: Log, database: str
) -> None:
    polite = Appending(log, one(B))
    with held_open(database) as rude:
        rude.execute(
            "insert into company_acme.events"
            " values (1, 1, %s, 1, 'noted.v1', '{}', now(), now(), %s, 'x', null, null, %s)",
            (A, A, A),
        )
        polite.start()
        wait_until_blocked(database, 1)
        rude.commit()
    polite.join()

    assert isinstance(polite.refused, UniqueViolation)
    assert log.newest() == 1


def test_a_stricter_isolation_level_fails_and_never_records_anything_wrong(log: Log, database: str) -> None:
    with held_open(database) as strict:
        strict.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        strict.execute("select max(position) from company_acme.events")  # takes its snapshot
        log.append(one(A))
        with pytest.raises(UniqueViolation):
            call(strict, one(B))
    assert [each.stream_id for each in log.read(0, 10)] == [A]
