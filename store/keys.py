"""API keys: secrets that let somebody into a company. Kept as SHA-256: 256 random bits need no salt."""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from psycopg.rows import tuple_row

from domain.identity import KeyId, PersonId
from domain.people import People
from domain.roles import Actor, Role
from store.connections import Pool, survive

PREFIX: Final = "redress_"
"""By which a key that leaked is recognised."""


class KeyNotAccepted(Exception):
    """The API key is not known, is revoked, or its holder may not log in."""


class RightsWithdrawn(KeyNotAccepted):
    """The key was revoked meanwhile, or the role of its holder changed; what was recorded before stays, nothing more was. Go on with a key that has the right: what is there already is not done twice."""  # noqa: E501


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Which key of which company a secret is. Whom it lets in the company's log says."""

    key_id: KeyId
    company: str


class Keys:
    """The keys of all companies of one database."""

    def __init__(self, pool: Pool) -> None:
        self._pool: Final = pool

    def issue(
        self,
        key_id: KeyId,
        company: str,
        issuer: str | None = None,
    ) -> str:
        """Make the secret of a key and return it: it is kept nowhere. Until the log knows the key it opens
        nothing.

        *issuer*: the secret of whoever issues it. What comes out then follows from that and the key's id: the
        same request can be answered the same again, and what a crash left out is made up for. Without it the
        secret is random. Raises LogUnavailable.
        """

        def issue() -> str:
            with self._pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
                ((salt,),) = cursor.execute("select salt from redress.installation").fetchall()
                bits = hmac.digest(root, salt + key_id.bytes, "sha256")
                secret = PREFIX + urlsafe_b64encode(bits).decode().rstrip("=")
                cursor.execute(
                    "insert into redress.api_keys (key_id, company, sha256)"
                    " values (%s, %s, %s) on conflict (key_id) do nothing",
                    (key_id, company, _digest(secret)),
                )
            return secret

        root = issuer.encode() if issuer is not None else os.urandom(32)
        return survive(self._pool, issue)

    def revoke(self, key_id: KeyId) -> None:
        """The key opens nothing from now on; again changes nothing. Raises LogUnavailable."""

        def revoke() -> None:
            with self._pool.connection() as connection:
                connection.execute(
                    "update redress.api_keys set revoked_at = clock_timestamp()"
                    " where key_id = %s and revoked_at is null",
                    (key_id,),
                )

        survive(self._pool, revoke)

    def holder(self, secret: str) -> KeyHolder:
        """Which key *secret* is. Raises KeyNotAccepted, LogUnavailable."""

        def look_up() -> list[tuple[object, ...]]:
            with self._pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
                return cursor.execute(
                    "select key_id, company from redress.api_keys where sha256 = %s and revoked_at is null",
                    (_digest(secret),),
                ).fetchall()

        rows = survive(self._pool, look_up)
        if not rows:
            raise KeyNotAccepted(KeyNotAccepted.__doc__)
        key_id, company = rows[0]
        assert isinstance(key_id, UUID)
        return KeyHolder(KeyId(key_id), str(company))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def actor_of(holder: KeyHolder, people: People) -> Actor:
    """The actor behind a key: a person in the role that they have now, or a service with its scopes.

    All of it as the log has it: what stands beside the secret can be altered. Raises KeyNotAccepted for a key
    that was revoked in the log, and for a person who is inactive or has no role.
    """
    key = people.keys.get(holder.key_id)
    if key is None or key.revoked:
        raise KeyNotAccepted(KeyNotAccepted.__doc__)
    if key.person_id is None:
        return Actor(PersonId(key.id), Role.SERVICE, key.id, frozenset(key.scopes))
    person = people.persons.get(key.person_id)
    if person is None or not person.active or person.role is None:
        raise KeyNotAccepted(KeyNotAccepted.__doc__)
    return Actor(person.id, person.role, key.id)


def require_still(actor: Actor, people: People) -> None:
    """Raise RightsWithdrawn unless *people* say of *actor* what they said when it came in.

    Whom the log does not know (the owner of the machine) has no rights that the log could withdraw.
    """
    key = people.keys.get(actor.key_id) if actor.key_id else None
    is_shut = actor.key_id is not None and (key is None or key.revoked)
    person = people.persons.get(actor.person_id)
    if is_shut or (person is not None and not (person.active and person.role is actor.role)):
        raise RightsWithdrawn(RightsWithdrawn.__doc__)
