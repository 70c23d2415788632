"""A company begins, with a usable catalogue (spec 27)."""

from __future__ import annotations

from domain.catalogue import (
    ActionTemplate,
    ActionTemplateDefined,
    CompanyFounded,
    Settings,
    Status,
    StatusDefined,
    StatusKind,
    check_settings,
)
from domain.events import Event
from domain.identity import COMPANY_STREAM
from domain.scenario import ScenarioStep, ScenarioStepDefined, StepKind


def found_company(settings: Settings) -> list[Event]:
    """A fresh company with a usable catalogue (spec 27). Raises as check_settings."""
    check_settings(settings)
    templates = (
        ActionTemplate("ask_resolver", {"en": "Ask the resolver", "fr": "Relancer le responsable"}),
        ActionTemplate("check_payment", {"en": "Check the promised payment", "fr": "Vérifier la promesse"}),
        ActionTemplate("follow_litigation", {"en": "Follow the litigation", "fr": "Suivre le contentieux"}),
    )
    return [
        CompanyFounded(COMPANY_STREAM, settings),
        *(ActionTemplateDefined(COMPANY_STREAM, template, None) for template in templates),
        *(StatusDefined(COMPANY_STREAM, status, None) for status in _first_statuses()),
        *(ScenarioStepDefined(COMPANY_STREAM, step, None) for step in _first_steps()),
    ]


def _first_statuses() -> list[Status]:
    def dispute(code: str, english: str, french: str, target_days: int) -> Status:
        labels = {"en": english, "fr": french}
        return Status(code, StatusKind.DISPUTE, labels, 7, target_days, "ask_resolver", automatic=True)

    return [
        Status("ongoing", StatusKind.ONGOING, {"en": "Ongoing", "fr": "En cours"}),
        dispute("price", "Price dispute", "Litige prix", 14),
        dispute("quality", "Quality dispute", "Litige qualité", 30),
        dispute("delivery", "Delivery dispute", "Litige livraison", 21),
        dispute("administrative", "Administrative dispute", "Litige administratif", 10),
        Status(
            "promise_to_pay",
            StatusKind.PROMISE_TO_PAY,
            {"en": "Promise to pay", "fr": "Promesse de paiement"},
            action_template="check_payment",
        ),
        Status(
            "litigation",
            StatusKind.LITIGATION,
            {"en": "Litigation", "fr": "Contentieux"},
            30,
            action_template="follow_litigation",
        ),
        Status(
            "dispute_resolved", StatusKind.DISPUTE_RESOLVED, {"en": "Dispute resolved", "fr": "Litige résolu"}
        ),
    ]


def _first_steps() -> list[ScenarioStep]:
    def step(code: str, days: int, kind: StepKind, english: str, french: str) -> ScenarioStep:
        return ScenarioStep(code, days, kind, {"en": english, "fr": french})

    return [
        step("before_due", -7, StepKind.EMAIL, "Reminder before the due date", "Rappel avant échéance"),
        step("first_reminder", 5, StepKind.EMAIL, "First reminder", "Première relance"),
        step("second_reminder", 15, StepKind.EMAIL, "Second reminder", "Deuxième relance"),
        step("call", 25, StepKind.CALL, "Call", "Appel"),
        step("formal_notice", 40, StepKind.LETTER, "Formal notice", "Mise en demeure"),
    ]
