"""The company's catalogue and settings: item statuses, action templates, what the company sets for itself."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict

from api.answers import (
    JSON,
    Asking,
    as_json,
    described,
    past_thing_answer,
    thing_answer,
    thing_model,
    versioned,
    wait,
)
from api.authentication import Door, Visit
from api.bodies import InPath
from api.queries import KnownClock
from api.routes.asking import LIST_ERRORS, THING_ERRORS, Listed, Single, add_list, add_single
from api.routes.orders import add_commands
from domain.catalogue import ActionTemplate
from domain.identity import COMPANY_STREAM
from domain.refusals import UnknownActionTemplate
from projections.directory import DIRECTORY, SettingsRow, StatusRow, settings, status, statuses
from projections.parameters import Parameters
from store import parts

router: Final = APIRouter(tags=["catalogue"])

add_commands(
    router,
    {
        "define_status": {
            "code": "price",
            "kind": "dispute",
            "labels": {"en": "Price dispute", "fr": "Litige prix"},
            "follow_up_days": 7,
            "target_days": 14,
            "action_template": "ask_resolver",
        },
        "retire_status": {},
        "define_action_template": {
            "code": "ask_resolver",
            "titles": {"en": "Ask the resolver", "fr": "Relancer le responsable"},
        },
        "change_settings": {
            "zone": "Europe/Paris",
            "currency": "EUR",
            "country": "FR",
            "safety_share": "0.30",
            "ageing_buckets": [30, 60, 90],
            "assignment_field": {"of": "customer", "attribute": "sector"},
        },
    },
)
add_list(
    router,
    Listed("/v1/statuses", "list_statuses", "List item statuses", statuses, Parameters, StatusRow, DIRECTORY),
)
add_single(
    router, Single("/v1/statuses/{key}", "get_status", "One item status", status, StatusRow, DIRECTORY)
)


@router.get(
    "/v1/settings",
    operation_id="get_settings",
    summary="The company's settings",
    response_class=Response,
    response_model=None,
    responses=described(thing_model(SettingsRow), "ETag", "X-Position") | THING_ERRORS,
    openapi_extra=Door(*DIRECTORY).said,
)
def get_settings(
    visit: Annotated[Visit, Depends(Door(*DIRECTORY))],
    query: Annotated[KnownClock, Query()],
    headers: Asking,
) -> Response:
    """What the company sets for itself, with its version as ETag; or what it had set, as known at a time."""
    reading, past = visit.reading(), query.told
    wait(visit, headers)
    found = settings(reading, past)
    return thing_answer(found) if past is None else past_thing_answer(found, type(query).model_fields)


# --- action templates: few, and read from the log itself ---------------------------------------------


class TemplateBody(BaseModel):
    """An action template: the titles of planned follow-up actions by language code."""

    model_config = ConfigDict(extra="forbid")

    code: str
    version: int
    titles: dict[str, str]


class TemplatePage(BaseModel):
    """All action templates by code."""

    position: int
    rows: list[TemplateBody]


class TemplateThing(TemplateBody):
    """One action template."""

    position: int


@router.get(
    "/v1/action-templates",
    operation_id="list_action_templates",
    summary="List action templates",
    response_class=Response,
    response_model=None,
    responses=described(TemplatePage, "X-Position") | LIST_ERRORS,
    openapi_extra=Door(*DIRECTORY).said,
)
def list_action_templates(visit: Annotated[Visit, Depends(Door(*DIRECTORY))], headers: Asking) -> Response:
    """The titles that planned follow-up actions get."""
    templates = visit.case.company.action_templates
    wait(visit, headers)
    position, versions = visit.company.log.newest(), visit.company.executor.parts(COMPANY_STREAM)
    rows = [_template(templates[code], versions) for code in sorted(templates)]
    body = {"position": position, "rows": rows}
    return Response(as_json(body), 200, {"X-Position": str(position)}, JSON)


@router.get(
    "/v1/action-templates/{code}",
    operation_id="get_action_template",
    summary="One action template",
    response_class=Response,
    response_model=None,
    responses=described(TemplateThing, "ETag", "X-Position") | THING_ERRORS,
    openapi_extra=Door(*DIRECTORY).said,
)
def get_action_template(
    visit: Annotated[Visit, Depends(Door(*DIRECTORY))], headers: Asking, code: InPath
) -> Response:
    """The titles that actions planned with one template get."""
    found = visit.case.company.action_templates.get(code)
    wait(visit, headers)
    if found is None:
        raise UnknownActionTemplate(code)
    position, versions = visit.company.log.newest(), visit.company.executor.parts(COMPANY_STREAM)
    body = _template(found, versions)
    return versioned({"position": position, **body}, position, versions[parts.action_template(code)])


def _template(template: ActionTemplate, versions: dict[str, int]) -> dict[str, object]:
    version = versions[parts.action_template(template.code)]
    return {"code": template.code, "version": version, "titles": template.titles}
