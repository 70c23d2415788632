"""Who may do what (spec 29). One table, read by the object check and by the filters of every list."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.refusals import NotYours, RoleForbids, RoleNotGivable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.identity import KeyId, PersonId


class Role(StrEnum):
    """What a person who logs in is to the company; ``service`` is an API client."""

    ADMINISTRATOR = "administrator"
    CREDIT_MANAGER = "credit_manager"
    COLLECTOR = "collector"
    RESOLVER = "resolver"
    SALES_MANAGER = "sales_manager"
    AUDITOR = "auditor"
    ANALYST = "analyst"
    SERVICE = "service"


class Permission(StrEnum):
    """A row of the table of spec 29; also the scopes of a service key."""

    PEOPLE = "people"
    CATALOGUE = "catalogue"
    IMPORT = "import"
    LOAD_HISTORY = "load_history"
    QUALIFY = "qualify"
    WORK_DISPUTE = "work_dispute"
    PLAN_FOLLOW_UP = "plan_follow_up"
    WORK_FOLLOW_UP = "work_follow_up"
    VALIDATE_REPLIES = "validate_replies"
    REMINDERS = "reminders"
    READ_ITEMS = "read_items"
    READ_AGENDA = "read_agenda"
    READ_DISPUTES = "read_disputes"
    READ_AGED_BALANCE = "read_aged_balance"
    READ_RECEIVABLES = "read_receivables"
    READ_LOG = "read_log"


OPENS_NOTHING_YET: Final = frozenset({Permission.VALIDATE_REPLIES})
"""Rows of that table which no command asks for so far: not to be offered as scopes."""


class Relation(StrEnum):
    """How an object must stand to the actor for a permission to reach it."""

    ANY = "anything"
    CUSTOMER = "own customers"
    RESOLVER = "disputes assigned to them"
    OPENER = "disputes opened by them"
    OWNER = "follow-up actions that they own"
    SELF = "their own agenda"


Reach = frozenset[Relation]

_ALL: Final = Reach({Relation.ANY})
_OWN: Final = Reach({Relation.CUSTOMER})
_OWN_OR_ASSIGNED: Final = Reach({Relation.CUSTOMER, Relation.RESOLVER})
_THEIRS: Final = Reach({Relation.RESOLVER, Relation.OPENER})
_OWNED: Final = Reach({Relation.OWNER})
_AGENDA: Final = Reach({Relation.SELF})
_STRICTLY_RESOLVER: Final = Reach({Relation.RESOLVER})

_R = Role
TABLE: Final[Mapping[Permission, Mapping[Role, Reach]]] = {
    Permission.PEOPLE: {_R.ADMINISTRATOR: _ALL, _R.CREDIT_MANAGER: _ALL},
    Permission.CATALOGUE: {_R.ADMINISTRATOR: _ALL, _R.CREDIT_MANAGER: _ALL},
    Permission.IMPORT: {_R.ADMINISTRATOR: _ALL, _R.CREDIT_MANAGER: _ALL, _R.COLLECTOR: _ALL},
    Permission.LOAD_HISTORY: {_R.CREDIT_MANAGER: _ALL},
    Permission.QUALIFY: {
        _R.CREDIT_MANAGER: _ALL,
        _R.COLLECTOR: _OWN,
        _R.RESOLVER: _ALL,
        _R.SALES_MANAGER: _OWN,
    },
    Permission.WORK_DISPUTE: {
        _R.CREDIT_MANAGER: _ALL,
        _R.COLLECTOR: _OWN_OR_ASSIGNED,
        _R.RESOLVER: _THEIRS,
        _R.SALES_MANAGER: _OWN_OR_ASSIGNED,
    },
    Permission.PLAN_FOLLOW_UP: {
        _R.CREDIT_MANAGER: _ALL,
        _R.COLLECTOR: _OWN,
        _R.RESOLVER: _THEIRS,
        _R.SALES_MANAGER: _OWN,
    },
    Permission.WORK_FOLLOW_UP: {
        _R.CREDIT_MANAGER: _ALL,
        _R.COLLECTOR: _OWN,
        _R.RESOLVER: _THEIRS,
        _R.SALES_MANAGER: _OWNED,
    },
    Permission.VALIDATE_REPLIES: {_R.CREDIT_MANAGER: _ALL, _R.COLLECTOR: _OWN, _R.RESOLVER: _THEIRS},
    Permission.REMINDERS: {_R.CREDIT_MANAGER: _ALL, _R.COLLECTOR: _OWN},
    Permission.READ_ITEMS: {
        _R.ADMINISTRATOR: _ALL,
        _R.CREDIT_MANAGER: _ALL,
        _R.COLLECTOR: _OWN,
        _R.RESOLVER: _ALL,
        _R.SALES_MANAGER: _OWN,
        _R.AUDITOR: _ALL,
        _R.ANALYST: _ALL,
    },
    Permission.READ_AGENDA: {
        _R.ADMINISTRATOR: _ALL,
        _R.CREDIT_MANAGER: _ALL,
        _R.COLLECTOR: _AGENDA,
        _R.RESOLVER: _AGENDA,
        _R.SALES_MANAGER: _AGENDA,
    },
    Permission.READ_DISPUTES: {
        _R.ADMINISTRATOR: _ALL,
        _R.CREDIT_MANAGER: _ALL,
        _R.COLLECTOR: _OWN_OR_ASSIGNED,
        _R.RESOLVER: _THEIRS,
        _R.SALES_MANAGER: _OWN_OR_ASSIGNED,
        _R.AUDITOR: _ALL,
        _R.ANALYST: _ALL,
    },
    Permission.READ_AGED_BALANCE: {
        _R.ADMINISTRATOR: _ALL,
        _R.CREDIT_MANAGER: _ALL,
        _R.COLLECTOR: _OWN,
        _R.RESOLVER: _STRICTLY_RESOLVER,
        _R.SALES_MANAGER: _OWN,
        _R.AUDITOR: _ALL,
        _R.ANALYST: _ALL,
    },
    Permission.READ_RECEIVABLES: {
        _R.ADMINISTRATOR: _ALL,
        _R.CREDIT_MANAGER: _ALL,
        _R.AUDITOR: _ALL,
        _R.ANALYST: _ALL,
    },
    Permission.READ_LOG: {_R.CREDIT_MANAGER: _ALL, _R.AUDITOR: _ALL},
}

GIVABLE: Final[Mapping[Role, frozenset[Role]]] = {
    Role.ADMINISTRATOR: frozenset(Role) - {Role.SERVICE},
    Role.CREDIT_MANAGER: frozenset({Role.COLLECTOR, Role.RESOLVER, Role.SALES_MANAGER, Role.ANALYST}),
}
"""Which roles a role may give to others."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person in a role, or a service key with its scopes; perhaps on somebody's behalf."""

    person_id: PersonId
    role: Role
    key_id: KeyId | None = None
    scopes: frozenset[Permission] = frozenset()
    on_behalf_of: PersonId | None = None


@dataclass(frozen=True, slots=True)
class Concerned:
    """The people an object concerns, as the table's reaches need them."""

    customer: frozenset[PersonId] = frozenset()
    resolvers: frozenset[PersonId] = frozenset()
    openers: frozenset[PersonId] = frozenset()
    owners: frozenset[PersonId] = frozenset()


def reach(actor: Actor, permission: Permission) -> Reach:
    """What *permission* reaches for *actor*: the relations of which one must hold.

    Raises RoleForbids where the table has a dash.
    """
    if actor.role is Role.SERVICE:
        found = _ALL if permission in actor.scopes else None
    else:
        found = TABLE[permission].get(actor.role)
    if found is None:
        raise RoleForbids(actor.role, permission)
    return found


def require(actor: Actor, permission: Permission, concerned: Concerned | None = None) -> None:
    """Raise RoleForbids or NotYours unless *actor* has *permission* over the object.

    *concerned* is None for what is not about one object (settings, imports).
    """
    allowed = reach(actor, permission)
    if Relation.ANY in allowed:
        return
    if concerned is None or not any(stands(actor, concerned, relation) for relation in allowed):
        raise NotYours(actor.role, permission, ", ".join(sorted(allowed)))


def stands(actor: Actor, concerned: Concerned, relation: Relation) -> bool:
    """Whether *relation* holds between the actor and an object that concerns these people."""
    people: Mapping[Relation, frozenset[PersonId]] = {
        Relation.CUSTOMER: concerned.customer,
        Relation.RESOLVER: concerned.resolvers,
        Relation.OPENER: concerned.openers,
        Relation.OWNER: concerned.owners,
        Relation.SELF: concerned.owners | concerned.resolvers,
    }
    return actor.person_id in people.get(relation, frozenset())


def require_givable(actor: Actor, role: Role) -> None:
    """Raise RoleNotGivable unless *actor* may give (or take) *role*."""
    if actor.role is Role.SERVICE:
        # Nobody gives more than they have: a role whose every permission is among the key's scopes.
        givable = frozenset(
            each
            for each in GIVABLE[Role.CREDIT_MANAGER]
            if all(permission in actor.scopes for permission, row in TABLE.items() if each in row)
        )
    else:
        givable = GIVABLE.get(actor.role, frozenset())
    if role not in givable:
        raise RoleNotGivable(actor.role, role)
