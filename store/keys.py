"""API keys: secrets that let somebody into a company. Kept as SHA-256: 256 random bits need no salt."""

from __future__ import annotations

import hashlib
import os
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from psycopg.rows import tuple_row

from domain.identity import KeyId, PersonId
from domain.people import People
from domain.roles import Actor, Permission, Role
from store.connections import Pool, survive

PREFIX: Final = "redress_"
"""By which a key that leaked is recognised."""

_SHOWN: Final = len(PREFIX) + 6


class KeyNotAccepted(Exception):
    """The API key is not known, is revoked, or its holder may not log in."""


class RightsWithdrawn(KeyNotAccepted):
    """The key was revoked meanwhile, or the role of its holder changed; what was recorded before stays, nothing more was. Go on with a key that has the right: what is there already is not done twice."""  # noqa: E501


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whom a key lets in: a person of the company, or a service with scopes."""

    key_id: KeyId
    company: str
    person_id: PersonId | None
    scopes: tuple[str, ...]


class Keys:
    """The keys of all companies of one database."""

    def __init__(self, pool: Pool) -> None:
        self._pool: Final = pool

    def issue(
        self, key_id: KeyId, company: str, name: str, person_id: PersonId | None, scopes: list[str]
    ) -> str:
        """Make the secret of a key that the log knows as issued, and return it: it is shown this once
        only."""
        secret = PREFIX + urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        with self._pool.connection() as connection:
            connection.execute(
                "insert into redress.api_keys (key_id, company, sha256, prefix, person_id, scopes, name)"
                " values (%s, %s, %s, %s, %s, %s, %s)",
                (
                    key_id,
                    company,
                    _digest(secret),
                    secret[:_SHOWN],
                    person_id,
                    None if person_id else scopes,
                    name,
                ),
            )
        return secret

    def revoke(self, key_id: KeyId) -> None:
        """The key opens nothing from now on; again changes nothing."""
        with self._pool.connection() as connection:
            connection.execute(
                "update redress.api_keys set revoked_at = clock_timestamp()"
                " where key_id = %s and revoked_at is null",
                (key_id,),
            )

    def holder(self, secret: str) -> KeyHolder:
        """Whom *secret* lets in. Raises KeyNotAccepted."""

        def look_up() -> list[tuple[object, ...]]:
            with self._pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
                return cursor.execute(
                    "select key_id, company, person_id, scopes from redress.api_keys"
                    " where sha256 = %s and revoked_at is null",
                    (_digest(secret),),
                ).fetchall()

        rows = survive(self._pool, look_up)
        if not rows:
            raise KeyNotAccepted(KeyNotAccepted.__doc__)
        key_id, company, person_id, scopes = rows[0]
        assert isinstance(key_id, UUID)
        person = PersonId(person_id) if isinstance(person_id, UUID) else None
        return KeyHolder(
            KeyId(key_id), str(company), person, tuple(scopes) if isinstance(scopes, list) else ()
        )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def actor_of(holder: KeyHolder, people: People, on_behalf_of: str | None = None) -> Actor:
    """The actor behind a key: a person in the role that they have now, or a service with its scopes.

    Raises KeyNotAccepted for a key that was revoked in the log, and for a person who is inactive or has no
    role.
    """
    key = people.keys.get(holder.key_id)
    if key is None or key.revoked:
        raise KeyNotAccepted(KeyNotAccepted.__doc__)
    if holder.person_id is None:
        scopes = frozenset(Permission(scope) for scope in holder.scopes)
        return Actor(PersonId(holder.key_id), Role.SERVICE, holder.key_id, scopes, on_behalf_of)
    person = people.persons.get(holder.person_id)
    if person is None or not person.active or person.role is None:
        raise KeyNotAccepted(KeyNotAccepted.__doc__)
    return Actor(person.id, person.role, holder.key_id, on_behalf_of=on_behalf_of)


def require_still(actor: Actor, people: People) -> None:
    """Raise RightsWithdrawn unless *people* say of *actor* what they said when it came in.

    Whom the log does not know (the owner of the machine) has no rights that the log could withdraw.
    """
    key = people.keys.get(actor.key_id) if actor.key_id else None
    is_shut = actor.key_id is not None and (key is None or key.revoked)
    person = people.persons.get(actor.person_id)
    if is_shut or (person is not None and not (person.active and person.role is actor.role)):
        raise RightsWithdrawn(RightsWithdrawn.__doc__)
