"""Lists and reports over HTTP as files: CSV, workbooks and Parquet, sent while they are read."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

import pytest
from pyarrow import parquet
from python_calamine import CalamineWorkbook

from api.routes.reports import REPORTS
from tests.api.http_service import Service, invoice, opening, service

__all__ = ["service"]

LISTS: Final = ("items", "disputes", "follow-ups", "customers", "people", "statuses", "imports")


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
        answer = stocked.get(path, params={"format": "parquet"})
        assert answer.headers["x-position"] == str(stocked.newest()), path
        table = parquet.read_table(io.BytesIO(answer.content))
        assert (table.column_names, table.num_rows) == (names, len(rows)), path
        assert table.schema.metadata[b"redress.position"] == str(stocked.newest()).encode()


def test_37_a_file_has_all_rows_unless_a_limit_is_told(stocked: Service) -> None:
    def rows(asked: str) -> int:
        return len(list(csv.DictReader(io.StringIO(stocked.get(f"/v1/items?format=csv{asked}").text))))

    assert len(stocked.seen("/v1/items")["rows"]) == 50
    assert (rows(""), rows("&limit=7"), rows("&customer=ACME")) == (56, 7, 55)
    assert "link" in stocked.get("/v1/items?format=csv&limit=7").headers
    assert "link" not in stocked.get("/v1/items?format=csv").headers
