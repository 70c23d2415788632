"""Importing items over HTTP: a job that tells how far it is, carried out by the same importer (spec 1)."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from api import import_undo, item_import
from api.routes import item_imports
from domain.imports import ImportStarted
from domain.roles import Permission
from replay import import_changes
from tests.api.http_service import Service, issue, problem
from tests.api.item_file_case import HEADER, mapping_text

PATH = item_imports.PATH
ROW = "C1,{},invoice,2024-01-31,2024-03-01,{}"


def file_of(*rows: str, name: str = "items.csv") -> tuple[str, bytes]:
    return name, "\n".join([HEADER, *rows, ""]).encode()


def rows(count: int, amount: str = "10.00") -> list[str]:
    return [ROW.format(f"N{each}", amount) for each in range(count)]


def send(service: Service, file: tuple[str, bytes], who: str = "manager", **more: Any) -> Any:
    headers = more.pop("headers", {})
    data = {"mapping_toml": mapping_text(), **more}
    told = {name: value for name, value in data.items() if value is not None}
    return service.send("POST", PATH, who, files={"file": file}, data=told, headers=headers)


def ended(service: Service, accepted: Any, who: str = "manager") -> dict[str, Any]:
    assert accepted.status_code == 202, accepted.text
    while True:
        found: dict[str, Any] = service.get(accepted.headers["Location"], who).json()
        if found["state"] not in {"queued", "running"}:
            return found
        time.sleep(0.02)


def test_1_a_file_that_is_sent_becomes_a_job_that_reports_progress_and_its_result(service: Service) -> None:
    accepted = send(service, file_of(*rows(3), ROW.format("N9", "abc")))
    assert accepted.json()["state"] in {"queued", "running", "finished"}
    job = ended(service, accepted)
    assert (job["state"], job["rows_read"], job["rows_done"]) == ("finished", 4, 4)
    assert job["counts"]["registered"] == 3
    assert job["counts"]["rejected"] == 1
    seen = service.seen(f"/v1/imports/{job['import_id']}")
    assert seen["file_name"] == "items.csv"
    rejected = service.get(accepted.headers["Location"] + "/rejections")
    assert rejected.headers["content-type"].startswith("text/csv")
    assert rejected.text.splitlines()[1].startswith("5,amount,")


def test_1_the_same_file_again_changes_nothing_and_is_no_import(service: Service) -> None:
    ended(service, send(service, file_of(*rows(2))))
    before = service.newest()
    job = ended(service, send(service, file_of(*rows(2))))
    assert (job["import_id"], job["counts"]["unchanged"]) == (None, 2)
    assert service.newest() == before


def test_1_it_can_be_rehearsed_and_full_and_forced(service: Service) -> None:
    ended(service, send(service, file_of(*rows(4))))
    before = service.newest()
    rehearsed = ended(service, send(service, file_of(*rows(3)), mode="full", dry_run="true"))
    assert (rehearsed["counts"]["cleared"], rehearsed["dry_run"], rehearsed["import_id"]) == (1, True, None)
    assert service.newest() == before
    refused = ended(service, send(service, file_of(*rows(1)), mode="full"))
    assert (refused["state"], refused["counts"]) == ("failed", None)
    assert refused["problem"]["type"] == "urn:redress:problem:safety-share-exceeded"
    assert refused["problem"]["status"] == 409
    forced = ended(service, send(service, file_of(*rows(1)), mode="full", force="true"))
    assert (forced["counts"]["cleared"], forced["missing"], forced["kept"]) == (3, 3, 0)


def test_1_it_is_recorded_by_whom(service: Service) -> None:
    before = service.newest()
    ended(service, send(service, file_of(*rows(1)), "collector"), "collector")
    first = service.database.company("acme").log.read(before, 1)[0]
    assert isinstance(first.event, ImportStarted)
    assert first.role == "collector"
    assert first.key_id is not None


def test_4_a_file_that_cannot_be_read_fails_with_the_reason(service: Service) -> None:
    before = service.newest()
    job = ended(service, send(service, ("../../secret/items.csv", b"a,b\n1,2\n")))
    assert job["state"] == "failed"
    assert job["file_name"] == "items.csv"
    assert job["problem"]["type"] == "urn:redress:problem:file-refused"
    assert "is not the header" in job["problem"]["detail"]
    assert service.newest() == before


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"mapping_toml": None}, "malformed-request"),
        ({"mapping": "ibm"}, "malformed-request"),
        ({"mode": "half"}, "malformed-request"),
        ({"nonsense": "1"}, "malformed-request"),
        ({"mapping_toml": "[columns]\nnumber = 1"}, "mapping-refused"),
        ({"mapping_toml": None, "mapping": "sap"}, "mapping-refused"),
    ],
)
def test_1_what_cannot_be_right_is_refused_at_once(service: Service, more: dict[str, Any], name: str) -> None:
    problem(send(service, file_of(*rows(1)), **more), 422, name)


def test_1_a_request_without_a_file_is_refused(service: Service) -> None:
    problem(service.send("POST", PATH, data={"mapping": "ibm"}), 422, "malformed-request")
    problem(service.post(PATH, {"mapping": "ibm"}), 422, "malformed-request")


def test_1_a_mapping_that_comes_with_redress_is_named(service: Service) -> None:
    told = send(service, file_of(*rows(1)), mapping="ibm", mapping_toml=None)
    assert ended(service, told)["problem"]["type"] == "urn:redress:problem:file-refused"


def test_29_importing_is_for_those_who_may(service: Service) -> None:
    problem(send(service, file_of(*rows(1)), "auditor"), 403, "role-forbids")
    told = send(service, file_of(*rows(1)))
    ended(service, told)
    location = told.headers["Location"]
    problem(service.get(location, "auditor"), 403, "role-forbids")
    service.keys["erp"] = issue(service, None, Permission.IMPORT)
    assert ended(service, send(service, file_of(*rows(2)), "erp"), "erp")["counts"]["registered"] == 1


def test_43_a_key_that_comes_again_is_the_same_job(service: Service) -> None:
    key = {"Idempotency-Key": "nightly-1"}
    first = send(service, file_of(*rows(2)), headers=key)
    again = send(service, file_of(*rows(2)), headers=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    problem(send(service, file_of(*rows(3)), headers=key), 422, "idempotency-key-reused")
    assert send(service, file_of(*rows(2)), "collector", headers=key).json()["id"] != first.json()["id"]


def test_1_a_job_that_is_cancelled_leaves_whole_chunks(service: Service, monkeypatch: Any) -> None:
    monkeypatch.setattr(item_import, "CHUNK", 2)
    reached, go_on = threading.Event(), threading.Event()
    record = item_import._Run._record

    def waiting(run: Any, chunk: Any) -> None:
        record(run, chunk)
        reached.set()
        assert go_on.wait(30)

    monkeypatch.setattr(item_import._Run, "_record", waiting)
    accepted = send(service, file_of(*rows(5)))
    assert reached.wait(30)
    assert service.get(accepted.headers["Location"]).json()["state"] == "running"
    assert service.post(accepted.headers["Location"] + "/cancel").status_code == 200
    go_on.set()
    job = ended(service, accepted)
    assert (job["state"], job["counts"]) == ("cancelled", None)
    assert len(service.seen("/v1/items")["rows"]) == 2
    monkeypatch.setattr(item_import._Run, "_record", record)
    rest = ended(service, send(service, file_of(*rows(5))))
    assert (rest["counts"]["unchanged"], rest["counts"]["registered"]) == (2, 3)


def test_1_jobs_that_nobody_knows_are_not_found(service: Service) -> None:
    unknown = f"{PATH}/jobs/01a2023d-dd08-7505-914c-95c2e7e78268"
    for answer in (
        service.get(unknown),
        service.get(unknown + "/rejections"),
        service.post(unknown + "/cancel"),
    ):
        problem(answer, 404, "no-such-job")


def test_1_what_nobody_thought_of_fails_the_job_alone(service: Service, monkeypatch: Any) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(item_import._Run, "decide", broken)
    job = ended(service, send(service, file_of(*rows(1))))
    assert job["problem"]["type"] == "urn:redress:problem:unexpected"
    assert "secret" not in str(job)


def test_1_only_uploads_may_be_large(service: Service, monkeypatch: Any) -> None:
    many = file_of(*rows(1), "x" * 11 * 1024**2)
    assert send(service, many).status_code == 202
    problem(service.post("/v1/items", {"number": "x" * 11 * 1024**2}), 413, "body-too-large")


# --- undoing ---------------------------------------------------------------------------------------


def imported(service: Service, count: int = 3) -> str:
    job = ended(service, send(service, file_of(*rows(count))))
    return f"{PATH}/{job['import_id']}/undo"


def test_05_an_import_is_undone_as_a_job(service: Service) -> None:
    undo = imported(service)
    rehearsed = ended(service, service.post(undo + "?dry_run=true"))
    assert (rehearsed["kind"], rehearsed["undone"], rehearsed["dry_run"]) == ("undo", 3, True)
    assert len(service.seen("/v1/items?is_open=true")["rows"]) == 3
    job = ended(service, service.post(undo))
    assert (job["state"], job["undone"], job["unchanged"], job["left"]) == ("finished", 3, 0, 0)
    assert job["events_done"] == job["events"] > 0
    assert service.seen("/v1/items?is_open=true")["rows"] == []
    assert service.seen(f"/v1/imports/{job['import_id']}")["undone"] == 3


def test_05_what_was_left_is_listed_and_can_be_forced(service: Service) -> None:
    undo = imported(service)
    item = {"customer_code": "C1", "number": "N1"}
    service.done("/v1/disputes", {"item_ids": [item], "type": "price", "reason": "dear"})
    accepted = service.post(undo)
    assert ended(service, accepted)["left"] == 1
    listed = service.get(accepted.headers["Location"] + "/rejections").text.splitlines()
    assert listed[0] == "customer,entity,number,reason"
    assert listed[1].startswith("C1,main,N1,\"Item 'N1' is left as it is")
    assert ended(service, service.post(undo, {"force": True}))["undone"] == 1


def test_05_an_import_that_is_not_there_is_not_undone(service: Service) -> None:
    unknown = f"{PATH}/01a2023d-dd08-7505-914c-95c2e7e78268/undo"
    problem(service.post(unknown), 404, "unknown-import")


def test_29_undoing_is_for_those_who_may_import(service: Service) -> None:
    problem(service.post(imported(service), who="auditor"), 403, "role-forbids")


def test_43_a_key_that_comes_again_is_the_same_undoing(service: Service) -> None:
    undo, key = imported(service), {"Idempotency-Key": "undo-1"}
    first, again = service.post(undo, headers=key), service.post(undo, headers=key)
    assert again.json()["id"] == first.json()["id"]
    problem(service.post(undo, {"force": True}, headers=key), 422, "idempotency-key-reused")


def test_05_an_undoing_that_is_cancelled_leaves_whole_chunks(service: Service, monkeypatch: Any) -> None:
    undo = imported(service)
    monkeypatch.setattr(import_changes, "_WINDOW", 1)
    reached, go_on = threading.Event(), threading.Event()
    take = import_undo._Undoing.take

    def waiting(run: Any, changes: Any) -> None:
        take(run, changes)
        if changes:
            reached.set()
            assert go_on.wait(30)

    monkeypatch.setattr(import_undo._Undoing, "take", waiting)
    accepted = service.post(undo)
    assert reached.wait(30)
    service.post(accepted.headers["Location"] + "/cancel")
    go_on.set()
    assert ended(service, accepted)["state"] == "cancelled"
    assert len(service.seen("/v1/items?is_open=true")["rows"]) == 2
