"""The star for analysts as Parquet files: items, disputes, episodes, follow-up actions, events at one moment.

Columns are those of the views for analysts (docs/reference/reporting.md). Everything comes from one snapshot,
piece by piece, and in the order of its ids: the same moment gives the same bytes.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, LiteralString, TypeAlias

import orjson
import pyarrow as pa
from psycopg import Connection
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composable, Composed, Identifier
from pyarrow import parquet

from domain.roles import Permission
from projections.parameters import Parameters
from projections.reading import Reading, Snapshot
from store.analysts import reporting_schema

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told (which table, how many of its rows are written, how many there are)."""

TABLES: Final[Mapping[str, LiteralString]] = {
    "items": "item_id",
    "disputes": "dispute_id",
    "episodes": "dispute_id, episode",
    "follow_ups": "follow_up_id",
    "events": "position",
}
"""What is exported, and in which order its rows are."""

MANIFEST: Final = "manifest.json"
_PARTIAL: Final = ".partial"

_FETCHED: Final = 5_000
_IN_ONE_GROUP: Final = 50_000
"""Rows that are fetched, and that are written, together."""


class DirectoryNotEmpty(Exception):
    """Something is in the directory already: name another, or replace an export in it with --overwrite."""


class NoSuchTable(Exception):
    """What is asked for is not exported."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no table {name!r} to export; there are: {', '.join(TABLES)}")


@dataclass(frozen=True, slots=True)
class File:
    """One file of an export."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export holds: whose, in which version of the views, read at which position, at which clocks."""

    company_id: str
    reporting_version: int
    position: int
    as_at: datetime
    known_at: int
    files: tuple[File, ...]


def export_parquet(
    reading: Reading,
    directory: Path,
    parameters: Parameters,
    *,
    only: Sequence[str] = tuple(TABLES),
    overwrite: bool = False,
    progress: Progress = lambda *_: None,
) -> Manifest:
    """Write the tables *only* at the clocks of *parameters* into *directory*, with ``manifest.json`` beside.

    They take their names when all are complete; whatever ends it early leaves *directory* as it was (or,
    amid the renames, without manifest). Of *events* those that had occurred and were recorded by the two
    clocks. Amounts are decimal128(38, 6), JSON and ids texts, moments in UTC. *overwrite*: files of an
    earlier export there are replaced, others stay.

    Raises RoleForbids, NoSuchTable, DirectoryNotEmpty, ParameterInvalid, OSError.
    """
    reading.reach(Permission.READ_LOG)
    for name in only:
        if name not in TABLES:
            raise NoSuchTable(name)

    def work(snapshot: Snapshot) -> Manifest:
        with _partial(directory, overwrite=overwrite) as partial:
            snapshot.connection.execute("set local cursor_tuple_fraction = 1")  # all of it is wanted
            manifest = _written(snapshot, reporting_schema(reading.datastore), partial, only, progress)
            (partial / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
            _take_place(partial, directory)
        return manifest

    return reading.at(parameters, work)


# --- the directory -----------------------------------------------------------------------------------


@contextmanager
def _partial(directory: Path, *, overwrite: bool) -> Iterator[Path]:
    """A folder to write in, of which nothing is left in the end."""
    is_new = not directory.exists()
    partial = directory / _PARTIAL
    if not is_new and not overwrite and any(each != partial for each in directory.iterdir()):
        raise DirectoryNotEmpty(DirectoryNotEmpty.__doc__)
    shutil.rmtree(partial, ignore_errors=True)  # of an export that was killed
    partial.mkdir(parents=True)
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if is_new:
            with suppress(OSError):  # it holds the export
                directory.rmdir()


def _take_place(partial: Path, directory: Path) -> None:
    """The manifest goes first and comes last: files without one are not to be trusted."""
    manifest = directory / MANIFEST
    manifest.unlink(missing_ok=True)
    for name in TABLES:
        (directory / f"{name}.parquet").unlink(missing_ok=True)
    for file in sorted(partial.glob("*.parquet")):
        file.replace(directory / file.name)
    (partial / MANIFEST).replace(manifest)


# --- the tables --------------------------------------------------------------------------------------


def _written(
    snapshot: Snapshot, schema: str, partial: Path, only: Sequence[str], progress: Progress
) -> Manifest:
    version = snapshot.dicts("select * from {version}", {}, version=Identifier(schema, "version"))[0]
    files = []
    for name in TABLES:
        if name in only:
            file = partial / f"{name}.parquet"
            rows = _write(snapshot, schema, name, file, progress)
            files.append(File(file.name, rows, file.stat().st_size, _digest(file)))
    return Manifest(
        version["company_id"],
        version["reporting_version"],
        snapshot.moment.position,
        snapshot.moment.at,
        snapshot.moment.known,
        tuple(files),
    )


def _write(snapshot: Snapshot, schema: str, name: str, file: Path, progress: Progress) -> int:
    source, bindings = _source(snapshot, schema, name), snapshot.moment.bindings()
    count = SQL("select count(*) as rows from {}").format(source)
    (counted,) = snapshot.connection.execute(count, bindings).fetchall()
    columns = _columns(snapshot.connection, SQL("select * from {} limit 0").format(source), bindings)
    listed = SQL(", ").join(SQL(each.cast).format(Identifier(each.name)) for each in columns)
    statement = SQL("select {} from {} order by {}").format(listed, source, SQL(TABLES[name]))
    arrow = pa.schema([(each.name, each.type) for each in columns])
    done = 0
    with (
        parquet.ParquetWriter(file, arrow, compression="snappy") as writer,  # every program reads that
        snapshot.connection.cursor("export", row_factory=tuple_row) as cursor,
    ):
        cursor.itersize = _FETCHED
        pieces: list[Any] = []
        for rows in _batches(cursor.execute(statement, bindings, binary=True)):
            values = zip(*rows, strict=True)
            arrays = [pa.array(column, each.type) for column, each in zip(values, columns, strict=True)]
            pieces.append(pa.RecordBatch.from_arrays(arrays, schema=arrow))
            done += len(rows)
            if done % _IN_ONE_GROUP == 0:
                writer.write_table(pa.Table.from_batches(pieces, arrow), row_group_size=_IN_ONE_GROUP)
                pieces.clear()
            progress(name, done, counted["rows"])
        if pieces:
            writer.write_table(pa.Table.from_batches(pieces, arrow), row_group_size=_IN_ONE_GROUP)
    return done


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, _FETCHED)):
        yield batch


def _source(snapshot: Snapshot, schema: str, name: str) -> Composable:
    moment = snapshot.moment
    if name == "events":
        until = "position <= %(known)s" + ("" if moment.as_at is None else " and occurred_at <= %(at)s")
        return SQL("(select * from {} where {}) e").format(Identifier(schema, name), SQL(until))
    if moment.is_now:
        return Identifier(schema, name)
    as_at = SQL("null") if moment.as_at is None else SQL("%(at)s")
    return SQL("{}({}, %(known)s)").format(Identifier(schema, f"{name}_as_of"), as_at)


# --- types -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Column:
    """A column's name, how it is asked for, and its type in the file."""

    name: str
    cast: LiteralString
    type: Any


_TEXT: Final[tuple[LiteralString, Any]] = ("{}::text", pa.string())
_TYPES: Final[Mapping[str, tuple[LiteralString, Any]]] = {
    "bool": ("{}", pa.bool_()),
    "int4": ("{}", pa.int32()),
    "int8": ("{}", pa.int64()),
    "float8": ("{}", pa.float64()),
    "numeric": ("{}::numeric(38, 6)", pa.decimal128(38, 6)),
    "date": ("{}", pa.date32()),
    "timestamptz": ("{}", pa.timestamp("us", tz="UTC")),
}
"""All others (ids, JSON) are texts: what reads Parquet seldom knows them."""


def _columns(
    connection: Connection[Any], statement: Composed, bindings: Mapping[str, object]
) -> list[_Column]:
    described = connection.execute(statement, bindings).description
    assert described is not None, "a query has columns"
    types = connection.adapters.types
    return [
        _Column(each.name, *_TYPES.get(known.name if (known := types.get(each.type_code)) else "", _TEXT))
        for each in described
    ]


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
