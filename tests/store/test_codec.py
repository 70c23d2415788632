"""Every type of field comes back as it went; older shapes are read; what would not come back is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, NewType, Optional
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import PERSONAL, Event, PersonalText
from domain.identity import ItemId
from store.clock import new_id, now
from store.codec import Codec, Undecodable, Unencodable, Versioned
from store.event_types import TABLE, BadEventTable, EventTypes, UnknownEventType
from store.json_shapes import Unsupported, compiled

Code = NewType("Code", str)


class Channel(StrEnum):
    PHONE = "phone"
    EMAIL = "e-mail"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Mood(Enum):
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Disputed:
    item: ItemId
    money: Money
    parts: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Everything(Event):
    id: UUID
    text: str
    personal: PersonalText
    marked: Annotated[str | None, PERSONAL]
    code: Code
    count: int
    flag: bool
    amount: Decimal
    item: ItemId
    day: date
    moment: datetime
    channel: Channel
    level: Level
    mood: Mood
    items: tuple[Disputed, ...]
    days: tuple[date, ...]
    words: tuple[str, ...]
    people: frozenset[UUID]
    channels: frozenset[Channel]
    codes: frozenset[Code]
    attributes: Mapping[str, str]
    labels: Mapping[Channel, str]
    balances: Mapping[Code, Decimal]
    resolver: UUID | None
    credited: Decimal | None
    promised: Optional[date]  # noqa: UP045 - both ways of writing it are read
    note: str | None
    first: Disputed | None
    several: tuple[Decimal | None, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ByKeyword(Event):
    id: UUID
    amounts: tuple[Decimal, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Bare(Event):
    id: UUID


TYPES = EventTypes({"everything.v1": Everything, "by-keyword.v1": ByKeyword, "bare.v1": Bare})
CODEC = Codec(TYPES)

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
decimals = st.decimals(allow_nan=False, allow_infinity=False)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=zones)  # noqa: DTZ001 - they get zones
money = st.builds(Money, decimals, texts)
disputed = st.builds(Disputed, st.uuids(), money, st.lists(money, max_size=2).map(tuple))
everything = st.builds(
    Everything,
    id=st.uuids(),
    text=texts,
    personal=texts,
    marked=st.none() | texts,
    code=texts,
    count=st.integers(-(2**63), 2**63 - 1),
    flag=st.booleans(),
    amount=decimals,
    item=st.uuids(),
    day=st.dates(),
    moment=moments,
    channel=st.sampled_from(Channel),
    level=st.sampled_from(Level),
    mood=st.sampled_from(Mood),
    items=st.lists(disputed, max_size=2).map(tuple),
    days=st.lists(st.dates(), max_size=2).map(tuple),
    words=st.lists(texts, max_size=2).map(tuple),
    people=st.frozensets(st.uuids(), max_size=3),
    channels=st.frozensets(st.sampled_from(Channel)),
    codes=st.frozensets(texts, max_size=3),
    attributes=st.dictionaries(texts, texts, max_size=3),
    labels=st.dictionaries(st.sampled_from(Channel), texts),
    balances=st.dictionaries(texts, decimals, max_size=3),
    resolver=st.none() | st.uuids(),
    credited=st.none() | decimals,
    promised=st.none() | st.dates(),
    note=st.none() | texts,
    first=st.none() | disputed,
    several=st.none() | st.lists(st.none() | decimals, max_size=3).map(tuple),
)
SAMPLE = Everything(
    id=new_id(),
    text="text",
    personal="Ann",
    marked=None,
    code=Code("c"),
    count=1,
    flag=True,
    amount=Decimal("1.20"),
    item=ItemId(new_id()),
    day=date(2026, 1, 2),
    moment=now(),
    channel=Channel.PHONE,
    level=Level.LOW,
    mood=Mood.GOOD,
    items=(),
    days=(),
    words=(),
    people=frozenset(),
    channels=frozenset(),
    codes=frozenset(),
    attributes={},
    labels={},
    balances={},
    resolver=None,
    credited=None,
    promised=None,
    note=None,
    first=None,
    several=None,
)


@settings(deadline=None)  # a busy machine is no fault
@given(everything)
def test_every_type_comes_back_as_it_went(event: Everything) -> None:
    name, data = CODEC.encode(event)

    back = CODEC.decode(name, data)

    assert name == "everything.v1"
    assert back == event
    assert isinstance(back, Everything)
    assert str(back.amount) == str(event.amount)  # 1.20 is not 1.2
    assert back.moment.tzinfo is UTC
    assert {type(getattr(back, name)) for name in ("channel", "level", "mood")} == {Channel, Level, Mood}
    assert "\n" not in data  # the log sends many events as lines


@settings(deadline=None)  # a busy machine is no fault
@given(everything)
def test_every_field_is_written_whatever_its_value(event: Everything) -> None:
    written = json.loads(CODEC.encode(event)[1])

    assert list(written) == list(Everything.__slots__)


def test_json_is_what_one_would_write_by_hand() -> None:
    event = Disputed(ItemId(UUID(int=7)), Money(Decimal("-0.10"), "EUR"), (Money(Decimal("1E+3"), "USD"),))

    assert json.loads(orjson.dumps(compiled(Disputed).encode(event))) == {
        "item": "00000000-0000-0000-0000-000000000007",
        "money": {"amount": "-0.10", "currency": "EUR"},
        "parts": [{"amount": "1E+3", "currency": "USD"}],
    }


def test_the_same_facts_are_the_same_bytes() -> None:
    people = frozenset(new_id() for _ in range(50))

    one = CODEC.encode(replaced(people=people, attributes={"b": "2", "a": "1"}))
    other = CODEC.encode(replaced(people=people, attributes={"a": "1", "b": "2"}))

    assert one == other
    # A set has no order of its own: another process may find it in another.
    assert json.loads(one[1])["people"] == sorted(map(str, people))


def test_moments_are_written_in_utc() -> None:
    event = replaced(moment=datetime(2026, 3, 29, 1, 30, tzinfo=timezone(timedelta(hours=2))))

    assert '"moment":"2026-03-28T23:30:00+00:00"' in CODEC.encode(event)[1]


def test_keyword_only_classes_work_too() -> None:
    event = ByKeyword(id=new_id(), amounts=(Decimal(1),))

    assert CODEC.decode(*CODEC.encode(event)) == event
    assert CODEC.decode(*CODEC.encode(Bare(event.id))) == Bare(event.id)


def replaced(**fields: object) -> Everything:
    values = {name: getattr(SAMPLE, name) for name in Everything.__slots__}
    return Everything(**(values | fields))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", 1.5),
        ("amount", 1),
        ("amount", Decimal("NaN")),
        ("amount", Decimal("Infinity")),
        ("text", None),
        ("text", "NUL is \0 not for PostgreSQL"),
        ("text", "a lone surrogate \ud800"),
        ("count", 1.0),
        ("count", True),
        ("count", 2**64),
        ("flag", 1),
        ("id", "00000000-0000-0000-0000-000000000007"),
        ("day", datetime(2026, 1, 2, tzinfo=UTC)),
        ("moment", date(2026, 1, 2)),
        ("moment", datetime(2026, 1, 2)),  # noqa: DTZ001 - that is the point
        ("channel", "phone"),
        ("items", []),
        ("items", (Money(Decimal(1), "EUR"),)),
        ("people", {UUID(int=1)}),
        ("attributes", [("a", "b")]),
        ("attributes", {"a": 1}),
        ("attributes", {1: "a"}),
        ("first", Money(Decimal(1), "EUR")),
    ],
)
def test_a_value_that_would_not_come_back_the_same_is_refused(name: str, value: object) -> None:
    with pytest.raises(Unencodable, match=r"everything\.v1"):
        CODEC.encode(replaced(**{name: value}))


def test_a_refusal_names_the_field_and_not_the_value() -> None:
    with pytest.raises(Unencodable) as refused:
        CODEC.encode(replaced(first=Disputed(ItemId(new_id()), Money(77.5, "secret"), ())))  # type: ignore[arg-type]

    message = str(refused.value)
    assert "Everything.first: Disputed.money: Money.amount: float" in message
    assert "77" not in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("extra", 1),
        ("amount", 1.5),
        ("amount", "much"),
        ("id", "x"),
        ("id", None),
        ("channel", "pigeon"),
        ("items", [{"item": 1}]),
        ("moment", "yesterday"),
    ],
)
def test_data_of_another_shape_is_not_read(name: str, value: object) -> None:
    data = json.loads(CODEC.encode(SAMPLE)[1]) | {name: value}

    with pytest.raises(Undecodable, match=r"everything\.v1"):
        CODEC.decode("everything.v1", json.dumps(data))


def test_data_without_one_of_the_fields_is_not_read() -> None:
    data = json.loads(CODEC.encode(SAMPLE)[1])
    del data["text"]
    with pytest.raises(Undecodable):
        CODEC.decode("everything.v1", json.dumps(data))
    with pytest.raises(Undecodable):
        CODEC.decode("everything.v1", json.dumps(data | {"txet": "text"}))


@pytest.mark.parametrize("data", ["", "{", "null", "[]", b"\xff"])
def test_what_is_no_json_object_is_not_read(data: str | bytes) -> None:
    with pytest.raises(Undecodable):
        CODEC.decode("everything.v1", data)


@pytest.mark.parametrize(
    "kind", [float, Any, list[str], tuple[str, int], int | str, object, Mapping[str, Any]]
)
def test_a_field_that_cannot_be_kept_exactly_is_refused_when_the_codec_is_made(kind: object) -> None:
    @dataclass(frozen=True)
    class Vague(Event):
        id: UUID
        vague: Any

    Vague.__annotations__["vague"] = kind
    with pytest.raises(Unsupported, match=r"Vague\.vague"):
        Codec(EventTypes({"vague.v1": Vague}))


def test_an_enum_whose_values_json_does_not_know_is_refused() -> None:
    Odd = Enum("Odd", {"ODD": (1, 2)})  # noqa: N806 - a class

    @dataclass(frozen=True)
    class Vague(Event):
        id: UUID
        vague: Any

    Vague.__annotations__["vague"] = Odd
    with pytest.raises(Unsupported, match="neither texts nor whole numbers"):
        Codec(EventTypes({"vague.v1": Vague}))


def test_an_event_must_be_a_dataclass() -> None:
    with pytest.raises(Unsupported, match="not a dataclass"):
        compiled(object)


# --- names and versions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Renamed(Event):
    id: UUID
    label: str
    amount: Decimal


def from_1_to_2(data: dict[str, Any]) -> dict[str, Any]:
    return {"id": data["id"], "label": data["name"]}


def from_2_to_3(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"amount": "0"}


VERSIONS = EventTypes({"renamed.v1": from_1_to_2, "renamed.v2": from_2_to_3, "renamed.v3": Renamed})


def test_older_versions_are_turned_into_the_current_one_step_by_step() -> None:
    codec, stream = Codec(VERSIONS), new_id()

    assert codec.decode("renamed.v1", f'{{"id":"{stream}","name":"x"}}') == Renamed(stream, "x", Decimal(0))
    assert codec.decode("renamed.v2", f'{{"id":"{stream}","label":"x"}}') == Renamed(stream, "x", Decimal(0))
    assert codec.encode(Renamed(stream, "x", Decimal(1)))[0] == "renamed.v3"


def test_an_upcaster_that_makes_the_wrong_shape_is_noticed() -> None:
    codec = Codec(EventTypes({"bare.v1": lambda data: data | {"more": 1}, "bare.v2": Bare}))

    with pytest.raises(Undecodable, match=r"bare\.v1"):
        codec.decode("bare.v1", f'{{"id":"{new_id()}"}}')


@pytest.mark.parametrize("name", ["unknown.v1", "everything.v2", "everything"])
def test_an_unknown_stored_name_is_named(name: str) -> None:
    with pytest.raises(UnknownEventType) as refused:
        CODEC.decode(name, "{}")
    assert refused.value.name == name
    with pytest.raises(UnknownEventType, match=name):
        TYPES.way(name)


def test_an_event_whose_class_is_not_in_the_table_is_named() -> None:
    with pytest.raises(UnknownEventType, match="Renamed"):
        CODEC.encode(Renamed(new_id(), "x", Decimal(1)))
    with pytest.raises(UnknownEventType, match="Renamed"):
        TYPES.name_of(Renamed)
    assert TYPES.name_of(Bare) == "bare.v1"


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"Bare.v1": Bare}, "not a stored name"),
        ({"bare": Bare}, "not a stored name"),
        ({"bare.v0": Bare}, "not a stored name"),
        ({"bare.v1": Bare, "empty.v1": Bare}, "two names"),
        ({"bare.v1": from_1_to_2}, r"no 'bare\.v2'"),
        ({"bare.v2": Bare}, "is missing"),
        ({"bare.v1": Renamed, "bare.v2": Bare}, "is a class too"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(table: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadEventTable, match=complaint):
        EventTypes(table)


def test_the_table_of_the_service_holds_together() -> None:
    assert Codec().types.stored_names == set(TABLE)


# --- the library ----------------------------------------------------------------------------------------


def test_the_librarys_mapper_carries_event_and_version() -> None:
    versioned = Versioned(SAMPLE, 7)

    stored = CODEC.to_stored_event(versioned)

    assert (stored.originator_id, stored.originator_version) == (SAMPLE.id, 7)
    assert (stored.topic, stored.state.decode()) == CODEC.encode(SAMPLE)
    assert CODEC.to_domain_event(stored) == versioned


def test_the_mapper_takes_no_other_kind_of_event() -> None:
    with pytest.raises(TypeError, match="Versioned"):
        CODEC.to_stored_event(object())  # type: ignore[arg-type]


# --- ids ------------------------------------------------------------------------------------------------


def test_new_ids_are_version_7_and_sort_by_their_moment() -> None:
    ids = [new_id() for _ in range(2000)]

    assert {each.version for each in ids} == {7}
    assert {each.variant for each in ids} == {"specified in RFC 4122"}
    assert len(set(ids)) == 2000
    assert len({each.int >> 64 for each in ids}) > 1000  # far more than there were milliseconds
    milliseconds = ids[0].int >> 80
    assert abs(milliseconds / 1000 - now().timestamp()) < 60
    # Two of the same quarter of a microsecond may change places.
    assert [each.int >> 64 for each in ids] == sorted(each.int >> 64 for each in ids)
