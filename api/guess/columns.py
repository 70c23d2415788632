"""Which column is what: by its name, and by what its cells hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from api.guess import words
from api.guess.evidence import AmountEvidence, DateEvidence
from api.guess.layout import Layout
from api.guess.words import Sure
from api.records import FileRefused, column_list

_SAMPLE: Final = 2_000
_SHOWN: Final = 3
_MOSTLY: Final = 0.5
_DATES: Final = frozenset({"issue_date", "due_date", "cleared_on"})
_AMOUNTS: Final = frozenset({"amount", "balance", words.DEBIT, words.CREDIT})
_ORDER: Final = (
    "issue_date",
    "due_date",
    "cleared_on",
    "balance",
    "amount",
    words.DEBIT,
    words.CREDIT,
    "currency",
    words.LINE,
    "number",
    "customer_code",
    "customer_name",
    "type",
    "entity",
)


@dataclass(slots=True)
class Profile:
    """What the first cells of a column look like."""

    rows: int = 0
    filled: int = 0
    distinct: set[str] = field(default_factory=set)
    dates: DateEvidence = field(default_factory=DateEvidence)
    amounts: AmountEvidence = field(default_factory=AmountEvidence)
    samples: list[str] = field(default_factory=list)

    def take(self, row: int, text: str) -> None:
        """Count the cell *text* in."""
        self.rows += 1
        if not text:
            return
        self.filled += 1
        if text not in self.distinct and len(self.samples) < _SHOWN:
            self.samples.append(text)
        self.distinct.add(text)
        self.dates.take(row, text)
        self.amounts.take(row, text)

    @property
    def share(self) -> float:
        """How much of it is filled."""
        return self.filled / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class Column:
    """A column chosen for a field."""

    name: str
    sure: Sure
    why: str


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns by field, and what the cells of all columns look like."""

    chosen: Mapping[str, Column]
    profiles: Mapping[str, Profile]

    def __contains__(self, name: str) -> bool:
        return name in self.chosen

    def name(self, of: str) -> str:
        """The name of the column that was chosen."""
        return self.chosen[of].name


def columns_of(layout: Layout) -> Columns:
    """The columns of a file. Raises FileRefused if one that is required is not found."""
    profiles = {name: Profile() for name in layout.header if name and name not in layout.twice}
    for row, record in islice(layout.rows(), _SAMPLE):
        for name, profile in profiles.items():
            profile.take(row, record.get(name, ""))
    if not any(profile.rows for profile in profiles.values()):
        raise FileRefused(f"{layout.path.name}: has a header but no rows to look at")
    chosen: dict[str, Column] = {}
    for of in _ORDER:
        taken = {column.name for column in chosen.values()}
        free = [name for name in profiles if name not in taken]
        if (found := _best(of, free, profiles)) is not None:
            chosen[of] = found
    _complete(chosen, profiles)
    missing = [of for of in ("customer_code", "number", "issue_date") if of not in chosen]
    missing += ["amount"] if "amount" not in chosen and words.DEBIT not in chosen else []
    if missing:
        there = column_list(list(profiles))
        cure = "write the mapping by hand, or rename the column"
        raise FileRefused(
            f"{layout.path.name}: no column looks like the {missing[0]} of items; {cure}; there are {there}"
        )
    return Columns(chosen, profiles)


def _best(of: str, free: list[str], profiles: Mapping[str, Profile]) -> Column | None:
    for name, sure in words.matches(of, free):
        if _holds(of, profiles[name]):
            why = {
                Sure.YES: "by its name",
                Sure.LIKELY: "by a part of its name",
                Sure.NO: "its name is alike",
            }
            return Column(name, sure, why[sure])
    return None


def _holds(of: str, profile: Profile) -> bool:
    """Whether the cells can be what the name says."""
    checks: dict[str, Callable[[], bool]] = {
        "currency": lambda: all(len(text) == 3 and text.isalpha() for text in profile.distinct),  # noqa: PLR2004
        "number": lambda: profile.share >= _MOSTLY,
        "customer_code": lambda: profile.share >= _MOSTLY,
    }
    if of in _DATES:
        return profile.dates.is_dates
    if of in _AMOUNTS:
        return profile.filled > 0 and profile.amounts.is_amounts and not _all_dates(profile)
    return profile.filled > 0 and (of not in checks or checks[of]())


def _all_dates(profile: Profile) -> bool:
    return profile.dates.is_dates and not profile.dates.readings[frozenset()]


def _complete(chosen: dict[str, Column], profiles: Mapping[str, Profile]) -> None:
    """What only the other columns tell."""
    if "amount" not in chosen and "balance" in chosen:
        chosen["amount"] = chosen.pop("balance")
    if not {words.DEBIT, words.CREDIT} <= chosen.keys() or "amount" in chosen:
        chosen.pop(words.DEBIT, None)
        chosen.pop(words.CREDIT, None)
    if "amount" not in chosen and words.DEBIT not in chosen:
        taken = {column.name for column in chosen.values()}
        decimals = [name for name, of in profiles.items() if name not in taken and _has_decimals(of)]
        if len(decimals) == 1:
            chosen["amount"] = Column(decimals[0], Sure.NO, "the only column of amounts with decimals")
    if "customer_name" in chosen and "customer_code" not in chosen:
        chosen["customer_code"] = chosen.pop("customer_name")
    if "balance" in chosen and "cleared_on" in chosen:
        del chosen["cleared_on"]  # the balance says what is paid


def _has_decimals(profile: Profile) -> bool:
    return bool(
        profile.filled
        and profile.amounts.is_amounts
        and (profile.amounts.telling or profile.amounts.two_ways)
    )
