"""How a process divides its time: how often Python interrupts itself, and what is made ahead meanwhile."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

Part = TypeVar("Part")

_SWITCH: Final = 0.001
"""Seconds after which a thread that computes, as the feed does, lets others go on; each request asks for that
several times, and so does an import that writes one chunk while it puts the next together. With Python's own
5 ms the slowest requests took a fifth longer, and so did imports."""

_COLLECT: Final = (10_000, 20, 200)
"""What is remembered of streams, and the rows under way, are many objects and never garbage in a circle. With
Python's own numbers all of it was looked through every few seconds: requests waited 120 to 675 ms, and an
import took half as long again."""


@contextmanager
def even_pace() -> Iterator[None]:
    """Switch between threads often and look for garbage seldom, in the whole process."""
    switch, collect = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(_SWITCH)
    gc.set_threshold(*_COLLECT)
    try:
        yield
    finally:
        sys.setswitchinterval(switch)
        gc.set_threshold(*collect)


def ahead(parts: Iterator[Part]) -> Iterator[Part]:
    """*parts*, each made in another thread while the one before is in use."""
    with ThreadPoolExecutor(1) as assistant:
        following = assistant.submit(next, parts, None)
        while (part := following.result()) is not None:
            following = assistant.submit(next, parts, None)
            yield part
