"""Spec 17, 27: the steps of the collection scenario; doing, skipping and postponing them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain import identity
from domain.follow_up import PlanFollowUp
from domain.identity import COMPANY_STREAM, reminder_run_id
from domain.item import ClearItem
from domain.refusals import (
    DueInThePast,
    ItemCleared,
    ItemNotCollectable,
    NothingCollectable,
    NotYours,
    Refusal,
    RoleForbids,
    SeveralCustomers,
    StepAlreadySettled,
    StepInSeveralCurrencies,
    StepInvalid,
    StepNotDue,
    StepRetired,
    UnknownCustomer,
    UnknownItem,
    UnknownStep,
)
from domain.reminder import (
    DoReminderStep,
    PostponeReminderStep,
    Reminder,
    ReminderRun,
    ReminderStepDone,
    ReminderStepPostponed,
    ReminderStepSkipped,
    SkipReminderStep,
)
from domain.roles import Actor, Permission
from domain.scenario import (
    DefineScenarioStep,
    RetireScenarioStep,
    ScenarioStep,
    ScenarioStepDefined,
    ScenarioStepTakenOutOfUse,
    StepKind,
)
from tests.domain.sentences import (
    ACME,
    ANALYST,
    AUDITOR,
    COLLECTOR,
    MANAGER,
    OPERATING,
    OTHER,
    OTHER_COLLECTOR,
    RESOLVER,
    SALES,
    Step,
    World,
    action,
    at,
    credit_note,
    day,
    given,
    invoice,
    item,
    on,
    opening,
    qualifying,
    service,
)

CUSTOMER = identity.customer_id(ACME)
OLD, NEW = on(-20), on(-2)
"""When the two invoices are due: first_reminder (5) and second_reminder (15) are reached from OLD, none from
NEW."""

FIRST = ScenarioStep("first_reminder", 5, StepKind.EMAIL, {"en": "First reminder", "fr": "Première relance"})


def two(*steps: Step) -> World:
    return given(invoice("1", due=OLD), invoice("2", "50", due=NEW), *steps)


def doing(step: str = "second_reminder", *numbers: str, **more: Any) -> DoReminderStep:
    return DoReminderStep(CUSTOMER, step, tuple(map(item, numbers or ("1", "2"))), **more)


def skipping(step: str = "second_reminder", *numbers: str, **more: Any) -> SkipReminderStep:
    return SkipReminderStep(CUSTOMER, step, tuple(map(item, numbers or ("1", "2"))), **more)


def postponing(to: date, step: str = "second_reminder", *numbers: str) -> PostponeReminderStep:
    return PostponeReminderStep(CUSTOMER, step, tuple(map(item, numbers or ("1", "2"))), to=to)


def run(of: World, oldest_due: date = OLD) -> ReminderRun:
    found = of.states[reminder_run_id(CUSTOMER, "EUR", oldest_due)]
    assert isinstance(found, ReminderRun)
    return found


# --- the catalogue ---------------------------------------------------------------------------------


def test_27_a_fresh_company_has_a_scenario_that_reminds_before_and_after_the_due_date() -> None:
    days = {code: step.days for code, step in given().company.scenario.items()}
    assert days == {
        "before_due": -7,
        "first_reminder": 5,
        "second_reminder": 15,
        "call": 25,
        "formal_notice": 40,
    }
    assert {step.kind for step in given().company.scenario.values()} == set(StepKind)


def test_17_a_step_is_defined_and_said_twice_changes_nothing() -> None:
    define = DefineScenarioStep("sms", 3, StepKind.CALL, {"en": "Ring"}, Decimal(10))
    step = ScenarioStep("sms", 3, StepKind.CALL, {"en": "Ring"}, Decimal(10))
    world = given().when(define).then(ScenarioStepDefined(COMPANY_STREAM, step, None))
    world.when(define).then_nothing()


def test_17_a_step_gets_another_place_by_other_days_and_what_is_not_given_stays() -> None:
    moved = ScenarioStep("first_reminder", 18, StepKind.EMAIL, FIRST.labels)
    given().when(DefineScenarioStep("first_reminder", 18)).then(
        ScenarioStepDefined(COMPANY_STREAM, moved, FIRST)
    )


@pytest.mark.parametrize(
    "change",
    [
        {"kind": StepKind.LETTER},
        {"labels": {"en": "Please pay"}},
        {"minimum_amount": Decimal("99.90")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_17_everything_about_a_step_can_be_changed(change: dict[str, Any]) -> None:
    found = given().when(DefineScenarioStep("first_reminder", **change)).one(ScenarioStepDefined)
    (name,) = change
    expected = {**FIRST.labels, **change[name]} if name == "labels" else change[name]
    assert getattr(found.step, name) == expected
    assert found.previous == FIRST


@pytest.mark.parametrize(
    "command",
    [
        DefineScenarioStep("new", kind=StepKind.CALL, labels={"en": "New"}),
        DefineScenarioStep("new", 3, labels={"en": "New"}),
        DefineScenarioStep("new", 3, StepKind.CALL),
        DefineScenarioStep("new", 3, StepKind.CALL, {"en": ""}),
        DefineScenarioStep(" ", 3, StepKind.CALL, {"en": "New"}),
        DefineScenarioStep("call", 366),
        DefineScenarioStep("call", -366),
        DefineScenarioStep("call", minimum_amount=Decimal("-0.01")),
        DefineScenarioStep("call", minimum_amount=Decimal("NaN")),
        DefineScenarioStep("call", minimum_amount=Decimal(10) ** 18),
        DefineScenarioStep("call", minimum_amount=Decimal("1e200000")),
        DefineScenarioStep("call", minimum_amount=Decimal("0.0000001")),
        DefineScenarioStep("first_reminder", labels={"en": "", "fr": ""}),
    ],
)
def test_17_a_step_that_cannot_be_is_refused(command: DefineScenarioStep) -> None:
    given().when(command).then(StepInvalid)


def test_17_labels_in_other_languages_stay_and_an_empty_one_is_taken_away() -> None:
    world = given(DefineScenarioStep("call", labels={"en": "Ring", "fr": "Appeler"}))
    world = world.when(DefineScenarioStep("call", labels={"en": "Ring up", "de": "Anruf"})).then_goes()
    world = world.when(DefineScenarioStep("call", labels={"fr": ""})).then_goes()
    assert {**world.company.scenario["call"].labels} == {"en": "Ring up", "de": "Anruf"}


@pytest.mark.parametrize("amount", ["999999999999999999", "0.000001"])
def test_17_a_minimum_amount_may_be_whatever_the_log_holds(amount: str) -> None:
    given().when(DefineScenarioStep("call", minimum_amount=Decimal(amount))).then(ScenarioStepDefined)


@pytest.mark.parametrize("days", [-365, 365])
def test_17_a_step_may_be_a_year_away(days: int) -> None:
    given().when(DefineScenarioStep("call", days)).then(ScenarioStepDefined)


def test_17_a_retired_step_is_back_only_when_told_so() -> None:
    world = given().when(RetireScenarioStep("call")).then(ScenarioStepTakenOutOfUse(COMPANY_STREAM, "call"))
    world.when(RetireScenarioStep("call")).then_nothing()
    world.when(DefineScenarioStep("call", 26)).then_goes().when(DefineScenarioStep("call", 26)).then_nothing()
    assert not world.when(DefineScenarioStep("call", 26)).then_goes().company.scenario["call"].active
    assert (
        world.when(DefineScenarioStep("call", back_into_use=True)).then_goes().company.scenario["call"].active
    )


def test_17_an_unknown_step_is_not_retired() -> None:
    given(RetireScenarioStep("call")).when(RetireScenarioStep("sms")).then(
        UnknownStep("sms", "before_due, first_reminder, second_reminder, formal_notice")
    )


@pytest.mark.parametrize("who", [COLLECTOR, RESOLVER, SALES, AUDITOR, ANALYST])
def test_29_the_scenario_is_of_administrators_and_credit_managers(who: Actor) -> None:
    given().when(RetireScenarioStep("call"), by=who).then(RoleForbids)
    given().when(RetireScenarioStep("call"), by=OPERATING).then_goes()


# --- doing -----------------------------------------------------------------------------------------


def test_17_a_step_that_was_done_says_what_it_went_over() -> None:
    reminder = Reminder(
        *(CUSTOMER, "EUR", item("1"), OLD, "second_reminder", 15, StepKind.EMAIL),
        (item("1"), item("2")),
        Decimal(150),
    )
    done = ReminderStepDone(reminder_run_id(CUSTOMER, "EUR", OLD), reminder, "by post too")
    world = two().when(doing(comment="by post too")).then(done)
    assert run(world) == ReminderRun(
        done.run_id, CUSTOMER, "EUR", OLD, frozenset({"second_reminder"}), furthest=15
    )
    world.when(doing()).then_nothing()


def test_17_the_oldest_is_the_item_due_first_that_asks_for_something() -> None:
    world = two(credit_note("3", "-30", due=on(-90)))
    found = world.when(doing("second_reminder", "2", "3", "1")).one(ReminderStepDone).reminder
    assert (found.oldest_item_id, found.oldest_due, found.amount) == (item("1"), OLD, Decimal(120))


def test_17_a_step_is_due_on_its_day_and_not_the_day_before() -> None:
    world = two()
    world.when(doing("call"), at=day(4)).then(StepNotDue("call", on(5), OLD))
    world.when(doing("call"), at=day(5)).then(ReminderStepDone)


def test_17_an_item_that_is_never_due_is_never_reminded_of() -> None:
    given(invoice("1", due=date.max)).when(doing("call", "1")).then(StepNotDue("call", date.max, date.max))


def test_17_a_preventive_step_is_due_before_the_due_date() -> None:
    world = given(invoice("1", due=on(7)))
    world.when(doing("before_due", "1"), at=day(-1)).then(StepNotDue)
    world.when(doing("before_due", "1")).then(ReminderStepDone)


def test_17_the_day_is_that_of_the_companys_zone() -> None:
    given(invoice("1", due=on(-4)), zone="Pacific/Auckland").when(
        doing("first_reminder", "1"), at=day(0, hour=12)
    ).then(ReminderStepDone)
    given(invoice("1", due=on(-4))).when(doing("first_reminder", "1"), at=day(0, hour=12)).then(StepNotDue)


def test_17_what_was_done_counts_for_the_oldest_due_date_alone() -> None:
    world = two(doing(), ClearItem(item("1")), invoice("3", due=NEW))
    world.when(doing("first_reminder", "2", "3"), at=day(3)).then(ReminderStepDone)
    assert run(world).done == {"second_reminder"}


def test_17_the_run_of_an_item_that_comes_back_goes_on_where_it_was() -> None:
    world = two(doing(), opening("1"))
    world.when(doing("second_reminder", "1", "2")).then(ItemNotCollectable(item("1"), "dispute, follow_up"))
    world = world.take(qualifying("dispute_resolved", "1", outcome="invoice_upheld"))
    world.when(doing()).then_nothing()
    world.when(doing("call"), at=day(5)).then(ReminderStepDone)


def test_17_each_currency_is_reminded_of_by_itself() -> None:
    world = given(invoice("1", due=OLD), invoice("2", due=OLD, currency="USD"))
    world.when(doing()).then(StepInSeveralCurrencies)
    world.when(doing("second_reminder", "1", currency="USD")).then(StepInSeveralCurrencies("EUR, USD"))
    world.when(doing("second_reminder", "1", currency="EUR")).then(ReminderStepDone)
    world.take(doing("second_reminder", "1")).when(doing("second_reminder", "2")).then(ReminderStepDone)


def test_17_furthest_is_what_lies_behind_even_if_an_earlier_step_is_done_later() -> None:
    world = two(doing(), doing("first_reminder"))
    assert (run(world).furthest, run(world).done) == (15, frozenset({"first_reminder", "second_reminder"}))


# --- skipping and postponing -----------------------------------------------------------------------


def test_17_a_step_is_skipped_and_may_be_done_all_the_same() -> None:
    world = two().when(skipping(comment="too small")).then(ReminderStepSkipped)
    assert (run(world).skipped, run(world).furthest) == (frozenset({"second_reminder"}), 15)
    world.when(skipping()).then_nothing()
    world = world.when(doing()).then(ReminderStepDone)
    assert (run(world).done, run(world).skipped) == (frozenset({"second_reminder"}), frozenset())


def test_17_what_was_done_can_neither_be_skipped_nor_postponed() -> None:
    settled = StepAlreadySettled("second_reminder", "done", OLD)
    two(doing()).when(skipping()).then(settled)
    two(doing()).when(postponing(on(9))).then(settled)
    two(skipping()).when(postponing(on(9))).then(StepAlreadySettled("second_reminder", "skipped", OLD))


def test_17_a_step_is_postponed_to_a_day() -> None:
    found = two().when(postponing(on(9))).one(ReminderStepPostponed)
    assert (found.to, found.previous) == (on(9), None)
    world = two(postponing(on(9)))
    assert run(world).postponed_to == on(9)
    world.when(postponing(on(9))).then_nothing()
    assert world.when(postponing(on(0))).one(ReminderStepPostponed).previous == on(9)
    world.when(postponing(on(-1))).then(DueInThePast(on(-1), on(0)))


@pytest.mark.parametrize("command", [doing(), skipping()])
def test_17_doing_or_skipping_ends_the_postponement(command: DoReminderStep | SkipReminderStep) -> None:
    assert run(two(postponing(on(9)), command)).postponed_to is None


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("world", "command", "refusal"),
    [
        (two(), doing("sms"), UnknownStep),
        (two(RetireScenarioStep("second_reminder")), doing(), StepRetired("second_reminder")),
        (two(), DoReminderStep(CUSTOMER, "second_reminder", ()), NothingCollectable(ACME, "any currency")),
        (two(), DoReminderStep(identity.customer_id("X"), "call", (item("1"),)), UnknownCustomer),
        (two(), doing("second_reminder", "9"), UnknownItem),
        (two(ClearItem(item("1"))), doing(), ItemCleared(item("1"))),
        (
            given(invoice("1", due=OLD, customer=OTHER)),
            DoReminderStep(CUSTOMER, "second_reminder", (item("1", OTHER),)),
            SeveralCustomers(),
        ),
        (
            two(credit_note("3", "-150", due=OLD)),
            doing("second_reminder", "1", "2", "3"),
            NothingCollectable(ACME, "EUR"),
        ),
        (two(credit_note("3")), doing("second_reminder", "3"), NothingCollectable(ACME, "EUR")),
    ],
)
def test_17_what_cannot_be_reminded_of_is_refused(
    world: World, command: DoReminderStep, refusal: Refusal | type[Refusal]
) -> None:
    world.when(command).then(refusal)


@pytest.mark.parametrize(
    ("step", "because"),
    [
        (opening("1"), "dispute, follow_up"),
        (qualifying("litigation", "1", plan_follow_up=False), "litigation"),
        (qualifying("promise_to_pay", "1", promised_on=on(0), plan_follow_up=False), "promise"),
        (PlanFollowUp(action("F"), "Ask", on(3), item_ids=(item("1"),)), "follow_up"),
    ],
)
def test_15_an_excluded_item_takes_no_part(step: Step, because: str) -> None:
    two(step).when(doing()).then(ItemNotCollectable(item("1"), because))
    two(step).when(doing("call", "2"), at=day(23)).then(ReminderStepDone)


def test_15_a_promise_excludes_through_its_day() -> None:
    world = two(qualifying("promise_to_pay", "1", promised_on=on(3), plan_follow_up=False))
    world.when(doing(), at=day(3)).then(ItemNotCollectable)
    world.when(doing(), at=day(4)).then(ReminderStepDone)


# --- who may ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        (OTHER_COLLECTOR, NotYours),
        (RESOLVER, RoleForbids),
        (SALES, RoleForbids),
        (OPERATING, RoleForbids),
        (AUDITOR, RoleForbids),
        (ANALYST, RoleForbids),
        (service(Permission.IMPORT), RoleForbids),
    ],
)
@pytest.mark.parametrize("command", [doing(), skipping(), postponing(on(9))])
def test_29_ordinary_reminders_are_of_credit_managers_and_the_customers_collector(
    command: DoReminderStep, who: Actor, refusal: type[Refusal]
) -> None:
    two().when(command, by=who).then(refusal)
    for allowed in (MANAGER, COLLECTOR, service(Permission.REMINDERS)):
        two().when(command, by=allowed).then_goes()


def test_29_of_anothers_customer_not_even_that_nothing_is_owed_is_told() -> None:
    nothing = DoReminderStep(CUSTOMER, "second_reminder")
    two().when(nothing, by=OTHER_COLLECTOR).then(NotYours)
    two().when(nothing, by=COLLECTOR).then(NothingCollectable)


def test_43_two_people_who_do_the_same_step_do_it_once() -> None:
    world = two(at(day(0), doing(), COLLECTOR))
    world.when(doing(), by=MANAGER, at=day(1)).then_nothing()
