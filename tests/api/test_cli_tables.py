"""Spec 38, and files of customers, people and sales: in any format, by a mapping, rehearsed, row by row."""

from __future__ import annotations

import csv
import json
from datetime import date

import pytest

from tests.api.cli_case import manager, owner
from tests.api.workbook_file import workbook

__all__ = ["manager", "owner"]


def file(directory, content: str | bytes, name: str = "table.csv"):
    path = directory / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def sales(redress):
    rows = redress("sales", "list", "--format", "json").json
    return [(row["month"], row["entity"], row["currency"], row["amount"]) for row in rows]


# --- monthly sales ---------------------------------------------------------------------------------


def test_monthly_sales_are_stated_and_stated_anew(owner, tmp_path):
    first = file(tmp_path, "month,amount\n2026-03,1000.50\n2026-02,-10\n")
    assert "2 changed, 0 unchanged, 0 rejected" in owner("sales", "import", first).err
    assert sales(owner) == [("2026-02", "main", "USD", "-10.00"), ("2026-03", "main", "USD", "1000.50")]
    before = owner.newest
    assert "0 changed, 2 unchanged" in owner("sales", "import", first).err
    assert owner.newest == before
    again = file(tmp_path, "month,amount,currency,entity\n2026-03,1200,USD,\n2026-03-31,5,EUR,south\n")
    assert "2 changed" in owner("sales", "import", again).err
    assert sales(owner)[1:] == [
        ("2026-03", "main", "USD", "1200.00"),
        ("2026-03", "south", "EUR", "5.00"),
    ]
    assert owner.rows(
        "select data->>'amount', data->>'previous' from company_acme.events"
        " where type = 'monthly-sales-stated.v1' order by position desc offset 1 limit 1"
    ) == [("1200.00", "1000.50")]


def test_sales_are_known_as_they_were(owner, tmp_path):
    owner("sales", "import", file(tmp_path, "month,amount\n2026-03,1\n"))
    position = owner.newest
    owner("sales", "import", file(tmp_path, "month,amount\n2026-03,2\n"))
    assert [row[3] for row in sales(owner)] == ["2.00"]
    (found,) = owner.rows(
        f"select amount from company_acme.sales_states where since <= {position} and until > {position}"
    )
    assert found == (1,)


def test_a_file_of_sales_is_rehearsed(owner, tmp_path):
    before = owner.newest
    told = file(tmp_path, "month,amount\n2026-03,1\n2026-04,x\n")
    ran = owner("sales", "import", told, "--dry-run", code=1)
    assert ran.err.startswith(
        "table.csv: would be: 1 changed, 0 unchanged, 1 rejected\n  row 3, column amount: "
    )
    assert owner.newest == before


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("2026-13,1,USD", "month", "is not a day of the calendar"),
        ("March,1,USD", "month", "is not a date"),
        (",1,USD", "month", "is empty"),
        ("2026-03,,USD", "amount", "is empty"),
        ("2026-03,10.0005,USD", "amount", "more than the 2 decimals"),
        ("2026-03,1,usd", "currency", "is not a currency code"),
        (f"2026-03,1,{'x' * 3_000}", "currency", "has more than 2000 characters"),
    ],
)
def test_rows_of_sales_that_cannot_be_are_rejected(owner, tmp_path, row, column, reason):
    rejects = tmp_path / "rejects.csv"
    told = file(tmp_path, f"month,amount,currency\n{row}\n2026-05,7,USD\n")
    assert (
        "1 changed, 0 unchanged, 1 rejected"
        in owner("sales", "import", told, "--rejects", rejects, code=1).err
    )
    with rejects.open(newline="") as text:
        ((number, where, why),) = list(csv.reader(text))[1:]
    assert (number, where) == ("2", column)
    assert reason in why


def test_one_month_twice_rejects_both_rows(owner, tmp_path):
    told = file(tmp_path, "month,amount\n2026-03,1\n2026-04,1\n2026-03-31,2\n")
    ran = owner("sales", "import", told, code=1)
    assert "row 2: has the same month and entity and currency as row 4; keep one of them" in ran.err
    assert [row[0] for row in sales(owner)] == ["2026-04"]


def test_a_month_of_two_readings_refuses_the_file(owner, tmp_path):
    told = file(tmp_path, "month,amount\n03/04/2026,1\n")
    line = owner("sales", "import", told, code=1).line
    assert "row 2, column month" in line
    assert "a date format is never guessed" in line


def test_a_mapping_says_what_the_columns_of_sales_are(owner, tmp_path):
    mapping = file(
        tmp_path,
        '[file]\ndelimiter = ";"\nencoding = "cp1252"\ndecimal = ","\ndate = "dd.mm.yyyy"\n'
        '[columns]\nmonth = "Währungsmonat"\namount = "Umsatz"\nentity = { constant = "north" }\n',
        "map.toml",
    )
    told = file(tmp_path, "Währungsmonat;Umsatz;Rest\n31.03.2026;1000,50;x\n".encode("cp1252"))
    assert "1 changed" in owner("sales", "import", told, "--mapping", mapping).err
    assert sales(owner) == [("2026-03", "north", "USD", "1000.50")]


def test_a_mapping_of_sales_says_nothing_that_would_be_overlooked(owner, tmp_path):
    told = file(tmp_path, "m,d,c\n2026-03,1,2\n")
    columns = '[columns]\nmonth = "m"\namount = { column = "d", minus = "c" }\n'
    mapping = file(tmp_path, columns, "map.toml")
    line = owner("sales", "import", told, "--mapping", mapping, code=1).line
    assert line == "map.toml: columns.amount can have `minus`, `negative_when` and `round` for items only"


def test_who_may_not_import_may_not_state_sales(owner, tmp_path):
    told = file(tmp_path, "month,amount\n2026-03,1\n")
    key = owner.key("analyst", "Ana")
    assert "The role analyst" in owner("sales", "import", told, "--key", key, code=1).line
    assert owner("sales", "list", "--key", key).out == "no sales were stated\n"
    assert "The role resolver" in owner("sales", "list", "--key", owner.key("resolver", "R"), code=1).line


# --- any kind of file ------------------------------------------------------------------------------

LINES = (("code", "name", "city"), ("c1", "Café", "Lille"), ("c2", "Bar", "Lyon"))
FORMATS = {
    "commas": "\n".join(map(",".join, LINES)).encode(),
    "semicolons": "\n".join(map(";".join, LINES)).encode("utf-8-sig"),
    "tabs": "\r\n".join(map("\t".join, LINES)).encode("utf-16"),
    "bars": "\n".join(map("|".join, LINES)).encode(),
    "a workbook": workbook({"Customers": LINES}),
    "JSON lines": "\n".join(json.dumps(dict(zip(LINES[0], row, strict=True))) for row in LINES[1:]).encode(),
}


@pytest.mark.parametrize("name", FORMATS)
def test_customers_come_from_files_of_any_format(owner, tmp_path, name):
    told = file(tmp_path, FORMATS[name])
    assert "would be: 2 changed" in owner("customers", "import", told, "--dry-run").err
    assert owner("customers", "list").out == "no customers\n"
    assert "2 changed, 0 unchanged, 0 rejected" in owner("customers", "import", told).err
    found = owner("customers", "list", "--format", "json").json
    assert [(each["code"], each["name"], each["attributes"]) for each in found] == [
        ("c1", "Café", {"city": "Lille"}),
        ("c2", "Bar", {"city": "Lyon"}),
    ]


def test_a_mapping_says_what_the_columns_of_customers_are(owner, tmp_path):
    owner("people", "register", "p1", "--name", "Cleo", "--role", "collector")
    mapping = file(
        tmp_path,
        '[columns]\ncode = { column = "Kunde", pad = 6 }\nname = { join = ["Vorname", "Name"], with = " " }\n'
        'collector = { column = "Gruppe", values = { A = "p1" } }\n'
        '[attributes]\nignore = ["intern"]\nrename = { Ort = "city" }\n',
        "map.toml",
    )
    head = ["Kunde", "Vorname", "Name", "Gruppe", "Ort", "intern", "seit"]
    told = workbook(
        {"x": [head, [17.0, "Ida", "Holm", "A", "Ulm", "-", date(2020, 3, 4)], [18, "A", "B", "?"]]}
    )
    ran = owner("customers", "import", file(tmp_path, told), "--mapping", mapping, code=1)
    assert (
        "1 changed, 0 unchanged, 1 rejected\n  row 3, column Gruppe: '?' is not in the value table" in ran.err
    )
    (found,) = owner("customers", "list", "--format", "json").json
    assert (found["code"], found["name"], found["collector"]) == ("000017", "Ida Holm", "Cleo")
    assert found["attributes"] == {"city": "Ulm", "seit": "2020-03-04"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[columns]\nname = "x"\n', "columns.code is missing"),
        ('[columns]\ncode = "x"\ncolour = "y"\n', "columns.colour is not known"),
        ('[file]\ndate = "dd.mm"\n[columns]\ncode = "x"\n', "file.date has no year"),
        ('[columns]\ncode = "x"\n', "there is no column 'x'; there are 'code'"),
        ("[columns", "is not TOML"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused_in_one_line(owner, tmp_path, text, said):
    told, mapping = file(tmp_path, "code\nc1\n"), file(tmp_path, text, "map.toml")
    assert said in owner("customers", "import", told, "--mapping", mapping, code=1).line


def test_people_and_customers_that_stand_twice_are_rejected(owner, tmp_path):
    told = file(tmp_path, "code,name\na,A\nb,B\na,C\n")
    for group in ("people", "customers"):
        ran = owner(group, "import", told, code=1)
        assert "1 changed, 0 unchanged, 2 rejected" in ran.err
        assert "row 2: has the same code as row 4; keep one of them" in ran.err
        assert "row 4: has the same code as row 2; keep one of them" in ran.err
