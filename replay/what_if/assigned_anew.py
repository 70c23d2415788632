"""Assignments by the rule, decided anew by another rule; by-hand wins, and stays (spec 9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from domain.case import State, evolve
from domain.dispute import AssignedBy, Dispute, ResolverAssigned, ResolverNotFound, Unassigned, assign
from domain.events import Event
from domain.identity import CustomerId, DisputeId, ItemId, PersonId
from domain.people import People, Person
from domain.roles import Role
from replay.what_if.happened import Happened, Stream, decisions

Found: TypeAlias = Mapping[tuple[DisputeId, int], PersonId | Unassigned]
"""Whom the other rule finds for a dispute, in the decision with this number."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The rule was asked for the resolver of a dispute, in the decision with the number *end*."""

    dispute_id: DisputeId
    end: int
    customer_id: CustomerId
    items: tuple[ItemId, ...]


def is_by_rule(event: Event) -> bool:
    """Whether *event* says whom the rule found, or that it found nobody."""
    if isinstance(event, ResolverNotFound):
        return event.because is not Unassigned.WITHDRAWN
    return isinstance(event, ResolverAssigned) and event.by is AssignedBy.RULE


def asked(stream: Stream) -> Iterator[Asked]:
    """When in a dispute's *stream* the rule answered, and of which items."""
    state: State | None = None
    for together in decisions(stream):
        for one in together:
            state = evolve(state, one.event)
        assert isinstance(state, Dispute), "the stream is a dispute's"
        if any(is_by_rule(one.event) for one in together):
            yield Asked(state.id, together[0].end, state.customer_id, tuple(state.items))


def assigned_anew(stream: Stream, found: Found) -> list[Happened]:
    """A dispute's *stream* in which the rule found others."""
    out: list[Happened] = []
    state: State | None = None
    for one in stream:
        if is_by_rule(one.event):
            assert isinstance(state, Dispute), "a dispute is opened before it is assigned"
            kept = [one.altered(event) for event in _answer(state, found[state.id, one.end])]
        else:
            kept = [one]
        for each in kept:
            state = evolve(state, each.event)
        out += kept
    return out


def _answer(dispute: Dispute, found: PersonId | Unassigned) -> list[Event]:
    if isinstance(found, Unassigned) and dispute.assigned_by is AssignedBy.PERSON:
        return []
    return assign(dispute, found, AssignedBy.RULE)


def persons_with(people: People, everybody: People, resolver_of: Mapping[str, PersonId]) -> Iterator[Person]:
    """*people* as they were, but that the values of *resolver_of* are those persons' alone, who are active
    resolvers; whoever of these was not there yet is taken from *everybody*."""
    named = {person: everybody.persons[person] for person in resolver_of.values()}
    for person in {**named, **people.persons}.values():
        values = [value for value in person.assignment_values if value not in resolver_of]
        own = [value for value, of in resolver_of.items() if of == person.id]
        if own:
            yield replace(person, assignment_values=(*values, *own), active=True, role=Role.RESOLVER)
        else:
            yield replace(person, assignment_values=tuple(values))
