"""The people of a company, their roles and assignment values, and the API keys given to them (spec 29)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, TypeAlias, assert_never
from uuid import UUID

from domain.commands import Command
from domain.events import Event, PersonalText
from domain.identity import PEOPLE_STREAM, KeyId, PersonId, person_id
from domain.refusals import (
    CodeTaken,
    KeyAlreadyRevoked,
    PersonInactive,
    RoleForbids,
    ScopeNotGivable,
    TextMissing,
    UnknownKey,
    UnknownPerson,
)
from domain.roles import Actor, Permission, Role, reach, require_givable

# --- commands --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RegisterPerson(Command):
    """Register a person, or change what differs of the one with this code; what is not given stays."""

    permission: ClassVar[Permission] = Permission.PEOPLE
    code: str
    name: str | None = None
    login: str | None = None
    role: Role | None = None
    assignment_values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class DeactivatePerson(Command):
    """The person can no longer be named nor log in; what they did stays."""

    permission: ClassVar[Permission] = Permission.PEOPLE
    person_id: PersonId


@dataclass(frozen=True, slots=True)
class ReactivatePerson(Command):
    """The person is back."""

    permission: ClassVar[Permission] = Permission.PEOPLE
    person_id: PersonId


@dataclass(frozen=True, slots=True)
class IssueKey(Command):
    """Give an API key to a person (their role then counts), or to a service with scopes."""

    permission: ClassVar[Permission] = Permission.PEOPLE
    key_id: KeyId
    name: str
    person_id: PersonId | None = None
    scopes: tuple[Permission, ...] = ()


@dataclass(frozen=True, slots=True)
class RevokeKey(Command):
    """The key opens nothing from now on."""

    permission: ClassVar[Permission] = Permission.PEOPLE
    key_id: KeyId


# --- events ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfPeople(Event):
    """A fact of the stream of the company's people."""

    people: UUID


@dataclass(frozen=True, slots=True)
class PersonRegistered(OfPeople):
    """A person of the company is known."""

    person_id: PersonId
    code: str
    name: PersonalText
    login: PersonalText | None
    role: Role | None
    assignment_values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonRenamed(OfPeople):
    """The person has another name."""

    person_id: PersonId
    name: PersonalText
    previous: PersonalText


@dataclass(frozen=True, slots=True)
class LoginGiven(OfPeople):
    """The person logs in by this name from now on."""

    person_id: PersonId
    login: PersonalText
    previous: PersonalText | None


@dataclass(frozen=True, slots=True)
class RoleGiven(OfPeople):
    """The person acts in this role from now on."""

    person_id: PersonId
    role: Role
    previous: Role | None


@dataclass(frozen=True, slots=True)
class AssignmentValuesGiven(OfPeople):
    """These values of the assignment field lead to this resolver from now on."""

    person_id: PersonId
    assignment_values: tuple[str, ...]
    previous: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonDeactivated(OfPeople):
    """The person can no longer be named nor log in."""

    person_id: PersonId


@dataclass(frozen=True, slots=True)
class PersonReactivated(OfPeople):
    """The person is back."""

    person_id: PersonId


@dataclass(frozen=True, slots=True)
class KeyIssued(OfPeople):
    """An API key was given to a person, or to a service with scopes. Its secret is nowhere in the log."""

    key_id: KeyId
    name: PersonalText
    person_id: PersonId | None
    scopes: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class KeyRevoked(OfPeople):
    """The API key opens nothing any more."""

    key_id: KeyId


PeopleEvent: TypeAlias = (
    PersonRegistered
    | PersonRenamed
    | LoginGiven
    | RoleGiven
    | AssignmentValuesGiven
    | PersonDeactivated
    | PersonReactivated
    | KeyIssued
    | KeyRevoked
)

# --- state -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the company, with or without a login."""

    id: PersonId
    code: str
    name: str
    login: str | None
    role: Role | None
    assignment_values: tuple[str, ...]
    active: bool = True


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as the log knows it: never its secret."""

    id: KeyId
    name: str
    person_id: PersonId | None
    scopes: tuple[Permission, ...]
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class People:
    """All people and keys of the company."""

    persons: Mapping[PersonId, Person] = field(default_factory=dict)
    keys: Mapping[KeyId, ApiKey] = field(default_factory=dict)

    def active_person(self, person: PersonId) -> Person:
        """The active person with this id. Raises UnknownPerson, PersonInactive."""
        if person not in self.persons:
            raise UnknownPerson(person)
        if not self.persons[person].active:
            raise PersonInactive(person)
        return self.persons[person]


def evolve(people: People, event: PeopleEvent) -> People:  # noqa: C901 - one flat match over the events
    """The people after *event*."""
    match event:
        case PersonRegistered():
            person = Person(
                event.person_id, event.code, event.name, event.login, event.role, event.assignment_values
            )
            return _with(people, person)
        case PersonRenamed():
            return _with(people, replace(people.persons[event.person_id], name=event.name))
        case LoginGiven():
            return _with(people, replace(people.persons[event.person_id], login=event.login))
        case RoleGiven():
            return _with(people, replace(people.persons[event.person_id], role=event.role))
        case AssignmentValuesGiven():
            values = event.assignment_values
            return _with(people, replace(people.persons[event.person_id], assignment_values=values))
        case PersonDeactivated():
            return _with(people, replace(people.persons[event.person_id], active=False))
        case PersonReactivated():
            return _with(people, replace(people.persons[event.person_id], active=True))
        case KeyIssued():
            key = ApiKey(event.key_id, event.name, event.person_id, event.scopes)
            return replace(people, keys={**people.keys, key.id: key})
        case KeyRevoked():
            key = replace(people.keys[event.key_id], revoked=True)
            return replace(people, keys={**people.keys, key.id: key})
        case _:
            assert_never(event)


def _with(people: People, person: Person) -> People:
    return replace(people, persons={**people.persons, person.id: person})


# --- decisions -------------------------------------------------------------------------------------


def register_person(people: People, command: RegisterPerson, actor: Actor) -> list[Event]:
    """The person is registered, or what differs is changed.

    Raises TextMissing, CodeTaken (the login is another's), RoleNotGivable.
    """
    existing = people.persons.get(person_id(command.code))
    _check_login_free(people, command)
    if existing is None:
        return [_registered(command, actor)]
    if existing.role:
        require_givable(actor, existing.role)
    return _changes(existing, command, actor)


def _check_login_free(people: People, command: RegisterPerson) -> None:
    for person in people.persons.values():
        if command.login and person.login == command.login and person.code != command.code:
            raise CodeTaken(command.login, person.code)


def _registered(command: RegisterPerson, actor: Actor) -> PersonRegistered:
    if not command.code.strip():
        raise TextMissing("code")
    if command.role:
        require_givable(actor, command.role)
    return PersonRegistered(
        PEOPLE_STREAM,
        person_id(command.code),
        command.code,
        command.name or command.code,
        command.login,
        command.role,
        command.assignment_values or (),
    )


def _changes(person: Person, command: RegisterPerson, actor: Actor) -> list[Event]:
    changes: list[Event] = []
    if command.name and command.name != person.name:
        changes.append(PersonRenamed(PEOPLE_STREAM, person.id, command.name, person.name))
    if command.login and command.login != person.login:
        changes.append(LoginGiven(PEOPLE_STREAM, person.id, command.login, person.login))
    if command.role and command.role is not person.role:
        require_givable(actor, command.role)
        changes.append(RoleGiven(PEOPLE_STREAM, person.id, command.role, person.role))
    values = command.assignment_values
    if values is not None and values != person.assignment_values:
        changes.append(AssignmentValuesGiven(PEOPLE_STREAM, person.id, values, person.assignment_values))
    return changes


def deactivate_person(people: People, command: DeactivatePerson, actor: Actor) -> list[Event]:
    """The person is inactive from now on. Raises UnknownPerson, RoleNotGivable."""
    person = _known(people, command.person_id, actor)
    return [PersonDeactivated(PEOPLE_STREAM, person.id)] if person.active else []


def reactivate_person(people: People, command: ReactivatePerson, actor: Actor) -> list[Event]:
    """The person is active again. Raises UnknownPerson, RoleNotGivable."""
    person = _known(people, command.person_id, actor)
    return [] if person.active else [PersonReactivated(PEOPLE_STREAM, person.id)]


def _known(people: People, person: PersonId, actor: Actor) -> Person:
    if person not in people.persons:
        raise UnknownPerson(person)
    role = people.persons[person].role
    if role:
        require_givable(actor, role)
    return people.persons[person]


def issue_key(people: People, command: IssueKey, actor: Actor) -> list[Event]:
    """The key is given. Raises UnknownPerson, PersonInactive, RoleNotGivable, ScopeNotGivable,
    TextMissing."""
    if command.key_id in people.keys:
        return []
    if command.person_id is None:
        _check_scopes(command, actor)
    else:
        _check_holder(people.active_person(command.person_id), actor)
    return [KeyIssued(PEOPLE_STREAM, command.key_id, command.name, command.person_id, command.scopes)]


def _check_holder(person: Person, actor: Actor) -> None:
    if person.role is None:
        raise TextMissing("role (a person without a role cannot log in)")
    if person.id != actor.person_id:
        require_givable(actor, person.role)


def _check_scopes(command: IssueKey, actor: Actor) -> None:
    if not command.scopes:
        raise TextMissing("scopes (a service key has the rights that it was given, no more)")
    if actor.role is Role.ADMINISTRATOR:
        return  # an administrator sets up the company's API clients
    for scope in command.scopes:
        try:
            reach(actor, scope)
        except RoleForbids:
            raise ScopeNotGivable(actor.role, scope) from None


def revoke_key(people: People, command: RevokeKey, actor: Actor) -> list[Event]:
    """The key is revoked. Raises UnknownKey, RoleNotGivable (the key of somebody above the actor)."""
    key = people.keys.get(command.key_id)
    if key is None:
        raise UnknownKey(command.key_id)
    if key.person_id is not None and key.person_id != actor.person_id:
        _known(people, key.person_id, actor)
    return [] if key.revoked else [KeyRevoked(PEOPLE_STREAM, command.key_id)]


def require_live(key: ApiKey) -> None:
    """Raise KeyAlreadyRevoked for a key that opens nothing any more."""
    if key.revoked:
        raise KeyAlreadyRevoked(key.id)
