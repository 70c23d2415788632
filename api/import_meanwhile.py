"""What others record while an import is under way and concerns it, though it writes to other streams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final, TypeAlias

from domain.identity import PEOPLE_STREAM
from domain.item import ClearItem, ItemRegistered, RegisterItem
from store.bulk import Other, Overtaken, Watch
from store.codec import Codec
from store.execute import PremisesMoved

_Key: TypeAlias = tuple[str, str, str]
"""Entity, customer code and number without leading zeros."""


class Meanwhile:
    """The items that others have registered since the rows were compared. *position*: seen up to there."""

    def __init__(self, position: int, codec: Codec) -> None:
        self.position = position
        self._codec: Final = codec
        self._names: Final = [
            name for name in codec.types.stored_names if codec.types.way(name)[0] is ItemRegistered
        ]
        self._numbers: Final[defaultdict[_Key, set[str]]] = defaultdict(set)

    def watch(self, commands: Sequence[RegisterItem | ClearItem]) -> Watch:
        """For an append of what *commands* lead to; it raises PremisesMoved and as `require_apart`."""
        return Watch(self.position, self._names, [PEOPLE_STREAM], partial(self._look, commands))

    def require_apart(self, commands: Iterable[RegisterItem | ClearItem]) -> None:
        """Raise Overtaken naming the items whose number equals one that others have registered meanwhile, but
        for leading zeros."""
        if not self._numbers:
            return
        new = [command for command in commands if isinstance(command, RegisterItem)]
        twins = [each.item_id for each in new if self._others(each) - {each.number}]
        if twins:
            raise Overtaken(frozenset(twins))

    def _others(self, command: RegisterItem) -> set[str]:
        return self._numbers.get(_key(command.entity, command.customer_code, command.number), set())

    def _look(self, commands: Sequence[RegisterItem | ClearItem], found: list[Other]) -> None:
        if not found:
            return
        self.position = found[-1].position  # whatever is raised: this much is seen
        for other in found:
            event = self._codec.decode(other.name, other.data)
            if isinstance(event, ItemRegistered):
                self._numbers[_key(event.entity, event.customer_code, event.number)].add(event.number)
        if any(other.stream_id == PEOPLE_STREAM for other in found):
            raise PremisesMoved(PremisesMoved.__doc__)
        self.require_apart(commands)


def _key(entity: str, customer_code: str, number: str) -> _Key:
    return entity, customer_code, number.lstrip("0")
