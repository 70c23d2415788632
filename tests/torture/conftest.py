"""Everything here is shown twice: small with every ``make test``, large with ``make torture``."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.torture.scale import LARGE, SEED, dice_of


@pytest.fixture
def say(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Says what was done: at once in the large version, with the failure in the small one."""

    def aloud(text: str) -> None:
        line = f"{request.node.name}: {text}"
        if LARGE:
            with capsys.disabled():
                print(f"\n{line}", flush=True)
        else:
            print(line)

    return aloud


@pytest.fixture
def dice(request: pytest.FixtureRequest, say: Callable[[str], None]) -> random.Random:
    """The test's chance, whose seed is said."""
    say(f"REDRESS_SEED={SEED}")
    return dice_of(request.node.name)
