"""Spec §6: the follow-up action, from planning to its end."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain import identity
from domain.catalogue import DefineStatus, StatusKind
from domain.commands import Command
from domain.customer import RegisterCustomer
from domain.dispute import (
    AddItems,
    AssignResolver,
    DisputeFollowedUp,
    DisputeFollowUpEnded,
    DisputeResolved,
    DisputeState,
    Outcome,
    RemoveItems,
    ReopenDispute,
)
from domain.follow_up import (
    ChaseResolver,
    CommentFollowUp,
    Direction,
    Ended,
    FollowUpCommented,
    FollowUpEnded,
    FollowUpItemsChanged,
    FollowUpPlan,
    FollowUpPlanned,
    FollowUpPostponed,
    InteractionRecorded,
    Medium,
    OfFollowUpCommand,
    Party,
    PlanFollowUp,
    PostponeFollowUp,
    RecordInteraction,
    ResolverChased,
)
from domain.item import ClearItem, ItemPlacedUnderFollowUp, ItemReturned
from domain.people import DeactivatePerson
from domain.qualifying import QualifyItems
from domain.refusals import (
    CreditedAmountInvalid,
    DueInThePast,
    EmptySelection,
    FollowUpAlreadyEnded,
    FollowUpExists,
    ItemCleared,
    ItemNotInDispute,
    NobodyToChase,
    NotByQualifying,
    OutcomeMissing,
    OutcomeNotByHand,
    OutcomeUncalledFor,
    PersonInactive,
    RoleForbids,
    SeveralCustomers,
    TextMissing,
    UnknownFollowUp,
    UnknownPerson,
)
from domain.resolving import EndFollowUp
from domain.roles import Permission
from tests.domain.sentences import (
    ACME,
    COLLECTOR,
    MANAGER,
    OTHER,
    RESOLVER,
    TECHNICIAN,
    World,
    action,
    at,
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
    service,
)

F = action("F")
PLAN = PlanFollowUp(F, "Town hall pays in May", on(9), item_ids=(item("1"), item("2")))
SECOND = PlanFollowUp(F, "Ask the carrier", on(2), dispute())


def disputed(*numbers: str, **more: Any) -> World:
    return given(*map(invoice, numbers), opening(*numbers, **more))


# --- 23: planned -----------------------------------------------------------------------------------


def test_23_an_action_over_items_without_a_dispute() -> None:
    plan = PlanFollowUp(
        F, "Wait", on(9), None, (item("1"), item("2")), TECHNICIAN, RESOLVER.person_id, "their 9"
    )
    when = given(invoice("1"), invoice("2")).when(plan)
    world = when.then(
        FollowUpPlanned(
            F,
            "their 9",
            identity.customer_id(ACME),
            None,
            "Wait",
            on(9),
            TECHNICIAN,
            RESOLVER.person_id,
            (item("1"), item("2")),
            MANAGER.person_id,
            None,
        ),
        ItemPlacedUnderFollowUp(item("1"), F),
        ItemPlacedUnderFollowUp(item("2"), F),
    )
    found = world.action(F)
    assert (found.title, found.due_on, found.owner_id, found.resolver_id) == (
        "Wait",
        on(9),
        TECHNICIAN,
        RESOLVER.person_id,
    )
    assert (set(found.items), found.reference, found.is_open) == ({item("1"), item("2")}, "their 9", True)


def test_23_an_action_of_a_dispute_lists_all_its_items_unless_some_are_named() -> None:
    world = disputed("1", "2")
    world.when(SECOND).then_also(DisputeFollowedUp(dispute(), F))
    assert world.when(SECOND).world.action(F).items == {item("1"), item("2")}
    some = PlanFollowUp(F, "Ask", on(2), dispute(), (item("2"),))
    assert world.when(some).world.action(F).items == {item("2")}


def test_23_which_are_items_of_that_dispute() -> None:
    world = given(invoice("1"), invoice("2"), opening("1"))
    world.when(PlanFollowUp(F, "Ask", on(2), dispute(), (item("2"),))).then(
        ItemNotInDispute(item("2"), dispute())
    )


def test_23_the_owner_is_the_customers_collector_else_who_planned_it() -> None:
    world = given(invoice("1"), invoice("1", customer=OTHER))
    assert (
        world.when(PlanFollowUp(F, "Wait", on(9), item_ids=(item("1"),))).world.action(F).owner_id
        == COLLECTOR.person_id
    )
    others = PlanFollowUp(F, "Wait", on(9), item_ids=(item("1", OTHER),))
    assert world.when(others).world.action(F).owner_id == MANAGER.person_id
    world.take(RegisterCustomer(OTHER, collector_id=TECHNICIAN))
    assert world.when(others).world.action(F).owner_id == TECHNICIAN
    world.take(DeactivatePerson(TECHNICIAN))
    assert world.when(others).world.action(F).owner_id == MANAGER.person_id


def test_24_a_chase_by_itself_never_brings_an_action_forward() -> None:
    world = disputed("1", resolver_id=TECHNICIAN, follow_up=FollowUpPlan(on(28)))
    assert world.when(ChaseResolver(planned())).one(ResolverChased).due_on == on(28)


def test_23_only_a_fitting_plan_is_taken() -> None:
    nobody = identity.person_id("nobody")
    items = (item("1"),)
    world = given(
        invoice("1"), invoice("2", balance="0"), invoice("1", customer=OTHER), DeactivatePerson(TECHNICIAN)
    )
    world.when(PlanFollowUp(F, "Wait", on(9))).then(EmptySelection())
    world.when(PlanFollowUp(F, " ", on(9), item_ids=items)).then(TextMissing("title"))
    world.when(PlanFollowUp(F, "Wait", on(-1), item_ids=items)).then(DueInThePast(on(-1), on(0)))
    world.when(PlanFollowUp(F, "Wait", on(9), item_ids=(item("2"),))).then(ItemCleared(item("2")))
    both = (item("1"), item("1", OTHER))
    world.when(PlanFollowUp(F, "Wait", on(9), item_ids=both)).then(SeveralCustomers())
    world.when(PlanFollowUp(F, "Wait", on(9), item_ids=items, owner_id=nobody)).then(UnknownPerson(nobody))
    world.when(PlanFollowUp(F, "Wait", on(9), item_ids=items, resolver_id=TECHNICIAN)).then(
        PersonInactive(TECHNICIAN)
    )


def test_23_a_reference_names_one_action() -> None:
    world = given(invoice("1"), invoice("2"), PLAN)
    world.when(PLAN).then(FollowUpExists(F))


def test_23_its_date_may_change_any_number_of_times() -> None:
    world = (
        disputed("1")
        .when(PostponeFollowUp(planned(), on(20)))
        .then(FollowUpPostponed(planned(), on(20), on(7)))
    )
    world = world.when(PostponeFollowUp(planned(), on(1))).then(FollowUpPostponed(planned(), on(1), on(20)))
    world.when(PostponeFollowUp(planned(), on(1))).then_nothing()
    world.when(PostponeFollowUp(planned(), on(-1))).then(DueInThePast(on(-1), on(0)))
    world.when(PostponeFollowUp(planned(), on(0))).then(FollowUpPostponed)


def test_23_an_action_has_comments() -> None:
    world = (
        disputed("1")
        .when(CommentFollowUp(planned(), "She is back on Friday"))
        .then(FollowUpCommented(planned(), dispute(), "She is back on Friday"))
    )
    assert world.action(planned()).comments == 1
    world.when(CommentFollowUp(planned(), "\t")).then(TextMissing("text"))


# --- 24: interactions and chases -------------------------------------------------------------------


@pytest.mark.parametrize("medium", Medium)
@pytest.mark.parametrize("party", Party)
def test_24_an_interaction_says_with_whom_by_what_and_which_way(party: Party, medium: Medium) -> None:
    said = RecordInteraction(planned(), party, medium, Direction.INCOMING, "They will pay")
    world = (
        disputed("1")
        .when(said)
        .then(InteractionRecorded(planned(), dispute(), party, medium, Direction.INCOMING, "They will pay"))
    )
    assert (world.action(planned()).interactions, world.action(planned()).chases) == (1, 0)
    assert world.action(planned()).due_on == on(7)


def test_24_an_interaction_has_a_text() -> None:
    said = RecordInteraction(planned(), Party.CUSTOMER, Medium.PHONE, Direction.OUTGOING, " ")
    disputed("1").when(said).then(TextMissing("text"))


def test_24_a_chase_reminds_the_resolver_counts_up_and_takes_the_new_date() -> None:
    world = disputed("1", resolver_id=TECHNICIAN)
    chase = ChaseResolver(planned(), Medium.PHONE, "Rang her", on(12))
    world = world.when(chase).then(
        ResolverChased(planned(), dispute(), TECHNICIAN, Medium.PHONE, "Rang her", on(12), on(7), 1)
    )
    again = ChaseResolver(planned(), due_on=on(14))
    world = world.when(again).then(
        ResolverChased(planned(), dispute(), TECHNICIAN, Medium.EMAIL, "", on(14), on(12), 2)
    )
    found = world.action(planned())
    assert (found.chases, found.interactions, found.due_on, found.is_open) == (2, 2, on(14), True)
    assert world.dispute().is_open


@pytest.mark.parametrize(("chased_on", "due_on"), [(7, on(11)), (9, on(14))])
def test_24_by_default_the_new_date_is_as_many_days_ahead_as_the_type_says(
    chased_on: int, due_on: date
) -> None:
    quick = DefineStatus("quick", StatusKind.DISPUTE, {"en": "Quick"}, follow_up_days=4)
    world = given(quick, invoice("1"), opening("1", type="quick", resolver_id=TECHNICIAN))
    assert world.when(ChaseResolver(planned()), at=day(chased_on)).one(ResolverChased).due_on == due_on


def test_24_of_an_action_that_no_status_planned_seven_days_on_a_business_day() -> None:
    plan = PlanFollowUp(F, "Wait", on(1), item_ids=(item("1"),), resolver_id=TECHNICIAN)
    world = given(invoice("1"), plan)
    assert world.when(ChaseResolver(F)).one(ResolverChased).due_on == on(7)
    assert world.when(ChaseResolver(F), at=day(5)).one(ResolverChased).due_on == on(
        14
    )  # day 12 is a Saturday


def test_24_an_action_over_items_without_dispute_has_nobody_to_chase_unless_named() -> None:
    world = given(invoice("1"), qualifying("litigation", "1", plan_follow_up=True))
    world.when(ChaseResolver(planned("Q"))).then(NobodyToChase(planned("Q")))


def test_24_the_actions_own_resolver_is_reminded_before_the_disputes() -> None:
    plan = PlanFollowUp(F, "Ask the carrier", on(2), dispute(), resolver_id=RESOLVER.person_id)
    world = disputed("1", resolver_id=TECHNICIAN).take(plan)
    assert world.when(ChaseResolver(F)).one(ResolverChased).resolver_id == RESOLVER.person_id
    assert world.when(ChaseResolver(planned())).one(ResolverChased).resolver_id == TECHNICIAN


def test_19_another_resolver_of_the_dispute_shows_on_its_actions() -> None:
    world = disputed("1", resolver_id=TECHNICIAN).take(AssignResolver(dispute(), RESOLVER.person_id))
    assert world.when(ChaseResolver(planned())).one(ResolverChased).resolver_id == RESOLVER.person_id


def test_24_there_is_somebody_to_chase_and_the_date_is_not_past() -> None:
    disputed("1").when(ChaseResolver(planned())).then(NobodyToChase(planned()))
    world = disputed("1", resolver_id=TECHNICIAN)
    world.when(ChaseResolver(planned(), due_on=on(-1))).then(DueInThePast(on(-1), on(0)))


def test_43_chases_and_interactions_repeat() -> None:
    chase = ChaseResolver(planned(), due_on=on(12))
    assert disputed("1", resolver_id=TECHNICIAN).take(chase, chase).action(planned()).chases == 2


# --- 25: ended -------------------------------------------------------------------------------------


def test_25_ending_an_action_without_dispute_returns_its_items() -> None:
    world = given(invoice("1"), invoice("2"), PLAN)
    first, second = sorted([item("1"), item("2")])
    world = world.when(EndFollowUp(F, "Paid by the town")).then(
        FollowUpEnded(F, Ended.DONE, "Paid by the town", None),
        ItemReturned(first, F),
        ItemReturned(second, F),
    )
    assert world.action(F).ended is Ended.DONE
    assert world.item("1").follow_ups == frozenset()
    world.when(EndFollowUp(F)).then_nothing()


def test_25_ending_one_of_several_actions_leaves_the_dispute_open() -> None:
    world = disputed("1").take(SECOND)
    world = world.when(EndFollowUp(F)).then(
        FollowUpEnded(F, Ended.DONE, None, dispute()),
        DisputeFollowUpEnded(dispute(), F),
        ItemReturned(item("1"), F),
    )
    assert world.dispute().is_open
    assert world.dispute().follow_ups == {planned()}


def test_25_an_outcome_is_not_passed_over_when_nothing_is_resolved() -> None:
    world = disputed("1").take(PlanFollowUp(action("F"), "Ask", on(2), dispute()))
    for told in ({"outcome": Outcome.OTHER}, {"credited_amount": Decimal(5)}):
        world.when(EndFollowUp(action("F"), **told)).then(OutcomeUncalledFor(action("F")))
    world = given(invoice("1"), PlanFollowUp(action("F"), "Wait", on(2), item_ids=(item("1"),)))
    world.when(EndFollowUp(action("F"), outcome=Outcome.OTHER)).then(OutcomeUncalledFor(action("F")))


def test_25_ending_the_last_one_asks_for_the_outcome_and_resolves_the_dispute() -> None:
    world = disputed("1").take(SECOND, EndFollowUp(F))
    world.when(EndFollowUp(planned())).then(OutcomeMissing(dispute()))
    end = EndFollowUp(planned(), "Credited", Outcome.PARTIAL_CREDIT, Decimal(20))
    when = world.when(end)
    resolved = when.one(DisputeResolved)
    assert (resolved.outcome, resolved.comment, resolved.credited_amount) == (
        Outcome.PARTIAL_CREDIT,
        "Credited",
        Decimal(20),
    )
    when.then_also(FollowUpEnded(planned(), Ended.DONE, "Credited", dispute()))
    assert when.world.dispute().state is DisputeState.RESOLVED
    assert when.world.status("1") == "dispute_resolved"
    assert when.world.item("1").follow_ups == frozenset()
    when.world.when(end).then_nothing()


def test_29_ending_the_last_action_is_work_on_the_dispute_for_it_resolves_it() -> None:
    world = disputed("1")
    ending = EndFollowUp(planned(), outcome=Outcome.WRITTEN_OFF)
    world.when(ending, by=service(Permission.WORK_FOLLOW_UP)).then(RoleForbids)
    both = service(Permission.WORK_FOLLOW_UP, Permission.WORK_DISPUTE)
    assert world.when(ending, by=both).world.dispute().outcome is Outcome.WRITTEN_OFF
    world.take(PlanFollowUp(F, "Another", on(9), dispute()))
    assert world.when(EndFollowUp(F), by=service(Permission.WORK_FOLLOW_UP)).world.dispute().is_open


def test_25_what_cannot_resolve_does_not_end_the_action_either() -> None:
    world = disputed("1")
    world.when(EndFollowUp(planned(), outcome=Outcome.CLEARED)).then(OutcomeNotByHand())
    too_much = EndFollowUp(planned(), None, Outcome.CREDIT_NOTE, Decimal(101))
    assert world.when(too_much).then(CreditedAmountInvalid(Decimal(101), Decimal(100))) == world


def test_25_an_action_without_the_dispute_never_resolves_it() -> None:
    world = given(invoice("1"), invoice("2"), PLAN, opening("1", plan_follow_up=False))
    assert world.take(EndFollowUp(F)).dispute().is_open


OF_AN_OPEN_ACTION: list[OfFollowUpCommand] = [
    PostponeFollowUp(planned(), on(20)),
    RecordInteraction(planned(), Party.OTHER, Medium.SMS, Direction.OUTGOING, "Text"),
    ChaseResolver(planned()),
    CommentFollowUp(planned(), "Text"),
]


@pytest.mark.parametrize("command", OF_AN_OPEN_ACTION, ids=lambda command: type(command).__name__)
def test_24_only_an_open_action_goes_on(command: OfFollowUpCommand) -> None:
    given().when(command).then(UnknownFollowUp(planned()))
    disputed("1").take(resolving()).when(command).then(FollowUpAlreadyEnded(planned()))


def test_25_only_a_known_action_ends() -> None:
    given().when(EndFollowUp(F)).then(UnknownFollowUp(F))


# --- 26: items that clear --------------------------------------------------------------------------


def test_26_a_cleared_item_is_no_longer_listed() -> None:
    world = given(invoice("1"), invoice("2"), PLAN)
    world = world.when(ClearItem(item("1"))).then_also(
        ItemReturned(item("1"), F), FollowUpItemsChanged(F, (), (item("1"),))
    )
    assert world.action(F).items == {item("2")}
    assert world.action(F).is_open


def test_26_an_action_all_of_whose_items_have_cleared_ends_by_itself() -> None:
    world = given(invoice("1"), invoice("2"), PLAN, ClearItem(item("1")))
    world = world.when(ClearItem(item("2"))).then_also(
        ItemReturned(item("2"), F),
        FollowUpItemsChanged(F, (), (item("2"),)),
        FollowUpEnded(F, Ended.ITEMS_CLEARED, None, None),
    )
    assert world.action(F).ended is Ended.ITEMS_CLEARED
    assert world.item("2").follow_ups == frozenset()


def test_26_while_items_remain_disputed_the_action_stays_and_lists_those() -> None:
    plan = PlanFollowUp(F, "Ask", on(2), dispute(), (item("1"),))
    world = disputed("1", "2", "3").take(plan)
    when = world.when(ClearItem(item("1")))
    left = tuple(sorted([item("2"), item("3")]))
    when.then_also(
        FollowUpItemsChanged(F, left, (item("1"),)), *(ItemPlacedUnderFollowUp(one, F) for one in left)
    )
    assert not when.all(FollowUpEnded)
    assert not when.all(DisputeResolved)
    assert when.world.action(F).items == set(left)
    assert when.world.item("2").follow_ups == {planned(), F}


def test_26_which_is_so_for_every_action_of_the_dispute() -> None:
    world = disputed("1", "2").take(ClearItem(item("1")))
    assert world.action(planned()).items == {item("2")}
    world.take(ClearItem(item("2")))
    assert world.action(planned()).ended is Ended.DISPUTE_RESOLVED


def test_26_an_action_of_its_own_ends_though_the_dispute_goes_on() -> None:
    own = PlanFollowUp(F, "Wait", on(2), item_ids=(item("1"),))
    world = disputed("1", "2").take(own, ClearItem(item("1")))
    assert world.action(F).ended is Ended.ITEMS_CLEARED
    assert world.action(planned()).is_open
    assert world.dispute().is_open


def test_19_an_action_that_does_not_list_the_removed_item_stays_as_it_is() -> None:
    plan = PlanFollowUp(F, "Ask", on(2), dispute(), (item("1"),))
    when = disputed("1", "2").take(plan).when(RemoveItems(dispute(), (item("2"),)))
    assert [event.follow_up_id for event in when.all(FollowUpItemsChanged)] == [planned()]
    assert when.world.action(F).items == {item("1")}


def test_19_added_items_come_under_the_actions() -> None:
    world = given(invoice("1"), invoice("2"), opening("1"), at(day(1), AddItems(dispute(), (item("2"),))))
    assert world.action(planned()).items == {item("1"), item("2")}


def test_11_a_dispute_counts_the_actions_that_it_had() -> None:
    plan = FollowUpPlan(on(3))
    assert disputed("1", follow_up=plan).take(SECOND).dispute().follow_ups_planned == 2


NAMED = FollowUpPlan(on(5), reference="F")


@pytest.mark.parametrize(
    "plan",
    [
        opening("1", follow_up=NAMED),
        qualifying("price", "1", follow_up=NAMED),
        qualifying("ongoing", "1", follow_up=NAMED),
    ],
    ids=["opening", "disputing", "qualifying"],
)
def test_11_the_action_that_comes_with_a_status_has_the_reference_that_it_is_given(plan: Command) -> None:
    when = given(invoice("1")).when(plan)
    planned_one = when.one(FollowUpPlanned)
    assert (planned_one.follow_up_id, planned_one.reference) == (action("F"), "F")
    assert when.world.action(action("F")).due_on == on(5)
    taken = given(invoice("1"), invoice("2"), PlanFollowUp(action("F"), "Ask", on(2), item_ids=(item("2"),)))
    taken.when(plan).then(FollowUpExists(action("F")))


def test_22_so_has_the_one_that_comes_with_a_reopening() -> None:
    reopen = ReopenDispute(dispute(), NAMED)
    world = given(invoice("1"), opening("1"), resolving())
    when = world.when(reopen)
    assert when.one(FollowUpPlanned).follow_up_id == action("F")
    assert when.world.dispute().follow_ups == {action("F")}
    taken = PlanFollowUp(action("F"), "Ask", on(2), item_ids=(item("1"),))
    world.take(taken).when(reopen).then(FollowUpExists(action("F")))


def test_14_told_again_with_its_reference_it_is_so_already() -> None:
    said = qualifying("price", "1", follow_up=NAMED)
    world = given(invoice("1"), said)
    world.when(said).then_nothing()
    world.when(qualifying("price", "1", follow_up=FollowUpPlan(reference="G"))).then(NotByQualifying)


def test_23_what_a_program_plans_is_the_collectors_or_nobodys() -> None:
    client = service(Permission.QUALIFY)
    world = given(invoice("1"), invoice("1", customer=OTHER))
    planned_one = world.when(opening("1"), by=client).one(FollowUpPlanned)
    assert (planned_one.owner_id, planned_one.planned_by) == (COLLECTOR.person_id, client.person_id)
    of_nobody = QualifyItems(dispute(), (item("1", OTHER),), "price")
    when = world.when(of_nobody, by=client)
    assert when.one(FollowUpPlanned).owner_id is None
    assert when.world.action(planned()).owner_id is None
    assert world.when(of_nobody, by=MANAGER).one(FollowUpPlanned).owner_id == MANAGER.person_id
    left = given(invoice("1"), DeactivatePerson(COLLECTOR.person_id))
    assert left.when(opening("1"), by=client).one(FollowUpPlanned).owner_id is None
