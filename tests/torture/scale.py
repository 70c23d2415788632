"""How much is done, and by which dice: a little with every ``make test``, much with ``make torture``."""

from __future__ import annotations

import os
import random
from typing import Final, TypeVar

Amount = TypeVar("Amount", int, float)

LARGE: Final = os.environ.get("REDRESS_TORTURE") == "1"

SEED: Final = int(os.environ.get("REDRESS_SEED") or random.SystemRandom().randrange(1_000_000))
"""Of all that is left to chance. The same seed makes the same choices; what the machine makes of them, which
process runs when, is never quite the same."""


def sized(*, small: Amount, large: Amount) -> Amount:
    """The one that is asked for."""
    return large if LARGE else small


def dice_of(name: str) -> random.Random:
    """Chance of its own for what is called *name*."""
    return random.Random(f"{SEED} {name}")
