"""Values as PostgreSQL's COPY reads them in its binary format: each with its length before it, numbers with
the most significant byte first. The server takes them in without looking at each character."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Final
from uuid import UUID

BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""Before the first row: no flags, and no more of a header."""

END: Final = b"\xff\xff"
"""After the last row."""

NULL: Final = b"\xff\xff\xff\xff"

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

length: Final = Struct(">i").pack
"""Of the bytes that follow it."""

_whole = Struct(">iq").pack


def moment(value: datetime) -> bytes:
    """A timestamptz: *value* has a zone."""
    return _whole(8, (value - _EPOCH) // _MICROSECOND)


def text(value: str) -> bytes:
    """A text."""
    told = value.encode()
    return length(len(told)) + told


def uuid(value: UUID | None) -> bytes:
    """An id, or none."""
    return NULL if value is None else length(16) + value.bytes
