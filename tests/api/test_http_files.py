"""Lists and reports over HTTP as files: CSV, workbooks and Parquet, sent while they are read."""

from __future__ import annotations

import csv
import io
import json
import time
from contextlib import ExitStack
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from zipfile import ZipFile

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet
from pytest import MonkeyPatch  # noqa: PT013 - the type
from python_calamine import CalamineWorkbook

from api import csv_text, workbook_sheet
from api import parquet as parquet_file
from api.routes.reports import REPORTS
from projections import reading
from tests.api.http_service import Service, invoice, opening, problem, service

__all__ = ["service"]

LISTS: Final = ("items", "disputes", "episodes", "follow-ups", "customers", "people", "statuses", "imports")


@pytest.fixture
def stocked(service: Service) -> Service:
    for number in range(55):
        service.done("/v1/items", invoice(f"N{number}", f"{number + 1}.50"))
    service.done("/v1/customers", {"code": "=1+1", "name": "http://example.com"})
    service.done("/v1/items", invoice("-7", "-5.00", customer="=1+1", type="credit_note"))
    service.done("/v1/disputes", opening("N1", "N2"))
    service.seen("/v1/items")
    return service


def sheet(content: bytes, name: str = "rows") -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(name).to_python()


def test_every_report_and_list_comes_in_every_form_with_the_same_rows(stocked: Service) -> None:
    for path in (*(report.path for report in REPORTS), *(f"/v1/{name}" for name in LISTS)):
        names, *rows = csv.reader(io.StringIO(stocked.get(path, params={"format": "csv"}).text))
        answer = stocked.get(path, params={"format": "xlsx"})
        assert answer.headers["content-disposition"].endswith('.xlsx"'), path
        header, *cells = sheet(answer.content)
        assert (header, len(cells)) == (names, len(rows)), path
        asked = json.loads(answer.headers["x-parameters"])
        assert asked["known_at"] == stocked.newest(), path
        answer = stocked.get(path, params={"format": "parquet"})
        assert answer.headers["x-position"] == str(stocked.newest()), path
        table = parquet.read_table(io.BytesIO(answer.content))
        assert (table.column_names, table.num_rows) == (names, len(rows)), path
        assert table.schema.metadata[b"redress.position"] == str(stocked.newest()).encode()


def test_40_a_file_says_in_a_header_what_it_was_computed_with(stocked: Service) -> None:
    asked = {"as_at": "2026-03-01", "attribute": "sector=Möbel, ✓"}
    told = stocked.seen("/v1/reports/aged-balance", params=asked)["parameters"]
    for form in ("csv", "xlsx", "parquet"):
        answer = stocked.get("/v1/reports/aged-balance", params={**asked, "format": form})
        assert json.loads(answer.headers["x-parameters"]) | {"limit": told["limit"]} == told
    assert told["attributes"] == {"sector": "Möbel, ✓"}
    changes = {"since_known_at": stocked.newest(), "format": "csv"}
    answer = stocked.get("/v1/reports/aged-balance/changes", params=changes)
    assert json.loads(answer.headers["x-parameters"])["since_known_at"] == stocked.newest()


def test_37_a_file_has_all_rows_unless_a_limit_is_told(stocked: Service) -> None:
    def rows(asked: str) -> int:
        return len(list(csv.DictReader(io.StringIO(stocked.get(f"/v1/items?format=csv{asked}").text))))

    assert len(stocked.seen("/v1/items")["rows"]) == 50
    assert (rows(""), rows("&limit=7"), rows("&customer=ACME")) == (56, 7, 55)
    assert "link" in stocked.get("/v1/items?format=csv&limit=7").headers
    assert "link" not in stocked.get("/v1/items?format=csv").headers


def test_a_workbook_has_typed_cells_and_neither_formulas_nor_links(stocked: Service) -> None:
    content = stocked.get("/v1/items?format=xlsx&customer=%3D1%2B1").content
    header, row = sheet(content)
    cells = dict(zip(header, row, strict=True))
    assert (cells["customer_code"], cells["customer"], cells["number"]) == (
        "=1+1",
        "http://example.com",
        "-7",
    )
    assert (cells["amount"], cells["issue_date"], cells["is_open"]) == (-5.0, date(2026, 1, 5), True)
    assert cells["changed_at"] == date(2026, 1, 5)
    book = ZipFile(io.BytesIO(content))
    rows = book.read("xl/worksheets/sheet1.xml").decode()
    assert 'ySplit="1"' in rows
    assert 'state="frozen"' in rows
    assert '<autoFilter ref="A1:' in rows
    assert not {"<f>", "<f ", "<hyperlink"} & {part for part in ("<f>", "<f ", "<hyperlink") if part in rows}
    styles = book.read("xl/styles.xml").decode()
    assert "<b/>" in styles
    assert 'formatCode="#,##0.00"' in styles or 'numFmtId="4"' in styles
    asked = dict(sheet(content, "asked"))
    assert (asked["report"], asked["position"], asked["customer"]) == ("items", str(stocked.newest()), "=1+1")


def test_parquet_has_typed_columns(stocked: Service) -> None:
    content = stocked.get("/v1/items?format=parquet&customer=ACME&sort=balance").content
    table = parquet.read_table(io.BytesIO(content))
    types = {each.name: str(each.type) for each in table.schema}
    assert types["amount"] == "decimal128(38, 6)"
    assert (types["issue_date"], types["changed_at"]) == ("date32[day]", "timestamp[us, tz=UTC]")
    assert (types["item_id"], types["is_open"], types["days_overdue"]) == ("string", "bool", "int64")
    assert types["attributes"].startswith("map<string, string")
    assert types["follow_ups"] == "list<element: string>"
    first = table.slice(0, 1).to_pylist()[0]
    assert (first["number"], first["amount"], first["issue_date"]) == (
        "N54",
        Decimal("55.5"),
        date(2026, 1, 5),
    )
    assert first["changed_at"].utcoffset() == timedelta(0)
    asked = json.loads(table.schema.metadata[b"redress.parameters"])
    assert (asked["customer"], asked["known_at"]) == ("ACME", stocked.newest())


def test_a_file_that_cannot_be_made_is_a_problem(stocked: Service, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_sheet, "MOST_ROWS", 55)
    said = problem(stocked.get("/v1/items?format=xlsx"), 422, "workbook-too-small")
    assert "take csv or parquet" in said["detail"]
    assert stocked.get("/v1/items?format=xlsx&customer=ACME").status_code == 200
    problem(stocked.get("/v1/items?format=xlsx&sort=colour"), 422, "parameter-invalid")
    problem(stocked.get("/v1/reports/agenda?format=pdf"), 422, "malformed-request")
    problem(stocked.get("/v1/receivables?format=csv", "resolver"), 404, "no-such-route")
    problem(stocked.get("/v1/reports/receivables?format=csv", "resolver"), 403, "role-forbids")


# --- what goes wrong on the way ----------------------------------------------------------------------


@pytest.fixture
def failing(stocked: Service, monkeypatch: MonkeyPatch) -> Service:
    """One of the later rows cannot be understood, and few rows are sent at a time."""
    monkeypatch.setattr(csv_text, "_CHUNK", 1_000)
    monkeypatch.setattr(parquet_file, "_IN_ONE_GROUP", 10)
    monkeypatch.setattr(reading, "_AT_A_TIME", 10)
    with stocked.database.pool.connection() as connection:
        connection.execute(
            "update company_acme.item_states set status = 'price', kind = 'none' where number = 'N45'"
        )
    return stocked


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_that_fails_midway_does_not_look_complete(failing: Service, form: str) -> None:
    path = f"/v1/items?format={form}"
    headers = {"Authorization": f"Bearer {failing.keys['manager']}"}
    with failing.http.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        coming = answer.iter_raw()
        got = next(coming)
        with pytest.raises(httpx.RemoteProtocolError):
            b"".join(coming)
    if form == "parquet":
        with pytest.raises(pa.ArrowInvalid):
            parquet.read_table(io.BytesIO(got))
    assert failing.get("/v1/items?format=csv&customer=OTHER").status_code == 200


def test_a_client_that_goes_away_gives_its_connection_and_its_place_back(
    service: Service, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_text, "_CHUNK", 1_000)
    filling = {f"filling {number}": "x" * 1_000 for number in range(20)}
    for number in range(60):  # more than is under way between two sockets
        service.done("/v1/items", invoice(f"N{number}", attributes=filling))
    service.seen("/v1/items")
    headers = {"Authorization": f"Bearer {service.keys['manager']}"}
    for _ in range(6):  # there are four places
        with service.http.stream("GET", "/v1/items?format=csv", headers=headers) as answer:
            assert answer.status_code == 200
            coming = answer.iter_raw()
            next(coming)
            assert open_transactions(service) == 1
        until = time.monotonic() + 20
        while open_transactions(service) and time.monotonic() < until:
            time.sleep(0.02)
        assert open_transactions(service) == 0
    assert len(list(csv.DictReader(io.StringIO(service.get("/v1/items?format=csv").text)))) == 60


def open_transactions(service: Service) -> int:
    """How many of the service's connections hold a snapshot and wait for their client."""
    with service.database.pool.connection() as connection:
        found = connection.execute(
            "select count(*) as held from pg_stat_activity"
            " where datname = current_database() and state = 'idle in transaction'"
            " and query like '%streamed%'"
        ).fetchone()
    assert found is not None
    return int(found["held"])


def test_more_downloads_than_there_is_room_for_are_told_to_come_back(service: Service) -> None:
    room = service.app.state.house.downloads
    with ExitStack() as held:
        for _ in range(4):
            held.enter_context(room.one())
        answer = service.get("/v1/items?format=csv")
        problem(answer, 503, "too-many-downloads")
        assert answer.headers["retry-after"] == "1"
        assert service.get("/v1/items").status_code == 200
    assert service.get("/v1/items?format=csv").status_code == 200
