"""Spec 32: what each person has to do, by date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from projections.agenda import AgendaParameters
from tests.projections.oracle import reach
from tests.projections.oracle.answer import Answer, Row
from tests.projections.oracle.disputes import Action, Dispute
from tests.projections.oracle.items import Item
from tests.projections.oracle.steps_due import steps_due
from tests.projections.oracle.view import View


def agenda(view: View, asked: AgendaParameters) -> Answer:
    until = asked.until or view.today + timedelta(days=asked.days_ahead)
    rows = [
        *_actions(view, asked, until),
        *_disputes(view, asked),
        *_customers(view, asked),
        *_steps(view, asked, until),
    ]
    person = asked.person if view.asker.role in reach.ALL else view.asker.person_id
    return Answer([row for row in rows if person is None or _is_theirs(view, str(person), row)])


def _is_theirs(view: View, person: str, row: Row) -> bool:
    """What nobody in particular has to do is every credit manager's."""
    known = view.masters.people.get(person)
    is_manager = known is not None and known.role == "credit_manager"
    return row["person_id"] == person or (row["part"] == "credit_manager" and is_manager)


def _collector(view: View, customer: str) -> str | None:
    """Whoever owns the customer's receivables and is active."""
    of = view.masters.collector_of(customer)
    return of if view.masters.active(of) else None


def _in_charge(view: View, customer: str) -> tuple[str, str | None]:
    collector = _collector(view, customer)
    return ("collector", collector) if collector else ("credit_manager", None)


def _actions(view: View, asked: AgendaParameters, until: date) -> Iterator[Row]:
    for action in view.actions.values():
        of = view.disputes[action.dispute] if action.dispute else None
        if not action.is_open or action.due_on > until or not view.in_period(action.due_on, asked):
            continue
        resolver = action.resolver or (of.resolver if of else None)
        if not _is_asked(view, asked, action.customer_id, of, resolver, of.type if of else action.status):
            continue
        items = _picked(view, asked, action.items)
        if not items and _picks(asked):
            continue
        for part, person in _parts(view, action, resolver):
            yield {
                **_row(view, "follow_up", part, person, action.customer_id, items),
                **_of_dispute(view, of, resolver, of.type if of else action.status),
                "day": action.due_on,
                "days_overdue": max((view.today - action.due_on).days, 0),
                "due_on": action.due_on,
                "follow_up_id": action.id,
                "title": action.title,
                "chases": action.chases,
            }


def _parts(view: View, action: Action, resolver: str | None) -> list[tuple[str, str | None]]:
    """In whose agenda it stands, and what they are to it."""
    found: list[tuple[str, str | None]] = []
    if view.masters.active(action.owner):
        found.append(("owner", action.owner))
    else:
        found.append(_in_charge(view, action.customer_id))
    if resolver is not None:
        if view.masters.active(resolver):
            found.append(("resolver", resolver))
        else:
            found.append(_in_charge(view, action.customer_id))
    once = {person: part for part, person in reversed(found)}  # nobody has the same action twice
    return [(part, person) for person, part in once.items()]


def _disputes(view: View, asked: AgendaParameters) -> Iterator[Row]:
    if asked.period_from or asked.period_to:
        return
    for dispute in view.disputes.values():
        if dispute.state != "open" or not _is_asked(
            view, asked, dispute.customer_id, dispute, dispute.resolver, dispute.type
        ):
            continue
        items = _picked(view, asked, dispute.items)
        if not items and _picks(asked):
            continue
        kinds = {
            "dispute_without_resolver": dispute.resolver is None,
            "dispute_without_follow_up": not any(view.actions[each].is_open for each in dispute.actions),
        }
        part, person = _in_charge(view, dispute.customer_id)
        for kind, holds in kinds.items():
            if holds:
                yield {
                    **_row(view, kind, part, person, dispute.customer_id, items),
                    **_of_dispute(view, dispute, dispute.resolver, dispute.type),
                }


def _customers(view: View, asked: AgendaParameters) -> Iterator[Row]:
    if asked.period_from or asked.period_to or asked.resolver or asked.status:
        return
    for customer in sorted({item.customer_id for item in view.open_items}):
        if _collector(view, customer) or not _is_asked(view, asked, customer, None, None, None):
            continue
        own = [item.id for item in view.open_items if item.customer_id == customer]
        if items := _picked(view, asked, own):
            row = _row(view, "customer_without_collector", "credit_manager", None, customer, items)
            yield {**row, **_of_dispute(view, None, None, None)}


def _steps(view: View, asked: AgendaParameters, until: date) -> Iterator[Row]:
    for due in steps_due(view, until):
        if due.on > until or not view.in_period(due.on, asked):
            continue
        if not _is_asked(view, asked, due.customer_id, None, None, None):
            continue
        if items := _picked(view, asked, (item.id for item in due.items)):
            part, person = _in_charge(view, due.customer_id)
            yield {
                **_row(view, "scenario_step", part, person, due.customer_id, items),
                **_of_dispute(view, None, None, None),
                "day": due.on,
                "days_overdue": max((view.today - due.on).days, 0),
                "due_on": due.on,
                "title": view.masters.label_of(due.step),
                "step": due.step["code"],
                "medium": due.step["kind"],
                "oldest_due": due.oldest_due,
            }


def _is_asked(
    view: View,
    asked: AgendaParameters,
    customer: str,
    of: Dispute | None,
    resolver: str | None,
    kind: str | None,
) -> bool:
    known = view.masters.customers.get(customer)
    return (
        asked.customer in {None, known.code if known else None}
        and (asked.collector is None or str(asked.collector) == view.masters.collector_of(customer))
        and (asked.resolver is None or str(asked.resolver) == resolver)
        and asked.status in {None, kind}
    )


def _picks(asked: AgendaParameters) -> bool:
    """Whether there are filters that pick items."""
    return asked.entity is not None or bool(asked.attributes) or asked.currency is not None


def _picked(view: View, asked: AgendaParameters, items: Iterable[str]) -> list[Item]:
    """The open ones that pass those filters."""
    return [
        item
        for item in (view.items[each] for each in items)
        if item.is_open and view.has_item_part(item, asked) and asked.currency in {None, item.currency}
    ]


def _row(view: View, kind: str, part: str, person: str | None, customer: str, items: list[Item]) -> Row:
    currencies = {item.currency for item in items}
    told = len(currencies) == 1
    known = view.masters.customers[customer]
    return {
        "kind": kind,
        "part": part,
        "person_id": person,
        "person": view.masters.name(person),
        "day": view.today,
        "days_overdue": None,
        "due_on": None,
        "follow_up_id": None,
        "title": None,
        "chases": None,
        "customer_id": customer,
        "customer_code": known.code,
        "customer": known.name,
        "items": len(items),
        "currency": next(iter(currencies)) if told else None,
        "balance": sum(item.balance for item in items) if told else None,
        "disputed": sum(item.disputed for item in items) if told else None,
        "step": None,
        "medium": None,
        "oldest_due": None,
    }


def _of_dispute(view: View, of: Dispute | None, resolver: str | None, kind: str | None) -> Row:
    return {
        "dispute_id": of.id if of else None,
        "dispute_reference": of.reference if of else None,
        "dispute_opened_at": of.episode.opened_at if of else None,
        "type": kind,
        "type_label": view.masters.label(kind),
        "resolver_id": resolver,
        "resolver": view.masters.name(resolver),
    }
