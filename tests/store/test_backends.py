"""Connections whose work nobody waits for stand behind others."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from store import backends
from store.connections import open_pool


def niceness(connection: psycopg.Connection[Any]) -> int:
    return os.getpriority(os.PRIO_PROCESS, connection.info.backend_pid)


def require_beside_us(database: str) -> None:
    with psycopg.connect(database) as connection:
        process = Path(f"/proc/{connection.info.backend_pid}")
        with suppress(OSError):
            if connection.info.host.startswith("/") and os.geteuid() in {0, process.stat().st_uid}:
                return
    pytest.skip("the server's processes are not ours to set back")


def test_a_pool_of_what_need_not_be_soon_stands_behind(database: str) -> None:
    require_beside_us(database)
    with psycopg.connect(database) as any_other:
        before = niceness(any_other)
    with open_pool(database, size=1, behind=True) as pool, pool.connection() as connection:
        assert niceness(connection) == min(before + backends.BEHIND, 19)
    with open_pool(database, size=1) as pool, pool.connection() as connection:
        assert niceness(connection) == before


def test_nobody_else_is_set_back(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    require_beside_us(database)
    set_back: list[int] = []
    monkeypatch.setattr("os.setpriority", lambda _what, process, _by: set_back.append(process))
    with psycopg.connect(database) as connection:
        process = connection.info.backend_pid
        backends.stand_behind(connection)
        assert set_back == [process]
        # The number is that of another program: it is another room's.
        (tmp_path / f"{process}").mkdir()
        (tmp_path / f"{process}" / "comm").write_text("sleep\n")
        monkeypatch.setattr(backends, "_PROCESSES", tmp_path)
        backends.stand_behind(connection)
        assert set_back == [process]


def test_where_it_may_not_be_it_stays(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.setpriority", refuse)
    require_beside_us(database)
    with psycopg.connect(database) as connection:
        before = niceness(connection)
        backends.stand_behind(connection)
        assert niceness(connection) == before
