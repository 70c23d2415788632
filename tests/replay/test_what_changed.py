"""The month-end question: why is this figure not what was told before? On a log in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.catalogue import DefineStatus, Settings, StatusKind
from domain.commands import Command
from domain.customer import RegisterCustomer
from domain.dispute import (
    AddItems,
    AssignResolver,
    CancelDispute,
    ChangeDisputeType,
    EscalateDispute,
    OpenDispute,
    Outcome,
    RemoveItems,
    ReopenDispute,
    ResolveDispute,
)
from domain.follow_up import FollowUpPlan
from domain.identity import OPERATOR, ItemId, dispute_id, item_id, person_id
from domain.item import ClearItem, ItemDetails, ItemType, RegisterItem
from domain.people import RegisterPerson
from domain.refusals import RoleForbids
from domain.roles import Actor, Permission, Role
from projections.agenda import AgendaParameters
from projections.comparison import Since
from projections.dispute_report import Counted, DisputeReportParameters
from projections.feed import Feed
from projections.parameters import ParameterInvalid, Parameters
from projections.reading import Reading
from projections.receivables import ReceivablesParameters
from projections.resolution_time import ResolutionTimeParameters
from replay.changed_rows import Contribution, WhatChanged
from replay.what_changed import what_changed
from store.companies import found
from store.connections import CompanyDatastore, Pool, open_pool
from store.execute import Executor, Order
from store.log import Log

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
OPERATING = Actor(OPERATOR, Role.ADMINISTRATOR)
BOSS = Actor(person_id("boss"), Role.CREDIT_MANAGER)


def item(number: str, customer: str = "C1") -> ItemId:
    return item_id("main", customer, number)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text} 12:00").replace(tzinfo=UTC)


@dataclass
class Desk:
    """A company whose commands are given with the time at which they happened."""

    log: Log
    executor: Executor
    datastore: CompanyDatastore

    def does(self, command: Command, when: str | None = None, actor: Actor = BOSS) -> int:
        """Carry it out, as of *when* if that is told; the position of its last event."""
        return self.executor.execute(Order(command, actor, at(when) if when else None)).position

    def registers(self, number: str, balance: str = "100", when: str = "2026-01-05", **more: Any) -> int:
        customer, day = more.pop("customer", "C1"), date(2026, 1, 5)
        due = more.pop("due", day + timedelta(days=30))
        details = ItemDetails(
            ItemType.INVOICE, day, due, Decimal(100), Decimal(balance), "EUR", more.pop("attributes", {})
        )
        return self.does(RegisterItem(customer, more.pop("entity", "main"), number, details), when)

    def opens(self, name: str, *numbers: str, when: str, **more: Any) -> int:
        items = tuple(item(each, more.get("of", "C1")) for each in numbers)
        more.pop("of", None)
        said = {"type": "price", "reason": "Too dear", "reference": name, **more}
        return self.does(OpenDispute(dispute_id(name), items, **said), when)

    def changes(
        self,
        report: str = "dispute-report",
        since: str | Since = "2026-02-28",
        actor: Actor = BOSS,
        **asked: Any,
    ) -> WhatChanged:
        kinds = {
            "dispute-report": DisputeReportParameters,
            "resolution-time": ResolutionTimeParameters,
            "resolver-days": ResolutionTimeParameters,
            "receivables": ReceivablesParameters,
            "agenda": AgendaParameters,
        }
        asked.setdefault("as_at", date(2026, 3, 31))
        parameters = kinds.get(report, Parameters)(**asked)
        Feed(self.datastore, self.log).catch_up()
        told = Since(as_at=date.fromisoformat(since)) if isinstance(since, str) else since
        return what_changed(Reading(self.datastore, actor, NOW), self.log, report, parameters, told)


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=4) as pool:
        yield pool


@pytest.fixture
def desk(database: str, pool: Pool) -> Desk:
    """Customers C1 of the collector ``cora`` and C2 of ``carl``, with three items and one."""
    found(database, pool, "acme", Settings("Acme"))
    datastore = CompanyDatastore(pool, "acme")
    log = Log(datastore)
    desk = Desk(log, Executor(log), datastore)
    for code in ("boss", "cora", "carl", "rita", "rolf"):
        role = {"boss": Role.CREDIT_MANAGER, "rita": Role.RESOLVER, "rolf": Role.RESOLVER}.get(code)
        desk.does(RegisterPerson(code, code.title(), None, role or Role.COLLECTOR), actor=OPERATING)
    for code, collector in (("C1", "cora"), ("C2", "carl")):
        desk.does(RegisterCustomer(code, f"Customer {code}", None, person_id(collector)), actor=OPERATING)
    for number in ("1", "2", "3"):
        desk.registers(number)
    desk.registers("1", customer="C2")
    return desk


def told(found: WhatChanged) -> Mapping[tuple[str | None, str | None], list[Contribution]]:
    """The contributions by row and bucket; they add up."""
    rows = {}
    for row in found.rows:
        for name, figure in row.figures.items():
            assert figure.change == sum(each.figures[name].change for each in row.contributions)
        rows[row.key, row.bucket] = list(row.contributions)
    return rows


def only(found: WhatChanged) -> Contribution:
    """The one contribution of the one row."""
    ((contribution,),) = told(found).values()
    return contribution


def sentences(contribution: Contribution) -> list[str]:
    return [each.sentence for each in contribution.events]


# --- the month-end question --------------------------------------------------------------------------


def test_40_a_dispute_told_late_is_named_with_when_it_was_recorded_and_by_whom(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-03-10")
    reported = desk.log.newest()
    desk.opens("D2", "2", when="2026-03-28", reason="Wrong price list")
    found = desk.changes(since=Since(known_at=reported))
    (row,) = found.rows
    assert (row.key, row.label, row.currency) == ("price", "Price dispute", "EUR")
    figures = {
        name: [int(each.before), int(each.after), int(each.change)] for name, each in row.figures.items()
    }
    assert figures == {"disputes": [1, 2, 1], "items": [1, 2, 1], "amount": [100, 200, 100]}
    contribution = only(found)
    assert (contribution.kind, contribution.thing, contribution.name) == ("opened", "dispute", "D2")
    assert contribution.customer_code == "C1"
    fact = contribution.events[0]
    assert fact.event == "dispute-opened.v1"
    assert fact.position > reported
    assert fact.occurred_at == at("2026-03-28") < fact.recorded_at
    assert (fact.actor_name, fact.role) == ("Boss", "credit_manager")
    assert fact.sentence == "The dispute D2 was opened: Wrong price list (over one item, 100)."
    assert found.parameters["since_known_at"] == reported
    assert found.parameters["since_as_at"] == found.parameters["as_at"]
    (total,) = found.totals
    assert (total.key, int(total.figures["disputes"].after), total.contributions) == ("total", 2, ())


def test_40_nothing_changed_where_nothing_did(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    found = desk.changes()
    assert found.rows == ()
    assert found.totals[0].figures["disputes"].before == found.totals[0].figures["disputes"].after == 1
    assert found.records() == []


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (ResolveDispute(dispute_id("D1"), Outcome.CREDIT_NOTE, Decimal(100)), "resolved"),
        (CancelDispute(dispute_id("D1")), "cancelled"),
        (EscalateDispute(dispute_id("D1")), "escalated"),
    ],
)
def test_40_what_left_is_told_by_how_it_ended(desk: Desk, command: Command, kind: str) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    desk.does(command, "2026-03-10")
    contribution = only(desk.changes())
    assert contribution.kind == kind
    assert contribution.figures["amount"].change == -100
    assert [each.event.partition("-")[0] for each in contribution.events] == ["dispute"]


def test_40_a_reopened_dispute_is_told_so(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    desk.does(ResolveDispute(dispute_id("D1"), Outcome.OTHER), "2026-02-20")
    desk.does(ReopenDispute(dispute_id("D1"), FollowUpPlan(date(2026, 12, 1))), "2026-03-20")
    assert only(desk.changes()).kind == "reopened"
    # What was resolved in February stays so in the report of what was resolved.
    assert desk.changes(state=Counted.RESOLVED).rows == ()


def test_40_what_moved_names_the_row_that_it_came_from_and_went_to(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    desk.does(ChangeDisputeType(dispute_id("D1"), "quality"), "2026-03-10")
    rows = told(desk.changes())
    (out,), (into,) = rows["price", None], rows["quality", None]
    assert (out.kind, out.moved_to, out.moved_from) == ("moved_out", "quality", None)
    assert (into.kind, into.moved_from, into.moved_to) == ("moved_in", "price", None)
    assert into.sentence == "It moved here from price."
    assert sentences(into) == ["The dispute D1 took the type Quality dispute (quality)."]
    (total,) = desk.changes().totals
    assert total.figures["amount"].change == 0


def test_40_another_resolver_moves_a_dispute_and_its_items(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10", resolver_id=person_id("rita"))
    desk.does(AssignResolver(dispute_id("D1"), person_id("rolf")), "2026-03-10")
    for report in ("dispute-report", "aged-balance"):
        rows = [
            (key, [(each.kind, each.moved_from, each.moved_to) for each in contributions])
            for (key, _), contributions in told(desk.changes(report, by="resolver")).items()
        ]
        assert ("rita", [("moved_out", None, "rolf")]) in rows
        assert ("rolf", [("moved_in", "rita", None)]) in rows
        into = next(row for row in desk.changes(report, by="resolver").rows if row.key == "rolf")
        assert sentences(into.contributions[0]) == ["The dispute D1 was given to Rolf, by person."]


def test_40_another_collector_is_told_by_the_customers_event(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    known = desk.log.newest()
    desk.does(RegisterCustomer("C1", None, None, person_id("carl")), actor=OPERATING)
    contribution = only(desk.changes(since=Since(known_at=known), collector=person_id("carl")))
    assert contribution.kind == "came_in"
    assert sentences(contribution) == ["The customer was given to the collector Carl."]
    assert only(desk.changes(since=Since(known_at=known), collector=person_id("cora"))).kind == "left_out"


def test_40_a_corrected_amount_is_told_with_both_amounts(desk: Desk) -> None:
    desk.opens("D1", "1", "2", when="2026-02-10")
    desk.registers("1", "60", when="2026-03-10")
    contribution = only(desk.changes())
    assert contribution.kind == "corrected"
    assert contribution.figures["amount"].change == -40
    assert sentences(contribution) == ["1: It was corrected: balance 100 → 60."]
    assert only(desk.changes("item-statuses", customer="C1")).sentence == "The ledger corrected it."


def test_40_items_that_came_and_went_are_told(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    desk.does(AddItems(dispute_id("D1"), (item("2"), item("3"))), "2026-03-10")
    assert only(desk.changes()).kind == "items_added"
    desk.does(RemoveItems(dispute_id("D1"), (item("1"),)), "2026-03-11")
    desk.does(RemoveItems(dispute_id("D1"), (item("2"),)), "2026-03-12")
    gone = only(desk.changes(since="2026-03-11"))
    assert (gone.kind, int(gone.figures["items"].change)) == ("items_taken_out", -1)
    assert "2: It left the dispute D1: removed." in sentences(gone)


# --- items and balances ------------------------------------------------------------------------------


def test_36_an_item_that_only_grew_older_moved_without_an_event(desk: Desk) -> None:
    rows = told(desk.changes("aged-balance", customer="C2"))
    (out,), (into,) = rows["C2", "1-30"], rows["C2", "31-60"]
    assert (out.kind, out.moved_to, out.events) == ("aged", "31-60", ())
    assert (into.kind, into.moved_from, into.sentence) == ("aged", "1-30", "Time went by; no event marks it.")


def test_36_what_was_paid_registered_and_seen_again_is_told(desk: Desk) -> None:
    desk.does(ClearItem(item("1"), date(2026, 3, 5)))
    desk.does(ClearItem(item("2"), date(2026, 2, 20)))
    desk.registers("2", "50", when="2026-03-20")
    desk.does(ClearItem(item("1", "C2"), date(2026, 2, 20)))
    kinds = {each.name: each.kind for row in desk.changes("item-statuses").rows for each in row.contributions}
    assert kinds == {"1": "cleared", "2": "reinstated"}


def test_36_what_is_disputed_of_an_item_is_a_figure_of_its_own(desk: Desk) -> None:
    desk.registers("9", customer="C2", due=date(2027, 1, 1))
    desk.opens("D1", "9", when="2026-03-10", of="C2")
    rows = told(desk.changes("aged-balance", customer="C2"))
    (disputed,) = rows["C2", "not_due"]
    assert disputed.kind == "disputed"
    assert [int(each.change) for each in disputed.figures.values()] == [0, 100]


def test_34_episodes_that_were_resolved_and_opened_are_told(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10")
    desk.does(ResolveDispute(dispute_id("D1"), Outcome.OTHER), "2026-03-10")
    desk.opens("D2", "2", when="2026-03-20")
    (row,) = desk.changes("resolution-time").rows
    assert {name: each.change for name, each in row.figures.items()} == {
        "opened": 1, "still_open": 0, "escalated": 0, "days_observed": 21,
        "with_target": 1, "in_time": 0, "count": 1, "days": 28,
    }  # fmt: skip
    assert {(each.name, each.episode, each.kind) for each in row.contributions} == {
        ("D1", 1, "resolved"), ("D2", 1, "opened"),
    }  # fmt: skip


def test_34_a_median_is_told_at_both_moments_and_its_reason_is_named(desk: Desk) -> None:
    """Resolved after 10 days; opened on 10 February and resolved after 28; opened on 20 March."""
    desk.opens("D1", "1", when="2026-02-01")
    desk.does(ResolveDispute(dispute_id("D1"), Outcome.OTHER), "2026-02-11")
    desk.opens("D2", "2", when="2026-02-10")
    reported = desk.log.newest()
    desk.does(ResolveDispute(dispute_id("D2"), Outcome.OTHER), "2026-03-10")
    desk.opens("D3", "3", when="2026-03-20")
    found = desk.changes("resolution-time", Since(known_at=reported))
    for row in (*found.rows, *found.totals):
        assert row.mean_basis == "closed only"
        assert {name: (each.before, each.after, each.change) for name, each in row.statistics.items()} == {
            "mean_days": (10, 19, 9),
            "median_days": (10, 19, 9),
            "p90_days": (10, pytest.approx(26.2), pytest.approx(16.2)),
            "within_target": (1, 0.5, -0.5),
            "km_median_days": (10, 28, 18),
            "km_p90_days": (None, 28, None),
        }
    assert {each.name: each.kind for each in found.rows[0].contributions} == {
        "D2": "resolved", "D3": "opened",
    }  # fmt: skip
    assert desk.changes("aged-balance").statistics == ()


def test_34_what_only_waits_longer_moves_the_kaplan_meier_median_and_is_named(desk: Desk) -> None:
    """Known on 10 March is that D2 lasted 10 days; later it is among those that were there after 28 days."""
    desk.opens("D1", "1", when="2026-02-01")
    desk.does(ResolveDispute(dispute_id("D1"), Outcome.OTHER), "2026-02-21")
    desk.opens("D2", "2", when="2026-02-15")
    (row,) = desk.changes("resolution-time").rows
    median = row.statistics["km_median_days"]
    assert (median.before, median.after) == (20, 20)
    assert (row.statistics["km_p90_days"].before, row.statistics["km_p90_days"].after) == (20, None)
    (waits,) = row.contributions
    assert (waits.name, waits.kind, waits.events) == ("D2", "aged", ())
    assert {name for name, each in waits.figures.items() if each.change} == {"days_observed"}


def test_34_another_target_is_told_of_the_episodes_that_it_judges_otherwise(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-01")
    desk.does(ResolveDispute(dispute_id("D1"), Outcome.OTHER), "2026-02-11")
    reported = desk.log.newest()
    desk.does(DefineStatus("price", StatusKind.DISPUTE, {"en": "Price"}, target_days=5))
    (row,) = desk.changes("resolution-time", Since(known_at=reported)).rows
    share = row.statistics["within_target"]
    assert (share.before, share.after, share.change) == (1, 0, -1)
    assert only(desk.changes("resolution-time", Since(known_at=reported))).kind == "target_changed"


def test_34_how_an_episode_that_was_counted_before_ended_is_told(desk: Desk) -> None:
    """The period is February's: it counts what was opened then, and what ended in March only as ended."""
    for number in ("1", "2", "3"):
        desk.opens(f"D{number}", number, when="2026-02-10")
    desk.does(ResolveDispute(dispute_id("D1"), Outcome.OTHER), "2026-03-05")
    desk.does(EscalateDispute(dispute_id("D2")), "2026-03-06")
    first, last = date(2026, 2, 1), date(2026, 2, 28)
    (row,) = desk.changes("resolution-time", period_from=first, period_to=last).rows
    assert {each.name: each.kind for each in row.contributions} == {
        "D1": "resolved", "D2": "escalated", "D3": "aged",
    }  # fmt: skip


# --- who may see what --------------------------------------------------------------------------------


def test_29_what_left_ones_reach_is_told_without_where_it_went_or_why(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10", resolver_id=person_id("rita"))
    desk.does(AssignResolver(dispute_id("D1"), person_id("rolf")), "2026-03-10")
    desk.does(ResolveDispute(dispute_id("D1"), Outcome.CREDIT_NOTE, Decimal(100)), "2026-03-12")
    rita, rolf = (Actor(person_id(code), Role.RESOLVER) for code in ("rita", "rolf"))
    for by in ("resolver", "type"):
        gone = only(desk.changes(actor=rita, by=by))
        assert (gone.kind, gone.moved_to, gone.events) == ("out_of_reach", None, ())
    assert desk.changes(actor=rolf).rows == ()
    assert only(desk.changes()).kind == "resolved"


def test_29_what_came_into_ones_reach_is_told_so(desk: Desk) -> None:
    desk.opens("D1", "1", when="2026-02-10", resolver_id=person_id("rita"))
    desk.does(AssignResolver(dispute_id("D1"), person_id("rolf")), "2026-03-10")
    came = only(desk.changes(actor=Actor(person_id("rolf"), Role.RESOLVER), by="resolver"))
    assert (came.kind, came.moved_from) == ("into_reach", None)


def test_29_who_may_not_ask_the_report_may_not_ask_what_changed(desk: Desk) -> None:
    scopeless = Actor(person_id("boss"), Role.SERVICE)
    with pytest.raises(RoleForbids):
        desk.changes(actor=scopeless)


def test_29_who_may_not_read_disputes_sees_balances_without_events(desk: Desk) -> None:
    desk.registers("1", "60", when="2026-03-10")
    program = Actor(person_id("boss"), Role.SERVICE, scopes=frozenset({Permission.READ_AGED_BALANCE}))
    facts = [
        each.events
        for row in desk.changes("aged-balance", actor=program, customer="C1").rows
        for each in row.contributions
    ]
    assert facts
    assert not any(facts)
    assert any(
        each.events for row in desk.changes("aged-balance", customer="C1").rows for each in row.contributions
    )


# --- what cannot be asked ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "name"),
    [
        (Since(), "since_as_at"),
        (Since(as_at=date(2026, 4, 1)), "since_as_at"),
        (Since(known_at=10**9), "since_known_at"),
        (Since(as_at=datetime(2026, 1, 1)), "since_as_at"),  # noqa: DTZ001 - that is what is wrong
    ],
)
def test_40_what_is_wrong_with_the_earlier_moment_is_said_of_it(desk: Desk, since: Since, name: str) -> None:
    with pytest.raises(ParameterInvalid) as refused:
        desk.changes(since=since)
    assert refused.value.name == name


def test_40_the_earlier_moment_is_not_known_later(desk: Desk) -> None:
    with pytest.raises(ParameterInvalid, match="exchange"):
        desk.changes(since=Since(known_at=desk.log.newest()), known_at=3)


def test_40_not_every_report_can_be_compared(desk: Desk) -> None:
    with pytest.raises(ParameterInvalid, match="dispute-report"):
        desk.changes("items")
