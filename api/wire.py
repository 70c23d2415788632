"""Commands as they come over HTTP and in history files: names, paths, and bodies made from the domain's own
command classes, so that neither can say what the domain does not know."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Final, get_args, get_type_hints
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    TypeAdapter,
)

from api.bodies import ItemIdentity, ItemInPath, RegisterItemBody, model_of, on_wire
from domain import (
    catalogue,
    customer,
    dispute,
    follow_up,
    item,
    people,
    qualifying,
    reminder,
    resolving,
    sales,
    scenario,
)
from domain.calendar import start_of_day
from domain.catalogue import Settings
from domain.commands import Command
from domain.identity import (
    COMPANY_STREAM,
    PEOPLE_STREAM,
    ItemId,
    customer_id,
    dispute_id,
    follow_up_id,
    item_id,
    person_id,
)
from store import parts
from store.clock import new_id


@dataclass(frozen=True, slots=True)
class Wire:
    """One command's way in.

    *name*: in history files, and as operationId. *path*: with the id that it is about in braces.
    *subject*: the command's field with that id. *creates*: that id is made up, from ``reference`` if told.
    """

    name: str
    command: type[Command]
    path: str
    subject: str | None = None
    creates: bool = False

    @property
    def summary(self) -> str:
        """The first sentence of the command's docstring."""
        return (self.command.__doc__ or "").strip().split("\n")[0].rstrip(".")


WIRES: Final = (
    Wire("register_item", item.RegisterItem, "/v1/items"),
    Wire("clear_item", item.ClearItem, "/v1/items/{item_id}/clear", "item_id"),
    Wire("qualify_items", qualifying.QualifyItems, "/v1/items/qualify", "dispute_id", creates=True),
    Wire("open_dispute", dispute.OpenDispute, "/v1/disputes", "dispute_id", creates=True),
    Wire(
        "change_dispute_type",
        dispute.ChangeDisputeType,
        "/v1/disputes/{dispute_id}/change-type",
        "dispute_id",
    ),
    Wire(
        "assign_resolver", dispute.AssignResolver, "/v1/disputes/{dispute_id}/assign-resolver", "dispute_id"
    ),
    Wire(
        "update_dispute_comment",
        dispute.UpdateDisputeComment,
        "/v1/disputes/{dispute_id}/update-comment",
        "dispute_id",
    ),
    Wire("comment_dispute", dispute.CommentDispute, "/v1/disputes/{dispute_id}/comment", "dispute_id"),
    Wire(
        "attach_document", dispute.AttachDocument, "/v1/disputes/{dispute_id}/attach-document", "dispute_id"
    ),
    Wire("add_items", dispute.AddItems, "/v1/disputes/{dispute_id}/add-items", "dispute_id"),
    Wire("remove_items", dispute.RemoveItems, "/v1/disputes/{dispute_id}/remove-items", "dispute_id"),
    Wire("resolve_dispute", dispute.ResolveDispute, "/v1/disputes/{dispute_id}/resolve", "dispute_id"),
    Wire("cancel_dispute", dispute.CancelDispute, "/v1/disputes/{dispute_id}/cancel", "dispute_id"),
    Wire("escalate_dispute", dispute.EscalateDispute, "/v1/disputes/{dispute_id}/escalate", "dispute_id"),
    Wire("reopen_dispute", dispute.ReopenDispute, "/v1/disputes/{dispute_id}/reopen", "dispute_id"),
    Wire("plan_follow_up", follow_up.PlanFollowUp, "/v1/follow-ups", "follow_up_id", creates=True),
    Wire(
        "postpone_follow_up",
        follow_up.PostponeFollowUp,
        "/v1/follow-ups/{follow_up_id}/postpone",
        "follow_up_id",
    ),
    Wire(
        "record_interaction",
        follow_up.RecordInteraction,
        "/v1/follow-ups/{follow_up_id}/record-interaction",
        "follow_up_id",
    ),
    Wire("chase_resolver", follow_up.ChaseResolver, "/v1/follow-ups/{follow_up_id}/chase", "follow_up_id"),
    Wire(
        "comment_follow_up",
        follow_up.CommentFollowUp,
        "/v1/follow-ups/{follow_up_id}/comment",
        "follow_up_id",
    ),
    Wire("end_follow_up", resolving.EndFollowUp, "/v1/follow-ups/{follow_up_id}/end", "follow_up_id"),
    Wire("register_customer", customer.RegisterCustomer, "/v1/customers"),
    Wire(
        "do_reminder_step", reminder.DoReminderStep, "/v1/customers/{customer_id}/reminders/do", "customer_id"
    ),
    Wire(
        "skip_reminder_step",
        reminder.SkipReminderStep,
        "/v1/customers/{customer_id}/reminders/skip",
        "customer_id",
    ),
    Wire(
        "postpone_reminder_step",
        reminder.PostponeReminderStep,
        "/v1/customers/{customer_id}/reminders/postpone",
        "customer_id",
    ),
    Wire("register_person", people.RegisterPerson, "/v1/people"),
    Wire("deactivate_person", people.DeactivatePerson, "/v1/people/{person_id}/deactivate", "person_id"),
    Wire("reactivate_person", people.ReactivatePerson, "/v1/people/{person_id}/reactivate", "person_id"),
    Wire("issue_key", people.IssueKey, "/v1/keys", "key_id", creates=True),
    Wire("revoke_key", people.RevokeKey, "/v1/keys/{key_id}/revoke", "key_id"),
    Wire("state_monthly_sales", sales.StateMonthlySales, "/v1/monthly-sales"),
    Wire("change_settings", catalogue.ChangeSettings, "/v1/settings/change"),
    Wire("define_status", catalogue.DefineStatus, "/v1/statuses"),
    Wire("retire_status", catalogue.RetireStatus, "/v1/statuses/{code}/retire", "code"),
    Wire("define_scenario_step", scenario.DefineScenarioStep, "/v1/scenario-steps"),
    Wire("retire_scenario_step", scenario.RetireScenarioStep, "/v1/scenario-steps/{code}/retire", "code"),
    Wire("define_action_template", catalogue.DefineActionTemplate, "/v1/action-templates"),
)
"""Every command that comes over the wire. Those of imports do not: files are brought to the command line."""

BY_NAME: Final[Mapping[str, Wire]] = {wire.name: wire for wire in WIRES}


# --- from a command class to a body ----------------------------------------------------------------


def body_of(wire: Wire, *, with_subject: bool) -> type[BaseModel]:
    """The model of the JSON that *wire* takes: the command's fields, the subject only if *with_subject*.

    A subject that the command creates is never among them: who wants to name it says ``reference``.
    """
    if wire.command is item.RegisterItem:
        return RegisterItemBody
    left_out = {wire.subject} if wire.creates or not with_subject else set()
    return model_of(wire.command, _title(wire.name), frozenset(left_out | {"import_id"}))


def _title(name: str) -> str:
    return "".join(word.title() for word in name.split("_"))


# --- from a body to a command ----------------------------------------------------------------------


def command_of(wire: Wire, body: BaseModel, settings: Settings, subject: UUID | str | None = None) -> Command:
    """The command that *body* stands for, with the company's defaults filled in.

    *subject*: the id from the path, where the body does not hold it. Dates become the start of the day, and
    times without a zone are read, in the company's zone.
    """
    if isinstance(body, RegisterItemBody):
        return _register_item(body, settings)
    values = _values(wire.command, body, settings)
    if wire.creates:
        assert wire.subject is not None, "what is created has an id"
        values[wire.subject] = _new_subject(wire, body)
    elif wire.subject is not None and subject is not None:
        values[wire.subject] = subject
    return wire.command(**values)


def subject_of(wire: Wire, command: Command) -> UUID | None:
    """The stream that the answer to *command* is about."""
    if wire.command in {item.RegisterItem, customer.RegisterCustomer, sales.StateMonthlySales}:
        return _named_subject(command)
    if (
        issubclass(wire.command, people.RegisterPerson | people.IssueKey | people.RevokeKey)
        or wire.subject == "person_id"
    ):
        return PEOPLE_STREAM
    if wire.subject is None or wire.subject == "code":
        return COMPANY_STREAM
    subject: UUID = getattr(command, wire.subject)
    return subject


def part_of(command: Command) -> str | None:
    """Which of the many things on the stream of people or of the company the answer to *command* is about."""
    return _PARTS[type(command)](command) if type(command) in _PARTS else None


_PARTS: Final[Mapping[type[Command], Callable[[Any], str]]] = {
    people.RegisterPerson: lambda command: parts.person(person_id(command.code)),
    people.DeactivatePerson: lambda command: parts.person(command.person_id),
    people.ReactivatePerson: lambda command: parts.person(command.person_id),
    people.IssueKey: lambda command: parts.key(command.key_id),
    people.RevokeKey: lambda command: parts.key(command.key_id),
    catalogue.ChangeSettings: lambda _: parts.SETTINGS,
    catalogue.DefineStatus: lambda command: parts.status(command.code),
    catalogue.RetireStatus: lambda command: parts.status(command.code),
    scenario.DefineScenarioStep: lambda command: parts.scenario_step(command.code),
    scenario.RetireScenarioStep: lambda command: parts.scenario_step(command.code),
    catalogue.DefineActionTemplate: lambda command: parts.action_template(command.code),
}


def _named_subject(command: Command) -> UUID:
    if isinstance(command, item.RegisterItem):
        return command.item_id
    if isinstance(command, sales.StateMonthlySales):
        return command.sales_id
    assert isinstance(command, customer.RegisterCustomer), "the only other command named by a code"
    return customer_id(command.code)


def _new_subject(wire: Wire, body: BaseModel) -> UUID:
    reference = getattr(body, "reference", None)
    if not reference:
        return new_id()
    return follow_up_id(reference) if wire.subject == "follow_up_id" else dispute_id(reference)


def _register_item(body: RegisterItemBody, settings: Settings) -> item.RegisterItem:
    return item.RegisterItem(
        body.customer_code,
        body.entity or settings.default_entity,
        body.number,
        item.ItemDetails(
            body.type,
            body.issue_date,
            body.due_date,
            body.amount,
            body.amount if body.balance is None else body.balance,
            body.currency or settings.currency,
            body.attributes,
        ),
        body.customer_name,
        body.cleared_on,
        body.accept_as_new,
    )


def _values(of: type, body: BaseModel, settings: Settings) -> dict[str, Any]:
    # What was left out is the command's own default, which null is not: it may take something away.
    hints = _hints(of)
    told = {name: getattr(body, name) for name in body.model_fields_set}
    return {name: _in_domain(hints[name], value, settings) for name, value in told.items()}


def _in_domain(hint: Any, value: Any, settings: Settings) -> Any:  # noqa: ANN401 - one case a shape
    if value is None:
        return None
    if isinstance(value, ItemIdentity):
        return item_id(value.entity or settings.default_entity, value.customer_code, value.number)
    if isinstance(value, BaseModel):
        of = next(each for each in (hint, *get_args(hint)) if dataclasses.is_dataclass(each))
        assert isinstance(of, type), "a nested body stands for a class"
        return of(**_values(of, value, settings))
    if isinstance(value, tuple):
        return tuple(_in_domain(None, each, settings) for each in value)
    if isinstance(value, list):
        return {_in_domain(None, each.item, settings): each.amount for each in value}
    if isinstance(value, date) and datetime in {hint, *get_args(hint)}:
        return moment_of(value, settings.zone)
    return value


def moment_of(told: date, zone: str) -> datetime:
    """A date as the start of that day, a time without a zone as local, in the IANA *zone*; in UTC."""
    if not isinstance(told, datetime):
        return start_of_day(told, zone).astimezone(UTC)
    return (told if told.tzinfo else told.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def path_subject(wire: Wire, text: str) -> UUID | str:
    """The id in a path: a UUID, or the own key of whoever made it. Raises pydantic.ValidationError."""
    assert wire.subject is not None, "only a path with a subject is asked"
    hint = _hints(wire.command)[wire.subject]
    if hint is str:
        return text
    read: UUID = _ids(hint).validate_python(text)
    return read


@cache
def _ids(hint: Any) -> TypeAdapter[UUID]:  # noqa: ANN401 - a type hint can be anything
    return TypeAdapter(ItemInPath if hint is ItemId else on_wire(hint))


def _hints(of: type[Any]) -> dict[str, Any]:
    # Looking them up takes longer than all the rest of making a command.
    if of not in _KNOWN_HINTS:
        _KNOWN_HINTS[of] = get_type_hints(of)
    return _KNOWN_HINTS[of]


_KNOWN_HINTS: Final[dict[type[Any], dict[str, Any]]] = {}
