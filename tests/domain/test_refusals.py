"""Every refusal, provoked, and its message read: it names the place and the cure."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain import identity, refusals
from domain.case import Case
from domain.catalogue import ChangeSettings, DefineStatus, RetireStatus, StatusKind
from domain.customer import RegisterCustomer
from domain.dispute import (
    AddItems,
    AssignResolver,
    CancelDispute,
    CommentDispute,
    EscalateDispute,
    Outcome,
    RemoveItems,
    ReopenDispute,
)
from domain.follow_up import ChaseResolver, CommentFollowUp, FollowUpPlan, PlanFollowUp, PostponeFollowUp
from domain.imports import FinishImport, ImportCounts
from domain.item import ClearItem
from domain.people import DeactivatePerson, IssueKey, RegisterPerson, RevokeKey
from domain.refusals import Refusal
from domain.reminder import DoReminderStep, SkipReminderStep
from domain.resolving import EndFollowUp
from domain.roles import Permission, Role
from domain.sales import StateMonthlySales
from domain.scenario import DefineScenarioStep, RetireScenarioStep
from domain.undoing import UndoImportOfItem
from tests.domain.sentences import (
    COLLECTOR,
    MANAGER,
    TECHNICIAN,
    Step,
    When,
    World,
    action,
    at,
    day,
    dispute,
    given,
    invoice,
    item,
    key,
    on,
    opening,
    planned,
    qualifying,
    resolving,
    service,
)

ONE, TWO, D, F = item("1"), item("2"), dispute(), action("F")
NOBODY = identity.person_id("nobody")
IMPORT = identity.ImportId(item("import"))
REOPENING = ReopenDispute(D, FollowUpPlan(on(5)))
CODES = "administrative, delivery, dispute_resolved, litigation, ongoing, price, promise_to_pay, quality"


def two(*steps: Step) -> World:
    return given(invoice("1"), invoice("2"), *steps)


def of_two(*steps: Step) -> World:
    return two(opening("1", "2"), *steps)


def reminding(step: str, *numbers: str) -> DoReminderStep:
    return DoReminderStep(identity.customer_id("ACME"), step, tuple(map(item, numbers)))


def skipping(step: str, *numbers: str) -> SkipReminderStep:
    return SkipReminderStep(identity.customer_id("ACME"), step, tuple(map(item, numbers)))


def undoing_its_registration(world: World) -> When:
    return world.when(UndoImportOfItem(IMPORT, ONE, None, given(invoice("1")).item("1")))


SENTENCES: dict[type[Refusal], tuple[Callable[[], When], str]] = {
    refusals.UnknownItem: (
        lambda: given().when(ClearItem(ONE)),
        f"There is no item {ONE}; look it up with the item search, or import it first.",
    ),
    refusals.UnknownDispute: (
        lambda: given().when(resolving()),
        f"There is no dispute {D}; look it up in the dispute report, or open it first.",
    ),
    refusals.UnknownFollowUp: (
        lambda: given().when(EndFollowUp(F)),
        f"There is no follow-up action {F}; look it up in the agenda, or plan it first.",
    ),
    refusals.UnknownPerson: (
        lambda: of_two().when(AssignResolver(D, NOBODY)),
        f"There is no person {NOBODY}; register the person first.",
    ),
    refusals.UnknownStatus: (
        lambda: two().when(qualifying("weird", "1")),
        f"The catalogue has no status 'weird'; it has: {CODES}.",
    ),
    refusals.UnknownActionTemplate: (
        lambda: given().when(DefineStatus("x", StatusKind.ONGOING, {"en": "X"}, action_template="ring")),
        "The catalogue has no action template 'ring'; define it first.",
    ),
    refusals.UnknownStep: (
        lambda: given().when(RetireScenarioStep("sms")),
        (
            "The collection scenario has no step 'sms'; it has: "
            "before_due, first_reminder, second_reminder, call, formal_notice."
        ),
    ),
    refusals.StepInvalid: (
        lambda: given().when(DefineScenarioStep("call", 400)),
        "The step 'call' cannot be so: days are -365 to 365.",
    ),
    refusals.StepRetired: (
        lambda: two(RetireScenarioStep("before_due")).when(reminding("before_due", "1")),
        "The step 'before_due' is retired; choose one that is in use, or take it back into use.",
    ),
    refusals.StepNotDue: (
        lambda: two().when(reminding("first_reminder", "1")),
        (
            "The step 'first_reminder' is due on 2026-03-06 at the earliest, for the oldest selected item "
            "is due on 2026-03-01; choose a step that is due by now, or wait."
        ),
    ),
    refusals.StepAlreadySettled: (
        lambda: two(reminding("before_due", "1")).when(skipping("before_due", "1")),
        (
            "The step 'before_due' was done already, counted from the oldest item, due on 2026-03-01; take "
            "the next step, or plan a follow-up action."
        ),
    ),
    refusals.StepInSeveralCurrencies: (
        lambda: given(invoice("1"), invoice("2", currency="USD")).when(reminding("before_due", "1", "2")),
        (
            "A reminder step goes over items of one currency; this one would be over EUR, USD: name a "
            "currency, or items of one, and take one step for each."
        ),
    ),
    refusals.NothingCollectable: (
        lambda: given(invoice("1", "-5")).when(reminding("before_due", "1")),
        (
            "Nothing can be asked for of customer 'ACME' in EUR: there is no open invoice, or all are "
            "disputed, in litigation, under a follow-up action, promised or written off, or credit outweighs "
            "them; look at the agenda again."
        ),
    ),
    refusals.ItemNotCollectable: (
        lambda: of_two().when(reminding("before_due", "1")),
        (
            f"Item {ONE} takes no part in the scenario: dispute, follow_up; leave it out, or end first what "
            "keeps it out."
        ),
    ),
    refusals.MonthInvalid: (
        lambda: given().when(StateMonthlySales(date(2026, 3, 2), "main", "EUR", Decimal(1))),
        "2026-03-02 is not the first day of a month; sales are stated by whole months, such as 2026-03-01.",
    ),
    refusals.UnknownImport: (
        lambda: given().when(FinishImport(IMPORT, ImportCounts())),
        f"There is no import {IMPORT}; look it up in the list of imports.",
    ),
    refusals.UnknownKey: (
        lambda: given().when(RevokeKey(key("k"))),
        f"There is no API key {key('k')}; look it up in the list of keys.",
    ),
    refusals.EmptySelection: (
        lambda: given().when(qualifying("ongoing")),
        "No item is selected; select one or more open items of one customer.",
    ),
    refusals.ItemSelectedTwice: (
        lambda: two().when(qualifying("ongoing", "1", "1")),
        f"Item {ONE} is selected twice; name each item once.",
    ),
    refusals.ItemNotSelected: (
        lambda: two().when(opening("1", amounts={TWO: Decimal(1)})),
        f"A disputed amount is given for item {TWO}, which is not among the selected items.",
    ),
    refusals.PromiseWithoutDate: (
        lambda: two().when(qualifying("promise_to_pay", "1")),
        "The status 'promise_to_pay' is a promise to pay; give the promised date.",
    ),
    refusals.OutcomeMissing: (
        lambda: of_two().when(EndFollowUp(planned())),
        f"This resolves dispute {D}; say with which outcome.",
    ),
    refusals.OutcomeNotByHand: (
        lambda: of_two().when(resolving(Outcome.CLEARED)),
        (
            "The outcome `cleared` is recorded by the service when the last item of a dispute is paid; "
            "choose another."
        ),
    ),
    refusals.FollowUpDateMissing: (
        lambda: of_two(resolving()).when(ReopenDispute(D, FollowUpPlan())),
        f"Reopening dispute {D} asks for the date on which to follow it up.",
    ),
    refusals.TextTooLong: (
        lambda: two().when(RegisterPerson("x" * 201)),
        "/code has 201 characters, of which 200 can be kept; shorten it.",
    ),
    refusals.TextNotStorable: (
        lambda: two().when(RegisterPerson("a\0")),
        "/code holds a character that no text has (NUL, or half of a surrogate pair); take it out.",
    ),
    refusals.FollowUpContradicted: (
        lambda: two().when(opening("1", plan_follow_up=False, follow_up=FollowUpPlan())),
        "An action is described that is not to be planned; leave out `follow_up` or `plan_follow_up`.",
    ),
    refusals.NotByQualifying: (
        lambda: of_two().when(qualifying("price", "1", "2", resolver_id=TECHNICIAN)),
        (
            f"The items are in open dispute {D}; qualifying them does not change its resolver_id: assign the "
            "resolver to the dispute."
        ),
    ),
    refusals.NotByRepeating: (
        lambda: two(qualifying("ongoing", "1")).when(qualifying("ongoing", "1", plan_follow_up=True)),
        (
            "The items have this status and comment already, and saying it again does not apply "
            "plan_follow_up: plan a follow-up action over them instead."
        ),
    ),
    refusals.NotWithStatus: (
        lambda: two().when(qualifying("litigation", "1", outcome=Outcome.OTHER)),
        (
            "With a status of kind litigation on items without a dispute, outcome has no place: leave it "
            "out; it belongs to the end of a dispute."
        ),
    ),
    refusals.OutcomeUncalledFor: (
        lambda: of_two(PlanFollowUp(F, "Ask", on(2), D)).when(EndFollowUp(F, outcome=Outcome.OTHER)),
        (
            f"Ending follow-up action {F} resolves no dispute, for it is not the last one of a dispute; "
            "leave out the outcome and the credited amount, or resolve the dispute itself."
        ),
    ),
    refusals.CreditedAmountInvalid: (
        lambda: of_two().when(resolving(Outcome.OTHER, credited_amount=Decimal("200.01"))),
        "The credited amount 200.01 is not between 0 and the disputed 200 (in size).",
    ),
    refusals.NothingCredited: (
        lambda: of_two().when(resolving(credited_amount=Decimal(5))),
        (
            "The outcome invoice_upheld credits nothing; leave out the credited amount, or choose "
            "credit_note, partial_credit or other."
        ),
    ),
    refusals.CurrencyInvalid: (
        lambda: given().when(ChangeSettings(currency="Euro")),
        "'Euro' is not a currency; give an ISO 4217 code such as EUR.",
    ),
    refusals.ZoneInvalid: (
        lambda: given().when(ChangeSettings(zone="Paris")),
        "'Paris' is not a time zone; give an IANA name such as Europe/Paris.",
    ),
    refusals.SettingInvalid: (
        lambda: given().when(ChangeSettings(safety_share=Decimal(2))),
        "'2' is not a value for safety_share: a share from 0 to 1.",
    ),
    refusals.StatusInvalid: (
        lambda: given().when(DefineStatus("price", StatusKind.ONGOING, {"en": "X"})),
        "The status 'price' cannot be defined so: its kind is dispute for ever; choose another code.",
    ),
    refusals.WrongKind: (
        lambda: two().when(opening("1", type="ongoing")),
        "The status 'ongoing' is of kind ongoing; this needs one of kind dispute.",
    ),
    refusals.ItemRowInvalid: (
        lambda: given().when(invoice(" ")),
        "Item ' ': customer code, entity and number are required.",
    ),
    refusals.TextMissing: (
        lambda: of_two().when(CommentDispute(D, "")),
        "text is empty; write a text.",
    ),
    refusals.ReceivedInTheFuture: (
        lambda: two().when(opening("1", received_on=day(1))),
        "Received on 2026-03-03 09:00:00+00:00 is later than the opening itself (2026-03-02 09:00:00+00:00).",
    ),
    refusals.DueInThePast: (
        lambda: of_two().when(PostponeFollowUp(planned(), on(-1))),
        "2026-03-01 is already past; give today (2026-03-02) or later.",
    ),
    refusals.TimeGoesBackwards: (
        lambda: two(at(day(2), opening("1"))).when(CommentDispute(D, "Text"), at=day(1), explicit=True),
        (
            "2026-03-03 09:00:00+00:00 is before the last moment of what it changes, 2026-03-04 "
            "09:00:00+00:00; give that moment or a later one."
        ),
    ),
    refusals.StatusRetired: (
        lambda: two(RetireStatus("ongoing")).when(qualifying("ongoing", "1")),
        "The status 'ongoing' is retired; choose an active one.",
    ),
    refusals.NoStatusOfKind: (
        lambda: of_two(RetireStatus("dispute_resolved")).when(resolving()),
        "The catalogue has no active status of kind dispute_resolved; define one.",
    ),
    refusals.PersonInactive: (
        lambda: of_two(DeactivatePerson(TECHNICIAN)).when(AssignResolver(D, TECHNICIAN)),
        f"Person {TECHNICIAN} is inactive; name an active person.",
    ),
    refusals.ItemCleared: (
        lambda: two(ClearItem(ONE)).when(opening("1")),
        f"Item {ONE} is cleared; only open items can be selected.",
    ),
    refusals.ItemAlreadyDisputed: (
        lambda: of_two().when(opening("1", name="E")),
        (
            f"Item {ONE} is already in dispute {D}, put there by {MANAGER.person_id}; work on that dispute, "
            "or take the item out of it first."
        ),
    ),
    refusals.ItemNotInDispute: (
        lambda: two(opening("1")).when(RemoveItems(D, (TWO,))),
        f"Item {TWO} is not in dispute {D}; add it to the dispute first, or leave it out.",
    ),
    refusals.LastItemOfDispute: (
        lambda: of_two().when(RemoveItems(D, (ONE, TWO))),
        f"These are all items of dispute {D}; resolve or cancel the dispute instead.",
    ),
    refusals.SeveralCustomers: (
        lambda: two(invoice("9", customer="OTHER"), opening("1")).when(AddItems(D, (item("9", "OTHER"),))),
        "The selected items belong to several customers; select items of one customer.",
    ),
    refusals.SeveralCurrencies: (
        lambda: two(invoice("9", currency="USD")).when(opening("1", "9")),
        "The items of a dispute must share one currency; these are in EUR, USD. Open one dispute for each.",
    ),
    refusals.SeveralCases: (
        lambda: two(opening("1")).when(qualifying("price", "1", "2")),
        (
            f"Some of the selected items are in an open dispute ({D}) and others are not, or in another; "
            "select them apart."
        ),
    ),
    refusals.ChangesWholeDispute: (
        lambda: of_two().when(qualifying("quality", "1")),
        (
            f"Some items of dispute {D} cannot get another dispute type or reason; select all of its items, "
            "or take these out of it first."
        ),
    ),
    refusals.StatusNotForDispute: (
        lambda: of_two().when(qualifying("ongoing", "1")),
        f"The items are in open dispute {D}; a status of kind ongoing cannot be given until it is resolved.",
    ),
    refusals.AmountOverBalance: (
        lambda: two().when(opening("1", amounts={ONE: Decimal(101)})),
        f"The disputed amount 101 of item {ONE} must have the sign of its balance 100 and not exceed it.",
    ),
    refusals.CurrencyOfDisputedItem: (
        lambda: of_two().when(invoice("1", currency="USD")),
        f"The currency of item '1' cannot change while it is in dispute {D}; take it out first.",
    ),
    refusals.LeadingZerosDiffer: (
        lambda: given(invoice("0012")).when(invoice("12")),
        (
            "Item '12' equals the existing '0012' but for leading zeros; set `pad = 4` in the mapping if "
            "they are the same item, or --accept-as-new if they are not."
        ),
    ),
    refusals.NewerThanImport: (
        lambda: undoing_its_registration(two(opening("1"))),
        (
            f"Item '1' is left as it is, for something newer depends on what the import did: dispute {D}, "
            f"follow-up action {planned()}. Settle or undo that first, or use --force."
        ),
    ),
    refusals.DisputeExists: (
        lambda: two(opening("1")).when(opening("2")),
        f"Dispute {D} exists already; give another reference.",
    ),
    refusals.DisputeAlreadyResolved: (
        lambda: of_two(resolving()).when(resolving()),
        f"Dispute {D} is already resolved; reopen it to go on.",
    ),
    refusals.DisputeWasEscalated: (
        lambda: of_two(EscalateDispute(D)).when(resolving()),
        f"Dispute {D} was escalated to litigation; reopen it to go on.",
    ),
    refusals.DisputeWasCancelled: (
        lambda: of_two(CancelDispute(D)).when(REOPENING),
        f"Dispute {D} was cancelled, for it was opened by mistake; open a new one.",
    ),
    refusals.DisputeStillOpen: (
        lambda: of_two().when(REOPENING),
        f"Dispute {D} is still open; there is nothing to reopen.",
    ),
    refusals.NothingToReopen: (
        lambda: of_two(resolving(), ClearItem(ONE), opening("2", name="E")).when(REOPENING),
        f"Dispute {D} has no item left to dispute; cleared: 1; in another open dispute: 2 in {dispute('E')}.",
    ),
    refusals.FollowUpExists: (
        lambda: of_two().when(PlanFollowUp(planned(), "Ask", on(2), D)),
        f"Follow-up action {planned()} exists already; give another reference.",
    ),
    refusals.FollowUpAlreadyEnded: (
        lambda: of_two(resolving()).when(CommentFollowUp(planned(), "Text")),
        f"Follow-up action {planned()} has ended; plan a new one.",
    ),
    refusals.NobodyToChase: (
        lambda: of_two().when(ChaseResolver(planned())),
        f"Follow-up action {planned()} has no resolver to remind; assign one first.",
    ),
    refusals.CodeTaken: (
        lambda: given(RegisterPerson("mary", login="m")).when(RegisterPerson("max", login="m")),
        "The code 'm' is already taken by mary; choose another.",
    ),
    refusals.RoleForbids: (
        lambda: given().when(RegisterCustomer("NEW"), by=service(Permission.READ_ITEMS)),
        "The role service does not include: import; ask somebody whose role does.",
    ),
    refusals.NotYours: (
        lambda: given(invoice("1", customer="OTHER")).when(
            PlanFollowUp(F, "Ask", on(2), item_ids=(item("1", "OTHER"),)), by=COLLECTOR
        ),
        "The role collector includes plan_follow_up only for: own customers. This is none of them.",
    ),
    refusals.RoleNotGivable: (
        lambda: given().when(RegisterPerson("mary", role=Role.AUDITOR)),
        "The role credit_manager may not give the role auditor.",
    ),
    refusals.ScopeNotGivable: (
        lambda: given().when(
            IssueKey(key("k"), "k", scopes=(Permission.READ_LOG,)), by=service(Permission.PEOPLE)
        ),
        "Nobody gives or takes more than they have: read_log is not among the rights of the role service.",
    ),
}

OUTSIDE_OF_DECISIONS: dict[type[Refusal], tuple[Refusal, str]] = {
    refusals.UnknownCustomer: (
        refusals.UnknownCustomer(identity.customer_id("NEW")),
        f"There is no customer {identity.customer_id('NEW')}; register the customer first.",
    ),
    refusals.ToldInTheFuture: (
        refusals.ToldInTheFuture(datetime(2030, 1, 1, tzinfo=UTC)),
        "2030-01-01 00:00:00+00:00 lies in the future; what is recorded has happened.",
    ),
    refusals.VersionStale: (
        refusals.VersionStale(3, 5),
        "Somebody changed it since version 3; it is now at version 5. Read it again and decide anew.",
    ),
}
"""Those that are raised around a decision and not in it: by the case, the door and the log."""

KINDS = {refusals.Refusal, refusals.Unknown, refusals.Invalid, refusals.Forbidden, refusals.OfField}
CLASSES = {
    found
    for found in vars(refusals).values()
    if isinstance(found, type) and issubclass(found, Refusal) and found not in KINDS
}


@pytest.mark.parametrize("refusal", SENTENCES, ids=lambda refusal: refusal.__name__)
def test_the_message_names_the_place_and_the_cure(refusal: type[Refusal]) -> None:
    sentence, message = SENTENCES[refusal]
    when = sentence()
    when.then(refusal)
    assert str(when.refusal) == message


@pytest.mark.parametrize("refusal", OUTSIDE_OF_DECISIONS, ids=lambda refusal: refusal.__name__)
def test_the_message_of_what_is_refused_around_a_decision(refusal: type[Refusal]) -> None:
    found, message = OUTSIDE_OF_DECISIONS[refusal]
    assert str(found) == message


def test_around_a_decision_the_case_refuses() -> None:
    with pytest.raises(refusals.UnknownCustomer):
        Case().customer(identity.customer_id("NEW"))


def test_every_refusal_is_provoked() -> None:
    assert SENTENCES.keys() | OUTSIDE_OF_DECISIONS.keys() == CLASSES
    assert not SENTENCES.keys() & OUTSIDE_OF_DECISIONS.keys()


def test_the_place_is_a_json_pointer() -> None:
    assert [refusal for refusal in CLASSES if not re.fullmatch(r"(/[a-z_]+)*", refusal.where)] == []
    assert refusals.UnknownItem(ONE).place == "/item_ids"


def test_the_message_uses_the_facts_of_the_refusal_and_no_others() -> None:
    for refusal in CLASSES:
        message = inspect.getdoc(refusal) or ""
        named = set(re.findall(r"\{(\w+)", message))
        assert named == set(inspect.signature(refusal).parameters), refusal
        assert message.endswith(".")


def test_18_beside_an_id_stands_what_people_call_it() -> None:
    plan = FollowUpPlan(reference="their 9")
    world = two(opening("1", name="REF-1", reference="REF-1", follow_up=plan))
    ref = dispute("REF-1")
    again = world.when(opening("2", name="REF-1", reference="REF-1")).refusal
    assert str(again) == f"Dispute 'REF-1' ({ref}) exists already; give another reference."
    mixed = world.when(qualifying("ongoing", "1", "2")).refusal
    assert f"('REF-1' ({ref}))" in str(mixed)
    planning = PlanFollowUp(action("their 9"), "Ask", on(2), item_ids=(TWO,), reference="their 9")
    assert str(world.when(planning).refusal).startswith("Follow-up action 'their 9' (")
    resolved = world.take(resolving(name="REF-1")).when(resolving(name="REF-1")).refusal
    assert str(resolved) == f"Dispute 'REF-1' ({ref}) is already resolved; reopen it to go on."
    assert resolved is not None
    assert resolved.facts() == {"dispute_id": ref}
