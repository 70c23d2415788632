"""Two groupings at random moments of random histories (spec §8), against a fold in plain Python: what each
row, subtotal and total comes to is found from all that is in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import permutations
from random import Random
from statistics import fmean, median
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import pytest

from projections.aged_balance import aged_balance
from projections.dispute_report import DisputeReportParameters, dispute_report
from projections.item_statuses import item_statuses
from projections.parameters import Parameters
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from store.connections import Pool, open_pool
from tests.projections.histories import BEGINNING
from tests.projections.straight import StateRow, fold
from tests.projections.test_past import LATER, fed, reading, visible
from tests.projections.test_resolution_fold import busy

Keys: TypeAlias = tuple[str | None, ...]
Facts: TypeAlias = Sequence[tuple[StateRow, StateRow]]
"""Disputes, or episodes of them, with their items; an item by itself is given twice."""


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=6) as pool:
        yield pool


class Straight:
    """What a history leaves, as the rows of states that it makes, looked at one by one."""

    def __init__(self, rows: Mapping[str, Sequence[StateRow]]) -> None:
        self._rows = rows
        live = {table: [row for row in found if row["until"] is None] for table, found in rows.items()}
        self.items: Facts = [(row, row) for row in live["item_states"] if row["is_open"]]
        of_dispute = {row["dispute_id"]: row for row in live["dispute_states"] if row["state"] == "open"}
        self.open: Facts = [
            (of_dispute[item["dispute_id"]], item)
            for item, _ in self.items
            if item["dispute_id"] in of_dispute
        ]
        self._customers = {row["customer_id"]: row for row in live["customer_states"]}
        self._people = {row["person_id"]: row["code"] for row in live["person_states"]}
        self._zone = ZoneInfo(live["settings_states"][0]["zone"])

    def resolved(self) -> Facts:
        """Episodes that are resolved and stay so, with each item as it was then."""
        disputes: dict[Any, list[StateRow]] = defaultdict(list)
        for row in self._rows["dispute_states"]:
            disputes[row["dispute_id"]].append(row)
        return [
            ({**row, "moment": row["occurred_from"]}, self._then(part, row))
            for rows in disputes.values()
            if rows[-1]["state"] != "cancelled"
            for number, row in enumerate(rows)
            if row["ends_episode"] and row["state"] == "resolved"
            if all(after["episode"] != row["episode"] or after["state"] != "open" for after in rows[number:])
            for part in row["opening"]
        ]

    def _then(self, part: Mapping[str, str], dispute: StateRow) -> StateRow:
        states = [
            row
            for row in self._rows["item_states"]
            if str(row["item_id"]) == part["item_id"]
            and row["since"] <= dispute["since"]
            and row["occurred_from"] <= dispute["occurred_from"]
        ]
        return {**states[-1], "entity": part["entity"], "currency": dispute["currency"]}

    def key(self, level: str, of: StateRow, item: StateRow) -> str | None:
        """What *of*, and *item* of it, are grouped under."""
        if level == "month":
            at = of.get("moment") or of.get("episode_opened_at")
            return f"{at.astimezone(self._zone) if at else of['issue_date']:%Y-%m}"
        found: Mapping[str, Callable[[], Any]] = {
            "type": lambda: of["type"],
            "status": lambda: item["status"],
            "customer": lambda: of["customer_code"],
            "entity": lambda: item["entity"],
            "currency": lambda: item["currency"],
            "resolver": lambda: self._people.get(of["resolver_id"]),
            "collector": lambda: self._people.get(self._customers[of["customer_id"]]["collector_id"]),
            "attribute:sector": lambda: item["attributes"].get("sector"),
        }
        value = found[level]()
        assert value is None or isinstance(value, str)
        return value

    def groups(self, levels: Sequence[str], facts: Facts) -> Mapping[Keys, Facts]:
        """The facts of each row, of each subtotal (one key) and of the total (none)."""
        found: dict[Keys, list[tuple[StateRow, StateRow]]] = defaultdict(list)
        for of, item in facts:
            keys = tuple(self.key(level, of, item) for level in levels)
            for length in range(len(levels) + 1):
                found[keys[:length]].append((of, item))
        return found


def by_currency(groups: Mapping[Keys, Facts]) -> dict[tuple[Keys, str], Facts]:
    split: dict[tuple[Keys, str], list[tuple[StateRow, StateRow]]] = defaultdict(list)
    for keys, facts in groups.items():
        for of, item in facts:
            split[keys, item["currency"]].append((of, item))
    return dict(split)


def group(row: Any) -> Keys:
    """The keys of a row, of which a subtotal has one and a total none; nothing here is called ``total``."""
    keys = (row.key, row.grouped["second_key"])
    return tuple(key for key in keys if key != "total")


def total(values: Iterable[Any]) -> Decimal:
    return sum(values, Decimal(0))


def everything(report: Any) -> list[Any]:
    rows = [*report.rows, *report.totals]
    assert [group(row) for row in rows if len(group(row)) == 2] == [group(row) for row in report.rows]
    first = list(dict.fromkeys((getattr(row, "currency", None), row.key) for row in report.rows))
    subtotals = [row for row in report.totals if len(group(row)) == 1]
    assert first == [(getattr(row, "currency", None), row.key) for row in subtotals]
    return rows


ITEMS: Final = ("customer", "status", "collector", "month", "attribute:sector", "entity")
DISPUTES: Final = ("type", "customer", "resolver", "collector", "month", "attribute:sector", "currency")


def pairs(names: Sequence[str], chance: Random) -> list[tuple[str, str]]:
    """Some of all pairs, and one in which a dispute can be in several groups."""
    return [("attribute:sector", names[0]), *chance.sample([*permutations(names, 2)], 5)]


@pytest.mark.parametrize("seed", range(4))
def test_33_to_36_rows_subtotals_and_totals_at_any_past_equal_those_of_a_fold(pool: Pool, seed: int) -> None:
    made = busy(seed)
    log, chance = fed(pool, made.decisions), Random(seed)
    split = 0
    for turn in range(3):
        at: datetime | None = BEGINNING + timedelta(days=20 + chance.randrange(20)) if turn else None
        known = log.end_of_decision_at(chance.randrange(made.events // 2, made.events + 1))
        clocks: dict[str, Any] = {"as_at": at, "known_at": known}
        straight, ask = Straight(fold(visible(made.decisions, at, known))), reading(log, LATER)
        for levels in pairs(ITEMS, chance):
            asked = Parameters(by=",".join(levels), **clocks)
            of_items = by_currency(straight.groups(levels, straight.items))
            aged = everything(aged_balance(ask, asked))
            assert {(group(row), row.currency): (row.total, row.disputed) for row in aged} == {
                key: (
                    total(each["balance"] for each, _ in facts),
                    total(each["disputed"] or 0 for each, _ in facts),
                )
                for key, facts in of_items.items()
            }
            said = everything(item_statuses(ask, asked))
            assert {(group(row), row.currency): (row.items, row.amount) for row in said} == {
                key: (len(facts), total(each["balance"] for each, _ in facts))
                for key, facts in of_items.items()
            }
        for levels in pairs(DISPUTES, chance):
            asked = DisputeReportParameters(by=",".join(levels), **clocks)
            counted = everything(dispute_report(ask, asked))
            assert {(group(row), row.currency): (row.disputes, row.items, row.amount) for row in counted} == {
                key: (
                    len({of["dispute_id"] for of, _ in facts}),
                    len(facts),
                    total(item["disputed"] for _, item in facts),
                )
                for key, facts in by_currency(straight.groups(levels, straight.open)).items()
            }
            times = everything(resolution_time(ask, ResolutionTimeParameters(by=asked.by, **clocks)))
            closed = straight.groups(levels, straight.resolved())
            assert {
                group(row): (row.count, row.mean_days, row.median_days) for row in times if row.count
            } == {keys: figures(facts) for keys, facts in closed.items()}
            in_rows, in_all = (sum(row.opened for row in times if len(group(row)) == n) for n in (2, 0))
            split += in_rows > in_all
    assert split  # or no dispute was in several groups


def figures(facts: Facts) -> tuple[int, object, object]:
    """How many episodes, and the mean and median of their days."""
    days = {
        (of["dispute_id"], of["episode"]): max(
            (of["moment"] - of["episode_opened_at"]).total_seconds() / 86_400, 0
        )
        for of, _ in facts
    }
    several = [*days.values()]
    return len(several), near(fmean(several)), near(median(several))


def near(expected: float) -> object:
    return pytest.approx(expected, abs=1e-9)
