"""The people of a company, their roles and assignment values, and the API keys given to them (spec 29)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, TypeAlias, assert_never
from uuid import UUID

from domain.commands import UNCHANGED, Command, Unchanged
from domain.events import Event, PersonalText
from domain.identity import PEOPLE_STREAM, KeyId, PersonId, person_id
from domain.refusals import (
    CodeTaken,
    PersonInactive,
    TextMissing,
    UnknownPerson,
)
from domain.roles import Actor, Permission, Role, require_givable

# --- commands --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RegisterPerson(Command):
    """Register a person, or change what differs of the one with this code; what is not given stays.

    None takes away the login or the role.
    """

    permission: ClassVar[Permission] = Permission.PEOPLE
    code: str
    name: str | None = None
    login: str | Unchanged | None = UNCHANGED
    role: Role | Unchanged | None = UNCHANGED
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
class LoginWithdrawn(OfPeople):
    """The person logs in no more."""

    person_id: PersonId
    previous: PersonalText


@dataclass(frozen=True, slots=True)
class RoleGiven(OfPeople):
    """The person acts in this role from now on."""

    person_id: PersonId
    role: Role
    previous: Role | None


@dataclass(frozen=True, slots=True)
class RoleWithdrawn(OfPeople):
    """The person acts in no role any more."""

    person_id: PersonId
    previous: Role


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
    | LoginWithdrawn
    | RoleGiven
    | RoleWithdrawn
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
        case LoginWithdrawn():
            return _with(people, replace(people.persons[event.person_id], login=None))
        case RoleGiven():
            return _with(people, replace(people.persons[event.person_id], role=event.role))
        case RoleWithdrawn():
            return _with(people, replace(people.persons[event.person_id], role=None))
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

    Raises TextMissing, CodeTaken (the login is another's), RoleNotGivable (the role told, or the one that the
    person has).
    """
    existing = people.persons.get(person_id(command.code))
    _check_login_free(people, command)
    if existing is None:
        return [_registered(command, actor)]
    if existing.role:
        require_givable(actor, existing.role)
    return _changes(existing, command, actor)


def _check_login_free(people: People, command: RegisterPerson) -> None:
    login = command.login
    if login is None or login is UNCHANGED:
        return
    if not login.strip():
        raise TextMissing("login")
    for person in people.persons.values():
        if person.login == login and person.code != command.code:
            raise CodeTaken(login, person.code)


def _registered(command: RegisterPerson, actor: Actor) -> PersonRegistered:
    if not command.code.strip():
        raise TextMissing("code")
    login = None if command.login is UNCHANGED else command.login
    role = None if command.role is UNCHANGED else command.role
    if role:
        require_givable(actor, role)
    return PersonRegistered(
        PEOPLE_STREAM,
        person_id(command.code),
        command.code,
        command.name or command.code,
        login,
        role,
        command.assignment_values or (),
    )


def _changes(person: Person, command: RegisterPerson, actor: Actor) -> list[Event]:
    changes: list[Event] = []
    if command.name and command.name != person.name:
        changes.append(PersonRenamed(PEOPLE_STREAM, person.id, command.name, person.name))
    changes += _login(person, command)
    changes += _role(person, command, actor)
    values = command.assignment_values
    if values is not None and values != person.assignment_values:
        changes.append(AssignmentValuesGiven(PEOPLE_STREAM, person.id, values, person.assignment_values))
    return changes


def _login(person: Person, command: RegisterPerson) -> list[Event]:
    told = command.login
    if told is UNCHANGED or told == person.login:
        return []
    if told is not None:
        return [LoginGiven(PEOPLE_STREAM, person.id, told, person.login)]
    return [LoginWithdrawn(PEOPLE_STREAM, person.id, person.login)] if person.login else []


def _role(person: Person, command: RegisterPerson, actor: Actor) -> list[Event]:
    told = command.role  # the role that they have is the actor's to take: `register_person` has looked
    if told is UNCHANGED or told is person.role:
        return []
    if told is not None:
        require_givable(actor, told)
        return [RoleGiven(PEOPLE_STREAM, person.id, told, person.role)]
    return [RoleWithdrawn(PEOPLE_STREAM, person.id, person.role)] if person.role else []


def deactivate_person(people: People, command: DeactivatePerson, actor: Actor) -> list[Event]:
    """The person is inactive from now on. Raises UnknownPerson, RoleNotGivable."""
    person = person_below(people, command.person_id, actor)
    return [PersonDeactivated(PEOPLE_STREAM, person.id)] if person.active else []


def reactivate_person(people: People, command: ReactivatePerson, actor: Actor) -> list[Event]:
    """The person is active again. Raises UnknownPerson, RoleNotGivable."""
    person = person_below(people, command.person_id, actor)
    return [] if person.active else [PersonReactivated(PEOPLE_STREAM, person.id)]


def person_below(people: People, person: PersonId, actor: Actor) -> Person:
    """The person with this id, whose role is the actor's to give. Raises UnknownPerson, RoleNotGivable."""
    if person not in people.persons:
        raise UnknownPerson(person)
    role = people.persons[person].role
    if role:
        require_givable(actor, role)
    return people.persons[person]
