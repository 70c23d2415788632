"""9 700 open items as HighRadius exports them: two currencies, and their aged balance at past days.

Figures from `expected.json`, which others computed."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests.api.command_line import Redress, elsewhere

BUCKETS = {"not_due": "not_due", "1-30": "1-30", "31-60": "31-60", "61-90": "61-90", "over_90": ">90"}


@pytest.fixture
def data(shared_data):
    return shared_data / "highradius"


@pytest.fixture
def redress(database, monkeypatch, capsys):
    redress = elsewhere(Redress(database, monkeypatch, capsys), monkeypatch)
    redress("found", "acme", "--currency", "USD", "--zone", "UTC")
    redress.uses(redress.key("credit_manager", "Mona Reyes"))
    return redress


def test_the_open_items_and_their_aged_balance(redress, data):
    told = json.loads((data / "expected.json").read_text())
    file = data / "highradius_open_invoices_shubhi.csv"
    assert "9700 registered" in redress("import-items", file, "--mapping", "highradius").err
    assert redress.rows(
        "select count(distinct data->>'number') from company_acme.events where type = 'item-registered.v1'"
    ) == [(9_700,)]
    assert redress.rows(
        "select count(*) from company_acme.events where type = 'item-registered.v1'"
        " and data->>'number' = '1930571429'"
    ) == [(1,)]

    now = redress("report", "aged-balance", "--by", "currency", "--format", "json").json
    sums = {row["key"]: Decimal(row["total"]) for row in now["rows"]}
    assert sums == {key: Decimal(of["amount"]) for key, of in told["by_currency"].items()}

    for as_at in ("2020-05-31", "2020-03-31"):
        asked = ("report", "aged-balance", "--by", "currency", "--as-at", as_at, "--format", "json")
        rows = redress(*asked).json["rows"]
        found = {row["currency"]: {name: Decimal(row[name]) for name in BUCKETS} for row in rows}
        assert found == {
            currency: {name: Decimal(figures[of]["amount"]) for name, of in BUCKETS.items()}
            for currency, figures in told["ageing_as_of"][as_at].items()
        }
        assert {row["currency"]: Decimal(row["total"]) for row in rows} == {
            currency: sum(Decimal(of["amount"]) for of in figures.values())
            for currency, figures in told["ageing_as_of"][as_at].items()
        }
