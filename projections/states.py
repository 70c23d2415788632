"""What the read side keeps of each kind of stream: every state that it ever had, as rows.

A pure description, one ``Table`` for each table of store/schema/0003_states.sql: how a state, made by the
domain's own `evolve`, becomes the columns of a row. When a row begins and ends is the same for all tables and
stands in projections/fold.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar

from domain.case import State
from domain.catalogue import Company, Settings, Status
from domain.customer import Customer
from domain.dispute import (
    Dispute,
    DisputeCancelled,
    DisputeContinued,
    DisputeEscalated,
    DisputeOpened,
    DisputeReopened,
    DisputeResolved,
)
from domain.events import Event
from domain.follow_up import FollowUpAction
from domain.identity import COMPANY_STREAM
from domain.imports import Import, ImportCounts
from domain.item import Item
from domain.people import People, Person
from domain.reminder import ReminderRun
from domain.sales import MonthlySales
from domain.scenario import ScenarioStep
from projections.tables import Change, Kind, Table, Values

Id = TypeVar("Id")
Thing = TypeVar("Thing")

# --- items -------------------------------------------------------------------------------------------

_ITEM: Final = {
    "customer_id": Kind.ID,
    "customer_code": Kind.TEXT,
    "entity": Kind.TEXT,
    "number": Kind.TEXT,
    "type": Kind.TEXT,
    "issue_date": Kind.DAY,
    "due_date": Kind.DAY,
    "amount": Kind.AMOUNT,
    "balance": Kind.AMOUNT,
    "currency": Kind.TEXT,
    "attributes": Kind.JSON,
    "is_open": Kind.TRUTH,
    "status": Kind.TEXT,
    "kind": Kind.TEXT,
    "comment": Kind.TEXT,
    "promised_on": Kind.DAY,
    "dispute_id": Kind.ID,
    "disputed": Kind.AMOUNT,
    "disputed_in_part": Kind.TRUTH,
    "follow_ups": Kind.IDS,
    "written_off": Kind.TRUTH,
    "withdrawn": Kind.TRUTH,
}


def _item(before: Item | None, item: Item, _: Sequence[Event]) -> Sequence[Change]:
    details, said, dispute = item.details, item.qualification, item.dispute_id
    values = (
        item.customer_id,
        item.customer_code,
        item.entity,
        item.number,
        details.type,
        details.issue_date,
        details.due_date,
        details.amount,
        details.balance,
        details.currency,
        details.attributes,
        not item.cleared,
        *((said.status, said.kind, said.comment, said.promised_on) if said else (None, None, None, None)),
        dispute,
        item.disputed_amount if dispute else None,
        item.disputed is not None,
        sorted(item.follow_ups),
        item.written_off,
        item.withdrawn,
    )
    return ((item.id, before is not None, values),)


# --- disputes ----------------------------------------------------------------------------------------

_DISPUTE: Final = {
    "reference": Kind.TEXT,
    "customer_id": Kind.ID,
    "customer_code": Kind.TEXT,
    "currency": Kind.TEXT,
    "type": Kind.TEXT,
    "reason": Kind.TEXT,
    "comment": Kind.TEXT,
    "channel": Kind.TEXT,
    "opened_by": Kind.ID,
    "received_on": Kind.MOMENT,
    "state": Kind.TEXT,
    "outcome": Kind.TEXT,
    "credited_amount": Kind.AMOUNT,
    "resolver_id": Kind.ID,
    "assigned_by": Kind.TEXT,
    "unassigned": Kind.TEXT,
    "items": Kind.IDS,
    "follow_ups": Kind.IDS,
    "comments": Kind.WHOLE,
    "documents": Kind.WHOLE,
    "episode": Kind.WHOLE,
    "episode_opened_at": Kind.MOMENT,
    "amount_at_opening": Kind.AMOUNT,
    "opening": Kind.JSON,
    "begins_episode": Kind.TRUTH,
    "ends_episode": Kind.TRUTH,
}
_BEGINS_EPISODE: Final = frozenset({DisputeOpened, DisputeReopened})
ENDS_COUNTING: Final[frozenset[type[Event]]] = frozenset({DisputeResolved, DisputeEscalated})
"""What ends an episode that goes on counting in statistics."""
TAKES_ENDS_BACK: Final[frozenset[type[Event]]] = frozenset({DisputeContinued, DisputeCancelled})
"""After which an episode that had ended has not, or counts no more."""
_ENDS_EPISODE: Final = ENDS_COUNTING | {DisputeCancelled}


def _dispute(before: Dispute | None, dispute: Dispute, events: Sequence[Event]) -> Sequence[Change]:
    happened = {type(event) for event in events}
    values = (
        *(dispute.reference, dispute.customer_id, dispute.customer_code, dispute.currency),
        *(dispute.type, dispute.reason, dispute.comment, dispute.channel, dispute.opened_by),
        *(dispute.received_on, dispute.state, dispute.outcome, dispute.credited_amount),
        *(dispute.resolver_id, dispute.assigned_by, dispute.unassigned),
        *(list(dispute.items), sorted(dispute.follow_ups), dispute.comments, dispute.documents),
        *(dispute.episode, dispute.episode_opened_at, dispute.amount_at_opening, opening_of(dispute)),
        *(not happened.isdisjoint(_BEGINS_EPISODE), not happened.isdisjoint(_ENDS_EPISODE)),
    )
    return ((dispute.id, before is not None, values),)


def opening_of(dispute: Dispute) -> list[dict[str, str]]:
    """What was disputed of which item at the opening of the episode, as JSON."""
    return [
        {"item_id": str(item.item_id), "entity": item.entity, "amount": str(item.amount)}
        for item in dispute.opening_items
    ]


# --- follow-up actions, customers, imports -----------------------------------------------------------

_FOLLOW_UP: Final = {
    "reference": Kind.TEXT,
    "customer_id": Kind.ID,
    "dispute_id": Kind.ID,
    "title": Kind.TEXT,
    "due_on": Kind.DAY,
    "owner_id": Kind.ID,
    "resolver_id": Kind.ID,
    "planned_by": Kind.ID,
    "status": Kind.TEXT,
    "items": Kind.IDS,
    "chases": Kind.WHOLE,
    "interactions": Kind.WHOLE,
    "comments": Kind.WHOLE,
    "is_open": Kind.TRUTH,
    "ended": Kind.TEXT,
}


def _follow_up(before: FollowUpAction | None, action: FollowUpAction, _: Sequence[Event]) -> Sequence[Change]:
    values = (
        *(action.reference, action.customer_id, action.dispute_id, action.title, action.due_on),
        *(action.owner_id, action.resolver_id, action.planned_by, action.status, sorted(action.items)),
        *(action.chases, action.interactions, action.comments, action.ended is None, action.ended),
    )
    return ((action.id, before is not None, values),)


_CUSTOMER: Final = {
    "code": Kind.TEXT,
    "name": Kind.TEXT,
    "attributes": Kind.JSON,
    "collector_id": Kind.ID,
    "sales_manager_id": Kind.ID,
}


def _customer(before: Customer | None, customer: Customer, _: Sequence[Event]) -> Sequence[Change]:
    values = (
        *(customer.code, customer.name, customer.attributes),
        *(customer.collector_id, customer.sales_manager_id),
    )
    return ((customer.id, before is not None, values),)


_IMPORT: Final = {
    "file_name": Kind.TEXT,
    "digest": Kind.TEXT,
    "mode": Kind.TEXT,
    "registered": Kind.WHOLE,
    "corrected": Kind.WHOLE,
    "cleared": Kind.WHOLE,
    "reinstated": Kind.WHOLE,
    "unchanged": Kind.WHOLE,
    "rejected": Kind.WHOLE,
    "undone": Kind.WHOLE,
    "left_as_is": Kind.WHOLE,
}


def _import(before: Import | None, run: Import, _: Sequence[Event]) -> Sequence[Change]:
    undone = (run.undone.undone, run.undone.left) if run.undone else (None, None)
    values = (run.file_name, run.digest, run.mode, *_counts(run.counts), *undone)
    return ((run.id, before is not None, values),)


def _counts(counts: ImportCounts | None) -> Values:
    if counts is None:
        return (None,) * 6
    return (
        *(counts.registered, counts.corrected, counts.cleared),
        *(counts.reinstated, counts.unchanged, counts.rejected),
    )


_SALES: Final = {
    "month": Kind.DAY,
    "entity": Kind.TEXT,
    "currency": Kind.TEXT,
    "amount": Kind.AMOUNT,
}


def _sales(before: MonthlySales | None, sales: MonthlySales, _: Sequence[Event]) -> Sequence[Change]:
    values = (sales.month, sales.entity, sales.currency, sales.amount)
    return ((sales.id, before is not None, values),)


_REMINDER: Final = {
    "customer_id": Kind.ID,
    "currency": Kind.TEXT,
    "oldest_due": Kind.DAY,
    "done": Kind.TEXTS,
    "skipped": Kind.TEXTS,
    "furthest": Kind.WHOLE,
    "postponed_to": Kind.DAY,
}


def _reminder(before: ReminderRun | None, run: ReminderRun, _: Sequence[Event]) -> Sequence[Change]:
    values = (
        *(run.customer_id, run.currency, run.oldest_due),
        *(sorted(run.done), sorted(run.skipped), run.furthest, run.postponed_to),
    )
    return ((run.id, before is not None, values),)


# --- the two streams that hold many things -----------------------------------------------------------

_PERSON: Final = {
    "code": Kind.TEXT,
    "name": Kind.TEXT,
    "login": Kind.TEXT,
    "role": Kind.TEXT,
    "assignment_values": Kind.TEXTS,
    "active": Kind.TRUTH,
}


def _persons(before: People | None, people: People, _: Sequence[Event]) -> Sequence[Change]:
    known = before.persons if before else {}
    return [(person.id, was, _person(person)) for person, was in _differing(known, people.persons)]


def _person(person: Person) -> Values:
    return (
        *(person.code, person.name, person.login, person.role),
        *(list(person.assignment_values), person.active),
    )


_STATUS: Final = {
    "kind": Kind.TEXT,
    "labels": Kind.JSON,
    "follow_up_days": Kind.WHOLE,
    "target_days": Kind.WHOLE,
    "action_template": Kind.TEXT,
    "automatic": Kind.TRUTH,
    "active": Kind.TRUTH,
}


def _statuses(before: Company | None, company: Company, _: Sequence[Event]) -> Sequence[Change]:
    known = before.statuses if before else {}
    return [(status.code, was, _status(status)) for status, was in _differing(known, company.statuses)]


def _status(status: Status) -> Values:
    return (
        *(status.kind, status.labels, status.follow_up_days, status.target_days),
        *(status.action_template, status.automatic, status.active),
    )


_SCENARIO_STEP: Final = {
    "days": Kind.WHOLE,
    "kind": Kind.TEXT,
    "labels": Kind.JSON,
    "minimum_amount": Kind.AMOUNT,
    "active": Kind.TRUTH,
}


def _scenario_steps(before: Company | None, company: Company, _: Sequence[Event]) -> Sequence[Change]:
    known = before.scenario if before else {}
    return [(step.code, was, _scenario_step(step)) for step, was in _differing(known, company.scenario)]


def _scenario_step(step: ScenarioStep) -> Values:
    return (step.days, step.kind, step.labels, step.minimum_amount, step.active)


_SETTINGS: Final = {
    "name": Kind.TEXT,
    "zone": Kind.TEXT,
    "currency": Kind.TEXT,
    "language": Kind.TEXT,
    "country": Kind.TEXT,
    "default_entity": Kind.TEXT,
    "safety_share": Kind.AMOUNT,
    "ageing_buckets": Kind.WHOLES,
    "assignment_of": Kind.TEXT,
    "assignment_attribute": Kind.TEXT,
}


def _settings(before: Company | None, company: Company, _: Sequence[Event]) -> Sequence[Change]:
    if before is not None and before.settings == company.settings:
        return ()
    return ((COMPANY_STREAM, before is not None, _setting(company.settings)),)


def _setting(settings: Settings) -> Values:
    assigned = settings.assignment_field
    return (
        *(settings.name, settings.zone, settings.currency, settings.language, settings.country),
        *(settings.default_entity, settings.safety_share, list(settings.ageing_buckets)),
        *((assigned.of, assigned.attribute) if assigned else (None, None)),
    )


def _differing(before: Mapping[Id, Thing], after: Mapping[Id, Thing]) -> Iterator[tuple[Thing, bool]]:
    """The things that *after* has and *before* has not, or not so; with whether *before* knew them."""
    for key, thing in after.items():
        known = before.get(key)
        # What did not change is the same object: nobody's columns are compared for another's event.
        if known is not thing and known != thing:
            yield thing, known is not None


TABLES: Final = (
    Table("item_states", "item_id", "uuid", _ITEM, _item),
    Table("dispute_states", "dispute_id", "uuid", _DISPUTE, _dispute),
    Table("follow_up_states", "follow_up_id", "uuid", _FOLLOW_UP, _follow_up),
    Table("customer_states", "customer_id", "uuid", _CUSTOMER, _customer),
    Table("person_states", "person_id", "uuid", _PERSON, _persons),
    Table("status_states", "code", "text", _STATUS, _statuses),
    Table("scenario_step_states", "code", "text", _SCENARIO_STEP, _scenario_steps),
    Table("settings_states", "company_stream", "uuid", _SETTINGS, _settings),
    Table("import_states", "import_id", "uuid", _IMPORT, _import),
    Table("sales_states", "sales_id", "uuid", _SALES, _sales),
    Table("reminder_states", "run_id", "uuid", _REMINDER, _reminder),
)

_TABLES_OF: Final[Mapping[type[State], tuple[Table, ...]]] = {
    Item: TABLES[0:1],
    Dispute: TABLES[1:2],
    FollowUpAction: TABLES[2:3],
    Customer: TABLES[3:4],
    People: TABLES[4:5],
    Company: TABLES[5:8],
    Import: TABLES[8:9],
    MonthlySales: TABLES[9:10],
    ReminderRun: TABLES[10:11],
}


def tables_of(state: State) -> tuple[Table, ...]:
    """The tables that keep states of this kind."""
    return _TABLES_OF[type(state)]
