"""What can be taken away again: by an option such as ``--no-collector``, in a file by a hyphen."""

from __future__ import annotations

from typing import Final, TypeVar

import typer

from domain.commands import UNCHANGED, Unchanged

Told = TypeVar("Told")

TAKEN_AWAY: Final = "-"
"""A cell that takes away what is there. An empty one leaves it: few files have every column filled."""


def told_or_not(told: Told | None, option: str, *, taken_away: bool) -> Told | Unchanged | None:
    """What *option* (``--country``) says: a value, None to take it away, else it stays.

    Raises typer.BadParameter if both are said.
    """
    if told is not None and taken_away:
        raise typer.BadParameter(f"say {option}, or --no-{option.removeprefix('--')}, not both")
    if told is None and not taken_away:
        return UNCHANGED
    return told


def cell(cells: dict[str, str], column: str) -> str | Unchanged | None:
    """What a row says in *column*: a value, or None for a hyphen; an empty or missing cell leaves it."""
    told = cells.get(column)
    if told is None:
        return UNCHANGED
    return None if told == TAKEN_AWAY else told
