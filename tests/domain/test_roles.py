"""Spec 29, 30: the table of who may do what, and what an object has to be to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product

import pytest

from domain import identity
from domain.catalogue import DefineStatus, StatusKind
from domain.commands import Command
from domain.customer import RegisterCustomer
from domain.decide import COMMANDS
from domain.dispute import AddItems, AssignResolver, CommentDispute, OpenDispute, RemoveItems
from domain.follow_up import ChaseResolver, CommentFollowUp, FollowUpPlan, PlanFollowUp, PostponeFollowUp
from domain.imports import ImportMode, StartImport
from domain.item import ClearItem
from domain.qualifying import QualifyItems
from domain.refusals import NotYours, RoleForbids, UnknownDispute, UnknownItem, UnknownStatus
from domain.resolving import EndFollowUp
from domain.roles import Actor, Concerned, Permission, Relation, Role, reach, require, stands
from domain.sales import StateMonthlySales
from tests.domain.sentences import (
    ANALYST,
    AUDITOR,
    COLLECTOR,
    MANAGER,
    OPERATING,
    OTHER,
    OTHER_COLLECTOR,
    OTHER_RESOLVER,
    RESOLVER,
    SALES,
    World,
    action,
    by,
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

# --- the table of the spec, read as it stands there --------------------------------------------------

COLUMNS = [
    Role.ADMINISTRATOR,
    Role.CREDIT_MANAGER,
    Role.COLLECTOR,
    Role.RESOLVER,
    Role.SALES_MANAGER,
    Role.AUDITOR,
    Role.ANALYST,
]

SPEC = """
people              | all | all | -                 | -                | -                 | -   | -
catalogue           | all | all | -                 | -                | -                 | -   | -
import              | all | all | all               | -                | -                 | -   | -
load_history        | -   | all | -                 | -                | -                 | -   | -
qualify             | -   | all | customer          | all              | customer          | -   | -
work_dispute        | -   | all | customer resolver | resolver opener  | customer resolver | -   | -
plan_follow_up      | -   | all | customer          | resolver opener  | customer          | -   | -
work_follow_up      | -   | all | customer          | resolver opener  | owner             | -   | -
validate_replies    | -   | all | customer          | resolver opener  | -                 | -   | -
reminders           | -   | all | customer          | -                | -                 | -   | -
read_items          | all | all | customer          | all              | customer          | all | all
read_agenda         | all | all | agenda            | agenda           | agenda            | -   | -
read_disputes       | all | all | customer resolver | resolver opener  | customer resolver | all | all
read_aged_balance   | all | all | customer          | resolver         | customer          | all | all
read_receivables    | all | all | -                 | -                | -                 | all | all
read_log            | -   | all | -                 | -                | -                 | all | -
"""

RELATIONS = {
    "all": Relation.ANY,
    "customer": Relation.CUSTOMER,
    "resolver": Relation.RESOLVER,
    "opener": Relation.OPENER,
    "owner": Relation.OWNER,
    "agenda": Relation.SELF,
}


def spec_table() -> dict[tuple[Permission, Role], frozenset[Relation]]:
    table = {}
    for line in SPEC.strip().splitlines():
        name, *cells = (cell.strip() for cell in line.split("|"))
        for role, cell in zip(COLUMNS, cells, strict=True):
            words = [] if cell == "-" else cell.split()
            table[Permission(name), role] = frozenset(RELATIONS[word] for word in words)
    return table


TABLE = spec_table()
ME = identity.person_id("me")


def test_29_the_table_is_complete() -> None:
    assert set(TABLE) == set(product(Permission, COLUMNS))


@pytest.mark.parametrize("role", COLUMNS)
@pytest.mark.parametrize("permission", Permission)
def test_29_what_a_permission_reaches_in_each_role(permission: Permission, role: Role) -> None:
    expected = TABLE[permission, role]
    if expected:
        assert reach(Actor(ME, role), permission) == expected
    else:
        with pytest.raises(RoleForbids):
            reach(Actor(ME, role), permission)


CONCERNED = {
    Relation.CUSTOMER: Concerned(customer=frozenset({ME})),
    Relation.RESOLVER: Concerned(resolvers=frozenset({ME})),
    Relation.OPENER: Concerned(openers=frozenset({ME})),
    Relation.OWNER: Concerned(owners=frozenset({ME})),
    Relation.ANY: Concerned(),
}


@pytest.mark.parametrize("role", COLUMNS)
@pytest.mark.parametrize("permission", Permission)
def test_29_every_role_over_every_object(permission: Permission, role: Role) -> None:
    reached = TABLE[permission, role]
    if not reached:
        with pytest.raises(RoleForbids):
            require(Actor(ME, role), permission, Concerned())
        return
    for relation, concerned in CONCERNED.items():
        own_agenda = Relation.SELF in reached and relation in {Relation.OWNER, Relation.RESOLVER}
        if Relation.ANY in reached or relation in reached or own_agenda:
            require(Actor(ME, role), permission, concerned)
        else:
            with pytest.raises(NotYours):
                require(Actor(ME, role), permission, concerned)


@pytest.mark.parametrize("scope", Permission)
def test_29_a_service_key_has_the_rights_of_its_scopes_no_more(scope: Permission) -> None:
    require(service(scope), scope)
    for permission in set(Permission) - {scope}:
        with pytest.raises(RoleForbids):
            require(service(scope), permission)


def test_29_what_is_about_no_object_is_for_those_who_reach_all() -> None:
    with pytest.raises(NotYours):
        require(COLLECTOR, Permission.QUALIFY)
    require(MANAGER, Permission.QUALIFY)


def test_29_another_person_stands_in_no_relation() -> None:
    everybody_else = frozenset({identity.person_id("another")})
    concerned = Concerned(everybody_else, everybody_else, everybody_else, everybody_else)
    assert not any(stands(Actor(ME, Role.COLLECTOR), concerned, relation) for relation in Relation)


# --- the table, on real objects ----------------------------------------------------------------------

D, F = dispute(), action("F")
ITEM = item("1")
HERS = service(Permission.QUALIFY)


def case() -> World:
    """A dispute opened by `OTHER_RESOLVER`, for `RESOLVER`, of a customer of `COLLECTOR` and `SALES`."""
    own = PlanFollowUp(F, "Wait", on(2), item_ids=(item("2"),))
    opened = opening("1", "3", resolver_id=RESOLVER.person_id)
    return given(invoice("1"), invoice("2"), invoice("3"), invoice("4"), by(OTHER_RESOLVER, opened), own)


COMMENT = CommentDispute(D, "Text")
PLAN = PlanFollowUp(action("G"), "Ask", on(3), D)
PLAN_SOME = PlanFollowUp(action("G"), "Ask", on(3), D, (ITEM,))
PLAN_OWN = PlanFollowUp(action("G"), "Ask", on(3), item_ids=(item("4"),))
EVERYBODY = {
    MANAGER,
    COLLECTOR,
    OTHER_COLLECTOR,
    RESOLVER,
    OTHER_RESOLVER,
    SALES,
    AUDITOR,
    ANALYST,
    OPERATING,
}
OF_THE_DISPUTE = {MANAGER, COLLECTOR, RESOLVER, OTHER_RESOLVER, SALES}


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        (qualifying("ongoing", "4"), OF_THE_DISPUTE),
        (opening("4", name="E"), OF_THE_DISPUTE),
        (COMMENT, OF_THE_DISPUTE),
        (AddItems(D, (item("4"),)), OF_THE_DISPUTE),
        (RemoveItems(D, (ITEM,)), OF_THE_DISPUTE),
        (resolving(), OF_THE_DISPUTE),
        (qualifying("price", "1", comment="More"), OF_THE_DISPUTE),
        (PLAN, OF_THE_DISPUTE),
        (PLAN_SOME, OF_THE_DISPUTE),
        (PLAN_OWN, {MANAGER, COLLECTOR, SALES}),
        (PostponeFollowUp(planned(), on(9)), OF_THE_DISPUTE - {SALES}),
        (ChaseResolver(planned()), OF_THE_DISPUTE - {SALES}),
        (CommentFollowUp(F, "Text"), {MANAGER, COLLECTOR}),
        (EndFollowUp(F), {MANAGER, COLLECTOR}),
        (ClearItem(ITEM), {MANAGER, COLLECTOR, OTHER_COLLECTOR, OPERATING}),
        (RegisterCustomer("NEW"), {MANAGER, COLLECTOR, OTHER_COLLECTOR, OPERATING}),
        (
            StateMonthlySales(date(2026, 3, 1), "main", "EUR", Decimal(1)),
            {MANAGER, COLLECTOR, OTHER_COLLECTOR, OPERATING},
        ),
        (
            StartImport(identity.ImportId(ITEM), "f.csv", "sha256:00", ImportMode.DELTA),
            {MANAGER, COLLECTOR, OTHER_COLLECTOR, OPERATING},
        ),
    ],
)
def test_29_who_may_give_which_command(command: Command, allowed: set[Actor]) -> None:
    accepted = {actor for actor in EVERYBODY if case().when(command, by=actor).refusal is None}
    assert accepted == allowed


def test_29_a_resolver_qualifies_any_item_that_is_in_no_dispute_of_others() -> None:
    world = given(invoice("1", customer=OTHER), invoice("2"), opening("2", resolver_id=RESOLVER.person_id))
    world.when(QualifyItems(dispute("Q"), (item("1", OTHER),), "ongoing"), by=OTHER_RESOLVER).then_goes()
    settle = qualifying("dispute_resolved", "2", outcome="other")
    world.when(settle, by=OTHER_RESOLVER).then(NotYours)
    world.when(settle, by=RESOLVER).then_goes()


def test_29_a_collector_settles_a_dispute_assigned_to_them() -> None:
    world = given(invoice("1"), opening("1", resolver_id=OTHER_COLLECTOR.person_id))
    world.when(resolving(), by=OTHER_COLLECTOR).then_goes()
    world.when(PostponeFollowUp(planned(), on(9)), by=OTHER_COLLECTOR).then(NotYours)


def test_29_a_former_resolver_has_no_more_to_do_with_it() -> None:
    world = case().take(AssignResolver(D, OTHER_RESOLVER.person_id))
    world.when(COMMENT, by=RESOLVER).then(NotYours)


def test_29_a_sales_manager_works_the_actions_that_they_own() -> None:
    own = PlanFollowUp(F, "Ring", on(2), item_ids=(item("1", OTHER),), owner_id=SALES.person_id)
    world = given(invoice("1", customer=OTHER), own)
    world.when(PostponeFollowUp(F, on(5)), by=SALES).then_goes()
    world.when(PostponeFollowUp(F, on(5)), by=COLLECTOR).then(NotYours)


def test_29_a_resolver_works_the_actions_whose_resolver_they_are() -> None:
    own = PlanFollowUp(F, "Ring", on(2), item_ids=(item("1"),), resolver_id=RESOLVER.person_id)
    given(invoice("1"), own).when(EndFollowUp(F), by=RESOLVER).then_goes()


def test_29_a_customer_of_nobody_is_the_credit_managers() -> None:
    world = given(invoice("1", customer=OTHER))
    command = OpenDispute(D, (item("1", OTHER),), "price")
    for actor in (COLLECTOR, SALES):
        world.when(command, by=actor).then(NotYours)
    world.when(command, by=MANAGER).then_goes()


def test_29_every_selected_item_is_of_an_own_customer() -> None:
    world = given(invoice("1"), invoice("1", customer=OTHER))
    world.when(QualifyItems(D, (item("1"), item("1", OTHER)), "ongoing"), by=COLLECTOR).then(NotYours)


def test_29_what_does_not_exist_is_unknown_and_not_forbidden() -> None:
    given().when(qualifying("ongoing", "9"), by=COLLECTOR).then(UnknownItem(item("9")))
    given().when(COMMENT, by=COLLECTOR).then(UnknownDispute(D))


def test_29_a_dispute_opened_by_a_resolver_stays_theirs_to_follow_up() -> None:
    case().when(PLAN, by=OTHER_RESOLVER).then_goes()


# --- scopes and history ------------------------------------------------------------------------------


def test_29_a_service_works_for_its_scopes_over_everything() -> None:
    case().when(qualifying("ongoing", "4"), by=HERS).then_goes()
    case().when(COMMENT, by=HERS).then(RoleForbids(Role.SERVICE, Permission.WORK_DISPUTE))
    case().when(qualifying("price", "1", comment="More"), by=HERS).then(
        RoleForbids(Role.SERVICE, Permission.WORK_DISPUTE)
    )


def test_29_only_a_credit_manager_loads_history() -> None:
    loads = {
        actor for actor in EVERYBODY if case().when(ClearItem(ITEM), by=actor, explicit=True).refusal is None
    }
    assert loads == {MANAGER}


def test_30_on_behalf_of_somebody_the_rights_are_the_loaders() -> None:
    loading = replace(MANAGER, on_behalf_of=identity.person_id("anna"))
    case().when(COMMENT, by=loading).then_goes()
    case().when(COMMENT, by=replace(COLLECTOR, on_behalf_of=identity.person_id("anna"))).then(
        RoleForbids(Role.COLLECTOR, Permission.LOAD_HISTORY)
    )
    key = service(Permission.LOAD_HISTORY)
    case().when(COMMENT, by=replace(key, on_behalf_of=identity.person_id("anna"))).then(
        RoleForbids(Role.SERVICE, Permission.WORK_DISPUTE)
    )


@pytest.mark.parametrize("command", sorted(COMMANDS, key=str))
def test_29_every_command_has_its_row_in_the_table(command: type[Command]) -> None:
    assert reach(MANAGER, command.permission) == {Relation.ANY}
    with pytest.raises(RoleForbids):
        reach(AUDITOR, command.permission)


def test_29_over_something_else_than_a_dispute_nobody_has_a_right() -> None:
    company = identity.DisputeId(identity.COMPANY_STREAM)
    case().when(CommentDispute(company, "Text"), by=COLLECTOR).then(NotYours)
    case().when(CommentDispute(company, "Text")).then(UnknownDispute(company))


def test_29_an_action_that_is_told_of_is_planned_by_its_own_right() -> None:
    world = given(invoice("1", customer=OTHER))
    items, plan = (item("1", OTHER),), FollowUpPlan(on(3))
    at_once = QualifyItems(dispute("Q"), items, "promise_to_pay", promised_on=on(5), follow_up=plan)
    world.when(at_once, by=MANAGER).then_goes()
    world.when(at_once, by=RESOLVER).then(NotYours)
    world.when(replace(at_once, follow_up=None, plan_follow_up=True), by=RESOLVER).then(NotYours)
    world.when(replace(at_once, follow_up=None), by=RESOLVER).then_goes()
    qualifies = service(Permission.QUALIFY)
    world.when(at_once, by=qualifies).then(RoleForbids)
    world.when(at_once, by=service(Permission.QUALIFY, Permission.PLAN_FOLLOW_UP)).then_goes()


def test_29_an_action_of_the_four_steps_or_of_the_status_itself_comes_with_qualifying() -> None:
    world = given(invoice("1"), DefineStatus("wait", StatusKind.ONGOING, {"en": "Wait"}, automatic=True))
    qualifies = service(Permission.QUALIFY)
    world.when(qualifying("price", "1", follow_up=FollowUpPlan(on(3))), by=qualifies).then_goes()
    world.when(qualifying("wait", "1", plan_follow_up=True), by=qualifies).then_goes()
    world.when(qualifying("wait", "1", follow_up=FollowUpPlan(on(3))), by=qualifies).then(RoleForbids)
    world.when(qualifying("unknown", "1"), by=qualifies).then(UnknownStatus)
