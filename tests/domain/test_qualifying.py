"""Spec §3: the four steps - qualify, dispute, assign, follow up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain import identity
from domain.catalogue import (
    AssignmentField,
    AttributeOf,
    DefineActionTemplate,
    DefineStatus,
    RetireStatus,
    StatusKind,
)
from domain.customer import RegisterCustomer
from domain.dispute import (
    AssignedBy,
    AssignResolver,
    Channel,
    DisputedItem,
    DisputeFollowedUp,
    DisputeOpened,
    DisputeState,
    DisputeTypeChanged,
    ItemsTakenOut,
    OpenDispute,
    Outcome,
    ResolverAssigned,
    ResolverNotFound,
    Unassigned,
)
from domain.follow_up import Ended, FollowUpItemsChanged, FollowUpPlan, FollowUpPlanned, PostponeFollowUp
from domain.item import (
    ClearItem,
    ItemDisputed,
    ItemPlacedUnderFollowUp,
    ItemQualified,
    ItemReleased,
    ItemReturned,
    Qualification,
    RegisterItem,
    Release,
)
from domain.people import DeactivatePerson, RegisterPerson
from domain.qualifying import QualifyItems
from domain.refusals import (
    AmountOverBalance,
    ChangesWholeDispute,
    DisputeExists,
    DueInThePast,
    EmptySelection,
    FollowUpContradicted,
    FollowUpExists,
    ItemAlreadyDisputed,
    ItemCleared,
    ItemNotSelected,
    ItemSelectedTwice,
    NotByQualifying,
    NotByRepeating,
    NotWithStatus,
    OutcomeMissing,
    PersonInactive,
    PromiseWithoutDate,
    SeveralCases,
    SeveralCurrencies,
    SeveralCustomers,
    StatusNotForDispute,
    StatusRetired,
    UnknownItem,
    UnknownPerson,
    UnknownStatus,
    WrongKind,
)
from domain.roles import Role
from tests.domain.sentences import (
    ACME,
    COLLECTOR,
    MANAGER,
    MONDAY,
    OTHER,
    OTHER_RESOLVER,
    RESOLVER,
    TECHNICIAN,
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

BY_SECTOR = AssignmentField(AttributeOf.ITEM, "sector")


# --- 7: selecting ----------------------------------------------------------------------------------


def test_07_items_get_a_status_and_a_comment() -> None:
    world = (
        given(invoice("1"), invoice("2"))
        .when(qualifying("ongoing", "1", "2", comment="Called them"))
        .then(
            ItemQualified(item("1"), Qualification("ongoing", StatusKind.ONGOING, "Called them"), None),
            ItemQualified(item("2"), Qualification("ongoing", StatusKind.ONGOING, "Called them"), None),
        )
    )
    again = Qualification("litigation", StatusKind.LITIGATION)
    world.when(qualifying("litigation", "1")).then(
        ItemQualified(item("1"), again, Qualification("ongoing", StatusKind.ONGOING, "Called them"))
    )


def test_07_at_least_one_item_is_selected() -> None:
    given().when(qualifying("ongoing")).then(EmptySelection())
    given().when(opening()).then(EmptySelection())


def test_07_an_item_is_selected_once() -> None:
    given(invoice("1")).when(qualifying("ongoing", "1", "1")).then(ItemSelectedTwice(item("1")))


def test_07_a_selected_item_exists() -> None:
    given(invoice("1")).when(opening("1", "2")).then(UnknownItem(item("2")))


def test_07_only_open_items_are_selected() -> None:
    given(invoice("1", balance="0")).when(qualifying("ongoing", "1")).then(ItemCleared(item("1")))


def test_07_the_items_are_of_one_customer() -> None:
    both = (item("1"), item("1", OTHER))
    world = given(invoice("1"), invoice("1", customer=OTHER))
    world.when(QualifyItems(dispute(), both, "ongoing")).then(SeveralCustomers())
    world.when(QualifyItems(dispute(), both, "price")).then(SeveralCustomers())


def test_07_an_item_is_in_at_most_one_open_dispute() -> None:
    world = given(invoice("1"), invoice("2"), opening("1"))
    world.when(opening("2", "1", name="E")).then(ItemAlreadyDisputed(item("1"), dispute(), MANAGER.person_id))
    world.take(resolving()).when(opening("2", "1", name="E")).then_goes()


def test_07_the_status_exists_and_is_active() -> None:
    given(invoice("1")).when(qualifying("weird", "1")).then(UnknownStatus)
    given(invoice("1"), RetireStatus("ongoing")).when(qualifying("ongoing", "1")).then(
        StatusRetired("ongoing")
    )


def test_07_a_promise_needs_the_promised_date() -> None:
    given(invoice("1")).when(qualifying("promise_to_pay", "1")).then(PromiseWithoutDate("promise_to_pay"))
    world = given(invoice("1")).when(qualifying("promise_to_pay", "1", promised_on=on(9))).then_goes()
    promise = Qualification("promise_to_pay", StatusKind.PROMISE_TO_PAY, None, on(9))
    assert world.item("1").qualification == promise


# --- 7: disputed in part ---------------------------------------------------------------------------


def part(amount: str, *numbers: str, **more: Any) -> OpenDispute:
    return opening(*numbers, amounts={item(numbers[0]): Decimal(amount)}, **more)


def test_07_an_item_may_be_disputed_in_part() -> None:
    world = given(invoice("1"), invoice("2"))
    opened = world.when(part("30", "1", "2")).one(DisputeOpened)
    assert opened.items == (
        DisputedItem(item("1"), "main", Decimal(30), Decimal(30)),
        DisputedItem(item("2"), "main", Decimal(100), None),
    )
    assert opened.amount == 130


@pytest.mark.parametrize("amount", ["100.01", "-1", "0", "-100"])
def test_07_the_part_has_the_sign_of_the_balance_and_does_not_exceed_it(amount: str) -> None:
    given(invoice("1")).when(part(amount, "1")).then(
        AmountOverBalance(item("1"), Decimal(amount), Decimal(100))
    )


@pytest.mark.parametrize(("amount", "fits"), [("-30", True), ("-100", True), ("30", False), ("-101", False)])
def test_07_of_a_credit_note_the_part_is_negative(amount: str, fits: bool) -> None:  # noqa: FBT001
    when = given(credit_note("1")).when(part(amount, "1"))
    assert isinstance(when.refusal, AmountOverBalance) is not fits


def test_07_an_amount_is_given_for_selected_items_only() -> None:
    given(invoice("1"), invoice("2")).when(opening("1", amounts={item("2"): Decimal(1)})).then(
        ItemNotSelected(item("2"))
    )


@pytest.mark.parametrize(
    ("balance", "whole", "in_part"),
    [("100", "100", "30"), ("30", "30", "30"), ("20", "20", "20"), ("140", "140", "30"), ("-5", "-5", "0")],
)
def test_07_a_whole_dispute_follows_the_balance_and_a_partial_one_is_the_smaller(
    balance: str, whole: str, in_part: str
) -> None:
    world = given(invoice("1"), invoice("2"), part("30", "1", "2"))
    world.take(*(invoice(number, balance=balance) for number in ("1", "2") if balance != "100"))
    assert world.item("1").disputed_amount == Decimal(in_part)
    assert world.item("2").disputed_amount == Decimal(whole)


def test_07_a_part_grows_back_with_the_balance() -> None:
    world = given(invoice("1"), part("30", "1"), invoice("1", balance="20"), invoice("1", balance="90"))
    assert world.item("1").disputed_amount == 30


def test_07_all_of_it_by_name_is_a_part_and_does_not_grow() -> None:
    world = given(invoice("1"), part("100", "1"), invoice("1", balance="120"))
    assert world.item("1").disputed_amount == 100


def test_07_the_whole_item_is_excluded_though_a_part_is_disputed() -> None:
    assert not given(invoice("1"), part("30", "1", plan_follow_up=False)).collectable("1")


# --- 8: a dispute is opened ------------------------------------------------------------------------


def test_08_a_status_of_kind_dispute_opens_a_dispute_over_the_items() -> None:
    world = given(invoice("1"), invoice("2"))
    command = qualifying(
        "quality",
        "1",
        "2",
        name="D",
        comment="Broken on arrival",
        reason="broken",
        received_on=day(-1),
        channel=Channel.PHONE,
        amounts={item("1"): Decimal(30)},
        reference="their 7",
    )
    after = world.when(command, by=COLLECTOR)
    assert after.one(DisputeOpened) == DisputeOpened(
        dispute(),
        "their 7",
        identity.customer_id(ACME),
        ACME,
        "EUR",
        "quality",
        "broken",
        "Broken on arrival",
        (
            DisputedItem(item("1"), "main", Decimal(30), Decimal(30)),
            DisputedItem(item("2"), "main", Decimal(100), None),
        ),
        Decimal(130),
        day(-1),
        Channel.PHONE,
        COLLECTOR.person_id,
    )
    quality = Qualification("quality", StatusKind.DISPUTE, "Broken on arrival")
    after.then_also(
        ItemDisputed(item("1"), dispute(), Decimal(30), COLLECTOR.person_id),
        ItemQualified(item("1"), quality, None),
        ItemDisputed(item("2"), dispute(), None, COLLECTOR.person_id),
        ItemQualified(item("2"), quality, None),
    )


def test_08_qualifying_and_opening_are_the_same() -> None:
    world = given(invoice("1"))
    told: dict[str, Any] = {
        "comment": "x",
        "reason": "y",
        "resolver_id": TECHNICIAN,
        "plan_follow_up": False,
        "reference": "r",
    }
    assert (
        world.when(qualifying("price", "1", name="D", **told)).events
        == world.when(opening("1", **told)).events
    )


def test_08_the_items_share_one_currency() -> None:
    world = given(invoice("1"), invoice("2", currency="USD"))
    world.when(qualifying("price", "1", "2")).then(SeveralCurrencies("EUR, USD"))
    world.when(qualifying("ongoing", "1", "2")).then(ItemQualified, ItemQualified)


def test_08_a_dispute_is_opened_with_a_status_of_kind_dispute() -> None:
    given(invoice("1")).when(opening("1", type="litigation")).then(
        WrongKind("litigation", "litigation", "dispute")
    )


def test_08_a_reference_names_one_dispute() -> None:
    world = given(invoice("1"), invoice("2"), opening("1"))
    world.when(opening("2")).then(DisputeExists(dispute()))


# --- 9: assignment ---------------------------------------------------------------------------------


def resolver(code: str, *values: str, role: Role | None = Role.RESOLVER) -> RegisterPerson:
    return RegisterPerson(code, role=role, assignment_values=values)


def sector(number: str, value: str | None) -> RegisterItem:
    return invoice(number, attributes={"sector": value} if value is not None else {"city": "Lyon"})


def test_09_the_one_resolver_whose_value_matches_is_assigned_by_the_rule() -> None:
    world = given(
        resolver("resolver", "south", "west"),
        resolver("other_resolver", "north"),
        invoice("1", attributes={"sector": "west"}),
        assignment_field=BY_SECTOR,
    )
    when = world.when(opening("1"))
    assert when.one(ResolverAssigned) == ResolverAssigned(
        dispute(), RESOLVER.person_id, None, AssignedBy.RULE
    )
    assert when.world.dispute().resolver_id == RESOLVER.person_id
    assert when.world.dispute().assigned_by is AssignedBy.RULE


def test_09_the_field_may_be_one_of_the_customer() -> None:
    world = given(
        resolver("resolver", "Lyon"),
        RegisterCustomer(ACME, attributes={"branch": "Lyon"}),
        invoice("1", attributes={"branch": "Nice"}),
        assignment_field=AssignmentField(AttributeOf.CUSTOMER, "branch"),
    )
    assert world.when(opening("1")).one(ResolverAssigned).resolver_id == RESOLVER.person_id


def test_09_by_hand_wins() -> None:
    world = given(
        resolver("resolver", "west"), invoice("1", attributes={"sector": "west"}), assignment_field=BY_SECTOR
    )
    when = world.when(opening("1", resolver_id=TECHNICIAN))
    assert when.one(ResolverAssigned) == ResolverAssigned(dispute(), TECHNICIAN, None, AssignedBy.PERSON)


@pytest.mark.parametrize(
    ("people", "sectors", "why"),
    [
        ([resolver("resolver", "west")], ["east"], Unassigned.NO_MATCH),
        (
            [resolver("resolver", "west"), resolver("other_resolver", "west")],
            ["west"],
            Unassigned.SEVERAL_MATCHES,
        ),
        ([resolver("resolver", "west")], ["west", "east"], Unassigned.ITEMS_DISAGREE),
        ([resolver("resolver", "west")], ["west", None], Unassigned.ITEMS_DISAGREE),
        ([resolver("resolver", "")], [None], Unassigned.NO_VALUE),
        ([resolver("resolver", "")], [""], Unassigned.NO_VALUE),
        ([resolver("technician", "west", role=None)], ["west"], Unassigned.NO_MATCH),
        ([resolver("collector", "west", role=None)], ["west"], Unassigned.NO_MATCH),
        (
            [resolver("resolver", "west"), DeactivatePerson(RESOLVER.person_id)],
            ["west"],
            Unassigned.NO_MATCH,
        ),
    ],
)
def test_09_no_match_several_or_disagreement_is_visibly_unassigned(people, sectors, why) -> None:
    rows = [sector(str(number), value) for number, value in enumerate(sectors)]
    world = given(*people, *rows, assignment_field=BY_SECTOR)
    when = world.when(opening(*(str(number) for number in range(len(sectors)))))
    assert when.one(ResolverNotFound) == ResolverNotFound(dispute(), why, None)
    assert when.world.dispute().unassigned is why
    assert when.world.dispute().resolver_id is None


def test_09_without_an_assignment_field_nobody_is_assigned() -> None:
    assert given(invoice("1"), opening("1")).dispute().unassigned is Unassigned.NO_FIELD


def test_09_items_that_agree_find_their_resolver() -> None:
    world = given(
        resolver("resolver", "west"), sector("1", "west"), sector("2", "west"), assignment_field=BY_SECTOR
    )
    assert world.take(opening("1", "2")).dispute().resolver_id == RESOLVER.person_id


def test_09_an_inactive_resolver_leaves_the_other_one_alone() -> None:
    world = given(
        resolver("resolver", "west"),
        resolver("other_resolver", "west"),
        DeactivatePerson(RESOLVER.person_id),
        sector("1", "west"),
        assignment_field=BY_SECTOR,
    )
    assert world.take(opening("1")).dispute().resolver_id == OTHER_RESOLVER.person_id


def test_09_the_named_resolver_is_a_known_and_active_person() -> None:
    nobody = identity.person_id("nobody")
    given(invoice("1")).when(opening("1", resolver_id=nobody)).then(UnknownPerson(nobody))
    world = given(invoice("1"), DeactivatePerson(TECHNICIAN))
    world.when(opening("1", resolver_id=TECHNICIAN)).then(PersonInactive(TECHNICIAN))


def test_09_the_rule_can_be_asked_again() -> None:
    world = given(sector("1", "west"), opening("1"), resolver("resolver", "west"), assignment_field=BY_SECTOR)
    world = world.when(AssignResolver(dispute())).then(
        ResolverAssigned(dispute(), RESOLVER.person_id, None, AssignedBy.RULE)
    )
    assert world.dispute().unassigned is None
    world.when(AssignResolver(dispute())).then_nothing()


def test_09_asked_again_without_a_match_only_who_was_named_by_hand_stays() -> None:
    world = given(invoice("1"), opening("1", resolver_id=TECHNICIAN))
    world.when(AssignResolver(dispute())).then_nothing()  # by-hand wins
    world = given(
        sector("1", "west"), resolver("resolver", "west"), opening("1"), assignment_field=BY_SECTOR
    ).take(DeactivatePerson(RESOLVER.person_id))
    world = world.when(AssignResolver(dispute())).then(
        ResolverNotFound(dispute(), Unassigned.NO_MATCH, RESOLVER.person_id)
    )
    assert world.dispute().resolver_id is None
    world.when(AssignResolver(dispute())).then_nothing()


def test_09_a_resolver_is_withdrawn_by_saying_so() -> None:
    world = given(invoice("1"), opening("1", resolver_id=TECHNICIAN))
    world = world.when(AssignResolver(dispute(), None)).then(
        ResolverNotFound(dispute(), Unassigned.WITHDRAWN, TECHNICIAN)
    )
    world.when(AssignResolver(dispute(), None)).then_nothing()
    assert world.take(AssignResolver(dispute())).dispute().unassigned is Unassigned.NO_FIELD


# --- 11, 12: the follow-up action ------------------------------------------------------------------


def test_11_a_follow_up_action_is_planned_over_the_items() -> None:
    when = given(invoice("1"), invoice("2")).when(opening("1", "2"))
    when.then_also(
        FollowUpPlanned(
            planned(),
            None,
            identity.customer_id(ACME),
            dispute(),
            "Ask the resolver",
            on(7),
            COLLECTOR.person_id,
            None,
            (item("1"), item("2")),
            MANAGER.person_id,
            "price",
        ),
        DisputeFollowedUp(dispute(), planned()),
        ItemPlacedUnderFollowUp(item("1"), planned()),
        ItemPlacedUnderFollowUp(item("2"), planned()),
    )
    assert when.world.item("1").follow_ups == {planned()}
    assert when.world.dispute().follow_ups == {planned()}


@pytest.mark.parametrize(
    ("days", "opened_on", "due_on"),
    [
        (7, MONDAY, date(2026, 3, 9)),
        (4, MONDAY, date(2026, 3, 6)),
        (5, MONDAY, date(2026, 3, 9)),
        (6, MONDAY, date(2026, 3, 9)),
        (0, MONDAY, date(2026, 3, 2)),
        (0, day(5), date(2026, 3, 9)),
    ],
)
def test_11_it_is_due_after_the_statuss_days_on_a_business_day(days, opened_on, due_on) -> None:
    soon = DefineStatus("soon", StatusKind.DISPUTE, {"en": "Soon"}, follow_up_days=days)
    world = given(soon, invoice("1")).when(opening("1", type="soon"), at=opened_on).world
    assert world.action(planned()).due_on == due_on


def test_11_a_public_holiday_is_no_business_day() -> None:
    world = given(invoice("1"), working_day=lambda day: day not in {on(7), on(8)})
    assert world.take(opening("1")).action(planned()).due_on == on(9)


def test_11_seven_days_are_the_default() -> None:
    assert given(DefineStatus("x", StatusKind.DISPUTE, {"en": "X"})).company.statuses["x"].follow_up_days == 7


@pytest.mark.parametrize(("language", "title"), [("en", "Ask"), ("fr", "Demander"), ("de", "Ask")])
def test_11_the_title_is_the_templates_in_the_companys_language(language: str, title: str) -> None:
    world = given(
        DefineActionTemplate("ask", {"en": "Ask", "fr": "Demander"}),
        DefineStatus("x", StatusKind.DISPUTE, {"en": "X"}, action_template="ask"),
        invoice("1"),
        language=language,
    )
    assert world.take(opening("1", type="x")).action(planned()).title == title


@pytest.mark.parametrize(("labels", "title"), [({"en": "Tax"}, "Tax"), ({"fr": "Taxe"}, "tax")])
def test_11_without_a_template_the_title_is_the_statuss_name(labels: dict[str, str], title: str) -> None:
    world = given(DefineStatus("tax", StatusKind.DISPUTE, labels), invoice("1"), opening("1", type="tax"))
    assert world.action(planned()).title == title


def test_11_title_date_and_owner_can_be_edited() -> None:
    plan = FollowUpPlan(on(3), "Ring Mrs Roy", TECHNICIAN)
    found = given(invoice("1"), opening("1", follow_up=plan)).action(planned())
    assert (found.due_on, found.title, found.owner_id) == (on(3), "Ring Mrs Roy", TECHNICIAN)


def test_11_the_date_is_not_past_and_the_owner_is_active() -> None:
    world = given(invoice("1"), DeactivatePerson(TECHNICIAN))
    world.when(opening("1", follow_up=FollowUpPlan(on(-1)))).then(DueInThePast(on(-1), on(0)))
    world.when(opening("1", follow_up=FollowUpPlan(on(0)))).then_goes()
    world.when(opening("1", follow_up=FollowUpPlan(owner_id=TECHNICIAN))).then(PersonInactive(TECHNICIAN))


def test_11_a_status_without_dispute_can_be_followed_up_too() -> None:
    plan = FollowUpPlan(on(9))
    world = given(invoice("1"), qualifying("promise_to_pay", "1", promised_on=on(8), follow_up=plan))
    found = world.action(planned("Q"))
    assert (found.title, found.dispute_id, found.status) == (
        "Check the promised payment",
        None,
        "promise_to_pay",
    )
    assert found.items == {item("1")}


def test_11_a_reference_given_before_does_not_plan_over_the_old_action() -> None:
    followed = qualifying("ongoing", "1", follow_up=FollowUpPlan())
    world = given(invoice("1"), invoice("2"), followed)
    world.when(qualifying("ongoing", "2", follow_up=FollowUpPlan())).then(FollowUpExists(planned("Q")))
    world.when(opening("2", name="Q")).then(FollowUpExists(planned("Q")))
    world.when(opening("2", name="Q", plan_follow_up=False)).then(FollowUpExists(planned("Q")))


@pytest.mark.parametrize(
    ("kind", "said", "automatic"),
    [
        (StatusKind.DISPUTE, None, True),
        (StatusKind.DISPUTE, False, False),
        (StatusKind.LITIGATION, None, False),
        (StatusKind.LITIGATION, True, True),
        (StatusKind.ONGOING, None, False),
    ],
)
def test_12_a_status_may_plan_by_itself_and_a_dispute_does(kind, said, automatic) -> None:
    world = given(DefineStatus("x", kind, {"en": "X"}, automatic=said), invoice("1"))
    when = world.when(qualifying("x", "1"))
    assert bool(when.all(FollowUpPlanned)) is automatic


@pytest.mark.parametrize(
    ("status", "told", "plan", "planned_one"),
    [
        ("price", None, None, True),
        ("price", False, None, False),
        ("ongoing", None, None, False),
        ("ongoing", True, None, True),
        ("ongoing", None, FollowUpPlan(), True),
        ("ongoing", False, None, False),
    ],
)
def test_12_whoever_qualifies_has_the_last_word(status, told, plan, planned_one) -> None:
    when = given(invoice("1")).when(qualifying(status, "1", plan_follow_up=told, follow_up=plan))
    assert bool(when.all(FollowUpPlanned)) is planned_one


# --- 13: as a whole or not at all ------------------------------------------------------------------


def test_13_all_four_steps_are_one_decision() -> None:
    when = given(invoice("1"), invoice("2")).when(opening("1", "2"))
    (decision,) = when.decisions
    assert {type(event) for event in decision.events} == {
        DisputeOpened,
        ItemDisputed,
        ItemQualified,
        ResolverNotFound,
        FollowUpPlanned,
        DisputeFollowedUp,
        ItemPlacedUnderFollowUp,
    }


def test_13_a_refusal_in_the_last_step_leaves_nothing_of_the_first() -> None:
    world = given(invoice("1"), invoice("2"))
    when = world.when(opening("1", "2", follow_up=FollowUpPlan(on(-1))))
    assert when.refusal is not None
    assert when.world == world


# --- 14: again, and on items in dispute ------------------------------------------------------------


def test_14_the_same_status_and_comment_again_changes_nothing() -> None:
    said = qualifying("ongoing", "1", comment="Called")
    given(invoice("1"), said).when(said).then_nothing()
    given(invoice("1"), opening("1", comment="Bad price")).when(
        qualifying("price", "1", comment="Bad price")
    ).then_nothing()


def test_14_nor_does_it_plan_another_action() -> None:
    world = given(invoice("1"), qualifying("ongoing", "1"))
    when = world.when(qualifying("ongoing", "1", follow_up=FollowUpPlan()))
    when.then(NotByRepeating("follow_up"))
    assert when.refusal is not None
    assert when.refusal.place == "/follow_up"
    world.when(qualifying("ongoing", "1", plan_follow_up=True)).then(NotByRepeating("plan_follow_up"))
    world.when(qualifying("ongoing", "1", plan_follow_up=False)).then_nothing()


def test_14_told_again_with_the_action_that_is_there_it_changes_nothing() -> None:
    plan = FollowUpPlan(on(5), "Ring them")
    world = given(invoice("1"), qualifying("ongoing", "1", follow_up=plan))
    world.when(qualifying("ongoing", "1", name="R", follow_up=plan)).then_nothing()
    world.when(qualifying("ongoing", "1", name="R", plan_follow_up=True)).then_nothing()
    world = world.take(PostponeFollowUp(planned("Q"), on(9)))
    world.when(qualifying("ongoing", "1", follow_up=plan)).then_nothing()
    world.when(qualifying("ongoing", "1", name="R", follow_up=plan)).then(NotByRepeating("follow_up"))


STRAYS: list[tuple[str, dict[str, Any]]] = [
    ("litigation", {"resolver_id": TECHNICIAN}),
    ("litigation", {"amounts": {item("1"): Decimal(30)}}),
    ("litigation", {"outcome": Outcome.WRITTEN_OFF}),
    ("ongoing", {"credited_amount": Decimal(0)}),
    ("ongoing", {"reason": "too dear"}),
    ("dispute_resolved", {"outcome": Outcome.OTHER}),
    ("promise_to_pay", {"received_on": day(-1)}),
    ("ongoing", {"promised_on": on(3)}),
    ("price", {"promised_on": on(3)}),
    ("price", {"outcome": Outcome.OTHER}),
]


@pytest.mark.parametrize(("status", "more"), STRAYS, ids=str)
def test_07_what_has_no_place_with_the_status_is_refused(status: str, more: dict[str, Any]) -> None:
    told: dict[str, Any] = {"promised_on": on(5)} if status == "promise_to_pay" else {}
    world = given(invoice("1"))
    assert world.when(qualifying(status, "1", **told)).events
    refusal = world.when(qualifying(status, "1", **told, **more)).refusal
    assert isinstance(refusal, NotWithStatus)
    assert refusal.place == f"/{next(iter(more))}"


def test_14_settling_can_be_told_again_with_its_outcome() -> None:
    settling = qualifying("dispute_resolved", "1", outcome=Outcome.OTHER, credited_amount=Decimal(5))
    given(invoice("1"), opening("1"), settling).when(settling).then_nothing()


@pytest.mark.parametrize(
    "more",
    [
        {"outcome": Outcome.OTHER},
        {"credited_amount": Decimal(5)},
        {"reason": "settled"},
        {"resolver_id": TECHNICIAN},
        {"follow_up": FollowUpPlan()},
        {"plan_follow_up": True},
        {"promised_on": on(3)},
    ],
    ids=str,
)
def test_14_settling_some_items_says_nothing_else(more: dict[str, Any]) -> None:
    world = given(invoice("1"), invoice("2"), opening("1", "2"))
    refusal = world.when(qualifying("dispute_resolved", "1", **more)).refusal
    assert isinstance(refusal, NotByQualifying)
    assert refusal.place == f"/{next(iter(more))}"


def test_14_another_comment_or_promise_is_a_change() -> None:
    world = given(invoice("1"), qualifying("promise_to_pay", "1", promised_on=on(2)))
    world.when(qualifying("promise_to_pay", "1", promised_on=on(3))).then(ItemQualified)
    world.when(qualifying("promise_to_pay", "1", promised_on=on(2), comment="By cheque")).then(ItemQualified)


def test_14_only_the_items_that_differ_change() -> None:
    world = given(invoice("1"), invoice("2"), qualifying("ongoing", "1"))
    ongoing = Qualification("ongoing", StatusKind.ONGOING)
    world.when(qualifying("ongoing", "1", "2")).then(ItemQualified(item("2"), ongoing, None))


def test_14_the_same_type_without_a_comment_leaves_the_comment() -> None:
    world = given(invoice("1"), opening("1", comment="List price of 2024"))
    world.when(qualifying("price", "1")).then_nothing()


def test_14_the_same_type_with_another_comment_changes_the_comment_of_the_item() -> None:
    world = given(invoice("1"), invoice("2"), opening("1", "2"))
    world = world.when(qualifying("price", "1", comment="Two of three boxes")).then(ItemQualified)
    assert world.item("1").dispute_id == dispute()


def test_14_dispute_resolved_on_all_items_resolves_the_dispute() -> None:
    world = given(invoice("1"), invoice("2"), opening("1", "2"))
    said = qualifying(
        "dispute_resolved",
        "1",
        "2",
        outcome=Outcome.PARTIAL_CREDIT,
        credited_amount=Decimal(15),
        comment="Settled",
    )
    found = world.when(said).world.dispute()
    assert (found.state, found.outcome, found.credited_amount) == (
        DisputeState.RESOLVED,
        Outcome.PARTIAL_CREDIT,
        Decimal(15),
    )


def test_14_which_asks_for_the_outcome() -> None:
    world = given(invoice("1"), opening("1"))
    world.when(qualifying("dispute_resolved", "1")).then(OutcomeMissing(dispute()))


def test_14_dispute_resolved_on_some_items_takes_those_out_as_settled() -> None:
    world = given(invoice("1"), invoice("2"), opening("1", "2"))
    resolved = Qualification("dispute_resolved", StatusKind.DISPUTE_RESOLVED, "Paid back")
    world = world.when(qualifying("dispute_resolved", "1", comment="Paid back")).then(
        ItemQualified(item("1"), resolved, Qualification("price", StatusKind.DISPUTE)),
        ItemsTakenOut(dispute(), (item("1"),), Release.SETTLED),
        ItemReleased(item("1"), dispute(), Release.SETTLED),
        ItemReturned(item("1"), planned()),
        FollowUpItemsChanged(planned(), (), (item("1"),)),
    )
    assert world.dispute().is_open
    assert set(world.dispute().items) == {item("2")}
    assert world.collectable("1")
    assert world.action(planned()).items == {item("2")}
    assert world.action(planned()).ended is not Ended.ITEMS_CLEARED


def test_14_another_dispute_status_on_all_items_changes_the_type() -> None:
    world = given(invoice("1"), invoice("2"), opening("1", "2", reason="too dear", comment="See the offer"))
    when = world.when(qualifying("quality", "1", "2"))
    assert when.one(DisputeTypeChanged) == DisputeTypeChanged(
        dispute(), "quality", "too dear", "price", "too dear"
    )
    assert when.world.dispute().type == "quality"
    quality = Qualification("quality", StatusKind.DISPUTE, "See the offer")
    assert when.world.item("2").qualification == quality


def test_14_with_the_reason_and_comment_that_are_told() -> None:
    world = given(invoice("1"), opening("1", reason="too dear", comment="See the offer"))
    world = world.take(qualifying("quality", "1", reason="broken", comment="See the photo"))
    assert world.dispute().reason == "broken"
    assert world.item("1").qualification == Qualification("quality", StatusKind.DISPUTE, "See the photo")


def test_14_another_reason_alone_on_all_items_changes_it() -> None:
    world = given(invoice("1"), invoice("2"), opening("1", "2", reason="too dear"))
    when = world.when(qualifying("price", "1", "2", reason="not as offered"))
    assert when.then(DisputeTypeChanged).dispute().reason == "not as offered"
    when.world.when(qualifying("price", "1", "2", reason="not as offered")).then_nothing()
    world.when(qualifying("price", "1", reason="not as offered")).then(ChangesWholeDispute(dispute()))


OPENED: dict[str, Any] = {
    "reason": "too dear",
    "comment": "See the offer",
    "resolver_id": TECHNICIAN,
    "amounts": {item("1"): Decimal(30)},
    "follow_up": FollowUpPlan(on(3), "Ask", COLLECTOR.person_id),
    "plan_follow_up": True,
    "received_on": day(-1),
    "reference": "their 7",
}


@pytest.mark.parametrize(
    "more",
    [
        {"resolver_id": RESOLVER.person_id},
        {"amounts": {item("1"): Decimal(31)}},
        {"amounts": {item("2"): Decimal(1)}},
        {"amounts": {item("3"): Decimal(1)}},
        {"follow_up": FollowUpPlan(on(4))},
        {"follow_up": FollowUpPlan(title="Wait")},
        {"follow_up": FollowUpPlan(owner_id=TECHNICIAN)},
        {"received_on": day(-2)},
        {"reference": "their 8"},
    ],
    ids=str,
)
@pytest.mark.parametrize("status", ["price", "quality"])
def test_14_nothing_else_of_an_open_dispute_changes_in_passing(status: str, more: dict[str, Any]) -> None:
    world = given(invoice("1"), invoice("2"), qualifying("price", "1", "2", **OPENED))
    (name,) = more
    refusal = world.when(qualifying(status, "1", "2", **more)).refusal
    assert isinstance(refusal, NotByQualifying)
    assert (refusal.dispute_id, refusal.place) == (dispute("Q"), f"/{name}")


def test_14_what_is_so_already_can_be_told_again() -> None:
    world = given(invoice("1"), invoice("2"), qualifying("price", "1", "2", **OPENED))
    world.when(qualifying("price", "1", "2", **OPENED), at=day(1)).then_nothing()
    world.when(qualifying("price", "2", **{**OPENED, "amounts": None})).then_nothing()


def test_14_an_action_that_is_not_there_is_not_planned_in_passing() -> None:
    world = given(invoice("1"), opening("1", plan_follow_up=False))
    world.when(qualifying("price", "1", plan_follow_up=True)).then(NotByQualifying)
    world.when(qualifying("price", "1", plan_follow_up=False)).then_nothing()


@pytest.mark.parametrize("status", ["price", "ongoing"])
def test_11_an_action_is_not_described_and_unwanted_at_once(status: str) -> None:
    world = given(invoice("1"))
    both: dict[str, Any] = {"plan_follow_up": False, "follow_up": FollowUpPlan(on(3))}
    world.when(qualifying(status, "1", **both)).then(FollowUpContradicted())
    world.when(opening("1", **both)).then(FollowUpContradicted())


def test_28_what_has_a_retired_status_keeps_it_and_nothing_else_gets_it() -> None:
    said = qualifying("ongoing", "1", comment="Called")
    world = given(invoice("1"), invoice("2"), said, RetireStatus("ongoing"))
    world.when(said).then_nothing()
    world.when(qualifying("ongoing", "1", comment="Called again")).then(ItemQualified)
    world.when(qualifying("ongoing", "1", "2", comment="Called")).then(StatusRetired("ongoing"))
    world = given(invoice("1"), invoice("2"), opening("1", "2"), RetireStatus("price"))
    world.when(qualifying("price", "1", "2")).then_nothing()
    world.take(RetireStatus("quality"))
    world.when(qualifying("quality", "1", "2")).then(StatusRetired("quality"))
    world.take(RetireStatus("dispute_resolved"))
    world.when(qualifying("dispute_resolved", "1")).then(StatusRetired("dispute_resolved"))


def test_14_another_dispute_status_on_some_items_is_refused_with_the_cure() -> None:
    world = given(invoice("1"), invoice("2"), opening("1", "2"))
    when = world.when(qualifying("quality", "1"))
    when.then(ChangesWholeDispute(dispute()))
    assert "select all of its items, or take these out of it first" in str(when.refusal)


@pytest.mark.parametrize("status", ["ongoing", "litigation", "promise_to_pay"])
def test_14_any_other_kind_is_refused_naming_the_dispute(status: str) -> None:
    world = given(invoice("1"), opening("1"))
    world.when(qualifying(status, "1", promised_on=on(3))).then(StatusNotForDispute(dispute(), status))


def test_14_items_in_and_out_of_disputes_are_selected_apart() -> None:
    world = given(invoice("1"), invoice("2"), invoice("3"), opening("1"), opening("2", name="E"))
    world.when(qualifying("price", "1", "3")).then(SeveralCases(str(dispute())))
    both = ", ".join(sorted([str(dispute()), str(dispute("E"))]))
    world.when(qualifying("price", "1", "2")).then(SeveralCases(both))


def test_14_a_cleared_dispute_item_is_no_longer_one_of_all() -> None:
    world = given(invoice("1"), invoice("2"), opening("1", "2"), ClearItem(item("1")))
    world.when(qualifying("quality", "2")).then_goes()


def test_14_what_is_settled_can_be_said_again() -> None:
    settled = qualifying("dispute_resolved", "1", outcome=Outcome.OTHER)
    given(invoice("1"), opening("1"), settled).when(settled, at=day(1)).then_nothing()
