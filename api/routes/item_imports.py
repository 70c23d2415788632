"""Importing items from a file that is sent: a job in the background, which tells how far it is."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Any, Final, Literal
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile

from api.answers import JSON, as_json
from api.authentication import Door, House, Visit
from api.csv_text import CSV, csv_text
from api.import_jobs import ImportJob, UndoJob, Upload
from api.import_undo import UndoOptions
from api.item_file import ItemMapping, MappingRefused, read_mapping, shipped_mappings
from api.item_import import ImportOptions
from api.jobs import Job, JobState
from api.problems import ProblemBody
from api.routes.asking import THING_ERRORS
from api.routes.orders import ERRORS, Conditions, conditions_of
from domain.identity import ImportId
from domain.imports import ImportMode
from domain.roles import Permission
from replay.import_changes import span_of
from store.order import scoped

router: Final = APIRouter(tags=["imports"])

PATH: Final = "/v1/item-imports"
LARGEST_FILE: Final = 2 * 1024**3
"""Bytes of an upload; 413 for more."""

_LONGEST_FIELD: Final = 1024**2
_FIELDS: Final = 10
_LONGEST_NAME: Final = 60
"""Characters of a file name, of which each may be four bytes long."""
_READ: Final = (Permission.IMPORT,)


class ImportForm(BaseModel):
    """How the file is to be imported: as `redress import-items` has it."""

    model_config = ConfigDict(extra="forbid")

    mapping: Annotated[str | None, Field(description="name of a mapping that comes with redress")] = None
    mapping_toml: Annotated[str | None, Field(description="or a mapping, as TOML")] = None
    mode: Annotated[ImportMode, Field(description="delta: changes; full: what is missing is paid")] = (
        ImportMode.DELTA
    )
    force: Annotated[bool, Field(description="full: clear what is missing, however much")] = False
    accept_as_new: Annotated[
        bool, Field(description="numbers that equal others but for leading zeros are new items")
    ] = False
    dry_run: Annotated[bool, Field(description="say what would happen; write nothing")] = False

    @property
    def options(self) -> ImportOptions:
        """The same for the importer."""
        return ImportOptions(self.mode, self.dry_run, self.force, self.accept_as_new)


class ImportCountsBody(BaseModel):
    """Numbers of items, and of rows that were rejected."""

    registered: int
    corrected: int
    cleared: int
    reinstated: int
    unchanged: int
    rejected: int


class ImportJobBody(BaseModel):
    """An import of a file and how far it is. A restart of the service forgets jobs, but no import."""

    kind: Literal["import"]
    id: UUID
    state: JobState
    file_name: str
    mode: ImportMode
    dry_run: bool
    rows_read: int
    rows_done: int
    import_id: Annotated[UUID | None, Field(description="when finished, if anything changed")]
    counts: Annotated[ImportCountsBody | None, Field(description="when finished")]
    missing: Annotated[int | None, Field(description="of those cleared: not in the file")]
    kept: Annotated[
        int | None, Field(description="not in the file, left open as rejected rows may be theirs")
    ]
    problem: Annotated[ProblemBody | None, Field(description="if it failed")]


class UndoBody(BaseModel):
    """How the import is to be undone: as `redress undo-import` has it."""

    model_config = ConfigDict(extra="forbid")

    force: Annotated[bool, Field(description="also what something newer depends on")] = False


class UndoJobBody(BaseModel):
    """An undoing and how far it is. A restart of the service forgets jobs, but nothing that was undone."""

    kind: Literal["undo"]
    id: UUID
    state: JobState
    import_id: UUID
    dry_run: bool
    events_done: Annotated[int, Field(description="of the import's part of the log")]
    events: Annotated[int | None, Field(description="how many there are; null before it has begun")]
    undone: Annotated[int | None, Field(description="items that went back, when finished")]
    unchanged: Annotated[int | None, Field(description="items that were back already")]
    left: Annotated[int | None, Field(description="items left as they are: see the job's rejections")]
    problem: Annotated[ProblemBody | None, Field(description="if it failed")]


_BODY: Final = {"model": ImportJobBody | UndoJobBody}
_LOCATION: Final = {"schema": {"type": "string"}, "description": "where the job is"}


def _request_body() -> dict[str, Any]:
    shape = ImportForm.model_json_schema()
    fields = {name: {**each} for name, each in shape["properties"].items()}
    fields["mode"] = {"type": "string", "enum": list(ImportMode), "default": ImportMode.DELTA}
    fields["file"] = {"type": "string", "contentMediaType": "application/octet-stream"}
    return {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "properties": fields, "required": ["file"]}}
        },
    }


_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same file is the same job, as long as the service remembers it.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[\x21-\x7e]+$"},
}


@router.post(
    PATH,
    operation_id="import_items",
    summary="Import items from a file",
    status_code=202,
    response_class=Response,
    response_model=None,
    responses={
        202: {"model": ImportJobBody, "description": "It will be done.", "headers": {"Location": _LOCATION}},
        **ERRORS,
    },
    openapi_extra={**Door(*_READ).said, "requestBody": _request_body(), "parameters": [_KEY]},
)
async def import_items(request: Request, visit: Annotated[Visit, Depends(Door(*_READ))]) -> Response:
    """A file of items, as multipart/form-data. The answer is a job: ask its Location how far it is.

    A file imported twice changes nothing the second time. What could not be read is in the job's rejections.
    """
    # Who it is, before anything of a large body is taken.
    await anyio.to_thread.run_sync(lambda: visit.actor)
    conditions = conditions_of(request)
    async with request.form(max_files=1, max_fields=_FIELDS, max_part_size=_LONGEST_FIELD) as sent:
        file = sent.get("file")
        if not isinstance(file, UploadFile):
            raise _malformed("file", "a file is required, as multipart/form-data")
        form = _form({name: value for name, value in sent.multi_items() if name != "file"})
        house: House = request.app.state.house
        return await anyio.to_thread.run_sync(
            partial(_begin, house, visit, form, file.filename or "", file.file, conditions)
        )


def _form(told: dict[str, Any]) -> ImportForm:
    try:
        form = ImportForm.model_validate(told)
    except ValidationError as invalid:
        found = invalid.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found]) from None
    if (form.mapping is None) is (form.mapping_toml is None):
        raise _malformed("mapping", "one of mapping and mapping_toml is required")
    return form


def _malformed(field: str, why: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", field), "type": "missing", "msg": why}])


def _begin(
    house: House, visit: Visit, form: ImportForm, name: str, file: IO[bytes], conditions: Conditions
) -> Response:
    directory = Path(tempfile.mkdtemp(prefix="redress-import-"))
    kept = False
    try:
        mapping = _mapping(form, directory)
        path = directory / _file_name(name)
        with path.open("wb") as copy:
            shutil.copyfileobj(file, copy, 1024**2)
        upload = Upload(path, mapping, form.options)
        job, kept = house.jobs.start(
            scoped(conditions.idempotency_key, visit.actor),
            _digest(path, form),
            lambda: ImportJob(visit.company, visit.actor, upload),
        )
    finally:
        if not kept:
            shutil.rmtree(directory, ignore_errors=True)
    headers = {"Location": f"{PATH}/jobs/{job.id}"} | ({} if kept else {"Idempotency-Replayed": "true"})
    return Response(as_json(_body(job)), 202, headers, JSON)


@router.post(
    f"{PATH}/{{import_id}}/undo",
    operation_id="undo_item_import",
    summary="Take back what an import did",
    status_code=202,
    response_class=Response,
    response_model=None,
    responses={
        202: {"model": UndoJobBody, "description": "It will be done.", "headers": {"Location": _LOCATION}},
        **ERRORS,
    },
    openapi_extra={**Door(*_READ).said, "parameters": [_KEY]},
)
def undo_import(
    request: Request,
    visit: Annotated[Visit, Depends(Door(*_READ))],
    import_id: UUID,
    told: UndoBody | None = None,
    dry_run: Annotated[bool, Query(description="say what would happen; write nothing")] = False,  # noqa: FBT002
) -> Response:
    """Registered items go, corrected and cleared ones are as before, and disputes and follow-up actions that
    the import ended continue. What something newer depends on is left; the job's rejections list it.

    The answer is a job: ask its Location how far it is."""
    body, conditions = told or UndoBody(), conditions_of(request)
    span_of(visit.company.log, ImportId(import_id))  # or else there is no such import
    house: House = request.app.state.house
    job, is_new = house.jobs.start(
        scoped(conditions.idempotency_key, visit.actor),
        hashlib.sha256(f"{import_id} {dry_run} {body.force}".encode()).digest(),
        lambda: UndoJob(visit.company, visit.actor, ImportId(import_id), UndoOptions(dry_run, body.force)),
    )
    headers = {"Location": f"{PATH}/jobs/{job.id}"} | ({} if is_new else {"Idempotency-Replayed": "true"})
    return Response(as_json(_body(job)), 202, headers, JSON)


def _file_name(told: str) -> str:
    """The last part of a name that a client gave, fit to be one."""
    name = "".join(sign for sign in told.replace("\\", "/").rsplit("/", 1)[-1] if sign.isprintable())
    return name[-_LONGEST_NAME:].strip(". ") or "upload"


def _mapping(form: ImportForm, directory: Path) -> ItemMapping:
    if form.mapping_toml is not None:
        path = directory / "mapping.toml"
        path.write_text(form.mapping_toml, encoding="utf-8")
        return read_mapping(path)
    shipped = shipped_mappings()
    if form.mapping is None or form.mapping not in shipped:
        raise MappingRefused(
            f"mapping: there is none of this name; send mapping_toml, or {', '.join(shipped)}"
        )
    return read_mapping(shipped[form.mapping])


def _digest(path: Path, form: ImportForm) -> bytes:
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").digest()
    return hashlib.sha256(content + form.model_dump_json().encode()).digest()


def _body(job: Job) -> dict[str, object]:
    return _import_body(job) if isinstance(job, ImportJob) else _undo_body(job)


def _undo_body(job: Job) -> dict[str, object]:
    assert isinstance(job, UndoJob), "there are no other jobs"
    result = job.result
    return {
        "kind": "undo",
        "id": job.id,
        "state": job.state,
        "import_id": job.import_id,
        "dry_run": job.options.dry_run,
        "events_done": job.done,
        "events": job.events,
        "undone": result.undone if result else None,
        "unchanged": result.unchanged if result else None,
        "left": len(result.left) if result else None,
        "problem": job.problem.body() if job.problem else None,
    }


def _import_body(job: ImportJob) -> dict[str, object]:
    result, options = job.result, job.upload.options
    return {
        "kind": "import",
        "id": job.id,
        "state": job.state,
        "file_name": job.upload.path.name,
        "mode": options.mode,
        "dry_run": options.dry_run,
        "rows_read": job.read,
        "rows_done": job.done,
        "import_id": result.import_id if result and not options.dry_run else None,
        "counts": asdict(result.counts) if result else None,
        "missing": result.missing if result else None,
        "kept": result.kept if result else None,
        "problem": job.problem.body() if job.problem else None,
    }


_ROW: Final = {"row": "row", "column": "column", "reason": "reason"}
_LEFT: Final = {"customer": "customer_code", "entity": "entity", "number": "number", "reason": "reason"}

_JOB: Final = f"{PATH}/jobs/{{job_id}}"


def _job(request: Request, visit: Visit, job_id: UUID) -> Job:
    house: House = request.app.state.house
    return house.jobs.job(job_id, visit.company.id)


@router.get(
    _JOB,
    operation_id="get_item_import_job",
    summary="How far an import is",
    response_class=Response,
    response_model=None,
    responses={200: {**_BODY, "description": "Found."}, **THING_ERRORS},
    openapi_extra=Door(*_READ).said,
)
def get_job(request: Request, visit: Annotated[Visit, Depends(Door(*_READ))], job_id: UUID) -> Response:
    """One import that this service was asked for, and what became of it."""
    return Response(as_json(_body(_job(request, visit, job_id))), 200, {"Cache-Control": "no-store"}, JSON)


@router.get(
    f"{_JOB}/rejections",
    operation_id="get_item_import_rejections",
    summary="The rows that were rejected",
    response_class=Response,
    response_model=None,
    responses={
        200: {"description": "Found.", "content": {"text/csv": {"schema": {"type": "string"}}}},
        **THING_ERRORS,
    },
    openapi_extra=Door(*_READ).said,
)
def get_rejections(
    request: Request, visit: Annotated[Visit, Depends(Door(*_READ))], job_id: UUID
) -> Response:
    """Row, column and reason of what stayed outside, as CSV; nothing but the header until it is finished.

    Of an undoing: customer, entity, number and reason of the items that were left as they are."""
    columns, found = _rejections(_job(request, visit, job_id))
    rows = [{name: getattr(each, attribute) for name, attribute in columns.items()} for each in found]
    headers = {"Content-Disposition": 'attachment; filename="rejections.csv"'}
    return Response(csv_text(tuple(columns), rows), 200, headers, CSV)


def _rejections(job: Job) -> tuple[Mapping[str, str], Sequence[object]]:
    if isinstance(job, ImportJob):
        return _ROW, job.result.rejections if job.result else ()
    assert isinstance(job, UndoJob), "there are no other jobs"
    return _LEFT, job.result.left if job.result else ()


@router.post(
    f"{_JOB}/cancel",
    operation_id="cancel_item_import_job",
    summary="Leave off importing",
    response_class=Response,
    response_model=None,
    responses={200: {**_BODY, "description": "It ends after the chunk under way."}, **ERRORS},
    openapi_extra=Door(*_READ).said,
)
def cancel_job(request: Request, visit: Annotated[Visit, Depends(Door(*_READ))], job_id: UUID) -> Response:
    """Whole chunks stay recorded; importing the file again does the rest. Said twice it does nothing."""
    job = _job(request, visit, job_id)
    job.cancel()
    return Response(as_json(_body(job)), 200, None, JSON)
