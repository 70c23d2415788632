"""What reports are asked with, and how they are read."""

from __future__ import annotations

import psycopg
import pytest

from projections import buckets
from projections.aged_balance import aged_balance
from projections.parameters import ParameterInvalid, Parameters, attribute_filter
from store.connections import open_pool
from store.migrate import create_company
from tests.projections.world import World, small_company


def test_attributes_are_written_name_equals_value():
    assert attribute_filter([]) == {}
    assert attribute_filter(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}


@pytest.mark.parametrize("text", ["", "a", "=1"])
def test_attributes_written_otherwise_are_refused(text: str):
    with pytest.raises(ParameterInvalid, match="write name=value"):
        attribute_filter([text])


def test_buckets_are_named_by_their_days():
    assert buckets.names([30, 60, 90], 1) == ["1-30", "31-60", "61-90", "over_90"]
    assert buckets.names([15], 0) == ["0-15", "over_15"]
    assert buckets.starts([30, 60]) == [31, 61]


def test_parameters_state_what_was_given():
    assert Parameters().stated() == {}
    assert Parameters(customer="a", attributes={"x": "1"}).stated() == {
        "customer": "a",
        "attributes": {"x": "1"},
    }


def test_a_report_survives_a_lost_connection(world: World):
    world.item("1", "alpha", "5")
    reading = world.reading()
    assert aged_balance(reading, Parameters()).rows
    with reading.datastore.pool.connection() as connection:
        backend = connection.info.backend_pid
    world.run("select pg_terminate_backend(%(backend)s)", backend=backend)
    assert aged_balance(reading, Parameters()).rows[0].total == 5


def test_a_report_leaves_the_connection_as_it_was(world: World):
    reading = world.reading()
    with pytest.raises(ParameterInvalid):
        aged_balance(reading, Parameters(known_at=-1))
    aged_balance(reading, Parameters())
    with reading.datastore.pool.connection() as connection:
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        (search_path, isolation) = (
            connection.execute(f"show {name}").fetchone() for name in ("search_path", "transaction_isolation")
        )
        assert search_path == {"search_path": '"$user", public'}
        assert isolation == {"transaction_isolation": "read committed"}


def test_position_and_rows_are_of_one_snapshot(world: World):
    """What is written while a report is being read belongs to the next one."""
    world.item("1", "alpha", "5")
    position = world.position

    def write_and_ask(snapshot: object) -> object:
        world.item("2", "alpha", "7")
        return snapshot

    reading = world.reading()
    report = reading.at(
        Parameters(),
        lambda snapshot: (
            write_and_ask(snapshot),
            snapshot.dicts("select count(*) as items from item_states", {}),
            snapshot.moment.position,
        ),
    )
    assert report[1:] == ([{"items": 1}], position)


def test_companies_that_share_a_connection_share_nothing_else(database: str):
    create_company(database, "other")
    with open_pool(database, size=1) as pool, World(pool) as world, World(pool, "other") as other:
        for each, balance in ((world, "5"), (other, "7")):
            small_company(each)
            each.item("1", "alpha", balance)
        # More often than it takes the driver to prepare the statement.
        for _ in range(12):
            assert [row.total for row in aged_balance(world.reading(), Parameters()).rows] == [5]
            assert [row.total for row in aged_balance(other.reading(), Parameters()).rows] == [7]
