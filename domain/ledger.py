"""What the ledger says of items: new, corrected, cleared, seen again (spec 1-3, 6)."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from domain import customer as customers
from domain.calendar import start_of_day
from domain.case import Case, Draft
from domain.catalogue import StatusKind
from domain.commands import Decision
from domain.identity import customer_id, item_id_unremembered
from domain.item import (
    ClearItem,
    Item,
    ItemCleared,
    ItemCorrected,
    ItemDetails,
    ItemRegistered,
    ItemReinstated,
    ItemType,
    RegisterItem,
)
from domain.money import is_currency, same_sign, smaller
from domain.refusals import CurrencyInvalid, CurrencyOfDisputedItem, ItemRowInvalid, LeadingZerosDiffer
from domain.resolving import leave_everything
from domain.texts import LONGEST_CODE, LONGEST_TEXT, is_storable, require_storable

if TYPE_CHECKING:
    from datetime import date, datetime

    from domain.commands import Occasion
    from domain.events import Event
    from domain.identity import ImportId, ItemId


_FIRST_YEAR: Final = 1900
"""No open document is older; what is, is a date misread."""


def register_item(case: Case, command: RegisterItem, occasion: Occasion) -> list[Decision]:
    """The decisions that a ledger's row leads to; none when nothing differs.

    A registration occurred on the issue date, a clearing on the payment date if the row has one, each
    at the start of the day in the company's zone and never later than *occasion*.
    Raises ItemRowInvalid, CurrencyInvalid, LeadingZerosDiffer, CurrencyOfDisputedItem.
    """
    _check_row(command)
    known = case.states.get(command.item_id)
    if isinstance(known, Item):
        return _seen_again(case, known, command, occasion)
    return _met(case, command, occasion)


def _check_row(command: RegisterItem) -> None:
    details = command.details
    if not is_currency(details.currency):
        raise CurrencyInvalid(details.currency)
    if not command.number.strip() or not command.customer_code.strip() or not command.entity.strip():
        raise ItemRowInvalid(command.number, "customer code, entity and number are required")
    for day in (details.issue_date, details.due_date, command.cleared_on):
        if day is not None and day.year < _FIRST_YEAR:
            raise ItemRowInvalid(command.number, f"{day} is before {_FIRST_YEAR}; correct the date")
    if details.balance and command.cleared_on is not None:
        raise ItemRowInvalid(command.number, "it is cleared and has a balance; leave out one of them")
    is_negative = details.type is ItemType.CREDIT_NOTE or details.type is ItemType.PAYMENT
    if is_negative and max(details.amount, details.balance) > 0:
        raise ItemRowInvalid(
            command.number, f"a {details.type} has a negative amount; negate it in the mapping"
        )


def register_unseen(
    command: RegisterItem, zone: str, latest: datetime, *, meets_customer: bool
) -> list[Decision]:
    """As `register_item`, for a row of which it is known that its item is not there and no twin of it either.

    *meets_customer*: its customer is not there yet and is registered with it. *latest*: no decision occurs
    later. Raises ItemRowInvalid, CurrencyInvalid, TextTooLong, TextNotStorable.
    """
    _check_texts(command)
    _check_row(command)
    item = item_id_unremembered(command.entity, command.customer_code, command.number)
    return _registered(item, command, zone, latest, meets_customer=meets_customer)


def _check_texts(command: RegisterItem) -> None:
    # Looking at each text by itself takes a third of all else here; nearly always one look at all will do.
    attributes = command.details.attributes
    codes = f"{command.customer_code}{command.entity}{command.number}{command.customer_name or ''}"
    names, texts = "".join(attributes), "".join(attributes.values())
    is_short = len(codes) <= LONGEST_CODE and len(names) <= LONGEST_CODE and len(texts) <= LONGEST_TEXT
    if not (is_short and is_storable(f"{codes}{names}{texts}")):
        require_storable(command)


def _met(case: Case, command: RegisterItem, occasion: Occasion) -> list[Decision]:
    if not command.accept_as_new:
        _check_twins(case, command)
    meets_customer = customer_id(command.customer_code) not in case.states
    zone = case.company.settings.zone
    return _registered(command.item_id, command, zone, occasion.at, meets_customer=meets_customer)


def _registered(
    item: ItemId, command: RegisterItem, zone: str, latest: datetime, *, meets_customer: bool
) -> list[Decision]:
    details = command.details
    customer = customer_id(command.customer_code)
    fact = ItemRegistered(
        item, customer, command.customer_code, command.entity, command.number, details, command.import_id
    )
    met: tuple[Event, ...] = ()
    if meets_customer:
        met = (customers.register(command.customer_code, command.customer_name, command.import_id),)
    registered = _on(zone, details.issue_date, latest, (*met, fact))
    if details.balance:
        return [registered]
    paid = ItemCleared(
        item, customer, command.cleared_on, details.balance, details.currency, command.import_id
    )
    cleared = clear_unattached(paid, zone, latest)
    return [registered, replace(cleared, occurred_at=max(registered.occurred_at, cleared.occurred_at))]


def _check_twins(case: Case, command: RegisterItem) -> None:
    for twin, number in command.twins.items():
        if twin in case.states:
            raise LeadingZerosDiffer(command.number, number, _cure(command.number, number))


def _cure(number: str, existing: str) -> str:
    if len(existing) > len(number):
        return f"set `pad = {len(existing)}` in the mapping"
    return "drop its leading zeros in the file"  # padding only makes a number longer


def _seen_again(case: Case, item: Item, command: RegisterItem, occasion: Occasion) -> list[Decision]:
    details = command.details
    if details.balance == 0:
        if item.cleared:
            return []
        return [_paid(case, item, command, occasion)]
    if item.cleared:
        qualification = item.qualification
        # It comes back outside its old dispute (spec 3), so not as disputed either.
        if qualification and qualification.kind is StatusKind.DISPUTE:
            qualification = None
        return [Decision(occasion.at, (ItemReinstated(item.id, details, qualification, command.import_id),))]
    draft = Draft(case)
    _correct(draft, item, details, command.import_id)
    return [Decision(occasion.at, tuple(draft.events))] if draft.events else []


def _correct(draft: Draft, item: Item, details: ItemDetails, import_id: ImportId | None) -> None:
    if details == item.details:
        return
    if item.dispute_id and details.currency != item.details.currency:
        raise CurrencyOfDisputedItem(item.number, item.dispute_id)
    draft.record(ItemCorrected(item.id, details, item.details, import_id))


def _paid(case: Case, item: Item, command: RegisterItem, occasion: Occasion) -> Decision:
    # What else the row says holds of the paid item too; no more than the amount that it says was open.
    amount, balance = command.details.amount, item.details.balance
    was_open = smaller(balance, amount) if same_sign(balance, amount) else balance
    draft = Draft(case)
    _correct(draft, item, replace(command.details, balance=was_open), command.import_id)
    return _cleared(draft, draft.item(item.id), command.cleared_on, command.import_id, occasion)


def clear_item(case: Case, command: ClearItem, occasion: Occasion) -> list[Decision]:
    """The item is paid, on ``cleared_on`` if told; said twice changes nothing. Raises UnknownItem."""
    item = case.item(command.item_id)
    if item.cleared:
        return []
    return [_cleared(Draft(case), item, command.cleared_on, command.import_id, occasion)]


def clear_unattached(paid: ItemCleared, zone: str, latest: datetime) -> Decision:
    """As `clear_item`, for an open item that is in no dispute and under no action: it leaves nothing else."""
    return _on(zone, paid.cleared_on, latest, (paid,))


def _cleared(
    draft: Draft, item: Item, cleared_on: date | None, import_id: ImportId | None, occasion: Occasion
) -> Decision:
    balance, currency = item.details.balance, item.details.currency
    draft.record(ItemCleared(item.id, item.customer_id, cleared_on, balance, currency, import_id))
    leave_everything(draft, item)
    return _on(draft.company.settings.zone, cleared_on, occasion.at, tuple(draft.events))


def _on(zone: str, day: date | None, latest: datetime, events: tuple[Event, ...]) -> Decision:
    return Decision(_moment(zone, day, latest) if day else latest, events)


@lru_cache(maxsize=4_000)  # a file has few days; comparing moments of two zones is slow
def _moment(zone: str, day: date, latest: datetime) -> datetime:
    return min(start_of_day(day, zone), latest)
