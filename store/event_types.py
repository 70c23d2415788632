"""Stored names of events, and the way from older ones to the current.

A stored name is for ever: ``dispute-opened.v1``. It stands in the log beside the data and never tells where
the class lives, so classes can move. When an event gets a new shape, its class is stored under ``.v2`` and
the entry of ``.v1`` becomes a function that turns the data of version 1 into the data of version 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from domain import (
    catalogue,
    customer,
    dispute,
    follow_up,
    imports,
    item,
    people,
    reminder,
    sales,
    scenario,
)
from domain.events import Event

Data: TypeAlias = dict[str, Any]
"""An event's fields as they stand in JSON: strings, numbers, booleans, lists, objects, null."""

Upcaster: TypeAlias = Callable[[Data], Data]
"""Turns the data of one version of an event into the data of the next."""

_NAME: Final = re.compile(r"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)\.v([1-9][0-9]*)")


class UnknownEventType(LookupError):
    """An event's stored name, or its class, is not in the table of event types."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no event type {name!r} is known to this version of the service")
        self.name = name


class BadEventTable(ValueError):
    """The table of event types contradicts itself."""


class EventTypes:
    """The table of event types, checked.

    *table* maps each stored name to a class (the current version) or to an upcaster (an older version).
    Versions of one name are numbered from 1 without a gap and only the last one is a class. Raises
    BadEventTable if not so, or if a class has two names.
    """

    def __init__(self, table: Mapping[str, type[Event] | Upcaster]) -> None:
        self._classes: dict[str, type[Event]] = {}
        self._names: dict[type[Event], str] = {}
        self._upcasters: dict[str, tuple[str, Upcaster]] = {}
        for name, entry in table.items():
            self._take(name, entry)
        for older, (newer, _) in self._upcasters.items():
            if newer not in table:
                raise BadEventTable(f"{older!r} is an older version, but there is no {newer!r}")
        for name in table:
            self._check_versions_below(name, table)

    def _take(self, name: str, entry: type[Event] | Upcaster) -> None:
        matched = _NAME.fullmatch(name)
        if matched is None:
            raise BadEventTable(f"{name!r} is not a stored name like 'dispute-opened.v1'")
        if not isinstance(entry, type):
            self._upcasters[name] = (f"{matched[1]}.v{int(matched[2]) + 1}", entry)
        elif entry in self._names:
            raise BadEventTable(f"{entry.__qualname__} has two names: {self._names[entry]!r} and {name!r}")
        else:
            self._classes[name] = entry
            self._names[entry] = name

    def _check_versions_below(self, name: str, table: Mapping[str, object]) -> None:
        base, version = name.rsplit(".v", 1)
        for lower in range(1, int(version)):
            if f"{base}.v{lower}" not in self._upcasters:
                said = "is a class too" if f"{base}.v{lower}" in table else "is missing"
                raise BadEventTable(f"{name!r} needs an upcaster from '{base}.v{lower}', which {said}")

    @property
    def classes(self) -> Mapping[str, type[Event]]:
        """Current stored name → event class."""
        return self._classes

    @property
    def stored_names(self) -> frozenset[str]:
        """Every stored name, older versions included."""
        return frozenset(self._classes) | frozenset(self._upcasters)

    def name_of(self, event_class: type[Event]) -> str:
        """The name under which events of *event_class* are stored. Raises UnknownEventType."""
        try:
            return self._names[event_class]
        except KeyError:
            raise UnknownEventType(event_class.__qualname__) from None

    def way(self, name: str) -> tuple[type[Event], tuple[Upcaster, ...]]:
        """The class of a stored name, and the upcasters to apply in order. Raises UnknownEventType."""
        steps: list[Upcaster] = []
        current = name
        while current in self._upcasters:
            current, step = self._upcasters[current]
            steps.append(step)
        try:
            return self._classes[current], tuple(steps)
        except KeyError:
            raise UnknownEventType(name) from None


TABLE: Final[Mapping[str, type[Event] | Upcaster]] = {
    "company-founded.v1": catalogue.CompanyFounded,
    "settings-changed.v1": catalogue.SettingsChanged,
    "status-defined.v1": catalogue.StatusDefined,
    "status-taken-out-of-use.v1": catalogue.StatusTakenOutOfUse,
    "action-template-defined.v1": catalogue.ActionTemplateDefined,
    "scenario-step-defined.v1": scenario.ScenarioStepDefined,
    "scenario-step-taken-out-of-use.v1": scenario.ScenarioStepTakenOutOfUse,
    "person-registered.v1": people.PersonRegistered,
    "person-renamed.v1": people.PersonRenamed,
    "login-given.v1": people.LoginGiven,
    "login-withdrawn.v1": people.LoginWithdrawn,
    "role-given.v1": people.RoleGiven,
    "role-withdrawn.v1": people.RoleWithdrawn,
    "assignment-values-given.v1": people.AssignmentValuesGiven,
    "person-deactivated.v1": people.PersonDeactivated,
    "person-reactivated.v1": people.PersonReactivated,
    "key-issued.v1": people.KeyIssued,
    "key-revoked.v1": people.KeyRevoked,
    "customer-registered.v1": customer.CustomerRegistered,
    "customer-renamed.v1": customer.CustomerRenamed,
    "customer-attributes-given.v1": customer.CustomerAttributesGiven,
    "collector-assigned.v1": customer.CollectorAssigned,
    "collector-withdrawn.v1": customer.CollectorWithdrawn,
    "sales-manager-assigned.v1": customer.SalesManagerAssigned,
    "sales-manager-withdrawn.v1": customer.SalesManagerWithdrawn,
    "item-registered.v1": item.ItemRegistered,
    "item-corrected.v1": item.ItemCorrected,
    "item-cleared.v1": item.ItemCleared,
    "item-reinstated.v1": item.ItemReinstated,
    "item-qualified.v1": item.ItemQualified,
    "item-status-restored.v1": item.ItemStatusRestored,
    "item-disputed.v1": item.ItemDisputed,
    "item-released.v1": item.ItemReleased,
    "item-placed-under-follow-up.v1": item.ItemPlacedUnderFollowUp,
    "item-returned.v1": item.ItemReturned,
    "item-written-off.v1": item.ItemWrittenOff,
    "item-withdrawn.v1": item.ItemWithdrawn,
    "item-correction-undone.v1": item.ItemCorrectionUndone,
    "item-clearing-undone.v1": item.ItemClearingUndone,
    "item-reinstatement-undone.v1": item.ItemReinstatementUndone,
    "item-write-off-undone.v1": item.ItemWriteOffUndone,
    "item-dispute-voided.v1": item.ItemDisputeVoided,
    "dispute-opened.v1": dispute.DisputeOpened,
    "dispute-type-changed.v1": dispute.DisputeTypeChanged,
    "resolver-assigned.v1": dispute.ResolverAssigned,
    "resolver-not-found.v1": dispute.ResolverNotFound,
    "dispute-comment-replaced.v1": dispute.DisputeCommentReplaced,
    "dispute-commented.v1": dispute.DisputeCommented,
    "document-attached.v1": dispute.DocumentAttached,
    "items-added.v1": dispute.ItemsAdded,
    "items-taken-out.v1": dispute.ItemsTakenOut,
    "dispute-followed-up.v1": dispute.DisputeFollowedUp,
    "dispute-follow-up-ended.v1": dispute.DisputeFollowUpEnded,
    "dispute-resolved.v1": dispute.DisputeResolved,
    "dispute-cancelled.v1": dispute.DisputeCancelled,
    "dispute-escalated.v1": dispute.DisputeEscalated,
    "dispute-reopened.v1": dispute.DisputeReopened,
    "dispute-continued.v1": dispute.DisputeContinued,
    "dispute-follow-up-continued.v1": dispute.DisputeFollowUpContinued,
    "follow-up-planned.v1": follow_up.FollowUpPlanned,
    "follow-up-postponed.v1": follow_up.FollowUpPostponed,
    "interaction-recorded.v1": follow_up.InteractionRecorded,
    "resolver-chased.v1": follow_up.ResolverChased,
    "follow-up-commented.v1": follow_up.FollowUpCommented,
    "follow-up-items-changed.v1": follow_up.FollowUpItemsChanged,
    "follow-up-ended.v1": follow_up.FollowUpEnded,
    "follow-up-continued.v1": follow_up.FollowUpContinued,
    "reminder-step-done.v1": reminder.ReminderStepDone,
    "reminder-step-skipped.v1": reminder.ReminderStepSkipped,
    "reminder-step-postponed.v1": reminder.ReminderStepPostponed,
    "import-started.v1": imports.ImportStarted,
    "import-finished.v1": imports.ImportFinished,
    "import-undone.v1": imports.ImportUndone,
    "monthly-sales-stated.v1": sales.MonthlySalesStated,
}
"""Every event of the service. Entries are never removed nor renamed."""
