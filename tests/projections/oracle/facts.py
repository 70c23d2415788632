"""The log as it lies in the table of events, JSON and columns, read without the service's codec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

Data: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """One event. *by*: whose doing it was, the original person's if a history was loaded."""

    position: int
    decision_end: int
    occurred_at: datetime
    recorded_at: datetime
    by: str
    name: str
    data: Data

    @property
    def of(self) -> str:
        """What it is a fact of: the name of its first field, which holds the id of the stream."""
        return next(iter(self.data))

    @property
    def stream(self) -> str:
        return str(self.data[self.of])


BY_KNOWN_AT_ALONE = frozenset({"company", "people", "customer_id", "sales_id"})
"""Streams of catalogue, people, customers and stated sales (spec §1)."""


def log_of(connection: Connection[Any], schema: str) -> list[Fact]:
    """All facts of a company, in order."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            SQL("select * from {} order by position").format(Identifier(schema, "events"))
        ).fetchall()
    return [
        Fact(
            row["position"],
            row["decision_end"],
            row["occurred_at"],
            row["recorded_at"],
            str(row["on_behalf_of"] or row["actor"]),
            row["type"].partition(".")[0],
            row["data"],
        )
        for row in rows
    ]


def end_of_decision(log: Sequence[Fact], known_at: int | datetime | None) -> int:
    """The last position of the last decision that is known whole."""
    if known_at is None:
        return log[-1].position if log else 0
    return max(
        (
            fact.decision_end
            for fact in log
            if fact.position == fact.decision_end
            and (fact.recorded_at if isinstance(known_at, datetime) else fact.position) <= known_at  # type: ignore[operator]
        ),
        default=0,
    )
