"""Spec §2: items, and what the ledger says of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain import identity
from domain.customer import CustomerRegistered, RegisterCustomer
from domain.dispute import DisputeResolved, DisputeState, ItemsTakenOut, Outcome, ReopenDispute
from domain.follow_up import Ended, FollowUpEnded, FollowUpPlan
from domain.imports import (
    FinishImport,
    Import,
    ImportCounts,
    ImportFinished,
    ImportMode,
    ImportStarted,
    StartImport,
)
from domain.item import (
    ClearItem,
    Item,
    ItemCleared,
    ItemCorrected,
    ItemRegistered,
    ItemReinstated,
    ItemReleased,
    ItemReturned,
    ItemType,
    Release,
)
from domain.refusals import (
    CurrencyInvalid,
    CurrencyOfDisputedItem,
    ItemRowInvalid,
    LeadingZerosDiffer,
    UnknownImport,
    UnknownItem,
)
from tests.domain.sentences import (
    ACME,
    COLLECTOR,
    MANAGER,
    MONDAY,
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

IMPORT = identity.ImportId(identity.item_id("any", "id", "will do"))


def test_01_a_row_registers_its_item_with_all_that_the_ledger_says() -> None:
    row = invoice("1", "100", balance="80", attributes={"city": "Lyon"}, import_id=IMPORT)
    world = (
        given()
        .when(row)
        .then(ItemRegistered(item("1"), identity.customer_id(ACME), ACME, "main", "1", row.details, IMPORT))
    )
    assert world.item("1") == Item(item("1"), identity.customer_id(ACME), ACME, "main", "1", row.details)
    assert world.item("1").is_open


def test_01_an_unknown_customer_code_registers_the_customer_in_the_same_decision() -> None:
    row = invoice("1", customer="NEW", customer_name="New & Sons", import_id=IMPORT)
    when = given().when(row, by=COLLECTOR)
    world = when.then(
        CustomerRegistered(identity.customer_id("NEW"), "NEW", "New & Sons", {}, IMPORT),
        ItemRegistered(
            item("1", "NEW"), identity.customer_id("NEW"), "NEW", "main", "1", row.details, IMPORT
        ),
    )
    assert len(when.decisions) == 1
    assert world.customer("NEW").collector_id is None


def test_01_a_customer_without_a_name_is_called_by_the_code() -> None:
    assert given(invoice("1", customer="NEW")).customer("NEW").name == "NEW"


@pytest.mark.parametrize("currency", ["eur", "EURO", "€", "", "EU1"])
def test_01_a_currency_is_an_iso_code(currency: str) -> None:
    given().when(invoice("1", currency=currency)).then(CurrencyInvalid(currency))


@pytest.mark.parametrize("kind", [ItemType.CREDIT_NOTE, ItemType.PAYMENT])
def test_01_credit_notes_and_payments_have_negative_amounts(kind: ItemType) -> None:
    problem = f"a {kind} has a negative amount; negate it in the mapping"
    given().when(invoice("1", "100", kind=kind)).then(ItemRowInvalid("1", problem))
    given().when(invoice("1", "-100", kind=kind)).then(ItemRegistered)


@pytest.mark.parametrize(
    ("number", "customer", "entity"), [(" ", ACME, "main"), ("1", " ", "main"), ("1", ACME, "")]
)
def test_01_an_item_needs_number_customer_and_entity(number: str, customer: str, entity: str) -> None:
    given().when(invoice(number, customer=customer, entity=entity)).then(
        ItemRowInvalid(number, "customer code, entity and number are required")
    )


# --- identity --------------------------------------------------------------------------------------


def test_02_identity_is_entity_customer_and_number() -> None:
    world = given(invoice("1"))
    world.when(invoice("1", entity="other")).then(ItemRegistered)
    world.when(invoice("1", customer="OTHER")).then(ItemRegistered)
    world.when(invoice("2")).then(ItemRegistered)


def test_02_importing_the_same_row_twice_changes_nothing() -> None:
    given(invoice("1")).when(invoice("1")).then_nothing()
    given(invoice("1", balance="0")).when(invoice("1", balance="0")).then_nothing()
    given(invoice("1", "100")).when(invoice("1", "100.00")).then_nothing()


def test_02_a_row_that_differs_corrects_the_item() -> None:
    before, after = invoice("1", balance="100"), invoice("1", balance="60", attributes={"city": "Lyon"})
    world = given(before).when(after).then(ItemCorrected(item("1"), after.details, before.details, None))
    assert world.item("1").details == after.details


@pytest.mark.parametrize(
    ("existing", "number", "cure"),
    [
        ("0012", "12", "set `pad = 4` in the mapping"),
        ("12", "0012", "drop its leading zeros in the file"),
        ("000", "0", "set `pad = 3` in the mapping"),
        ("00000000000000000012", "12", "set `pad = 20` in the mapping"),
        ("12", "0" * 40 + "12", "drop its leading zeros in the file"),
    ],
)
def test_02_a_number_equal_but_for_leading_zeros_is_a_conflict(existing: str, number: str, cure: str) -> None:
    given(invoice(existing)).when(invoice(number)).then(LeadingZerosDiffer(number, existing, cure))


def test_02_a_cleared_item_conflicts_by_its_leading_zeros_too() -> None:
    given(invoice("012", balance="0")).when(invoice("12")).then(LeadingZerosDiffer)


def test_02_accepted_as_new_it_is_another_item() -> None:
    world = given(invoice("0012")).when(invoice("12", accept_as_new=True)).then(ItemRegistered)
    assert {world.item("12").number, world.item("0012").number} == {"12", "0012"}
    world.when(invoice("12")).then_nothing()


@pytest.mark.parametrize(
    ("existing", "number"),
    [("0A1", "A1"), ("\N{ARABIC-INDIC DIGIT ZERO}12", "12"), ("0012", "120"), ("1200", "12")],
)
def test_02_other_numbers_do_not_conflict(existing: str, number: str) -> None:
    given(invoice(existing)).when(invoice(number)).then(ItemRegistered)


def test_02_leading_zeros_of_another_customer_do_not_conflict() -> None:
    given(invoice("0012", customer="OTHER")).when(invoice("12")).then(ItemRegistered)


# --- cleared and reinstated ------------------------------------------------------------------------


def test_03_a_zero_balance_clears() -> None:
    row = invoice("1", balance="0", cleared_on=on(-2), import_id=IMPORT)
    world = (
        given(invoice("1", balance="70"))
        .when(row)
        .then(ItemCleared(item("1"), identity.customer_id(ACME), on(-2), Decimal(70), "EUR", IMPORT))
    )
    assert world.item("1").cleared
    assert not world.item("1").is_open
    assert world.item("1").details.balance == 0


def test_03_an_item_that_comes_with_no_balance_is_registered_and_cleared() -> None:
    world = given().when(invoice("1", balance="0", cleared_on=on(-2))).then(ItemRegistered, ItemCleared)
    assert world.item("1").cleared


def test_03_what_is_missing_from_a_full_import_is_cleared() -> None:
    world = (
        given(invoice("1"))
        .when(ClearItem(item("1"), on(-2), IMPORT))
        .then(ItemCleared(item("1"), identity.customer_id(ACME), on(-2), Decimal(100), "EUR", IMPORT))
    )
    world.when(ClearItem(item("1"))).then_nothing()


def test_03_only_a_known_item_can_be_cleared() -> None:
    given().when(ClearItem(item("1"))).then(UnknownItem(item("1")))


def test_03_a_cleared_item_seen_again_with_a_balance_is_reinstated() -> None:
    again = invoice("1", balance="40", import_id=IMPORT)
    world = (
        given(invoice("1", balance="0"))
        .when(again)
        .then(ItemReinstated(item("1"), again.details, None, IMPORT))
    )
    assert world.item("1").is_open
    assert world.item("1").details.balance == 40


def test_03_it_is_reinstated_outside_its_old_dispute() -> None:
    world = given(invoice("1"), invoice("2"), opening("1", "2"), ClearItem(item("1")), invoice("1"))
    assert world.item("1").dispute_id is None
    assert world.item("1").qualification is None
    assert world.collectable("1")
    assert set(world.dispute().items) == {item("2")}


def test_03_what_else_was_said_of_it_is_kept() -> None:
    world = given(invoice("1"), qualifying("litigation", "1"), ClearItem(item("1")), invoice("1"))
    assert world.status("1") == "litigation"
    assert not world.collectable("1")


# --- while disputed --------------------------------------------------------------------------------


def test_06_a_cleared_item_leaves_its_dispute() -> None:
    world = given(invoice("1"), invoice("2"), opening("1", "2", plan_follow_up=False))
    world = world.when(ClearItem(item("1"))).then(
        ItemCleared(item("1"), identity.customer_id(ACME), None, Decimal(100), "EUR", None),
        ItemReleased(item("1"), dispute(), Release.CLEARED),
        ItemsTakenOut(dispute(), (item("1"),), Release.CLEARED),
    )
    assert world.dispute().is_open
    assert set(world.dispute().items) == {item("2")}
    assert set(world.dispute().former_items) == {item("1")}


def test_06_the_last_item_that_clears_resolves_the_dispute_and_ends_its_actions() -> None:
    world = given(invoice("1"), invoice("2", "30"), opening("1", "2"), ClearItem(item("1")))
    when = world.when(ClearItem(item("2")))
    resolved = when.one(DisputeResolved)
    assert resolved.outcome is Outcome.CLEARED
    assert (resolved.amount, resolved.amount_at_opening) == (Decimal(30), Decimal(130))
    when.then_also(
        FollowUpEnded(planned(), Ended.DISPUTE_RESOLVED, None, dispute()), ItemReturned(item("2"), planned())
    )
    after = when.world
    assert after.dispute().state is DisputeState.RESOLVED
    assert after.dispute().items == {}
    assert after.dispute().follow_ups == frozenset()
    assert after.item("2").follow_ups == frozenset()
    assert len(when.decisions) == 1


def test_06_with_cleared_the_status_stays_as_it_is() -> None:
    assert given(invoice("1"), opening("1"), ClearItem(item("1"))).status("1") == "price"


def test_06_a_zero_balance_in_a_file_resolves_as_well() -> None:
    given(invoice("1"), opening("1")).when(invoice("1", balance="0")).then_also(
        ItemReleased(item("1"), dispute(), Release.CLEARED)
    )


def test_06_a_correction_to_another_currency_waits_until_the_item_is_out_of_dispute() -> None:
    world = given(invoice("1"), opening("1"))
    world.when(invoice("1", currency="USD")).then(CurrencyOfDisputedItem("1", dispute()))
    world.take(resolving()).when(invoice("1", currency="USD")).then(ItemCorrected)


def test_22_a_reinstated_item_can_be_disputed_again_by_reopening() -> None:
    reopening = ReopenDispute(dispute(), FollowUpPlan(on(5)))
    world = given(invoice("1"), opening("1"), ClearItem(item("1")), invoice("1")).take(reopening)
    assert world.item("1").dispute_id == dispute()


# --- imports ---------------------------------------------------------------------------------------

STARTING = StartImport(IMPORT, "march.csv", "sha256:00", ImportMode.FULL)
COUNTS = ImportCounts(1, 2, 3, 4, 5, 6)


def test_05_an_import_is_recorded_with_file_digest_and_counts() -> None:
    world = given().when(STARTING).then(ImportStarted(IMPORT, "march.csv", "sha256:00", ImportMode.FULL))
    running = Import(IMPORT, "march.csv", "sha256:00", ImportMode.FULL)
    assert world.states[IMPORT] == running
    world = world.when(FinishImport(IMPORT, COUNTS)).then(ImportFinished(IMPORT, COUNTS))
    assert world.states[IMPORT] == replace(running, counts=COUNTS)


def test_05_started_or_finished_twice_changes_nothing() -> None:
    given(STARTING).when(STARTING).then_nothing()
    given(STARTING, FinishImport(IMPORT, COUNTS)).when(FinishImport(IMPORT, COUNTS)).then_nothing()


def test_05_only_an_import_that_was_started_can_finish() -> None:
    given().when(FinishImport(IMPORT, COUNTS)).then(UnknownImport(IMPORT))


def test_05_the_import_is_named_in_what_it_recorded() -> None:
    when = given().when(invoice("1", balance="0", import_id=IMPORT), by=MANAGER, at=MONDAY)
    assert when.one(ItemRegistered).import_id == IMPORT
    assert when.one(ItemCleared).import_id == IMPORT


def test_01_the_api_registers_customers_as_files_do() -> None:
    world = given(RegisterCustomer("NEW", "New & Sons"))
    world.when(invoice("1", customer="NEW", customer_name="Another name"), at=day(1)).then(ItemRegistered)


def test_01_credit_notes_can_be_open_beside_invoices() -> None:
    assert given(credit_note("C1")).item("C1").details.balance == -100


@pytest.mark.parametrize(
    "dates", [{"issued": date(1899, 12, 31)}, {"due": date(1, 1, 1)}, {"cleared_on": date(26, 1, 5)}]
)
def test_04_a_date_before_1900_is_a_date_misread(dates: dict[str, Any]) -> None:
    (wrong,) = dates.values()
    given().when(invoice("1", **dates)).then(ItemRowInvalid("1", f"{wrong} is before 1900; correct the date"))


def test_06_what_is_cleared_has_no_balance() -> None:
    problem = "it is cleared and has a balance; leave out one of them"
    given().when(invoice("1", cleared_on=date(2026, 1, 5))).then(ItemRowInvalid("1", problem))


def test_03_what_else_the_row_of_a_paid_item_says_is_kept() -> None:
    world = given(invoice("1"), invoice("2", balance="30"), opening("1"))
    when = world.when(invoice("1", "80", balance="0"))
    corrected, cleared = when.one(ItemCorrected), when.one(ItemCleared)
    assert {corrected.details.amount, corrected.details.balance, cleared.balance} == {Decimal(80)}
    assert when.events[0] == corrected
    assert len(when.decisions) == 1
    assert when.world.item("1").details == invoice("1", "80", balance="0").details
    when.world.when(invoice("1", "80", balance="0")).then_nothing()
    assert world.when(invoice("2", "80", balance="0")).one(ItemCleared).balance == 30
    turned = world.when(invoice("2", "-80", balance="0", kind=ItemType.CREDIT_NOTE))
    assert turned.one(ItemCleared).balance == 30
    world.when(invoice("1", balance="0", currency="USD")).then(CurrencyOfDisputedItem)
    assert not world.when(invoice("1", balance="0")).all(ItemCorrected)
