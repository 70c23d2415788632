"""Refusals: why a command was not carried out. The docstring of each class is its message; the
fields fill it in. What a refusal means over HTTP is said in ``api/problems.py`` alone."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar, Self
from uuid import UUID


class Refusal(Exception):
    """The command was refused."""

    where: ClassVar[str] = ""
    """JSON Pointer to the field of the command that such refusals are about, where it is always one."""

    references: Mapping[UUID, str] = MappingProxyType({})
    """What people themselves call the things that the message may name by id."""

    @property
    def place(self) -> str:
        """JSON Pointer to the field of the command that this refusal is about; empty: to none."""
        return self.where

    def __str__(self) -> str:
        """The message, with the facts of this refusal in it; beside an id stands what people call it."""
        message = " ".join(inspect.cleandoc(type(self).__doc__ or "").format(**self.facts()).split())
        for found, reference in self.references.items():
            message = message.replace(str(found), f"{reference!r} ({found})")
        return message

    def named(self, thing: UUID, reference: UUID | str) -> Self:
        """Itself, saying that *thing* was called by *reference*, if that is not its id."""
        if isinstance(reference, str):
            self.references = {**self.references, thing: reference}
        return self

    def facts(self) -> dict[str, Any]:
        """The fields of the refusal by name."""
        return {name: getattr(self, name) for name in _names(self)}


def _names(refusal: Refusal) -> list[str]:
    return [field.name for field in fields(refusal)]  # type: ignore[arg-type]


class Unknown(Refusal):
    """What the command names does not exist."""


class Invalid(Refusal):
    """A value of the command cannot be right, whatever the state."""


class Forbidden(Refusal):
    """The actor may not do this."""


# --- unknown ---------------------------------------------------------------------------------------


@dataclass
class UnknownItem(Unknown):
    """There is no item {item_id}; look it up with the item search, or import it first."""

    where = "/item_ids"
    item_id: UUID


@dataclass
class UnknownDispute(Unknown):
    """There is no dispute {dispute_id}; look it up in the dispute report, or open it first."""

    where = "/dispute_id"
    dispute_id: UUID


@dataclass
class UnknownFollowUp(Unknown):
    """There is no follow-up action {follow_up_id}; look it up in the agenda, or plan it first."""

    where = "/follow_up_id"
    follow_up_id: UUID


@dataclass
class UnknownCustomer(Unknown):
    """There is no customer {customer_id}; register the customer first."""

    where = "/customer_code"
    customer_id: UUID


@dataclass
class UnknownPerson(Unknown):
    """There is no person {person_id}; register the person first."""

    where = "/person_id"
    person_id: UUID


@dataclass
class UnknownStatus(Unknown):
    """The catalogue has no status {code!r}; it has: {known}."""

    where = "/status"
    code: str
    known: str


@dataclass
class UnknownActionTemplate(Unknown):
    """The catalogue has no action template {code!r}; define it first."""

    where = "/action_template"
    code: str


@dataclass
class UnknownStep(Unknown):
    """The collection scenario has no step {code!r}; it has: {known}."""

    where = "/step"
    code: str
    known: str


@dataclass
class UnknownImport(Unknown):
    """There is no import {import_id}; look it up in the list of imports."""

    where = "/import_id"
    import_id: UUID


@dataclass
class UnknownKey(Unknown):
    """There is no API key {key_id}; look it up in the list of keys."""

    where = "/key_id"
    key_id: UUID


# --- invalid ---------------------------------------------------------------------------------------


@dataclass
class EmptySelection(Invalid):
    """No item is selected; select one or more open items of one customer."""

    where = "/item_ids"


@dataclass
class ItemSelectedTwice(Invalid):
    """Item {item_id} is selected twice; name each item once."""

    where = "/item_ids"
    item_id: UUID


@dataclass
class ItemNotSelected(Invalid):
    """A disputed amount is given for item {item_id}, which is not among the selected items."""

    where = "/amounts"
    item_id: UUID


@dataclass
class PromiseWithoutDate(Invalid):
    """The status {code!r} is a promise to pay; give the promised date."""

    where = "/promised_on"
    code: str


@dataclass
class OutcomeMissing(Invalid):
    """This resolves dispute {dispute_id}; say with which outcome."""

    where = "/outcome"
    dispute_id: UUID


@dataclass
class OutcomeNotByHand(Invalid):
    """The outcome `cleared` is recorded by the service when the last item of a dispute is paid; choose
    another."""

    where = "/outcome"


@dataclass
class FollowUpDateMissing(Invalid):
    """Reopening dispute {dispute_id} asks for the date on which to follow it up."""

    where = "/follow_up/due_on"
    dispute_id: UUID


@dataclass
class FollowUpContradicted(Invalid):
    """An action is described that is not to be planned; leave out `follow_up` or `plan_follow_up`."""

    where = "/plan_follow_up"


@dataclass
class CreditedAmountInvalid(Invalid):
    """The credited amount {amount} is not between 0 and the disputed {disputed} (in size)."""

    where = "/credited_amount"
    amount: Decimal
    disputed: Decimal


@dataclass
class NothingCredited(Invalid):
    """The outcome {outcome} credits nothing; leave out the credited amount, or choose credit_note,
    partial_credit or other."""

    where = "/credited_amount"
    outcome: str


@dataclass
class CurrencyInvalid(Invalid):
    """{code!r} is not a currency; give an ISO 4217 code such as EUR."""

    where = "/currency"
    code: str


@dataclass
class MonthInvalid(Invalid):
    """{day} is not the first day of a month; sales are stated by whole months, such as 2026-03-01."""

    where = "/month"
    day: date


@dataclass
class ZoneInvalid(Invalid):
    """{zone!r} is not a time zone; give an IANA name such as Europe/Paris."""

    where = "/zone"
    zone: str


@dataclass
class SettingInvalid(Invalid):
    """{value!r} is not a value for {name}: {cure}."""

    where = ""
    name: str
    value: str
    cure: str


@dataclass
class StatusInvalid(Invalid):
    """The status {code!r} cannot be defined so: {cure}."""

    where = "/code"
    code: str
    cure: str


@dataclass
class WrongKind(Invalid):
    """The status {code!r} is of kind {kind}; this needs one of kind {needed}."""

    where = "/status"
    code: str
    kind: str
    needed: str


@dataclass
class ItemRowInvalid(Invalid):
    """Item {number!r}: {problem}."""

    where = "/number"
    number: str
    problem: str


@dataclass
class TextMissing(Invalid):
    """{name} is empty; write a text."""

    where = ""
    name: str


@dataclass
class TextTooLong(Invalid):
    """{at} has {length} characters, of which {longest} can be kept; shorten it."""

    at: str
    length: int
    longest: int

    @property
    def place(self) -> str:
        """The field that holds the text."""
        return self.at


@dataclass
class TextNotStorable(Invalid):
    """{at} holds a character that no text has (NUL, or half of a surrogate pair); take it out."""

    at: str

    @property
    def place(self) -> str:
        """The field that holds the text."""
        return self.at


@dataclass
class ToldInTheFuture(Invalid):
    """{told} lies in the future; what is recorded has happened."""

    where = "/at"
    told: datetime


@dataclass
class ReceivedInTheFuture(Invalid):
    """Received on {received_on} is later than the opening itself ({at})."""

    where = "/received_on"
    received_on: datetime
    at: datetime


@dataclass
class StepInvalid(Invalid):
    """The step {code!r} cannot be so: {problem}."""

    where = "/code"
    code: str
    problem: str


@dataclass
class DueInThePast(Invalid):
    """{due_on} is already past; give today ({today}) or later."""

    where = "/due_on"
    due_on: date
    today: date


# --- refused by the state --------------------------------------------------------------------------


@dataclass
class TimeGoesBackwards(Refusal):
    """{told} is before the last moment of what it changes, {last}; give that moment or a later one."""

    where = "/at"
    told: datetime
    last: datetime


@dataclass
class VersionStale(Refusal):
    """Somebody changed it since version {expected}; it is now at version {actual}. Read it again and
    decide anew."""

    expected: int
    actual: int


@dataclass
class StatusRetired(Refusal):
    """The status {code!r} is retired; choose an active one."""

    where = "/status"
    code: str


@dataclass
class NoStatusOfKind(Refusal):
    """The catalogue has no active status of kind {kind}; define one."""

    where = "/status"
    kind: str


@dataclass
class PersonInactive(Refusal):
    """Person {person_id} is inactive; name an active person."""

    where = "/resolver_id"
    person_id: UUID


@dataclass
class ItemCleared(Refusal):
    """Item {item_id} is cleared; only open items can be selected."""

    where = "/item_ids"
    item_id: UUID


@dataclass
class ItemAlreadyDisputed(Refusal):
    """Item {item_id} is already in dispute {dispute_id}, put there by {disputed_by}; work on that dispute, or take the item out of it first."""  # noqa: E501

    where = "/item_ids"
    item_id: UUID
    dispute_id: UUID
    disputed_by: UUID | None


@dataclass
class ItemNotInDispute(Refusal):
    """Item {item_id} is not in dispute {dispute_id}; add it to the dispute first, or leave it out."""

    where = "/item_ids"
    item_id: UUID
    dispute_id: UUID


@dataclass
class LastItemOfDispute(Refusal):
    """These are all items of dispute {dispute_id}; resolve or cancel the dispute instead."""

    where = "/item_ids"
    dispute_id: UUID


@dataclass
class SeveralCustomers(Refusal):
    """The selected items belong to several customers; select items of one customer."""

    where = "/item_ids"


@dataclass
class SeveralCurrencies(Refusal):
    """The items of a dispute must share one currency; these are in {currencies}. Open one dispute for
    each."""

    where = "/item_ids"
    currencies: str


@dataclass
class SeveralCases(Refusal):
    """Some of the selected items are in an open dispute ({disputes}) and others are not, or in another; select them apart."""  # noqa: E501

    where = "/item_ids"
    disputes: str


@dataclass
class ChangesWholeDispute(Refusal):
    """Some items of dispute {dispute_id} cannot get another dispute type or reason; select all of its items, or take these out of it first."""  # noqa: E501

    where = "/item_ids"
    dispute_id: UUID


class OfField(Refusal):
    """A field of the command has no place in it."""

    name: str

    @property
    def place(self) -> str:
        """That field."""
        return f"/{self.name}"


@dataclass
class NotByQualifying(OfField):
    """The items are in open dispute {dispute_id}; qualifying them does not change its {name}: {cure}."""

    dispute_id: UUID
    name: str
    cure: str


@dataclass
class NotWithStatus(OfField):
    """With a status of kind {kind} on items without a dispute, {name} has no place: {cure}."""

    kind: str
    name: str
    cure: str


@dataclass
class NotByRepeating(OfField):
    """The items have this status and comment already, and saying it again does not apply {name}: plan a follow-up action over them instead."""  # noqa: E501

    name: str


@dataclass
class OutcomeUncalledFor(Refusal):
    """Ending follow-up action {follow_up_id} resolves no dispute, for it is not the last one of a dispute; leave out the outcome and the credited amount, or resolve the dispute itself."""  # noqa: E501

    where = "/outcome"
    follow_up_id: UUID


@dataclass
class StatusNotForDispute(Refusal):
    """The items are in open dispute {dispute_id}; a status of kind {kind} cannot be given until it is
    resolved."""

    where = "/status"
    dispute_id: UUID
    kind: str


@dataclass
class AmountOverBalance(Refusal):
    """The disputed amount {amount} of item {item_id} must have the sign of its balance {balance} and not
    exceed it."""

    where = "/amounts"
    item_id: UUID
    amount: Decimal
    balance: Decimal


@dataclass
class CurrencyOfDisputedItem(Refusal):
    """The currency of item {number!r} cannot change while it is in dispute {dispute_id}; take it out
    first."""

    where = "/currency"
    number: str
    dispute_id: UUID


@dataclass
class LeadingZerosDiffer(Refusal):
    """Item {number!r} equals the existing {existing!r} but for leading zeros; {cure} if they are the same item, or --accept-as-new if they are not."""  # noqa: E501

    where = "/number"
    number: str
    existing: str
    cure: str


@dataclass
class NewerThanImport(Refusal):
    """Item {number!r} is left as it is, for something newer depends on what the import did: {newer}. Settle or undo that first, or use --force."""  # noqa: E501

    where = "/item_id"
    number: str
    newer: str


@dataclass
class DisputeExists(Refusal):
    """Dispute {dispute_id} exists already; give another reference."""

    where = "/reference"
    dispute_id: UUID


@dataclass
class DisputeAlreadyResolved(Refusal):
    """Dispute {dispute_id} is already resolved; reopen it to go on."""

    where = "/dispute_id"
    dispute_id: UUID


@dataclass
class DisputeWasEscalated(Refusal):
    """Dispute {dispute_id} was escalated to litigation; reopen it to go on."""

    where = "/dispute_id"
    dispute_id: UUID


@dataclass
class DisputeWasCancelled(Refusal):
    """Dispute {dispute_id} was cancelled, for it was opened by mistake; open a new one."""

    where = "/dispute_id"
    dispute_id: UUID


@dataclass
class DisputeStillOpen(Refusal):
    """Dispute {dispute_id} is still open; there is nothing to reopen."""

    where = "/dispute_id"
    dispute_id: UUID


@dataclass
class NothingToReopen(Refusal):
    """Dispute {dispute_id} has no item left to dispute; cleared: {cleared}; in another open dispute:
    {elsewhere}."""

    where = "/dispute_id"
    dispute_id: UUID
    cleared: str
    elsewhere: str


@dataclass
class FollowUpExists(Refusal):
    """Follow-up action {follow_up_id} exists already; give another reference."""

    where = "/reference"
    follow_up_id: UUID


@dataclass
class FollowUpAlreadyEnded(Refusal):
    """Follow-up action {follow_up_id} has ended; plan a new one."""

    where = "/follow_up_id"
    follow_up_id: UUID


@dataclass
class NobodyToChase(Refusal):
    """Follow-up action {follow_up_id} has no resolver to remind; assign one first."""

    where = "/follow_up_id"
    follow_up_id: UUID


@dataclass
class StepRetired(Refusal):
    """The step {code!r} is retired; choose one that is in use, or take it back into use."""

    where = "/step"
    code: str


@dataclass
class NothingCollectable(Refusal):
    """Nothing can be asked for of customer {customer!r} in {currency}: there is no open invoice, or all are
    disputed, in litigation, under a follow-up action, promised or written off, or credit outweighs them; look
    at the agenda again."""

    where = "/item_ids"
    customer: str
    currency: str


@dataclass
class StepInSeveralCurrencies(Refusal):
    """A reminder step goes over items of one currency; this one would be over {currencies}: name a currency,
    or items of one, and take one step for each."""

    where = "/currency"
    currencies: str


@dataclass
class ItemNotCollectable(Refusal):
    """Item {item_id} takes no part in the scenario: {because}; leave it out, or end first what keeps it
    out."""

    where = "/item_ids"
    item_id: UUID
    because: str


@dataclass
class StepNotDue(Refusal):
    """The step {code!r} is due on {due_on} at the earliest, for the oldest selected item is due on
    {oldest_due}; choose a step that is due by now, or wait."""

    where = "/step"
    code: str
    due_on: date
    oldest_due: date


@dataclass
class StepAlreadySettled(Refusal):
    """The step {code!r} was {settled} already, counted from the oldest item, due on {oldest_due}; take
    the next step, or plan a follow-up action."""

    where = "/step"
    code: str
    settled: str
    oldest_due: date


@dataclass
class CodeTaken(Refusal):
    """The code {code!r} is already taken by {taken_by}; choose another."""

    where = "/code"
    code: str
    taken_by: str


# --- forbidden -------------------------------------------------------------------------------------


@dataclass
class RoleForbids(Forbidden):
    """The role {role} does not include: {permission}; ask somebody whose role does."""

    role: str
    permission: str


@dataclass
class NotYours(Forbidden):
    """The role {role} includes {permission} only for: {reach}. This is none of them."""

    role: str
    permission: str
    reach: str


@dataclass
class RoleNotGivable(Forbidden):
    """The role {role} may not give the role {given}."""

    where = "/role"
    role: str
    given: str


@dataclass
class ScopeNotGivable(Forbidden):
    """Nobody gives or takes more than they have: {scope} is not among the rights of the role {role}."""

    where = "/scopes"
    role: str
    scope: str
