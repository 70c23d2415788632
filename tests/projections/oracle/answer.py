"""What a report should say, and how two answers are compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from typing import Any, TypeAlias
from uuid import UUID

Row: TypeAlias = dict[str, Any]


@dataclass
class Answer:
    """Rows and totals in no particular order, by the names of their columns."""

    rows: list[Row]
    totals: list[Row] = field(default_factory=list)


def share(part: Decimal, of: Decimal) -> Decimal | None:
    """To six places."""
    return (part / of).quantize(Decimal("0.000001"), ROUND_HALF_UP) if of else None


def differences(expected: Sequence[Row], told: Sequence[object], identity: Sequence[str]) -> list[str]:
    """Where *told* (dataclasses) says otherwise than *expected*; rows are matched by *identity*."""
    names = list(expected[0]) if expected else list(identity)
    mine = _by_identity([{name: _plain(value) for name, value in row.items()} for row in expected], identity)
    theirs = _by_identity([{name: _plain(getattr(row, name)) for name in names} for row in told], identity)
    found: list[str] = []
    for key in sorted({*mine, *theirs}):
        own, other = mine.get(key, []), theirs.get(key, [])
        if len(own) != len(other):
            found.append(f"{key}: expected {len(own)} rows {own}, told {len(other)} {other}")
            continue
        for ours, said in zip(own, other, strict=True):
            found += [
                f"{key} {name}: expected {ours[name]!r}, told {said[name]!r}"
                for name in names
                if not _same(ours[name], said[name])
            ]
    return found


def _by_identity(rows: list[Row], identity: Sequence[str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(repr([row[name] for name in identity]), []).append(row)
    return found


def _plain(value: object) -> object:
    match value:
        case UUID():
            return str(value)
        case Enum():
            return value.value
        case Mapping():
            return {name: _plain(value[name]) for name in sorted(value)}
        case list() | tuple():
            return [_plain(each) for each in value]
        case set() | frozenset():
            return sorted(str(_plain(each)) for each in value)
        case _:
            return value


def _same(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, float) or isinstance(other, float):
        if not isinstance(one, float | int | Decimal) or not isinstance(other, float | int | Decimal):
            return False
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return one == other
