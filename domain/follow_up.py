"""A follow-up action: keeps items out of dunning while a matter is pending, and reappears in the agenda
on its due date (spec 23-26)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar, TypeAlias, assert_never
from uuid import UUID

from domain.commands import Command
from domain.events import Event, PersonalText
from domain.identity import CustomerId, DisputeId, FollowUpId, ItemId, PersonId, follow_up_id, follow_up_of
from domain.made import replace
from domain.refusals import DueInThePast, FollowUpAlreadyEnded, TextMissing
from domain.roles import Permission


class Party(StrEnum):
    """With whom an interaction was."""

    RESOLVER = "resolver"
    CUSTOMER = "customer"
    DEPARTMENT = "department"
    OTHER = "other"


class Medium(StrEnum):
    """By what an interaction went."""

    INTERACTIVE_EMAIL = "interactive_email"
    EMAIL = "email"
    SMS = "sms"
    LETTER = "letter"
    REGISTERED_E_LETTER = "registered_e_letter"
    PHONE = "phone"


class Direction(StrEnum):
    """From us or to us."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"


class Ended(StrEnum):
    """Why a follow-up action ended."""

    DONE = "done"
    DISPUTE_RESOLVED = "dispute_resolved"
    DISPUTE_CANCELLED = "dispute_cancelled"
    DISPUTE_ESCALATED = "dispute_escalated"
    ITEMS_CLEARED = "items_cleared"


@dataclass(frozen=True, slots=True)
class FollowUpPlan:
    """What is said of a follow-up action to plan; the rest comes from the status and the customer.

    ``reference``: the planner's own, by which the action can be named from then on.
    """

    due_on: date | None = None
    title: str | None = None
    owner_id: PersonId | None = None
    reference: str | None = None


def planned_id(dispute_id: UUID, number: int, plan: FollowUpPlan | None) -> FollowUpId:
    """The id of the action that is planned: by the planner's reference, else the dispute's *number*-th."""
    if plan is not None and plan.reference:
        return follow_up_id(plan.reference)
    return follow_up_of(dispute_id, number)


# --- commands --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlanFollowUp(Command):
    """Plan a follow-up action over a dispute's items, or over items without a dispute."""

    permission: ClassVar[Permission] = Permission.PLAN_FOLLOW_UP
    spans_case: ClassVar[bool] = True
    follow_up_id: FollowUpId
    title: str
    due_on: date
    dispute_id: DisputeId | None = None
    item_ids: tuple[ItemId, ...] = ()
    owner_id: PersonId | None = None
    resolver_id: PersonId | None = None
    reference: str | None = None

    def streams(self) -> frozenset[UUID]:
        """The action, its dispute and its items."""
        dispute = frozenset({self.dispute_id}) if self.dispute_id else frozenset()
        return frozenset({self.follow_up_id, *self.item_ids}) | dispute

    def objects(self) -> frozenset[UUID]:
        """The dispute, or without one the items."""
        return frozenset({self.dispute_id}) if self.dispute_id else frozenset(self.item_ids)


@dataclass(frozen=True, slots=True)
class OfFollowUpCommand(Command):
    """A command about one follow-up action."""

    permission: ClassVar[Permission] = Permission.WORK_FOLLOW_UP
    follow_up_id: FollowUpId

    def streams(self) -> frozenset[UUID]:
        """The action."""
        return frozenset({self.follow_up_id})


@dataclass(frozen=True, slots=True)
class PostponeFollowUp(OfFollowUpCommand):
    """Make the action live on another date."""

    due_on: date


@dataclass(frozen=True, slots=True)
class RecordInteraction(OfFollowUpCommand):
    """Note what was said or written about the matter."""

    with_whom: Party
    medium: Medium
    direction: Direction
    text: PersonalText


@dataclass(frozen=True, slots=True)
class ChaseResolver(OfFollowUpCommand):
    """Remind the resolver; the action takes the new date (by default the status's follow-up days ahead)."""

    medium: Medium = Medium.EMAIL
    text: PersonalText = ""
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class CommentFollowUp(OfFollowUpCommand):
    """Add a comment to the action."""

    text: PersonalText


# --- events ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfFollowUp(Event):
    """A fact of a follow-up action's stream."""

    follow_up_id: FollowUpId


@dataclass(frozen=True, slots=True)
class FollowUpPlanned(OfFollowUp):
    """The matter is to be looked at on ``due_on``; until then its items stay out of dunning."""

    reference: str | None
    customer_id: CustomerId
    dispute_id: DisputeId | None
    title: PersonalText
    due_on: date
    owner_id: PersonId | None
    resolver_id: PersonId | None
    items: tuple[ItemId, ...]
    planned_by: PersonId
    status: str | None


@dataclass(frozen=True, slots=True)
class FollowUpPostponed(OfFollowUp):
    """The action reappears in the agenda on another date."""

    due_on: date
    previous: date


@dataclass(frozen=True, slots=True)
class InteractionRecorded(OfFollowUp):
    """Something was said or written about the matter."""

    dispute_id: DisputeId | None
    with_whom: Party
    medium: Medium
    direction: Direction
    text: PersonalText


@dataclass(frozen=True, slots=True)
class ResolverChased(OfFollowUp):
    """The resolver was reminded for the ``chase``-th time, and the action takes another date."""

    dispute_id: DisputeId | None
    resolver_id: PersonId
    medium: Medium
    text: PersonalText
    due_on: date
    previous: date
    chase: int


@dataclass(frozen=True, slots=True)
class FollowUpCommented(OfFollowUp):
    """Somebody said something about the action."""

    dispute_id: DisputeId | None
    text: PersonalText


@dataclass(frozen=True, slots=True)
class FollowUpItemsChanged(OfFollowUp):
    """The action lists other items."""

    added: tuple[ItemId, ...]
    returned: tuple[ItemId, ...]


@dataclass(frozen=True, slots=True)
class FollowUpEnded(OfFollowUp):
    """The action is over, for this reason."""

    because: Ended
    comment: PersonalText | None
    dispute_id: DisputeId | None


@dataclass(frozen=True, slots=True)
class FollowUpContinued(OfFollowUp):
    """The clearing that had ended it was undone: it is open again and lists these items."""

    items: tuple[ItemId, ...]
    dispute_id: DisputeId | None


FollowUpEvent: TypeAlias = (
    FollowUpPlanned
    | FollowUpPostponed
    | InteractionRecorded
    | ResolverChased
    | FollowUpCommented
    | FollowUpItemsChanged
    | FollowUpEnded
    | FollowUpContinued
)

# --- state -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FollowUpAction:
    """A follow-up action as it stands. ``resolver_id`` is its own; a dispute's resolver shows through the
    dispute. ``owner_id`` None: a program planned it for a customer without collector."""

    id: FollowUpId
    reference: str | None
    customer_id: CustomerId
    dispute_id: DisputeId | None
    title: str
    due_on: date
    owner_id: PersonId | None
    resolver_id: PersonId | None
    items: frozenset[ItemId]
    planned_by: PersonId
    status: str | None
    chases: int = 0
    interactions: int = 0
    comments: int = 0
    ended: Ended | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still keeps its items out of dunning."""
        return self.ended is None

    def is_as_planned(self, plan: FollowUpPlan) -> bool:
        """Whether it is already as *plan* says, in all that it says."""
        said = (
            (plan.due_on, self.due_on),
            (plan.title, self.title),
            (plan.owner_id, self.owner_id),
            (plan.reference, self.reference),
        )
        return all(told is None or told == here for told, here in said)


def evolve(action: FollowUpAction | None, event: FollowUpEvent) -> FollowUpAction:  # noqa: C901 - one flat match
    """The action after *event*."""
    if isinstance(event, FollowUpPlanned):
        return FollowUpAction(
            event.follow_up_id,
            event.reference,
            event.customer_id,
            event.dispute_id,
            event.title,
            event.due_on,
            event.owner_id,
            event.resolver_id,
            frozenset(event.items),
            event.planned_by,
            event.status,
        )
    assert action is not None, "an action's stream begins with its planning"
    match event:
        case FollowUpPostponed():
            return replace(action, due_on=event.due_on)
        case InteractionRecorded():
            return replace(action, interactions=action.interactions + 1)
        case ResolverChased():
            interactions = action.interactions + 1
            return replace(action, due_on=event.due_on, chases=event.chase, interactions=interactions)
        case FollowUpCommented():
            return replace(action, comments=action.comments + 1)
        case FollowUpItemsChanged():
            return replace(action, items=(action.items | set(event.added)) - set(event.returned))
        case FollowUpEnded():
            return replace(action, ended=event.because)
        case FollowUpContinued():
            return replace(action, ended=None, items=frozenset(event.items))
        case _:
            assert_never(event)


# --- decisions about the action's stream alone -----------------------------------------------------


def require_open(action: FollowUpAction) -> None:
    """Raise FollowUpAlreadyEnded unless the action is open."""
    if not action.is_open:
        raise FollowUpAlreadyEnded(action.id)


def require_not_past(due_on: date, today: date) -> None:
    """Raise DueInThePast for a date before *today*."""
    if due_on < today:
        raise DueInThePast(due_on, today)


def postpone(action: FollowUpAction, command: PostponeFollowUp, today: date) -> list[Event]:
    """The action takes another date. Raises FollowUpAlreadyEnded, DueInThePast."""
    require_open(action)
    if command.due_on == action.due_on:
        return []
    require_not_past(command.due_on, today)
    return [FollowUpPostponed(action.id, command.due_on, action.due_on)]


def record_interaction(action: FollowUpAction, command: RecordInteraction) -> list[Event]:
    """The interaction is noted. Raises FollowUpAlreadyEnded, TextMissing."""
    require_open(action)
    if not command.text.strip():
        raise TextMissing("text")
    return [
        InteractionRecorded(
            action.id, action.dispute_id, command.with_whom, command.medium, command.direction, command.text
        )
    ]


def comment(action: FollowUpAction, command: CommentFollowUp) -> list[Event]:
    """A comment is added. Raises FollowUpAlreadyEnded, TextMissing."""
    require_open(action)
    if not command.text.strip():
        raise TextMissing("text")
    return [FollowUpCommented(action.id, action.dispute_id, command.text)]


def chase(
    action: FollowUpAction, command: ChaseResolver, resolver: PersonId, due_on: date, today: date
) -> list[Event]:
    """The *resolver* is reminded and the action takes *due_on*. Raises FollowUpAlreadyEnded, DueInThePast."""
    require_open(action)
    require_not_past(due_on, today)
    return [
        ResolverChased(
            action.id,
            action.dispute_id,
            resolver,
            command.medium,
            command.text,
            due_on,
            action.due_on,
            action.chases + 1,
        )
    ]
