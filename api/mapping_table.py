"""Reading one table of a mapping file: each key with its type, unknown keys refused with a suggestion."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, TypeVar, cast

from api.cells import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")


class MappingRefused(Exception):
    """A mapping cannot be used. The message names the file, the key and the cure."""


class Table:
    """A TOML table that is taken apart key by key; `finish` refuses what nobody asked for."""

    def __init__(self, file: str, name: str, content: Mapping[str, object]) -> None:
        self._file = file
        self._name = name
        self._left = dict(content)
        self._known: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def refused(self, key: str, problem: str) -> MappingRefused:
        """The refusal of *key* (or of the whole table, if empty)."""
        path = ".".join(part for part in (self._name, key) if part)
        return MappingRefused(f"{self._file}: {path} {problem}")

    def text(self, key: str, default: str | None = None, *, empty_allowed: bool = False) -> str:
        """The text at *key*; without *default* it must be there."""
        text = self._take(key, str, "a text in quotation marks", default)
        if not text and default is None and not empty_allowed:
            raise self.refused(key, "is empty")
        return text

    def choice(self, key: str, known: Iterable[str], default: str | None = None) -> str:
        """The text at *key*, one of *known*."""
        return self._known_text(key, self.text(key, default), known)

    def flag(self, key: str) -> bool:
        """The truth value at *key*; false if it is not there."""
        return self._take(key, bool, "true or false", default=False)

    def whole(self, key: str, default: int, *, lowest: int, highest: int) -> int:
        """The whole number at *key*, in its bounds."""
        wanted = f"a whole number from {lowest} to {highest}"
        if key not in self._left:
            self._known.append(key)
            return default
        number = self._take(key, int, wanted)
        if isinstance(number, bool) or not lowest <= number <= highest:
            raise self.refused(key, f"must be {wanted}")
        return number

    def texts(self, key: str, *, empty_allowed: bool = False) -> list[str]:
        """The list of texts at *key*; none if it is not there."""
        wanted = "a list of texts"
        texts = self._take(key, list, wanted, [])
        if not all(isinstance(text, str) and (text or empty_allowed) for text in texts):
            raise self.refused(key, f"must be {wanted}")
        return texts

    def choices(self, key: str, known: Iterable[str]) -> list[str]:
        """The list of texts at *key*, each one of *known*."""
        known = list(known)
        return [self._known_text(key, text, known) for text in self.texts(key)]

    def wholes(self, key: str) -> list[int]:
        """The list of whole numbers at *key*; none if it is not there."""
        wanted = "a list of whole numbers"
        numbers = self._take(key, list, wanted, [])
        if not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
            raise self.refused(key, f"must be {wanted}")
        return numbers

    def text_table(self, key: str) -> dict[str, str]:
        """The table at *key* with a text for each name; empty if it is not there."""
        wanted = "a table of texts"
        table = self._take(key, dict, wanted, {})
        if not all(isinstance(text, str) and text for text in table.values()):
            raise self.refused(key, f"must be {wanted}")
        return table

    def table(self, key: str, *, required: bool = True) -> Table:
        """The table at *key*; an empty one if it is not there and need not be."""
        return self._below(key, self._take(key, dict, f"a table, [{key}]", None if required else {}))

    def table_or_text(self, key: str, shorthand: str) -> Table:
        """The table at *key*, where a bare text stands for a table with *shorthand* only."""
        return self._below(key, self._full(key, self._take(key, (dict, str), "a text or a table"), shorthand))

    def tables(self, key: str, *, shorthand: str | None = None) -> list[Table]:
        """The list of tables at *key*, where a bare text may stand for a table with *shorthand* only."""
        rows = self._take(key, list, "a list", [])
        if key in self._known and not rows and shorthand:
            raise self.refused(key, "is empty")
        named = [(f"{key}[{place}]", row) for place, row in enumerate(rows, 1)]
        return [self._below(name, self._full(name, row, shorthand)) for name, row in named]

    def peek(self, key: str) -> Table | None:
        """The table at *key* without taking it, or None if there is none."""
        content = self._left.get(key)
        return self._below(key, content) if isinstance(content, dict) else None

    def drop(self, key: str) -> None:
        """Take *key* as read."""
        self._known.append(key)
        del self._left[key]

    def take_out(self, key: str, names: Iterable[str]) -> None:
        """Take *names* of the table at *key* as read."""
        content = self._left[key]
        assert isinstance(content, dict), "it was looked into before"
        self._left[key] = {name: value for name, value in content.items() if name not in set(names)}

    def expect(self, known: Iterable[str]) -> None:
        """Refuse every key that is not in *known*."""
        self._known.extend(known)
        for key in self._left:
            if key not in self._known:
                raise self.refused(key, f"is not known{self._suggestion(key, self._known)}")

    def finish(self, hint: str = "") -> None:
        """Refuse what was not taken."""
        for key in self._left:
            raise self.refused(key, f"is not known{hint}{self._suggestion(key, self._known)}")

    def _take(self, key: str, kind: type[T] | tuple[type, ...], wanted: str, default: T | None = None) -> T:
        self._known.append(key)
        if key not in self._left:
            if default is None:
                raise self.refused(key, f"is missing; it must be {wanted}")
            return default
        value = self._left.pop(key)
        if not isinstance(value, kind):
            raise self.refused(key, f"must be {wanted}")
        return cast("T", value)

    def _known_text(self, key: str, text: str, known: Iterable[str]) -> str:
        known = list(known)
        if text not in known:
            cure = self._suggestion(text, known) or f"; use {', '.join(known)}"
            raise self.refused(key, f"is {show(text)}, which is not known{cure}")
        return text

    def _below(self, key: str, content: Mapping[str, object]) -> Table:
        return Table(self._file, f"{self._name}.{key}" if self._name else key, content)

    def _full(self, key: str, value: object, shorthand: str | None) -> Mapping[str, object]:
        if isinstance(value, str) and shorthand is not None:
            return {shorthand: value}
        if isinstance(value, dict):
            return value
        raise self.refused(key, "must hold texts or tables" if shorthand else "must hold tables")

    @staticmethod
    def _suggestion(text: str, known: Iterable[str]) -> str:
        near = difflib.get_close_matches(text, list(known), 1)
        return f"; did you mean `{near[0]}`?" if near else ""
