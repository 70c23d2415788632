"""What the log takes, what it refuses, and that a refusal leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from domain.commands import Decision
from store.append import AppendCalls, written
from store.clock import new_id, now
from store.connections import CompanyDatastore, Pool
from store.log import (
    Attribution,
    KeyReused,
    Log,
    StaleVersion,
    Submission,
    TimeWentBackwards,
    ToldInTheFuture,
)
from store.migrate import create_company
from tests.store.facts import BY, CODEC, MONDAY, Noted, noted, one, submission

A, B, C = new_id(), new_id(), new_id()
SECOND = timedelta(seconds=1)


@pytest.fixture
def database_user(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def everything(log: Log) -> list[tuple[int, int, UUID, int]]:
    return [(each.position, each.decision_end, each.stream_id, each.version) for each in log.read(0, 1000)]


def test_what_is_recorded_reads_back_whole(log: Log) -> None:
    event = Noted(A, 'two lines\nand "quotes", {braces} and a 😀', Decimal("1E+3"))
    command = submission(Decision(MONDAY, (event,)), expected={A: 0})

    before = now()
    appended = log.append(command)

    (recorded,) = log.read(0, 10)
    assert recorded.event == event
    assert (recorded.position, recorded.decision_end, recorded.stream_id, recorded.version) == (1, 1, A, 1)
    assert recorded.occurred_at == MONDAY
    assert before - SECOND <= recorded.recorded_at <= now() + SECOND
    assert recorded.recorded_at == appended.recorded_at
    assert (recorded.actor, recorded.role, recorded.key_id) == (BY.actor, BY.role, BY.key_id)
    assert recorded.on_behalf_of == BY.on_behalf_of
    assert recorded.command_id == command.command_id
    assert (appended.first, appended.last, appended.answer, appended.replayed) == (1, 1, b"accepted", False)


def test_moments_come_back_in_utc_wherever_they_were_told(log: Log) -> None:
    log.append(one(A, at=datetime.fromisoformat("2026-03-02T09:30:00.000001+05:30")))

    assert log.read(0, 1)[0].occurred_at.isoformat() == "2026-03-02T04:00:00.000001+00:00"


def test_the_json_can_be_read_in_sql(log: Log, database_user: psycopg.Connection) -> None:
    log.append(submission(Decision(MONDAY, (Noted(A, "x", Decimal("12.50")),)), expected={A: 0}))

    found = database_user.execute("select type, data::text, data->>'amount' from company_acme.events")
    assert found.fetchall() == [("noted.v1", f'{{"id":"{A}","text":"x","amount":"12.50"}}', "12.50")]


def test_one_decision_over_several_streams_is_recorded_in_its_order(log: Log) -> None:
    log.append(one(B))

    appended = log.append(submission(noted(A, B, A, C), expected={C: 0, B: 1, A: 0}))

    assert (appended.first, appended.last) == (2, 5)
    assert everything(log)[1:] == [(2, 5, A, 1), (3, 5, B, 2), (4, 5, A, 2), (5, 5, C, 1)]


def test_each_decision_of_a_submission_has_its_own_end_and_moment(log: Log) -> None:
    first, second = noted(A, B), noted(B, A, C, at=MONDAY + SECOND)

    log.append(submission(first, Decision(MONDAY, ()), second, expected={A: 0, B: 0, C: 0}))

    assert everything(log) == [(1, 2, A, 1), (2, 2, B, 1), (3, 5, B, 2), (4, 5, A, 2), (5, 5, C, 1)]
    recorded = log.read(0, 10)
    assert [each.occurred_at for each in recorded] == [MONDAY] * 2 + [MONDAY + SECOND] * 3
    assert len({each.recorded_at for each in recorded}) == 1


def test_companies_count_for_themselves(log: Log, pool: Pool, database: str) -> None:
    create_company(database, "other")
    other = Log(CompanyDatastore(pool, "other"), CODEC)

    log.append(one(A))
    log.append(one(B))

    assert other.append(one(A)).last == 1
    assert log.newest() == 2
    assert [each.stream_id for each in other.read(0, 10)] == [A]


# --- versions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expected", [{A: 0}, {A: 2}, {A: 0, B: 0}, {A: 2, B: 0}])
def test_a_stale_version_is_refused_and_nothing_is_written(log: Log, expected: dict[UUID, int]) -> None:
    log.append(one(A))
    before = everything(log)
    late = submission(noted(*expected), expected=expected, key="late")

    with pytest.raises(StaleVersion) as refused:
        log.append(late)

    assert (refused.value.stream_id, refused.value.version) == (A, 1)
    assert everything(log) == before
    assert log.answered("late", b"digest") is None


def test_a_stream_that_was_only_read_must_not_have_moved_either(log: Log) -> None:
    log.append(one(A))
    log.append(one(B))

    with pytest.raises(StaleVersion) as refused:
        log.append(submission(noted(A), expected={A: 1, B: 0}))
    assert refused.value.stream_id == B
    assert log.append(submission(noted(A), expected={A: 1, B: 1})).last == 3


def test_an_accepted_command_without_events_checks_versions_too(log: Log) -> None:
    log.append(one(A))

    with pytest.raises(StaleVersion):
        log.append(submission(expected={A: 0}))


def test_an_event_of_a_stream_without_expected_version_is_a_programming_error(log: Log) -> None:
    with pytest.raises(ValueError, match=str(B)):
        log.append(submission(noted(A, B), expected={A: 0}))
    assert log.newest() == 0


# --- one effect per command -----------------------------------------------------------------------------


def test_the_same_key_gets_the_first_answer_byte_for_byte_and_writes_nothing(log: Log) -> None:
    answer = bytes(range(256))
    first = log.append(submission(noted(A, B), expected={A: 0, B: 0}, key="mine", answer=answer))

    again = log.append(submission(noted(A, B), expected={A: 0, B: 0}, key="mine", answer=b"another"))

    assert again.answer == answer
    assert again.replayed
    assert (again.first, again.last, again.recorded_at) == (first.first, first.last, first.recorded_at)
    assert log.newest() == 2


def test_the_answer_is_found_by_its_key_alone(log: Log) -> None:
    assert log.answered("mine", b"digest") is None
    first = log.append(one(A, key="mine"))

    found = log.answered("mine", b"digest")

    assert found is not None
    assert (found.first, found.last, found.answer, found.replayed) == (1, 1, b"accepted", True)
    assert found.recorded_at == first.recorded_at


def test_the_answers_of_many_keys_are_found_at_once(log: Log) -> None:
    log.append(one(A, key="first"))
    log.append(one(B, key="second"))

    found = log.answered_all({"first": b"digest", "unknown": b"x", "second": b"digest"})

    assert {key: each.last for key, each in found.items()} == {"first": 1, "second": 2}
    assert log.answered_all({}) == {}
    with pytest.raises(KeyReused):
        log.answered_all({"first": b"digest", "second": b"other"})


def test_the_same_key_with_another_request_is_refused(log: Log) -> None:
    log.append(one(A, key="mine"))

    with pytest.raises(KeyReused):
        log.append(submission(noted(B), expected={B: 0}, key="mine", digest=b"other"))
    with pytest.raises(KeyReused):
        log.answered("mine", b"other")
    assert log.newest() == 1


def test_the_same_command_id_gets_the_stored_answer_even_without_a_key(log: Log) -> None:
    command = one(A)
    log.append(command)

    again = log.append(command)

    assert (again.last, again.answer, again.replayed) == (1, b"accepted", True)
    assert log.newest() == 1


def test_a_refused_command_may_come_again_with_its_key(log: Log) -> None:
    log.append(one(A))
    with pytest.raises(StaleVersion):
        log.append(one(A, 0, key="mine"))

    assert not log.append(one(A, 1, key="mine")).replayed


def test_an_accepted_command_without_events_is_remembered(log: Log) -> None:
    log.append(one(A))

    nothing = log.append(submission(expected={A: 1}, key="mine", answer=b"nothing to do"))

    assert (nothing.first, nothing.last) == (2, 1)
    assert log.append(submission(expected={}, key="mine")).answer == b"nothing to do"
    assert log.newest() == 1


def test_the_first_command_of_a_log_may_have_no_events(log: Log) -> None:
    nothing = log.append(submission(expected={}))

    assert (nothing.first, nothing.last) == (1, 0)


# --- many commands in one transaction -------------------------------------------------------------------


def test_many_submissions_are_recorded_one_after_the_other_as_if_each_came_alone(log: Log) -> None:
    log.append(one(A, key="known"))
    many = [
        one(B),
        submission(noted(B, C), expected={B: 1, C: 0}, answer=b"second"),
        one(new_id(), key="known"),
        submission(expected={C: 1}, answer=b"nothing to do"),
        one(C, 1),
    ]

    appended = log.append_all(many)

    assert [(each.first, each.last) for each in appended] == [(2, 2), (3, 4), (1, 1), (5, 4), (5, 5)]
    assert [each.replayed for each in appended] == [False, False, True, False, False]
    assert [each.answer for each in appended[:4]] == [b"accepted", b"second", b"accepted", b"nothing to do"]
    assert everything(log)[1:] == [(2, 2, B, 1), (3, 4, B, 2), (4, 4, C, 1), (5, 5, C, 2)]


def test_thousands_of_submissions_fit_into_one_transaction(log: Log) -> None:
    streams = [new_id() for _ in range(3000)]

    assert [each.last for each in log.append_all([one(stream) for stream in streams])] == list(range(1, 3001))


@pytest.mark.parametrize(
    ("bad", "refusal"),
    [
        (one(A, 5), StaleVersion),
        (one(A, 1, at=MONDAY - SECOND), TimeWentBackwards),
        (one(B, at=datetime(9999, 1, 1, tzinfo=UTC)), ToldInTheFuture),
        (submission(expected={}, key="known", digest=b"other"), KeyReused),
    ],
    ids=["stale", "backwards", "future", "key"],
)
@pytest.mark.parametrize("before", [0, 1, 400])
def test_one_refused_submission_keeps_out_all_of_them(
    log: Log, bad: Submission, refusal: type[Exception], before: int
) -> None:
    log.append(one(A, key="known"))

    with pytest.raises(refusal):
        log.append_all([*(one(new_id()) for _ in range(before)), bad, *(one(new_id()) for _ in range(400))])
    assert log.newest() == 1
    assert log.append(one(A, 1)).last == 2  # and the connection is as good as before


def test_43_each_of_many_submissions_keeps_its_own_command_key_actor_and_decisions(log: Log) -> None:
    log.append(one(A))
    told = [
        Submission(
            new_id(),
            key,
            bytes([number]),
            Attribution(new_id(), f"role {number}", key_id, behalf),
            decisions,
            expected,
            f'{{"answer": "{number}\\\\"}}'.encode(),
        )
        for number, (key, key_id, behalf, decisions, expected) in enumerate(
            [
                ('a "quoted", {braced} \\key', None, new_id(), (noted(A), noted(A, B)), {A: 1, B: 0, C: 0}),
                (None, new_id(), None, (), {B: 1}),
                ("null", None, None, (noted(B, B), noted(A, at=MONDAY + SECOND)), {B: 1, A: 3}),
            ]
        )
    ]

    appended = log.append_all(told)

    assert [(each.first, each.last, each.replayed) for each in appended] == [
        (2, 4, False),
        (5, 4, False),
        (5, 7, False),
    ]
    assert everything(log)[1:] == [
        (2, 2, A, 2),
        (3, 4, A, 3),
        (4, 4, B, 1),
        (5, 6, B, 2),
        (6, 6, B, 3),
        (7, 7, A, 4),
    ]
    of = [told[0]] * 3 + [told[2]] * 3
    assert [
        (each.command_id, Attribution(each.actor, each.role, each.key_id, each.on_behalf_of))
        for each in log.read(1, 100)
    ] == [(each.command_id, each.attribution) for each in of]
    assert [log.append(each) for each in told] == [replace(each, replayed=True) for each in appended]
    assert log.answered(told[0].key or "", b"\0") == replace(appended[0], replayed=True)


def test_many_submissions_are_one_round_trip_and_one_call(log: Log, pool: Pool, tmp_path: Path) -> None:
    log.append_all([one(A), one(B)])  # prepares the statement
    connection = pool.getconn()
    with (tmp_path / "trace").open("w") as file:
        connection.pgconn.trace(file.fileno())
        pool.putconn(connection)  # and is the next to be handed out
        log.append_all([one(A, 1), one(B, 1), one(A, 2), one(C)])
        connection.pgconn.untrace()

    lines = [line.split("\t") for line in (tmp_path / "trace").read_text().splitlines()]
    assert [line[3] for line in lines if line[1] == "F"] == ["Bind", "Describe", "Execute", "Sync"]


@pytest.mark.parametrize(
    ("last", "refusal"), [(one(A, 1), StaleVersion), (one(A, 2, at=MONDAY - SECOND), TimeWentBackwards)]
)
def test_what_one_submission_leads_to_counts_for_those_after_it(
    log: Log, last: Submission, refusal: type[Exception]
) -> None:
    log.append(one(A))
    with pytest.raises(refusal):
        log.append_all([one(A, 1), one(B), last])
    assert log.newest() == 1


def test_43_a_key_that_comes_twice_among_many_is_accepted_once(log: Log) -> None:
    first, second = log.append_all([one(A, key="k"), one(B, key="k")])
    assert (first.replayed, second.replayed, second.last, log.newest()) == (False, True, 1, 1)


def test_no_submissions_are_no_work(log: Log) -> None:
    assert log.append_all([]) == []


# --- two clocks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("others", [(), (B,)])
def test_time_that_goes_backwards_in_a_stream_is_refused_naming_the_last_moment(
    log: Log, others: tuple[UUID, ...]
) -> None:
    last = MONDAY.replace(microsecond=123450)
    log.append(one(A, at=last))
    early = submission(
        noted(A, *others, at=last - timedelta(microseconds=1)), expected=dict.fromkeys(others, 0) | {A: 1}
    )

    with pytest.raises(TimeWentBackwards) as refused:
        log.append(early)

    assert (refused.value.stream_id, refused.value.last_moment) == (A, last)
    assert log.newest() == 1
    assert log.append(one(A, 1, at=last)).last == 2  # the same moment is no way back


def test_time_that_goes_backwards_between_two_decisions_of_a_submission_is_refused(log: Log) -> None:
    later, earlier = noted(A, at=MONDAY), noted(B, A, at=MONDAY - SECOND)

    with pytest.raises(TimeWentBackwards) as refused:
        log.append(submission(later, earlier, expected={A: 0, B: 0}))

    assert (refused.value.stream_id, refused.value.last_moment) == (A, MONDAY)
    assert log.newest() == 0


def test_a_stream_that_was_only_read_may_have_a_later_moment(log: Log) -> None:
    log.append(one(B, at=MONDAY))

    assert log.append(submission(noted(A, at=MONDAY - SECOND), expected={A: 0, B: 1})).last == 2


@pytest.mark.parametrize("streams", [(A,), (A, B)])
def test_what_lies_in_the_future_is_refused(log: Log, streams: tuple[UUID, ...]) -> None:
    with pytest.raises(ToldInTheFuture):
        log.append(submission(noted(*streams, at=now() + 90 * SECOND), expected=dict.fromkeys(streams, 0)))
    assert log.newest() == 0


@pytest.mark.parametrize("streams", [(A,), (A, B)])
def test_recorded_is_never_before_occurred_nor_before_the_last_recorded(
    log: Log, streams: tuple[UUID, ...]
) -> None:
    ahead = now() + 30 * SECOND  # a caller's clock may be a little fast

    first = log.append(submission(noted(*streams, at=ahead), expected=dict.fromkeys(streams, 0)))
    second = log.append(one(C))
    third = log.append(
        submission(noted(*streams, at=ahead + 40 * SECOND), expected=dict.fromkeys(streams, 1))
    )

    assert first.recorded_at == second.recorded_at == ahead
    # The log's clock stands at `ahead` now: a minute counts from there.
    assert third.recorded_at == ahead + 40 * SECOND


@pytest.mark.parametrize("streams", [(A,), (A, B)])
def test_a_moment_without_zone_is_a_programming_error(log: Log, streams: tuple[UUID, ...]) -> None:
    naive = noted(*streams, at=MONDAY.replace(tzinfo=None))

    with pytest.raises(ValueError, match="zone"):
        log.append(submission(naive, expected=dict.fromkeys(streams, 0)))


# --- the log stays as it is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "update company_acme.events set role = 'x'",
        "update company_acme.events set role = 'x' where false",
        "delete from company_acme.events",
        "truncate company_acme.events",
        "update company_acme.commands set answer = 'x'",
        "delete from company_acme.commands",
        "truncate company_acme.commands",
    ],
)
@pytest.mark.parametrize("mode", ["origin", "replica"])
def test_changing_what_is_recorded_is_refused_even_to_the_owner(
    log: Log, database_user: psycopg.Connection, statement: str, mode: str
) -> None:
    log.append(one(A))
    database_user.execute(f"set session_replication_role = {mode}")

    with pytest.raises(psycopg.Error, match="stays as it is"):
        database_user.execute(statement.encode())
    assert log.newest() == 1


def test_a_service_with_a_role_of_its_own_may_add_but_not_change(
    log: Log, database_user: psycopg.Connection
) -> None:
    log.append(one(A))
    user, role = database_user, f"service_{new_id().hex}"  # roles belong to the server, not to the database
    user.execute(f"create role {role}".encode())
    try:
        user.execute("select redress.grant_service('acme', %s)", (role,))
        user.execute("create table company_acme.later (n int)")  # as a later migration would
        user.execute(f"set role {role}".encode())
        user.execute("insert into company_acme.later values (1)")
        user.execute("update redress.api_keys set revoked_at = now()")
        call = AppendCalls("company_acme").call(written(one(B), CODEC))
        assert user.execute(*call).fetchone() is not None
        for change in (
            "update company_acme.events set role = 'x'",
            "delete from company_acme.events",
            "delete from company_acme.commands",
            "alter table company_acme.events disable trigger all",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                user.execute(change.encode())
    finally:
        user.execute("reset role")
        user.execute(f"drop owned by {role}".encode())
        user.execute(f"drop role {role}".encode())


# --- one round trip -------------------------------------------------------------------------------------


def test_one_event_takes_the_form_without_arrays() -> None:
    calls = AppendCalls("company_acme")

    assert b"append_one" in calls.call(written(one(A), CODEC))[0]
    for other in (
        submission(noted(A, A), expected={A: 0}),
        submission(noted(A), expected={A: 0, B: 0}),
        submission(expected={A: 0}),
    ):
        assert b"append_one" not in calls.call(written(other, CODEC))[0]


@pytest.mark.parametrize("streams", [(A,), (A, B)])
def test_an_append_is_one_round_trip(log: Log, pool: Pool, tmp_path: Path, streams: tuple[UUID, ...]) -> None:
    log.append(submission(noted(*streams), expected=dict.fromkeys(streams, 0)))  # prepares the statement
    connection = pool.getconn()
    with (tmp_path / "trace").open("w") as file:
        connection.pgconn.trace(file.fileno())
        pool.putconn(connection)  # and is the next to be handed out
        log.append(submission(noted(*streams), expected=dict.fromkeys(streams, 1)))
        connection.pgconn.untrace()

    lines = [line.split("\t") for line in (tmp_path / "trace").read_text().splitlines()]
    assert [line[3] for line in lines if line[1] == "F"] == ["Bind", "Describe", "Execute", "Sync"]
