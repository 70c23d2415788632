"""Lists page by page: a cursor holds the order's values in the last row seen, so that no row is met twice or
missed however many come and go before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, LiteralString, TypeVar

from psycopg import DataError
from psycopg.sql import SQL, Composable

from domain.refusals import Unknown
from domain.texts import is_storable
from projections.cursors import read, written
from projections.parameters import ParameterInvalid, Parameters, Report
from projections.reading import Snapshot
from projections.selection import Selection

Row = TypeVar("Row")

LIMIT: Final = 200
"""Most rows of a page."""

_USUAL: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PageParameters(Parameters):
    """``limit``: 1 to 200 rows, 50 if nothing is said. ``cursor``: the ``next_cursor`` of the page before,
    with all else unchanged. ``sort``: each list says which orders it has."""

    has_order: ClassVar[bool] = True

    sort: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Columns that together differ for any two rows: SQL, its type, and the row's field with the value."""

    columns: tuple[tuple[LiteralString, LiteralString, str], ...]
    direction: Literal["asc", "desc"] = "asc"

    def sql(self) -> Composable:
        """What comes after ``order by``."""
        return SQL(", ").join(SQL(f"{expression} {self.direction}") for expression, _, _ in self.columns)

    def after(self, values: Sequence[object]) -> Selection:
        """The rows after the one with these values."""
        beyond = ">" if self.direction == "asc" else "<"
        left: LiteralString = ", ".join([expression for expression, _, _ in self.columns])
        places = [f"%(after_{number})s::{kind}" for number, (_, kind, _) in enumerate(self.columns)]
        right: LiteralString = ", ".join(places)
        chosen = Selection()
        chosen.where(f"({left}) {beyond} ({right})")
        chosen.bindings |= {f"after_{number}": value for number, value in enumerate(values)}
        return chosen


def page(
    snapshot: Snapshot,
    parameters: PageParameters,
    of: type[Row],
    statement: LiteralString,
    chosen: Selection,
    orders: Mapping[str, Order],
    **places: Composable,
) -> Report[Row]:
    """One page of *statement*, which has the places ``{selected}``, ``{order}`` and ``%(rows)s`` (a limit),
    and those for which *places* are.

    The first of *orders* is the default. A streamed reading has all rows, unless a limit or a cursor is told.
    Raises ParameterInvalid for a limit, sort or cursor that cannot be.
    """
    limit = _USUAL if parameters.limit is None else parameters.limit
    if not 1 <= limit <= LIMIT:
        raise ParameterInvalid("limit", limit, f"give 1 to {LIMIT}")
    sort = parameters.sort or next(iter(orders))
    if sort not in orders:
        raise ParameterInvalid("sort", sort, f"sort by {', '.join(orders)}")
    order = orders[sort]
    selected = Selection([*chosen.conditions], dict(chosen.bindings))
    if parameters.cursor is not None:
        after = order.after(_read(parameters.cursor, sort, len(order.columns)))
        selected.conditions += after.conditions
        selected.bindings |= after.bindings
    parts = {**places, "selected": selected.sql(snapshot.moment), "order": order.sql()}
    if snapshot.is_streamed and parameters.limit is None and parameters.cursor is None:
        coming = snapshot.shown(of, statement, {**selected.bindings, "rows": None}, **parts)
        return snapshot.report(parameters, coming, sort=sort)
    try:
        # One more tells whether there is a next page.
        rows = snapshot.rows(of, statement, {**selected.bindings, "rows": limit + 1}, **parts)
    except DataError as error:
        if parameters.cursor is None:
            raise
        raise _no_cursor(parameters.cursor) from error
    shown = rows[:limit]
    cursor = _written(sort, order, shown[-1]) if len(rows) > len(shown) else None
    return snapshot.report(parameters, shown, next_cursor=cursor, sort=sort, limit=limit)


def single(
    snapshot: Snapshot,
    parameters: Parameters,
    of: type[Row],
    statement: LiteralString,
    chosen: Selection,
    missing: Unknown,
) -> Report[Row]:
    """The one row that *chosen* picks of *statement*, which has the places that `page` asks for.

    Raises *missing* if there is none.
    """
    rows = snapshot.rows(
        of,
        statement,
        {**chosen.bindings, "rows": 1},
        selected=chosen.sql(snapshot.moment),
        order=SQL("1"),
    )
    if not rows:
        raise missing
    return snapshot.report(parameters, rows)


def _written(sort: str, order: Order, row: object) -> str:
    return written([sort, *[str(getattr(row, name)) for _, _, name in order.columns]])


def _read(cursor: str, sort: str, count: int) -> list[str]:
    values = read(cursor)
    if len(values) != count + 1 or values[0] != sort or not all(map(is_storable, values)):
        raise _no_cursor(cursor)
    return values[1:]


def _no_cursor(cursor: str) -> ParameterInvalid:
    return ParameterInvalid("cursor", cursor, "give the next_cursor of a page, and the same sort")
