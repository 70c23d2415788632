"""When Python looks for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_COLLECT: Final = (10_000, 20, 200)
"""What is remembered of streams, and the rows under way, are many objects and never garbage in a circle. With
Python's own numbers all of it was looked through every few seconds: requests waited 120 to 675 ms, and an
import took half as long again."""


@contextmanager
def seldom() -> Iterator[None]:
    """Look for garbage seldom, in the whole process."""
    before = gc.get_threshold()
    gc.set_threshold(*_COLLECT)
    try:
        yield
    finally:
        gc.set_threshold(*before)
