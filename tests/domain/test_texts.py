"""Texts that cannot be kept are refused with place and cure, whatever command they come with."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest

from domain.catalogue import (
    AssignmentField,
    AttributeOf,
    ChangeSettings,
    DefineActionTemplate,
    DefineStatus,
    Settings,
    StatusKind,
)
from domain.commands import Command
from domain.customer import RegisterCustomer
from domain.dispute import AttachDocument, ChangeDisputeType, CommentDispute, ReopenDispute
from domain.follow_up import ChaseResolver, FollowUpPlan, PlanFollowUp
from domain.founding import found_company
from domain.imports import ImportMode, StartImport
from domain.item import ItemDetails
from domain.people import IssueKey, RegisterPerson
from domain.refusals import TextNotStorable, TextTooLong
from domain.texts import LONGEST_CODE, LONGEST_TEXT, is_storable
from tests.domain.sentences import action, dispute, given, invoice, item, key, on, opening, planned

WIDE, LONG = "x" * (LONGEST_CODE + 1), "x" * (LONGEST_TEXT + 1)
IMPORT: Any = dispute("import")


def row(**more: Any) -> Command:
    told = invoice("1")
    details = {each.name for each in fields(ItemDetails)}
    if more.keys() <= details:
        return replace(told, details=replace(told.details, **more))
    return replace(told, **more)


SHORT: list[tuple[str, Any]] = [
    ("/code", RegisterPerson),
    ("/login", lambda text: RegisterPerson("p", login=text)),
    ("/assignment_values/1", lambda text: RegisterPerson("p", assignment_values=("a", text))),
    ("/name", lambda text: IssueKey(key("k"), text)),
    ("/code", RegisterCustomer),
    ("/attributes", lambda text: RegisterCustomer("C", attributes={text: "x"})),
    ("/number", lambda text: row(number=text)),
    ("/customer_code", lambda text: row(customer_code=text)),
    ("/entity", lambda text: row(entity=text)),
    ("/details/attributes", lambda text: row(attributes={text: "x"})),
    ("/reference", lambda text: opening("1", reference=text)),
    ("/follow_up/reference", lambda text: ReopenDispute(dispute(), FollowUpPlan(reference=text))),
    ("/title", lambda text: PlanFollowUp(action("F"), text, on(1))),
    ("/digest", lambda text: AttachDocument(dispute(), "photo.jpg", text)),
    ("/default_entity", lambda text: ChangeSettings(default_entity=text)),
    (
        "/assignment_field/attribute",
        lambda text: ChangeSettings(assignment_field=AssignmentField(AttributeOf.ITEM, text)),
    ),
    ("/labels/en", lambda text: DefineStatus("s", StatusKind.ONGOING, {"en": text})),
    ("/titles/a~1b~0", lambda text: DefineActionTemplate("t", {"a/b~": text})),
]
FREE: list[tuple[str, Any]] = [
    ("/reason", lambda text: ChangeDisputeType(dispute(), "price", text)),
    ("/reason", lambda text: opening("1", reason=text)),
    ("/comment", lambda text: opening("1", comment=text)),
    ("/text", lambda text: CommentDispute(dispute(), text)),
    ("/text", lambda text: ChaseResolver(planned(), text=text)),
    ("/attributes/city", lambda text: RegisterCustomer("C", attributes={"city": text})),
    ("/details/attributes/city", lambda text: row(attributes={"city": text})),
    ("/file_name", lambda text: StartImport(IMPORT, text, "sha256:00", ImportMode.FULL)),
]


def each(rows: list[tuple[str, Any]]) -> Any:
    names = [f"{number}{place}" for number, (place, _) in enumerate(rows)]
    return pytest.mark.parametrize(("place", "command"), rows, ids=names)


@each(SHORT)
def test_texts_codes_and_names_are_short(place: str, command: Any) -> None:
    refusal = given().when(command(WIDE)).refusal
    assert refusal == TextTooLong(place, LONGEST_CODE + 1, LONGEST_CODE)
    assert refusal.place == place
    assert not isinstance(given().when(command(WIDE[:-1])).refusal, TextTooLong)


@each(FREE)
def test_texts_free_text_is_long_but_not_endless(place: str, command: Any) -> None:
    assert given().when(command(LONG)).refusal == TextTooLong(place, LONGEST_TEXT + 1, LONGEST_TEXT)
    assert not isinstance(given().when(command(LONG[:-1])).refusal, TextTooLong)


@each(SHORT + FREE)
@pytest.mark.parametrize("text", ["a\0b", "ü\0"], ids=ascii)
def test_texts_do_not_hold_nul(text: str, place: str, command: Any) -> None:
    refusal = given().when(command(text)).refusal
    assert refusal == TextNotStorable(place)
    assert refusal.place == place


@each(FREE)
def test_texts_do_not_hold_halves_of_characters(place: str, command: Any) -> None:
    assert given().when(command("half \ud800")).refusal == TextNotStorable(place)


def test_texts_of_any_language_are_kept() -> None:
    assert all(map(is_storable, ["", "plain", "Müller", "日本", "\U0001f600", "a\tb\n"]))


def test_texts_of_a_new_companys_settings_too() -> None:
    with pytest.raises(TextTooLong):
        found_company(Settings(WIDE))
    with pytest.raises(TextNotStorable):
        found_company(Settings("a", language="\0"))


def test_texts_what_is_no_text_is_passed_over() -> None:
    given(invoice("1")).when(opening("1", amounts={item("1"): Decimal(1)})).then_goes()
