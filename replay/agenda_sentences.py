"""What events did to the agenda, in words: to the day of an action, to what is planned for a dispute, to the
steps of the scenario."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from domain.dispute import DisputeFollowedUp
from domain.events import Event
from domain.follow_up import FollowUpItemsChanged, FollowUpPostponed, ResolverChased
from domain.reminder import OfReminders, ReminderStepDone, ReminderStepPostponed, ReminderStepSkipped
from replay.change_sentences import change_sentence
from replay.sentences import Words, money, ordinal


def agenda_sentence(event: Event, words: Words, people: Mapping[UUID, str]) -> str | None:
    """What *event* says, as a sentence; None for what changes no line. *people* are names by id."""
    match event:
        case FollowUpItemsChanged():
            return None
        case FollowUpPostponed() | ResolverChased():
            return _moved(event, words)
        case DisputeFollowedUp():
            action = words.name(event.follow_up_id)
            return f"The dispute {words.name(event.dispute_id)} got the follow-up action “{action}”."
        case OfReminders():
            return _of_reminders(event)
        case _:
            return change_sentence(event, words, people)


def _moved(event: FollowUpPostponed | ResolverChased, words: Words) -> str:
    chased = (
        f"was chased for the {ordinal(event.chase)} time and " if isinstance(event, ResolverChased) else ""
    )
    title = words.name(event.follow_up_id)
    return f"The follow-up action “{title}” {chased}was moved from {event.previous} to {event.due_on}."


def _of_reminders(event: OfReminders) -> str | None:
    match event:
        case ReminderStepDone():
            became = "was done"
        case ReminderStepSkipped():
            became = "was skipped"
        case ReminderStepPostponed():
            became = f"was postponed to {event.to}"
        case _:
            return None
    over = event.reminder
    return f"The step {over.step} over {money(over.amount, over.currency)} {became}."
