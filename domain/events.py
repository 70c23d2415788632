"""What every recorded fact has in common, and the mark of personal text."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, get_args, get_type_hints
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator


class PersonalMark:
    """Says of a field that it may hold a person's name or words (spec 45)."""


PERSONAL: Final = PersonalMark()

PersonalText: TypeAlias = Annotated[str, PERSONAL]
"""Free text or a name that can be erased later without breaking the log."""


@dataclass(frozen=True, slots=True)
class Event:
    """A fact of one stream. The first field of every event class is the id of its stream."""

    @property
    def stream_id(self) -> UUID:
        """The stream that the fact belongs to."""
        names: tuple[str, ...] = self.__match_args__  # much quicker to ask for than the fields
        stream: UUID = getattr(self, names[0])
        return stream


@dataclass(frozen=True, slots=True)
class OfCompany(Event):
    """A fact of the company's own stream: settings and catalogue."""

    company: UUID


def personal_fields(event_class: type[object]) -> frozenset[str]:
    """Paths (``qualification.comment``) of the fields of *event_class* that are marked as personal."""
    hints = get_type_hints(event_class, include_extras=True)
    return frozenset(path for name, hint in hints.items() for path in _personal_paths(name, hint))


def is_marked(hint: object) -> bool:
    """Whether a type hint is of personal text, or of a mapping or an option of it."""
    return hint is PERSONAL or any(is_marked(argument) for argument in get_args(hint))


def _personal_paths(path: str, hint: object) -> Iterator[str]:
    if hint is PERSONAL:
        yield path
    elif isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield from (f"{path}.{inner}" for inner in personal_fields(hint))
    for argument in get_args(hint):
        yield from _personal_paths(path, argument)
