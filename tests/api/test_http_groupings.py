"""Reports by two groupings over HTTP."""

from __future__ import annotations

from api.routes.reports import REPORTS
from tests.api.http_service import Service, invoice, opening, problem


def test_33_two_groupings_one_within_the_other(service: Service) -> None:
    for number, (entity, site) in enumerate((("north", "N"), ("south", "N"), ("south", "S"))):
        body = invoice(f"N{number}", f"{10**number}.00", entity=entity, attributes={"site": site})
        service.done("/v1/items", body)
    parts = [{**each, "entity": entity} for each, entity in zip(
        opening("N0", "N1", "N2")["item_ids"], ("north", "south", "south"), strict=True
    )]  # fmt: skip
    service.done("/v1/disputes", {**opening(), "item_ids": parts})
    found = service.seen("/v1/reports/dispute-report?by=attribute:site,entity")
    columns = ("key", "label", "second_key", "second_label", "disputes", "amount")
    assert [[row[name] for name in columns] for row in found["rows"]] == [
        ["S", "S", "south", "south", 1, "100.00"],
        ["N", "N", "south", "south", 1, "10.00"],
        ["N", "N", "north", "north", 1, "1.00"],
    ]
    assert [[row[name] for name in columns] for row in found["totals"]] == [
        ["S", "S", "total", "total", 1, "100.00"],
        ["N", "N", "total", "total", 1, "11.00"],
        ["total", "total", "total", "total", 1, "111.00"],
    ]
    assert found["parameters"]["by"] == "attribute:site,entity"
    assert "second_key" not in service.seen("/v1/reports/dispute-report?by=entity")["rows"][0]


def test_33_the_description_tells_of_the_columns_of_a_second_grouping(service: Service) -> None:
    schemas = service.get("/v1/openapi.json").json()["components"]["schemas"]
    for report in REPORTS:
        row = schemas[report.row.__name__]
        if report.name != "agenda":
            assert {"key", "label", "second_key", "second_label"} <= {*row["properties"]}
            assert not {"second_key", "second_label"} & {*row["required"]}


def test_a_third_grouping_is_a_problem_that_names_the_cure(service: Service) -> None:
    for by in ("entity,customer,collector", "customer,customer", "customer,weather"):
        said = problem(service.get(f"/v1/reports/receivables?by={by}"), 422, "parameter-invalid")
        assert "group by" in said["detail"] or "two different" in said["detail"]
