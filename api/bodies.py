"""The shapes of what comes over the wire: short and long texts, amounts, days, references to things, and the
models that are made of the domain's command classes."""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    create_model,
)

from domain import item
from domain.commands import UNCHANGED, Unchanged
from domain.events import PersonalText
from domain.identity import (
    CustomerId,
    DisputeId,
    FollowUpId,
    ImportId,
    ItemId,
    KeyId,
    PersonId,
    customer_id,
    dispute_id,
    follow_up_id,
    person_id,
)
from domain.texts import FREE_TEXT, LONGEST_CODE, LONGEST_TEXT

_NO_NUL: Final = r"^[^\x00]*$"
_YEARS: Final = range(1900, 2201)

Text = Annotated[str, Field(max_length=LONGEST_TEXT, pattern=_NO_NUL)]
"""Free text. PostgreSQL cannot keep the character NUL."""

Code = Annotated[str, Field(max_length=LONGEST_CODE, pattern=_NO_NUL)]
"""A code, number, reference or name."""

SLASH: Final = "\ufdd0"
"""Stands for a slash that belongs to a key (``%2F``) while a path is taken apart; it is no character."""

InPath = Annotated[Code, AfterValidator(lambda key: key.replace(SLASH, "/"))]
"""A code or reference that stands in a path."""

ITEM_IN_PATH: Final = (
    "id of the item; the search finds it by what the ledger calls it:"
    " /v1/items?customer=C-1001&number=4711, with entity=north if that leaves several, and is_open=false if"
    " it is cleared"
)


def _item_in_path(value: object) -> object:
    try:
        return UUID(str(value))
    except ValueError:
        raise ValueError(f"give the {ITEM_IN_PATH}") from None


ItemInPath = Annotated[UUID, BeforeValidator(_item_in_path)]
"""The id of an item that stands in a path."""

Amount = Annotated[Decimal, Field(max_digits=24, decimal_places=6, examples=["1250.00"])]
Whole = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


def _plausible(value: Any) -> Any:  # noqa: ANN401 - a date or a moment, and stays what it was
    if value.year not in _YEARS:
        raise ValueError(f"the year must be from {_YEARS.start} to {_YEARS.stop - 1}")
    return value


_BEGINS_WITH_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _written_out(value: object) -> object:
    """Numbers would be seconds since 1970, and so would compact dates."""
    if isinstance(value, date) or (isinstance(value, str) and _BEGINS_WITH_DAY.match(value)):
        return value
    raise ValueError("write it as YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ")


Day = Annotated[date, AfterValidator(_plausible), Field(examples=["2026-03-31"])]
Time = Annotated[
    datetime | date,
    BeforeValidator(_written_out),
    AfterValidator(_plausible),
    Field(
        description="a moment, or a date: its start in the company's zone", examples=["2026-03-31T09:30:00Z"]
    ),
]


_SHORTEST_UUID: Final = 32
"""Characters: the digits, without hyphens."""


def _reference(named: Callable[[str], UUID]) -> Callable[[object], object]:
    """What is no UUID is somebody's own key; its id follows from it."""

    def read(value: object) -> object:
        if not isinstance(value, str) or not value:
            return value
        if len(value) < _SHORTEST_UUID:
            return named(value)
        try:
            return UUID(value)
        except ValueError:
            return named(value)

    return read


def _ref(named: Callable[[str], UUID], description: str) -> Any:  # noqa: ANN401 - a type with its description
    shown = {"type": "string", "minLength": 1, "maxLength": LONGEST_CODE, "pattern": _NO_NUL}
    return Annotated[
        UUID, BeforeValidator(_reference(named)), Field(description=description), WithJsonSchema(shown)
    ]


DisputeRef = _ref(dispute_id, "id, or the opener's own reference")
FollowUpRef = _ref(follow_up_id, "id, or the planner's own reference")
PersonRef = _ref(person_id, "id or code of a person")
CustomerRef = _ref(customer_id, "id or code of a customer")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False, ser_json_inf_nan="strings")


class ItemIdentity(_Body):
    """An item by what the ledger calls it; without an entity the company's default one."""

    customer_code: Code
    number: Code
    entity: Code | None = None


class AmountOfItem(_Body):
    """What is disputed of one item."""

    item: UUID | ItemIdentity
    amount: Amount


class RegisterItemBody(_Body):
    """An item as a ledger gives it. Balance defaults to the amount, currency and entity to the company's."""

    customer_code: Code
    number: Code
    type: item.ItemType
    issue_date: Day
    due_date: Day
    amount: Amount
    balance: Amount | None = None
    currency: Code | None = None
    entity: Code | None = None
    attributes: dict[Code, Text] = Field(default_factory=dict)
    customer_name: Code | None = None
    cleared_on: Day | None = None
    accept_as_new: bool = False


_REFS: Final[Mapping[object, object]] = {
    ItemId: UUID | ItemIdentity,
    DisputeId: DisputeRef,
    FollowUpId: FollowUpRef,
    PersonId: PersonRef,
    CustomerId: CustomerRef,
    KeyId: UUID,
    ImportId: UUID,
    Decimal: Amount,
    datetime: Time,
    date: Day,
    int: Whole,
    str: Code,
    PersonalText: Text,
}

_MOST_ITEMS: Final = 5_000


_MODELS: Final[dict[tuple[str, frozenset[str | None]], type[BaseModel]]] = {}
"""The same class must have one model, or it stands twice in the description of the API."""


def model_of(of: type, name: str, left_out: frozenset[str | None] = frozenset()) -> type[BaseModel]:
    """The model of the dataclass *of*: its fields but for those *left_out*."""
    if (name, left_out) not in _MODELS:
        _MODELS[name, left_out] = create_model(
            name, __base__=_Body, __doc__=of.__doc__, **_fields(of, left_out)
        )
    return _MODELS[name, left_out]


def _fields(of: type, left_out: frozenset[str | None]) -> dict[str, Any]:
    hints = get_type_hints(of, include_extras=True)
    fields: dict[str, Any] = {}
    for each in dataclasses.fields(of):
        if each.name not in left_out:
            kind = Text if each.name in FREE_TEXT else on_wire(hints[each.name])
            fields[each.name] = (kind, _default(each))
    return fields


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


def _default(of: dataclasses.Field[Any]) -> Any:  # noqa: ANN401 - pydantic's, or any value
    if of.default is UNCHANGED:
        # What is absent is told from null by what was set, so the default is never read nor described.
        return Field(
            None,
            description="null takes it away; left out, it stays",
            json_schema_extra=_without_default,
        )
    return of.default if of.default is not MISSING else ...


def on_wire(hint: Any) -> Any:  # noqa: ANN401 - a type hint can be anything
    """What a field of type *hint* is over the wire."""
    if hint in _REFS:
        return _REFS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return on_wire(arguments[0])
    if origin in {Union, types.UnionType}:
        told = [each for each in arguments if each is not Unchanged]
        return Union[tuple(on_wire(each) for each in told)]  # noqa: UP007 - made at run time
    if origin is tuple:
        several = types.GenericAlias(tuple, (on_wire(arguments[0]), ...))
        return Annotated[several, Field(max_length=_MOST_ITEMS)]
    if arguments and arguments[0] is ItemId:
        return Annotated[list[AmountOfItem], Field(max_length=_MOST_ITEMS)]
    if origin is Mapping:
        return types.GenericAlias(dict, tuple(on_wire(each) for each in arguments))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return model_of(hint, hint.__name__)
    return hint
