"""Who sees what of the reports (spec 29): all, or what stands in a relation to them."""

from __future__ import annotations

from typing import Final

from domain.roles import Role
from tests.projections.oracle.disputes import Action, Dispute
from tests.projections.oracle.items import Item
from tests.projections.oracle.view import View

ALL: Final = frozenset({Role.ADMINISTRATOR, Role.CREDIT_MANAGER, Role.AUDITOR, Role.ANALYST})


def _who(view: View) -> str:
    return str(view.asker.person_id)


def owns(view: View, customer: str) -> bool:
    """Whether the customer is theirs."""
    known = view.masters.customers.get(customer)
    return known is not None and _who(view) in {known.collector, known.manager}


def sees_aged(view: View, item: Item) -> bool:
    """All, own customers, or strictly what they are to settle."""
    if view.asker.role is Role.RESOLVER:
        return _who(view) in view.resolvers_of(item)
    return view.asker.role in ALL or owns(view, item.customer_id)


def sees_searched(view: View, item: Item) -> bool:
    """All, resolvers too, or own customers."""
    return view.asker.role in {*ALL, Role.RESOLVER} or owns(view, item.customer_id)


def sees_status(view: View, item: Item) -> bool:
    """All, own customers or assigned; resolvers what is assigned to them or was opened by them."""
    if view.asker.role in ALL or _who(view) in view.resolvers_of(item):
        return True
    if view.asker.role is Role.RESOLVER:
        return item.dispute is not None and view.disputes[item.dispute].opened_by == _who(view)
    return owns(view, item.customer_id)


def sees_dispute(view: View, of: Dispute, resolver: str | None) -> bool:
    """The same of a dispute, or an episode of it, with that *resolver*."""
    if view.asker.role in ALL or _who(view) == resolver:
        return True
    if view.asker.role is Role.RESOLVER:
        return of.opened_by == _who(view)
    return owns(view, of.customer_id)


def sees_action(view: View, action: Action) -> bool:
    """The same of a follow-up action, and what they own."""
    of = view.disputes[action.dispute] if action.dispute else None
    if _who(view) in {action.owner, action.resolver}:
        return True
    if of is not None:
        return sees_dispute(view, of, of.resolver)
    return view.asker.role in ALL or (view.asker.role is not Role.RESOLVER and owns(view, action.customer_id))
