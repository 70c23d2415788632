"""What reports and lists can be asked over HTTP: query strings made of the projections' parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from types import NoneType
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar, Union, get_args, get_type_hints
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    create_model,
    model_validator,
)

from api.bodies import Code, Day, DisputeRef, FollowUpRef, PersonRef
from projections.agenda import DAYS_AHEAD
from projections.paging import LIMIT
from projections.parameters import Parameters, attribute_filter
from projections.receivables import LONGEST

AnyParameters = TypeVar("AnyParameters", bound=Parameters)

_DATE_LENGTH: Final = len("2026-03-31")


class Query(BaseModel):
    """What a query string may hold; anything else is refused: a filter that is none would show too much."""

    model_config = ConfigDict(extra="forbid")


class CsvCells(Query):
    """How cells stand in CSV."""

    raw: bool = Field(
        default=False, description="in CSV: leave cells alone that a spreadsheet would take for a formula"
    )


class Formats(CsvCells):
    """In which form a list or report comes."""

    format: Literal["json", "csv", "xlsx", "parquet"] = Field(
        default="json", description="files hold all rows, of lists too, unless a limit is told"
    )


def _moment(value: object) -> object:
    if isinstance(value, str):
        try:
            is_date = len(value) == _DATE_LENGTH
            return date.fromisoformat(value) if is_date else datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(
                "give a date (2026-03-31) or a time with its zone (2026-03-31T09:30:00Z)"
            ) from None
    return value


def _position(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else _moment(value)


def _in_range(value: Any) -> Any:  # noqa: ANN401 - a position, a date or a moment
    if isinstance(value, int):
        if value >= 2**63:
            raise ValueError("give a position that the log can have")
    elif not 1900 <= value.year <= 2200:  # noqa: PLR2004
        raise ValueError("the year must be from 1900 to 2200")
    return value


def _recorded(value: object) -> object:
    with suppress(ValueError):
        found = _position(value)
        if type(found) is not date and not (isinstance(found, int) and found < 0):
            return found
    raise ValueError("give a position of the log (42) or a time with its zone (2026-03-31T09:30:00Z)")


_TIME_TEXT: Final = {"type": "string", "examples": ["2026-03-31", "2026-03-31T09:30:00Z"]}
_POSITION_TEXT: Final = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "format": "date-time"}]
}

AsAt = Annotated[
    date | datetime, BeforeValidator(_moment), AfterValidator(_in_range), WithJsonSchema(_TIME_TEXT),
    Field(description="as it was at this business moment; a date means its end in the company's zone"),
]  # fmt: skip
KnownAt = Annotated[
    int | datetime, BeforeValidator(_recorded), AfterValidator(_in_range), WithJsonSchema(_POSITION_TEXT),
    Field(description="as the log stood at this position or recorded time"),
]  # fmt: skip

PositionOrTime: TypeAlias = Annotated[
    int | date | datetime, BeforeValidator(_position), AfterValidator(_in_range)
]
"""A position, a day or a time."""


class Clocks(Query):
    """The moment of which something is asked; now, where nothing is said."""

    as_at: AsAt | None = None
    known_at: KnownAt | None = None

    @property
    def told(self) -> Parameters | None:
        """The same as parameters of a report; None where the present is asked for."""
        if self.as_at is None and self.known_at is None:
            return None
        return Parameters(as_at=self.as_at, known_at=self.known_at)


class KnownClock(Query):
    """As the log stood at some time; master data have no other clock."""

    known_at: KnownAt | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_one_clock(cls, told: Any) -> Any:  # noqa: ANN401 - whatever came
        if "as_at" in told:
            raise ValueError("there is no as_at here: master data are read by known_at alone")
        return told

    @property
    def told(self) -> Parameters | None:
        """The same as parameters of a report; None where the present is asked for."""
        return None if self.known_at is None else Parameters(known_at=self.known_at)


class SinceQuery(CsvCells):
    """The earlier moment, beside what the report can be asked, and in which form the account comes."""

    format: Literal["json", "csv"] = "json"
    since_as_at: Annotated[
        AsAt | None, Field(description="against the report as at this moment; left out: the same as `as_at`")
    ] = None
    since_known_at: Annotated[
        KnownAt | None,
        Field(description="against the report as the log stood then; left out: the same as `known_at`"),
    ] = None


_BY_NAME: Final[Mapping[str, Any]] = {
    "as_at": AsAt,
    "known_at": KnownAt,
    "dispute": DisputeRef,
    "follow_up": FollowUpRef,
    "item": UUID,
    "limit": Annotated[int, Field(ge=1, le=LIMIT)],
    "cursor": Annotated[str, Field(max_length=2_000, pattern="^[A-Za-z0-9_-]*$")],
    "days_ahead": Annotated[int, Field(ge=0, le=DAYS_AHEAD)],
    "days": Annotated[int, Field(ge=1, le=LONGEST)],
    "sales_days": Annotated[int, Field(ge=1, le=LONGEST)],
    "customer": Annotated[Code, Field(description="a customer's code")],
    "by": Annotated[
        Code, Field(description="grouping, such as customer or attribute:sector; two as customer,type")
    ],
}
_BY_TYPE: Final[Mapping[Any, Any]] = {str: Code, date: Day, UUID: PersonRef}

_ATTRIBUTE: Final[Any] = Field(
    default_factory=list,
    description="items with this attribute, as `name=value`; several must all hold",
    examples=[["sector=food"]],
    max_length=20,
)


def query_of(
    of: type[Parameters], extra: type[Query] = Query, *, without: frozenset[str] = frozenset()
) -> type[Query]:
    """The query strings that stand for instances of *of*, with what *extra* adds."""
    hints = get_type_hints(of)
    fields: dict[str, Any] = {}
    for each in dataclasses.fields(of):
        if each.name in without:
            continue
        if each.name == "attributes":
            fields["attribute"] = (list[Code], _ATTRIBUTE)
        else:
            fields[each.name] = (_in_query(each.name, hints[each.name]), each.default)
    return create_model(f"{of.__name__}Query", __base__=extra, __doc__=of.__doc__, **fields)


def _in_query(name: str, hint: Any) -> Any:  # noqa: ANN401 - a type hint can be anything
    arguments = get_args(hint)
    bare = next((each for each in arguments if each is not NoneType), hint)
    known = _BY_NAME.get(name) or _BY_TYPE.get(bare, bare)
    return Union[known, None] if NoneType in arguments else known  # noqa: UP007 - made at run time


def parameters_of(of: type[AnyParameters], query: Query) -> AnyParameters:
    """The parameters that *query* stands for. Raises ParameterInvalid."""
    names = {each.name for each in dataclasses.fields(of)}
    told = {name: getattr(query, name) for name in type(query).model_fields if name in names}
    if attributes := getattr(query, "attribute", None):
        told["attributes"] = attribute_filter(attributes)
    return of(**told)
