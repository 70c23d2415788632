"""Writers that stand still, or give up, between the lock and the commit: a trigger in the database
sees to it, so that it meets every way of writing alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

_GATE = 7_410


@dataclass(frozen=True, slots=True)
class Stalls:
    """How often (0 to 1) an append is rolled back or stalled, and for how many seconds at most."""

    rolled_back: float
    stalled: float
    longest: float

    def install(self, conninfo: str, table: str, seed: int) -> None:
        """From here on, whoever adds to *table*. Chance follows from *seed* and the order of the appends."""
        _install(
            conninfo,
            table,
            f"""
            declare dice text := md5('{seed} ' || nextval('torture_turns'));
                chance float8 := ('x' || left(dice, 8))::bit(32)::bigint / 4294967296.0;
                share float8 := ('x' || right(dice, 8))::bit(32)::bigint / 4294967296.0;
            begin
                if chance < {self.rolled_back} then
                    raise exception 'rolled back by chance' using errcode = 'query_canceled';
                elsif chance > 1 - {self.stalled} then
                    perform pg_sleep({self.longest} * share);
                end if;
                return null;
            end""",
        )


def install_gate(conninfo: str, table: str) -> None:
    """From here on, whoever adds to *table* waits before its commit while the gate is `closed`."""
    _install(conninfo, table, f"begin perform pg_advisory_xact_lock_shared({_GATE}); return null; end")


@contextmanager
def closed(conninfo: str) -> Iterator[psycopg.Connection]:
    """Hold the gate until the block ends."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", [_GATE])
        yield connection


def _install(conninfo: str, table: str, body: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("create sequence torture_turns")
        connection.execute(
            f"create function torture_stall() returns trigger language plpgsql as $${body}$$".encode()
        )
        connection.execute(
            f"create trigger torture_stall after insert on {table}"
            " for each statement execute function torture_stall()".encode()
        )
