"""What a client called the things that a refusal knows by their ids alone: items, and what does not exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from domain.identity import customer_id, dispute_id, follow_up_id, item_id, person_id
from domain.refusals import Refusal
from domain.texts import LONGEST_CODE

_NAMED: Final = (dispute_id, follow_up_id, customer_id, person_id)


def name_as_told(refusal: Refusal, told: object, default_entity: str = "") -> None:
    """Let the message of *refusal* say beside an id what *told*, the JSON of a command, calls it."""
    message = str(refusal)
    found = {named: name for named, name in _names(told, default_entity) if str(named) in message}
    refusal.references = {**found, **refusal.references}


def _names(told: object, default_entity: str) -> Iterator[tuple[UUID, str]]:
    match told:
        case {"customer_code": str(code), "number": str(number), **more}:
            yield item_id(str(more.get("entity") or default_entity), code, number), f"{number} of {code}"
        case Mapping():
            for each in told.values():
                yield from _names(each, default_entity)
        case list():
            for each in told:
                yield from _names(each, default_entity)
        case str() if len(told) <= LONGEST_CODE:
            for named in _NAMED:
                yield named(told), told
