"""The order in which rows are promised to come."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from projections.parameters import Parameters, Report
from tests.projections.oracle import groups
from tests.projections.oracle.asking import Asking


def misplaced(report: Report[Any], rows: Sequence[Any], of: Asking, asked: Parameters) -> list[str]:
    """Rows, of all pages of *report*, that do not come in the order that is promised."""
    if of.orders:
        place = of.orders[getattr(asked, "sort", None)]
        return _not_sorted("rows", [place(row) for row in rows])
    by = groups.levels(asked.by or of.default)
    if len(by) == 1:
        return _not_largest_first(of, by[0], ((row.key, row) for row in rows))
    named = [_first_level(row) for row in rows]
    above = report.totals[: len({*named})]
    found = _not_largest_first(of, by[0], ((row.key, row) for row in above))
    if [name for name, _ in groupby(named)] != [_first_level(row) for row in above]:
        found.append(f"not in the order of the subtotals: {named}")
    for _, own in groupby(rows, _first_level):
        found += _not_largest_first(of, by[1], ((row.grouped["second_key"], row) for row in own))
    return found


def _first_level(row: Any) -> tuple[str | None, str]:
    return getattr(row, "currency", None), row.key


def _not_largest_first(of: Asking, level: str, rows: Iterable[tuple[str, Any]]) -> list[str]:
    """In each currency, by keys of that *level*; months and ages come as they are."""
    lists: dict[str | None, list[Any]] = {}
    for key, row in rows:
        if level == "month":
            place: Any = key
        elif level == "age":
            place = int(re.findall("[0-9]+", key)[0])
        else:
            assert of.measure is not None
            place = -of.measure(row)
        lists.setdefault(getattr(row, "currency", None), []).append(place)
    return [each for places in lists.values() for each in _not_sorted(level, places)]


def _not_sorted(what: str, places: list[Any]) -> list[str]:
    return [f"in no order of {what}: {places}"] if places != sorted(places) else []
