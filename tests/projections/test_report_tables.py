"""No report reads a table that it is not said to read: rebuilding what it reads would not mend it."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from api.commands.reports import _REPORTS
from api.routes.reports import REPORTS
from projections.parameters import ParameterInvalid
from projections.report_tables import KINDS, READ
from tests.projections.world import World

SOMEBODY = UUID(int=1)
FILTERS: dict[str, Any] = {
    "entity": "E",
    "customer": "c",
    "collector": SOMEBODY,
    "resolver": SOMEBODY,
    "status": "price",
    "attributes": {"sector": "x"},
    "currency": "EUR",
    "period_from": date(2026, 1, 1),
    "as_at": date(2026, 1, 1),
    "known_at": 1,
}
GROUPINGS = (
    *("type", "customer", "resolver", "collector", "entity", "currency", "month", "none", "status"),
    *(
        "kind",
        "outcome",
        "reason",
        "channel",
        "attribute:sector",
        "type,customer",
        "customer,attribute:sector",
    ),
)
ASK = {each.path.rpartition("/")[2]: (each.ask, each.parameters) for each in REPORTS}


def test_every_report_says_which_tables_it_reads() -> None:
    lists = {"items", "episodes"}  # nothing to be made anew by itself
    reports = [name for name in _REPORTS if name not in lists]
    assert list(READ) == reports == list(ASK)


@pytest.mark.parametrize("name", READ)
def test_41_a_report_reads_no_other_tables_than_it_says(world: World, name: str) -> None:
    ask, parameters = ASK[name]
    reading = world.reading()
    away = sorted(set(KINDS) - READ[name])
    for table in away:
        world.run(f"alter table {table} rename to {table}_away")
    try:
        answered = 0
        wanted = [{}, FILTERS, *({one: value} for one, value in FILTERS.items())]
        if name == "dispute-report":
            wanted += [{"state": "opened"}, {"state": "resolved"}]
        for filters, by in itertools.product(wanted, (None, *GROUPINGS)):
            with suppress(ParameterInvalid):  # not every report has every grouping and filter
                ask(reading, replace(parameters(), **filters, by=by))
                answered += 1
    finally:
        for table in away:
            world.run(f"alter table {table}_away rename to {table}")
    assert answered >= len(FILTERS)
