"""Giving API keys and revoking them (spec 29). They stand on the stream of people, and so do their events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.identity import PEOPLE_STREAM
from domain.people import IssueKey, KeyIssued, KeyRevoked, People, Person, RevokeKey, person_below
from domain.refusals import RoleForbids, ScopeNotGivable, TextMissing, UnknownKey
from domain.roles import Actor, Permission, Role, reach, require_givable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.events import Event


def issue_key(people: People, command: IssueKey, actor: Actor) -> list[Event]:
    """The key is given. Raises UnknownPerson, PersonInactive, RoleNotGivable, ScopeNotGivable,
    TextMissing."""
    if command.key_id in people.keys:
        return []
    if command.person_id is not None:
        _check_holder(people.active_person(command.person_id), actor)
    elif not command.scopes:
        raise TextMissing("scopes (a service key has the rights that it was given, no more)")
    else:
        _check_scopes(command.scopes, actor)
    return [KeyIssued(PEOPLE_STREAM, command.key_id, command.name, command.person_id, command.scopes)]


def _check_holder(person: Person, actor: Actor) -> None:
    if person.role is None:
        raise TextMissing("role (a person without a role cannot log in)")
    if person.id != actor.person_id:
        require_givable(actor, person.role)


def _check_scopes(scopes: Iterable[Permission], actor: Actor) -> None:
    if actor.role is Role.ADMINISTRATOR:
        return  # an administrator sets up the company's API clients
    for scope in scopes:
        try:
            reach(actor, scope)
        except RoleForbids:
            raise ScopeNotGivable(actor.role, scope) from None


def revoke_key(people: People, command: RevokeKey, actor: Actor) -> list[Event]:
    """The key is revoked, by whoever might give it, or whose own it is. Said twice changes nothing.

    Raises UnknownKey, RoleNotGivable (the key of somebody above the actor), ScopeNotGivable (that of a
    service which can do more than the actor).
    """
    key = people.keys.get(command.key_id)
    if key is None:
        raise UnknownKey(command.key_id)
    if key.person_id is None:
        if key.id != actor.key_id:
            _check_scopes(key.scopes, actor)
    elif key.person_id != actor.person_id:
        person_below(people, key.person_id, actor)
    return [] if key.revoked else [KeyRevoked(PEOPLE_STREAM, command.key_id)]
