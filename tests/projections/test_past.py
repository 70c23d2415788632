"""Any report at any past moment equals what folding the log up to there gives (spec 40): every report, asked
as at D and known at P of the whole log, and asked of a log that holds nothing else, at the moment D."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

import pytest

from domain.calendar import local_date
from domain.case import State, evolve
from domain.catalogue import ChangeSettings, Company
from domain.commands import Decision
from domain.customer import Customer, OfCustomer, RegisterCustomer
from domain.dispute import Dispute, DisputeCancelled, DisputeOpened, DisputeReopened, DisputeResolved
from domain.events import Event
from domain.identity import COMPANY_STREAM, PEOPLE_STREAM, person_id
from domain.item import Item, ItemDetails, ItemType, RegisterItem
from domain.people import RegisterPerson
from domain.roles import Actor, Role
from domain.sales import OfSales
from projections.aged_balance import aged_balance
from projections.agenda import AgendaParameters, agenda
from projections.cases import DisputeList, FollowUpList, disputes, follow_ups
from projections.dispute_months import dispute_months
from projections.dispute_report import Counted, DisputeReportParameters, dispute_report
from projections.feed import Feed
from projections.item_statuses import item_statuses
from projections.moment import business_moment
from projections.parameters import Parameters, Report
from projections.reading import Reading
from projections.receivables import ReceivablesParameters, receivables
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from projections.resolver_days import resolver_days
from projections.search import ItemSearch, items
from store.connections import CompanyDatastore, Pool, open_pool
from store.log import Log
from tests.projections.histories import BEGINNING, Made, Pick, append, new_company, picks

BOSS: Final = Actor(person_id("boss"), Role.CREDIT_MANAGER)
LATER: Final = BEGINNING + timedelta(days=400)

ASKED: Final[Sequence[tuple[str, Callable[[Reading, Any], Report[Any]], Parameters]]] = (
    *(("aged", aged_balance, Parameters(by=by)) for by in ("customer", "collector", "resolver", "status")),
    ("aged", aged_balance, Parameters(resolver=person_id("P1"))),
    ("statuses", item_statuses, Parameters()),
    ("statuses", item_statuses, Parameters(by="attribute:sector", customer="C1")),
    *(
        ("disputes", dispute_report, DisputeReportParameters(state=state, by=by))
        for state in Counted
        for by in ("type", "resolver", "month", "attribute:sector")
    ),
    ("disputes", dispute_report, DisputeReportParameters(by="age")),
    ("disputes", dispute_report, DisputeReportParameters(collector=person_id("P0"))),
    ("disputes", dispute_report, DisputeReportParameters(by="attribute:sector,age")),
    ("months", dispute_months, Parameters()),
    ("months", dispute_months, Parameters(by="type,month")),
    ("time", resolution_time, ResolutionTimeParameters()),
    ("time", resolution_time, ResolutionTimeParameters(by="resolver", first_episodes_only=True)),
    ("time", resolution_time, ResolutionTimeParameters(by="month")),
    ("days with each", resolver_days, ResolutionTimeParameters()),
    ("days with each", resolver_days, ResolutionTimeParameters(by="attribute:sector,resolver")),
    ("receivables", receivables, ReceivablesParameters()),
    ("receivables", receivables, ReceivablesParameters(by="customer", days=20, sales_days=30)),
    ("receivables", receivables, ReceivablesParameters(by="attribute:sector,customer")),
    ("agenda", agenda, AgendaParameters(days_ahead=60)),
    ("agenda", agenda, AgendaParameters(person=person_id("P1"), days_ahead=366)),
    ("items", items, ItemSearch(is_open=None, limit=200)),
    ("items", items, ItemSearch(text="plain")),
    ("disputes listed", disputes, DisputeList(limit=200)),
    ("actions listed", follow_ups, FollowUpList(is_open=None, limit=200)),
)
"""Every report, and the lists; in the groupings that look at the most tables."""

_POSITIONAL: Final = frozenset({"version", "changed_at"})


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=6) as pool:
        yield pool


def told_late(what: Sequence[Pick], seed: int) -> Made:
    """A history whose times jump back and forth: much of it is told up to five days after it happened."""
    chance = Random(seed)
    made = Made()
    for code in ("P0", "P1", "P2"):
        made.give(RegisterPerson(code, f"Person {code}", None, Role.COLLECTOR))
    made.give(RegisterCustomer("C0", "Customer 0", None, person_id("P0"), person_id("P2")))
    for number, pick in enumerate(what):
        late = min(number, chance.randrange(60))
        made.at = BEGINNING + timedelta(hours=2 * (number - late))
        made.play([pick])
        if number % 15 == 9:
            collector = person_id(f"P{chance.randrange(3)}")
            made.give(RegisterCustomer(f"C{number % 2}", None, None, collector))
        if number % 40 == 20:
            made.give(ChangeSettings(zone=chance.choice(("Asia/Tokyo", "America/New_York", "UTC"))))
        if number % 12 == 5:
            made.give(_credit_note(number))
    return made


def _credit_note(number: int) -> RegisterItem:
    day = date(2020, 1, 3)
    amount = Decimal(-40)
    details = ItemDetails(ItemType.CREDIT_NOTE, day, day, amount, amount, "EUR" if number % 3 else "USD")
    return RegisterItem(f"C{number % 2}", "main", f"G{number}", details)


def visible(decisions: Sequence[Decision], at: datetime | None, known: int) -> list[Decision]:
    """What *at* and *known* show: catalogue, people, customers and sales by known-at alone (spec §1)."""
    found: list[Decision] = []
    position = 0
    for decision in decisions:
        position += len(decision.events)
        if position > known:
            break
        is_seen = at is None or decision.occurred_at <= at
        events = tuple(each for each in decision.events if is_seen or _is_master_data(each))
        if events:
            found.append(replace(decision, events=events))
    return found


def _is_master_data(event: Event) -> bool:
    return isinstance(event, OfCustomer | OfSales) or event.stream_id in {COMPANY_STREAM, PEOPLE_STREAM}


def fed(pool: Pool, decisions: Sequence[Decision]) -> Log:
    log = new_company(pool)
    append(log, decisions)
    assert isinstance(log.datastore, CompanyDatastore)
    Feed(log.datastore, log).catch_up()
    return log


def reading(log: Log, now: datetime) -> Reading:
    assert isinstance(log.datastore, CompanyDatastore)
    return Reading(log.datastore, BOSS, now)


def told(report: Report[Any]) -> Mapping[str, object]:
    """The answer, but for what counts events or names the position."""
    rows = [
        {name: value for name, value in asdict(row).items() if name not in _POSITIONAL}
        for row in (*report.rows, *report.totals)
    ]
    stated = {name: value for name, value in report.parameters.items() if name != "known_at"}
    return {"rows": rows, "parameters": stated}


def moments(made: Made, chance: Random) -> Iterator[tuple[date | datetime | None, int | None]]:
    """Some of each kind: a time or a day or now, a position or all."""
    for _ in range(3):
        as_at = BEGINNING + timedelta(minutes=chance.randrange(60 * 24 * 38))
        known = chance.randrange(made.events + 1)
        yield from ((as_at, known), (as_at.date(), known), (as_at, None), (None, known))


@pytest.mark.parametrize("seed", range(2))
def test_40_any_report_at_any_past_is_the_report_of_the_log_up_to_there(pool: Pool, seed: int) -> None:
    made = told_late(picks(seed, 400), seed)
    whole = fed(pool, made.decisions)
    for as_at, known_at in moments(made, Random(made.events)):
        known = whole.end_of_decision_at(made.events if known_at is None else known_at)
        zone = zone_of(visible(made.decisions, BEGINNING, known))
        at = business_moment(as_at, zone)
        log = fed(pool, visible(made.decisions, at, known))
        for name, ask, parameters in ASKED:
            then = ask(reading(whole, LATER), replace(parameters, as_at=as_at, known_at=known_at))
            alone = ask(reading(log, at or LATER), parameters)
            stated = {"as_at": at or LATER, "known_at": known}
            assert stated.items() <= then.parameters.items()
            expected = told(replace(alone, parameters={**alone.parameters}))
            assert told(then) == expected, (name, parameters, as_at, known_at)


def zone_of(decisions: Sequence[Decision]) -> str:
    company = fold(decisions).get(COMPANY_STREAM)
    return company.settings.zone if isinstance(company, Company) else "UTC"


def fold(decisions: Sequence[Decision]) -> dict[Any, State]:
    states: dict[Any, State] = {}
    for decision in decisions:
        for event in decision.events:
            states[event.stream_id] = evolve(states.get(event.stream_id), event)
    return states


# --- by another way than the tables ------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_40_figures_at_any_past_equal_those_of_the_states_in_memory(pool: Pool, seed: int) -> None:
    made = told_late(picks(seed, 400), seed)
    log = fed(pool, made.decisions)
    for as_at, known_at in moments(made, Random(made.events)):
        known = log.end_of_decision_at(made.events if known_at is None else known_at)
        at = business_moment(as_at, zone_of(visible(made.decisions, BEGINNING, known)))
        seen = visible(made.decisions, at, known)
        asked = {"as_at": as_at, "known_at": known_at}
        by_memory = InMemory(seen, at or LATER)
        ask = reading(log, LATER)
        aged = aged_balance(ask, replace(Parameters(), **asked))  # type: ignore[arg-type]
        assert {(row.key, row.currency): (row.total, row.disputed) for row in aged.rows} == by_memory.aged()
        said = item_statuses(ask, replace(Parameters(), **asked))  # type: ignore[arg-type]
        assert {
            (row.key, row.currency): (row.items, row.amount, row.overdue) for row in said.rows
        } == by_memory.statuses()
        for row in (*said.rows, *said.totals):
            assert row.share_with_status is None or 0 <= row.share_with_status <= 1
        by_type = dispute_report(ask, replace(DisputeReportParameters(), **asked))  # type: ignore[arg-type]
        assert {
            (row.key, row.currency): (row.disputes, row.items, row.amount) for row in by_type.rows
        } == by_memory.open_disputes()
        for counted in (*by_type.rows, *by_type.totals):
            assert counted.share is None or 0 <= counted.share <= 1
        times = resolution_time(ask, replace(ResolutionTimeParameters(), **asked))  # type: ignore[arg-type]
        (total,) = times.totals
        days = by_memory.days()
        assert total.count == len(days)
        assert total.mean_days == (pytest.approx(sum(days) / len(days)) if days else None)


class InMemory:
    """The figures, added up in Python from the states that the domain's own evolve makes of *seen*."""

    def __init__(self, seen: Sequence[Decision], at: datetime) -> None:
        self._seen = seen
        self._states = fold(seen)
        self._today = local_date(at, zone_of(seen))
        self._open = [each for each in self._states.values() if isinstance(each, Item) and each.is_open]

    def aged(self) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
        """Total and disputed by customer and currency."""
        sums: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
        for item in self._open:
            key = (item.customer_code, item.details.currency)
            total, disputed = sums.get(key, (Decimal(0), Decimal(0)))
            own = item.disputed_amount if item.dispute_id else Decimal(0)
            sums[key] = (total + item.details.balance, disputed + own)
        return sums

    def statuses(self) -> dict[tuple[str | None, str], tuple[int, Decimal, Decimal]]:
        """Items, their balance and what of it is overdue, by status and currency."""
        sums: dict[tuple[str | None, str], tuple[int, Decimal, Decimal]] = {}
        for item in self._open:
            key = (item.qualification.status if item.qualification else None, item.details.currency)
            count, amount, overdue = sums.get(key, (0, Decimal(0), Decimal(0)))
            late = item.details.balance if item.details.due_date < self._today else Decimal(0)
            sums[key] = (count + 1, amount + item.details.balance, overdue + late)
        return sums

    def open_disputes(self) -> dict[tuple[str, str], tuple[int, int, Decimal]]:
        """Disputes, their items and what is disputed, by type and currency."""
        sums: dict[tuple[str, str], tuple[int, int, Decimal]] = {}
        for dispute in self._states.values():
            if not isinstance(dispute, Dispute) or not dispute.is_open:
                continue
            own = [self._states[each] for each in dispute.items]
            disputed = sum((each.disputed_amount for each in own if isinstance(each, Item)), Decimal(0))
            key = (dispute.type, dispute.currency)
            count, several, amount = sums.get(key, (0, 0, Decimal(0)))
            sums[key] = (count + 1, several + len(own), amount + disputed)
        return sums

    def days(self) -> list[float]:
        """How long each resolved episode took, of disputes that are not cancelled."""
        opened: dict[Any, datetime] = {}
        took: dict[Any, list[float]] = {}
        for decision in self._seen:
            for event in decision.events:
                match event:
                    case DisputeOpened():
                        opened[event.dispute_id] = event.received_on
                    case DisputeReopened():
                        opened[event.dispute_id] = event.episode_opened_at
                    case DisputeResolved():
                        lasted = decision.occurred_at - opened[event.dispute_id]
                        took.setdefault(event.dispute_id, []).append(lasted.total_seconds() / 86_400)
                    case DisputeCancelled():
                        took.pop(event.dispute_id, None)
                    case _:
                        pass
        return [each for several in took.values() for each in several]


def test_40_the_histories_hold_what_is_tested(pool: Pool) -> None:
    """Otherwise the two tests above could agree about nothing."""
    made = told_late(picks(2, 400), 0)
    moments_then = [each.occurred_at for each in made.decisions]
    assert moments_then != sorted(moments_then)
    kinds = [type(state) for state in made.case.states.values()]
    for kind in (Item, Dispute, Customer):
        assert kinds.count(kind) > 1
    ask = reading(fed(pool, made.decisions), LATER)
    for name, report, parameters in ASKED:
        anybodys = replace(parameters, resolver=None, collector=None)
        answers = [
            report(ask, replace(anybodys, as_at=as_at, known_at=known_at))
            for as_at, known_at in moments(made, Random(1))
        ]
        assert len({len(answer.rows) for answer in answers}) > 1, (name, parameters)
