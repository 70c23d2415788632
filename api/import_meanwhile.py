"""What others record while an import is under way and concerns it, though it writes to other streams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, TypeAlias

from domain.identity import PEOPLE_STREAM, item_id
from domain.item import ItemRegistered, RegisterItem
from store.bulk import Other, Overtaken, Watch
from store.codec import Codec
from store.execute import PremisesMoved

Identity: TypeAlias = tuple[str, str, str]
"""An item's entity, customer code and number."""

_Key: TypeAlias = tuple[str, str, str]
"""The same, the number without leading zeros."""


def identity_of(command: RegisterItem) -> Identity:
    """Of the item that *command* names."""
    return command.entity, command.customer_code, command.number


class Meanwhile:
    """The items that others have registered since the rows were compared. *position*: seen up to there."""

    def __init__(self, position: int, codec: Codec) -> None:
        self.position = position
        self._codec: Final = codec
        self._names: Final = [
            name for name in codec.types.stored_names if codec.types.way(name)[0] is ItemRegistered
        ]
        self._numbers: Final[defaultdict[_Key, set[str]]] = defaultdict(set)

    def watch(self, new: Callable[[], Iterable[Identity]]) -> Watch:
        """For an append that registers what is *new*; it raises PremisesMoved and as `require_apart`."""
        return Watch(self.position, self._names, [PEOPLE_STREAM], partial(self._look, new))

    def require_apart(self, new: Callable[[], Iterable[Identity]]) -> None:
        """Raise Overtaken naming the items of *new* whose number equals one that others have registered
        meanwhile, but for leading zeros. *new* is asked for only if they have registered any."""
        if not self._numbers:
            return
        twins = [item_id(*each) for each in new() if self._numbers.get(_key(*each), set()) - {each[2]}]
        if twins:
            raise Overtaken(frozenset(twins))

    def _look(self, new: Callable[[], Iterable[Identity]], found: list[Other]) -> None:
        if not found:
            return
        self.position = found[-1].position  # whatever is raised: this much is seen
        for other in found:
            event = self._codec.decode(other.name, other.data)
            if isinstance(event, ItemRegistered):
                self._numbers[_key(event.entity, event.customer_code, event.number)].add(event.number)
        if any(other.stream_id == PEOPLE_STREAM for other in found):
            raise PremisesMoved(PremisesMoved.__doc__)
        self.require_apart(new)


def _key(entity: str, customer_code: str, number: str) -> _Key:
    return entity, customer_code, number.lstrip("0")
