"""`redress people`, `keys` and `customers`."""

from __future__ import annotations

import csv
import io
import json

import pytest

from store.connections import LogUnavailable
from store.keys import Keys
from tests.api.cli_case import manager, owner

__all__ = ["manager", "owner"]


# --- people ----------------------------------------------------------------------------------------


def test_people_are_registered_changed_and_listed(owner):
    owner("people", "register", "r1", "--name", "Ida Holm", "--role", "resolver", "--values", "north; east")
    owner("people", "register", "r1", "--login", "ida@example.com")
    (found,) = owner("people", "list", "--format", "json").json
    assert found == {
        "code": "r1",
        "name": "Ida Holm",
        "login": "ida@example.com",
        "role": "resolver",
        "assignment_values": ["north", "east"],
        "active": True,
    }
    assert "is so already" in owner("people", "register", "r1", "--name", "Ida Holm").err


def test_logins_are_shown_to_those_who_manage_people(owner):
    owner("people", "register", "r1", "--login", "ida@example.com")
    key = owner.key("auditor", "Otto")
    assert "ida@example.com" in owner("people", "list").out
    assert "ida@example.com" not in owner("people", "list", "--key", key).out


def test_people_leave_and_come_back(owner):
    owner("people", "register", "r1")
    for word, active in (
        ("deactivate", False),
        ("deactivate", False),
        ("reactivate", True),
        ("reactivate", True),
    ):
        owner("people", word, "r1")
        assert owner("people", "list", "--format", "json").json[0]["active"] is active
    assert "there is no person 'r2'" in owner("people", "deactivate", "r2", code=1).line


def test_nobody_gives_more_than_their_role_may(manager):
    before = manager.newest
    assert (
        "may not give the role auditor"
        in manager("people", "register", "x", "--role", "auditor", code=1).line
    )
    assert manager.newest == before


def test_people_come_from_a_file(owner, tmp_path):
    file = tmp_path / "team.csv"
    file.write_text(
        "code,name,login,role,assignment_values\n"
        "c1,Cleo,cleo@example.com,collector,\n"
        "r1,Ida,,resolver,north;east\n\n"
        "x1,Xavier,,pilot,\n"
        ",Nobody,,,\n"
        "x2,Too,many,,,cells\n"
        "c2,Twin,cleo@example.com,collector,\n"
    )
    ran = owner("people", "import", file, code=1)
    *said, last = ran.err.splitlines()
    cure = "is a delimiter or quotation mark inside a cell not quoted?"
    roles = "administrator, credit_manager, collector, resolver, sales_manager, auditor, analyst"
    assert said == [
        "team.csv: 2 changed, 0 unchanged, 4 rejected",
        f"  row 5, column role: 'pilot' is no role; there are: {roles}",
        "  row 6, column code: is empty",
        f"  row 7: has 6 cells where the header has 5; {cure}",
    ]
    assert last.startswith("  row 8: The code 'cleo@example.com' is already taken by c1")
    assert {
        each["code"]: each["assignment_values"] for each in owner("people", "list", "--format", "json").json
    } == {
        "c1": [],
        "r1": ["north", "east"],
    }
    before = owner.newest
    assert "0 changed, 2 unchanged, 4 rejected" in owner("people", "import", file, code=1).err
    assert owner.newest == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "team.csv: is empty; a header and rows are needed"),
        (b"name,role\nx,y\n", "there is no column 'code'; there are 'name', 'role'"),
        (b"code,colour\nx,red\n", "the column 'colour' is not known; there can be: code, name, login"),
        (b"code,code\nx,y\n", "the header names the column 'code' twice"),
        ("code,name\nx,é\n".encode("cp1252"), "line 2, byte 12: is not utf-8-sig; it is probably cp1252"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "holds binary data, not text"),
        (b'code,name\nx,"open\n', "row 2 (line 2) opens a quotation mark that is never closed"),
        (b"code,name\nx," + b"y" * 2_000_000 + b"\n", "holds a cell of more than 1048576 characters"),
        (b"PK\x03\x04" + bytes(range(256)), "is a broken workbook or ZIP file"),
    ],
)
def test_a_file_of_people_that_cannot_be_used(owner, tmp_path, content, said):
    file = tmp_path / "team.csv"
    file.write_bytes(content)
    before = owner.newest
    assert said in owner("people", "import", file, code=1).line
    assert owner.newest == before


def test_a_file_that_is_not_there(owner, tmp_path):
    line = owner("people", "import", tmp_path / "team.csv", code=1).line
    assert line == "team.csv: cannot be read: No such file or directory"


# --- keys ------------------------------------------------------------------------------------------


def test_a_key_for_a_person_who_is_made_with_it(owner):
    ran = owner("keys", "create", "--role", "credit_manager", "--name", "Ann Berg")
    assert ran.out.startswith("redress_")
    assert "shown this once only" in ran.err
    (key,) = owner("keys", "list", "--format", "json").json
    assert (key["name"], key["person"], key["role"], key["revoked"]) == (
        "Ann Berg",
        "ann-berg",
        "credit_manager",
        False,
    )
    assert ran.out.strip() not in json.dumps(key)


def test_a_first_key_whose_secret_could_not_be_stored_is_not_in_the_log(owner, monkeypatch):
    def gone(*_):
        raise LogUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(Keys, "issue", gone)
        assert "gone" in owner("keys", "create", "--role", "administrator", "--name", "Ann", code=1).line
    assert owner("keys", "list", "--format", "json").json == []


def test_a_key_for_a_person_who_is_there(owner):
    owner("people", "register", "r1", "--name", "Ida", "--role", "resolver")
    key = owner("keys", "create", "--person", "r1").out.strip()
    assert (
        "The role resolver does not include"
        in owner("settings", "change", "--name", "x", "--key", key, code=1).line
    )
    assert "there is no person 'r2'" in owner("keys", "create", "--person", "r2", code=1).line


def test_a_key_for_a_service_has_its_scopes_and_no_more(owner):
    key = owner("keys", "create", "--service", "erp", "--scopes", "import,read_items").out.strip()
    owner("customers", "register", "C1", "--key", key)
    assert (
        "does not include: catalogue" in owner("settings", "change", "--name", "x", "--key", key, code=1).line
    )
    assert owner("keys", "list", "--format", "json").json[0]["scopes"] == ["import", "read_items"]


def test_29_scopes_that_open_nothing_yet_are_not_offered(owner):
    offered = owner("keys", "create", "--help").out
    line = owner("keys", "create", "--service", "erp", "--scopes", "validate_replies", code=2).line
    assert "validate_replies" not in offered
    assert ", validate_replies" not in line
    assert "'validate_replies' is no scope; there are: people, " in line
    assert "reminders" in offered


@pytest.mark.parametrize("words", [("people", "list"), ("settings", "show"), ("statuses", "list")])
def test_a_service_without_a_right_to_the_directory_reads_none_of_it(owner, words):
    key = owner("keys", "create", "--service", "erp", "--scopes", "import").out.strip()
    assert "does not include: read_items" in owner(*words, "--key", key, code=1).line


def test_a_second_key_for_somebody_is_not_made_by_name_with_another_role(owner):
    owner.key("auditor", "Ann Berg")
    assert owner.key("auditor", "Ann Berg").startswith("redress_")
    before = owner.newest
    line = owner("keys", "create", "--role", "analyst", "--name", "Ann Berg", code=1).line
    assert "the code 'ann-berg' is that of 'Ann Berg' with the role auditor" in line
    assert owner.newest == before
    owner("keys", "create", "--role", "analyst", "--name", "Ann Berg", "--code", "ann-2")


def test_a_person_without_a_role_gets_no_key(owner):
    owner("people", "register", "x1")
    before = owner.newest
    assert "role" in owner("keys", "create", "--person", "x1", code=1).line
    assert owner.newest == before


def test_a_revoked_key_opens_nothing(owner):
    secret = owner.key("auditor", "Otto")
    owner("people", "list", "--key", secret)
    (key,) = owner("keys", "list", "--format", "json").json
    assert "revoked" in owner("keys", "revoke", key["id"]).err
    assert "revoked" in owner("people", "list", "--key", secret, code=1).line
    assert "revoked already" in owner("keys", "revoke", key["id"]).err
    assert owner("keys", "list", "--format", "json").json[0]["revoked"]


@pytest.mark.parametrize(
    ("key", "said"),
    [("1234", "give the id of the key"), ("0199f0a2-5f0e-7c4e-8a55-0f4b3a7d9c11", "There is no API key")],
)
def test_a_key_that_is_not_there_cannot_be_revoked(owner, key, said):
    assert said in owner("keys", "revoke", key, code=1).line


# --- customers -------------------------------------------------------------------------------------


def test_customers_are_registered_and_listed(owner):
    owner("people", "register", "c1", "--name", "Cleo", "--role", "collector")
    owner(
        "customers",
        "register",
        "4711",
        "--name",
        "Globex",
        "--collector",
        "c1",
        "--attribute",
        "sector=north",
        "--attribute",
        "size=XL",
    )
    owner("customers", "register", "4712", "--name", "Hooli")
    assert owner("customers", "list", "--collector", "c1", "--format", "json").json == [
        {
            "code": "4711",
            "name": "Globex",
            "collector": "Cleo",
            "sales_manager": None,
            "attributes": {"sector": "north", "size": "XL"},
        }
    ]
    assert [
        each["code"] for each in owner("customers", "list", "--text", "hooli", "--format", "json").json
    ] == ["4712"]
    assert "is so already" in owner("customers", "register", "4712", "--name", "Hooli").err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--collector", "c9", "there is no person 'c9'"),
        ("--sales-manager", "c9", "there is no person 'c9'"),
        ("--attribute", "north", "write name=value"),
    ],
)
def test_a_customer_that_cannot_be(owner, option, value, said):
    before = owner.newest
    assert said in owner("customers", "register", "4711", option, value, code=1).line
    assert owner.newest == before


def test_customers_come_from_a_file_and_other_columns_are_attributes(owner, tmp_path):
    owner("people", "register", "c1", "--name", "Cleo", "--role", "collector")
    owner("people", "register", "gone", "--name", "Gone")
    owner("people", "deactivate", "gone")
    file, rejects = tmp_path / "customers.csv", tmp_path / "rejects.csv"
    file.write_text(
        "code,name,collector,sales_manager,sector\n4711,Globex,c1,,north\n4712,Hooli,c9,,\n4713,Initech,,gone,\n4714,,,,\n"
    )
    ran = owner("customers", "import", file, "--rejects", rejects, code=1)
    assert "2 changed, 0 unchanged, 2 rejected" in ran.err
    assert str(rejects) in ran.err
    with rejects.open(newline="") as found:
        assert list(csv.reader(found)) == [
            ["row", "column", "reason"],
            ["3", "", "There is no person 'c9'; register the person first."],
            ["4", "", "Person 'gone' is inactive; name an active person."],
        ]
    assert owner("customers", "list", "--format", "json").json[0]["attributes"] == {"sector": "north"}


def test_of_a_customer_empty_cells_and_missing_columns_leave_the_attributes_that_are_there(owner, tmp_path):
    file = tmp_path / "customers.csv"
    for text in ("code,sector,city,size\n4711,north,Lyon,XL\n", "code,sector,city\n4711,south,\n"):
        file.write_text(text)
        assert "1 changed" in owner("customers", "import", file).err
    (found,) = owner("customers", "list", "--format", "json").json
    assert found["attributes"] == {"sector": "south", "city": "Lyon", "size": "XL"}


def test_more_customers_than_one_page(owner, tmp_path):
    file = tmp_path / "customers.csv"
    file.write_text("code\n" + "".join(f"C{number:04}\n" for number in range(550)))
    assert "550 changed" in owner("customers", "import", file).err
    listed = owner("customers", "list", "--format", "csv").out
    assert [each["code"] for each in csv.DictReader(io.StringIO(listed))] == [
        f"C{each:04}" for each in range(550)
    ]


def test_rejects_need_a_folder_before_anything_is_done(owner, tmp_path):
    file = tmp_path / "customers.csv"
    file.write_text("code\nC1\n")
    before = owner.newest
    assert (
        "there is no folder"
        in owner("customers", "import", file, "--rejects", tmp_path / "a" / "b", code=1).line
    )
    assert owner.newest == before


def test_29_options_and_hyphens_take_away(owner, tmp_path):
    def person():
        (found,) = [each for each in owner("people", "list", "--format", "json").json if each["code"] == "p1"]
        return found["login"], found["role"]

    def customer():
        (found,) = owner("customers", "list", "--format", "json").json
        return found["collector"], found["sales_manager"]

    owner("people", "register", "p1", "--login", "p@example.com", "--role", "collector")
    owner("people", "register", "p1", "--no-login")
    assert person() == (None, "collector")
    owner("people", "register", "p1", "--no-role")
    assert person() == (None, None)
    owner("people", "register", "p1", "--login", "p@example.com", "--role", "collector")
    team = tmp_path / "team.csv"
    team.write_text("code,login,role\np1,,-\n")
    owner("people", "import", team)
    assert person() == ("p@example.com", None)

    owner("customers", "register", "C1", "--collector", "p1", "--sales-manager", "p1")
    owner("customers", "register", "C1", "--no-collector")
    assert customer() == (None, "p1")
    file = tmp_path / "customers.csv"
    file.write_text("code,collector,sales_manager\nC1,,-\n")
    owner("customers", "import", file)
    assert customer() == (None, None)
    owner("customers", "register", "C1", "--collector", "p1")
    owner("customers", "register", "C1", "--no-sales-manager")
    assert customer() == ("p1", None)


def test_29_a_new_key_leaves_the_login(owner):
    owner("people", "register", "p1", "--name", "P", "--login", "p@example.com", "--role", "collector")
    owner("keys", "create", "--role", "collector", "--name", "P", "--code", "p1")
    assert owner("people", "list", "--format", "json").json[0]["login"] == "p@example.com"


def test_29_giving_and_taking_away_at_once_is_a_mistake(owner):
    line = owner("people", "register", "p1", "--role", "collector", "--no-role", code=2).err
    assert "say --role, or --no-role, not both" in line
