"""Every rule about who may import what, and what is banned, catches a planted offence."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("domain", "store", "projections", "replay", "api")
CONFIGURATION: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS: Final = {contract["id"] for contract in CONFIGURATION["tool"]["importlinter"]["contracts"]}


class Offence(NamedTuple):
    contract: str
    files: dict[str, str]
    message: str


OFFENCES: Final = [
    Offence("one-way", {"domain/planted.py": "import store.clock"}, "domain is not allowed to import store"),
    Offence(
        "one-way", {"store/planted.py": "import projections"}, "store is not allowed to import projections"
    ),
    Offence(
        "one-way", {"projections/planted.py": "import replay"}, "projections is not allowed to import replay"
    ),
    Offence("one-way", {"replay/planted.py": "import api"}, "replay is not allowed to import api"),
    Offence("standard-library", {"domain/planted.py": "import orjson"}, "domain.planted imports orjson"),
    Offence(
        "standard-library",
        {"store/embedded_supervisor.py": "import store.clock"},
        "store.embedded_supervisor imports store.clock",
    ),
    Offence("no-input-output", {"domain/planted.py": "import socket"}, "domain.planted -> socket"),
    Offence("no-input-output", {"domain/planted.py": "from os import path"}, "domain.planted -> os"),
    Offence(
        "eventsourcing", {"replay/planted.py": "import eventsourcing"}, "replay.planted -> eventsourcing"
    ),
    Offence(
        "eventsourcing",
        {"projections/planted.py": "from eventsourcing.persistence import Tracking"},
        "projections.planted -> eventsourcing",
    ),
    Offence("database", {"api/planted.py": "import psycopg"}, "api.planted -> psycopg"),
    Offence("web", {"store/planted.py": "from pydantic import BaseModel"}, "store.planted -> pydantic"),
    Offence("web", {"replay/planted.py": "import fastapi.routing"}, "replay.planted -> fastapi"),
    Offence(
        "no-cycles",
        {"domain/planted.py": "import domain.sprouted", "domain/sprouted.py": "import domain.planted"},
        "planted",
    ),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code, where something may be planted in it."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in (*PACKAGES, "tests/architecture"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture
def plant(copy: Path):
    """Write files into the copy for the time of one test."""
    replaced: dict[Path, str | None] = {}

    def plant(files: dict[str, str]) -> None:
        for name, text in files.items():
            path = copy / name
            replaced[path] = path.read_text() if path.exists() else None
            path.write_text(f"{text}\n")

    yield plant
    for path, text in replaced.items():
        if text is None:
            path.unlink()
        else:
            path.write_text(text)


def run(program: str, *arguments: str, folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, re.sub(r"\s+", " ", done.stdout + done.stderr)


@pytest.mark.parametrize("contract", sorted(CONTRACTS))
def test_the_code_keeps_every_contract(copy: Path, contract: str) -> None:
    status, said = run("lint-imports", "--no-cache", "--contract", contract, folder=copy)

    assert status == 0, said
    assert "1 kept, 0 broken" in said


@pytest.mark.parametrize(
    "offence",
    OFFENCES,
    ids=[f"{each.contract}: {next(iter(each.files))}: {each.message}" for each in OFFENCES],
)
def test_a_contract_catches_an_offence(copy: Path, plant, offence: Offence) -> None:
    plant(offence.files)

    status, said = run("lint-imports", "--no-cache", "--contract", offence.contract, folder=copy)

    assert status == 1, said
    assert "0 kept, 1 broken" in said
    assert offence.message in said


def test_an_offence_is_planted_for_every_contract() -> None:
    assert {offence.contract for offence in OFFENCES} == CONTRACTS


BANNED: Final = {
    "datetime.datetime.now": "from datetime import UTC, datetime\nx = datetime.now(UTC)",
    "datetime.datetime.utcnow": "import datetime\nx = datetime.datetime.utcnow()",
    "datetime.datetime.today": "from datetime import datetime\nx = datetime.today()",
    "datetime.date.today": "from datetime import date\nx = date.today()",
    "time.time": "from time import time\nx = time()",
    "time.time_ns": "import time\nx = time.time_ns()",
    "uuid.uuid1": "from uuid import uuid1\nx = uuid1()",
    "uuid.uuid4": "import uuid\nx = uuid.uuid4()",
    "random": "from random import choice\nx = choice([1])",
    "secrets": "import secrets\nx = secrets.token_hex()",
    "os.urandom": "import os\nx = os.urandom(8)",
}


@pytest.mark.parametrize("package", ["domain", "store", "projections", "replay"])
@pytest.mark.parametrize("name", sorted(BANNED))
def test_clocks_chance_and_made_up_ids_are_banned(copy: Path, plant, name: str, package: str) -> None:
    file = f"{package}/planted.py"
    plant({file: BANNED[name]})

    status, said = run("ruff", "check", "--no-cache", "--select=TID251", file, folder=copy)

    assert status == 1, said
    assert f"`{name}` is banned" in said


def test_every_ban_is_tried() -> None:
    tidy_imports = CONFIGURATION["tool"]["ruff"]["lint"]["flake8-tidy-imports"]
    assert set(tidy_imports["banned-api"]) == set(BANNED)


def test_the_clock_may_ask_what_is_banned(copy: Path) -> None:
    status, said = run("ruff", "check", "--no-cache", "--select=TID251", "store/clock.py", folder=copy)

    assert status == 0, said
    assert "urandom" in (copy / "store" / "clock.py").read_text()


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("TID252", "from . import identity"),
        ("C901", "def f(x):\n" + "\n".join(f"    if x == {n}:\n        return {n}" for n in range(8))),
        ("E501", f"x = '{'x' * 110}'"),
        ("D103", "def f():\n    pass"),
    ],
)
def test_a_rule_of_style_catches_an_offence(copy: Path, plant, rule: str, text: str) -> None:
    plant({"domain/planted.py": text})

    status, said = run("ruff", "check", "--no-cache", "domain/planted.py", folder=copy)

    assert status == 1
    assert rule in said


def test_a_match_that_forgets_a_case_is_a_type_error(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "planted.py").write_text(
        "class A: ...\nclass B: ...\n\n"
        "def f(x: A | B) -> int:\n    match x:\n        case A():\n            return 1\n    return 0\n"
    )

    status, said = run("mypy", "planted.py", folder=tmp_path)

    assert status == 1
    assert "[exhaustive-match]" in said
