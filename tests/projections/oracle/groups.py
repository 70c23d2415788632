"""What things are grouped by, one or two levels of it, and the rows and sums that this makes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Final, TypeAlias, TypeVar

from tests.projections.oracle.answer import Answer, Row
from tests.projections.oracle.buckets import bucket
from tests.projections.oracle.disputes import Episode
from tests.projections.oracle.items import Item
from tests.projections.oracle.view import View

Group: TypeAlias = tuple[str | None, str | None]
"""Key and label."""
Groups: TypeAlias = tuple[Group, ...]
"""One for each level; of a subtotal the first alone, of a total none."""
Fact = TypeVar("Fact")
Sums: TypeAlias = list[dict[tuple[Groups, str], list[Fact]]]
"""By groups and currency: what rows are made of, last; before that what sums are, the totals first."""

TOTAL: Final[Group] = ("total", "total")
_ATTRIBUTE: Final = "attribute:"


def levels(by: str) -> list[str]:
    """A comma stands between two; within an attribute's name it is written twice."""
    return [each.replace(",,", ",") for each in re.split("(?<!,),(?!,)", by)]


# --- rows and sums ---------------------------------------------------------------------------------


def summed(facts: Iterable[tuple[Groups, str, Fact]], depth: int) -> Sums[Fact]:
    """Facts in groups of *depth* levels: each is in one row, one subtotal if there are two, and one total."""
    found: Sums[Fact] = [defaultdict(list) for _ in range(depth + 1)]
    for groups, currency, fact in facts:
        for length in range(depth + 1):
            found[length][groups[:length], currency].append(fact)
    return found


def answer(found: Sums[Fact], make: Callable[[Groups, str, list[Fact]], Row]) -> Answer:
    """Rows by *make*, which is given their groups, and sums, with what they are called."""
    depth = len(found) - 1
    *sums, rows = [
        [
            {**heading(groups, depth), **make(groups, currency, own)}
            for (groups, currency), own in each.items()
        ]
        for each in found
    ]
    return Answer(rows, [sum_ for each in sums for sum_ in each])


def heading(groups: Groups, depth: int) -> Row:
    """What the row, or the sum, of these *groups* is called."""
    (key, label), *second = [*groups, *[TOTAL] * (depth - len(groups))]
    grouped = {"second_key": second[0][0], "second_label": second[0][1]} if second else {}
    return {"key": key, "label": label, "grouped": grouped}


# --- what things are grouped by --------------------------------------------------------------------


def person(view: View, of: str | None) -> Group:
    known = view.masters.people.get(of) if of else None
    return (known.code, known.name) if known else (of, None)


def of_item(view: View, item: Item, by: Sequence[str]) -> Groups:
    """The groups of an item in the reports on items."""
    return tuple(_of_item(view, item, each) for each in by)


def _of_item(view: View, item: Item, by: str) -> Group:
    match by:
        case "customer":
            return item.customer, view.masters.customer_name(item.customer_id)
        case "collector":
            return person(view, view.masters.collector_of(item.customer_id))
        case "resolver":
            return person(view, view.resolver_of(item))
        case "entity":
            return _plain(item.entity)
        case "status":
            return item.status, view.masters.label(item.status)
        case "currency":
            return _plain(item.currency)
        case "month":
            return _plain(item.issued.strftime("%Y-%m"))
        case _:
            pass
    return _attribute(by, item.details["attributes"]) if by != "none" else TOTAL


def of_part(view: View, episode: Episode, item: Item, by: Sequence[str], day: date) -> Groups:
    """The groups of an item of an episode, as they are or, once that is over, were at its end; *day*: on
    which the episode counts."""
    return tuple(_of_part(view, episode, item, each, day) for each in by)


def _of_part(view: View, episode: Episode, item: Item, by: str, day: date) -> Group:
    match by:
        case "entity":
            return _plain(item.entity)
        case "month":
            return _plain(day.strftime("%Y-%m"))
        case "age":
            ends = list(view.masters.settings["ageing_buckets"])
            return _plain(bucket(ends, 0, (view.today - day).days))
        case _ if by.startswith(_ATTRIBUTE):
            return _attribute(by, view.attributes_then(episode, item.id))
        case _:
            return _of_episode(view, episode, by)


def _of_episode(view: View, episode: Episode, by: str) -> Group:
    of = episode.dispute
    match by:
        case "type":
            return episode.type, view.masters.label(episode.type)
        case "customer":
            return of.customer, view.masters.customer_name(of.customer_id)
        case "collector":
            return person(view, view.masters.collector_of(of.customer_id))
        case "resolver":
            return person(view, episode.resolver)
        case "currency":
            return _plain(of.currency)
        case _:
            assert by == "none"
            return TOTAL


def _attribute(by: str, attributes: dict[str, str]) -> Group:
    assert by.startswith(_ATTRIBUTE)
    return _plain(attributes.get(by.removeprefix(_ATTRIBUTE)))


def _plain(key: str | None) -> Group:
    return key, key
