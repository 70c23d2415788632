"""Amounts whose sign a file gives otherwise than by a minus: in two columns, or by a letter beside them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from api.mapping import Source
    from api.records import Record

ReadAmount: TypeAlias = Callable[[str, "Record"], Decimal | None]
"""(text of the amount's own column, record) -> the amount; None where the record gives none."""


def signed_amount(source: Source, amount_of: Callable[[str], Decimal]) -> ReadAmount:
    """A function that reads the amount of *source*; it raises CellRefused."""
    minus, turned = source.minus, source.negative_when

    def read(text: str, record: Record) -> Decimal | None:
        other = record[minus] if minus is not None else ""
        if not (text or other):
            return None
        amount = amount_of(text) if text else Decimal(0)
        if other:
            amount -= amount_of(other)
        for marker in turned:
            if marker.matches(record[marker.column]):
                amount = -amount
        return amount

    return read
