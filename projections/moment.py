"""Two clocks and which rows they show.

Every read-model table holds all states that a stream ever had (store/schema/0003_states.sql). A moment is a
pair: *as at* D, a business moment, and *known at* P, a position of the log. Of each stream it shows the last
row that had occurred by D and was recorded by P. Because occurred-at never goes back inside a stream, what D
and P show of it is a beginning of it, so that row is found by looking at it alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Final, LiteralString

from psycopg.sql import SQL, Composable

from domain.calendar import local_date, start_of_day

_ALIASES: Final[tuple[LiteralString, ...]] = (
    "i", "d", "f", "c", "s", "p", "n", "r", "t", "m",
    "collector", "owner", "resolver", "opener", "manager", "target",
)  # fmt: skip
"""What the reports call the tables: item, dispute, follow-up action, customer, status, person, next, row,
step of the scenario, reminders; the status that gives a target; and people by what they are to the matter."""

_IS_OPEN: Final[Mapping[LiteralString, LiteralString]] = {
    "i": "@.is_open", "f": "@.is_open", "d": "@.state = 'open'", "r": "@.state = 'open'"
}  # fmt: skip
"""Of items, follow-up actions and disputes, in the words of the partial indexes."""

_OVER_LATER: Final[LiteralString] = """
box(point(@.since, date_part('epoch', @.occurred_from - timestamptz '2000-01-01 00:00+00')),
    point(@.until, 1e11))"""
_KNOWN_OVER: Final[LiteralString] = """
box(point(@.until, date_part('epoch', @.occurred_from - timestamptz '2000-01-01 00:00+00')),
    point(1e12, date_part('epoch', @.occurred_until - timestamptz '2000-01-01 00:00+00')))"""
_MOMENT: Final[LiteralString] = """
box(point(%(known)s, date_part('epoch', %(at)s - timestamptz '2000-01-01 00:00+00')))"""
_KNOWN_AT_ALONE: Final[LiteralString] = "box(point(%(known)s, 1e11))"
"""Of a state that is over, the points of both clocks at which it is shown, and a moment's point: in the words
of the indexes in store/schema/0003_states.sql, which says why. Edges are in, and numbers rounded: what they
find is looked at again.

The planner knows nothing of boxes. That one holds a point it takes for one case in a thousand; that it meets
one, which is the same, for five. Looking again would be another choice among few to it, if no ``case`` hid
that. Where it believes that hardly anything was open, it looks up one by one what is sooner found at once."""

_TINY: Final = timedelta(microseconds=1)
"""PostgreSQL knows no smaller time."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a report speaks of.

    *position* is how far the read side was when it was read; *as_at* None means *now*, *known_at* None means
    *position*. *zone* is the company's (IANA).
    """

    position: int
    now: datetime
    zone: str
    as_at: datetime | None = None
    known_at: int | None = None

    @property
    def at(self) -> datetime:
        """The business moment: as at, or now."""
        return self.as_at or self.now

    @property
    def known(self) -> int:
        """The position up to which the log counts: known at, or all that was read."""
        return self.position if self.known_at is None else self.known_at

    @property
    def today(self) -> date:
        """The company's date at the business moment."""
        return local_date(self.at, self.zone)

    @property
    def is_now(self) -> bool:
        """Whether both clocks show the present, so that only live rows count."""
        return self.as_at is None and self.known_at is None

    def bindings(self) -> dict[str, object]:
        """What the conditions of `conditions` and the reports' SQL refer to."""
        return {"at": self.at, "known": self.known, "today": self.today, "zone": self.zone}

    def conditions(self) -> Mapping[str, Composable]:
        """For each alias X of a table the SQL of three conditions on its rows:

        ``seen_X``     the state that both clocks show (items, disputes, follow-up actions)
        ``so_far_X``   any state up to there
        ``known_X``    the state that known-at alone shows (catalogue, people, customers: spec §1)
        ``open_X``     the state that both clocks show, where that is open: for finding all that is, while
                       seen_X is for looking a thing up (items i, disputes d or r, follow-up actions f)
        """
        return _Clocks(self.as_at is not None, self.known_at is not None).conditions()


@dataclass(frozen=True, slots=True)
class _Clocks:
    """Which of the clocks is turned back: all that the text of a condition depends on."""

    as_at: bool
    known_at: bool

    @cache  # noqa: B019 - there are four of them
    def conditions(self) -> Mapping[str, Composable]:
        shapes = {"seen": self._seen(), "so_far": self._so_far(), "known": self._known()}
        placed = [(f"{name}_{alias}", alias, text) for alias in _ALIASES for name, text in shapes.items()]
        placed += [(f"open_{alias}", alias, self._open(words)) for alias, words in _IS_OPEN.items()]
        texts = {place: SQL(text.replace("@.", f"{alias}.")) for place, alias, text in placed}
        return MappingProxyType(texts)

    @property
    def _are_now(self) -> bool:
        return not (self.as_at or self.known_at)

    def _seen(self) -> LiteralString:
        if self._are_now:
            return "@.until is null"  # the partial indexes say it in the same words
        if not self.as_at:
            return self._known()
        return (
            "(@.since <= %(known)s and @.occurred_from <= %(at)s"
            " and (@.until is null or @.until > %(known)s or @.occurred_until > %(at)s))"
        )

    def _open(self, is_open: LiteralString) -> LiteralString:
        if self._are_now:
            return "@.is_open_now"
        over: LiteralString = f"{is_open} and @.until is not null"
        arms: list[LiteralString] = [f"@.is_open_now and {self._so_far()}"]
        if not self.as_at:
            arms.append(f"{over} and {_OVER_LATER} && {_KNOWN_AT_ALONE}")
        else:
            arms += [f"{over} and {box} && {_MOMENT}" for box in (_OVER_LATER, _KNOWN_OVER)]
        found: LiteralString = " or ".join(arms)
        return f"(case when {self._seen()} then true else false end and ({found}))"

    def _so_far(self) -> LiteralString:
        if self._are_now:
            return "true"
        if not self.as_at:
            return "@.since <= %(known)s"
        return "(@.since <= %(known)s and @.occurred_from <= %(at)s)"

    def _known(self) -> LiteralString:
        if not self.known_at:
            return "@.until is null"
        return "(@.since <= %(known)s and (@.until is null or @.until > %(known)s))"


def business_moment(as_at: date | datetime | None, zone: str) -> datetime | None:
    """The moment that *as_at* means: itself, or the end of that day in the IANA *zone*."""
    if as_at is None or isinstance(as_at, datetime):
        return as_at
    return start_of_day(as_at + timedelta(days=1), zone) - _TINY


def bounds(first: date | None, last: date | None, zone: str) -> tuple[datetime | None, datetime | None]:
    """From the first moment of *first* until before the returned second moment, the end of *last*."""
    return (
        start_of_day(first, zone) if first else None,
        start_of_day(last + timedelta(days=1), zone) if last else None,
    )
