"""From a command to decisions: who may, when it occurred, what follows. The one entry to the domain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from domain import (
    catalogue,
    customer,
    dispute,
    follow_up,
    imports,
    item,
    keys,
    ledger,
    opening,
    people,
    planning,
    qualifying,
    reminder,
    reminding,
    reopening,
    resolving,
    sales,
    scenario,
    undoing,
)
from domain.calendar import next_working_day
from domain.case import Case, State, connected
from domain.catalogue import StatusKind
from domain.commands import UNCHANGED, Command, Decision, Occasion
from domain.identity import customer_id
from domain.refusals import NobodyToChase, Refusal, TimeGoesBackwards
from domain.roles import Actor, Permission, Relation, reach, require
from domain.texts import require_storable

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from domain.events import Event

Decider: TypeAlias = Callable[[Case, Any, Occasion], list["Event"]]


# --- decisions that need a word more from the case -------------------------------------------------


def _register_customer(case: Case, command: customer.RegisterCustomer, occasion: Occasion) -> list[Event]:
    del occasion
    for person in (command.collector_id, command.sales_manager_id):
        if person is not None and person is not UNCHANGED:
            case.people.active_person(person)
    known = case.states.get(customer_id(command.code))
    if isinstance(known, customer.Customer):
        return customer.change(known, command)
    registered = customer.register(command.code, command.name, None)
    return [registered, *customer.change(customer.evolve(None, registered), command)]


def _chase(case: Case, command: follow_up.ChaseResolver, occasion: Occasion) -> list[Event]:
    action = case.follow_up(command.follow_up_id)
    of = case.dispute(action.dispute_id) if action.dispute_id else None
    resolver = action.resolver_id or (of.resolver_id if of else None)
    follow_up.require_open(action)
    if resolver is None:
        raise NobodyToChase(action.id)
    # By itself a chase never brings an action forward (spec §1: the action gets a later date).
    due_on = command.due_on or max(action.due_on, _next_chase(case, of, occasion))
    return follow_up.chase(action, command, resolver, due_on, case.today(occasion.at))


def _next_chase(case: Case, of: dispute.Dispute | None, occasion: Occasion) -> date:
    if of is None:
        return next_working_day(case.today(occasion.at) + planning.DEFAULT_FOLLOW_UP, case.is_working_day)
    return planning.due_after(case, case.company.status(of.type), occasion.at)


def _import(
    case: Case, command: imports.StartImport | imports.FinishImport | imports.FinishUndo
) -> imports.Import | None:
    run = case.states.get(command.import_id)
    return run if isinstance(run, imports.Import) else None


def _sales(case: Case, command: sales.StateMonthlySales) -> list[Event]:
    known = case.states.get(command.sales_id)
    return sales.state(known if isinstance(known, sales.MonthlySales) else None, command)


_DECIDERS: Mapping[type[Command], Decider] = {
    catalogue.ChangeSettings: lambda case, c, o: catalogue.change_settings(case.company, c, o),
    catalogue.DefineStatus: lambda case, c, o: catalogue.define_status(case.company, c, o),
    catalogue.RetireStatus: lambda case, c, o: catalogue.retire_status(case.company, c, o),
    catalogue.DefineActionTemplate: lambda case, c, o: catalogue.define_action_template(case.company, c, o),
    scenario.DefineScenarioStep: lambda case, c, _: scenario.define(case.company.scenario, c),
    scenario.RetireScenarioStep: lambda case, c, _: scenario.retire(case.company.scenario, c),
    customer.RegisterCustomer: _register_customer,
    qualifying.QualifyItems: qualifying.qualify,
    dispute.OpenDispute: opening.open_dispute,
    dispute.ChangeDisputeType: lambda case, c, _: qualifying.change_type(case, c),
    dispute.AssignResolver: lambda case, c, _: opening.assign_resolver(case, c),
    dispute.UpdateDisputeComment: lambda case, c, _: dispute.update_comment(case.dispute(c.dispute_id), c),
    dispute.CommentDispute: lambda case, c, _: dispute.comment(case.dispute(c.dispute_id), c),
    dispute.AttachDocument: lambda case, c, _: dispute.attach(case.dispute(c.dispute_id), c),
    dispute.AddItems: opening.add_items,
    dispute.RemoveItems: lambda case, c, _: opening.remove_items(case, c),
    dispute.ResolveDispute: resolving.resolve,
    dispute.CancelDispute: lambda case, c, _: resolving.cancel(case, c),
    dispute.EscalateDispute: lambda case, c, _: resolving.escalate(case, c),
    dispute.ReopenDispute: reopening.reopen,
    follow_up.PlanFollowUp: planning.plan_follow_up,
    follow_up.PostponeFollowUp: lambda case, c, o: follow_up.postpone(
        case.follow_up(c.follow_up_id), c, case.today(o.at)
    ),
    follow_up.RecordInteraction: lambda case, c, _: follow_up.record_interaction(
        case.follow_up(c.follow_up_id), c
    ),
    follow_up.ChaseResolver: _chase,
    follow_up.CommentFollowUp: lambda case, c, _: follow_up.comment(case.follow_up(c.follow_up_id), c),
    resolving.EndFollowUp: resolving.end_follow_up,
    reminder.DoReminderStep: reminding.do,
    reminder.SkipReminderStep: reminding.skip,
    reminder.PostponeReminderStep: reminding.postpone,
    imports.StartImport: lambda case, c, _: imports.start(_import(case, c), c),
    imports.FinishImport: lambda case, c, _: imports.finish(_import(case, c), c),
    imports.FinishUndo: lambda case, c, _: imports.finish_undo(_import(case, c), c),
    undoing.UndoImportOfItem: lambda case, c, _: undoing.undo(case, c),
    sales.StateMonthlySales: lambda case, c, _: _sales(case, c),
}

_PEOPLE_DECIDERS: Mapping[type[Command], Callable[[people.People, Any, Actor], list[Event]]] = {
    people.RegisterPerson: people.register_person,
    people.DeactivatePerson: people.deactivate_person,
    people.ReactivatePerson: people.reactivate_person,
    people.IssueKey: keys.issue_key,
    people.RevokeKey: keys.revoke_key,
}

_LEDGER_DECIDERS: Mapping[type[Command], Callable[[Case, Any, Occasion], list[Decision]]] = {
    item.RegisterItem: ledger.register_item,
    item.ClearItem: ledger.clear_item,
}

COMMANDS: frozenset[type[Command]] = frozenset({*_DECIDERS, *_PEOPLE_DECIDERS, *_LEDGER_DECIDERS})
"""Every command that there is."""


# --- what to read before deciding ------------------------------------------------------------------


def still_to_read(case: Case, commands: Iterable[Command], actor: Actor) -> frozenset[UUID]:
    """Streams that deciding *commands* needs and that *case* does not hold yet; empty: it is complete."""
    wanted: set[UUID] = set()
    spans_case = asks_customer = False
    for command in commands:
        wanted |= command.streams() | command.also_reads(case.states)
        spans_case = spans_case or command.spans_case
        asks_customer = asks_customer or Relation.CUSTOMER in reach(actor, command.permission)
    for state in case.states.values():
        wanted |= connected(state) if spans_case else _beside(state, asks_customer=asks_customer)
    return frozenset(wanted - case.states.keys() - case.absent)


def _beside(state: State, *, asks_customer: bool) -> frozenset[UUID]:
    # Of an action its dispute knows the resolver; of both the customer knows the collector.
    match state:
        case follow_up.FollowUpAction(dispute_id=of) if of is not None:
            beside = frozenset({of})
        case dispute.Dispute() | follow_up.FollowUpAction():
            beside = frozenset()
        case _:
            return frozenset()
    return beside | {state.customer_id} if asks_customer else beside


# --- who may ---------------------------------------------------------------------------------------


def authorize(case: Case, command: Command, actor: Actor, *, loads_history: bool = False) -> None:
    """Raise RoleForbids or NotYours unless *actor* may give *command* over what it names.

    *loads_history*: the command tells its own time or names an original person.
    """
    if loads_history or actor.on_behalf_of is not None:
        require(actor, Permission.LOAD_HISTORY)
    if Relation.ANY not in reach(actor, command.permission):
        for stream in command.objects() & case.states.keys():
            require(actor, command.permission, case.concerned(stream))
    if isinstance(command, qualifying.QualifyItems):
        _authorize_work(case, command, actor)
        _authorize_planning(case, command, actor)
    if isinstance(command, resolving.EndFollowUp):
        _authorize_resolving(case, command, actor)


def _authorize_work(case: Case, command: qualifying.QualifyItems, actor: Actor) -> None:
    # Qualifying the items of an open dispute is work on that dispute (spec 14).
    for item_id in command.item_ids:
        known = case.states.get(item_id)
        if isinstance(known, item.Item) and known.dispute_id:
            require(actor, Permission.WORK_DISPUTE, case.concerned(known.dispute_id))


def _authorize_planning(case: Case, command: qualifying.QualifyItems, actor: Actor) -> None:
    # An action that is told of is planned by right of its own; one of a new dispute is part of opening it,
    # and one that the status plans by itself is the company's wish (spec 11, 12).
    status = case.company.statuses.get(command.status)
    if status is None or status.kind is StatusKind.DISPUTE:
        return
    if command.follow_up is not None or (command.plan_follow_up and not status.automatic):
        for item_id in command.item_ids:
            require(actor, Permission.PLAN_FOLLOW_UP, case.concerned(item_id))


def _authorize_resolving(case: Case, command: resolving.EndFollowUp, actor: Actor) -> None:
    # Ending the last open action of a dispute resolves it (spec 25), which is work on the dispute.
    action = case.states.get(command.follow_up_id)
    if not isinstance(action, follow_up.FollowUpAction) or not action.is_open or not action.dispute_id:
        return
    if case.dispute(action.dispute_id).follow_ups == {action.id}:
        require(actor, Permission.WORK_DISPUTE, case.concerned(action.dispute_id))


# --- decide ----------------------------------------------------------------------------------------


def decide(
    case: Case, command: Command, actor: Actor, told: datetime, *, explicit: bool = False
) -> list[Decision]:
    """The decisions that *command* leads to; none when it changes nothing.

    *told*: when it happened, with zone. It is moved forward to the last moment of what the decision
    writes (spec §1), unless *explicit*, as in a history load: then TimeGoesBackwards is raised.
    Raises TextTooLong, TextNotStorable, and whatever refusal the command's own decision raises.
    """
    try:
        return _decided(case, command, actor, told, explicit=explicit)
    except Refusal as refusal:
        refusal.references = case.references()
        raise


def _decided(case: Case, command: Command, actor: Actor, told: datetime, *, explicit: bool) -> list[Decision]:
    require_storable(command)
    occasion = Occasion(actor.person_id, told)
    if type(command) in _LEDGER_DECIDERS:
        decisions = _LEDGER_DECIDERS[type(command)](case, command, occasion)
        last = case.last_moment(event for decision in decisions for event in decision.events)
        if explicit and last is not None and last > told:
            raise TimeGoesBackwards(told, last)
        return _forward(case, decisions)
    events = _events(case, command, actor, occasion)
    last = case.last_moment(events)
    if last is not None and last > told:
        if explicit:
            raise TimeGoesBackwards(told, last)
        occasion = Occasion(actor.person_id, last)
        events = _events(case, command, actor, occasion)
    return [Decision(occasion.at, tuple(events))] if events else []


def _events(case: Case, command: Command, actor: Actor, occasion: Occasion) -> list[Event]:
    if type(command) in _PEOPLE_DECIDERS:
        return _PEOPLE_DECIDERS[type(command)](case.people, command, actor)
    return _DECIDERS[type(command)](case, command, occasion)


def _forward(case: Case, decisions: list[Decision]) -> list[Decision]:
    moved: list[Decision] = []
    earliest: datetime | None = None
    for decision in decisions:
        moments = [decision.occurred_at, case.last_moment(decision.events), earliest]
        earliest = max(moment for moment in moments if moment is not None)
        moved.append(replace(decision, occurred_at=earliest))
    return moved
