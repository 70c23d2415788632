"""The rules that are changed, and whether this company can be asked about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from domain.catalogue import LONGEST_DAYS, AssignmentField, Company, StatusKind
from domain.identity import PersonId, person_id
from domain.people import People


class RuleInvalid(ValueError):
    """A rule that this company cannot be asked about: the message names the place and the cure."""

    def __init__(self, place: str, problem: str, cure: str) -> None:
        super().__init__(f"{place}: {problem}; {cure}")


@dataclass(frozen=True, slots=True)
class Rules:
    """What is told to be otherwise; what is left out stays as it was.

    ``resolved_within``  days by type of dispute: no episode of that type takes longer; calendar days, unless
                         ``business_days``
    ``target_days``      days by status: its target
    ``follow_up_days``   days by status: when the actions that it plans by itself are due
    ``assigned``         code of a person by assignment value: theirs alone, from the beginning
    ``assignment_field`` what assigns, from the beginning
    """

    resolved_within: Mapping[str, int] = field(default_factory=dict)
    target_days: Mapping[str, int] = field(default_factory=dict)
    follow_up_days: Mapping[str, int] = field(default_factory=dict)
    assigned: Mapping[str, str] = field(default_factory=dict)
    assignment_field: AssignmentField | None = None
    business_days: bool = False

    @property
    def assign(self) -> bool:
        """Whether assignments are decided anew."""
        return bool(self.assigned) or self.assignment_field is not None

    def resolver_of(self) -> Mapping[str, PersonId]:
        """The person of each assignment value."""
        return {value: person_id(code) for value, code in self.assigned.items()}

    def sentences(self) -> Iterator[str]:
        """The rules in words."""
        kind = "business days" if self.business_days else "days"
        for type_, days in self.resolved_within.items():
            yield f"disputes of type {type_} are resolved within {days} {kind}"
        for status, days in self.target_days.items():
            yield f"the target of {status} is {days} days"
        for status, days in self.follow_up_days.items():
            yield f"{status} plans its follow-up actions for {days} days later"
        if self.assignment_field is not None:
            yield f"resolvers are found by {self.assignment_field.of}:{self.assignment_field.attribute}"
        for value, person in self.assigned.items():
            yield f"the assignment value {value} is {person}'s alone"


_DAYS: Final = f"give a whole number of days from 0 to {LONGEST_DAYS}"


def check(rules: Rules, company: Company, people: People) -> None:
    """Raise RuleInvalid for a status, type or person that the company does not have, or impossible days."""
    disputes = frozenset({StatusKind.DISPUTE})
    _check_days("resolved-within", rules.resolved_within, company, disputes)
    _check_days("target-days", rules.target_days, company, disputes)
    _check_days("follow-up-days", rules.follow_up_days, company, frozenset(StatusKind))
    codes = {person.code for person in people.persons.values()}
    for value, code in rules.assigned.items():
        if code not in codes:
            raise RuleInvalid(f"assign {value}={code}", f"there is no person {code!r}", _there_are(codes))


def _check_days(
    place: str, days_of: Mapping[str, int], company: Company, kinds: frozenset[StatusKind]
) -> None:
    known = {code for code, status in company.statuses.items() if status.kind in kinds}
    for code, days in days_of.items():
        here = f"{place} {code}={days}"
        if code not in company.statuses:
            raise RuleInvalid(here, f"there is no status {code!r}", _there_are(known))
        if code not in known:
            raise RuleInvalid(here, f"{code!r} is no type of dispute", _there_are(known))
        if not 0 <= days <= LONGEST_DAYS:
            raise RuleInvalid(here, f"{days} is no number of days for this", _DAYS)


def _there_are(codes: set[str]) -> str:
    return f"there are: {', '.join(sorted(codes)) or 'none'}"
