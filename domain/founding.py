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
