"""Cursors: what a page ended with, as one word that goes into an address."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence


def written(values: Sequence[str]) -> str:
    """*values* as a cursor."""
    return base64.urlsafe_b64encode(json.dumps([*values]).encode()).decode().rstrip("=")


def read(cursor: str) -> list[str]:
    """The values of *cursor*; none if it is no cursor at all."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        values: object = json.loads(base64.urlsafe_b64decode(padded))
    except (binascii.Error, ValueError):
        return []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return []
    return values
