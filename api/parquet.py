"""Tables as Parquet: typed columns, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from io import RawIOBase
from itertools import islice
from typing import Any, Final

import orjson
import pyarrow as pa
from pyarrow import parquet

from api.typed_columns import Column, Kind, Table

_IN_ONE_GROUP: Final = 10_000
"""Rows that are held together before they are written."""

_DIGITS: Final = 38
_DECIMALS: Final = 6
"""Amounts have at most four, shares six."""

_SMALLEST: Final = Decimal(1).scaleb(-_DECIMALS)
_EXACT: Final = Context(prec=_DIGITS, rounding=ROUND_HALF_EVEN)

_TYPES: Final[Mapping[Kind, Any]] = {
    Kind.TEXT: pa.string(),
    Kind.WHOLE: pa.int64(),
    Kind.AMOUNT: pa.decimal128(_DIGITS, _DECIMALS),
    Kind.NUMBER: pa.float64(),
    Kind.YES_NO: pa.bool_(),
    Kind.DAY: pa.date32(),
    Kind.MOMENT: pa.timestamp("us", tz="UTC"),
    Kind.SEVERAL: pa.list_(pa.string()),
    Kind.NAMED: pa.map_(pa.string(), pa.string()),
}


def parquet_chunks(table: Table) -> Iterator[bytes]:
    """*table* as a Parquet file. Without the last piece it cannot be read: it is not taken for complete.

    Amounts are decimal128(38, 6), ids texts, moments in UTC; the position and the parameters stand in the
    schema's metadata (``redress.position``, ``redress.parameters``).
    """
    told = {
        "redress.position": str(table.position).encode(),
        "redress.parameters": orjson.dumps(dict(table.parameters), default=str),
    }
    schema = pa.schema([(each.name, _TYPES[each.kind]) for each in table.columns], metadata=told)
    sink = _Sink()
    writer = parquet.ParquetWriter(pa.PythonFile(sink, mode="w"), schema)
    while rows := list(islice(table.rows, _IN_ONE_GROUP)):
        arrays = [_array(column, rows) for column in table.columns]
        writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
        yield sink.taken()
    writer.close()
    yield sink.taken()


class _Sink(RawIOBase):
    """Keeps what is written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """How much was written in all."""
        return self._length

    def write(self, data: Any) -> int:  # noqa: ANN401 - a buffer
        """Keep *data*."""
        self._kept.append(bytes(data))
        self._length += len(data)
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last time."""
        found = b"".join(self._kept)
        self._kept.clear()
        return found


def _array(column: Column, rows: list[Mapping[str, object]]) -> Any:  # noqa: ANN401 - pyarrow has no types
    values = [_value(row[column.name], column.kind) for row in rows]
    return pa.array(values, _TYPES[column.kind])


def _value(value: Any, kind: Kind) -> object:  # noqa: ANN401 - what the column holds
    if value is None:
        return None
    match kind:
        case Kind.TEXT:
            return str(value)
        case Kind.AMOUNT:
            return value.quantize(_SMALLEST, context=_EXACT)
        case Kind.SEVERAL:
            return [str(each) for each in value]
        case Kind.NAMED:
            return [(name, str(each)) for name, each in value.items()]
        case _:
            return value
