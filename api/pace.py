"""How a process divides its time: how often Python interrupts itself, and what is made ahead meanwhile."""

from __future__ import annotations

import gc
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

Part = TypeVar("Part")

_SWITCH: Final = 0.001
"""Seconds after which a thread that computes, as the feed does, lets others go on; each request asks for that
several times, and so does an import that writes one chunk while it puts the next together. With Python's own
5 ms the slowest requests took a fifth longer, and so did imports."""

_YOUNG: Final = 10_000
_COLLECT: Final = (20, 200)
"""What is remembered of streams, and the rows under way, are many objects and never garbage in a circle. With
Python's own numbers all of it was looked through every few seconds: requests waited 120 to 675 ms, and an
import took half as long again."""

MANY_ROWS: Final = 200_000
"""More objects than the rows under way in an import: they are gone before they are looked through."""

_PYTHONS: Final = sys.getswitchinterval(), gc.get_threshold()

_asked: Final[list[int]] = []
"""By those who are in `even_pace` now: imports come and go, also several at once, while the server is."""


@contextmanager
def even_pace(young: int = _YOUNG) -> Iterator[None]:
    """Switch between threads often and look for garbage seldom, in the whole process: whenever there are
    *young* objects more, or the most that anybody asks for at the moment."""
    _asked.append(young)
    _set()
    try:
        yield
    finally:
        _asked.remove(young)
        _set()


def _set() -> None:
    switch, collect = (_SWITCH, (max(_asked), *_COLLECT)) if _asked else _PYTHONS
    sys.setswitchinterval(switch)
    gc.set_threshold(*collect)


def ahead(parts: Iterator[Part], number: int = 1) -> Iterator[Part]:
    """*parts*, each made in another thread while the one before is in use, or so many before it."""
    with ThreadPoolExecutor(1) as assistant:
        following = deque(assistant.submit(next, parts, None) for _ in range(number))
        while (part := following.popleft().result()) is not None:
            following.append(assistant.submit(next, parts, None))
            yield part
