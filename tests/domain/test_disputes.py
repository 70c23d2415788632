"""Spec §5: a dispute, from opening to resolution and back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain import identity
from domain.catalogue import DefineStatus, RetireStatus, StatusKind
from domain.dispute import (
    AddItems,
    AssignedBy,
    AssignResolver,
    AttachDocument,
    CancelDispute,
    ChangeDisputeType,
    Channel,
    CommentDispute,
    DisputeCancelled,
    DisputeCommented,
    DisputeCommentReplaced,
    DisputedItem,
    DisputeEscalated,
    DisputeFollowUpEnded,
    DisputeReopened,
    DisputeResolved,
    DisputeState,
    DisputeTypeChanged,
    DocumentAttached,
    EscalateDispute,
    ItemsAdded,
    ItemsTakenOut,
    OfDisputeCommand,
    Outcome,
    RemoveItems,
    ReopenDispute,
    ResolverAssigned,
    UpdateDisputeComment,
    Visibility,
)
from domain.follow_up import Ended, FollowUpEnded, FollowUpPlan, FollowUpPlanned, PlanFollowUp
from domain.item import (
    ClearItem,
    ItemDisputed,
    ItemDisputeVoided,
    ItemPlacedUnderFollowUp,
    ItemQualified,
    ItemReleased,
    ItemReturned,
    ItemStatusRestored,
    ItemWriteOffUndone,
    ItemWrittenOff,
    Qualification,
    Release,
)
from domain.people import DeactivatePerson
from domain.refusals import (
    AmountOverBalance,
    CreditedAmountInvalid,
    DisputeAlreadyResolved,
    DisputeStillOpen,
    DisputeWasCancelled,
    DisputeWasEscalated,
    DueInThePast,
    EmptySelection,
    FollowUpDateMissing,
    ItemAlreadyDisputed,
    ItemNotInDispute,
    ItemNotSelected,
    LastItemOfDispute,
    NoStatusOfKind,
    NothingCredited,
    NothingToReopen,
    OutcomeNotByHand,
    PersonInactive,
    SeveralCurrencies,
    SeveralCustomers,
    StatusRetired,
    TextMissing,
    UnknownDispute,
    UnknownItem,
    UnknownPerson,
    UnknownStatus,
    WrongKind,
)
from tests.domain.sentences import (
    ACME,
    COLLECTOR,
    MANAGER,
    MONDAY,
    OTHER,
    RESOLVER,
    TECHNICIAN,
    World,
    action,
    at,
    credit_note,
    day,
    dispute,
    given,
    invoice,
    item,
    on,
    opening,
    planned,
    qualifying,
    resolving,
)

PRICE = Qualification("price", StatusKind.DISPUTE)
SECOND = PlanFollowUp(action("F"), "Ask the carrier", on(2), dispute())
CREDITING = {Outcome.CREDIT_NOTE, Outcome.PARTIAL_CREDIT, Outcome.OTHER}
REOPENING = ReopenDispute(dispute(), FollowUpPlan(on(5)))


def disputed(*numbers: str, **more: Any) -> World:
    """A dispute over these items of 100 each."""
    return given(*map(invoice, numbers), opening(*numbers, **more))


# --- 18: opened ------------------------------------------------------------------------------------


def test_18_opened_with_all_that_was_told() -> None:
    world = given(invoice("1"))
    told = opening(
        "1",
        type="delivery",
        reason="late",
        comment="Three weeks late",
        received_on=day(-2),
        channel=Channel.EMAIL,
        resolver_id=TECHNICIAN,
        reference="their 7",
    )
    found = world.when(told, by=COLLECTOR).world.dispute()
    assert (found.type, found.reason, found.comment, found.reference) == (
        "delivery",
        "late",
        "Three weeks late",
        "their 7",
    )
    assert (found.received_on, found.channel, found.resolver_id) == (day(-2), Channel.EMAIL, TECHNICIAN)
    assert (found.customer_id, found.currency, found.opened_by) == (
        identity.customer_id(ACME),
        "EUR",
        COLLECTOR.person_id,
    )
    assert (found.state, found.episode, found.amount_at_opening) == (DisputeState.OPEN, 1, Decimal(100))


def test_18_received_now_if_nobody_says_otherwise() -> None:
    assert disputed("1").dispute().received_on == MONDAY


# --- 19: while open --------------------------------------------------------------------------------


def test_19_the_type_changes_and_the_items_follow() -> None:
    world = disputed("1", reason="too dear", comment="See the offer")
    before = Qualification("price", StatusKind.DISPUTE, "See the offer")
    world = world.when(ChangeDisputeType(dispute(), "quality")).then(
        DisputeTypeChanged(dispute(), "quality", "too dear", "price", "too dear"),
        ItemQualified(item("1"), Qualification("quality", StatusKind.DISPUTE, "See the offer"), before),
    )
    assert (world.dispute().type, world.status("1")) == ("quality", "quality")
    world.when(ChangeDisputeType(dispute(), "quality")).then_nothing()


def test_19_the_reason_changes_alone() -> None:
    world = disputed("1", reason="too dear")
    world.when(ChangeDisputeType(dispute(), "price", "not as offered")).then(
        DisputeTypeChanged(dispute(), "price", "not as offered", "price", "too dear")
    )


def test_19_the_type_is_an_active_status_of_kind_dispute() -> None:
    disputed("1").when(ChangeDisputeType(dispute(), "ongoing")).then(
        WrongKind("ongoing", "ongoing", "dispute")
    )
    disputed("1").take(RetireStatus("quality")).when(ChangeDisputeType(dispute(), "quality")).then(
        StatusRetired("quality")
    )


def test_28_a_dispute_keeps_a_type_that_was_retired_since() -> None:
    world = disputed("1", reason="too dear").take(RetireStatus("price"))
    world.when(ChangeDisputeType(dispute(), "price")).then_nothing()
    world.when(ChangeDisputeType(dispute(), "price", "not as offered")).then(DisputeTypeChanged)
    world.when(ChangeDisputeType(dispute(), "weird")).then(UnknownStatus)


def test_19_the_resolver_changes() -> None:
    world = disputed("1", resolver_id=TECHNICIAN)
    change = AssignResolver(dispute(), RESOLVER.person_id)
    world = world.when(change).then(
        ResolverAssigned(dispute(), RESOLVER.person_id, TECHNICIAN, AssignedBy.PERSON)
    )
    world.when(change).then_nothing()


def test_19_to_a_known_and_active_person() -> None:
    nobody = identity.person_id("nobody")
    disputed("1").when(AssignResolver(dispute(), nobody)).then(UnknownPerson(nobody))
    world = disputed("1").take(DeactivatePerson(TECHNICIAN))
    world.when(AssignResolver(dispute(), TECHNICIAN)).then(PersonInactive(TECHNICIAN))


def test_19_the_disputes_own_comment_is_replaced() -> None:
    world = disputed("1", comment="Old")
    world = world.when(UpdateDisputeComment(dispute(), "New")).then(
        DisputeCommentReplaced(dispute(), "New", "Old")
    )
    assert world.dispute().comment == "New"
    world.when(UpdateDisputeComment(dispute(), "New")).then_nothing()
    world.when(UpdateDisputeComment(dispute(), " ")).then(TextMissing("comment"))


@pytest.mark.parametrize("visibility", Visibility)
def test_19_comments_are_for_colleagues_or_for_the_customer(visibility: Visibility) -> None:
    comment = CommentDispute(dispute(), "Is the note there?", visibility)
    world = disputed("1").when(comment).then(DisputeCommented(dispute(), "Is the note there?", visibility))
    assert world.dispute().comments == 1


def test_19_documents_are_attached_by_name_and_digest() -> None:
    document = AttachDocument(dispute(), "photo.jpg", "sha256:00", Visibility.CUSTOMER)
    world = (
        disputed("1")
        .when(document)
        .then(DocumentAttached(dispute(), "photo.jpg", "sha256:00", Visibility.CUSTOMER))
    )
    assert world.dispute().documents == 1


def test_19_what_is_written_is_not_empty() -> None:
    disputed("1").when(CommentDispute(dispute(), "")).then(TextMissing("text"))
    disputed("1").when(AttachDocument(dispute(), " ", "sha256:00")).then(TextMissing("name"))
    disputed("1").when(AttachDocument(dispute(), "photo.jpg", "")).then(TextMissing("digest"))


def test_43_comments_repeat() -> None:
    comment = CommentDispute(dispute(), "Still waiting")
    assert disputed("1").take(comment, comment).dispute().comments == 2


def test_19_items_are_added_under_the_type_and_the_actions_of_the_dispute() -> None:
    world = given(invoice("1"), invoice("2"), opening("1", comment="See the offer"), SECOND)
    amounts = {item("2"): Decimal(40)}
    when = world.when(AddItems(dispute(), (item("2"),), amounts), by=COLLECTOR)
    assert when.one(ItemsAdded).items == (DisputedItem(item("2"), "main", Decimal(40), Decimal(40)),)
    when.then_also(
        ItemDisputed(item("2"), dispute(), Decimal(40), COLLECTOR.person_id),
        ItemQualified(item("2"), Qualification("price", StatusKind.DISPUTE, "See the offer"), None),
    )
    assert set(when.all(ItemPlacedUnderFollowUp)) == {
        ItemPlacedUnderFollowUp(item("2"), action("F")),
        ItemPlacedUnderFollowUp(item("2"), planned()),
    }
    assert when.world.action(planned()).items == {item("1"), item("2")}
    assert set(when.world.dispute().items) == {item("1"), item("2")}


def test_19_added_again_they_change_nothing() -> None:
    world = disputed("1", "2")
    world.when(AddItems(dispute(), (item("2"),))).then_nothing()
    part = AddItems(dispute(), (item("2"),), {item("2"): Decimal(5)})
    world.take(part).when(part).then_nothing()
    world.take(invoice("2", balance="3")).when(part).then_nothing()


def test_19_another_amount_of_an_item_that_is_in_it_is_disputed_from_then_on() -> None:
    world = given(invoice("1"), opening("1", amounts={item("1"): Decimal(30)}))
    more = AddItems(dispute(), (item("1"),), {item("1"): Decimal(50)})
    world = world.when(more, by=COLLECTOR).then(
        ItemsAdded(dispute(), (DisputedItem(item("1"), "main", Decimal(50), Decimal(50)),)),
        ItemDisputed(item("1"), dispute(), Decimal(50), MANAGER.person_id),
    )
    assert world.dispute().items[item("1")].disputed == world.item("1").disputed_amount == 50
    world.when(AddItems(dispute(), (item("1"),), {item("1"): Decimal(101)})).then(AmountOverBalance)
    assert world.take(CancelDispute(dispute())).status("1") is None


def test_19_of_some_that_are_in_it_and_some_that_are_not_the_others_are_added() -> None:
    world = given(invoice("1"), invoice("2"), opening("1"))
    amounts = {item("1"): Decimal(5), item("2"): Decimal(6)}
    added = world.when(AddItems(dispute(), (item("1"), item("2")), amounts)).one(ItemsAdded)
    assert {one.item_id: one.amount for one in added.items} == amounts
    added = world.when(AddItems(dispute(), (item("1"), item("2")))).one(ItemsAdded)
    assert [one.item_id for one in added.items] == [item("2")]


def test_19_only_fitting_items_are_added() -> None:
    world = given(
        invoice("1"),
        invoice("2"),
        invoice("3", currency="USD"),
        invoice("4"),
        invoice("1", customer=OTHER),
        opening("1"),
        opening("4", name="E"),
    )
    add = AddItems
    world.when(add(dispute(), ())).then(EmptySelection())
    world.when(add(dispute(), (item("9"),))).then(UnknownItem(item("9")))
    world.when(add(dispute(), (item("3"),))).then(SeveralCurrencies("EUR, USD"))
    world.when(add(dispute(), (item("1", OTHER),))).then(SeveralCustomers())
    world.when(add(dispute(), (item("4"),))).then(
        ItemAlreadyDisputed(item("4"), dispute("E"), MANAGER.person_id)
    )
    world.when(add(dispute(), (item("2"),), {item("2"): Decimal(101)})).then(
        AmountOverBalance(item("2"), Decimal(101), Decimal(100))
    )
    world.when(add(dispute(), (item("2"),), {item("4"): Decimal(1)})).then(ItemNotSelected(item("4")))


def test_19_removed_items_get_their_previous_status_back() -> None:
    world = given(invoice("1"), invoice("2"), qualifying("ongoing", "1"), opening("1", "2"))
    world = world.when(RemoveItems(dispute(), (item("1"),))).then_also(
        ItemsTakenOut(dispute(), (item("1"),), Release.REMOVED),
        ItemReleased(item("1"), dispute(), Release.REMOVED),
        ItemReturned(item("1"), planned()),
        ItemStatusRestored(item("1"), Qualification("ongoing", StatusKind.ONGOING), PRICE),
    )
    assert world.status("1") == "ongoing"
    assert world.item("1").dispute_id is None
    assert set(world.dispute().items) == {item("2")}
    assert world.dispute().former_items == {}
    world.when(RemoveItems(dispute(), (item("1"),))).then(ItemNotInDispute(item("1"), dispute()))


def test_19_not_all_items_are_removed() -> None:
    world = disputed("1", "2")
    world.when(RemoveItems(dispute(), (item("1"), item("2")))).then(LastItemOfDispute(dispute()))
    world.when(RemoveItems(dispute(), ())).then(EmptySelection())


def test_19_an_action_that_listed_only_the_removed_item_lists_what_is_left() -> None:
    plan = PlanFollowUp(action("F"), "Ask", on(2), dispute(), (item("1"),))
    world = disputed("1", "2").take(plan, RemoveItems(dispute(), (item("1"),)))
    assert world.action(action("F")).items == {item("2")}
    assert world.action(action("F")).is_open


def test_19_several_actions_may_be_planned() -> None:
    world = disputed("1", "2").take(SECOND)
    assert world.dispute().follow_ups == {planned(), action("F")}
    assert world.item("1").follow_ups == {planned(), action("F")}


# --- 20, 21: resolved ------------------------------------------------------------------------------

BY_HAND = sorted(set(Outcome) - {Outcome.CLEARED})


@pytest.mark.parametrize("outcome", BY_HAND)
def test_20_resolved_with_an_outcome_credited_amount_and_comment(outcome: Outcome) -> None:
    world = given(invoice("1"), invoice("2"), opening("1", "2", received_on=day(-3), resolver_id=TECHNICIAN))
    world.take(invoice("2", balance="50"))
    credited = Decimal("12.50") if outcome in CREDITING else None
    command = resolving(outcome, credited_amount=credited, comment="Agreed")
    when = world.when(command, at=day(4))
    assert when.one(DisputeResolved) == DisputeResolved(
        dispute(),
        outcome,
        credited,
        "Agreed",
        identity.customer_id(ACME),
        "price",
        TECHNICIAN,
        "EUR",
        Decimal(150),
        Decimal(200),
        1,
        day(-3),
    )
    found = when.world.dispute()
    assert (found.state, found.outcome, found.credited_amount) == (
        DisputeState.RESOLVED,
        outcome,
        credited,
    )


def test_21_its_items_get_the_companys_resolved_status_and_its_actions_end() -> None:
    world = disputed("1").take(SECOND)
    resolved = Qualification("dispute_resolved", StatusKind.DISPUTE_RESOLVED, "Agreed")
    when = world.when(resolving(comment="Agreed"))
    first, second = sorted([planned(), action("F")])
    assert when.events[1:] == (
        ItemQualified(item("1"), resolved, PRICE),
        ItemReleased(item("1"), dispute(), Release.RESOLVED),
        FollowUpEnded(first, Ended.DISPUTE_RESOLVED, None, dispute()),
        DisputeFollowUpEnded(dispute(), first),
        ItemReturned(item("1"), first),
        FollowUpEnded(second, Ended.DISPUTE_RESOLVED, None, dispute()),
        DisputeFollowUpEnded(dispute(), second),
        ItemReturned(item("1"), second),
    )
    assert when.world.item("1").dispute_id is None
    assert when.world.item("1").follow_ups == frozenset()
    assert when.world.dispute().follow_ups == frozenset()


def test_21_the_status_may_be_another_one_of_that_kind() -> None:
    paid = DefineStatus("upheld", StatusKind.DISPUTE_RESOLVED, {"en": "Upheld"})
    world = disputed("1").take(paid)
    assert world.copy().take(resolving()).status("1") == "dispute_resolved"
    assert world.copy().take(resolving(status="upheld")).status("1") == "upheld"
    world.when(resolving(status="price")).then(WrongKind("price", "dispute", "dispute_resolved"))
    world.take(RetireStatus("dispute_resolved"))
    world.when(resolving(status="dispute_resolved")).then(StatusRetired("dispute_resolved"))
    assert world.take(resolving()).status("1") == "upheld"


def test_21_without_such_a_status_it_cannot_be_resolved() -> None:
    disputed("1").take(RetireStatus("dispute_resolved")).when(resolving()).then(
        NoStatusOfKind("dispute_resolved")
    )


def test_20_written_off_is_remembered_on_the_items() -> None:
    disputed("1").when(resolving(Outcome.WRITTEN_OFF)).then_also(ItemWrittenOff(item("1"), dispute()))
    assert not disputed("1").when(resolving(Outcome.OTHER)).all(ItemWrittenOff)


def test_20_cleared_is_never_said_by_hand() -> None:
    disputed("1").when(resolving(Outcome.CLEARED)).then(OutcomeNotByHand())


@pytest.mark.parametrize(("credited", "fits"), [("0", True), ("100", True), ("100.01", False), ("-1", False)])
def test_20_not_more_is_credited_than_was_disputed(credited: str, fits: bool) -> None:  # noqa: FBT001
    when = disputed("1").when(resolving(Outcome.CREDIT_NOTE, credited_amount=Decimal(credited)))
    assert when.refusal == (None if fits else CreditedAmountInvalid(Decimal(credited), Decimal(100)))


@pytest.mark.parametrize(("credited", "fits"), [("-30", True), ("30", False), ("-31", False)])
def test_20_of_a_disputed_credit_note_the_credit_is_negative(credited: str, fits: bool) -> None:  # noqa: FBT001
    world = given(credit_note("1", "-30"), opening("1"))
    command = resolving(Outcome.CREDIT_NOTE, credited_amount=Decimal(credited))
    assert (world.when(command).refusal is None) is fits


def test_20_beside_a_credit_note_what_is_owed_can_be_credited() -> None:
    world = given(invoice("1"), credit_note("2", "-100"), opening("1", "2"))
    world.when(resolving(Outcome.PARTIAL_CREDIT, credited_amount=Decimal(100))).then_goes()
    world.when(resolving(Outcome.PARTIAL_CREDIT, credited_amount=Decimal(101))).then(
        CreditedAmountInvalid(Decimal(101), Decimal(100))
    )


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - CREDITING - {Outcome.CLEARED}))
def test_20_what_credits_nothing_has_no_credited_amount(outcome: Outcome) -> None:
    disputed("1").when(resolving(outcome, credited_amount=Decimal(1))).then(NothingCredited(outcome))
    disputed("1").when(resolving(outcome)).then_goes()


def test_20_the_amount_of_a_credit_note_may_be_told_by_the_ledger_alone() -> None:
    disputed("1").when(resolving(Outcome.CREDIT_NOTE)).then_goes()


OF_AN_OPEN_DISPUTE: list[OfDisputeCommand] = [
    resolving(),
    EscalateDispute(dispute()),
    ChangeDisputeType(dispute(), "quality"),
    AssignResolver(dispute(), TECHNICIAN),
    UpdateDisputeComment(dispute(), "Text"),
    CommentDispute(dispute(), "Text"),
    AttachDocument(dispute(), "photo.jpg", "sha256:00"),
    AddItems(dispute(), (item("2"),)),
    RemoveItems(dispute(), (item("1"),)),
]


@pytest.mark.parametrize("command", OF_AN_OPEN_DISPUTE, ids=lambda command: type(command).__name__)
def test_19_only_an_open_dispute_changes(command: OfDisputeCommand) -> None:
    world = given(invoice("1"), invoice("2"), opening("1"))
    given().when(command).then(UnknownDispute(dispute()))
    world.copy().take(resolving()).when(command).then(DisputeAlreadyResolved(dispute()))
    world.copy().take(CancelDispute(dispute())).when(command).then(DisputeWasCancelled(dispute()))
    world.copy().take(EscalateDispute(dispute())).when(command).then(DisputeWasEscalated(dispute()))


def test_19_no_action_is_planned_for_a_dispute_that_is_not_open() -> None:
    disputed("1").take(resolving()).when(SECOND).then(DisputeAlreadyResolved(dispute()))
    given().when(SECOND).then(UnknownDispute(dispute()))


# --- 20: cancelled and escalated -------------------------------------------------------------------


def test_20_cancelling_returns_the_previous_status_of_each_item() -> None:
    ongoing = Qualification("ongoing", StatusKind.ONGOING)
    world = given(invoice("1"), invoice("2"), qualifying("ongoing", "1"), opening("1", "2"))
    when = world.when(CancelDispute(dispute(), "Wrong customer"))
    assert when.one(DisputeCancelled) == DisputeCancelled(
        dispute(), "Wrong customer", identity.customer_id(ACME), "price", "EUR", Decimal(200)
    )
    when.then_also(
        ItemReleased(item("1"), dispute(), Release.CANCELLED),
        ItemReleased(item("2"), dispute(), Release.CANCELLED),
        ItemStatusRestored(item("1"), ongoing, PRICE),
        ItemStatusRestored(item("2"), None, PRICE),
        FollowUpEnded(planned(), Ended.DISPUTE_CANCELLED, None, dispute()),
    )
    assert when.world.dispute().state is DisputeState.CANCELLED
    assert (when.world.status("1"), when.world.status("2")) == ("ongoing", None)
    assert when.world.collectable("2")


def test_20_cancelled_twice_changes_nothing() -> None:
    cancel = CancelDispute(dispute())
    disputed("1").take(cancel).when(cancel).then_nothing()
    disputed("1").take(resolving(), cancel).when(cancel).then_nothing()
    given().when(cancel).then(UnknownDispute(dispute()))


ENDINGS: list[OfDisputeCommand] = [resolving(Outcome.CREDIT_NOTE), EscalateDispute(dispute())]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda command: type(command).__name__)
def test_20_a_resolved_or_escalated_dispute_is_cancelled_too(ending: OfDisputeCommand) -> None:
    world = given(invoice("1"), invoice("2"), qualifying("ongoing", "1"), opening("1", "2"), ending)
    said = world.item("2").qualification
    when = world.when(CancelDispute(dispute(), "Wrong customer"))
    world = when.then(
        DisputeCancelled(
            dispute(), "Wrong customer", identity.customer_id(ACME), "price", "EUR", Decimal(200)
        ),
        ItemStatusRestored(item("1"), Qualification("ongoing", StatusKind.ONGOING), said),
        ItemStatusRestored(item("2"), None, said),
    )
    found = world.dispute()
    assert (found.state, found.outcome, found.credited_amount) == (DisputeState.CANCELLED, None, None)
    assert (world.status("1"), world.status("2")) == ("ongoing", None)
    assert world.collectable("2")
    world.when(REOPENING).then(DisputeWasCancelled(dispute()))


def test_20_what_was_said_disputed_or_paid_after_the_ending_stands() -> None:
    world = disputed("1", "2", "3", "4", "5").take(
        resolving(),
        qualifying("ongoing", "1"),
        opening("2", name="E"),
        ClearItem(item("3")),
        ClearItem(item("4")),
        invoice("4"),
    )
    world = world.when(CancelDispute(dispute())).then(
        DisputeCancelled, ItemDisputeVoided(item("2"), dispute()), ItemStatusRestored
    )
    statuses = [world.status(number) for number in "12345"]
    assert statuses == ["ongoing", "price", "dispute_resolved", "dispute_resolved", None]
    assert world.item("2").dispute_id == dispute("E")


def test_20_the_same_status_said_anew_stands() -> None:
    again = qualifying("dispute_resolved", "1")
    world = disputed("1").take(resolving(), qualifying("ongoing", "1"), again, CancelDispute(dispute()))
    assert world.status("1") == "dispute_resolved"


def test_20_cancelling_undoes_what_the_dispute_wrote_off() -> None:
    world = disputed("1").take(resolving(Outcome.WRITTEN_OFF))
    assert not world.collectable("1")
    world = world.when(CancelDispute(dispute())).then_also(ItemWriteOffUndone(item("1"), dispute()))
    assert world.collectable("1")
    other = disputed("1").take(resolving(Outcome.WRITTEN_OFF), opening("1", name="E"))
    assert not other.when(CancelDispute(dispute("E"))).all(ItemWriteOffUndone)
    other = other.take(resolving(name="E"), CancelDispute(dispute("E")))
    assert other.item("1").written_off


def test_20_cancelling_a_reopened_dispute_returns_what_was_there_before_the_dispute() -> None:
    world = given(invoice("1"), qualifying("ongoing", "1"), opening("1"), resolving(), REOPENING)
    assert world.copy().take(CancelDispute(dispute())).status("1") == "ongoing"
    assert world.copy().take(resolving(), CancelDispute(dispute())).status("1") == "ongoing"
    said = given(invoice("1"), opening("1"), resolving(), qualifying("ongoing", "1"), REOPENING)
    assert said.take(CancelDispute(dispute())).status("1") == "ongoing"


def test_20_cancelling_returns_the_status_of_items_that_were_settled_before_the_others() -> None:
    world = given(
        invoice("1"),
        invoice("2"),
        qualifying("promise_to_pay", "1", "2", promised_on=on(9)),
        opening("1", "2"),
        qualifying("dispute_resolved", "1"),
    )
    assert world.status("1") == "dispute_resolved"
    said = world.copy().take(qualifying("ongoing", "1"), CancelDispute(dispute()))
    assert (said.status("1"), said.status("2")) == ("ongoing", "promise_to_pay")
    world = world.take(CancelDispute(dispute()))
    assert (world.status("1"), world.status("2")) == ("promise_to_pay", "promise_to_pay")


def test_20_a_settled_item_that_is_disputed_again_is_settled_no_more() -> None:
    world = disputed("1", "2").take(qualifying("dispute_resolved", "1"), AddItems(dispute(), (item("1"),)))
    assert world.dispute().settled_items == set()
    assert world.take(CancelDispute(dispute())).status("1") is None


def test_20_cancelling_reaches_what_a_reopening_left_out() -> None:
    world = disputed("1", "2").take(resolving(Outcome.WRITTEN_OFF), opening("2", name="E"), REOPENING)
    assert world.dispute("E").is_open
    world = world.take(CancelDispute(dispute()), CancelDispute(dispute("E")))
    assert (world.status("1"), world.status("2")) == (None, None)
    assert world.collectable("2")


@pytest.mark.parametrize("order", ["DE", "ED"])
@pytest.mark.parametrize("ended", [True, False])
def test_20_of_two_cancelled_disputes_neither_status_stays(order: str, ended: bool) -> None:  # noqa: FBT001
    world = given(
        invoice("1"),
        qualifying("promise_to_pay", "1", promised_on=on(9)),
        opening("1"),
        resolving(),
        opening("1", name="E"),
    )
    if ended:
        world = world.take(resolving(name="E"))
    for name in order:
        world = world.take(CancelDispute(dispute(name)))
    assert world.status("1") == "promise_to_pay"


def test_20_cancelling_a_later_dispute_returns_what_the_earlier_one_said() -> None:
    world = disputed("1").take(resolving(), opening("1", name="E"), resolving(name="E"), REOPENING)
    assert world.copy().take(CancelDispute(dispute("E"))).status("1") == "price"
    assert world.copy().take(CancelDispute(dispute())).status("1") == "dispute_resolved"
    world = world.take(CancelDispute(dispute()), CancelDispute(dispute("E")))
    assert world.status("1") is None


def test_21_a_write_off_ends_with_the_reopening() -> None:
    world = disputed("1").take(resolving(Outcome.WRITTEN_OFF))
    world = world.when(REOPENING).then_also(ItemWriteOffUndone(item("1"), dispute()))
    world = world.take(resolving(Outcome.INVOICE_UPHELD))
    assert world.collectable("1")


def test_20_a_dispute_whose_items_were_all_paid_is_cancelled() -> None:
    world = disputed("1").take(ClearItem(item("1")))
    cancelled = world.when(CancelDispute(dispute())).one(DisputeCancelled)
    assert cancelled.amount == 0


def test_20_escalating_hands_the_items_to_litigation() -> None:
    world = given(invoice("1"), opening("1", received_on=day(-3), resolver_id=TECHNICIAN))
    litigation = Qualification("litigation", StatusKind.LITIGATION, "To court")
    when = world.when(EscalateDispute(dispute(), "To court"))
    when.then_also(
        DisputeEscalated(
            dispute(),
            "To court",
            identity.customer_id(ACME),
            "price",
            TECHNICIAN,
            "EUR",
            Decimal(100),
            Decimal(100),
            1,
            day(-3),
        ),
        ItemQualified(item("1"), litigation, PRICE),
        ItemReleased(item("1"), dispute(), Release.ESCALATED),
        FollowUpEnded(planned(), Ended.DISPUTE_ESCALATED, None, dispute()),
    )
    assert when.world.dispute().state is DisputeState.ESCALATED
    assert when.world.dispute().outcome is None


def test_20_into_a_status_of_kind_litigation() -> None:
    disputed("1").when(EscalateDispute(dispute(), status="price")).then(
        WrongKind("price", "dispute", "litigation")
    )
    court = DefineStatus("court", StatusKind.LITIGATION, {"en": "Court"})
    assert disputed("1").take(court, EscalateDispute(dispute(), status="court")).status("1") == "court"
    disputed("1").take(RetireStatus("litigation")).when(EscalateDispute(dispute())).then(
        NoStatusOfKind("litigation")
    )


# --- 22: reopened ----------------------------------------------------------------------------------


def test_22_reopening_restores_status_and_disputed_amounts_in_a_new_episode() -> None:
    world = given(
        invoice("1"),
        invoice("2"),
        opening("1", "2", amounts={item("1"): Decimal(30)}, comment="See the offer"),
        at(day(1), resolving(Outcome.PARTIAL_CREDIT, credited_amount=Decimal(5))),
    )
    when = world.when(ReopenDispute(dispute(), FollowUpPlan(on(9)), "It was not paid back"), at=day(3))
    items = (
        DisputedItem(item("1"), "main", Decimal(30), Decimal(30)),
        DisputedItem(item("2"), "main", Decimal(100), None),
    )
    assert when.one(DisputeReopened) == DisputeReopened(
        dispute(), items, (), Decimal(130), "It was not paid back", 2, day(3)
    )
    found = when.world.dispute()
    assert (found.state, found.outcome, found.credited_amount) == (DisputeState.OPEN, None, None)
    assert (found.episode, found.episode_opened_at, found.received_on) == (2, day(3), MONDAY)
    assert (found.opening_items, found.amount_at_opening) == (items, Decimal(130))
    assert (when.world.status("1"), when.world.item("1").disputed_amount) == ("price", Decimal(30))
    assert when.world.item("2").dispute_id == dispute()


def test_22_with_a_new_follow_up_on_the_date_that_was_told() -> None:
    when = disputed("1").take(resolving()).when(REOPENING)
    follow_up = when.one(FollowUpPlanned)
    assert (follow_up.follow_up_id, follow_up.due_on, follow_up.dispute_id) == (
        planned("D", 2),
        on(5),
        dispute(),
    )
    assert when.world.dispute().follow_ups == {planned("D", 2)}


def test_22_which_is_asked_for() -> None:
    world = disputed("1").take(resolving())
    world.when(ReopenDispute(dispute(), FollowUpPlan())).then(FollowUpDateMissing(dispute()))
    world.when(ReopenDispute(dispute(), FollowUpPlan(on(-1)))).then(DueInThePast(on(-1), on(0)))


def test_22_only_what_is_resolved_or_escalated_is_reopened() -> None:
    given().when(REOPENING).then(UnknownDispute(dispute()))
    disputed("1").when(REOPENING).then(DisputeStillOpen(dispute()))
    disputed("1").take(CancelDispute(dispute())).when(REOPENING).then(DisputeWasCancelled(dispute()))
    world = disputed("1").take(EscalateDispute(dispute()), REOPENING)
    assert world.status("1") == "price"


def test_22_cleared_items_and_those_of_other_disputes_are_left_out_and_listed() -> None:
    world = disputed("1", "2", "3").take(resolving(), ClearItem(item("1")), opening("2", name="E"))
    reopened = world.when(REOPENING).one(DisputeReopened)
    assert [one.item_id for one in reopened.items] == [item("3")]
    assert reopened.left_out == (item("1"), item("2"))
    assert reopened.amount == 100


def test_22_what_a_reopening_left_out_is_found_by_the_next_one() -> None:
    world = disputed("1", "2", "3").take(
        resolving(), ClearItem(item("1")), opening("2", name="E"), REOPENING, at(day(1), resolving())
    )
    when = world.when(REOPENING, at=day(1)).one(DisputeReopened)
    assert (when.left_out, when.amount) == ((item("1"), item("2")), Decimal(100))
    world = world.take(at(day(2), resolving(name="E")), at(day(2), invoice("1")))
    again = world.when(REOPENING, at=day(3)).one(DisputeReopened)
    assert ({one.item_id for one in again.items}, again.left_out) == ({item("1"), item("2"), item("3")}, ())


def test_22_what_was_left_out_and_then_added_and_removed_by_hand_does_not_come_back() -> None:
    world = disputed("1", "2").take(
        resolving(),
        opening("2", name="E"),
        REOPENING,
        CancelDispute(dispute("E")),
        AddItems(dispute(), (item("2"),)),
    )
    assert world.dispute().former_items == {}
    world = world.take(RemoveItems(dispute(), (item("2"),)), at(day(1), resolving()))
    again = world.when(REOPENING, at=day(2)).one(DisputeReopened)
    assert ([one.item_id for one in again.items], again.left_out) == ([item("1")], ())


def test_22_with_nothing_left_it_is_refused_and_they_are_listed() -> None:
    world = disputed("1", "2").take(resolving(), ClearItem(item("1")), opening("2", name="E"))
    world.when(REOPENING).then(NothingToReopen(dispute(), "1", f"2 in {dispute('E')}"))
    cleared = disputed("1").take(ClearItem(item("1")))
    cleared.when(REOPENING).then(NothingToReopen(dispute(), "1", "none"))


def test_22_items_that_cleared_during_the_dispute_come_back_if_they_are_open_again() -> None:
    world = disputed("1", "2").take(ClearItem(item("1")), resolving(), invoice("1"))
    assert [one.item_id for one in world.when(REOPENING).one(DisputeReopened).items] == [item("1"), item("2")]


def test_20_what_was_credited_may_be_booked_before_the_dispute_ends() -> None:
    world = given(invoice("1", "1000"), opening("1"), invoice("1", "1000", balance="300"))
    assert world.when(
        resolving(Outcome.OTHER, credited_amount=Decimal(700))
    ).world.dispute().credited_amount == Decimal(700)
    world.when(resolving(Outcome.OTHER, credited_amount=Decimal(1001))).then(CreditedAmountInvalid)


def test_22_what_was_disputed_last_of_an_item_is_what_comes_back() -> None:
    again = AddItems(dispute(), (item("1"),), {item("1"): Decimal(30)})
    world = disputed("1", "2").take(ClearItem(item("1")), invoice("1"), again, resolving())
    reopened = world.when(REOPENING).one(DisputeReopened)
    assert {one.item_id: one.amount for one in reopened.items} == {item("1"): 30, item("2"): 100}


def test_22_a_part_is_never_more_than_is_left_of_the_balance() -> None:
    world = given(
        invoice("1"), opening("1", amounts={item("1"): Decimal(30)}), resolving(), invoice("1", balance="20")
    )
    reopened = world.when(REOPENING).one(DisputeReopened)
    assert reopened.items == (DisputedItem(item("1"), "main", Decimal(20), Decimal(30)),)


def test_22_an_item_that_is_in_another_currency_by_now_is_not_mixed_in() -> None:
    world = disputed("1", "2").take(resolving(), invoice("2", currency="USD"))
    world.when(REOPENING).then(SeveralCurrencies("EUR, USD"))


def test_22_changing_type_or_resolver_does_not_restart_the_clock() -> None:
    world = given(invoice("1"), opening("1", received_on=day(-5)))
    world.take(
        at(day(1), ChangeDisputeType(dispute(), "quality")), at(day(2), AssignResolver(dispute(), TECHNICIAN))
    )
    assert (world.dispute().episode, world.dispute().episode_opened_at) == (1, day(-5))


def test_22_the_second_resolution_is_of_the_second_episode() -> None:
    world = disputed("1").take(resolving(), at(day(1), REOPENING))
    resolved = world.when(resolving(), at=day(2)).one(DisputeResolved)
    assert (resolved.episode, resolved.episode_opened_at) == (2, day(1))


def test_28_a_retired_type_is_given_to_no_further_item() -> None:
    world = given(invoice("1"), invoice("2"), opening("1"), RetireStatus("price"))
    world.when(AddItems(dispute(), (item("2"),))).then(StatusRetired("price"))
    world.copy().take(resolving()).when(REOPENING).then_goes()
    world.take(ChangeDisputeType(dispute(), "quality")).when(AddItems(dispute(), (item("2"),))).then_goes()
