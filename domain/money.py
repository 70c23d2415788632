"""Amounts: exact decimals with an ISO 4217 code beside them. Never floats, never added across currencies."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

NOTHING: Final = Decimal(0)

_MOST_BEFORE: Final = 18
_MOST_AFTER: Final = 6

_CODE: Final = re.compile(r"[A-Z]{3}")


@lru_cache(maxsize=1_000)  # asked for each row of a file
def is_currency(code: str) -> bool:
    """Whether *code* has the form of an ISO 4217 code: three capital letters."""
    return _CODE.fullmatch(code) is not None


def is_storable(amount: Decimal) -> bool:
    """Whether the log and its reports can hold *amount*: at most 18 digits before the mark and 6 after it."""
    if not amount.is_finite():
        return False
    digits_after = -int(amount.as_tuple().exponent)
    return amount.adjusted() < _MOST_BEFORE and digits_after <= _MOST_AFTER


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Sum of *amounts* of one currency; ``0`` for none."""
    return sum(amounts, NOTHING)


def same_sign(one: Decimal, other: Decimal) -> bool:
    """Whether both amounts lie on the same side of zero; zero is on neither."""
    return (one > 0 and other > 0) or (one < 0 and other < 0)


def smaller(one: Decimal, other: Decimal) -> Decimal:
    """The amount nearer to zero; ``0`` when the signs differ."""
    if not same_sign(one, other):
        return NOTHING
    return min(one, other, key=abs)
