"""`redress found`, `settings` and `statuses`."""

from __future__ import annotations

import pytest

from tests.api.cli_case import manager, owner, stranger
from tests.api.command_line import Redress, owning

__all__ = ["manager", "owner", "stranger"]


# --- found -----------------------------------------------------------------------------------------


def test_a_company_is_founded_with_its_settings_and_a_catalogue(database, monkeypatch, capsys, tmp_path):
    redress = owning(Redress(database, monkeypatch, capsys), monkeypatch, tmp_path)
    redress(
        "found",
        "globex",
        "--name",
        "Globex",
        "--zone",
        "Europe/Paris",
        "--currency",
        "GBP",
        "--country",
        "FR",
        "--language",
        "fr",
        "--entity",
        "north",
    )
    told = redress("settings", "show", "--format", "json", "--company", "globex").json
    assert (
        told
        | {
            "name": "Globex",
            "zone": "Europe/Paris",
            "currency": "GBP",
            "country": "FR",
            "language": "fr",
            "default_entity": "north",
        }
        == told
    )
    assert "price" in redress("statuses", "list", "--company", "globex").out


def test_founding_it_again_changes_nothing(owner):
    before = owner.newest
    assert "exists; nothing changed" in owner("found", "acme", "--currency", "CAD").err
    assert owner.newest == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Bad Name"], "Bad Name"),
        (["globex", "--zone", "Mars"], "'Mars' is not a time zone"),
        (["globex", "--currency", "euro"], "'euro' is not a currency"),
    ],
)
def test_what_no_company_can_be(owner, arguments, said):
    assert said in owner("found", *arguments, code=1).line
    assert owner.rows("select id from redress.companies") == [("acme",)]


# --- settings and statuses -------------------------------------------------------------------------


def test_settings_change_one_by_one(owner):
    owner(
        "settings",
        "change",
        "--safety-share",
        "0.5",
        "--ageing-buckets",
        "10,20",
        "--assignment-field",
        "customer:sector",
    )
    told = owner("settings", "show", "--format", "json").json
    assert told["safety_share"] == "0.5"
    assert told["ageing_buckets"] == [10, 20]
    assert told["assignment_field"] == {"of": "customer", "attribute": "sector"}
    assert told["name"] == "Acme"
    before = owner.newest
    assert "nothing to change" in owner("settings", "change", "--safety-share", "0.5").err
    assert owner.newest == before
    assert "safety_share" in owner("settings", "show").out
    assert "safety_share,0.5" in owner("settings", "show", "--format", "csv").out


@pytest.mark.parametrize("share", ["2", "-1"])
def test_settings_that_cannot_be(owner, share):
    before = owner.newest
    assert "safety_share" in owner("settings", "change", f"--safety-share={share}", code=1).line
    assert owner.newest == before


def test_a_status_is_defined_and_retired(owner):
    owner(
        "statuses",
        "define",
        "packaging",
        "--kind",
        "dispute",
        "--label",
        "en=Packaging",
        "--label",
        "fr=Emballage",
        "--target-days",
        "20",
        "--not-automatic",
    )
    (found,) = [
        each for each in owner("statuses", "list", "--format", "json").json if each["code"] == "packaging"
    ]
    assert (found["labels"], found["target_days"], found["automatic"], found["active"]) == (
        {"en": "Packaging", "fr": "Emballage"},
        20,
        False,
        True,
    )
    owner("statuses", "retire", "packaging")
    (found,) = [
        each for each in owner("statuses", "list", "--format", "json").json if each["code"] == "packaging"
    ]
    assert not found["active"]
    before = owner.newest
    assert "retired already" in owner("statuses", "retire", "packaging").err
    assert owner.newest == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["retire", "colour"], "no status 'colour'; it has: "),
        (["define", "price", "--kind", "ongoing", "--label", "en=Price"], "its kind is dispute for ever"),
        (["define", "x", "--kind", "dispute", "--label", "Price"], "write name=value"),
        (["define", "x", "--kind", "dispute", "--label", "en=X", "--follow-up-days", "-3"], "days are 0 to"),
        (
            ["define", "x", "--kind", "dispute", "--label", "en=X", "--action-template", "none"],
            "define it first",
        ),
    ],
)
def test_a_status_that_cannot_be(owner, arguments, said):
    before = owner.newest
    assert said in owner("statuses", *arguments, code=1).line
    assert owner.newest == before


def test_27_country_and_assignment_field_are_taken_away(owner):
    owner("settings", "change", "--country", "FR", "--assignment-field", "item:sector")
    owner("settings", "change", "--no-country")
    told = owner("settings", "show", "--format", "json").json
    assert (told["country"], told["assignment_field"]) == (None, {"of": "item", "attribute": "sector"})
    owner("settings", "change", "--no-assignment-field")
    assert owner("settings", "show", "--format", "json").json["assignment_field"] is None
