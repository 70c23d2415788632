"""What changed between two moments of a report: the contributions of a row add up to its difference, and the
figures at both moments are those of the report itself, over random histories."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final, TypeAlias

import pytest

from domain.identity import person_id
from projections.aged_balance import aged_balance
from projections.agenda import AgendaParameters, agenda
from projections.comparison import Since
from projections.dispute_months import dispute_months
from projections.dispute_report import Counted, DisputeReportParameters, dispute_report
from projections.item_statuses import item_statuses
from projections.parameters import Parameters, Report
from projections.receivables import ReceivablesParameters, receivables
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from projections.resolver_days import resolver_days
from replay.change_kinds import Kind
from replay.changed_rows import ChangedRow, WhatChanged
from replay.what_changed import what_changed
from store.connections import Pool, open_pool
from tests.projections.histories import BEGINNING, picks
from tests.projections.test_past import LATER, fed, reading, told_late

Place: TypeAlias = tuple[str | None, str | None, str | None, str | None]
"""Key, second key, currency and bucket."""
Figures: TypeAlias = Mapping[str, Decimal]
Shown: TypeAlias = Callable[[Sequence[Any]], dict[Place, Figures]]
"""The figures of rows, or of totals, by place."""
NOTHING: Final = Decimal(0)


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=4) as pool:
        yield pool


def _place(row: Any, bucket: str | None = None) -> Place:
    return row.key, row.grouped.get("second_key"), getattr(row, "currency", None), bucket


def _plain(*figures: str) -> Shown:
    return lambda rows: {
        _place(row): {name: Decimal(str(getattr(row, name))) for name in figures} for row in rows
    }


def _aged(rows: Sequence[Any]) -> dict[Place, Figures]:
    """By bucket; what is disputed stands in the report for all buckets of a row together."""
    return {
        _place(row, bucket): {"balance": balance}
        for row in rows
        for bucket, balance in row.buckets.items()
        if balance
    }


def _aged_in_all(rows: Sequence[Any]) -> dict[Place, Figures]:
    return {_place(row): {"balance": row.total, "disputed": row.disputed} for row in rows}


def _times(rows: Sequence[Any]) -> dict[Place, Figures]:
    return {
        _place(row): {
            "count": Decimal(row.count),
            "days": Decimal(str((row.mean_days or 0) * row.count)),
            **{name: Decimal(getattr(row, name)) for name in ("opened", "still_open", "escalated")},
        }
        for row in rows
    }


STATISTICS: Final[Mapping[str, Sequence[str]]] = {
    "resolution-time": (
        "mean_days", "median_days", "p90_days", "within_target", "km_median_days", "km_p90_days"
    ),
    "resolver-days": ("mean_days",),
    "receivables": (
        "dso", "simple_dso", "best_possible_dso", "dispute_dso", "days_deduction_outstanding",
        "days_deduction_outstanding_by_number",
    ),
}  # fmt: skip


PEOPLE: Final = {person_id(f"P{number}"): f"P{number}" for number in range(3)}


def _todo(rows: Sequence[Any]) -> dict[Place, Figures]:
    """By person and kind of line."""
    lines = Counter((row.person_id and PEOPLE[row.person_id], row.kind) for row in rows)
    overdue = Counter((row.person_id and PEOPLE[row.person_id], row.kind) for row in rows if row.days_overdue)
    return {
        (person, None, None, kind): {"overdue": Decimal(overdue[person, kind]), "lines": Decimal(number)}
        for (person, kind), number in lines.items()
    }


_COUNTED: Final = _plain("disputes", "amount")
_ALL: Final = _plain("disputes", "items", "amount")
_HAPPENED: Final = _plain(
    "opened", "reopened", "resolved", "amount_opened", "amount_reopened", "amount_resolved"
)

_AMOUNTS: Final = ("receivables", "not_due", "disputed", "disputes", "disputed_opened", "disputes_opened")


def _receivables(rows: Sequence[Any]) -> dict[Place, Figures]:
    """Without sales, which the report shows of all months together."""
    shown = _plain(*_AMOUNTS)(rows)
    return {place: figures for place, figures in shown.items() if any(figures.values())}


ASKED: Final[
    Sequence[tuple[str, Callable[..., Report[Any]], Parameters, Shown]]
] = (
    *(
        ("dispute-report", dispute_report, DisputeReportParameters(by=by), _ALL)
        for by in (
            "type", "resolver", "customer", "collector", "month", "age", "attribute:sector",
            "type,customer", "attribute:sector,resolver",
        )
    ),
    *(
        ("dispute-report", dispute_report, DisputeReportParameters(state=state, by=by), _COUNTED)
        for state in (Counted.OPENED, Counted.RESOLVED)
        for by in ("type", "month", "attribute:sector", "attribute:sector,type")
    ),
    (
        "dispute-report", dispute_report, DisputeReportParameters(status="price", customer="C1"),
        _ALL,
    ),
    ("dispute-report", dispute_report, DisputeReportParameters(resolver=person_id("P1")), _COUNTED),
    *(
        ("item-statuses", item_statuses, Parameters(by=by), _plain("items", "amount", "overdue"))
        for by in ("status", "customer", "resolver", "collector,attribute:sector")
    ),
    *(
        ("aged-balance", aged_balance, Parameters(by=by), _aged)
        for by in ("customer", "collector", "status", "status,customer")
    ),
    *(
        ("resolution-time", resolution_time, ResolutionTimeParameters(by=by), _times)
        for by in (
            "type", "resolver", "month", "attribute:sector", "none", "type,month",
            "resolver,attribute:sector",
        )
    ),
    (
        "resolution-time", resolution_time,
        ResolutionTimeParameters(
            period_from=BEGINNING.date() + timedelta(days=5), period_to=BEGINNING.date() + timedelta(days=20)
        ),
        _times,
    ),
    *(
        ("dispute-months", dispute_months, Parameters(by=by), _HAPPENED)
        for by in ("month", "type", "attribute:sector", "none", "attribute:sector,month", "resolver,type")
    ),
    (
        "dispute-months", dispute_months,
        Parameters(
            period_from=BEGINNING.date() + timedelta(days=5), period_to=BEGINNING.date() + timedelta(days=20)
        ),
        _HAPPENED,
    ),
    *(
        ("resolver-days", resolver_days, ResolutionTimeParameters(by=by), _plain("episodes", "days"))
        for by in ("resolver", "type", "attribute:sector", "none", "month,resolver",
                   "attribute:sector,resolver", "resolver,attribute:sector", "attribute:sector,type")
    ),
    ("resolver-days", resolver_days, ResolutionTimeParameters(resolver=person_id("P1")), _plain("episodes")),
    *(
        (
            "receivables", receivables, ReceivablesParameters(by=by, days=20, sales_days=sales_days),
            _receivables,
        )
        for by, sales_days in (
            ("none", 30), ("customer", 365), ("entity", 5), ("attribute:sector,customer", 10),
        )
    ),
    ("receivables", receivables, ReceivablesParameters(customer="C1"), _receivables),
    ("agenda", agenda, AgendaParameters(days_ahead=5), _todo),
    ("agenda", agenda, AgendaParameters(until=BEGINNING.date() + timedelta(days=366)), _todo),
    ("agenda", agenda, AgendaParameters(person=person_id("P1"), customer="C1"), _todo),
)  # fmt: skip


_IN_ALL: Final[Mapping[str, Shown]] = {
    "aged-balance": _aged_in_all,
    "agenda": lambda _: {},
    "receivables": _plain(*_AMOUNTS, "sales"),
}
"""The figures of totals, where they are not those of rows; the agenda has none."""


def pairs(events: int, chance: Random) -> Iterator[tuple[Since, datetime | None, int | None]]:
    """Two moments each: both clocks differ, or one of them does; or the later one is now."""

    def moment(first: int) -> datetime:
        return BEGINNING + timedelta(minutes=chance.randrange(first, 60 * 24 * 38))

    for _ in range(2):
        early, late = sorted((moment(0), moment(0)))
        few, many = sorted((chance.randrange(events + 1), chance.randrange(events + 1)))
        yield Since(early, few), late, many
        yield Since(early, None), late, None
        yield Since(None, few), late, None
        yield Since(early, few), None, None


def moved(found: WhatChanged, row: ChangedRow) -> Figures:
    """What the contributions of *row* add up to."""
    sums = dict.fromkeys(found.figures, NOTHING)
    for each in row.contributions:
        for name, figure in each.figures.items():
            assert figure.change == figure.after - figure.before
            sums[name] += figure.change
    return sums


@pytest.mark.parametrize("seed", range(2))
def test_40_contributions_add_up_to_the_difference_of_the_reports(pool: Pool, seed: int) -> None:
    """And what came, went or was corrected is told by events, all of which lie between the two moments."""
    made = told_late(picks(seed, 400), seed)
    log = fed(pool, made.decisions)
    ask = reading(log, LATER)
    kinds: defaultdict[str, int] = defaultdict(int)
    for since, as_at, known_at in pairs(made.events, Random(seed)):
        for name, report, asked, figures in ASKED:
            after = replace(asked, as_at=as_at, known_at=known_at)
            found = what_changed(ask, log, name, after, since)
            was, now = report(ask, since.before(after)), report(ask, after)
            _check(found, figures(was.rows), figures(now.rows))
            in_all = _IN_ALL.get(name, figures)
            _check_totals(found, in_all(was.totals), in_all(now.totals))
            _check_statistics(found, was, now)
            if name == "receivables":
                _check_sales(found, was, now)
            for each in (one for row in found.rows for one in row.contributions):
                kinds[each.kind] += 1
                _check_events(found, each)
    assert len(kinds) > 8, kinds  # or else the test agrees about nothing


def _check(found: WhatChanged, before: Mapping[Place, Figures], after: Mapping[Place, Figures]) -> None:
    changed = {_changed_place(row): row for row in found.rows}
    if found.report == "receivables":
        for place in [place for place in changed if place[3] is not None]:
            row = changed.pop(place)
            assert moved(found, row) == {name: each.change for name, each in row.figures.items()}
    assert changed.keys() <= before.keys() | after.keys()
    for place in before.keys() | after.keys():
        was, now = before.get(place, {}), after.get(place, {})
        if place not in changed:
            assert was == pytest.approx(now), place
            continue
        row = changed[place]
        assert row.contributions or any(each.before != each.after for each in row.statistics.values())
        assert moved(found, row) == {name: each.change for name, each in row.figures.items()}
        _check_figures(row, was, now)


def _changed_place(row: ChangedRow) -> Place:
    return row.key, row.second_key, row.currency, row.bucket


def _check_figures(row: ChangedRow, was: Figures, now: Figures) -> None:
    for name in {**was, **now}:
        # The report tells parts of months in cents.
        near = Decimal("0.005" if name == "sales" else "1e-4")
        assert row.figures[name].before == pytest.approx(was.get(name, NOTHING), abs=near)
        assert row.figures[name].after == pytest.approx(now.get(name, NOTHING), abs=near)


def _check_totals(
    found: WhatChanged, before: Mapping[Place, Figures], after: Mapping[Place, Figures]
) -> None:
    """Subtotals and totals are those of the report, where it has some."""
    told = {_changed_place(row): row for row in found.totals}
    for place in before.keys() | after.keys():
        was, now = before.get(place, {}), after.get(place, {})
        if place in told:
            _check_figures(told[place], was, now)
        else:
            assert not any({**was, **now}.values()), place


def _check_statistics(found: WhatChanged, before: Report[Any], after: Report[Any]) -> None:
    """They are those of the report at both moments; what changed has contributions."""
    names = STATISTICS.get(found.report, ())
    assert found.statistics == tuple(names)
    told_of = _plain_statistics(names)
    nothing = dict.fromkeys(names)
    was, now = told_of(before.rows), told_of(after.rows)
    changed = {(*_changed_place(row)[:3], None): row for row in found.rows}
    for place in was.keys() | now.keys() if names else ():
        if place not in changed:
            assert was.get(place, nothing) == now.get(place, nothing), place
            continue
        _check_told(changed[place], was.get(place, nothing), now.get(place, nothing))
    was_in_all, now_in_all = told_of(before.totals), told_of(after.totals)
    for total in found.totals if names else ():
        place = _changed_place(total)
        _check_told(total, was_in_all.get(place, nothing), now_in_all.get(place, nothing))


def _check_sales(found: WhatChanged, before: Report[Any], after: Report[Any]) -> None:
    """The sales of the months that changed make the difference of the row's."""
    changes: defaultdict[Place, Decimal] = defaultdict(Decimal)
    for row in found.rows:
        changes[(*_changed_place(row)[:3], None)] += row.figures["sales"].change
        assert row.bucket is not None or not row.figures["month_sales"].change
    was, now = ({_place(row): row.sales for row in report.rows} for report in (before, after))
    for place in was.keys() | now.keys():
        difference = now.get(place, NOTHING) - was.get(place, NOTHING)
        assert changes[place] == pytest.approx(difference, abs=Decimal("0.01")), place


def _plain_statistics(names: Sequence[str]) -> Callable[[Sequence[Any]], dict[Place, dict[str, Any]]]:
    return lambda rows: {_place(row): {name: getattr(row, name) for name in names} for row in rows if names}


def _check_told(row: ChangedRow, was: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    assert {name: each.before for name, each in row.statistics.items()} == was
    assert {name: each.after for name, each in row.statistics.items()} == now


_OF_THEMSELVES: Final = {
    Kind.AGED, Kind.DUE, Kind.CAME_IN, Kind.LEFT_OUT, Kind.MOVED_IN, Kind.MOVED_OUT
}  # fmt: skip


def _check_events(found: WhatChanged, each: Any) -> None:
    stated = found.parameters
    # Why a step of the scenario is due no more may lie in any of the customer's items.
    is_of_items = each.thing == "customer" and each.kind in {Kind.NOT_DUE, Kind.POSTPONED}
    assert each.events or each.kind in _OF_THEMSELVES or is_of_items, (found.report, each)
    for fact in each.events:
        assert fact.position <= stated["known_at"]
        is_known_before = fact.position <= stated["since_known_at"]
        if fact.stream not in {"customer", "sales"}:
            assert fact.occurred_at <= stated["as_at"]
            assert not (is_known_before and fact.occurred_at <= stated["since_as_at"])
        else:
            assert not is_known_before
