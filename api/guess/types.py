"""The type of items: from a column of types, from the signs of the amounts, or from neither."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from api.cells import show
from api.guess.words import Sure, type_of
from domain.item import ItemType

_NEGATIVE: Final = frozenset({ItemType.CREDIT_NOTE, ItemType.PAYMENT})
_MOST_VALUES: Final = 40
_BY_SIGN: Final = {"positive": "invoice", "negative": "credit_note"}


@dataclass(slots=True)
class TypeEvidence:
    """How often each type stands beside an amount above, or below, zero."""

    above: Counter[str] = field(default_factory=Counter)
    below: Counter[str] = field(default_factory=Counter)

    def take(self, text: str, *, negative: bool) -> None:
        """Count a row in; *text* is empty where no column tells types."""
        (self.below if negative else self.above)[text] += 1

    @property
    def texts(self) -> list[str]:
        """Every type that occurs, the most frequent first."""
        return [text for text, _ in (self.above + self.below).most_common()]


@dataclass(frozen=True, slots=True)
class TypeChoice:
    """What the mapping says of types: the keys of the field, and which types are to be negated."""

    keys: dict[str, object]
    negate: tuple[str, ...]
    sure: Sure
    why: str


def type_choice(column: str | None, evidence: TypeEvidence) -> TypeChoice:
    """The choice that fits every row."""
    known = {text: kind for text in evidence.texts if text and (kind := type_of(text)) is not None}
    if column is None or not known or len(evidence.texts) > _MOST_VALUES:
        return _without_types(column, evidence)
    return _by_values(column, evidence, known)


def _without_types(column: str | None, evidence: TypeEvidence) -> TypeChoice:
    lead = f"the values of {show(column)} are not known" if column else "no column tells it"
    sure = Sure.NO if column else Sure.LIKELY
    if evidence.below:
        return TypeChoice(dict(_BY_SIGN), (), sure, f"{lead}; the sign of the amount decides")
    return TypeChoice({"constant": "invoice"}, (), sure, f"{lead}, and no amount is negative")


def _by_values(column: str, evidence: TypeEvidence, known: dict[str, ItemType]) -> TypeChoice:
    values = {text: str(kind) for text, kind in known.items()}
    unknown = [text for text in evidence.texts if text not in known]
    reductions = {text for text, kind in known.items() if kind in _NEGATIVE}
    unsigned = any(evidence.above[text] for text in reductions) and not evidence.below
    keys: dict[str, object] = {"column": column, "values": values}
    if unsigned:
        negate = tuple(sorted({str(known[text]) for text in reductions}))
        return _with_rest(keys, negate, unknown, "otherwise" if unknown else None)
    if unknown or _contradicted(evidence, known):
        keys |= _BY_SIGN
        why = "the sign decides where the table has no entry, or one that it contradicts"
        return TypeChoice(keys, (), Sure.LIKELY, f"{why}{_named(unknown)}")
    return TypeChoice(keys, (), Sure.YES, "all its values are known")


def _with_rest(
    keys: dict[str, object], negate: tuple[str, ...], unknown: list[str], otherwise: str | None
) -> TypeChoice:
    if otherwise is None:
        return TypeChoice(keys, negate, Sure.YES, "all its values are known, and no amount is negative")
    rest: dict[str, object] = {otherwise: "other"}
    if "" in unknown:
        rest["when_empty"] = "other"
    return TypeChoice({**keys, **rest}, negate, Sure.NO, f"not all of its values are known{_named(unknown)}")


def _contradicted(evidence: TypeEvidence, known: dict[str, ItemType]) -> bool:
    return any(
        (kind is ItemType.INVOICE and evidence.below[text]) or (kind in _NEGATIVE and evidence.above[text])
        for text, kind in known.items()
    )


def _named(unknown: list[str]) -> str:
    return f"; not known: {', '.join(map(show, unknown[:10]))}" if unknown else ""
