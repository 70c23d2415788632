"""What is made quickly is what its class itself makes."""

from __future__ import annotations

import dataclasses
import pickle
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Any

import pytest

from domain.made import maker, replace


@dataclass(frozen=True, slots=True)
class Named:
    kind: str

    @property
    def loud(self) -> str:
        return self.kind.upper()


@dataclass(frozen=True, slots=True)
class Told(Named):
    state: int
    others: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Later(Told):
    to: str


@pytest.mark.parametrize("usual", [Named("a"), Told("a", 1), Later("a", 1, {"b": 2}, to="c")])
def test_what_is_made_is_what_its_class_makes(usual: Named) -> None:
    values = [getattr(usual, each.name) for each in dataclasses.fields(usual)]
    kind: Any = type(usual)
    made = maker(kind)(*values)
    assert (type(made), made, repr(made)) == (type(usual), usual, repr(usual))
    assert made.loud == "A"
    assert pickle.loads(pickle.dumps(made)) == usual
    assert hash(maker(Named)("a")) == hash(Named("a"))


def test_what_is_made_stays_as_it_is() -> None:
    made = maker(Named)("a")
    with pytest.raises(FrozenInstanceError):
        made.kind = "b"
    with pytest.raises(FrozenInstanceError):
        del made.kind


def test_what_is_replaced_leaves_the_rest_and_what_it_was_made_from() -> None:
    told = Told("a", 1, {"b": 2})
    assert replace(told, state=3, kind="c") == Told("c", 3, {"b": 2})
    assert type(replace(told)) is Told
    assert told == Told("a", 1, {"b": 2})
    assert replace(told).others is told.others
    with pytest.raises(TypeError, match="Told has no colour"):
        replace(told, colour="red")  # type: ignore[call-arg] # that is what is refused


def test_every_value_must_be_given() -> None:
    with pytest.raises(TypeError):
        maker(Told)("a", 1)


@dataclass(frozen=True)
class Roomy:
    name: str


@dataclass(frozen=True, slots=True)
class Checked:
    name: str

    def __post_init__(self) -> None:
        assert self.name


@dataclass(frozen=True, slots=True)
class Reckoned:
    name: str
    length: int = field(init=False, default=0)


@dataclass(frozen=True, slots=True)
class Hidden:
    _kind: str


@pytest.mark.parametrize("kind", [Roomy, Checked, Reckoned, Hidden, str])
def test_a_class_that_does_more_is_refused(kind: type) -> None:
    with pytest.raises(TypeError, match=f"{kind.__qualname__} is not a dataclass of nothing but slots"):
        maker(kind)
