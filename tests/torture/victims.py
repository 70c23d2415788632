"""What tests run in processes of their own: programs that write, follow and serve until they are killed."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

import api.app
import api.commands.serving  # noqa: F401 - the process from which the others are forked has it then
from api.cli import main
from api.database import OpenCompany
from projections.feed import Feed
from projections.worker import Worker
from store.connections import LogUnavailable, open_pool
from tests.torture.append_paths import PATHS

# --- writing ---------------------------------------------------------------------------------------


def write(conninfo: str, seed: str, threads: int, rounds: int, failures: Any) -> None:
    """Append by all paths from *threads* at once; puts what went wrong, and None in the end."""
    with telling(failures), open_pool(conninfo, size=threads + 2, timeout=600) as pool:
        company = OpenCompany(pool, "acme")

        def work(number: int) -> None:
            dice = random.Random(f"{seed}-{number}")
            for turn in range(rounds):
                _once(company, dice, f"{seed}-{number}-{turn}")

        _in_threads(work, threads, failures)


def _once(company: OpenCompany, dice: random.Random, name: str) -> None:
    path = PATHS[dice.choice(sorted(PATHS))]
    attempt, append = 0, None
    while True:
        try:
            append = append or path(company, f"{name}-{attempt}")
            append()
        except LogUnavailable:  # rolled back under it
            attempt += 1
        else:
            return


def write_with_the_library(conninfo: str, threads: int, rounds: int, failures: Any) -> None:
    """The same with the library's recorder and its database functions, which take no lock."""
    with telling(failures):
        recorder = library_recorder(conninfo, threads + 2)
        recorder.datastore.register_type_adapters()

        def work(_: int) -> None:
            for _ in range(rounds):
                recorder.insert_events([StoredEvent(uuid4(), 1, "noted", b"{}")])

        _in_threads(work, threads, failures)
        recorder.datastore.close()


def library_recorder(conninfo: str, connections: int) -> PostgresApplicationRecorder:
    """The library's own, as with POSTGRES_ENABLE_DB_FUNCTIONS."""
    told = conninfo_to_dict(conninfo)
    datastore = PostgresDatastore(
        dbname=str(told["dbname"]),
        host=str(told["host"]),
        port=str(told.get("port", "5432")),
        user=str(told["user"]),
        password="",
        pool_size=connections,
        connect_timeout=60,
        enable_db_functions=True,
    )
    return PostgresApplicationRecorder(datastore, events_table_name="library_events")


@contextmanager
def telling(failures: Any) -> Iterator[None]:
    """Put what goes wrong, and None in the end."""
    try:
        with telling_only(failures):
            yield
    finally:
        failures.put(None)


@contextmanager
def telling_only(failures: Any) -> Iterator[None]:
    """Put what goes wrong."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - told to the test
        failures.put(f"{type(error).__name__}: {error}")


def _in_threads(work: Callable[[int], None], count: int, failures: Any) -> None:
    def told(number: int) -> None:
        with telling_only(failures):
            work(number)

    threads = [threading.Thread(target=told, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- following -------------------------------------------------------------------------------------


def follow(conninfo: str, batch: int) -> None:
    """A feed, for ever."""
    with open_pool(conninfo, size=4) as pool:
        company = OpenCompany(pool, "acme")
        with Worker(Feed(company.datastore, company.log, batch=batch), company.log):
            threading.Event().wait()


# --- serving ---------------------------------------------------------------------------------------


def serve(environment: Mapping[str, str], said: Path) -> None:
    """`redress serve` in this environment; what it says is added to the file *said*."""
    os.environ.pop("REDRESS_DATABASE_URL", None)
    os.environ.update(environment)
    with said.open("a") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    main(["serve"])
