"""`redress what-if`: rules from options and files, in every form, and what cannot be asked."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from api.rules_file import read_rules
from domain.catalogue import AssignmentField, AttributeOf
from tests.api.cli_case import item_file, manager, owner, row

__all__ = ["manager", "owner"]


@pytest.fixture
def told(manager, tmp_path):
    """A price dispute of ten days, and one that is open since 2024."""
    file, mapping = item_file(tmp_path, row(1, "10.00"), row(2, "20.50"))
    manager("import-items", file, "--mapping", mapping)
    lines = [
        {
            "command": "open_dispute",
            "at": "2024-03-01T09:00:00Z",
            "data": {
                "reference": f"D{number}",
                "type": "price",
                "item_ids": [{"customer_code": "C1", "number": str(number)}],
            },
        }
        for number in (1, 2)
    ]
    lines.append(
        {
            "command": "resolve_dispute",
            "at": "2024-03-11T09:00:00Z",
            "data": {"dispute_id": "D1", "outcome": "other"},
        }
    )
    history = tmp_path / "history.ndjson"
    history.write_text("".join(json.dumps(line) + "\n" for line in lines))
    manager("load", history)
    return manager


ONE = ("what-if", "--report", "resolution-time", "--resolved-within")


def test_4_7_a_table_shows_the_rules_what_they_change_and_the_figures_that_differ(told):
    ran = told(*ONE, "price=4")
    assert "what if disputes of type price are resolved within 4 days" in ran.out
    assert "2 episodes end earlier, 1 of them still open" in ran.out
    (mean,) = (line for line in ran.out.splitlines() if "total" in line and " mean_days " in line)
    assert mean.split()[2:6] == ["mean_days", "10.000000", "4.000000", "-6.000000"]
    assert "taken as it was" in ran.err
    assert ran.out.count(" escalated ") == 1  # of the total, which did not change
    assert told(*ONE, "price=4", "--all").out.count(" escalated ") == 2


def test_4_7_days_can_be_business_days(told):
    ran = told(*ONE, "price=4", "--business-days")
    assert "what if disputes of type price are resolved within 4 business days" in ran.out


def test_4_7_no_difference_is_said(told):
    ran = told("what-if", "--report", "aged", "--resolved-within", "price=4", code=1)
    assert "there is no report 'aged' to compare; there are: resolution-time" in ran.line
    assert (
        "item-statuses: no difference"
        in told("what-if", "--report", "item-statuses", "--target-days", "price=4").out
    )


def test_4_7_json_has_all_that_was_asked_and_assumed(told):
    found = told(*ONE, "price=4", "--by", "customer", "--format", "json").json
    assert found["rules"] == ["disputes of type price are resolved within 4 days"]
    assert found["position"] == told.newest
    assert found["changes"]["episodes"] == 2
    assert "paid" in found["assumed"]
    (report,) = found["reports"]
    assert report["parameters"]["by"] == "customer"
    (count,) = (each for each in report["figures"] if each["figure"] == "count" and each["key"] == "C1")
    assert (count["real"], count["what_if"], count["difference"]) == (1, 2, 1)


def test_4_7_csv_has_one_line_for_each_figure(told):
    rows = list(csv.DictReader(io.StringIO(told(*ONE, "price=4", "--format", "csv").out)))
    assert {each["report"] for each in rows} == {"resolution-time"}
    assert {"figure": "mean_days", "basis": "closed only", "real": "10.0", "what_if": "4.0"}.items() <= next(
        each.items() for each in rows if each["figure"] == "mean_days"
    )
    empty = told("what-if", "--report", "item-statuses", "--target-days", "price=4", "--format", "csv").out
    assert empty.startswith("report,key,label,second_key,second_label,currency,figure,real,what_if,")


def test_4_7_two_groupings_are_told_in_every_form(told):
    asked = (*ONE, "price=4", "--by", "type,customer")
    assert told(*asked).out.partition("resolution-time\n")[2].split()[:4] == [
        "key", "label", "second_key", "second_label",
    ]  # fmt: skip
    (report,) = told(*asked, "--format", "json").json["reports"]
    rows = list(csv.DictReader(io.StringIO(told(*asked, "--format", "csv").out)))
    for found in (report["figures"], rows):
        counts = [each for each in found if each["figure"] == "count"]
        assert [
            (each["key"], each["second_key"], int(each["real"]), int(each["what_if"])) for each in counts
        ] == [("price", "C1", 1, 2), ("price", "total", 1, 2), ("total", "total", 1, 2)]
    assert "second_key" not in told(*ONE, "price=4").out
    assert "closed only" in told(*ONE, "price=4").out


def test_4_7_all_reports_are_asked_what_they_can_be_asked(told):
    ran = told("what-if", "--resolved-within", "price=4", "--by", "type", "--format", "json").json
    by = {each["report"]: each["parameters"]["by"] for each in ran["reports"] if "by" in each["parameters"]}
    assert by["resolution-time"] == "type"
    assert by["receivables"] == "none"
    assert ran["left_out"] == {}
    ran = told("what-if", "--resolved-within", "price=4", "--from", "2024-01-01")
    assert "receivables is left out: The parameter period_from" in ran.err
    line = told("what-if", "--report", "receivables", "--target-days", "price=4", "--by", "type", code=1).line
    assert "group by" in line


def test_4_7_rules_come_from_a_file_and_options_go_over_it(told, tmp_path):
    told("people", "register", "rita", "--name", "Rita")
    rules = tmp_path / "rules.toml"
    rules.write_text(
        'assignment_field = "item:sector"\nbusiness_days = true\n[resolved_within]\nprice = 4\n'
        '[target_days]\nprice = 9\n[follow_up_days]\nprice = 3\n[assign]\nfood = "rita"\n'
    )
    asked = ("what-if", "--report", "resolution-time", "--rules", rules, "--format", "json")
    found = told(*asked, "--resolved-within", "price=6").json
    assert found["rules"] == [
        "disputes of type price are resolved within 6 business days",
        "the target of price is 9 days",
        "price plans its follow-up actions for 3 days later",
        "resolvers are found by item:sector",
        "the assignment value food is rita's alone",
    ]


def test_4_7_the_file_in_the_how_to_can_be_read(tmp_path):
    page = Path(__file__).parents[2] / "docs" / "how-to" / "ask-what-if.md"
    rules = tmp_path / "rules.toml"
    rules.write_text(page.read_text().partition("```toml\n")[2].partition("```")[0])
    found = read_rules(rules)
    assert found.resolved_within == {"price": 10, "quality": 20}
    assert found.target_days == {"price": 7}
    assert found.follow_up_days == {"price": 3}
    assert found.assigned == {"north": "resolver-1"}
    assert found.assignment_field == AssignmentField(AttributeOf.CUSTOMER, "region")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("price = 4", "rules.toml: price: there is no such rule; there are: resolved_within,"),
        ("resolved_within = 4", "rules.toml: resolved_within: this is no table; write [resolved_within]"),
        ("[target_days]\nprice = 1.5", "rules.toml: target_days.price: 1.5 is no number of days"),
        ("[assign]\nfood = 1", "rules.toml: assign.food: 1 is no person; give the code of one in quotes"),
        ('assignment_field = "sector"', "rules.toml: assignment_field sector: this names no attribute"),
        ("business_days = 1", "rules.toml: business_days: 1 is neither; give true or false"),
        ("[", "rules.toml: this is no TOML"),
    ],
)
def test_4_7_a_file_that_holds_no_rules_is_refused_with_place_and_cure(manager, tmp_path, text, said):
    rules = tmp_path / "rules.toml"
    rules.write_text(text)
    assert manager("what-if", "--rules", rules, code=1).line.startswith(said)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "no rule is changed; say which, for example --resolved-within price=10"),
        (("--resolved-within", "price"), "--resolved-within price: this is no rule; write it as STATUS=DAYS"),
        (("--target-days", "price=-1"), "target-days price=-1: -1 is no number of days"),
        (("--follow-up-days", "prize=1"), "follow-up-days prize=1: there is no status 'prize'; there are:"),
        (("--assign", "food"), "--assign food: this is no rule; write it as VALUE=PERSON: food=rita"),
        (("--assign", "food=nobody"), "assign food=nobody: there is no person 'nobody'; there are:"),
        (("--assignment-field", "sector"), "--assignment-field sector: this names no attribute; give item:"),
        (("--target-days", "price=1", "--as-at", "soon"), "--as-at: give a date"),
        (("--target-days", "price=1", "--rules", "nowhere.toml"), "nowhere.toml: No such file"),
    ],
)
def test_4_7_a_rule_that_cannot_be_is_refused_with_place_and_cure(manager, options, said):
    assert manager("what-if", *options, code=1).line.startswith(said)


def test_4_7_who_may_read_the_log_may_ask(told, monkeypatch):
    before = told.newest
    told.uses(told.key("collector", "Cora"))
    assert "role" in told(*ONE, "price=4", code=1).line
    monkeypatch.delenv("REDRESS_API_KEY")  # the owner of the embedded database
    assert "what if" in told(*ONE, "price=4").out
    assert told.newest == before + 2  # Cora, and her key


def test_29_auditors_ask_about_all_but_the_agenda_which_is_not_for_them(told, monkeypatch):
    monkeypatch.delenv("REDRESS_API_KEY")
    told.uses(told.key("auditor", "Audra"))
    ran = told("what-if", "--resolved-within", "price=4")
    assert "mean_days" in ran.out
    assert "agenda is left out: The role auditor does not include: read_agenda" in ran.err
    asked = ("what-if", "--report", "agenda", "--resolved-within", "price=4")
    assert "does not include: read_agenda" in told(*asked, code=1).line
