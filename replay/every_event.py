"""Every event in words: what `replay.sentences` says, and what is of no matter to whether items are
collectable."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias
from uuid import UUID

from domain import catalogue, customer, dispute, follow_up, imports, item, people, sales
from domain.dispute import AssignedBy
from domain.events import Event
from replay.sentences import Words, money, ordinal, sentence

Say: TypeAlias = Callable[[Any, Words], str]


def in_words(event: Event, words: Words) -> str:
    """What *event* says, as a sentence. Of an item's events the subject is “it”. What has no words of its own
    is told as its class tells it."""
    said = sentence(event, words)
    if said is None and (say := _SAID.get(type(event))) is not None:
        said = say(event, words)
    return said if said is not None else " ".join(inspect.getdoc(type(event)).split())  # type: ignore[union-attr] # all have one


def differences(before: object | None, after: object, words: Words) -> str:
    """The fields in which two things of one dataclass differ: ``balance 100 → 80, due date …``."""
    if before is None:
        return "for the first time"
    pairs = (
        (each.name, getattr(before, each.name), getattr(after, each.name))
        for each in dataclasses.fields(after)  # type: ignore[arg-type] # a dataclass
    )
    told = [
        f"{name.replace('_', ' ')} {value(was, words)} → {value(now, words)}"
        for name, was, now in pairs
        if was != now
    ]
    return ", ".join(told) or "as it was"


def value(of: object, words: Words) -> str:
    """One value for people to read: ids by the names of what they are."""
    match of:
        case None:
            return "none"
        case UUID():
            return words.name(of)
        case Mapping():
            return "{" + ", ".join(f"{value(k, words)}: {value(v, words)}" for k, v in of.items()) + "}"
        case frozenset() | set():
            return "[" + ", ".join(sorted(value(each, words) for each in of)) + "]"
        case tuple() | list():
            return "[" + ", ".join(value(each, words) for each in of) + "]"
        case _ if dataclasses.is_dataclass(of):
            fields = ((each.name, getattr(of, each.name)) for each in dataclasses.fields(of))
            return "(" + ", ".join(f"{name}={value(is_, words)}" for name, is_ in fields) + ")"
        case _:
            return f"{of}"


def _of(of: UUID | None, words: Words) -> str:
    return "nobody" if of is None else words.name(of)


def _dispute(said: Say) -> Say:
    return lambda event, words: f"The dispute {words.name(event.dispute_id)} {said(event, words)}"


def _action(said: Say) -> Say:
    return lambda event, words: (
        f"The follow-up action “{words.name(event.follow_up_id)}” {said(event, words)}"
    )


def _customer(said: Say) -> Say:
    return lambda event, words: f"The customer {words.name(event.customer_id)} {said(event, words)}"


def _person(said: Say) -> Say:
    return lambda event, words: f"{words.name(event.person_id)} {said(event, words)}"


def _assigned(event: dispute.ResolverAssigned, words: Words) -> str:
    how = "by the rule" if event.by is AssignedBy.RULE else "by hand"
    before = f", before {words.name(event.previous)}" if event.previous else ""
    return f"was given to {words.name(event.resolver_id)}, {how}{before}."


def _unassigned(event: dispute.ResolverNotFound, words: Words) -> str:
    before = f", before {words.name(event.previous)}" if event.previous else ""
    return f"has no resolver ({event.because.replace('_', ' ')}{before})."


def _interaction(event: follow_up.InteractionRecorded, _: Words) -> str:
    medium, party = event.medium.replace("_", " "), event.with_whom.replace("_", " ")
    return f"had an {event.direction} {medium} with the {party}: {event.text}"


def _chased(event: follow_up.ResolverChased, words: Words) -> str:
    what = f": {event.text}" if event.text else "."
    return (
        f"was chased for the {ordinal(event.chase)} time: {words.name(event.resolver_id)} by"
        f" {event.medium.replace('_', ' ')}, and moved from {event.previous} to {event.due_on}{what}"
    )


def _key(event: people.KeyIssued, words: Words) -> str:
    whose = words.name(event.person_id) if event.person_id else f"a program ({', '.join(event.scopes)})"
    return f"The key “{event.name}” was given to {whose}."


def _counts(event: imports.ImportFinished | imports.ImportUndone) -> str:
    counts = dataclasses.asdict(event.counts)
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "nothing"


def _sales(event: sales.MonthlySalesStated, _: Words) -> str:
    before = f", before {event.previous:f}" if event.previous is not None else ""
    month = f"{event.month:%Y-%m}"
    return f"The sales of {event.entity} in {month} were {money(event.amount, event.currency)}{before}."


_SAID: Final[Mapping[type[Event], Say]] = {
    item.ItemCorrected: lambda e, w: f"The ledger says otherwise: {differences(e.previous, e.details, w)}.",
    item.ItemCorrectionUndone: lambda e, w: (
        f"The import that had corrected it was undone: {differences(e.previous, e.details, w)}."
    ),
    item.ItemDisputeVoided: lambda e, w: (
        f"The dispute {w.name(e.dispute_id)} was a mistake: what it said of it will not return."
    ),
    dispute.ResolverAssigned: _dispute(_assigned),
    dispute.ResolverNotFound: _dispute(_unassigned),
    dispute.DisputeCommentReplaced: _dispute(lambda e, _: f"has another comment: {e.comment}"),
    dispute.DisputeCommented: _dispute(lambda e, _: f"was commented ({e.visibility}): {e.text}"),
    dispute.DocumentAttached: _dispute(lambda e, _: f"got the document “{e.name}” ({e.visibility})."),
    dispute.DisputeFollowedUp: _dispute(lambda e, w: f"got the follow-up action “{w.name(e.follow_up_id)}”."),
    dispute.DisputeFollowUpEnded: _dispute(
        lambda e, w: f"no longer waits for the follow-up action “{w.name(e.follow_up_id)}”."
    ),
    dispute.DisputeFollowUpContinued: _dispute(
        lambda e, w: f"waits for the follow-up action “{w.name(e.follow_up_id)}” again."
    ),
    follow_up.FollowUpPostponed: _action(lambda e, _: f"was moved from {e.previous} to {e.due_on}."),
    follow_up.InteractionRecorded: _action(_interaction),
    follow_up.ResolverChased: _action(_chased),
    follow_up.FollowUpCommented: _action(lambda e, _: f"was commented: {e.text}"),
    customer.CustomerRegistered: lambda e, _: f"The customer {e.code}, {e.name}, was registered.",
    customer.CustomerRenamed: _customer(lambda e, _: f"is called {e.name}, before {e.previous}."),
    customer.CustomerAttributesGiven: _customer(
        lambda e, w: f"has other attributes: {value(e.previous, w)} → {value(e.attributes, w)}."
    ),
    customer.CollectorAssigned: _customer(
        lambda e, w: f"has the collector {w.name(e.collector_id)}, before {_of(e.previous, w)}."
    ),
    customer.CollectorWithdrawn: _customer(lambda e, w: f"has no collector, before {w.name(e.previous)}."),
    customer.SalesManagerAssigned: _customer(
        lambda e, w: f"has the sales manager {w.name(e.sales_manager_id)}, before {_of(e.previous, w)}."
    ),
    customer.SalesManagerWithdrawn: _customer(
        lambda e, w: f"has no sales manager, before {w.name(e.previous)}."
    ),
    people.PersonRegistered: lambda e, _: f"{e.name} ({e.code}) was registered, role {e.role or 'none'}.",
    people.PersonRenamed: lambda e, _: f"{e.previous} is called {e.name}.",
    people.LoginGiven: _person(lambda e, _: f"logs in as {e.login}."),
    people.LoginWithdrawn: _person(lambda *_: "logs in no more."),
    people.RoleGiven: _person(lambda e, _: f"has the role {e.role}, before {e.previous or 'none'}."),
    people.RoleWithdrawn: _person(lambda e, _: f"has no role, before {e.previous}."),
    people.AssignmentValuesGiven: _person(
        lambda e, w: (
            f"takes the disputes of {value(e.assignment_values, w)}, before of {value(e.previous, w)}."
        )
    ),
    people.PersonDeactivated: _person(lambda *_: "can no longer be named nor log in."),
    people.PersonReactivated: _person(lambda *_: "is back."),
    people.KeyIssued: _key,
    people.KeyRevoked: lambda e, w: f"The key “{w.name(e.key_id)}” was revoked.",
    catalogue.CompanyFounded: lambda e, _: f"The company {e.settings.name} was founded.",
    catalogue.SettingsChanged: lambda e, w: (
        f"The settings were changed: {differences(e.previous, e.settings, w)}."
    ),
    catalogue.StatusDefined: lambda e, w: (
        f"The status {e.status.code} was defined: {differences(e.previous, e.status, w)}."
    ),
    catalogue.StatusTakenOutOfUse: lambda e, _: f"The status {e.code} was retired.",
    catalogue.ActionTemplateDefined: lambda e, w: (
        f"The action template {e.template.code} was defined: {differences(e.previous, e.template, w)}."
    ),
    imports.ImportStarted: lambda e, _: f"The import of {e.file_name} ({e.mode}) began.",
    imports.ImportFinished: lambda e, _: f"The import was through: {_counts(e)}.",
    imports.ImportUndone: lambda e, _: f"The import was undone: {_counts(e)}.",
    sales.MonthlySalesStated: _sales,
}
"""The events that `replay.sentences` leaves out."""
