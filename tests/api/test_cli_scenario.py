"""`redress scenario` (spec 17, 27)."""

from __future__ import annotations

import json

import pytest

from tests.api.cli_case import manager, owner

__all__ = ["manager", "owner"]


def listed(owner):
    return {each["code"]: each for each in owner("scenario", "list", "--format", "json").json}


def test_a_step_is_defined_moved_and_retired(owner):
    define = ("scenario", "define", "visit", "--days", "60", "--kind", "call", "--label", "en=Visit")
    assert "visit is defined" in owner(*define).err
    assert "visit is so already" in owner(*define).err
    owner("scenario", "define", "visit", "--days=-3", "--minimum-amount", "500")
    found = listed(owner)
    assert list(found)[:2] == ["before_due", "visit"]
    assert (found["visit"]["days"], found["visit"]["minimum_amount"]) == (-3, "500")
    assert "visit is retired" in owner("scenario", "retire", "visit").err
    assert "retired already" in owner("scenario", "retire", "visit").err
    assert not listed(owner)["visit"]["active"]
    owner("scenario", "define", "visit", "--back-into-use")
    assert listed(owner)["visit"]["active"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["retire", "sms"], "no step 'sms'; it has: before_due"),
        (["define", "sms", "--days", "3"], "give its days and its kind"),
        (["define", "call", "--days", "400"], "days are -365 to 365"),
        (["define", "call", "--label", "Call"], "write name=value"),
    ],
)
def test_a_step_that_cannot_be(owner, arguments, said):
    before = owner.newest
    assert said in owner("scenario", *arguments, code=1).line
    assert owner.newest == before


def test_a_minimum_that_no_report_could_hold_is_refused(owner):
    define = ("scenario", "define", "call", "--minimum-amount", "1e200000")
    assert "minimum amount is 0 or more, with 18 digits" in owner(*define, code=1).line
    assert listed(owner)["call"]["minimum_amount"] == "0"


@pytest.mark.parametrize("amount", ["much", "nan", "inf"])
def test_a_minimum_is_an_amount(owner, amount):
    assert "--minimum-amount" in owner("scenario", "define", "call", "--minimum-amount", amount, code=2).line


def test_steps_come_from_a_file(owner, tmp_path):
    file = tmp_path / "scenario.csv"
    rows = ["code,days,kind,minimum_amount,en,fr", "call,30,,100.00,Ring up,Appeler", "visit,60,call,,Visit,"]
    file.write_text("\n".join(rows) + "\n")
    assert (
        "would be: 2 changed, 0 unchanged, 0 rejected" in owner("scenario", "import", file, "--dry-run").err
    )
    assert "2 changed, 0 unchanged, 0 rejected" in owner("scenario", "import", file).err
    assert "0 changed, 2 unchanged" in owner("scenario", "import", file).err
    found = listed(owner)
    assert (found["call"]["days"], found["call"]["kind"], found["call"]["minimum_amount"]) == (
        30,
        "call",
        "100.00",
    )
    assert found["call"]["labels"] == {"en": "Ring up", "fr": "Appeler"}
    assert found["visit"]["labels"] == {"en": "Visit"}
    assert "first_reminder" in found


def test_an_empty_cell_leaves_the_label_that_is_there(owner, tmp_path):
    file = tmp_path / "scenario.csv"
    for rows in ("code,en,fr\ncall,Ring,Appeler\n", "code,en,fr\ncall,Ring up,\n"):
        file.write_text(rows)
        owner("scenario", "import", file)
    assert listed(owner)["call"]["labels"] == {"en": "Ring up", "fr": "Appeler"}


def test_rows_that_cannot_be_are_rejected_one_by_one(owner, tmp_path):
    file = tmp_path / "scenario.csv"
    file.write_text("code,days,kind,en\nx,soon,call,X\ny,3,fax,Y\nz,3,call,Z\nw,,,W\n")
    said = owner("scenario", "import", file, code=1).err
    assert "1 changed, 0 unchanged, 3 rejected" in said
    assert "row 2, column days: 'soon' is not a number of days" in said
    assert "row 3, column kind: 'fax' is none of: email, letter, call" in said
    assert "row 5: The step 'w' cannot be so: give its days and its kind." in said


def test_17_a_history_tells_of_reminders(manager, tmp_path):
    lines = [
        {
            "command": "register_item",
            "data": {
                "customer_code": "C1",
                "number": "1",
                "type": "invoice",
                "amount": "10",
                "issue_date": "2024-01-05",
                "due_date": "2024-02-04",
            },
        },
        *(
            {
                "command": name,
                "at": at,
                "data": {
                    "customer_id": "C1",
                    "step": step,
                    **more,
                    "item_ids": [{"customer_code": "C1", "number": "1"}],
                },
            }
            for name, at, step, more in (
                ("do_reminder_step", "2024-02-12", "first_reminder", {"comment": "By phone, too"}),
                ("postpone_reminder_step", "2024-02-20", "second_reminder", {"to": "2024-02-26"}),
                ("skip_reminder_step", "2024-02-27", "second_reminder", {}),
            )
        ),
    ]
    file = tmp_path / "history.ndjson"
    file.write_text("\n".join(map(json.dumps, lines)) + "\n")
    manager("load", file)
    agenda = manager("report", "agenda", "--as-at", "2024-02-28", "--format", "json").json["rows"]
    assert [row["step"] for row in agenda if row["kind"] == "scenario_step"] == []
    agenda = manager("report", "agenda", "--as-at", "2024-02-11", "--format", "json").json["rows"]
    assert [row["step"] for row in agenda if row["kind"] == "scenario_step"] == ["first_reminder"]
