"""Verification of episodes that ended, where several people did something about them: the table is compared
with the log, by another way than the feed's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from replay.verify import verify
from store.connections import CompanyDatastore, Pool, open_pool
from store.log import Log
from tests.projections.test_resolution_fold import busy, by_many, fed


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=6) as pool:
        yield pool


@pytest.fixture
def log(pool: Pool) -> Log:
    return fed(pool, by_many(busy(3)))


def datastore_of(log: Log) -> CompanyDatastore:
    assert isinstance(log.datastore, CompanyDatastore)
    return log.datastore


def found(log: Log, processes: int = 1) -> list[tuple[str, str, object, object]]:
    differences = verify(datastore_of(log), log, limit=1_000, processes=processes).differences
    assert {each.where for each in differences} <= {"ended_episodes"}
    return [(each.key, each.what, each.found, each.expected) for each in differences]


def do(log: Log, statement: str) -> list[tuple[object, ...]]:
    table = f"{datastore_of(log).schema}.ended_episodes"
    return datastore_of(log).rows(statement.format(table).encode())


@pytest.mark.parametrize("seed", range(4))
def test_41_what_the_feed_says_was_done_is_what_the_log_tells(pool: Pool, seed: int) -> None:
    log = fed(pool, by_many(busy(seed)))
    assert found(log) == []
    assert found(log, processes=2) == []


@pytest.mark.parametrize(
    ("column", "other", "where"),
    [
        ("chases", "chases + 1", "chases > 0"),
        ("chases", "0", "chases > 0"),
        ("responded_at", "responded_at + interval '1 microsecond'", "responded_at is not null"),
        ("responded_at", "null", "responded_at is not null"),
        ("responded_at", "'2020-02-01'", "responded_at is null"),
    ],
)
def test_41_one_altered_cell_is_found(log: Log, column: str, other: str, where: str) -> None:
    one = f"(select ctid from {{0}} where {where} order by dispute_id limit 1)"
    ((key, before),) = do(log, f"select dispute_id::text, {column} from {{0}} where ctid = {one}")
    ((after,),) = do(log, f"update {{0}} set {column} = {other} where ctid = {one} returning {column}")
    assert found(log) == found(log, processes=2) == [(key, column, after, before)]
