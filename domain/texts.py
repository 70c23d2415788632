"""Which texts are kept: how long they may be, and which characters no text has. For every command, wherever
it comes from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from types import NoneType
from typing import Any, Final, get_type_hints
from uuid import UUID

from domain.events import is_marked
from domain.refusals import TextNotStorable, TextTooLong

LONGEST_CODE: Final = 200
"""Characters of a code, number, reference, name or title: short, for many of them are keys of an index."""

LONGEST_TEXT: Final = 20_000
"""Characters of free text: comments, reasons, attributes."""

FREE_TEXT: Final = frozenset({"reason"})
"""Fields of free text that are not marked as personal."""


def require_storable(told: object) -> None:
    """Raise TextTooLong or TextNotStorable for the first text in the dataclass *told* that cannot be kept."""
    for place, text, longest in _texts(told, ""):
        if len(text) > longest:
            raise TextTooLong(place, len(text), longest)
        if not is_storable(text):
            raise TextNotStorable(place)


def is_storable(text: str) -> bool:
    """Whether the log and its reports can hold *text*: neither NUL nor half of a surrogate pair is in it."""
    if text.isascii():
        return "\0" not in text
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)


def _texts(told: object, place: str) -> Iterator[tuple[str, str, int]]:
    """Each text in a dataclass, with its place as a JSON Pointer and the most characters that it may have."""
    for name, longest in _fields(type(told)):
        value = getattr(told, name)
        if value.__class__ not in _WITHOUT_TEXT:
            yield from _texts_in(value, f"{place}/{name}", longest)


def _texts_in(value: object, place: str, longest: int) -> Iterator[tuple[str, str, int]]:
    if isinstance(value, str):
        yield place, value, longest
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if isinstance(key, str):
                yield place, key, LONGEST_CODE
                yield from _texts_in(each, f"{place}/{_in_pointer(key)}", longest)
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            yield from _texts_in(each, f"{place}/{number}", longest)
    elif dataclasses.is_dataclass(value):
        yield from _texts(value, place)


_WITHOUT_TEXT: Final = frozenset({NoneType, UUID, bool, date, datetime, Decimal})
"""Most fields are of these, and every command is looked through."""


def _in_pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _fields(kind: type[Any]) -> tuple[tuple[str, int], ...]:
    # Looking hints up takes far longer than looking at the texts.
    if kind not in _KNOWN:
        hints = get_type_hints(kind, include_extras=True)
        names = [each.name for each in dataclasses.fields(kind)]
        free = {name for name in names if name in FREE_TEXT or is_marked(hints[name])}
        _KNOWN[kind] = tuple((name, LONGEST_TEXT if name in free else LONGEST_CODE) for name in names)
    return _KNOWN[kind]


_KNOWN: Final[dict[type[Any], tuple[tuple[str, int], ...]]] = {}
