"""Issue 4, 7: what if. Small histories worked by hand, and that nothing real is touched."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given, settings
from psycopg.conninfo import make_conninfo

from domain import catalogue, dispute, follow_up, item, people, scenario
from domain.identity import (
    OPERATOR,
    DisputeId,
    ImportId,
    ItemId,
    PersonId,
    dispute_id,
    follow_up_id,
    follow_up_of,
    item_id,
    person_id,
)
from domain.roles import Actor, Role
from domain.undoing import UndoImportOfItem
from projections.agenda import AgendaParameters, agenda
from projections.dispute_months import dispute_months
from projections.dispute_report import Counted, DisputeReportParameters, dispute_report
from projections.feed import Feed
from projections.item_statuses import item_statuses
from projections.parameters import Parameters
from projections.reading import Reading
from projections.receivables import ReceivablesParameters, receivables
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from projections.resolver_days import resolver_days
from replay.what_if import comparison
from replay.what_if.comparison import Question, WhatIf, what_if
from replay.what_if.rules import RuleInvalid, Rules
from store.connections import CompanyDatastore, Pool, open_pool
from store.log import Attribution, Log, Submission
from tests.projections.histories import (
    BUSY,
    HISTORIES,
    Made,
    Pick,
    append_from,
    day,
    new_company,
)

NOW: Final = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=4) as pool:
        yield pool


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
        more.setdefault("plan_follow_up", "follow_up" in more)
        self(day(at), dispute.OpenDispute(of, items, kind, "", None, reference=name, **more))
        return of

    def resolve(self, of: DisputeId, at: int, outcome: dispute.Outcome = dispute.Outcome.CREDIT_NOTE) -> None:
        self(day(at), dispute.ResolveDispute(of, outcome))

    def reading(self, pool: Pool, now: datetime = NOW, by: PersonId = OPERATOR) -> tuple[Reading, Log]:
        log = new_company(pool)
        streams = Counter(event.stream_id for each in self.made.decisions for event in each.events)
        who = Attribution(by, "resolver", None, None)
        everything = tuple(self.made.decisions)
        log.append(Submission(uuid4(), None, b"", who, everything, dict.fromkeys(streams, 0), b""))
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


def test_4_7_of_two_groupings_all_rows_and_subtotals_are_there(pool: Pool) -> None:
    told = Told()
    a, b, c = (told.invoice(name, "100") for name in "ABC")
    told.resolve(told.open("january", 11, a), 51)  # price: 40 days, closed in February
    told.resolve(told.open("march", 61, b), 66)  # price: 5 days, closed in March
    told.resolve(told.open("other", 61, c, kind="quality"), 81)
    reading, log = told.reading(pool)
    for by, name in (("type,customer", "resolution-time"), ("type,month", "dispute-months")):
        ask, parameters = QUESTIONS[name]
        report = ask(reading, parameters(by=by))
        (same,) = asked((reading, log), Rules(), question(name, by=by)).answers
        real = [(each, False) for each in report.records()]
        real += [(each, True) for each in report.total_records()]
        assert [
            (of.key, of.second_key, of.second_label, of.figure, of.real, of.what_if, of.is_total)
            for of in same.figures
        ] == [
            (row["key"], row["second_key"], row["second_label"], figure, value, value, is_total)
            for row, is_total in real
            for figure, value in row.items()
            if not isinstance(value, str) and figure not in {"key", "label", "currency"}
        ]
    rules = Rules(resolved_within={"price": 10})
    (answer,) = asked((reading, log), rules, question("resolution-time", by="type,customer")).answers
    assert [
        (of.key, of.second_key, of.real, of.what_if) for of in answer.figures if of.figure == "mean_days"
    ] == [
        ("price", "C1", 22.5, 7.5),
        ("quality", "C1", 20.0, 20.0),
        ("price", "total", 22.5, 7.5),
        ("quality", "total", 20.0, 20.0),
        ("total", "total", pytest.approx(65 / 3), pytest.approx(35 / 3)),
    ]


def test_4_7_no_rules_no_difference(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "_CHUNK", 20)

    @settings(max_examples=6, deadline=None, suppress_health_check=BUSY)
    @given(HISTORIES)
    def check(picks: tuple[Pick, ...]) -> None:
        told = Told()
        told.made = Made().play(picks)
        found = told.reading(pool, told.made.at + timedelta(days=1))
        past = {"as_at": told.made.at - timedelta(days=9), "known_at": told.made.events * 3 // 4}
        for clocks in ({}, past):
            answer = asked(found, Rules(), *(question(name, **clocks) for name in QUESTIONS))
            assert [each for of in answer.answers for each in of.figures if each.differs] == []

    check()


def test_4_7_whatever_happened_nothing_takes_longer_than_the_rule_says(pool: Pool) -> None:
    @settings(max_examples=6, deadline=None, suppress_health_check=BUSY)
    @given(HISTORIES)
    def check(picks: tuple[Pick, ...]) -> None:
        told = Told()
        told.made = Made().play(picks)
        found = told.reading(pool, told.made.at + timedelta(days=30))
        within = dict.fromkeys(("price", "quality", "delivery"), 1)
        answer = asked(
            found,
            Rules(
                resolved_within=within,
                follow_up_days=within,
                assignment_field=catalogue.AssignmentField(catalogue.AttributeOf.ITEM, "sector"),
            ),
            question("resolution-time"),
            question("dispute-report"),
            *(question(name) for name in ("resolver-days", "item-statuses", "receivables", "agenda")),
        )
        for kind in within:
            times = figures(answer, "resolution-time", kind)
            assert times.get("still_open", (0, 0))[1] in {0, None}
            amount = figures(answer, "dispute-report", kind).get("amount", (None, None))
            assert amount[1] is None
        money = figures(answer, "receivables")
        assert money.get("receivables", (0, 0))[0] == money.get("receivables", (0, 0))[1]
        assert money.get("disputes", (0, 0))[1] in {0, None}

    check()


def test_4_7_it_is_as_if_somebody_had_resolved_the_dispute_then(pool: Pool) -> None:
    def history(*, in_time: bool) -> Told:
        told = assigning()
        a, b, c, d = (told.invoice(name, amount) for name, amount in zip("ABCD", "1234", strict=True))
        x = told.open("X", 11, a, b, c, plan_follow_up=True, resolver_id=person_id("sam"))
        action = follow_up_of(x, 1)
        told(day(16), follow_up.ChaseResolver(action, follow_up.Medium.EMAIL, "?", day(30).date()))
        if in_time:
            told.resolve(x, 21, dispute.Outcome.INVOICE_UPHELD)
        else:
            told(day(25), dispute.CommentDispute(x, "still looking"))
            told(day(26), dispute.AddItems(x, (d,)))
            plan = follow_up.PlanFollowUp(follow_up_id("2"), "Ask", day(45).date(), x)
            told(day(27), plan)
        told(day(30), item.ClearItem(a, day(30).date()))
        if not in_time:
            told(day(31), dispute.RemoveItems(x, (b,)))
            told(day(32), dispute.ChangeDisputeType(x, "quality"))
            told.resolve(x, 41, dispute.Outcome.INVOICE_UPHELD)
        told(day(51), item.ClearItem(c, day(51).date()))
        told.open("Y", 61, b, d, kind="delivery")
        return told

    real = history(in_time=False)
    if_so = history(in_time=True)
    rules = Rules(resolved_within={"price": 10})
    questions = [
        each
        for at in (15, 24, 28, 35, 45, 55, 70)
        for each in (
            *(question(name, as_at=day(at)) for name in QUESTIONS),
            question("dispute-report", as_at=day(at), state=Counted.RESOLVED, by="month"),
        )
    ]
    answers = asked(real.reading(pool), rules, *questions).answers
    wanted = asked(if_so.reading(pool), Rules(), *questions).answers
    for about, found, should_be in zip(questions, answers, wanted, strict=True):
        there = {(each.key, each.currency, each.figure): each.what_if for each in found.figures}
        assert {key: value for key, value in there.items() if value is not None} == {
            (each.key, each.currency, each.figure): each.real
            for each in should_be.figures
            if each.real is not None
        }, about


def test_4_7_who_resolved_it_would_have_done_so_earlier(pool: Pool) -> None:
    told = assigning()
    of = told.open("X", 11, told.invoice("A", "100"), resolver_id=person_id("sam"))
    told.resolve(of, 41)
    found = told.reading(pool, by=person_id("sam"))
    answer = asked(found, Rules(resolved_within={"price": 10}), question("resolution-time"))
    # The resolution is the first thing that the resolver did about it.
    assert figures(answer, "resolution-time")["mean_first_response_days"] == (30.0, 10.0)


def test_4_7_an_escalation_that_came_too_late_did_not_happen(pool: Pool) -> None:
    told = Told()
    invoice = told.invoice("A", "100")
    of = told.open("X", 11, invoice)
    told(day(41), dispute.EscalateDispute(of))
    found = told.reading(pool)
    rules = Rules(resolved_within={"price": 10})
    answer = asked(found, rules, question("resolution-time"), question("item-statuses"))
    assert figures(answer, "resolution-time")["escalated"] == (1, 0)
    assert figures(answer, "resolution-time")["count"] == (0, 1)
    assert figures(answer, "item-statuses", "litigation")["items"] == (1, None)


def test_4_7_what_was_said_long_after_ends_when_it_was_recorded(pool: Pool) -> None:
    told = Told()
    invoice = told.invoice("A", "100")
    # Said on the 2nd, written down on the 22nd: nobody can resolve within ten days what nobody knows.
    of = told.open("X", 22, invoice, received_on=day(2))
    told.resolve(of, 31)
    answer = asked(told.reading(pool), Rules(resolved_within={"price": 10}), question("resolution-time"))
    assert figures(answer, "resolution-time")["mean_days"] == (29.0, 20.0)


def test_4_7_business_days_are_counted_as_in_the_report(pool: Pool) -> None:
    told = Told()
    told(day(1), catalogue.ChangeSettings(zone="Europe/Paris", country="FR"))
    told.resolve(told.open("X", 91, told.invoice("A", "100")), 121)  # Wednesday 1 April to 1 May
    rules = Rules(resolved_within={"price": 5}, business_days=True)
    now = datetime(2026, 6, 1, tzinfo=UTC)
    answer = asked(told.reading(pool, now), rules, question("resolution-time"))
    # Working days after the 1st: 2, 3, 7 (the 6th is Easter Monday), 8, 9. Thursday the 9th is 8 days later.
    assert figures(answer, "resolution-time")["mean_business_days"][1] == 5.0
    assert figures(answer, "resolution-time")["mean_days"] == (30.0, 8.0)
    assert answer.rules == ("disputes of type price are resolved within 5 business days",)


def test_4_7_what_is_too_young_and_what_was_cancelled_stays(pool: Pool) -> None:
    told = Told()
    one, two = told.invoice("A", "100"), told.invoice("B", "100")
    told.open("young", 85, one)
    mistake = told.open("mistake", 11, two)
    told(day(51), dispute.CancelDispute(mistake))
    answer = asked(told.reading(pool), Rules(resolved_within={"price": 10}), question("dispute-report"))
    assert answer.changes.events == 0
    assert figures(answer, "dispute-report")["disputes"] == (1, 1)


def test_4_7_a_clearing_that_was_undone_comes_back_outside_the_dispute(pool: Pool) -> None:
    told = Told()
    invoice = told.invoice("A", "100")
    told.open("X", 11, invoice, plan_follow_up=True)
    before = told.made.case.states[invoice]
    assert isinstance(before, item.Item)
    told(day(31), item.ClearItem(invoice, day(31).date()))
    after = told.made.case.states[invoice]
    assert isinstance(after, item.Item)
    run = ImportId(UUID(int=7))
    told(day(41), UndoImportOfItem(run, invoice, before, after))
    answer = asked(
        told.reading(pool),
        Rules(resolved_within={"price": 10}),
        question("dispute-report"),
        question("item-statuses"),
        question("agenda", as_at=day(60)),
    )
    assert figures(answer, "dispute-report")["disputes"] == (1, None)
    assert figures(answer, "item-statuses", "dispute_resolved")["items"] == (None, 1)
    assert figures(answer, "agenda", None)["follow_ups_due"] == (1, 0)  # the customer has no collector


def test_4_7_steps_of_the_scenario_are_due_where_the_dispute_would_be_over(pool: Pool) -> None:
    told = Told()
    told(day(1), scenario.DefineScenarioStep("ring", 5, scenario.StepKind.CALL, {"en": "Ring"}))
    told.open("open", 11, told.invoice("A", "100"))
    found = told.reading(pool)
    answer = asked(found, Rules(resolved_within={"price": 10}), question("agenda", as_at=day(60)))
    counted = figures(answer, "agenda", None)  # the customer has no collector
    assert counted["scenario_steps"] == (0, 1)
    assert counted["disputes_without_follow_up"] == (1, 0)
    assert counted["customers_without_collector"] == (1, 1)


def test_34_a_mean_says_that_it_is_of_closed_episodes_only(pool: Pool) -> None:
    told = Told()
    told.resolve(told.open("late", 11, told.invoice("A", "100")), 51)
    told.open("open", 11, told.invoice("B", "100"))
    answer = asked(told.reading(pool), Rules(resolved_within={"price": 10}), question("resolution-time"))
    basis = {each.figure: each.basis for each in answer.answers[0].figures}
    assert basis["mean_days"] == "closed only"
    assert basis["mean_business_days"] == basis["weighted_mean_days_EUR"] == "closed only"
    assert basis["km_median_days"] is None
    assert basis["count"] is None
    assert "mean_basis" not in basis


@pytest.mark.parametrize("as_at", [None, day(60), day(21)])
def test_4_7_what_would_have_happened_after_the_last_that_was_recorded_counts_at_any_moment(
    pool: Pool, as_at: datetime | None
) -> None:
    told = Told()
    told.open("last", 11, told.invoice("A", "100"))
    answer = asked(
        told.reading(pool), Rules(resolved_within={"price": 10}), question("dispute-report", as_at=as_at)
    )
    assert figures(answer, "dispute-report")["disputes"] == (1, None)


# --- targets -----------------------------------------------------------------------------------------


def test_4_7_other_targets_move_the_share_within_target(pool: Pool) -> None:
    told = Told()
    told.resolve(told.open("ten", 11, told.invoice("A", "100")), 21)
    told.resolve(told.open("forty", 11, told.invoice("B", "100")), 51)
    found = told.reading(pool)
    # The catalogue's target for price disputes is 14 days: one of two keeps it. None keeps 9, both keep 40.
    for days, share in ((9, 0.0), (10, 0.5), (40, 1.0)):
        answer = asked(found, Rules(target_days={"price": days}), question("resolution-time"))
        assert figures(answer, "resolution-time")["within_target"] == (0.5, share)
        assert {each.figure for each in answer.answers[0].figures if each.differs} <= {"within_target"}
        assert answer.changes.targets == 1


# --- assignment --------------------------------------------------------------------------------------


def assigning() -> Told:
    """Rita resolves food by the rule, Tom and Sam nothing."""
    told = Told()
    field = catalogue.AssignmentField(catalogue.AttributeOf.ITEM, "sector")
    told(day(1), catalogue.ChangeSettings(assignment_field=field))
    for code, values in (("rita", ("food",)), ("tom", ()), ("sam", ())):
        told(day(1), people.RegisterPerson(code, code.title(), None, Role.RESOLVER, values))
    return told


def test_4_7_other_assignment_values_move_what_the_rule_assigned_and_no_more(pool: Pool) -> None:
    told = assigning()
    a, b, c = (told.invoice(name, "100", sector="food") for name in "ABC")
    by_rule = told.open("rule", 11, a)
    by_hand = told.open("hand", 11, b, resolver_id=person_id("rita"))
    changed = told.open("changed", 11, c)
    told(day(15), dispute.AssignResolver(changed, person_id("sam")))
    for of in (by_rule, by_hand, changed):
        told.resolve(of, 21)
    answer = asked(
        told.reading(pool),
        Rules(assigned={"food": "tom"}),
        question("resolution-time", by="resolver"),
        question("resolver-days"),
    )
    # Rita had 10 days of "rule", 10 of "hand", 4 of "changed"; Sam 6. Tom would have 14 of hers.
    assert figures(answer, "resolver-days", "rita")["days"] == (24.0, 10.0)
    assert figures(answer, "resolver-days", "tom")["days"] == (None, 14.0)
    assert figures(answer, "resolver-days", "sam")["days"] == (6.0, 6.0)
    assert figures(answer, "resolution-time", "rita")["count"] == (2, 1)
    assert figures(answer, "resolution-time", "tom")["count"] == (None, 1)
    assert (answer.changes.assignments, answer.changes.other_assignments) == (2, 2)


def test_4_7_another_assignment_field_goes_by_what_was_known_then(pool: Pool) -> None:
    told = assigning()
    invoice = told.invoice("A", "100", sector="food", city="Lyon")
    told.open("X", 11, invoice)
    told(day(12), people.RegisterPerson("tom", "Tom", None, Role.RESOLVER, ("Lyon",)))
    later = told.invoice("B", "100", sector="toys", city="Lyon", at=13)
    told.open("Y", 14, later)  # nobody has toys
    answer = asked(
        told.reading(pool),
        Rules(assignment_field=catalogue.AssignmentField(catalogue.AttributeOf.ITEM, "city")),
        question("dispute-report", by="resolver"),
    )
    # When X was opened, Tom had no city yet; of Y he is the one.
    assert figures(answer, "dispute-report", "rita")["disputes"] == (1, None)
    assert figures(answer, "dispute-report", "tom")["disputes"] == (None, 1)
    assert figures(answer, "dispute-report", None)["disputes"] == (1, 1)


def test_4_7_who_is_named_for_a_value_counts_from_the_beginning(pool: Pool) -> None:
    told = assigning()
    told.open("X", 11, told.invoice("A", "100", sector="food"))
    told(day(20), people.RegisterPerson("new", "New", None, None))
    answer = asked(
        told.reading(pool), Rules(assigned={"food": "new"}), question("dispute-report", by="resolver")
    )
    assert figures(answer, "dispute-report", "new")["disputes"] == (None, 1)


def test_4_7_where_the_rule_finds_nobody_who_was_named_by_hand_stays(pool: Pool) -> None:
    told = assigning()
    of = told.open("X", 11, told.invoice("A", "100", sector="food"), resolver_id=person_id("sam"))
    told(day(12), dispute.AssignResolver(of))  # the rule is asked, and says Rita
    rules = Rules(assignment_field=catalogue.AssignmentField(catalogue.AttributeOf.ITEM, "nothing"))
    answer = asked(told.reading(pool), rules, question("dispute-report", by="resolver"))
    assert figures(answer, "dispute-report", "rita")["disputes"] == (1, None)
    assert figures(answer, "dispute-report", "sam")["disputes"] == (None, 1)


# --- follow-up days ----------------------------------------------------------------------------------


def test_4_7_other_follow_up_days_move_the_dates_that_the_status_gave(pool: Pool) -> None:
    told = Told()
    a, b, c = (told.invoice(name, "100") for name in "ABC")
    # Monday the 12th and seven days: Monday the 19th. With three: Thursday the 15th.
    told.open("by itself", 12, a, plan_follow_up=True)
    told.open("chosen", 12, b, follow_up=follow_up.FollowUpPlan(day(21).date()))
    postponed = told.open("postponed", 12, c, plan_follow_up=True)
    told(day(13), follow_up.PostponeFollowUp(follow_up_of(postponed, 1), day(28).date()))
    found = told.reading(pool)
    rules = Rules(follow_up_days={"price": 3})
    answer = asked(found, rules, question("agenda", as_at=day(17)))
    assert answer.changes.follow_ups == 2  # that which was postponed afterwards would have had another first
    assert figures(answer, "agenda", None)["follow_ups_due"] == (0, 1)
    assert figures(answer, "agenda", None)["days_overdue"] == (0, 2)
    for at, due in ((20, (1, 1)), (22, (2, 2)), (29, (3, 3))):
        answer = asked(found, rules, question("agenda", as_at=day(at)))
        assert figures(answer, "agenda", None)["follow_ups_due"] == due
    # Five days: Saturday the 17th, moved to Monday the 19th.
    assert asked(found, Rules(follow_up_days={"price": 5})).changes.follow_ups == 0


# --- what cannot be asked ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (
            Rules(resolved_within={"prize": 3}),
            "resolved-within prize=3: there is no status 'prize'; there are:",
        ),
        (Rules(resolved_within={"litigation": 3}), "'litigation' is no type of dispute"),
        (Rules(target_days={"price": -1}), "target-days price=-1: -1 is no number of days for this; give a"),
        (Rules(follow_up_days={"price": 3651}), "give a whole number of days from 0 to 3650"),
        (Rules(assigned={"food": "nobody"}), "assign food=nobody: there is no person 'nobody'"),
    ],
)
def test_4_7_a_rule_about_what_is_not_there_is_refused(pool: Pool, rules: Rules, said: str) -> None:
    found = assigning().reading(pool)
    with pytest.raises(RuleInvalid) as refused:
        asked(found, rules, question("resolution-time"))
    assert said in str(refused.value)


def test_4_7_known_at_tells_the_log_up_to_there(pool: Pool) -> None:
    told = Told()
    of = told.open("X", 11, told.invoice("A", "100"))
    known = told.made.events
    told.resolve(of, 51)
    found = told.reading(pool)
    rules = Rules(resolved_within={"price": 10})
    answer = asked(found, rules, question("resolution-time", known_at=known))
    assert answer.position == known
    assert figures(answer, "resolution-time")["still_open"] == (1, 0)
    assert answer.changes.open_episodes == 1
    with pytest.raises(RuleInvalid, match="there are: none"):
        asked(found, rules, question("resolution-time", known_at=0))


def test_4_7_both_sides_are_of_one_position_while_the_service_goes_on(pool: Pool) -> None:
    told = Told()
    of = told.open("X", 11, told.invoice("A", "100"))
    reading, log = told.reading(pool)
    position, versions = told.made.events, dict(told.made.versions)
    told.resolve(of, 51)

    def meanwhile(title: str, done: int, _: int) -> None:
        if title == "asking" and done == 1 and log.newest() == position:
            append_from(log, told.made.decisions[-1:], versions)
            assert isinstance(log.datastore, CompanyDatastore)
            Feed(log.datastore, log).catch_up()

    questions = [question("dispute-report"), question("resolution-time")]
    answer = what_if(reading, log, Rules(), questions, meanwhile)
    assert log.newest() > position == answer.position
    assert figures(answer, "resolution-time")["still_open"] == (1, 1)


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
        assert is_gone(pool)
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


def is_gone(pool: Pool) -> bool:
    """Whether the server has dropped them, which it does when it notices that the connection is gone."""
    for _ in range(100):
        if not left_behind(pool):
            return True
        time.sleep(0.1)
    return False


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
    assert is_gone(pool)
    assert asked((reading, log), Rules(), question("resolution-time")).position
