"""Ids of streams. What has a natural key gets its id from that key, so that two writers who mean the
same item, customer or person meet on the same stream and the log itself keeps them apart."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha1
from typing import TYPE_CHECKING, Final, NewType
from uuid import UUID, SafeUUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

ItemId = NewType("ItemId", UUID)
DisputeId = NewType("DisputeId", UUID)
FollowUpId = NewType("FollowUpId", UUID)
CustomerId = NewType("CustomerId", UUID)
PersonId = NewType("PersonId", UUID)
ImportId = NewType("ImportId", UUID)
KeyId = NewType("KeyId", UUID)
SalesId = NewType("SalesId", UUID)
ReminderRunId = NewType("ReminderRunId", UUID)

_NAMESPACE: Final = UUID("5b0f7a52-6a0e-4c0e-9d2f-2f6f0f0c8d11")
_SALT: Final = _NAMESPACE.bytes
_FIXED: Final = 5 << 76 | 2 << 62
"""Version 5, variant 2."""

_NOT_FIXED: Final = ~(0xF << 76 | 3 << 62)


def _named(kind: str, *parts: str) -> UUID:
    # The unit separator cannot be typed into a number or code, so no two keys run into each other.
    return _hashed("\x1f".join((kind, *parts)))


def _hashed(name: str) -> UUID:
    # This is uuid5(), whose general way takes three times as long.
    digest = sha1(_SALT + name.encode(), usedforsecurity=False).digest()
    return _uuid(int.from_bytes(digest[:16], "big") & _NOT_FIXED | _FIXED)


_UNKNOWN: Final = SafeUUID.unknown
_new: Final = object.__new__
_set: Final = object.__setattr__


def _uuid(number: int) -> UUID:
    # UUID(int=number), which takes twice as long to find out in which of its six ways it is told the number.
    made = _new(UUID)
    _set(made, "int", number)
    _set(made, "is_safe", _UNKNOWN)
    return made


def item_id_unremembered(entity: str, customer_code: str, number: str) -> ItemId:
    """As `item_id`, quicker for an item that is named once: one of a million that are new."""
    return ItemId(_hashed(f"item\x1f{entity}\x1f{customer_code}\x1f{number}"))


@lru_cache(maxsize=10_000)  # a history names the same items again and again
def item_id(entity: str, customer_code: str, number: str) -> ItemId:
    """The item with this identity (spec 2); leading zeros matter."""
    return item_id_unremembered(entity, customer_code, number)


@lru_cache(maxsize=20_000)
def customer_id(code: str) -> CustomerId:
    """The customer with this code."""
    return CustomerId(_named("customer", code))


@lru_cache(maxsize=2_000)
def person_id(code: str) -> PersonId:
    """The person with this code."""
    return PersonId(_named("person", code))


@lru_cache(maxsize=2_000)
def sales_id(entity: str, currency: str, month: date) -> SalesId:
    """The sales of that month (its first day) of one entity in one currency."""
    return SalesId(_named("sales", entity, currency, month.isoformat()))


@lru_cache(maxsize=2_000)
def reminder_run_id(customer: UUID, currency: str, oldest_due: date) -> ReminderRunId:
    """A customer's reminders in one currency while the oldest item to be collected was due that day."""
    return ReminderRunId(_named("reminders", str(customer), currency, oldest_due.isoformat()))


@lru_cache(maxsize=2_000)
def dispute_id(reference: str) -> DisputeId:
    """The dispute to which its opener gave this reference of their own."""
    return DisputeId(_named("dispute", reference))


@lru_cache(maxsize=2_000)
def follow_up_id(reference: str) -> FollowUpId:
    """The follow-up action to which its planner gave this reference of their own."""
    return FollowUpId(_named("follow-up", reference))


def follow_up_of(dispute: UUID, number: int) -> FollowUpId:
    """The *number*-th follow-up action that the service plans for a dispute (from 1)."""
    return FollowUpId(uuid5(dispute, f"follow-up {number}"))


_LONGEST_NUMBER: Final = 20
"""Ledgers pad document numbers to 10 or 16 digits; 20 leaves room."""

_MOST_ZEROS: Final = 64
"""However long a cell of zeros is, no more twins of it are looked up."""


@lru_cache(maxsize=2_000)  # asked several times for each row of a chunk that is imported
def leading_zero_twins(entity: str, customer_code: str, number: str) -> Mapping[ItemId, str]:
    """The items whose number equals *number* but for leading zeros (spec 2), by id.

    Only numbers made of digits are padded by ledgers; for any other number there are none.
    """
    if not (number.isascii() and number.isdigit()):
        return {}
    digits = number.lstrip("0") or "0"
    lengths = range(len(digits), min(max(_LONGEST_NUMBER, len(number)), _MOST_ZEROS) + 1)
    twins = (digits.rjust(length, "0") for length in lengths)
    return {item_id(entity, customer_code, twin): twin for twin in twins if twin != number}


COMPANY_STREAM: Final = _named("company")
"""The one stream of a company's settings and catalogue."""

PEOPLE_STREAM: Final = _named("people")
"""The one stream of a company's people and their keys."""

OPERATOR: Final = PersonId(_named("operator"))
"""Whoever owns the machine's data directory, acting as administrator without a key."""
