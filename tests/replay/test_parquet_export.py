"""`redress export parquet`: the views of one moment as files, whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from psycopg.types.json import set_json_loads
from pyarrow import parquet

from domain.refusals import RoleForbids
from domain.roles import Actor, Role
from projections.feed import Feed
from projections.parameters import Parameters
from projections.reading import Reading
from replay import parquet_export as module
from replay.parquet_export import TABLES, DirectoryNotEmpty, NoSuchTable, export_parquet
from store.connections import CompanyDatastore, Pool, open_pool
from store.log import Log
from tests.projections.histories import append, picks
from tests.projections.test_past import BOSS, LATER, told_late

HELD = {"items", "disputes", "episodes", "follow_ups", "events"}
ALL = {*(f"{name}.parquet" for name in HELD), "manifest.json"}


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=3) as pool:
        yield pool


@pytest.fixture
def reading(pool: Pool) -> Reading:
    """As a credit manager, of a company whose disputes are open, escalated and reopened."""
    datastore = CompanyDatastore(pool, "acme")
    log = Log(datastore)
    append(log, told_late(picks(5, 400), 5).decisions)
    Feed(datastore, log).catch_up()
    return Reading(datastore, BOSS, LATER)


def names(directory: Path) -> set[str]:
    return {each.name for each in directory.iterdir()}


def texts(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(str([str(value) if value is not None else None for value in row.values()]) for row in rows)


@pytest.mark.parametrize(
    ("parameters", "clocks"),
    [
        (Parameters(), ""),
        (Parameters(known_at=300), "null, 300"),
        (Parameters(as_at=datetime(2020, 1, 20, tzinfo=UTC)), "'2020-01-20Z'"),
        (Parameters(as_at=datetime(2020, 1, 20, tzinfo=UTC), known_at=350), "'2020-01-20Z', 350"),
    ],
)
def test_40_files_hold_what_the_views_show_at_that_moment(
    reading: Reading, pool: Pool, tmp_path: Path, parameters: Parameters, clocks: str
) -> None:
    manifest = export_parquet(reading, tmp_path, parameters)
    assert names(tmp_path) == ALL
    for file in manifest.files:
        name = file.name.removesuffix(".parquet")
        source = f"company_acme_reporting.{name}"
        if name == "events":
            source += f" where position <= {manifest.known_at} and occurred_at <= '{manifest.as_at}'"
        elif clocks:
            source += f"_as_of({clocks})"
        with pool.connection() as connection:
            set_json_loads(_as_text, connection)
            expected = connection.execute(f"select * from {source}".encode()).fetchall()
        found = parquet.read_table(tmp_path / file.name)
        plain = [{key: _plain(value) for key, value in row.items()} for row in found.to_pylist()]
        assert texts(plain) == texts([{k: _plain(v) for k, v in row.items()} for row in expected]), name
        assert file.rows == len(expected) > 0
    assert manifest.position == Log(reading.datastore).newest()


def _as_text(json: str | bytes) -> str:
    return json if isinstance(json, str) else json.decode()


def _plain(value: Any) -> Any:
    return value.normalize() if isinstance(value, Decimal) else value


def test_columns_are_typed_for_other_programs(reading: Reading, tmp_path: Path) -> None:
    export_parquet(reading, tmp_path, Parameters())
    items = parquet.read_schema(tmp_path / "items.parquet")
    assert items.field("balance").type == pa.decimal128(38, 6)
    assert items.field("due_date").type == pa.date32()
    assert items.field("changed_at").type == pa.timestamp("us", tz="UTC")
    assert items.field("is_open").type == pa.bool_()
    assert items.field("open_follow_ups").type == pa.int32()
    assert items.field("attributes").type == items.field("item_id").type == pa.string()
    assert parquet.read_schema(tmp_path / "episodes.parquet").field("calendar_days").type == pa.float64()
    group = parquet.ParquetFile(tmp_path / "items.parquet").metadata.row_group(0)
    encodings = {group.column(n).path_in_schema: group.column(n).encodings for n in range(group.num_columns)}
    assert "RLE_DICTIONARY" in encodings["customer_code"]
    disputed = [
        duckdb.connect().execute(f"select sum(disputed_amount) from '{tmp_path}/{name}.parquet'").fetchone()
        for name in ("items", "disputes")
    ]
    assert disputed[0] == disputed[1] != (None,)


def test_the_manifest_says_what_the_files_are(reading: Reading, tmp_path: Path) -> None:
    manifest = export_parquet(reading, tmp_path / "deep" / "star", Parameters(known_at=300), only=["items"])
    told = json.loads((tmp_path / "deep" / "star" / "manifest.json").read_bytes())
    content = (tmp_path / "deep" / "star" / "items.parquet").read_bytes()
    assert told == {
        "company_id": "acme",
        "reporting_version": 1,
        "position": manifest.position,
        "as_at": LATER.isoformat(),
        "known_at": manifest.known_at,
        "files": [
            {
                "name": "items.parquet",
                "rows": parquet.read_metadata(tmp_path / "deep/star/items.parquet").num_rows,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        ],
    }
    assert told["files"] == [asdict(each) for each in manifest.files]


def test_the_same_moment_gives_the_same_bytes(
    reading: Reading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, int]] = []
    one = export_parquet(reading, tmp_path / "one", Parameters(known_at=300))
    other = export_parquet(
        reading, tmp_path / "other", Parameters(known_at=300), progress=lambda *at: told.append(at)
    )
    assert one == other
    assert [each for each in told if each[1] == each[2]] == [
        (each.name.removesuffix(".parquet"), each.rows, each.rows) for each in one.files
    ]
    monkeypatch.setattr(module, "_FETCHED", 3)
    monkeypatch.setattr(module, "_IN_ONE_GROUP", 6)
    pieces = export_parquet(reading, tmp_path / "pieces", Parameters(known_at=300))
    for file in pieces.files:
        found = parquet.ParquetFile(tmp_path / "pieces" / file.name)
        assert found.metadata.num_row_groups == -(-file.rows // 6)
        assert found.read() == parquet.read_table(tmp_path / "one" / file.name)


def test_an_empty_company_gives_empty_files(pool: Pool, tmp_path: Path) -> None:
    reading = Reading(CompanyDatastore(pool, "acme"), BOSS, LATER)
    manifest = export_parquet(reading, tmp_path, Parameters())
    assert {each.rows for each in manifest.files} == {0}
    assert "balance" in parquet.read_schema(tmp_path / "items.parquet").names


@pytest.mark.parametrize("stage", ["items", "events"])
@pytest.mark.parametrize("is_there", [True, False])
def test_what_is_broken_off_leaves_nothing_behind(
    reading: Reading, tmp_path: Path, stage: str, *, is_there: bool
) -> None:
    directory = tmp_path / "star"
    if is_there:
        export_parquet(reading, directory, Parameters(known_at=300))
    before = {each.name: each.read_bytes() for each in directory.iterdir()} if is_there else {}

    def interrupt(name: str, *_: int) -> None:
        if name == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_parquet(reading, directory, Parameters(), overwrite=True, progress=interrupt)
    assert directory.exists() is is_there
    assert {each.name: each.read_bytes() for each in tmp_path.glob("star/*")} == before


def test_a_directory_with_something_in_it_is_left_alone_unless_told_otherwise(
    reading: Reading, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DirectoryNotEmpty):
        export_parquet(reading, tmp_path, Parameters())
    export_parquet(reading, tmp_path, Parameters(), overwrite=True)
    assert names(tmp_path) == {*ALL, "notes.txt"}
    export_parquet(reading, tmp_path, Parameters(), only=["disputes"], overwrite=True)
    assert names(tmp_path) == {"disputes.parquet", "manifest.json", "notes.txt"}  # nothing of the one before


def test_what_a_killed_export_left_is_removed_by_the_next(reading: Reading, tmp_path: Path) -> None:
    (tmp_path / ".partial").mkdir()
    (tmp_path / ".partial" / "items.parquet").write_bytes(b"half")
    export_parquet(reading, tmp_path, Parameters(), only=["disputes"])
    assert names(tmp_path) == {"disputes.parquet", "manifest.json"}


@pytest.mark.parametrize("role", [each for each in Role if each is not Role.SERVICE])
def test_29_export_is_for_those_who_may_read_the_log(reading: Reading, tmp_path: Path, role: Role) -> None:
    asking = Reading(reading.datastore, Actor(BOSS.person_id, role), LATER)
    if role in {Role.CREDIT_MANAGER, Role.AUDITOR}:
        export_parquet(asking, tmp_path, Parameters(), only=["disputes"])
        return
    with pytest.raises(RoleForbids):
        export_parquet(asking, tmp_path, Parameters())
    assert names(tmp_path) == set()


def test_what_is_not_exported_is_named(reading: Reading, tmp_path: Path) -> None:
    assert set(TABLES) == HELD
    with pytest.raises(NoSuchTable, match=r"customers.*items, disputes"):
        export_parquet(reading, tmp_path, Parameters(), only=["customers"])
