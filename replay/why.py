"""Why an item was, or was not, collectable at any moment (spec 16), told by the events that made it so.

Read from the streams of the item, of its disputes and of its follow-up actions. Of each the moment shows a
beginning (see projections/moment.py), and of a decision all or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.case import Case
from domain.catalogue import Company
from domain.dispute import (
    DisputeContinued,
    DisputeEscalated,
    DisputeOpened,
    DisputeReopened,
    DisputeResolved,
    DisputeTypeChanged,
    ItemsAdded,
)
from domain.events import Event
from domain.follow_up import FollowUpAction, FollowUpContinued, FollowUpItemsChanged, FollowUpPlanned
from domain.identity import COMPANY_STREAM, ItemId
from domain.item import (
    Exclusion,
    Item,
    ItemCleared,
    ItemClearingUndone,
    ItemDisputed,
    ItemPlacedUnderFollowUp,
    ItemQualified,
    ItemReinstatementUndone,
    ItemStatusRestored,
    ItemWithdrawn,
    ItemWrittenOff,
    exclusions,
)
from domain.refusals import Unknown, UnknownItem
from domain.roles import Actor, Permission, reach, require
from projections.moment import Moment
from projections.parameters import Parameters
from replay.facts import Fact, fact
from replay.names import STREAMS, called, labels_of, people_names
from replay.seen import (
    around_item,
    company_of,
    concerned_by_any,
    folded,
    is_seen,
    known_position,
    moment_of,
    read_up_to,
)
from replay.sentences import Words, sentence
from replay.spells import Steps, Stretch, last_change, origins, steps_of
from store.log import Log, Recorded

CLEARED: Final = "cleared"
"""The reason of an item that is paid; the others are those of `Exclusion`."""


@dataclass
class ItemNotRegisteredYet(Unknown):
    """The item {item_id} was not registered at that moment: its first event is {position}, occurred
    {occurred_at}. Ask for a later as_at or known_at."""

    item_id: UUID
    position: int
    occurred_at: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why an item is not collectable: an Exclusion or ``cleared``, in words, and its events."""

    reason: str
    sentence: str
    events: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """The answer for one item at one moment, which *as_at* and *known_at* (a position) state as understood.

    *sentence* is the answer in words. *since*: from when on it has been collectable, or has not been.
    *reasons* are empty for a collectable item; *events* then are what made it collectable: those that ended
    its last exclusion, the promise that expired, or its registration where it never was excluded.
    """

    item_id: UUID
    customer_code: str
    entity: str
    number: str
    as_at: datetime
    known_at: int
    zone: str
    is_open: bool
    is_collectable: bool
    since: datetime
    sentence: str
    reasons: tuple[Reason, ...]
    events: tuple[Fact, ...]
    position: int


def why(log: Log, actor: Actor, item_id: ItemId, clocks: Parameters, now: datetime) -> Why:
    """Why the item was, or was not, collectable at the ``as_at`` and ``known_at`` of *clocks*.

    It reaches whoever may see the item's customer or one of the disputes and actions that it ever was in.
    *now* stands for an as-at that is not given. Raises RoleForbids, NotYours, UnknownItem,
    ItemNotRegisteredYet, ParameterInvalid.
    """
    reach(actor, Permission.READ_DISPUTES)
    clocks.check()
    newest = log.newest()
    known = known_position(log, clocks.known_at, newest)
    own = read_up_to(log, {item_id}, newest)
    if not own or not isinstance(folded(own)[item_id], Item):
        raise UnknownItem(item_id)
    around = read_up_to(log, {COMPANY_STREAM} | around_item(own), newest)
    require(actor, Permission.READ_DISPUTES, concerned_by_any(Case({**folded(own), **folded(around)})))
    company = company_of(around, known)
    moment = moment_of(clocks, company, known, newest, now)
    steps = steps_of(each for each in own if is_seen(each, moment))
    if not steps:
        raise ItemNotRegisteredYet(item_id, own[0].position, own[0].occurred_at.isoformat())
    seen = [each for each in (*own, *around) if is_seen(each, moment)]
    return _Account(log, seen, steps, moment, company).answer()


# --- the answer ------------------------------------------------------------------------------------

_MATTERS: Final[Mapping[str, tuple[type[Event], ...]]] = {
    Exclusion.DISPUTE: (
        *(DisputeOpened, ItemsAdded, DisputeReopened, DisputeTypeChanged),
        *(DisputeContinued, ItemDisputed, ItemQualified, ItemClearingUndone),
    ),
    Exclusion.LITIGATION: (DisputeEscalated, ItemQualified, ItemStatusRestored, ItemClearingUndone),
    Exclusion.FOLLOW_UP: (
        *(FollowUpPlanned, FollowUpItemsChanged, FollowUpContinued),
        *(ItemPlacedUnderFollowUp, ItemClearingUndone),
    ),
    Exclusion.PROMISE: (ItemQualified, ItemStatusRestored, ItemClearingUndone),
    Exclusion.WRITTEN_OFF: (DisputeResolved, ItemWrittenOff, ItemClearingUndone),
    CLEARED: (ItemCleared, ItemWithdrawn, ItemReinstatementUndone),
}
"""Which events of a decision are about a reason."""


class _Account:
    """One answer being put together from the events *seen*: those of the item, its disputes and actions."""

    def __init__(
        self, log: Log, seen: Sequence[Recorded], steps: Steps, moment: Moment, company: Company | None
    ) -> None:
        self._codec: Final = log.codec
        self._seen: Final = seen
        self._steps: Final = steps
        self._item: Final = steps[-1].item
        self._moment: Final = moment
        self._states: Final = folded(seen)
        self._people: Final = people_names(log)
        self._words: Final = Words(called(self._states), labels_of(company))

    def answer(self) -> Why:
        """The whole of it."""
        item, moment = self._item, self._moment
        change = last_change(self._steps, moment.at, moment.zone)
        reasons = self._reasons()
        facts = () if reasons else self._what_made_it_collectable(change)
        said = " ".join(each.sentence for each in reasons) or self._collectable(change, facts)
        return Why(
            item.id,
            item.customer_code,
            item.entity,
            item.number,
            moment.at,
            moment.known,
            moment.zone,
            item.is_open,
            not reasons,
            change.begins if change else self._steps[0].moment,
            said,
            reasons,
            facts,
            moment.position,
        )

    def _reasons(self) -> tuple[Reason, ...]:
        item, at, zone = self._item, self._moment.at, self._moment.zone
        if item.cleared:
            step = next(step for step in reversed(self._steps) if step.before and not step.before.cleared)
            facts = self._of(CLEARED, [step])
            return (Reason(CLEARED, f"There is nothing to collect. {facts[0].sentence}", facts),)
        return tuple(
            Reason(reason, self._said(reason), self._of(reason, origins(self._steps, reason, zone)))
            for reason in exclusions(item, at, zone)
        )

    def _of(self, reason: str, steps: Steps) -> tuple[Fact, ...]:
        """The events of *steps* that are about *reason*, in whichever of the streams."""
        decisions = {step.decision for step in steps}
        matters = _MATTERS[reason]
        found = [each for each in self._seen if each.decision_end in decisions]
        return self._facts(each for each in found if isinstance(each.event, matters))

    def _said(self, reason: Exclusion) -> str:
        item, words, status = self._item, self._words, self._item.qualification
        match reason:
            case Exclusion.DISPUTE:
                named = f"the dispute {words.name(item.dispute_id)}" if item.dispute_id else "a dispute"
                return f"It is in {named}; it has {words.said(status)}."
            case Exclusion.LITIGATION:
                return f"It is in litigation; it has {words.said(status)}."
            case Exclusion.FOLLOW_UP:
                return " ".join(self._listed(each) for each in sorted(item.follow_ups))
            case Exclusion.PROMISE:
                promised_on = status.promised_on if status else None
                return f"Its payment is promised for {promised_on}, and that day has not ended {self._there}."
            case Exclusion.WRITTEN_OFF:
                return "It was written off: nothing is asked for it until it is cleared."

    def _listed(self, follow_up_id: UUID) -> str:
        action = self._states.get(follow_up_id)
        due = f", due on {action.due_on}," if isinstance(action, FollowUpAction) else ""
        return f"The open follow-up action “{self._words.name(follow_up_id)}”{due} lists it."

    @property
    def _there(self) -> str:
        return f"in the company's zone ({self._moment.zone})"

    def _collectable(self, change: Stretch | None, facts: tuple[Fact, ...]) -> str:
        if change is None:
            return "It is collectable: it never was excluded."
        if change.expired is not None:
            return (
                f"It is collectable again: the promise of {change.expired} expired at the end of that day"
                f" {self._there}; no event marks it."
            )
        return f"It is collectable again. {facts[0].sentence}"

    def _what_made_it_collectable(self, change: Stretch | None) -> tuple[Fact, ...]:
        if change is None:
            return self._facts(self._steps[0].events)
        if change.expired is not None:
            until = self._steps[: self._steps.index(change.step) + 1]
            return self._of(Exclusion.PROMISE, origins(until, Exclusion.PROMISE, self._moment.zone))
        return self._facts(each for each in self._seen if each.decision_end == change.step.decision)

    def _facts(self, recorded: Iterable[Recorded]) -> tuple[Fact, ...]:
        told = ((each, sentence(each.event, self._words)) for each in recorded)
        found = [self._fact(each, said) for each, said in told if said is not None]
        return tuple(sorted(found, key=lambda one: one.position))

    def _fact(self, recorded: Recorded, said: str) -> Fact:
        stream = STREAMS[type(self._states[recorded.stream_id])]
        return fact(recorded, stream, said, self._people, self._codec)
