"""What things and people are called, for those who read what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from domain.case import State, evolve
from domain.catalogue import Company
from domain.customer import Customer
from domain.dispute import Dispute
from domain.follow_up import FollowUpAction
from domain.identity import OPERATOR, PEOPLE_STREAM
from domain.item import Item
from domain.people import People
from store.log import Log

STREAMS: Final[Mapping[type[State], str]] = {Dispute: "dispute", Item: "item", FollowUpAction: "follow_up"}
"""What the streams of a case are called."""


def name_of(state: State) -> str | None:
    """What people call it: a dispute's own reference, an item's number, an action's title, a customer's
    code."""
    match state:
        case Dispute():
            return state.reference
        case Item():
            return state.number
        case FollowUpAction():
            return state.title
        case Customer():
            return state.code
        case _:
            return None


def called(states: Mapping[UUID, State]) -> dict[UUID, str]:
    """The names of those that have one, by stream."""
    names = {stream: name_of(state) for stream, state in states.items()}
    return {stream: name for stream, name in names.items() if name}


def people_names(log: Log) -> dict[UUID, str]:
    """The names of all people and keys by id, as they are called now, whatever the moment that is asked for;
    the operator is among them."""
    people = People()
    for each in log.read_streams({PEOPLE_STREAM: 0}):
        after = evolve(people, each.event)
        assert isinstance(after, People), "the stream of people holds people"
        people = after
    names: dict[UUID, str] = {OPERATOR: "operator"}
    names.update((key.id, key.name) for key in people.keys.values())  # a program acts by the id of its key
    names.update((person.id, person.name) for person in people.persons.values())
    return names


def labels_of(company: Company | None) -> dict[str, str]:
    """The English labels of the catalogue's statuses, by code."""
    statuses = company.statuses.values() if company else ()
    return {each.code: each.labels.get("en", "") for each in statuses}
