"""Spec 29: people, the roles that they are given, and API keys."""

from __future__ import annotations

import pytest

from domain import identity
from domain.identity import PEOPLE_STREAM
from domain.people import (
    ApiKey,
    AssignmentValuesGiven,
    DeactivatePerson,
    IssueKey,
    KeyIssued,
    KeyRevoked,
    LoginGiven,
    LoginWithdrawn,
    Person,
    PersonDeactivated,
    PersonReactivated,
    PersonRegistered,
    PersonRenamed,
    ReactivatePerson,
    RegisterPerson,
    RevokeKey,
    RoleGiven,
    RoleWithdrawn,
)
from domain.refusals import (
    CodeTaken,
    PersonInactive,
    Refusal,
    RoleForbids,
    RoleNotGivable,
    ScopeNotGivable,
    TextMissing,
    UnknownKey,
    UnknownPerson,
)
from domain.roles import Actor, Permission, Role
from tests.domain.sentences import (
    ANALYST,
    AUDITOR,
    COLLECTOR,
    MANAGER,
    OPERATING,
    RESOLVER,
    TECHNICIAN,
    by,
    given,
    key,
    service,
)

MARY = identity.person_id("mary")
P = PEOPLE_STREAM


# --- people ----------------------------------------------------------------------------------------


def test_29_a_person_is_registered_with_or_without_a_login() -> None:
    world = (
        given()
        .when(RegisterPerson("mary", "Mary Roy", "mary@example.com", Role.RESOLVER, ("west",)))
        .then(PersonRegistered(P, MARY, "mary", "Mary Roy", "mary@example.com", Role.RESOLVER, ("west",)))
    )
    assert world.people.persons[MARY] == Person(
        MARY, "mary", "Mary Roy", "mary@example.com", Role.RESOLVER, ("west",)
    )
    given().when(RegisterPerson("mary")).then(PersonRegistered(P, MARY, "mary", "mary", None, None, ()))


def test_29_what_differs_changes_and_what_is_not_given_stays() -> None:
    told = RegisterPerson("mary", "Mary Roy", "mary@example.com", Role.RESOLVER, ("west",))
    world = given(RegisterPerson("mary"))
    world = world.when(told).then(
        PersonRenamed(P, MARY, "Mary Roy", "mary"),
        LoginGiven(P, MARY, "mary@example.com", None),
        RoleGiven(P, MARY, Role.RESOLVER, None),
        AssignmentValuesGiven(P, MARY, ("west",), ()),
    )
    assert world.people.persons[MARY] == Person(
        MARY, "mary", "Mary Roy", "mary@example.com", Role.RESOLVER, ("west",)
    )
    world.when(told).then_nothing()
    world.when(RegisterPerson("mary")).then_nothing()
    world.when(RegisterPerson("mary", assignment_values=())).then(
        AssignmentValuesGiven(P, MARY, (), ("west",))
    )


def test_29_a_login_is_one_persons() -> None:
    world = given(RegisterPerson("mary", login="m"))
    world.when(RegisterPerson("max", login="m")).then(CodeTaken("m", "mary"))
    world.when(RegisterPerson("technician", login="m")).then(CodeTaken("m", "mary"))
    world.when(RegisterPerson("mary", login="m")).then_nothing()


def test_29_login_and_role_are_taken_away_by_saying_none() -> None:
    world = given(RegisterPerson("mary", "Mary", "m", Role.RESOLVER))
    take = RegisterPerson("mary", login=None, role=None)
    world = world.when(take).then(LoginWithdrawn(P, MARY, "m"), RoleWithdrawn(P, MARY, Role.RESOLVER))
    assert world.people.persons[MARY] == Person(MARY, "mary", "Mary", None, None, ())
    world.when(take).then_nothing()
    world.when(RegisterPerson("max", login="m")).then(PersonRegistered)
    given().when(RegisterPerson("mary", login=None, role=None)).then(
        PersonRegistered(P, MARY, "mary", "mary", None, None, ())
    )


def test_29_taking_away_asks_for_the_right_to_give() -> None:
    world = given(by(OPERATING, RegisterPerson("mary", None, "m", Role.AUDITOR)))
    world.when(RegisterPerson("mary", role=None)).then(RoleNotGivable(Role.CREDIT_MANAGER, Role.AUDITOR))
    world.when(RegisterPerson("mary", login=None)).then(RoleNotGivable(Role.CREDIT_MANAGER, Role.AUDITOR))
    world.when(RegisterPerson("mary", role=None), by=OPERATING).then(RoleWithdrawn)
    world.when(RegisterPerson("mary", role=None), by=COLLECTOR).then(RoleForbids)


def test_29_a_login_is_not_blank() -> None:
    given().when(RegisterPerson("mary", login=" ")).then(TextMissing("login"))


def test_29_a_person_has_a_code() -> None:
    given().when(RegisterPerson(" ")).then(TextMissing("code"))


def test_29_a_person_goes_and_comes_back() -> None:
    world = given().when(DeactivatePerson(TECHNICIAN)).then(PersonDeactivated(P, TECHNICIAN))
    assert not world.people.persons[TECHNICIAN].active
    world.when(DeactivatePerson(TECHNICIAN)).then_nothing()
    world = world.when(ReactivatePerson(TECHNICIAN)).then(PersonReactivated(P, TECHNICIAN))
    assert world.people.persons[TECHNICIAN].active
    world.when(ReactivatePerson(TECHNICIAN)).then_nothing()


def test_29_only_a_known_person_goes() -> None:
    given().when(DeactivatePerson(MARY)).then(UnknownPerson(MARY))
    given().when(ReactivatePerson(MARY)).then(UnknownPerson(MARY))


# --- giving roles ----------------------------------------------------------------------------------

GIVEN_BY_A_MANAGER = {Role.COLLECTOR, Role.RESOLVER, Role.SALES_MANAGER, Role.ANALYST}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("giver", [OPERATING, MANAGER, service(*Permission)], ids=lambda actor: actor.role)
def test_29_who_gives_which_role(giver: Actor, role: Role) -> None:
    expected = set(Role) - {Role.SERVICE} if giver is OPERATING else GIVEN_BY_A_MANAGER
    refusal = None if role in expected else RoleNotGivable(giver.role, role)
    assert given().when(RegisterPerson("mary", role=role), by=giver).refusal == refusal
    assert given(RegisterPerson("mary")).when(RegisterPerson("mary", role=role), by=giver).refusal == refusal


def test_29_a_service_gives_no_role_that_can_do_more_than_its_scopes() -> None:
    reads = {permission for permission in Permission if permission.startswith("read_")}
    analyst = service(Permission.PEOPLE, *(reads - {Permission.READ_LOG, Permission.READ_AGENDA}))
    given().when(RegisterPerson("mary", role=Role.ANALYST), by=analyst).then(PersonRegistered)
    given().when(RegisterPerson("mary", role=Role.COLLECTOR), by=analyst).then(RoleNotGivable)
    given().when(RegisterPerson("mary", role=Role.ANALYST), by=service(Permission.PEOPLE)).then(
        RoleNotGivable
    )


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR, Role.CREDIT_MANAGER}))
def test_29_nobody_else_has_to_do_with_people_roles_and_keys(role: Role) -> None:
    actor = Actor(MARY, role)
    for command in (
        RegisterPerson("mary"),
        DeactivatePerson(TECHNICIAN),
        ReactivatePerson(TECHNICIAN),
        IssueKey(key("k"), "k", TECHNICIAN),
        RevokeKey(key("k")),
    ):
        given().when(command, by=actor).then(RoleForbids(role, Permission.PEOPLE))


@pytest.mark.parametrize(
    "command",
    [
        RegisterPerson("auditor", "Another name"),
        RegisterPerson("auditor", role=Role.COLLECTOR),
        DeactivatePerson(AUDITOR.person_id),
        ReactivatePerson(AUDITOR.person_id),
        IssueKey(key("k"), "k", AUDITOR.person_id),
    ],
)
def test_29_whoever_may_not_give_a_role_does_not_change_who_has_it(command) -> None:
    given().when(command).then(RoleNotGivable(Role.CREDIT_MANAGER, Role.AUDITOR))
    assert given().when(command, by=OPERATING).refusal is None


# --- keys ------------------------------------------------------------------------------------------


def test_29_a_key_of_a_person_has_the_rights_of_their_role() -> None:
    world = (
        given()
        .when(IssueKey(key("k"), "Laptop", COLLECTOR.person_id))
        .then(KeyIssued(P, key("k"), "Laptop", COLLECTOR.person_id, ()))
    )
    assert world.people.keys[key("k")] == ApiKey(key("k"), "Laptop", COLLECTOR.person_id, ())
    world.when(IssueKey(key("k"), "Laptop", COLLECTOR.person_id)).then_nothing()


def test_29_a_key_of_a_service_has_the_scopes_that_it_was_given() -> None:
    scopes = (Permission.IMPORT, Permission.READ_ITEMS)
    given().when(IssueKey(key("k"), "Ledger", scopes=scopes)).then(
        KeyIssued(P, key("k"), "Ledger", None, scopes)
    )


def test_29_a_key_is_somebodys_who_can_log_in() -> None:
    given().when(IssueKey(key("k"), "k", MARY)).then(UnknownPerson(MARY))
    given(DeactivatePerson(COLLECTOR.person_id)).when(IssueKey(key("k"), "k", COLLECTOR.person_id)).then(
        PersonInactive(COLLECTOR.person_id)
    )
    given().when(IssueKey(key("k"), "k", TECHNICIAN)).then(
        TextMissing("role (a person without a role cannot log in)")
    )


def test_29_everybody_who_gives_keys_may_have_one_too() -> None:
    given().when(IssueKey(key("k"), "Mine", MANAGER.person_id)).then(KeyIssued)


def test_29_a_service_key_without_scopes_is_nothing() -> None:
    given().when(IssueKey(key("k"), "k")).then(
        TextMissing("scopes (a service key has the rights that it was given, no more)")
    )


def test_29_nobody_gives_scopes_that_they_do_not_have() -> None:
    giver = service(Permission.PEOPLE, Permission.IMPORT)
    give = IssueKey(key("k"), "k", scopes=(Permission.IMPORT, Permission.READ_LOG))
    given().when(give, by=giver).then(ScopeNotGivable(Role.SERVICE, Permission.READ_LOG))
    given().when(IssueKey(key("k"), "k", scopes=(Permission.IMPORT,)), by=giver).then(KeyIssued)


@pytest.mark.parametrize("scope", Permission)
def test_29_an_administrator_sets_up_api_clients_with_any_scope(scope: Permission) -> None:
    given().when(IssueKey(key("k"), "k", scopes=(scope,)), by=OPERATING).then(KeyIssued)
    given().when(IssueKey(key("k"), "k", scopes=(scope,)), by=MANAGER).then(KeyIssued)


def test_29_a_key_is_revoked() -> None:
    world = given(IssueKey(key("k"), "k", COLLECTOR.person_id))
    world = world.when(RevokeKey(key("k"))).then(KeyRevoked(P, key("k")))
    assert world.people.keys[key("k")].revoked
    world.when(RevokeKey(key("k"))).then_nothing()


def test_29_a_services_key_is_revoked_by_whoever_might_give_it() -> None:
    world = given(IssueKey(key("s"), "s", scopes=(Permission.IMPORT, Permission.READ_LOG)))
    revoke = RevokeKey(key("s"))
    weaker = service(Permission.PEOPLE, Permission.IMPORT)
    world.when(revoke, by=weaker).then(ScopeNotGivable(Role.SERVICE, Permission.READ_LOG))
    world.when(revoke, by=service(Permission.PEOPLE, Permission.IMPORT, Permission.READ_LOG)).then(KeyRevoked)
    world.when(revoke, by=OPERATING).then(KeyRevoked)
    itself = Actor(identity.PersonId(key("s")), Role.SERVICE, key("s"), frozenset({Permission.PEOPLE}))
    world.when(revoke, by=itself).then(KeyRevoked)


def test_29_only_a_known_key_of_nobody_above_is_revoked() -> None:
    given().when(RevokeKey(key("k"))).then(UnknownKey(key("k")))
    world = given(by(OPERATING, IssueKey(key("k"), "k", AUDITOR.person_id)))
    world.when(RevokeKey(key("k"))).then(RoleNotGivable(Role.CREDIT_MANAGER, Role.AUDITOR))
    world = given(
        IssueKey(key("k"), "Mine", MANAGER.person_id), IssueKey(key("s"), "s", scopes=(Permission.IMPORT,))
    )
    world.when(RevokeKey(key("k"))).then(KeyRevoked)
    world.when(RevokeKey(key("s"))).then(KeyRevoked)


@pytest.mark.parametrize("actor", [RESOLVER, ANALYST])
def test_29_a_refusal_of_the_role_is_an_answer_to_the_command_alone(actor: Actor) -> None:
    refusal: Refusal | None = given().when(RegisterPerson("mary"), by=actor).refusal
    assert refusal == RoleForbids(actor.role, Permission.PEOPLE)
