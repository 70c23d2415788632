"""What a file is called and how long it may be."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
SAYS_NOTHING: Final = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc"}
LONGEST: Final = 400
LONGER: Final = {
    "domain/dispute.py": 700,  # an aggregate is read top-down in one file: commands, events, state, decisions
    "domain/item.py": 540,
    "domain/refusals.py": 750,  # a list
}

FILES: Final = sorted(
    path.relative_to(ROOT)
    for folder in ("domain", "store", "projections", "replay", "api", "bench", "docs", "tests")
    for path in (ROOT / folder).rglob("*.py")
)


def names_that_say_nothing(files: list[Path]) -> list[Path]:
    """Those of which a part of the path, or a word in it, names no subject."""
    return [
        file
        for file in files
        if SAYS_NOTHING & {word for part in file.with_suffix("").parts for word in part.split("_")}
    ]


def length(file: Path) -> int:
    return len((ROOT / file).read_text().splitlines())


def test_the_files_are_found() -> None:
    assert Path("store/embedded.py") in FILES


def test_every_module_is_named_after_what_it_is_about() -> None:
    assert names_that_say_nothing(FILES) == []


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("store/utils.py", True),
        ("domain/money_helpers.py", True),
        ("api/common/dates.py", True),
        ("api/routes/database.py", False),
        ("domain/item.py", False),
    ],
)
def test_a_name_that_says_nothing_is_found(file: str, found: bool) -> None:  # noqa: FBT001 - expected answer
    assert bool(names_that_say_nothing([Path(file)])) is found


@pytest.mark.parametrize("file", [str(file) for file in FILES if file.parts[0] != "tests"])
def test_no_file_is_too_long_to_be_read_in_one_go(file: str) -> None:
    assert length(Path(file)) <= LONGER.get(file, LONGEST)


# --- what a merge leaves behind ----------------------------------------------------------------------

WRITTEN: Final = {".py", ".md", ".sql", ".toml", ".json"}
MARKS: Final = tuple(sign * 7 + " " for sign in "<>|")
"""How lines begin between which somebody has yet to choose."""


def unmerged(text: str) -> bool:
    return any(line.startswith(MARKS) for line in text.splitlines())


def test_no_file_holds_two_versions_of_a_line() -> None:
    folders = [ROOT / name for name in {file.parts[0] for file in FILES}]
    written = [path for folder in folders for path in folder.rglob("*") if path.suffix in WRITTEN]
    written += [path for path in ROOT.iterdir() if path.suffix in WRITTEN]
    assert ROOT / "CHANGELOG.md" in written
    assert [path for path in written if unmerged(path.read_text(encoding="utf-8"))] == []


def test_two_versions_of_a_line_are_found() -> None:
    assert unmerged(f"one\n{'<' * 7} here\ntwo\n{'=' * 7}\n2\n{'>' * 7} there\n")
    assert not unmerged("a << b\n=======\n")
