"""What every report can be asked: filters, period, grouping and the two clocks (spec §8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from itertools import chain
from typing import ClassVar, Final, Generic, TypeVar
from uuid import UUID

from domain.refusals import Invalid
from domain.texts import is_storable

Row = TypeVar("Row")

ATTRIBUTE: Final = "attribute:"
"""``by`` begins so for a grouping by an attribute of items; the rest is its name."""


@dataclass
class ParameterInvalid(Invalid):
    """The parameter {name} cannot be {value!r}: {cure}."""

    name: str
    value: object
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What all reports have in common; everything may be left out.

    ``customer``    code
    ``collector``, ``resolver``   ids of people
    ``status``      code: of the items' status; of a dispute, its type
    ``attributes``  of items, each of which must have this value
    ``currency``    ISO 4217
    ``period_from``, ``period_to``  whole days in the company's zone, both included; what of a report they
                    speak of stands in its docstring
    ``as_at``       a date (its end in the company's zone) or an aware datetime; None: now
    ``known_at``    a position, or an aware datetime; None: all that the read side has
    ``by``          grouping; each report says which it has and which it takes by default. Two with a comma
                    between: by the second within the first
    ``limit``, ``cursor``  for a page of so many rows, after those that the page with this ``next_cursor``
                    ended; None: all of them (of a list, its first page)
    """

    has_order: ClassVar[bool] = False
    """Whether pages go by an order that SQL knows (paging.py), not by the report's rows (report_pages.py)."""

    entity: str | None = None
    customer: str | None = None
    collector: UUID | None = None
    resolver: UUID | None = None
    status: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None
    period_from: date | None = None
    period_to: date | None = None
    as_at: date | datetime | None = None
    known_at: int | datetime | None = None
    by: str | None = None
    limit: int | None = None
    cursor: str | None = None

    def stated(self) -> dict[str, object]:
        """The parameters that were given, by name."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in given.items() if value is not None and value != {}}

    def check(self) -> None:
        """Raise ParameterInvalid for what no report can answer."""
        for each in fields(self):
            value = getattr(self, each.name)
            for part in [*value.keys(), *value.values()] if isinstance(value, Mapping) else [value]:
                _check(each.name, part)
        if self.period_from and self.period_to and self.period_from > self.period_to:
            raise ParameterInvalid("period_from", self.period_from.isoformat(), "it lies after period_to")


_YEARS: Final = range(1900, 3000)


def _check(name: str, value: object) -> None:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ParameterInvalid(name, value.isoformat(), "give the zone of the time, such as Z or +01:00")
    if isinstance(value, date) and value.year not in _YEARS:
        raise ParameterInvalid(name, value.isoformat(), f"give a year from {_YEARS[0]} to {_YEARS[-1]}")
    if isinstance(value, str) and not is_storable(value):
        raise ParameterInvalid(name, value, "it has characters that no text has")


@dataclass(frozen=True, slots=True)
class Report(Generic[Row]):
    """The answer to one question.

    ``position`` is how far the read side was; ``parameters`` are those given, with the clocks as they were
    understood (``as_at`` a moment, ``known_at`` a position). ``totals`` hold what rows do not add up to: a
    dispute over two entities counts in two rows and once in the total. Of rows that are grouped by two, the
    subtotals of the first level come before the totals; their second key is ``total``. ``next_cursor`` asks
    for the next page.

    The rows of a streamed reading may be ``coming`` instead: they can be asked for once, while it is held,
    and there are no totals then.
    """

    position: int
    parameters: Mapping[str, object]
    rows: tuple[Row, ...]
    totals: tuple[Row, ...] = ()
    next_cursor: str | None = None
    coming: Iterator[Row] | None = None

    def each(self) -> Iterator[Row]:
        """All rows, in their order."""
        return chain(self.rows, self.coming or ())

    def with_each(self, change: Callable[[Row], Row]) -> Report[Row]:
        """This report with *change* made to every row."""
        coming = None if self.coming is None else map(change, self.coming)
        return replace(self, rows=tuple(map(change, self.rows)), coming=coming)

    def records(self) -> list[dict[str, object]]:
        """The rows as flat mappings with the names of the columns."""
        return [record(row) for row in self.rows]

    def total_records(self) -> list[dict[str, object]]:
        """The totals in the same shape."""
        return [record(row) for row in self.totals]


SPREAD: Final = frozenset({"grouped", "buckets", "by_currency"})
"""Fields of rows that hold columns, of which each answer has its own."""


GROUPED: Final = ("label", "second_key", "second_label")
"""Columns that ``grouped`` may hold: those of a second level; the label where not every grouping has one."""


def record(row: object) -> dict[str, object]:
    """A row as a flat mapping: its fields by name, and in the place of those of `SPREAD` what they hold."""
    flat: dict[str, object] = {}
    for each in fields(row):  # type: ignore[arg-type] # rows are dataclasses
        value = getattr(row, each.name)
        flat.update(value if each.name in SPREAD else {each.name: value})
    return flat


def attribute_filter(texts: Iterable[str]) -> dict[str, str]:
    """Attributes out of ``name=value`` texts. Raises ParameterInvalid."""
    wanted: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise ParameterInvalid("attribute", text, "write name=value")
        wanted[name] = value
    return wanted
