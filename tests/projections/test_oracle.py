"""Every report at random pairs of clocks equals a fold of the log in plain Python, written from the
specification alone (spec 40; `oracle/`): it reads the events as they lie in the table, and shares nothing
with the service but the questions. Again as it was: REDRESS_SEED, which a failure names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any, Final

import pytest

from domain.catalogue import SettingsChanged, StatusDefined, StatusTakenOutOfUse
from domain.customer import CollectorAssigned, CollectorWithdrawn
from domain.people import PersonDeactivated, PersonReactivated
from domain.sales import MonthlySalesStated
from projections.feed import Feed
from projections.parameters import Parameters, Report
from projections.reading import Reading
from store.connections import CompanyDatastore, Pool, open_pool
from store.event_types import TABLE
from tests.projections.histories import new_company
from tests.projections.oracle import work
from tests.projections.oracle.answer import differences
from tests.projections.oracle.asking import Asking, clocks, question
from tests.projections.oracle.facts import Fact, log_of
from tests.projections.oracle.happenings import play
from tests.projections.oracle.made_up import Story, append_as_told
from tests.projections.oracle.orders import misplaced
from tests.projections.oracle.questions import ASKERS, NOW, QUESTIONS
from tests.projections.oracle.view import BOSS, View
from tests.torture.scale import SEED, sized

HISTORIES: Final = sized(small=10, large=60)
PAIRS: Final = 100
COMMANDS: Final = 260


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=2) as pool:
        yield pool


def told(pool: Pool, story: Story) -> tuple[CompanyDatastore, Sequence[Fact]]:
    """A company of that story, whose read side knows all of it."""
    log = new_company(pool)
    append_as_told(log, story)
    assert isinstance(log.datastore, CompanyDatastore)
    Feed(log.datastore, log).catch_up()
    with pool.connection() as connection:
        return log.datastore, log_of(connection, log.datastore.schema)


@pytest.mark.parametrize("number", range(HISTORIES))
def test_40_every_report_at_any_two_clocks_equals_a_fold_of_the_log_by_hand(pool: Pool, number: int) -> None:
    datastore, facts = told(pool, play(f"{SEED} {number}", COMMANDS))
    chance = Random(f"{SEED} questions {number}")
    for _ in range(PAIRS):
        as_at, known_at = clocks(chance, facts)
        asker = chance.choice(ASKERS)
        view = View(facts, NOW, as_at, known_at, asker)
        work.tell(view)
        for name, of in QUESTIONS.items():
            reading = Reading(datastore, asker if of.is_for_all else BOSS, NOW)
            asked = question(of, chance, view, as_at, known_at)
            found = compared(reading, view, of, asked)
            assert not found, f"REDRESS_SEED={SEED} history {number}\n{name} {asked}\n" + "\n".join(
                found[:20]
            )


def compared(reading: Reading, view: View, of: Asking, asked: Parameters) -> list[str]:
    """Where the report says otherwise than the fold."""
    report = of.report(reading, asked)
    rows = [*report.rows, *further(report, reading, of, asked)]
    expected = of.oracle(view, asked)
    found = differences(expected.rows, rows, of.identity)
    found += [f"total {each}" for each in differences(expected.totals, report.totals, of.identity)]
    found += misplaced(report, rows, of, asked)
    stated = {"as_at": view.at, "known_at": view.known}
    return found + [f"it is not of {stated}" for _ in range(not stated.items() <= report.parameters.items())]


def further(report: Report[Any], reading: Reading, of: Asking, asked: Parameters) -> Iterator[Any]:
    """The rows of the pages after *report*'s."""
    while report.next_cursor is not None:
        report = of.report(reading, replace(asked, cursor=report.next_cursor))
        yield from report.rows


_ABOUT: Final = {
    *("domain.item", "domain.dispute", "domain.follow_up"),
    *("domain.scenario", "domain.reminder"),
}
_WANTED: Final = {
    *(kind for kind in TABLE.values() if isinstance(kind, type) and kind.__module__ in _ABOUT),
    *(SettingsChanged, StatusDefined, StatusTakenOutOfUse, PersonDeactivated, PersonReactivated),
    *(CollectorAssigned, CollectorWithdrawn, MonthlySalesStated),
}


def test_40_the_random_histories_hold_everything_that_happens_to_disputes() -> None:
    """Otherwise the test above could agree about nothing."""
    stories = [play(f"fixed {number}", COMMANDS) for number in range(16)]
    happened = {
        type(event) for each in stories for _, decision in each.decisions for event in decision.events
    }
    assert happened >= _WANTED, sorted(kind.__name__ for kind in _WANTED - happened)
    moments = [decision.occurred_at for _, decision in stories[0].decisions]
    assert moments != sorted(moments)
