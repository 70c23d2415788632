"""Keys and labels of groups."""

from __future__ import annotations

from typing import Final, TypeAlias

from tests.projections.oracle.disputes import Episode
from tests.projections.oracle.facts import Data
from tests.projections.oracle.items import Item
from tests.projections.oracle.view import View

Group: TypeAlias = tuple[str | None, str | None]
"""Key and label."""

TOTAL: Final[Group] = ("total", "total")
ATTRIBUTE: Final = "attribute:"


def person(view: View, of: str | None) -> Group:
    known = view.masters.people.get(of) if of else None
    return (known.code, known.name) if known else (of, None)


def of_item(view: View, item: Item, by: str) -> Group:
    """The group of an item in the reports on items."""
    match by:
        case "customer":
            return item.customer, view.masters.customer_name(item.customer_id)
        case "collector":
            return person(view, view.masters.collector_of(item.customer_id))
        case "resolver":
            return person(view, view.resolver_of(item))
        case "status":
            return item.status, view.masters.label(item.status)
        case "month":
            return _plain(item.issued.strftime("%Y-%m"))
        case "none":
            return TOTAL
        case _:
            pass
    return of_part(item, by) if by == "entity" or by.startswith(ATTRIBUTE) else _plain(item.currency)


def of_part(item: Item, by: str, attributes: Data | None = None) -> Group:
    """The group of an item by what splits disputes: entity or an attribute, as they are or were then."""
    if by == "entity":
        return _plain(item.entity)
    own = item.details["attributes"] if attributes is None else attributes
    return _plain(own.get(by.removeprefix(ATTRIBUTE)))


def of_episode(view: View, episode: Episode, by: str) -> Group:
    """The group of an episode, but for those by entity, attribute, month and age."""
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
            pass
    return TOTAL


def _plain(key: str | None) -> Group:
    return key, key
