"""The least that whoever reads a whole log does: COPY it out and parse each event's JSON, on one core."""

from __future__ import annotations

import time

import orjson
import psycopg
from psycopg.sql import SQL, Identifier

_COPY = SQL("""
copy (select position, decision_end, stream_id, version, type, data, occurred_at from {}) to stdout""")


def bare_read(conninfo: str, schema: str) -> float:
    """Events a second of the log in *schema*."""
    events = 0
    with psycopg.connect(conninfo) as connection, connection.cursor() as cursor:
        began = time.perf_counter()
        with cursor.copy(_COPY.format(Identifier(schema, "events"))) as copy:
            for line in copy:
                data = bytes(line).split(b"\t", 6)[5]
                orjson.loads(data.replace(b"\\\\", b"\\") if b"\\" in data else data)
                events += 1
        return events / (time.perf_counter() - began)
