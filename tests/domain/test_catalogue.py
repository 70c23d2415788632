"""Spec 27, 28: settings, statuses and templates of a company; its customers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain import identity
from domain.catalogue import (
    LONGEST_DAYS,
    ActionTemplate,
    ActionTemplateDefined,
    AssignmentField,
    AttributeOf,
    ChangeSettings,
    DefineActionTemplate,
    DefineStatus,
    RetireStatus,
    Settings,
    SettingsChanged,
    Status,
    StatusDefined,
    StatusKind,
    StatusTakenOutOfUse,
    in_language,
)
from domain.customer import (
    CollectorAssigned,
    CollectorWithdrawn,
    CustomerAttributesGiven,
    CustomerRegistered,
    CustomerRenamed,
    RegisterCustomer,
    SalesManagerAssigned,
    SalesManagerWithdrawn,
)
from domain.founding import found_company
from domain.identity import COMPANY_STREAM
from domain.people import DeactivatePerson
from domain.refusals import (
    CurrencyInvalid,
    PersonInactive,
    Refusal,
    SettingInvalid,
    StatusInvalid,
    TextMissing,
    UnknownActionTemplate,
    UnknownPerson,
    UnknownStatus,
    ZoneInvalid,
)
from tests.domain.sentences import ACME, COLLECTOR, SALES, TECHNICIAN, given, invoice, qualifying

RISING = "rising numbers of days from 1 to 3650"

# --- settings --------------------------------------------------------------------------------------


def test_27_a_fresh_company_has_a_usable_catalogue() -> None:
    kinds = {code: status.kind for code, status in given().company.statuses.items()}
    assert kinds == {
        "ongoing": StatusKind.ONGOING,
        "price": StatusKind.DISPUTE,
        "quality": StatusKind.DISPUTE,
        "delivery": StatusKind.DISPUTE,
        "administrative": StatusKind.DISPUTE,
        "promise_to_pay": StatusKind.PROMISE_TO_PAY,
        "litigation": StatusKind.LITIGATION,
        "dispute_resolved": StatusKind.DISPUTE_RESOLVED,
    }
    assert all(status.active for status in given().company.statuses.values())
    templates = {status.action_template for status in given().company.statuses.values()} - {None}
    assert templates == set(given().company.action_templates)


def test_27_and_the_defaults_of_its_settings() -> None:
    settings = given().company.settings
    assert (settings.zone, settings.safety_share, settings.ageing_buckets) == (
        "UTC",
        Decimal("0.3"),
        (30, 60, 90),
    )


def test_27_settings_change_and_what_is_not_given_stays() -> None:
    before = given().company.settings
    after = replace(before, zone="Europe/Paris", currency="USD", safety_share=Decimal("0.5"))
    change = ChangeSettings(zone="Europe/Paris", currency="USD", safety_share=Decimal("0.5"))
    world = given().when(change).then(SettingsChanged(COMPANY_STREAM, after, before))
    assert world.company.settings == after
    world.when(change).then_nothing()


def test_27_country_and_assignment_field_are_taken_away_by_saying_none() -> None:
    sector = AssignmentField(AttributeOf.ITEM, "sector")
    world = given(ChangeSettings(country="FR", assignment_field=sector))
    assert (world.company.settings.country, world.company.settings.assignment_field) == ("FR", sector)
    world.when(ChangeSettings(name=None)).then_nothing()
    take = ChangeSettings(country=None, assignment_field=None)
    world = world.when(take).then(SettingsChanged)
    assert (world.company.settings.country, world.company.settings.assignment_field) == (None, None)
    world.when(take).then_nothing()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "New name"},
        {"language": "fr"},
        {"country": "DE-BY"},
        {"default_entity": "north"},
        {"ageing_buckets": (10, 20)},
        {"assignment_field": AssignmentField(AttributeOf.ITEM, "sector")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_27_every_setting_can_be_changed(change: dict[str, Any]) -> None:
    found = given().when(ChangeSettings(**change)).one(SettingsChanged)
    assert found.settings == replace(found.previous, **change)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"currency": "Euro"}, CurrencyInvalid("Euro")),
        ({"zone": "Paris"}, ZoneInvalid("Paris")),
        ({"zone": "../../etc/passwd"}, ZoneInvalid("../../etc/passwd")),
        ({"safety_share": Decimal("1.1")}, SettingInvalid("safety_share", "1.1", "a share from 0 to 1")),
        ({"safety_share": Decimal(-1)}, SettingInvalid("safety_share", "-1", "a share from 0 to 1")),
        *(
            ({"safety_share": Decimal(text)}, SettingInvalid("safety_share", shown, "a share from 0 to 1"))
            for text, shown in (("NaN", "NaN"), ("1e-7", "1E-7"), ("1e-200000", "1E-200000"))
        ),
        ({"ageing_buckets": (30, 3651)}, SettingInvalid("ageing_buckets", "[30, 3651]", RISING)),
        ({"ageing_buckets": ()}, SettingInvalid("ageing_buckets", "[]", RISING)),
        (
            {"ageing_buckets": (0, 30)},
            SettingInvalid("ageing_buckets", "[0, 30]", RISING),
        ),
        (
            {"ageing_buckets": (60, 30)},
            SettingInvalid("ageing_buckets", "[60, 30]", RISING),
        ),
        ({"name": " "}, SettingInvalid("name", " ", "a text that is not empty")),
        ({"default_entity": ""}, SettingInvalid("default_entity", "", "a text that is not empty")),
    ],
)
def test_27_what_no_company_can_have_is_refused(change: dict[str, Any], refusal: Refusal) -> None:
    given().when(ChangeSettings(**change)).then(refusal)
    with pytest.raises(type(refusal)):
        found_company(replace(Settings("Our company"), **change))


def test_27_labels_in_other_languages_stay_and_an_empty_one_is_taken_away() -> None:
    def define(**labels: str) -> DefineStatus:
        return DefineStatus("tax", StatusKind.DISPUTE, labels)

    world = given(define(en="Tax", fr="Taxe"))
    world = world.when(define(en="Taxes", de="Steuer")).then_goes()
    world = world.when(define(en="Taxes", fr="")).then_goes()
    assert {**world.company.status("tax").labels} == {"en": "Taxes", "de": "Steuer"}


# --- statuses and templates ------------------------------------------------------------------------

TAX = DefineStatus("tax", StatusKind.DISPUTE, {"en": "Tax"}, 5, 20, "ask_resolver")


def test_27_a_status_is_defined_and_redefined() -> None:
    tax = Status("tax", StatusKind.DISPUTE, {"en": "Tax"}, 5, 20, "ask_resolver", automatic=True)
    world = given().when(TAX).then(StatusDefined(COMPANY_STREAM, tax, None))
    world.when(TAX).then_nothing()
    slower = replace(TAX, follow_up_days=9)
    world = world.when(slower).then(StatusDefined(COMPANY_STREAM, replace(tax, follow_up_days=9), tax))
    assert world.company.status("tax").follow_up_days == 9


def test_27_redefined_a_status_keeps_what_is_not_said() -> None:
    bare = DefineStatus("tax", StatusKind.DISPUTE, {"en": "Taxes"})
    world = given(replace(TAX, automatic=False)).take(bare)
    tax = Status("tax", StatusKind.DISPUTE, {"en": "Taxes"}, 5, 20, "ask_resolver", automatic=False)
    assert world.company.status("tax") == tax
    world.when(bare).then_nothing()
    taken_away = replace(bare, target_days=None, action_template=None, automatic=True)
    world = world.take(taken_away)
    assert world.company.status("tax") == Status(
        "tax", StatusKind.DISPUTE, {"en": "Taxes"}, 5, automatic=True
    )


def test_28_a_retired_status_is_taken_back_into_use_by_saying_so() -> None:
    world = given(TAX, RetireStatus("tax"))
    world.when(TAX).then_nothing()
    assert not world.copy().take(replace(TAX, follow_up_days=9)).company.status("tax").active
    assert world.take(replace(TAX, back_into_use=True)).company.status("tax").active
    world.when(replace(TAX, back_into_use=True)).then_nothing()


@pytest.mark.parametrize(
    ("change", "cure"),
    [
        ({"code": " "}, "give a code and at least one label"),
        ({"labels": {}}, "give a code and at least one label"),
        ({"labels": {"en": ""}}, "give a code and at least one label"),
        ({"follow_up_days": -1}, "days are 0 to 3650"),
        ({"follow_up_days": LONGEST_DAYS + 1}, "days are 0 to 3650"),
        ({"target_days": -1}, "days are 0 to 3650"),
        ({"code": "price", "kind": StatusKind.ONGOING}, "its kind is dispute for ever; choose another code"),
    ],
)
def test_27_a_status_that_cannot_be_is_refused(change: dict[str, Any], cure: str) -> None:
    command = replace(TAX, **change)
    given().when(command).then(StatusInvalid(command.code, cure))


def test_27_days_may_be_many_but_not_too_many() -> None:
    given().when(replace(TAX, follow_up_days=LONGEST_DAYS, target_days=0)).then(StatusDefined)


def test_27_a_status_names_a_template_that_there_is() -> None:
    given().when(replace(TAX, action_template="ring")).then(UnknownActionTemplate("ring"))
    ring = DefineActionTemplate("ring", {"en": "Ring them"})
    world = (
        given()
        .when(ring)
        .then(ActionTemplateDefined(COMPANY_STREAM, ActionTemplate("ring", {"en": "Ring them"}), None))
    )
    world.when(ring).then_nothing()
    world.take(replace(TAX, action_template="ring"))
    world.when(DefineActionTemplate("ring", {"en": "Call"})).then(
        ActionTemplateDefined(
            COMPANY_STREAM,
            ActionTemplate("ring", {"en": "Call"}),
            ActionTemplate("ring", {"en": "Ring them"}),
        )
    )


@pytest.mark.parametrize(("code", "titles"), [("", {"en": "Ring"}), ("ring", {}), ("ring", {"en": ""})])
def test_27_a_template_has_a_code_and_a_title(code: str, titles: dict[str, str]) -> None:
    given().when(DefineActionTemplate(code, titles)).then(
        StatusInvalid(code, "give a code and at least one title")
    )


@pytest.mark.parametrize(("language", "text"), [("fr", "Oui"), ("de", "Yes"), ("en", "Yes")])
def test_27_texts_fall_back_to_english_and_then_to_the_code(language: str, text: str) -> None:
    assert in_language({"en": "Yes", "fr": "Oui"}, language, "yes") == text
    assert in_language({"nl": "Ja"}, language, "yes") == "yes"


def test_28_a_retired_status_is_readable_on_old_items() -> None:
    world = given(invoice("1"), qualifying("ongoing", "1"))
    world = world.when(RetireStatus("ongoing")).then(StatusTakenOutOfUse(COMPANY_STREAM, "ongoing"))
    assert world.status("1") == "ongoing"
    assert not world.company.status("ongoing").active
    assert world.company.status("ongoing").labels["en"] == "Ongoing"


def test_28_retired_twice_changes_nothing_and_an_unknown_one_is_refused() -> None:
    given(RetireStatus("ongoing")).when(RetireStatus("ongoing")).then_nothing()
    known = "administrative, delivery, dispute_resolved, litigation, ongoing, price, promise_to_pay, quality"
    given().when(RetireStatus("weird")).then(UnknownStatus("weird", known))


# --- customers -------------------------------------------------------------------------------------


def test_27_a_customer_is_registered_with_all_that_is_told() -> None:
    new = identity.customer_id("NEW")
    told = RegisterCustomer("NEW", "New & Sons", {"branch": "Lyon"}, COLLECTOR.person_id, SALES.person_id)
    world = (
        given()
        .when(told)
        .then(
            CustomerRegistered(new, "NEW", "New & Sons", {}),
            CustomerAttributesGiven(new, {"branch": "Lyon"}, {}),
            CollectorAssigned(new, COLLECTOR.person_id, None),
            SalesManagerAssigned(new, SALES.person_id, None),
        )
    )
    found = world.customer("NEW")
    assert (found.name, found.attributes) == ("New & Sons", {"branch": "Lyon"})
    assert (found.collector_id, found.sales_manager_id) == (COLLECTOR.person_id, SALES.person_id)
    world.when(told).then_nothing()


def test_27_attributes_replace_those_that_were_unless_the_others_are_to_stay() -> None:
    known = RegisterCustomer(ACME, attributes={"branch": "Lyon", "sector": "north"})
    replaced = given(known, RegisterCustomer(ACME, attributes={"sector": "south"}))
    assert replaced.customer(ACME).attributes == {"sector": "south"}
    change = RegisterCustomer(ACME, attributes={"sector": "south"}, other_attributes_stay=True)
    world = given(known).when(change).then_goes()
    assert world.customer(ACME).attributes == {"branch": "Lyon", "sector": "south"}
    world.when(change).then_nothing()
    world.when(RegisterCustomer(ACME, other_attributes_stay=True)).then_nothing()


def test_27_of_a_known_customer_what_differs_changes() -> None:
    acme = identity.customer_id(ACME)
    given().when(RegisterCustomer(ACME, "Acme Ltd", {"branch": "Lyon"})).then(
        CustomerRenamed(acme, "Acme Ltd", ACME), CustomerAttributesGiven(acme, {"branch": "Lyon"}, {})
    )
    given().when(RegisterCustomer(ACME, collector_id=TECHNICIAN, sales_manager_id=TECHNICIAN)).then(
        CollectorAssigned(acme, TECHNICIAN, COLLECTOR.person_id),
        SalesManagerAssigned(acme, TECHNICIAN, SALES.person_id),
    )
    world = given(RegisterCustomer(ACME, "Acme Ltd"))
    assert world.customer().name == "Acme Ltd"
    world.when(RegisterCustomer(ACME)).then_nothing()


def test_27_a_customer_has_a_code_and_known_people() -> None:
    nobody = identity.person_id("nobody")
    given().when(RegisterCustomer(" ")).then(TextMissing("customer code"))
    given().when(RegisterCustomer(ACME, collector_id=nobody)).then(UnknownPerson(nobody))
    given(DeactivatePerson(TECHNICIAN)).when(RegisterCustomer(ACME, sales_manager_id=TECHNICIAN)).then(
        PersonInactive(TECHNICIAN)
    )


def test_29_collector_and_sales_manager_are_taken_away_by_saying_none() -> None:
    acme = identity.customer_id(ACME)
    take = RegisterCustomer(ACME, collector_id=None, sales_manager_id=None)
    world = (
        given()
        .when(take)
        .then(CollectorWithdrawn(acme, COLLECTOR.person_id), SalesManagerWithdrawn(acme, SALES.person_id))
    )
    assert (world.customer().collector_id, world.customer().sales_manager_id) == (None, None)
    world.when(take).then_nothing()
    given().when(RegisterCustomer(ACME)).then_nothing()
