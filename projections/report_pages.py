"""Reports page by page: a cursor holds the moment of the first page and the key of the last row seen.

A report's order is by figures that change with every event (the largest amounts first), so no values of a
row say where it would stand a minute later. Each page is therefore of the moment of the first one: both
clocks are in the cursor. At that moment the rows and their order are settled for good, and the number of rows
before a page says where it begins; the key of the last of them says that it is still the same report.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Generic, LiteralString, TypeVar
from uuid import UUID

from projections.cursors import read, written
from projections.moment import Moment
from projections.parameters import ParameterInvalid, Parameters, record

Row = TypeVar("Row")
AnyParameters = TypeVar("AnyParameters", bound=Parameters)

LONGEST_PAGE: Final = 10_000
"""Most rows of a page."""

_MOST: Final = 2**31

ROWS: Final[LiteralString] = "select * from ({}) answer offset %(window_from)s limit %(window_rows)s"
"""A page's rows of the statement in the braces."""


@dataclass(frozen=True, slots=True)
class Piece(Generic[Row]):
    """The rows that `Window.bindings` ask for, cut out of a report by the database."""

    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Window:
    """A page: *limit* rows after the first *seen*, the last of which had the key *last*."""

    limit: int
    seen: int = 0
    last: str = ""

    @property
    def bindings(self) -> dict[str, int]:
        """The last row seen, the page, and one more that tells whether there is a next one."""
        before = 1 if self.seen else 0
        return {"window_from": self.seen - before, "window_rows": before + self.limit + 1}

    def page(self, of: list[Row] | Piece[Row], moment: Moment) -> tuple[list[Row], str | None]:
        """The page's rows *of* a whole report or the piece of it, and the cursor of the next page.

        Raises ParameterInvalid if the last row is not the one that was seen.
        """
        if isinstance(of, Piece):
            rows = of.rows
        else:
            begin = self.bindings["window_from"]
            rows = of[begin : begin + self.bindings["window_rows"]]
        if self.seen:
            if not rows or _key(rows[0]) != self.last:
                raise _no_cursor()
            rows = rows[1:]
        shown = rows[: self.limit]
        return shown, self._next(shown, moment) if len(rows) > len(shown) else None

    def _next(self, shown: Sequence[object], moment: Moment) -> str:
        clocks = [moment.at.isoformat(), str(moment.known)]
        return written([*clocks, str(self.seen + len(shown)), _key(shown[-1])])


def window_of(parameters: AnyParameters) -> tuple[AnyParameters, Window | None]:
    """The page of a report that *parameters* ask for, and they with its moment; None for the whole report.

    Raises ParameterInvalid.
    """
    if parameters.has_order or (parameters.limit is None and parameters.cursor is None):
        return parameters, None
    limit = LONGEST_PAGE if parameters.limit is None else parameters.limit
    if not 1 <= limit <= LONGEST_PAGE:
        raise ParameterInvalid("limit", limit, f"give 1 to {LONGEST_PAGE}")
    if parameters.cursor is None:
        return parameters, Window(limit)
    try:
        as_at, known_at, seen, last = read(parameters.cursor)
        moment = datetime.fromisoformat(as_at)
        known, count = int(known_at), int(seen)
    except ValueError:
        raise _no_cursor() from None
    if moment.tzinfo is None or not (0 <= known < _MOST**2 and 0 < count < _MOST):
        raise _no_cursor()
    return replace(parameters, as_at=moment, known_at=known), Window(limit, count, last)


def _key(row: object) -> str:
    """What tells *row* from all others: whatever of it is no figure."""
    told = [
        None if value is None else str(value) for value in record(row).values() if isinstance(value, _TOLD)
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


_TOLD: Final = (str, UUID, date, type(None))


def _no_cursor() -> ParameterInvalid:
    return ParameterInvalid("cursor", "…", "give the next_cursor of a page, and all else unchanged")
