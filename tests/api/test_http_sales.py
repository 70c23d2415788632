"""Spec 38 over HTTP: monthly figures are stated, listed, and read as they were known."""

from __future__ import annotations

from tests.api.http_service import problem

STATED = {"month": "2026-03-01", "entity": "main", "currency": "EUR", "amount": "125000.00"}


def amounts(service, query: str = "", who: str = "manager"):
    found = service.seen(f"/v1/monthly-sales{query}", who)
    return [(row["month"], row["entity"], row["currency"], row["amount"]) for row in found["rows"]]


def test_sales_are_stated_once_and_listed_as_they_were_known(service):
    first = service.done("/v1/monthly-sales", STATED)
    assert (first["version"], first["changed"]) == (1, True)
    assert service.done("/v1/monthly-sales", STATED)["changed"] is False
    service.done("/v1/monthly-sales", STATED | {"amount": "7.00"})
    service.done("/v1/monthly-sales", STATED | {"month": "2026-04-01", "entity": "south", "amount": "8.00"})
    assert amounts(service) == [
        ("2026-03-01", "main", "EUR", "7.00"),
        ("2026-04-01", "south", "EUR", "8.00"),
    ]
    assert amounts(service, "?entity=south") == [("2026-04-01", "south", "EUR", "8.00")]
    assert amounts(service, "?period_from=2026-04-01&currency=EUR")[0][0] == "2026-04-01"
    assert amounts(service, f"?known_at={first['position']}") == [("2026-03-01", "main", "EUR", "125000.00")]


def test_sales_are_refused_with_the_place(service):
    wrong = service.post("/v1/monthly-sales", STATED | {"month": "2026-03-02"})
    assert problem(wrong, 422, "month-invalid")["errors"][0]["pointer"] == "/month"
    wrong = service.post("/v1/monthly-sales", STATED | {"currency": "euro"})
    assert problem(wrong, 422, "currency-invalid")["errors"][0]["pointer"] == "/currency"


def test_who_may_not_import_may_not_state_sales(service):
    problem(service.post("/v1/monthly-sales", STATED, "analyst"), 403, "role-forbids")
    assert amounts(service, who="analyst") == []


def test_38_receivables_figures_rest_on_the_sales_that_were_stated(service):
    service.done("/v1/monthly-sales", STATED)
    found = service.seen("/v1/reports/receivables?as_at=2026-03-31&sales_days=31", "analyst")
    (row,) = found["rows"]
    assert (row["currency"], row["sales"], row["sales_source"], row["dso"]) == (
        "EUR",
        "125000.00",
        "stated",
        0,
    )
    assert (found["parameters"]["days"], found["parameters"]["sales_days"]) == (90, 31)
    problem(service.get("/v1/reports/receivables", "collector"), 403, "role-forbids")
    problem(service.get("/v1/reports/receivables?days=0"), 422, "malformed-request")
    problem(service.get("/v1/reports/receivables?period_from=2026-01-01"), 422, "parameter-invalid")
