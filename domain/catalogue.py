"""A company's settings and catalogue: item statuses and action templates (spec 27, 28). The steps of its
collection scenario, which belong to the catalogue too, stand in scenario.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import ClassVar, Final, TypeAlias, assert_never
from zoneinfo import available_timezones

from domain import scenario
from domain.commands import UNCHANGED, Command, Occasion, Unchanged
from domain.events import Event, OfCompany
from domain.identity import COMPANY_STREAM
from domain.money import is_currency, is_storable
from domain.refusals import (
    CurrencyInvalid,
    NoStatusOfKind,
    SettingInvalid,
    StatusInvalid,
    StatusRetired,
    UnknownActionTemplate,
    UnknownStatus,
    WrongKind,
    ZoneInvalid,
)
from domain.roles import Permission
from domain.scenario import ScenarioStep, ScenarioStepDefined, ScenarioStepTakenOutOfUse
from domain.texts import require_storable

LONGEST_DAYS: Final = 3650
"""Ten years: more days are a slip of the hand."""


class StatusKind(StrEnum):
    """The five fixed kinds of item status (spec §1)."""

    ONGOING = "ongoing"
    PROMISE_TO_PAY = "promise_to_pay"
    DISPUTE = "dispute"
    DISPUTE_RESOLVED = "dispute_resolved"
    LITIGATION = "litigation"


class AttributeOf(StrEnum):
    """Whose attribute the assignment field is."""

    ITEM = "item"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class AssignmentField:
    """The one attribute by which disputes find their resolver (spec 9)."""

    of: AttributeOf
    attribute: str


@dataclass(frozen=True, slots=True)
class Status:
    """An item status of the company: days are calendar days, labels by language code."""

    code: str
    kind: StatusKind
    labels: Mapping[str, str]
    follow_up_days: int = 7
    target_days: int | None = None
    action_template: str | None = None
    automatic: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True)
class ActionTemplate:
    """The title that a planned follow-up action gets, by language code."""

    code: str
    titles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a company sets for itself.

    ``safety_share`` is a share (0 to 1); ``ageing_buckets`` are upper ends in days past due;
    ``country`` is an ISO 3166 code, perhaps with a subdivision (``DE-BY``), for public holidays.
    """

    name: str
    zone: str = "UTC"
    currency: str = "EUR"
    language: str = "en"
    country: str | None = None
    default_entity: str = "main"
    safety_share: Decimal = Decimal("0.3")
    ageing_buckets: tuple[int, ...] = (30, 60, 90)
    assignment_field: AssignmentField | None = None


# --- commands --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChangeSettings(Command):
    """Change the given settings; what is not given stays. None takes away the country or the assignment
    field."""

    permission: ClassVar[Permission] = Permission.CATALOGUE
    name: str | None = None
    zone: str | None = None
    currency: str | None = None
    language: str | None = None
    country: str | Unchanged | None = UNCHANGED
    default_entity: str | None = None
    safety_share: Decimal | None = None
    ageing_buckets: tuple[int, ...] | None = None
    assignment_field: AssignmentField | Unchanged | None = UNCHANGED


@dataclass(frozen=True, slots=True)
class DefineStatus(Command):
    """Define an item status, or redefine the one with this code; its kind is for ever.

    Of a status that is there what is not given stays, labels in other languages too; an empty label is taken
    away, and None takes away the target days or the action template. A retired one is in use again only when
    ``back_into_use`` says so. ``automatic`` is by default what suits the kind (spec 12), ``follow_up_days``
    is 7.
    """

    permission: ClassVar[Permission] = Permission.CATALOGUE
    code: str
    kind: StatusKind
    labels: Mapping[str, str]
    follow_up_days: int | None = None
    target_days: int | Unchanged | None = UNCHANGED
    action_template: str | Unchanged | None = UNCHANGED
    automatic: bool | None = None
    back_into_use: bool = False


@dataclass(frozen=True, slots=True)
class RetireStatus(Command):
    """Take a status out of use; it stays readable on old items."""

    permission: ClassVar[Permission] = Permission.CATALOGUE
    code: str


@dataclass(frozen=True, slots=True)
class DefineActionTemplate(Command):
    """Define the title of planned actions, or redefine the template with this code."""

    permission: ClassVar[Permission] = Permission.CATALOGUE
    code: str
    titles: Mapping[str, str]


# --- events ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CompanyFounded(OfCompany):
    """The company exists, with these settings."""

    settings: Settings


@dataclass(frozen=True, slots=True)
class SettingsChanged(OfCompany):
    """Settings were changed; both are given whole."""

    settings: Settings
    previous: Settings


@dataclass(frozen=True, slots=True)
class StatusDefined(OfCompany):
    """A status of the catalogue was defined, or defined anew."""

    status: Status
    previous: Status | None


@dataclass(frozen=True, slots=True)
class StatusTakenOutOfUse(OfCompany):
    """The status is refused on new items from now on."""

    code: str


@dataclass(frozen=True, slots=True)
class ActionTemplateDefined(OfCompany):
    """A template for the titles of planned actions was defined, or defined anew."""

    template: ActionTemplate
    previous: ActionTemplate | None


CompanyEvent: TypeAlias = (
    CompanyFounded
    | SettingsChanged
    | StatusDefined
    | StatusTakenOutOfUse
    | ActionTemplateDefined
    | ScenarioStepDefined
    | ScenarioStepTakenOutOfUse
)


# --- state -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Company:
    """Settings and catalogue as they stand."""

    settings: Settings
    statuses: Mapping[str, Status] = field(default_factory=dict)
    action_templates: Mapping[str, ActionTemplate] = field(default_factory=dict)
    scenario: Mapping[str, ScenarioStep] = field(default_factory=dict)

    def status(self, code: str) -> Status:
        """The status with *code*. Raises UnknownStatus, naming the codes that there are."""
        if code not in self.statuses:
            raise UnknownStatus(code, ", ".join(sorted(self.statuses)))
        return self.statuses[code]

    def usable_status(self, code: str, kind: StatusKind | None = None) -> Status:
        """The active status with *code*. Raises UnknownStatus, StatusRetired or WrongKind."""
        status = self.status(code)
        if not status.active:
            raise StatusRetired(code)
        if kind is not None and status.kind is not kind:
            raise WrongKind(code, status.kind, kind)
        return status

    def first_status(self, kind: StatusKind) -> Status:
        """The first active status of *kind* in the order of definition. Raises NoStatusOfKind."""
        for status in self.statuses.values():
            if status.active and status.kind is kind:
                return status
        raise NoStatusOfKind(kind)

    def action_title(self, status: Status) -> str:
        """The title that the status's action template gives, in the company's language."""
        template = self.action_templates.get(status.action_template or "")
        return in_language(
            template.titles if template else status.labels, self.settings.language, status.code
        )


def in_language(texts: Mapping[str, str], language: str, otherwise: str) -> str:
    """The text in *language*, else in English, else *otherwise*."""
    return texts.get(language) or texts.get("en") or otherwise


def evolve(company: Company | None, event: CompanyEvent) -> Company:
    """The company after *event*."""
    if isinstance(event, CompanyFounded):
        return Company(event.settings)
    assert company is not None, "a company's stream begins with its founding"
    match event:
        case SettingsChanged():
            return replace(company, settings=event.settings)
        case StatusDefined():
            return replace(company, statuses={**company.statuses, event.status.code: event.status})
        case StatusTakenOutOfUse():
            retired = replace(company.statuses[event.code], active=False)
            return replace(company, statuses={**company.statuses, event.code: retired})
        case ActionTemplateDefined():
            templates = {**company.action_templates, event.template.code: event.template}
            return replace(company, action_templates=templates)
        case ScenarioStepDefined() | ScenarioStepTakenOutOfUse():
            return replace(company, scenario=scenario.evolve(company.scenario, event))
        case _:
            assert_never(event)


# --- decisions -------------------------------------------------------------------------------------


def change_settings(company: Company, command: ChangeSettings, occasion: Occasion) -> list[Event]:
    """Settings that differ are changed. Raises CurrencyInvalid, ZoneInvalid, SettingInvalid."""
    del occasion
    told = {name: getattr(command, name) for name in (*_ALWAYS_THERE, *_CAN_BE_MISSING)}
    given = {
        name: value
        for name, value in told.items()
        if value is not UNCHANGED and (value is not None or name in _CAN_BE_MISSING)
    }
    settings = replace(company.settings, **given)
    check_settings(settings)
    if settings == company.settings:
        return []
    return [SettingsChanged(COMPANY_STREAM, settings, company.settings)]


_ALWAYS_THERE: Final = (
    "name",
    "zone",
    "currency",
    "language",
    "default_entity",
    "safety_share",
    "ageing_buckets",
)
_CAN_BE_MISSING: Final = ("country", "assignment_field")

_zones: Final = cache(available_timezones)
"""Python itself looks through the folders of zones every time."""


def check_settings(settings: Settings) -> None:
    """Raise CurrencyInvalid, ZoneInvalid, SettingInvalid, TextTooLong or TextNotStorable for what no company
    can have."""
    require_storable(settings)
    if not is_currency(settings.currency):
        raise CurrencyInvalid(settings.currency)
    if settings.zone not in _zones():
        raise ZoneInvalid(settings.zone)
    if not is_storable(settings.safety_share) or not 0 <= settings.safety_share <= 1:
        raise SettingInvalid("safety_share", str(settings.safety_share), "a share from 0 to 1")
    buckets = settings.ageing_buckets
    if not buckets or list(buckets) != sorted({days for days in buckets if 0 < days <= LONGEST_DAYS}):
        known = f"rising numbers of days from 1 to {LONGEST_DAYS}"
        raise SettingInvalid("ageing_buckets", str(list(buckets)), known)
    for name, text in (("name", settings.name), ("default_entity", settings.default_entity)):
        if not text.strip():
            raise SettingInvalid(name, text, "a text that is not empty")


def define_status(company: Company, command: DefineStatus, occasion: Occasion) -> list[Event]:
    """The status is defined as given; what is left out stays. Raises StatusInvalid, UnknownActionTemplate."""
    del occasion
    previous = company.statuses.get(command.code)
    if not command.code.strip() or not any(command.labels.values()):
        raise StatusInvalid(command.code, "give a code and at least one label")
    if previous and previous.kind is not command.kind:
        raise StatusInvalid(command.code, f"its kind is {previous.kind} for ever; choose another code")
    status = _defined(command, previous)
    if not all(0 <= days <= LONGEST_DAYS for days in (status.follow_up_days, status.target_days or 0)):
        raise StatusInvalid(command.code, f"days are 0 to {LONGEST_DAYS}")
    if status.action_template and status.action_template not in company.action_templates:
        raise UnknownActionTemplate(status.action_template)
    return [] if status == previous else [StatusDefined(COMPANY_STREAM, status, previous)]


def _defined(command: DefineStatus, previous: Status | None) -> Status:
    # Spec 12: automatic is the default for disputes.
    automatic = command.kind is StatusKind.DISPUTE
    known = previous or Status(command.code, command.kind, command.labels, automatic=automatic)
    days, template = command.target_days, command.action_template
    labels = {**known.labels, **command.labels}
    return replace(
        known,
        labels={language: label for language, label in labels.items() if label},
        follow_up_days=known.follow_up_days if command.follow_up_days is None else command.follow_up_days,
        target_days=known.target_days if days is UNCHANGED else days,
        action_template=known.action_template if template is UNCHANGED else template,
        automatic=known.automatic if command.automatic is None else command.automatic,
        active=known.active or command.back_into_use,
    )


def retire_status(company: Company, command: RetireStatus, occasion: Occasion) -> list[Event]:
    """The status is taken out of use. Raises UnknownStatus."""
    del occasion
    if not company.status(command.code).active:
        return []
    return [StatusTakenOutOfUse(COMPANY_STREAM, command.code)]


def define_action_template(
    company: Company, command: DefineActionTemplate, occasion: Occasion
) -> list[Event]:
    """The template is defined as given. Raises StatusInvalid when it has no title."""
    del occasion
    if not command.code.strip() or not any(command.titles.values()):
        raise StatusInvalid(command.code, "give a code and at least one title")
    template = ActionTemplate(command.code, command.titles)
    previous = company.action_templates.get(command.code)
    return [] if template == previous else [ActionTemplateDefined(COMPANY_STREAM, template, previous)]
