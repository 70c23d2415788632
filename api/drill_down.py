"""From a row of a report to the list of what it counts: the same filters, and both clocks as understood."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode

from projections.parameters import ATTRIBUTE

Record: TypeAlias = Mapping[str, Any]
Query: TypeAlias = dict[str, Any]
DrillDown: TypeAlias = Callable[[Record, Record], str | None]
"""The address for a row, given what the report was asked; None if no list shows just that."""

_FILTERS: Final = ("entity", "customer", "collector", "resolver", "status", "currency")
_PERIOD: Final = ("period_from", "period_to")
_OF_ITEM_PARTS: Final = ("entity", "currency")
TOTAL: Final = "total"


class _NoListError(Exception):
    """No list shows just this group."""


def to_items(asked: Record, row: Record) -> str | None:
    """The open items of a row of the aged balance, the item statuses or the receivables figures."""
    return _grouped("/v1/items", {}, _ITEM_LEVELS, asked, row)


def to_disputes(asked: Record, row: Record) -> str | None:
    """The disputes that a row of the dispute report counts."""
    counted = str(asked.get("state", "open"))
    chosen = {"state": "open"} if counted == "open" else {"counted": counted}
    levels = _RESOLVED_LEVELS if counted == "resolved" else _DISPUTE_LEVELS
    return _grouped("/v1/disputes", chosen, levels, asked, row)


def to_episodes(asked: Record, row: Record) -> str | None:
    """The episodes resolved in the period, of a row of the resolution time."""
    chosen = {"counted": "resolved"}
    if asked.get("first_episodes_only"):
        chosen["first_episodes_only"] = "true"
    return _grouped("/v1/episodes", chosen, _DISPUTE_LEVELS, asked, row)


def to_work(asked: Record, row: Record) -> str | None:
    """The open items of one thing to do; there is no list of those that take part in the scenario."""
    if row["step"] is not None:
        return None
    if row["follow_up_id"] is not None:
        about = {"follow_up": row["follow_up_id"]}
    elif row["dispute_id"] is not None:
        about = {"dispute": row["dispute_id"]}
    else:
        about = {"customer": row["customer_code"]}
    kept = {name: asked[name] for name in _OF_ITEM_PARTS if name in asked}
    return _address("/v1/items", {**kept, **about, "attribute": _attributes(asked)}, asked)


def _grouped(
    path: str,
    chosen: Query,
    levels: Mapping[str, Callable[[Query, str | None], None]],
    asked: Record,
    row: Record,
) -> str | None:
    query: Query = {name: asked[name] for name in (*_FILTERS, *_PERIOD) if name in asked}
    query |= {**chosen, "attribute": _attributes(asked)}
    if row.get("currency") is not None:
        query["currency"] = row["currency"]
    try:
        for name, key in zip(_names(asked), _keys(row), strict=False):
            if key == TOTAL:
                continue
            if name.startswith(ATTRIBUTE):
                _by_attribute(query, name.removeprefix(ATTRIBUTE), key)
            else:
                levels[name](query, key)
    except (_NoListError, KeyError):
        return None
    return _address(path, query, asked)


def _names(asked: Record) -> Sequence[str]:
    return [each.replace("\0", ",") for each in str(asked["by"]).replace(",,", "\0").split(",")]


def _keys(row: Record) -> Sequence[str | None]:
    return [row[name] for name in ("key", "second_key") if name in row]


def _attributes(asked: Record) -> list[str]:
    return [f"{name}={value}" for name, value in asked.get("attributes", {}).items()]


def _address(path: str, query: Query, asked: Record) -> str:
    clocks = {"as_at": asked["as_at"].isoformat(), "known_at": asked["known_at"]}
    return f"{path}?{urlencode({**query, **clocks}, doseq=True)}"


# --- what a key of each grouping asks the list -------------------------------------------------------


def _as(name: str) -> Callable[[Query, str | None], None]:
    def ask(query: Query, key: str | None) -> None:
        if key is None:
            raise _NoListError
        query[name] = key

    return ask


def _or_without(name: str, without: str) -> Callable[[Query, str | None], None]:
    def ask(query: Query, key: str | None) -> None:
        if key is None:
            query[without] = "false"
        else:
            query[name] = key

    return ask


def _month(query: Query, key: str | None) -> None:
    if key is None:
        raise _NoListError
    year, month = map(int, key.split("-"))
    first, last = date(year, month, 1), date(year, month, monthrange(year, month)[1])
    query["period_from"] = max(first, query.get("period_from", first))
    query["period_to"] = min(last, query.get("period_to", last))


def _by_attribute(query: Query, name: str, key: str | None) -> None:
    if key is None or "=" in name:  # a filter's name ends at its first =
        raise _NoListError
    query["attribute"] = [*query["attribute"], f"{name}={key}"]


def _resolver_of_items(query: Query, key: str | None) -> None:
    # Who is asked for may be resolver of an action, and the group that of the dispute: there is one filter.
    if key is None or "resolver" in query:
        raise _NoListError
    query["resolver"] = key


def _nothing(_: Query, __: str | None) -> None:
    """The one group of all."""


_LEVELS: Final[Mapping[str, Callable[[Query, str | None], None]]] = {
    "customer": _as("customer"),
    "collector": _or_without("collector", "has_collector"),
    "entity": _as("entity"),
    "currency": _as("currency"),
    "month": _month,
    "none": _nothing,
}
_ITEM_LEVELS: Final = {
    **_LEVELS,
    "resolver": _resolver_of_items,
    "status": _or_without("status", "has_status"),
}
_DISPUTE_LEVELS: Final = {
    **_LEVELS,
    "resolver": _or_without("resolver", "is_assigned"),
    "type": _as("status"),
    "age": _as("age"),
}
# Each counts at its last resolution in the whole period: not every one that was resolved in the month.
_RESOLVED_LEVELS: Final = {**_DISPUTE_LEVELS, "month": _as("counted_month")}
