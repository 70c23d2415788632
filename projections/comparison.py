"""Two moments of one report side by side: which disputes, episodes or items make the difference of each row.

A report counts *things*: each stands in one or several places (a row, and of the aged balance a bucket of it)
and adds its figures there. Both moments' things are read in one statement, on one state of the read side, and
only those that differ come back. What a place's things add up to is what the report says at that moment.

Medians and the like are no sums over things: what the report says of them stands beside (`Statistics`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, LiteralString, TypeAlias
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.sql import Composable

from projections.comparison_statement import Added, comparing
from projections.moment import Moment
from projections.parameters import ParameterInvalid, Parameters
from projections.reading import Reading, Snapshot
from projections.resolution_figures import CLOSED_ONLY
from projections.selection import Grouping, Selection


@dataclass(frozen=True, slots=True)
class Since:
    """The earlier moment. A clock that is not given is that of the later one."""

    as_at: date | datetime | None = None
    known_at: int | datetime | None = None

    def before(self, after: Parameters) -> Parameters:
        """*after* at the earlier moment. Raises ParameterInvalid if none is given."""
        if self.as_at is None and self.known_at is None:
            raise ParameterInvalid("since_as_at", None, "give since_as_at or since_known_at, or both")
        return replace(
            after,
            as_at=after.as_at if self.as_at is None else self.as_at,
            known_at=after.known_at if self.known_at is None else self.known_at,
        )


class Counts(StrEnum):
    """What a report counts: disputes by what they are or what happened to them, episodes, open items, or
    lines of an agenda; what happened to disputes; the desks that episodes were at; or receivables, of items,
    disputes and stated sales."""

    OPEN = "open"
    OPENED = "opened"
    RESOLVED = "resolved"
    EPISODES = "episodes"
    ITEMS = "items"
    LINES = "lines"
    HAPPENINGS = "happenings"
    DESKS = "desks"
    RECEIVABLES = "receivables"


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the report, or a *part* of it: of the aged balance a bucket, of the agenda a kind of line, of
    receivables the month of sales.
    *second_key*: of a report grouped by two, ``total`` in its subtotals."""

    key: str | None
    currency: str | None = None
    part: str | None = None
    second_key: str | None = None

    @property
    def row(self) -> Place:
        """The whole row."""
        return replace(self, part=None)


_Told: TypeAlias = Mapping[Place, Mapping[str, float | None]]


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a report says at one moment that is no sum over things, by *names*: of its *rows*, and of its
    *totals* and subtotals. None for what cannot be told."""

    names: tuple[str, ...] = ()
    rows: _Told = field(default_factory=dict)
    totals: _Told = field(default_factory=dict)

    @property
    def of_totals(self) -> Statistics:
        """Those of totals, as if these were rows."""
        return replace(self, rows=self.totals)

    def told_of(self, place: Place) -> Mapping[str, float | None]:
        """What is told of the row at *place*; nothing of one that is not in the report."""
        return self.rows.get(place, {})

    @property
    def mean_basis(self) -> str | None:
        """Of what the mean is, if there is one: as the report on resolution time says it."""
        return CLOSED_ONLY if "mean_days" in self.names else None

    @classmethod
    def of(cls, names: tuple[str, ...], rows: Iterable[Any], totals: Iterable[Any]) -> Statistics:
        """Those *names* of a report's *rows* and *totals*."""
        told = [
            {place_of(row): {name: getattr(row, name) for name in names} for row in several}
            for several in (rows, totals)
        ]
        return cls(names, *told)


def place_of(row: Any) -> Place:  # noqa: ANN401 - of any report
    """Where *row* stands in its report."""
    return Place(row.key, getattr(row, "currency", None), second_key=row.grouped.get("second_key"))


def no_statistics(_: Snapshot) -> Statistics:
    """Those of a report whose figures all add up."""
    return Statistics()


@dataclass(frozen=True, slots=True)
class Asking:
    """One report's question, in the groups of *group*. *facts*, with what *places* gives for its bindings and
    parts, is a SELECT with the columns thing, episode, key, label (second_key, second_label if there are two
    levels), currency, part and those of *figures*.

    *states* is a SELECT of `Thing` by id, with the bindings of *places*, *versions* one of the streams
    around them; *reached* says which of them the actor may see. *statistics*: what is no sum, but depends
    on nothing that *figures* do not show.
    """

    counts: Counts
    group: Grouping
    figures: Added
    facts: LiteralString
    places: Callable[[Snapshot], tuple[dict[str, object], dict[str, Composable]]]
    states: LiteralString
    versions: LiteralString
    reached: Selection
    statistics: Callable[[Snapshot], Statistics] = no_statistics


@dataclass(frozen=True, slots=True)
class Thing:
    """What one moment shows of a dispute, an item, a follow-up action, a customer or stated sales (*what*),
    which are no customer's. *state*: of a dispute its own; of an item ``open``, ``cleared`` or ``withdrawn``;
    of an action ``open`` or ``ended``; of sales ``stated``.
    *around*: a dispute's items, an item's or an action's dispute, a customer's runs of reminders.

    *due_on* is of an action; *is_due*: so early that the agenda shows it. *superseded_by*: the sales that
    were stated of the month of an item."""

    id: UUID
    version: int
    name: str | None
    customer_id: UUID | None
    customer_code: str | None
    state: str
    episode: int | None
    around: tuple[UUID, ...]
    is_reached: bool
    what: str
    due_on: date | None = field(default=None, kw_only=True)
    is_due: bool | None = field(default=None, kw_only=True)
    superseded_by: UUID | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a thing, or a row, had at both moments, by figure."""

    before: Mapping[str, Decimal]
    after: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Line:
    """A thing whose figures in one place differ. *thing* is None for a row, the sum of all its things, of
    which one *differs* or none."""

    place: Place
    label: str | None
    second_label: str | None
    figures: Figures
    thing: UUID | None = None
    episode: int | None = None
    differs: bool = True


@dataclass(frozen=True, slots=True)
class Side:
    """What one moment shows of the things of a comparison's lines, and the versions of their streams and of
    those around them; and the report's statistics."""

    moment: Moment
    things: Mapping[UUID, Thing]
    versions: Mapping[UUID, int]
    statistics: Statistics


@dataclass(frozen=True, slots=True)
class Comparison:
    """The *lines* that differ; the *rows* that have one, or other statistics; and the subtotals and *totals*
    per currency, changed or not.
    *labels*: what the statuses are called, by code."""

    lines: tuple[Line, ...]
    rows: tuple[Line, ...]
    totals: tuple[Line, ...]
    before: Side
    after: Side
    labels: Mapping[str, str]


_LABELS: Final = "select s.code, {status_label} as label from status_states s where {known_s}"


def compare(reading: Reading, after: Parameters, since: Since, asking: Asking) -> Comparison:
    """The report that *asking* stands for at the clocks of *after*, against that at *since*.

    Raises ParameterInvalid, also where *since* lies after the other moment by either clock.
    """
    before = since.before(after)
    after.check()
    with _of_the_earlier():
        before.check()

    def work(snapshot: Callable[[Parameters], Snapshot]) -> Comparison:
        now = snapshot(after)
        with _of_the_earlier():
            then = snapshot(before)
        _check_order(then.moment, now.moment, since)
        found = _lines(asking, then, now)
        ids = {each.thing for each in found["line"] if each.thing is not None}
        sides = [(snapshot, _things(asking, snapshot, ids)) for snapshot in (then, now)]
        around = {each for _, things in sides for thing in things.values() for each in thing.around}
        earlier, later = (_side(asking, snapshot, things, around) for snapshot, things in sides)
        was, is_now = earlier.statistics.rows, later.statistics.rows
        # Time alone can make another DSO of the same receivables and sales.
        rows = (
            each for each in found["row"] if each.differs or was.get(each.place) != is_now.get(each.place)
        )
        labels = {each["code"]: each["label"] for each in now.dicts(_LABELS, {})}
        return Comparison(tuple(found["line"]), tuple(rows), tuple(found["total"]), earlier, later, labels)

    return reading.within(work)


@contextmanager
def _of_the_earlier() -> Iterator[None]:
    """What is wrong with the clocks within is wrong with those of the earlier moment."""
    try:
        yield
    except ParameterInvalid as error:
        raise ParameterInvalid(f"since_{error.name}", error.value, error.cure) from None


def _check_order(then: Moment, now: Moment, since: Since) -> None:
    # In this order the earlier moment shows of every stream a beginning of what the later one shows.
    if then.known > now.known:
        raise ParameterInvalid("since_known_at", since.known_at, "it lies after known_at; exchange them")
    if then.at > now.at:
        raise ParameterInvalid("since_as_at", since.as_at, "it lies after as_at; exchange them")


def _lines(asking: Asking, then: Snapshot, now: Snapshot) -> dict[str, list[Line]]:
    before, after = _facts(asking, then, "before"), _facts(asking, now, "after")
    text = comparing(
        asking.group, asking.figures, before[0], after[0],
        with_all=asking.statistics is not no_statistics,
    )  # fmt: skip
    found: dict[str, list[Line]] = {"line": [], "row": [], "total": []}
    with now.connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(text.encode(), {**before[1], **after[1]}, binary=True):
            found[row["level"]].append(_line(asking, row))
    return found


_NAMED: Final = re.compile(r"%\((\w+)\)s")


def _facts(asking: Asking, snapshot: Snapshot, side: str) -> tuple[str, dict[str, object]]:
    """The facts at one moment, with what they refer to under names of its own."""
    bindings, parts = asking.places(snapshot)
    text = snapshot.statement(asking.facts, **parts).as_string(snapshot.connection)
    bound = {f"{side}_{name}": value for name, value in snapshot.bound(bindings).items()}
    return _NAMED.sub(rf"%({side}_\1)s", text), bound


def _line(asking: Asking, row: Mapping[str, Any]) -> Line:
    figures = Figures(
        {figure: Decimal(row[f"{figure}_before"]) for figure in asking.figures.names},
        {figure: Decimal(row[f"{figure}_after"]) for figure in asking.figures.names},
    )
    place = Place(row["key"], row["currency"], row["part"], row.get("second_key"))
    return Line(
        place, row["label"], row.get("second_label"), figures, row["thing"], row["episode"], row["differs"]
    )


def _things(asking: Asking, snapshot: Snapshot, ids: set[UUID]) -> dict[UUID, Thing]:
    bindings, _ = asking.places(snapshot)
    found = snapshot.rows(
        Thing,
        asking.states,
        {**bindings, **asking.reached.bindings, "ids": list(ids)},
        reached=asking.reached.sql(snapshot.moment),
    )
    return {each.id: replace(each, around=tuple(each.around)) for each in found}


def _side(asking: Asking, snapshot: Snapshot, things: Mapping[UUID, Thing], around: set[UUID]) -> Side:
    found = snapshot.dicts(asking.versions, {"ids": list(around)})
    versions = {each["id"]: each["version"] for each in found}
    versions |= {key: each.version for key, each in things.items()}
    return Side(snapshot.moment, things, versions, asking.statistics(snapshot))


_NAMES: Final = """
select d.dispute_id as id, d.reference as name from dispute_states d
where d.until is null and d.dispute_id = any(%(ids)s)
union all
select f.follow_up_id, f.title from follow_up_states f
where f.until is null and f.follow_up_id = any(%(ids)s)
union all
select i.item_id, i.number from item_states i where i.until is null and i.item_id = any(%(ids)s)"""


def names_of(reading: Reading, ids: set[UUID]) -> dict[UUID, str]:
    """What the disputes, actions and items of these ids are called now, as far as they have names."""
    found = reading.at(Parameters(), lambda snapshot: snapshot.dicts(_NAMES, {"ids": list(ids)}))
    return {each["id"]: each["name"] for each in found if each["name"]}
