"""Items from a file: `read_items` turns the rows of a CSV or JSON lines file into item rows and rejections.

A file is read twice, so that what refuses it as a whole is known before its first row is handed out, and so
that rows which share an identity can name each other. In between, eight bytes a row are kept."""

from __future__ import annotations

import hashlib
from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from api.item_rows import FieldRefused, Identity, ItemRow, RowReader
from api.mapping import ItemMapping, shipped_mappings
from api.mapping_file import read_mapping
from api.mapping_table import MappingRefused
from api.records import Broken, FileRefused, Record
from api.undated_years import in_its_year

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = [
    "FileRefused",
    "ItemMapping",
    "ItemRow",
    "MappingRefused",
    "Rejection",
    "digest",
    "read_items",
    "read_mapping",
    "shipped_mappings",
]

_BUCKETS: Final = 256
_NAMED_TWINS: Final = 5
_PAIR: Final = 2


@dataclass(frozen=True, slots=True)
class Rejection:
    """One row that stays outside, where and why; *identity* if it could still be read."""

    row: int
    column: str | None
    reason: str
    identity: Identity | None


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises FileRefused if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileRefused(f"{path.name}: cannot be read: {error.strerror}") from None


def read_items(
    path: Path, mapping: ItemMapping, *, default_currency: str, default_entity: str
) -> Iterator[ItemRow | Rejection]:
    """Every row of the file that is not blank, a repeated header or a declared subtotal, in its order.

    Raises FileRefused before this returns if the file as a whole cannot be used."""
    rows = RowReader(path, in_its_year(mapping, path), default_currency, default_entity)
    twins = _find_twins(rows)
    return _read_rows(rows, twins)


@dataclass(slots=True)
class Twins:
    """Rows that have one identity: how many, and the first few to be named."""

    count: int = 0
    named: list[int] = field(default_factory=list)

    def add(self, row: int) -> None:
        """Count *row* in."""
        self.count += 1
        if len(self.named) <= _NAMED_TWINS:
            self.named.append(row)

    def reason_against(self, row: int) -> str:
        """Why *row* is rejected: it names the others."""
        named = [str(other) for other in self.named if other != row][:_NAMED_TWINS]
        more = self.count - 1 - len(named)
        others = ("row " if self.count == _PAIR else "rows ") + ", ".join(named)
        tail = f" and {more} more" if more else ""
        return f"has the same entity, customer and number as {others}{tail}; keep one of them"


def _read_rows(rows: RowReader, twins: Mapping[Identity, Twins]) -> Iterator[ItemRow | Rejection]:
    for row, record in rows.records():
        if isinstance(record, Broken):
            yield Rejection(row, None, record.reason, None)
        else:
            yield _read_row(rows, row, record, twins)


def _read_row(
    rows: RowReader, row: int, record: Record, twins: Mapping[Identity, Twins]
) -> ItemRow | Rejection:
    identity: Identity | None = None
    try:
        identity = rows.identity(record)
        if identity in twins:
            return Rejection(row, None, twins[identity].reason_against(row), identity)
        return rows.item(row, record, identity)
    except FieldRefused as refusal:
        return Rejection(row, refusal.column, str(refusal), identity)


def _find_twins(rows: RowReader) -> dict[Identity, Twins]:
    """The identities that several rows have, with those rows."""
    suspects = _repeated_hashes(rows)
    found: defaultdict[Identity, Twins] = defaultdict(Twins)
    if suspects:
        for row, record in rows.records():
            identity = rows.identity_or_none(record)
            if identity is not None and hash(identity) in suspects:
                found[identity].add(row)
    return {identity: twins for identity, twins in found.items() if twins.count > 1}


def _repeated_hashes(rows: RowReader) -> set[int]:
    """Hashes that occur more than once; small buckets are sorted one by one to need little memory."""
    buckets = [array("q") for _ in range(_BUCKETS)]
    for row, record in rows.records():
        rows.check_dates(row, record)
        identity = rows.identity_or_none(record)
        if identity is not None:
            value = hash(identity)
            buckets[value % _BUCKETS].append(value)
    return {one for bucket in buckets for one, next_one in pairwise(sorted(bucket)) if one == next_one}
