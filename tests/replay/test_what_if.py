"""Issue 4, 7: what if. Small histories worked by hand, and that nothing real is touched."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import psycopg
import pytest
from hypothesis import given, settings
from psycopg.conninfo import make_conninfo

from domain import dispute, item
from domain.identity import DisputeId, ItemId, dispute_id, item_id, person_id
from domain.roles import Actor, Role
from projections.agenda import AgendaParameters, agenda
from projections.dispute_months import dispute_months
from projections.dispute_report import DisputeReportParameters, dispute_report
from projections.feed import Feed
from projections.item_statuses import item_statuses
from projections.parameters import Parameters
from projections.reading import Reading
from projections.receivables import ReceivablesParameters, receivables
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from projections.resolver_days import resolver_days
from replay.what_if.comparison import Question, WhatIf, what_if
from replay.what_if.rules import Rules
from store.connections import CompanyDatastore, Pool, open_pool
from store.log import Log
from tests.projections.histories import (
    BUSY,
    HISTORIES,
    Made,
    Pick,
    append,
    new_company,
)

NOW: Final = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=4) as pool:
        yield pool


def day(number: int) -> datetime:
    """Nine o'clock on the so many-th day of 2026: 1 is 1 January, a Thursday."""
    return datetime(2025, 12, 31, 9, tzinfo=UTC) + timedelta(days=number)


class Told:
    """A company made by commands, each on its day."""

    def __init__(self) -> None:
        self.made = Made(at=day(1))

    def __call__(self, at: datetime, command: Any) -> None:
        self.made.at = at
        before = len(self.made.decisions)
        self.made.give(command)
        assert len(self.made.decisions) > before, f"{command} changed nothing"

    def invoice(self, number: str, amount: str, at: int = 1, **attributes: str) -> ItemId:
        self(
            day(at),
            item.RegisterItem(
                "C1",
                "main",
                number,
                item.ItemDetails(
                    item.ItemType.INVOICE,
                    day(at).date(),
                    day(at).date() + timedelta(days=30),
                    Decimal(amount),
                    Decimal(amount),
                    "EUR",
                    attributes,
                ),
            ),
        )
        return item_id("main", "C1", number)

    def open(self, name: str, at: int, *items: ItemId, kind: str = "price", **more: Any) -> DisputeId:
        of = dispute_id(name)
        more.setdefault("plan_follow_up", False)
        self(day(at), dispute.OpenDispute(of, items, kind, "", None, reference=name, **more))
        return of

    def resolve(self, of: DisputeId, at: int, outcome: dispute.Outcome = dispute.Outcome.CREDIT_NOTE) -> None:
        self(day(at), dispute.ResolveDispute(of, outcome))

    def reading(self, pool: Pool, now: datetime = NOW) -> tuple[Reading, Log]:
        log = new_company(pool)
        append(log, self.made.decisions)
        assert isinstance(log.datastore, CompanyDatastore)
        Feed(log.datastore, log).catch_up()
        return Reading(log.datastore, Actor(person_id("boss"), Role.CREDIT_MANAGER), now), log


QUESTIONS: Final[dict[str, tuple[Callable[..., Any], Callable[..., Parameters]]]] = {
    "resolution-time": (resolution_time, ResolutionTimeParameters),
    "resolver-days": (resolver_days, ResolutionTimeParameters),
    "dispute-report": (dispute_report, DisputeReportParameters),
    "dispute-months": (dispute_months, Parameters),
    "item-statuses": (item_statuses, Parameters),
    "receivables": (receivables, ReceivablesParameters),
    "agenda": (agenda, AgendaParameters),
}


def question(name: str, **told: Any) -> Question:
    ask, parameters = QUESTIONS[name]
    return Question(name, ask, parameters(**told))


def asked(found: tuple[Reading, Log], rules: Rules, *questions: Question) -> WhatIf:
    return what_if(*found, rules, questions)


def figures(answer: WhatIf, report: str, key: str | None = "total") -> dict[str, tuple[Any, Any]]:
    """Of one group: figure → as it is, as it would be."""
    (of,) = (each for each in answer.answers if each.report == report)
    return {each.figure: (each.real, each.what_if) for each in of.figures if each.key == key}


# --- resolved within ---------------------------------------------------------------------------------


def test_4_7_a_type_resolved_within_days_moves_dispute_items_and_dso(pool: Pool) -> None:
    told = Told()
    paid, unpaid, other = (told.invoice(name, "100") for name in ("A", "B", "C"))
    late = told.open("late", 11, paid, plan_follow_up=True)  # a price dispute, resolved after 40 days
    told.open("open", 21, unpaid)  # a price dispute, still open after 70 days
    told.open("fine", 31, other, kind="quality")  # not of the type
    told.resolve(late, 51)
    told(day(61), item.ClearItem(paid, day(61).date()))
    found = told.reading(pool)
    answer = asked(
        found,
        Rules(resolved_within={"price": 10}),
        question("resolution-time"),
        question("dispute-report"),
        question("item-statuses", by="status"),
        question("receivables"),
    )
    # Real: one episode of 40 days. What if: two episodes of 10 days each, on the days 21 and 31.
    times = figures(answer, "resolution-time", "price")
    assert times["count"] == (1, 2)
    assert times["mean_days"] == (40.0, 10.0)
    assert times["still_open"] == (1, 0)
    # The quality dispute stays. The price disputes' open amount was 100 (of "open"), and is nothing.
    assert figures(answer, "dispute-report", "price")["amount"] == (Decimal(100), None)
    assert figures(answer, "dispute-report", "quality")["amount"] == (Decimal(100), Decimal(100))
    # B is open, and says dispute_resolved; A cleared, as it did.
    assert figures(answer, "item-statuses", "price")["items"] == (1, None)
    assert figures(answer, "item-statuses", "dispute_resolved")["items"] == (None, 1)
    # Receivables are what they are (B and C: 200 of 300 sold in January); of them 200 are disputed, or 100.
    # On 1 April nothing was sold in April (1 day), March (31) or February (28); January's 300 in 31 days.
    # DSO = 1 + 31 + 28 + 200/300·31; without the disputed 200: 0; without 100: 60 + 100/300·31.
    money = figures(answer, "receivables")
    assert money["receivables"] == (Decimal(200), Decimal(200))
    assert money["disputed"] == (Decimal(200), Decimal(100))
    assert money["dso"][0] == money["dso"][1] == pytest.approx(60 + 200 / 300 * 31)
    assert money["dispute_dso"] == (
        pytest.approx(60 + 200 / 300 * 31),
        pytest.approx(100 / 300 * 31),
    )
    # DDO by amount: disputed and open / (300 newly disputed in the last 90 days / 90), the opening of "late"
    # on 11 January being 80 days ago.
    assert money["days_deduction_outstanding"] == (60.0, 30.0)
    assert (answer.changes.episodes, answer.changes.open_episodes) == (2, 1)
    assert answer.changes.streams == 5  # two disputes, two items, one follow-up action


def test_4_7_no_rules_no_difference(pool: Pool) -> None:
    @settings(max_examples=12, deadline=None, suppress_health_check=BUSY)
    @given(HISTORIES)
    def check(picks: tuple[Pick, ...]) -> None:
        told = Told()
        told.made = Made().play(picks)
        found = told.reading(pool, told.made.at + timedelta(days=1))
        answer = asked(found, Rules(), *(question(name) for name in QUESTIONS))
        assert [each for of in answer.answers for each in of.figures if each.differs] == []

    check()


def test_4_7_whatever_happened_nothing_takes_longer_than_the_rule_says(pool: Pool) -> None:
    @settings(max_examples=15, deadline=None, suppress_health_check=BUSY)
    @given(HISTORIES)
    def check(picks: tuple[Pick, ...]) -> None:
        told = Told()
        told.made = Made().play(picks)
        found = told.reading(pool, told.made.at + timedelta(days=30))
        within = dict.fromkeys(("price", "quality", "delivery"), 1)
        answer = asked(
            found,
            Rules(resolved_within=within),
            question("resolution-time"),
            question("dispute-report"),
            *(question(name) for name in ("resolver-days", "item-statuses", "receivables", "agenda")),
        )
        # Not two days: who says today what was to be said a week ago is a day late from today on.
        for kind in within:
            times = figures(answer, "resolution-time", kind)
            assert times.get("still_open", (0, 0))[1] in {0, None}
            amount = figures(answer, "dispute-report", kind).get("amount", (None, None))
            assert amount[1] is None
        money = figures(answer, "receivables")
        assert money.get("receivables", (0, 0))[0] == money.get("receivables", (0, 0))[1]
        assert money.get("disputes", (0, 0))[1] in {0, None}

    check()


# --- nothing real is touched -------------------------------------------------------------------------


def digests(pool: Pool) -> dict[str, str]:
    """Every table outside of PostgreSQL's own, and what is in it."""
    with pool.connection() as connection:
        tables = connection.execute(
            "select format('%I.%I', n.nspname, c.relname) as name from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r'"
            " and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'"
        ).fetchall()
        found: dict[str, str] = {}
        for name in sorted(row["name"] for row in tables):
            text = f"select coalesce(string_agg(t::text, '|' order by t::text), '') as all from {name} t"
            row = connection.execute(text.encode()).fetchone()
            assert row is not None
            found[name] = hashlib.sha256(row["all"].encode()).hexdigest()
        return found


def test_4_7_a_role_that_may_only_read_asks_and_nothing_is_touched(pool: Pool) -> None:
    told = Told()
    invoice = told.invoice("A", "100")
    told.open("late", 11, invoice)
    reading, log = told.reading(pool)
    schema = reading.datastore.schema
    before = digests(pool)
    with pool.connection() as connection:
        connection.execute("create role only_reads login")
        connection.execute(f"grant usage on schema {schema} to only_reads".encode())
        connection.execute(f"grant select on all tables in schema {schema} to only_reads".encode())
    try:
        with open_pool(make_conninfo(str(pool.conninfo), user="only_reads"), size=4) as theirs:
            datastore = CompanyDatastore(theirs, schema.removeprefix("company_"))
            with theirs.connection() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"delete from {schema}.item_states".encode())
            beside = Reading(datastore, reading.actor, reading.now)
            answer = what_if(beside, log, Rules(resolved_within={"price": 10}), [question("resolution-time")])
        assert figures(answer, "resolution-time")["count"] == (0, 1)
        assert digests(pool) == before
        assert left_behind(pool) == 0
    finally:
        with pool.connection() as connection:
            connection.execute("drop owned by only_reads")
            connection.execute("drop role only_reads")


def left_behind(pool: Pool) -> int:
    """How many temporary tables there are."""
    with pool.connection() as connection:
        row = connection.execute("select count(*) from pg_class where relpersistence = 't'").fetchone()
        assert row is not None
        return int(row["count"])


def test_4_7_an_interrupted_run_leaves_nothing_behind(pool: Pool) -> None:
    told = Told()
    told.open("late", 11, told.invoice("A", "100"))
    reading, log = told.reading(pool)
    seen: list[int] = []

    def interrupt(title: str, *_: int) -> None:
        if title == "replaying":
            seen.append(left_behind(pool))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        what_if(reading, log, Rules(), [question("resolution-time")], interrupt)
    assert len(seen) == 1
    assert seen[0] > 0
    for _ in range(100):  # the server drops them when it notices that the connection is gone
        if not left_behind(pool):
            break
        time.sleep(0.1)
    assert left_behind(pool) == 0
    assert asked((reading, log), Rules(), question("resolution-time")).position
