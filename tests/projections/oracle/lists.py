"""Spec 37 and the lists of cases: items, disputes and follow-up actions that pass the filters."""

from __future__ import annotations

from collections.abc import Iterator

from projections.cases import DisputeList, FollowUpList
from projections.dispute_report import Counted
from projections.search import ItemSearch
from tests.projections.oracle import reach
from tests.projections.oracle.answer import Answer, Row
from tests.projections.oracle.buckets import bucket
from tests.projections.oracle.dispute_report import counted
from tests.projections.oracle.disputes import Action, Dispute
from tests.projections.oracle.items import Item
from tests.projections.oracle.view import View


def items(view: View, asked: ItemSearch) -> Answer:
    return Answer(
        [
            _item(view, item)
            for item in view.items.values()
            if view.is_item_asked(item, asked)
            and _is_searched(view, item, asked)
            and reach.sees_searched(view, item)
        ]
    )


def _is_searched(view: View, item: Item, asked: ItemSearch) -> bool:
    late = item.is_open and item.due < view.today
    return (
        all(word.lower() in _text(view, item) for word in (asked.text or "").split())
        and asked.number in {None, item.number}
        and asked.type in {None, item.details["type"]}
        and asked.kind in {None, item.said["kind"] if item.said else None}
        and (asked.dispute is None or str(asked.dispute) == item.dispute)
        and (asked.follow_up is None or str(asked.follow_up) in item.actions)
        and asked.has_status in {None, item.status is not None}
        and asked.has_collector in {None, view.masters.collector_of(item.customer_id) is not None}
        and asked.is_open in {None, item.is_open}
        and asked.is_disputed in {None, item.dispute is not None}
        and asked.is_overdue in {None, late}
        and (asked.due_from is None or asked.due_from <= item.due)
        and (asked.due_to is None or item.due <= asked.due_to)
    )


def _text(view: View, item: Item) -> str:
    """Where words are looked for; none of them is found across two of these."""
    said = item.said or {}
    texts = (
        item.number,
        item.customer,
        view.masters.customer_name(item.customer_id),
        *item.details["attributes"].values(),
        said.get("status"),
        view.masters.label(said.get("status")),
        said.get("comment"),
    )
    return "\n".join((text or "").lower() for text in texts)


def _item(view: View, item: Item) -> Row:
    said = item.said or {"status": None, "kind": None, "comment": None, "promised_on": None}
    collector = view.masters.collector_of(item.customer_id)
    exclusions = item.exclusions(view.today) if item.is_open else []
    dispute = view.disputes[item.dispute] if item.dispute else None
    return {
        "item_id": item.id,
        "version": item.version,
        "customer_id": item.customer_id,
        "customer_code": item.customer,
        "customer": view.masters.customer_name(item.customer_id),
        "entity": item.entity,
        "number": item.number,
        "type": item.details["type"],
        "issue_date": item.issued,
        "due_date": item.due,
        "days_overdue": max((view.today - item.due).days, 0) if item.is_open else 0,
        "amount": item.amount,
        "balance": item.balance,
        "currency": item.currency,
        "attributes": item.details["attributes"],
        "is_open": item.is_open,
        "status": said["status"],
        "status_label": view.masters.label(said["status"]),
        "kind": said["kind"],
        "comment": said["comment"],
        "promised_on": said["promised_on"] and item.issued.fromisoformat(said["promised_on"]),
        "dispute_id": item.dispute,
        "dispute_reference": dispute.reference if dispute else None,
        "disputed": item.disputed if item.dispute else None,
        "disputed_in_part": item.part is not None,
        "resolver_id": dispute.resolver if dispute else None,
        "resolver": view.masters.name(dispute.resolver) if dispute else None,
        "follow_ups": sorted(item.actions),
        "written_off": bool(item.write_offs),
        "withdrawn": item.withdrawn,
        "collector_id": collector,
        "collector": view.masters.name(collector),
        "changed_at": item.changed_at,
        "is_collectable": item.is_open and not exclusions,
        "exclusions": exclusions,
    }


def disputes(view: View, asked: DisputeList) -> Answer:
    passing, ends = {*_passing(view, asked)}, list(view.masters.settings["ageing_buckets"])
    return Answer(
        [
            _dispute(view, each)
            for each in view.disputes.values()
            if each.id in passing
            and reach.sees_dispute(view, each, each.resolver)
            and asked.state in {None, each.state}
            and asked.has_collector in {None, view.masters.collector_of(each.customer_id) is not None}
            and asked.age in {None, bucket(ends, 0, (view.today - view.day(each.episode.opened_at)).days)}
            and (asked.item is None or str(asked.item) in each.items)
        ]
    )


def _passing(view: View, asked: DisputeList) -> Iterator[str]:
    """The disputes that pass the filters of all reports: as they are, or as they were when they counted."""
    if asked.counted in {None, Counted.OPEN}:
        for of in view.disputes.values():
            items = of.items or [part.item for part in of.episode.opening]
            if (
                (asked.counted is None or of.state == "open")
                and view.is_case_asked(of, asked, of.type, of.resolver)
                and view.in_period(view.day(of.episode.opened_at), asked)
                and asked.is_assigned in {None, of.resolver is not None}
                and any(view.has_item_part(view.items[each], asked) for each in items)
            ):
                yield of.id
        return
    for episode, day in counted(view, asked, asked.counted):
        if (
            view.is_case_asked(episode.dispute, asked, episode.type, episode.resolver)
            and view.in_period(day, asked)
            and asked.counted_month in {None, day.strftime("%Y-%m")}
            and asked.is_assigned in {None, episode.resolver is not None}
            and any(view.has_item_part(view.items[each.item], asked, episode) for each in episode.opening)
        ):
            yield episode.dispute.id


def _is_action_asked(view: View, action: Action, asked: FollowUpList) -> bool:
    of = view.disputes[action.dispute] if action.dispute else None
    customer = view.masters.customers[action.customer_id]
    resolver = action.resolver or (of.resolver if of else None)
    return (
        asked.customer in {None, customer.code}
        and (asked.collector is None or str(asked.collector) == customer.collector)
        and (asked.resolver is None or str(asked.resolver) == resolver)
        and asked.status in {None, of.type if of else action.status}
        and _has_such_an_item(view, action, asked)
    )


def _has_such_an_item(view: View, action: Action, asked: FollowUpList) -> bool:
    if asked.entity is None and not asked.attributes and asked.currency is None:
        return True  # an action that ended when its items cleared has none
    items = (view.items[each] for each in action.items)
    return any(view.has_item_part(item, asked) and asked.currency in {None, item.currency} for item in items)


def _dispute(view: View, of: Dispute) -> Row:
    collector = view.masters.collector_of(of.customer_id)
    inside = [view.items[each] for each in of.items] if of.state == "open" else []
    return {
        "dispute_id": of.id,
        "version": of.version,
        "reference": of.reference,
        "customer_id": of.customer_id,
        "customer_code": of.customer,
        "customer": view.masters.customer_name(of.customer_id),
        "currency": of.currency,
        "type": of.type,
        "type_label": view.masters.label(of.type),
        "reason": of.reason,
        "comment": of.comment,
        "channel": of.channel,
        "state": of.state,
        "outcome": of.outcome,
        "credited_amount": of.credited,
        "received_on": of.received_on,
        "resolver_id": of.resolver,
        "resolver": view.masters.name(of.resolver),
        "assigned_by": of.assigned_by,
        "unassigned": of.unassigned,
        "opened_by": of.opened_by,
        "opener": view.masters.name(of.opened_by),
        "collector_id": collector,
        "collector": view.masters.name(collector),
        "episode": of.episode.number,
        "episode_opened_at": of.episode.opened_at,
        "amount_at_opening": sum(part.amount for part in of.episode.opening),
        "disputed": sum(item.disputed for item in inside),
        "items": of.items,
        "follow_ups": sorted(of.actions),
        "comments": of.comments,
        "documents": of.documents,
        "changed_at": of.changed_at,
    }


def follow_ups(view: View, asked: FollowUpList) -> Answer:
    return Answer(
        [
            _follow_up(view, each)
            for each in view.actions.values()
            if asked.is_open in {None, each.is_open}
            and (asked.owner is None or str(asked.owner) == each.owner)
            and (asked.dispute is None or str(asked.dispute) == each.dispute)
            and (asked.due_to is None or each.due_on <= asked.due_to)
            and view.in_period(each.due_on, asked)
            and _is_action_asked(view, each, asked)
            and reach.sees_action(view, each)
        ]
    )


def _follow_up(view: View, action: Action) -> Row:
    of = view.disputes[action.dispute] if action.dispute else None
    resolver = action.resolver or (of.resolver if of else None)
    status = of.type if of else action.status
    known = view.masters.customers[action.customer_id]
    return {
        "follow_up_id": action.id,
        "version": action.version,
        "reference": action.reference,
        "customer_id": action.customer_id,
        "customer_code": known.code,
        "customer": known.name,
        "dispute_id": action.dispute,
        "dispute_reference": of.reference if of else None,
        "title": action.title,
        "due_on": action.due_on,
        "days_overdue": max((view.today - action.due_on).days, 0) if action.is_open else 0,
        "owner_id": action.owner,
        "owner": view.masters.name(action.owner),
        "resolver_id": resolver,
        "resolver": view.masters.name(resolver),
        "planned_by": action.planned_by,
        "status": status,
        "status_label": view.masters.label(status),
        "items": action.items,
        "chases": action.chases,
        "interactions": action.interactions,
        "comments": action.comments,
        "is_open": action.is_open,
        "ended": action.ended,
        "changed_at": action.changed_at,
    }
