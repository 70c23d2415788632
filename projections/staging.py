"""What a file of items says, beside what is known: the difference as one set operation.

The rows of a file go by COPY into a table of their own, unlogged, for as long as the import lasts; what an
import that died has left the next one removes. Compared is with the item states, which are to be brought up
to the log first. Whatever changes the log afterwards is noticed when the difference is recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final, LiteralString, NamedTuple

import psycopg
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composed, Identifier, Literal

from projections import staging_statements as statements
from store.clock import new_id
from store.connections import CompanyDatastore, LogUnavailable, Parameters

COLUMNS: Final = (
    "row",
    "entity",
    "customer_code",
    "number",
    "customer_name",
    "type",
    "issue_date",
    "due_date",
    "amount",
    "balance",
    "currency",
    "attributes",
    "cleared_on",
    "refused_column",
    "refused",
)
"""Of a staged row. One that was refused has its reason and, if it is known, its identity."""

Row = tuple[Any, ...]

_LAST: Final = 2**63 - 1


class Stretch(NamedTuple):
    """Rows after the one and up to the other."""

    after: int
    upto: int

    def has(self, rows: Collection[int]) -> bool:
        """Whether one of *rows* is among these."""
        return any(self.after < row <= self.upto for row in rows)


class Place(NamedTuple):
    """Where the rows are staged; with it another process finds them."""

    conninfo: str
    schema: str
    name: str


class Verdict(StrEnum):
    """What a row is beside what is known. Rows that change nothing have none."""

    NEW = "new"
    """Its item is not known, nor a twin of it but for leading zeros."""
    UNSURE = "unsure"
    """Its item is not known, but one whose number has other leading zeros is, or another row may be it."""
    CHANGED = "changed"
    REPEATED = "repeated"
    """Other rows have the same identity."""
    REFUSED = "refused"


class Staging:
    """The staged rows of one file, over a connection of their own."""

    def __init__(self, connection: psycopg.Connection[Any], place: Place) -> None:
        self._connection: Final = connection
        self.place: Final = place
        _, schema, name = place
        self._names: Final = {
            "schema": Identifier(schema),
            **{table: Identifier(schema, f"{name}_{table}") for table in ("staged", "verdicts", "missing")},
            "columns": SQL(", ").join(map(Identifier, COLUMNS)),
            "all": SQL(", ").join(map(_selected, COLUMNS)),
            **{verdict.name.lower(): Literal(verdict.value) for verdict in Verdict},
        }
        self._has_place = False
        self._found: Counter[Verdict] = Counter()

    def create(self) -> None:
        """Make the tables."""
        for statement in statements.CREATE:
            self._run(statement)

    def drop(self) -> None:
        """Remove the tables, as far as they are there."""
        self._run(statements.DROP)

    def fill(self, blocks: Iterable[str]) -> None:
        """Add lines in COPY's text format, each with the values of COLUMNS. Raises whatever *blocks* does."""
        with self._connection.cursor() as cursor, cursor.copy(self._sql(statements.COPY)) as copy:
            for block in blocks:
                copy.write(block)

    def compare(self, *, twins_allowed: bool) -> dict[Verdict | None, int]:
        """Find out what each row is; how many are what, None: unchanged.

        *twins_allowed*: a number that equals another but for leading zeros is an item of its own.
        """
        self._run(statements.ANALYZE_STAGED)
        self._run(statements.COMPARE)
        self._run(statements.ANALYZE_VERDICTS)
        self._count()
        if self._found[Verdict.NEW]:
            if not twins_allowed:
                self._run(statements.FIND_TWINS)
            self._run(statements.MEET_CUSTOMERS)
            self._count()
        ((total,),) = self._run(statements.COUNT_STAGED)
        found: dict[Verdict | None, int] = dict(self._found.items())
        return {**found, None: total - self._found.total()}

    def _count(self) -> None:
        self._found = Counter({Verdict(name): count for name, count in self._run(statements.COUNT)})

    def find_missing(self, *, twins_allowed: bool) -> tuple[int, int]:
        """Find the open items of the file's entities that it does not have, but for those whose row has lost
        leading zeros. Returns how many these are, and how many items are open there."""
        self._run(statements.FIND_MISSING)
        if not twins_allowed:
            self._run(statements.KEEP_TWINS)
        ((missing,),) = self._run(statements.COUNT_MISSING)
        ((open_ones,),) = self._run(statements.COUNT_OPEN)
        return missing, open_ones

    def paid(self) -> int:
        """How many open items the file itself gives the balance zero."""
        ((count,),) = self._run(statements.COUNT_PAID)
        return int(count)

    def unidentified(self) -> int:
        """How many refused rows have no identity."""
        ((count,),) = self._run(statements.COUNT_UNIDENTIFIED)
        return int(count)

    def rows(self, *verdicts: Verdict, size: int) -> Iterator[list[Row]]:
        """The rows with one of *verdicts* in the order of the file, so many at a time.

        Each has the values of COLUMNS, the attributes as JSON, and whether it is the first new one of a
        customer who is not known.
        """
        if not any(self._found[verdict] for verdict in verdicts):
            return  # where nothing differs, giving each row its place would take as long as comparing them
        self._give_places()
        told = [verdict.value for verdict in verdicts]
        last = -1
        while part := self._run(statements.ROWS, (told, last, size), binary=False):
            last = part[-1][0]
            yield part

    def stretches(self, size: int) -> list[Stretch]:
        """Where the new rows are, so many in each stretch but for the last."""
        if not self._found[Verdict.NEW]:
            return []
        self._give_places()
        ends = [row for (row,) in self._run(statements.ENDS, (size,))]
        if self._found[Verdict.NEW] % size:
            ends.append(_LAST)
        return [Stretch(*each) for each in pairwise((-1, *ends))]

    def new(self, stretch: Stretch) -> list[Row]:
        """The new rows of *stretch*, as `rows` gives them."""
        return self._run(statements.NEW, stretch._asdict(), binary=False)

    def new_identities(self, stretch: Stretch) -> list[tuple[str, str, str]]:
        """Entity, customer code and number of the new rows of *stretch*."""
        rows = self._run(statements.NEW_IDENTITIES, stretch._asdict())
        return [(entity, code, number) for entity, code, number in rows]

    def meet_later(self, customers: Collection[str], after: int) -> set[int]:
        """Have each of *customers* met by their first new row after that one; which rows these are."""
        return {row for (row,) in self._run(statements.MEET_LATER, (after, list(customers)))}

    def _give_places(self) -> None:
        if not self._has_place:
            self._run(statements.PLACE_STAGED)
            self._run(statements.PLACE_VERDICTS)
            self._has_place = True

    def repeated(self) -> Iterator[Row]:
        """Of each row that shares its identity: row, identity, how many share it and the first of them."""
        if self._found[Verdict.REPEATED]:
            yield from self._run(statements.REPEATED)

    def missing(self, size: int) -> Iterator[list[Row]]:
        """The missing items, those of a customer together, so many at a time: item id, customer id, version,
        balance, currency, whether anything else depends on it."""
        place = 0
        while part := self._run(statements.MISSING, (place, size)):
            place = part[-1][0]
            yield [row[1:] for row in part]

    def _run(
        self, statement: LiteralString, parameters: Parameters = (), *, binary: bool = True
    ) -> list[Row]:
        # Amounts and dates are read quicker from text, ids from bytes.
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(self._sql(statement), parameters or None, binary=binary)
            return cursor.fetchall() if cursor.description else []

    def _sql(self, statement: LiteralString) -> bytes:
        return SQL(statement).format(**self._names).as_bytes()


def _selected(column: str) -> Composed:
    chosen = SQL("s.{}").format(Identifier(column))
    return chosen + SQL("::text") if column == "attributes" else chosen


@contextmanager
def staging(datastore: CompanyDatastore) -> Iterator[Staging]:
    """Empty staging tables beside the item states of a company. Raises LogUnavailable."""
    conninfo = datastore.pool.conninfo
    assert isinstance(conninfo, str), "our pools are opened with a connection string"
    with _connection(conninfo) as connection:
        _remove_dead(connection, conninfo, datastore.schema)
        name = f"import_{new_id().hex}"
        connection.execute(statements.ALIVE, (name,))
        staged = Staging(connection, Place(conninfo, datastore.schema, name))
        staged.create()
        try:
            yield staged
        finally:
            if not connection.broken:
                staged.drop()


@contextmanager
def looking_at(place: Place) -> Iterator[Staging]:
    """What is staged at *place*, by whom it is filled, compared and removed. Raises LogUnavailable."""
    with _connection(place.conninfo) as connection:
        yield Staging(connection, place)


@contextmanager
def _connection(conninfo: str) -> Iterator[psycopg.Connection[Any]]:
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            for setting in statements.SETTINGS:
                connection.execute(setting)
            yield connection
    except psycopg.OperationalError as error:
        raise LogUnavailable(str(error)) from error


def _remove_dead(connection: psycopg.Connection[Any], conninfo: str, schema: str) -> None:
    """Remove the tables of imports that are no longer alive."""
    dead = connection.execute(statements.DEAD, (Identifier(schema).as_string(),)).fetchall()
    for (table,) in dead:
        Staging(connection, Place(conninfo, schema, table.removesuffix("_staged"))).drop()
