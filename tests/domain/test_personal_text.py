"""Spec 45: what may hold a person's name or words is marked, in the event's class."""

from __future__ import annotations

import dataclasses
from typing import get_type_hints

from domain.events import personal_fields
from tests.domain.samples import SAMPLES

PERSONAL = {
    "CustomerAttributesGiven": {"attributes", "previous"},
    "CustomerRegistered": {"attributes", "name"},
    "CustomerRenamed": {"name", "previous"},
    "DisputeCancelled": {"comment"},
    "DisputeCommentReplaced": {"comment", "previous"},
    "DisputeCommented": {"text"},
    "DisputeEscalated": {"comment"},
    "DisputeOpened": {"comment", "reason"},
    "DisputeReopened": {"comment"},
    "DisputeResolved": {"comment"},
    "DisputeTypeChanged": {"previous_reason", "reason"},
    "DocumentAttached": {"name"},
    "FollowUpCommented": {"text"},
    "FollowUpEnded": {"comment"},
    "FollowUpPlanned": {"title"},
    "ImportStarted": {"file_name"},
    "InteractionRecorded": {"text"},
    "ItemCorrected": {"details.attributes", "previous.attributes"},
    "ItemQualified": {"previous.comment", "qualification.comment"},
    "ItemRegistered": {"details.attributes"},
    "ItemReinstated": {"details.attributes", "qualification.comment"},
    "ItemWithdrawn": {"previous.attributes"},
    "ItemCorrectionUndone": {"details.attributes", "previous.attributes"},
    "ItemClearingUndone": {"details.attributes", "qualification.comment"},
    "ItemReinstatementUndone": {"details.attributes", "previous.attributes"},
    "ItemStatusRestored": {"previous.comment", "qualification.comment"},
    "KeyIssued": {"name"},
    "LoginGiven": {"login", "previous"},
    "LoginWithdrawn": {"previous"},
    "PersonRegistered": {"login", "name"},
    "PersonRenamed": {"name", "previous"},
    "ReminderStepDone": {"comment"},
    "ReminderStepPostponed": {"comment"},
    "ReminderStepSkipped": {"comment"},
    "ResolverChased": {"text"},
}

CODES = {
    "code",
    "currency",
    "customer_code",
    "digest",
    "entity",
    "number",
    "previous_type",
    "reference",
    "status",
    "type",
}
"""Fields that name something by its code and never hold free words."""


def test_45_names_and_free_words_are_marked() -> None:
    marked = {event_class.__name__: personal_fields(event_class) for event_class in SAMPLES}
    assert {name: fields for name, fields in marked.items() if fields} == PERSONAL


def test_45_a_text_is_marked_or_a_code() -> None:
    for event_class in SAMPLES:
        hints = get_type_hints(event_class)
        names = [field.name for field in dataclasses.fields(event_class)]
        texts = {name for name in names if hints[name] in {str, str | None}}
        assert texts - personal_fields(event_class) <= CODES, event_class


def test_45_people_are_named_by_id() -> None:
    people = {
        "collector_id",
        "opened_by",
        "owner_id",
        "person_id",
        "planned_by",
        "resolver_id",
        "sales_manager_id",
    }
    for event_class in SAMPLES:
        for name, hint in get_type_hints(event_class).items():
            if name in people:
                assert "UUID" in str(hint) or "PersonId" in str(hint), (event_class, name)
