"""The tables of states as the comments of their schema tell them, straight from decisions: nothing is shared
with the feed but the domain's own `evolve`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from domain.case import State, evolve
from domain.catalogue import Company
from domain.commands import Decision
from domain.customer import Customer
from domain.dispute import (
    Dispute,
    DisputeCancelled,
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
from domain.people import People
from domain.reminder import ReminderRun
from domain.sales import MonthlySales

StateRow: TypeAlias = dict[str, Any]

KEYS: Final = {
    "item_states": "item_id",
    "dispute_states": "dispute_id",
    "follow_up_states": "follow_up_id",
    "customer_states": "customer_id",
    "person_states": "person_id",
    "status_states": "code",
    "scenario_step_states": "code",
    "settings_states": "company_stream",
    "import_states": "import_id",
    "sales_states": "sales_id",
    "reminder_states": "run_id",
}


def fold(decisions: Sequence[Decision]) -> dict[str, list[StateRow]]:
    """All rows of every table, sorted by key and position."""
    states: dict[UUID, State] = {}
    versions: dict[UUID, int] = {}
    rows: dict[str, list[StateRow]] = {table: [] for table in KEYS}
    position = 0
    for decision in decisions:
        position += len(decision.events)
        for stream in dict.fromkeys(event.stream_id for event in decision.events):
            own = [event for event in decision.events if event.stream_id == stream]
            for event in own:
                states[stream] = evolve(states.get(stream), event)
            versions[stream] = versions.get(stream, 0) + len(own)
            for table, content in _contents(states[stream], own):
                _put(rows[table], KEYS[table], content, (versions[stream], position, decision.occurred_at))
    return {table: sorted(found, key=_order(KEYS[table])) for table, found in rows.items()}


def stored(connection: Connection[Any], schema: str) -> dict[str, list[StateRow]]:
    """What the tables hold, sorted likewise."""
    found: dict[str, list[StateRow]] = {}
    for table, key in KEYS.items():
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(SQL("select * from {}").format(Identifier(schema, table))).fetchall()
        for row in rows:
            row.pop("is_open_now", None)  # PostgreSQL's own: what it is made of is compared
        found[table] = sorted(rows, key=_order(key))
    return found


def _order(key: str) -> Callable[[StateRow], tuple[str, int]]:
    return lambda row: (str(row[key]), row["since"])


def _put(rows: list[StateRow], key: str, content: StateRow, at: tuple[int, int, datetime]) -> None:
    version, since, moment = at
    before = [row for row in rows if row[key] == content[key] and row["until"] is None]
    for row in before:
        if key in {"person_id", "code", "company_stream"} and content == {
            name: row[name] for name in content
        }:
            return  # one of many things in its stream, and nothing happened to it
        row["until"], row["occurred_until"] = since, moment
    times = {"since": since, "until": None, "occurred_from": moment, "occurred_until": None}
    rows.append({"version": version, **times, **content})


def _contents(  # noqa: C901 - one flat match over the kinds of state
    state: State, events: Sequence[Event]
) -> Iterator[tuple[str, StateRow]]:
    match state:
        case Item():
            yield "item_states", _item(state)
        case Dispute():
            yield "dispute_states", _dispute(state, events)
        case FollowUpAction():
            yield "follow_up_states", _follow_up(state)
        case Customer():
            names = ("code", "name", "attributes", "collector_id", "sales_manager_id")
            yield "customer_states", {"customer_id": state.id, **_same(state, names)}
        case Import():
            counts = ("registered", "corrected", "cleared", "reinstated", "unchanged", "rejected")
            counted = (
                _same(state.counts, counts)
                if isinstance(state.counts, ImportCounts)
                else dict.fromkeys(counts)
            )
            yield (
                "import_states",
                {
                    "import_id": state.id,
                    **_same(state, ("file_name", "digest", "mode")),
                    **counted,
                    "undone": state.undone.undone if state.undone else None,
                    "left_as_is": state.undone.left if state.undone else None,
                },
            )
        case MonthlySales():
            stated = ("month", "entity", "currency", "amount")
            yield "sales_states", {"sales_id": state.id, **_same(state, stated)}
        case ReminderRun():
            of_run = ("customer_id", "currency", "oldest_due", "furthest", "postponed_to")
            settled = {"done": sorted(state.done), "skipped": sorted(state.skipped)}
            yield "reminder_states", {"run_id": state.id, **_same(state, of_run), **settled}
        case People():
            for person in state.persons.values():
                values = list(person.assignment_values)
                names = ("code", "name", "login", "role", "active")
                yield (
                    "person_states",
                    {"person_id": person.id, "assignment_values": values, **_same(person, names)},
                )
        case Company():
            yield from _company(state)


def _same(thing: object, names: Sequence[str]) -> StateRow:
    return {name: getattr(thing, name) for name in names}


def _item(item: Item) -> StateRow:
    said = item.qualification
    details = ("type", "issue_date", "due_date", "amount", "balance", "currency", "attributes")
    status: Mapping[str, object] = (
        _same(said, ("status", "kind", "comment", "promised_on"))
        if said
        else dict.fromkeys(("status", "kind", "comment", "promised_on"))
    )
    return {
        "item_id": item.id,
        **_same(
            item,
            ("customer_id", "customer_code", "entity", "number", "dispute_id", "written_off", "withdrawn"),
        ),
        **_same(item.details, details),
        **status,
        "is_open": item.is_open,
        "disputed": item.disputed_amount if item.dispute_id else None,
        "disputed_in_part": item.disputed is not None,
        "follow_ups": sorted(item.follow_ups),
    }


def _dispute(dispute: Dispute, events: Sequence[Event]) -> StateRow:
    names = (
        *("reference", "customer_id", "customer_code", "currency", "type", "reason", "comment", "channel"),
        *("opened_by", "received_on", "state", "outcome", "credited_amount", "resolver_id", "assigned_by"),
        *("unassigned", "comments", "documents", "episode", "episode_opened_at", "amount_at_opening"),
    )
    return {
        "dispute_id": dispute.id,
        **_same(dispute, names),
        "items": list(dispute.items),
        "follow_ups": sorted(dispute.follow_ups),
        "opening": [
            {"item_id": str(item.item_id), "entity": item.entity, "amount": str(item.amount)}
            for item in dispute.opening_items
        ],
        "begins_episode": any(isinstance(event, DisputeOpened | DisputeReopened) for event in events),
        "ends_episode": any(
            isinstance(event, DisputeResolved | DisputeEscalated | DisputeCancelled) for event in events
        ),
    }


def _follow_up(action: FollowUpAction) -> StateRow:
    names = (
        *(
            "reference",
            "customer_id",
            "dispute_id",
            "title",
            "due_on",
            "owner_id",
            "resolver_id",
            "planned_by",
        ),
        *("status", "chases", "interactions", "comments", "is_open", "ended"),
    )
    return {"follow_up_id": action.id, **_same(action, names), "items": sorted(action.items)}


def _company(company: Company) -> Iterator[tuple[str, StateRow]]:
    settings, assigned = company.settings, company.settings.assignment_field
    names = ("name", "zone", "currency", "language", "country", "default_entity", "safety_share")
    yield (
        "settings_states",
        {
            "company_stream": COMPANY_STREAM,
            **_same(settings, names),
            "ageing_buckets": list(settings.ageing_buckets),
            "assignment_of": assigned.of if assigned else None,
            "assignment_attribute": assigned.attribute if assigned else None,
        },
    )
    columns = (
        "code",
        "kind",
        "labels",
        "follow_up_days",
        "target_days",
        "action_template",
        "automatic",
        "active",
    )
    for status in company.statuses.values():
        yield "status_states", _same(status, columns)
    for step in company.scenario.values():
        of_step = ("code", "days", "kind", "labels", "minimum_amount", "active")
        yield "scenario_step_states", _same(step, of_step)
