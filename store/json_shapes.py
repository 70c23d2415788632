"""What JSON a type becomes: for each type an encoder and a decoder, put together once.

A field without a value is null in JSON whatever its type; ``X | None`` is the only union.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache, lru_cache, partial
from typing import Any, Final, NewType, NoReturn, TypeAlias, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from domain.made import maker

Encode: TypeAlias = Callable[[Any], Any]
"""From a value to what orjson writes, ids and dates as they are. Raises Mismatch if it is not of the type."""

WriteOut: TypeAlias = Callable[[Any], dict[str, object]]
"""From an object to a dict that orjson writes."""

Decode: TypeAlias = Callable[[Any], Any]
"""From what orjson read to a value."""


class Unsupported(TypeError):
    """No exact JSON is known for a type."""


class Mismatch(ValueError):
    """A value is not of its field's type, or would not come back the same."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a type is written and read. decode None: JSON's own value is the value."""

    encode: Encode
    decode: Decode | None
    decode_given: Decode | None = None
    """For ``X | None``: how an X is read. Fields use it to skip a call for what is null."""
    plain: tuple[type, ...] = ()
    """Classes of values that orjson writes as they are. Fields use them to skip a call for most values."""
    kind: type | None = None
    write: WriteOut | None = None
    """For a dataclass: how one whose class is *kind* is written. Fields use it to skip two calls."""


@dataclass(frozen=True, slots=True)
class ClassShape:
    """How a dataclass is written and read."""

    encode: Encode
    decode: Decode
    write: WriteOut
    """As *encode*, for what is of the class for certain. What is wrong in it is not named."""


@cache
def compiled(kind: type) -> ClassShape:
    """The shape of a frozen dataclass, made once: an object with all its fields. Raises Unsupported naming
    the field."""
    if not dataclasses.is_dataclass(kind):
        raise Unsupported(f"{kind.__qualname__} is not a dataclass")
    hints = get_type_hints(kind)
    names = tuple(field.name for field in dataclasses.fields(kind))
    shapes: list[Shape] = []
    for name in names:
        try:
            shapes.append(_shape(hints[name]))
        except Unsupported as error:
            raise Unsupported(f"{kind.__qualname__}.{name}: {error}") from None
    write = _written_out(names, shapes)
    return ClassShape(_class_encoder(kind, names, shapes, write), _class_decoder(kind, names, shapes), write)


def _class_encoder(kind: type, names: tuple[str, ...], shapes: list[Shape], write: WriteOut) -> Encode:
    fields = [(name, shape.encode) for name, shape in zip(names, shapes, strict=True)]

    def encode(value: object) -> dict[str, object]:
        if value.__class__ is not kind:
            raise _mismatch(value, kind.__qualname__)
        try:
            return write(value)
        except Mismatch:
            # Looked up only now, so that naming the field costs nothing when all is well.
            raise Mismatch(f"{kind.__qualname__}.{_culprit(value, fields)}") from None

    return encode


def _written_out(names: tuple[str, ...], shapes: list[Shape]) -> WriteOut:
    """A function from an object with these fields to a dict, written out field by field as dataclasses do it
    with theirs: a loop over the fields takes half as long again."""
    known: dict[str, Any] = {"Decimal": Decimal}
    parts = []
    for at, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        known |= {f"encode{at}": shape.encode, f"plain{at}": shape.plain}
        known |= {f"kind{at}": shape.kind, f"write{at}": shape.write}
        parts.append(f"{name!r}: {_read_out(shape, name, at)}")
    exec(f"def write(value): return {{{', '.join(parts)}}}", known)  # noqa: S102 - of nothing but names
    write: WriteOut = known["write"]
    return write


def _read_out(shape: Shape, name: str, at: int) -> str:
    part = f"(part := value.{name})"
    if shape.plain:
        return f"part if {part}.__class__ in plain{at} else encode{at}(part)"
    if shape.write:
        return f"write{at}(part) if {part}.__class__ is kind{at} else encode{at}(part)"
    if shape.encode is _amount:
        return f"str(part) if {part}.__class__ is Decimal and part.is_finite() else encode{at}(part)"
    return f"encode{at}(value.{name})"


def _culprit(value: object, fields: list[tuple[str, Encode]]) -> str:
    for name, encode in fields:
        try:
            encode(getattr(value, name))
        except Mismatch as error:
            return f"{name}: {error}"
    raise AssertionError("one of the fields did not fit a moment ago")


def _class_decoder(kind: type, names: tuple[str, ...], shapes: list[Shape]) -> Decode:
    """A function from what orjson read to an object with these fields, written out like `_written_out`."""
    known: dict[str, Any] = {"make": maker(kind), "count": len(names)}
    parts = []
    for at, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        known[f"decode{at}"] = shape.decode_given or shape.decode
        parts.append(_read_in(shape, name, at))
    lines = [
        "def decode(data):",
        " if len(data) != count:",
        "  refuse(data)",
        f" return make({', '.join(parts)})",
    ]
    known["refuse"] = partial(_refuse_fields, kind, names)
    exec("\n".join(lines), known)  # noqa: S102 - of nothing but names
    decode: Decode = known["decode"]
    return decode


def _read_in(shape: Shape, name: str, at: int) -> str:
    part = f"data[{name!r}]"
    if shape.decode is None:
        return part
    if shape.decode_given is not None:
        return f"None if (part := {part}) is None else decode{at}(part)"
    return f"decode{at}({part})"


def _refuse_fields(kind: type, names: tuple[str, ...], data: Mapping[str, object]) -> NoReturn:
    raise Mismatch(f"{kind.__qualname__} has the fields {names}, not {tuple(data)}")


def _shape(hint: object) -> Shape:
    if isinstance(hint, NewType):
        return _shape(hint.__supertype__)
    if (simple := _SIMPLE.get(hint)) is not None:
        return simple
    if isinstance(hint, type) and get_origin(hint) is None:
        return _class_shape(hint)
    return _generic_shape(hint)


def _class_shape(hint: type) -> Shape:
    if issubclass(hint, Enum):
        return _enum(hint)
    if dataclasses.is_dataclass(hint):
        shape = compiled(hint)
        return Shape(shape.encode, shape.decode, kind=hint, write=shape.write)
    raise Unsupported(f"no exact JSON for {hint}")


def _generic_shape(hint: object) -> Shape:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is types.UnionType or origin is Union:
        return _optional(arguments)
    if origin is tuple and arguments[1:] == (Ellipsis,):
        return _tuple(_shape(arguments[0]))
    if origin is frozenset:
        return _set(_shape(arguments[0]))
    if origin in _MAPPINGS:
        return _mapping(_shape(arguments[0]), _shape(arguments[1]))
    raise Unsupported(f"no exact JSON for {hint}")


def _optional(arguments: tuple[object, ...]) -> Shape:
    kinds = [argument for argument in arguments if argument is not type(None)]
    if len(kinds) > 1:
        raise Unsupported(f"a union of {kinds} cannot be told apart in JSON")
    inner = _shape(kinds[0])
    encode, decode, plain = inner.encode, inner.decode, (*inner.plain, type(None))

    def encode_optional(value: object) -> object:
        return None if value is None else encode(value)

    if decode is None:
        return Shape(encode_optional, None, plain=plain)
    return Shape(encode_optional, lambda value: None if value is None else decode(value), decode, plain)


def _tuple(inner: Shape) -> Shape:
    encode, decode = inner.encode, inner.decode

    def encode_tuple(value: object) -> list[object]:
        if not isinstance(value, tuple):
            raise _mismatch(value, "a tuple")
        return [encode(part) for part in value]

    if decode is None:
        return Shape(encode_tuple, tuple)
    return Shape(encode_tuple, lambda value: tuple([decode(part) for part in value]))


def _set(inner: Shape) -> Shape:
    encode, decode = inner.encode, inner.decode

    def encode_set(value: object) -> list[object]:
        if not isinstance(value, frozenset):
            raise _mismatch(value, "a frozenset")
        return sorted(encode(part) for part in value)  # sorted: the same set is always the same bytes

    if decode is None:
        return Shape(encode_set, frozenset)
    return Shape(encode_set, lambda value: frozenset([decode(part) for part in value]))


def _texts(value: object) -> dict[str, str]:
    """A mapping from texts to texts, which every item has: as `_mapping` would do it, but quicker."""
    if value.__class__ is not dict and not isinstance(value, Mapping):
        raise _mismatch(value, "a mapping")
    for name, part in value.items():
        if part.__class__ is not str or name.__class__ is not str:
            _text(part)
            _text(name)
    return {name: value[name] for name in sorted(value)}


def _mapping(key: Shape, inner: Shape) -> Shape:
    if key.encode is inner.encode is _text:
        return Shape(_texts, None)
    encode_key, encode = _KEYS.get(key.encode, key.encode), inner.encode
    decode_key, decode = key.decode or _same, inner.decode or _same

    def encode_mapping(value: object) -> dict[str, object]:
        if not isinstance(value, Mapping):
            raise _mismatch(value, "a mapping")
        written = {encode_key(name): encode(part) for name, part in value.items()}
        if not all(isinstance(name, str) for name in written):
            raise Mismatch("a mapping with keys that are not texts in JSON")
        return dict(sorted(written.items()))

    if key.decode is None and inner.decode is None:
        return Shape(encode_mapping, None)
    return Shape(
        encode_mapping, lambda value: {decode_key(name): decode(part) for name, part in value.items()}
    )


def _mismatch(value: object, wanted: str) -> Mismatch:
    # The type and never the value: it may be personal, and messages end up in server logs.
    return Mismatch(f"{type(value).__name__} in the place of {wanted}")


def _same(value: object) -> object:
    return value


def _enum(kind: type[Enum]) -> Shape:
    members = {member.value: member for member in kind}
    if not all(isinstance(value, str | int) for value in members):
        raise Unsupported(f"{kind.__qualname__} has values that are neither texts nor whole numbers")

    def encode_enum(value: object) -> object:
        if value.__class__ is not kind:
            raise _mismatch(value, kind.__qualname__)
        return value.value

    return Shape(encode_enum, members.__getitem__, plain=(kind,))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _mismatch(value, "a text")
    return value


def refuse_nul(data: object, path: str) -> None:
    """Raise Mismatch if a text in *data* holds the character NUL, naming where. It is looked for once in all
    that was written, for in each text it would cost as much as the rest."""
    if isinstance(data, str):
        if "\0" in data:
            raise Mismatch(f"{path}: a text with the character NUL, which PostgreSQL cannot read out of JSON")
    elif isinstance(data, Mapping):
        for name, part in data.items():
            refuse_nul(name, path)
            refuse_nul(part, f"{path}.{name}")
    elif isinstance(data, list):
        for part in data:
            refuse_nul(part, path)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _mismatch(value, "a whole number")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise _mismatch(value, "true or false")
    return value


def _amount(value: object) -> str:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise _mismatch(value, "a finite Decimal")
    return str(value)


def _read_amount(value: object) -> Decimal:
    if value.__class__ is not str:
        raise _mismatch(value, "an amount as text")  # Decimal would take a float too, and with it its error
    return Decimal(value)


def _id(value: object) -> UUID:
    if not isinstance(value, UUID):
        raise _mismatch(value, "a UUID")
    return value


# Ids stand in events again and again, those of a stream and of its customer above all.
_read_id: Final = lru_cache(maxsize=50_000)(UUID)


def _id_text(value: object) -> str:
    return str(_id(value))


def _day(value: object) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise _mismatch(value, "a date")
    return value


def _moment(value: object) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise _mismatch(value, "a moment with a zone")
    return value.astimezone(UTC).isoformat()


_SIMPLE: Final[dict[Any, Shape]] = {
    str: Shape(_text, None, plain=(str,)),
    int: Shape(_whole, None, plain=(int,)),
    bool: Shape(_truth, None, plain=(bool,)),
    Decimal: Shape(_amount, _read_amount),
    UUID: Shape(_id, _read_id, plain=(UUID,)),
    date: Shape(_day, date.fromisoformat, plain=(date,)),
    datetime: Shape(_moment, datetime.fromisoformat),
}

_KEYS: Final[dict[Encode, Encode]] = {_id: _id_text}
"""What is not a text as the key of an object."""

_MAPPINGS: Final = frozenset({get_origin(Mapping[str, str]), dict})
