"""What the tests of the command line share: companies to give commands to, and small files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.command_line import Redress, elsewhere, owning
from tests.api.item_file_case import HEADER, mapping_text


@pytest.fixture
def owner(database, monkeypatch, capsys, tmp_path):
    """Who owns the data directory: administrator of the company acme without a key."""
    redress = owning(Redress(database, monkeypatch, capsys), monkeypatch, tmp_path)
    redress("found", "acme", "--name", "Acme", "--currency", "USD")
    return redress


@pytest.fixture
def manager(owner):
    """A credit manager of acme, by key."""
    owner.uses(owner.key("credit_manager", "Mona Reyes"))
    return owner


@pytest.fixture
def stranger(database, monkeypatch, capsys):
    """Somebody who can reach the PostgreSQL server of others, in which acme has its tables."""
    return elsewhere(Redress(database, monkeypatch, capsys), monkeypatch)


def item_file(directory: Path, *rows: str, name: str = "items.csv") -> tuple[Path, Path]:
    """A file of items and its mapping."""
    file, mapping = directory / name, directory / "map.toml"
    file.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    mapping.write_text(mapping_text(), encoding="utf-8")
    return file, mapping


def row(number: object, amount: str = "10.00") -> str:
    return f"C1,{number},invoice,2024-01-31,2024-03-01,{amount}"


def has_items(redress: Redress, directory: Path, *numbers: object) -> None:
    """Import invoices with these numbers."""
    file, mapping = item_file(directory, *map(row, numbers))
    redress("import-items", file, "--mapping", mapping)
