"""Changed rules for `redress what-if`, from options and from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from domain.catalogue import AssignmentField, AttributeOf
from replay.what_if.rules import RuleInvalid, Rules

_DAYS: Final = ("resolved_within", "target_days", "follow_up_days")
_FIELD_CURE: Final = "give item:NAME or customer:NAME"


def days_told(option: str, told: Iterable[str]) -> dict[str, int]:
    """``STATUS=DAYS`` texts. Raises RuleInvalid, naming *option*."""
    found: dict[str, int] = {}
    for text in told:
        code, _, days = text.rpartition("=")
        if not code or not days.removeprefix("-").isdecimal():
            raise RuleInvalid(f"--{option} {text}", "this is no rule", "write it as STATUS=DAYS: price=10")
        found[code] = int(days)
    return found


def persons_told(told: Iterable[str]) -> dict[str, str]:
    """``VALUE=PERSON`` texts. Raises RuleInvalid."""
    found: dict[str, str] = {}
    for text in told:
        value, _, person = text.rpartition("=")
        if not value or not person:
            raise RuleInvalid(f"--assign {text}", "this is no rule", "write it as VALUE=PERSON: food=rita")
        found[value] = person
    return found


def field_told(place: str, told: str) -> AssignmentField:
    """``item:NAME`` or ``customer:NAME``. Raises RuleInvalid, naming *place*."""
    of, _, attribute = told.partition(":")
    if of not in set(AttributeOf) or not attribute:
        raise RuleInvalid(f"{place} {told}", "this names no attribute", _FIELD_CURE)
    return AssignmentField(AttributeOf(of), attribute)


def read_rules(path: Path) -> Rules:
    """The rules in the TOML file *path*. Raises RuleInvalid, naming file, key and cure; OSError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RuleInvalid(path.name, f"this is no TOML ({error})", "write it as in the how-to") from None
    known = (*_DAYS, "assign", "assignment_field", "business_days")
    for name in content:
        if name not in known:
            raise RuleInvalid(
                f"{path.name}: {name}", "there is no such rule", f"there are: {', '.join(known)}"
            )
    days = {name: _days(path.name, name, content.get(name, {})) for name in _DAYS}
    assigned = _table(path.name, "assign", content.get("assign", {}))
    for value, person in assigned.items():
        if not isinstance(person, str):
            place = f"{path.name}: assign.{value}"
            raise RuleInvalid(place, f"{person!r} is no person", "give the code of one in quotes")
    field, business = content.get("assignment_field"), content.get("business_days", False)
    if not isinstance(business, bool):
        raise RuleInvalid(f"{path.name}: business_days", f"{business!r} is neither", "give true or false")
    return Rules(
        **days,
        assigned={value: str(person) for value, person in assigned.items()},
        assignment_field=field_told(f"{path.name}: assignment_field", str(field)) if field else None,
        business_days=business,
    )


def _days(file: str, name: str, told: object) -> dict[str, int]:
    found: dict[str, int] = {}
    for code, days in _table(file, name, told).items():
        if not isinstance(days, int) or isinstance(days, bool):
            raise RuleInvalid(
                f"{file}: {name}.{code}", f"{days!r} is no number of days", "give a whole number"
            )
        found[code] = days
    return found


def _table(file: str, name: str, told: object) -> Mapping[str, object]:
    if not isinstance(told, Mapping):
        raise RuleInvalid(f"{file}: {name}", "this is no table", f"write [{name}] and the rules below it")
    return told
