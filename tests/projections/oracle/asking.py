"""How a report is asked at a pair of clocks: with filters and groupings by chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.identity import person_id
from projections.dispute_report import Counted
from projections.parameters import Parameters, Report
from projections.reading import Reading
from tests.projections.oracle.answer import Answer
from tests.projections.oracle.facts import Fact
from tests.projections.oracle.made_up import BRANCH, PEOPLE, SECTORS, TYPES, ZONES
from tests.projections.oracle.view import BOSS, View

_DAY: Final = timedelta(days=1)
FILTERS: Final = (
    "entity",
    "customer",
    "collector",
    "resolver",
    "status",
    "attributes",
    "currency",
    "period",
)
Options: TypeAlias = Callable[[Random, View], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Asking:
    """One report: how it is asked, and who knows better.

    Of a report with groupings: all of them, which comes if nothing is said, and by what rows are the largest.
    Of a list: its orders by name, the usual one by None.
    """

    report: Callable[[Reading, Any], Report[Any]]
    oracle: Callable[[View, Any], Answer]
    parameters: type[Parameters]
    identity: Sequence[str] = ("key", "grouped", "currency")
    filters: Sequence[str] = FILTERS
    options: Options = lambda _, __: {}
    by: Sequence[str] = ()
    default: str = ""
    measure: Callable[[Any], Any] | None = None
    orders: Mapping[str | None, Callable[[Any], Any]] = field(default_factory=dict)
    is_for_all: bool = True
    """Whether all of these roles may ask it."""


def question(
    of: Asking,
    chance: Random,
    view: View,
    as_at: date | datetime | None,
    known_at: int | datetime | None,
) -> Parameters:
    """Parameters by chance; half of the questions have filters."""
    given: dict[str, Any] = {"as_at": as_at, "known_at": known_at, **of.options(chance, view)}
    if "person" in given and view.asker is not BOSS:
        given["person"] = None
    if of.by:
        given["by"] = _grouping(of, chance, given.get("state"))
    if chance.random() < 0.5:
        for each in chance.sample(of.filters, chance.choice((1, 1, 2))):
            given |= _filter(each, chance, view)
    return of.parameters(**given)


def _grouping(of: Asking, chance: Random, state: object) -> str | None:
    """None for the usual one; one, or two of them. Open disputes come by age, too."""
    found = chance.sample(of.by, chance.choice((0, 1, 1, 2, 2)))
    if state is Counted.OPEN and chance.random() < 0.4:
        found[:1] = ["age"]
        chance.shuffle(found)
    return ",".join(found) or None


def _filter(name: str, chance: Random, view: View) -> Mapping[str, object]:
    match name:
        case "entity":
            return {"entity": chance.choice(("main", "north"))}
        case "customer":
            return {"customer": f"C{chance.randrange(3)}"}
        case "collector" | "resolver":
            return {name: person_id(chance.choice(PEOPLE))}
        case "status":
            others = ("promise_to_pay", "dispute_resolved", "litigation", "ongoing")
            return {"status": chance.choice((*TYPES, *others))}
        case "attributes":
            sector, branch = {"sector": chance.choice(SECTORS)}, {BRANCH: "x"}
            return {"attributes": chance.choice((sector, sector, branch, sector | branch))}
        case "currency":
            return {"currency": chance.choice(("EUR", "EUR", "USD"))}
        case _:
            pass
    first = view.today - chance.randrange(60) * _DAY
    last = first + chance.randrange(40) * _DAY
    return chance.choice(
        ({"period_from": first}, {"period_to": last}, {"period_from": first, "period_to": last})
    )


def any_of(chance: Random, ids: Iterable[str]) -> UUID | None:
    """One of *ids*; None if there are none."""
    found = sorted(ids)
    return UUID(chance.choice(found)) if found else None


def clocks(chance: Random, facts: Sequence[Fact]) -> tuple[date | datetime | None, int | datetime | None]:
    """A business moment and what is known: any, and those where something turns."""
    fact = chance.choice(facts)
    day = fact.occurred_at.date() + chance.randrange(-1, 4) * _DAY
    midnight = datetime.combine(day, time(), ZoneInfo(chance.choice(ZONES))).astimezone(UTC)
    tick = timedelta(microseconds=1)
    business = (
        None,
        day,
        fact.occurred_at,
        fact.occurred_at - tick,
        midnight,
        midnight - tick,
        fact.occurred_at + chance.randrange(9_000) * timedelta(minutes=1),
    )
    told = chance.choice(facts[len(facts) // 4 :] if chance.random() < 0.8 else facts)
    known = (
        None,
        None,
        told.position,
        told.position,
        told.decision_end,
        told.decision_end - 1,
        told.recorded_at,
        told.recorded_at - tick,
    )
    return chance.choice(business), chance.choice(known)
