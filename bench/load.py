"""How many commands a second a load takes, and how many times that is what comes through HTTP one by one.

The history is that of a help desk (bench/helpdesk.py says which). *load* reads its lines and carries them out
in this process, as `redress load` does. *http* sends the same commands, one request after the other over one
connection, to a server process with a company of its own. Both take turns within one run, so that a machine's
moods meet both; the bar's value is the median of the turns' ratios.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlencode

from api.database import Database
from api.history_load import load_history
from api.wire import BY_NAME
from bench import helpdesk
from bench.helpdesk import Line
from bench.http import serving
from bench.server import temporary_server
from domain.catalogue import Settings
from domain.identity import OPERATOR
from domain.roles import Actor, Role
from store.companies import found
from store.connections import open_pool
from store.keys import Keys
from store.migrate import migrate

TURNS: Final = 5
WARMING: Final = 500
"""Commands that come first on both sides and are not measured."""

ONE_BY_ONE: Final = 300
"""Commands of a turn through HTTP; a load takes its share of all there are."""

PER_SECOND: Final = 3_000
FASTER: Final = 10


Side: TypeAlias = Callable[[int], float]
"""Carries out so many commands more; returns the seconds that they took."""


def run() -> dict[str, Any]:
    """Measure; return the result as `python -m bench` prints it."""
    is_public = helpdesk.PUBLIC.is_file()
    lines = list(helpdesk.history(helpdesk.read() if is_public else helpdesk.made()))
    share = (len(lines) - WARMING) // TURNS
    rates: dict[str, list[float]] = {"load": [], "http": []}
    with temporary_server() as conninfo, ExitStack() as stack:
        migrate(conninfo)
        load = stack.enter_context(_loading(conninfo, lines))
        http = stack.enter_context(_one_by_one(conninfo, lines))
        for side in (load, http):
            side(WARMING)
        for _ in range(TURNS):
            for name, side, count in (("load", load, share), ("http", http, ONE_BY_ONE)):
                rates[name].append(count / side(count))
                print(f"load: {name}: {rates[name][-1]:.0f}/s", file=sys.stderr)
    return _result(rates, {"commands": len(lines), "history": "public" if is_public else "made up"})


@contextmanager
def _loading(conninfo: str, lines: list[Line]) -> Iterator[Side]:
    texts = enumerate([json.dumps(line) for line in lines], 1)
    with open_pool(conninfo, size=2) as pool:
        found(conninfo, pool, "loaded", Settings("Bench"))
        database = Database(
            conninfo, pool, is_own=False, data_dir=Path(tempfile.gettempdir()), keys=Keys(pool)
        )
        company, manager = database.company("loaded"), Actor(OPERATOR, Role.CREDIT_MANAGER)

        def load(count: int) -> float:
            share = list(islice(texts, count))
            began = time.perf_counter()
            load_history(company, share, manager)
            return time.perf_counter() - began

        yield load


@contextmanager
def _one_by_one(conninfo: str, lines: list[Line]) -> Iterator[Side]:
    with serving("empty", conninfo) as server, closing(HTTPConnection("127.0.0.1", server.port)) as client:
        client.connect()
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        requests = (_request(line, server.key) for line in lines)

        def send(count: int) -> float:
            share = list(islice(requests, count))
            began = time.perf_counter()
            for path, body, headers in share:
                client.request("POST", path, body, headers)
                answer = client.getresponse()
                text = answer.read()
                if answer.status not in {200, 201, 409}:
                    raise RuntimeError(f"{path}: {answer.status} {text[:2_000].decode()}")
            return time.perf_counter() - began

        yield send


def _request(line: Line, key: str) -> tuple[str, bytes, dict[str, str]]:
    wire, body = BY_NAME[line["command"]], dict(line["data"])
    path = wire.path
    if "{" in path:
        assert wire.subject is not None, "the path names it"
        path = path.replace(f"{{{wire.subject}}}", quote(body.pop(wire.subject), safe=""))
    asked = {name: line[told] for name, told in (("at", "at"), ("on_behalf_of", "actor")) if told in line}
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Idempotency-Key": line["key"],
    }
    return f"{path}?{urlencode(asked)}", json.dumps(body).encode(), headers


def _result(rates: dict[str, list[float]], told: dict[str, object]) -> dict[str, Any]:
    per_second = {name: round(median(taken)) for name, taken in rates.items()}
    faster = round(median(ours / http for ours, http in zip(rates["load"], rates["http"], strict=True)), 2)
    bars = [
        _bar("commands/s", per_second["load"], PER_SECOND),
        _bar("vs the same through HTTP one by one", faster, FASTER),
    ]
    return {"bench": "load", "figures": {**told, "per_second": per_second}, "bars": bars}


def _bar(name: str, value: float, at_least: float) -> dict[str, Any]:
    return {"name": name, "value": value, "at_least": at_least, "holds": value >= at_least}
