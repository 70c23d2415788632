"""How many commands a second come through HTTP: opening a dispute and commenting on it, ours against the same
written with the eventsourcing library as it comes (bench/http_sides.py says how).

16 clients keep one connection each over loopback and send one request after the other to a real server
process: open a dispute over an item of its own, comment on it, and so on. The sides take short turns within
one run, so that a machine's moods meet all of them; a bar's value is the median of the turns' ratios.
"""

from __future__ import annotations

import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from statistics import median, quantiles
from typing import Any, Final

import orjson

from bench.http_sides import COMPANY, ITEMS, customer_of
from bench.server import temporary_server
from store.migrate import create_company, migrate

CLIENTS: Final = 16
TURNS: Final = 5
SECONDS: Final = 2.0
FASTER: Final = 1.5
SIDES: Final = ("ours", "stock", "bare")
READ: Final = "/v1/reports/agenda?person=manager&days_ahead=30&customer=C-7"


@dataclass
class Server:
    """A server process, as its clients know it. ``items`` are numbers of items nobody has disputed yet."""

    port: int
    key: str
    items: Iterator[int] = field(default_factory=count)

    def opening(self) -> bytes:
        """A request to open a dispute."""
        number = next(self.items)
        if number >= ITEMS:
            raise RuntimeError("the items ran out: let http_sides.ITEMS be larger")
        items = [{"customer_code": customer_of(number), "entity": "main", "number": str(number)}]
        body = {
            "item_ids": items,
            "type": "price",
            "reason": "Invoiced at the old price",
            "resolver_id": "resolver",
        }
        return self._request("POST", "/v1/disputes", orjson.dumps(body))

    def comment(self, dispute: str) -> bytes:
        """A request to comment on it."""
        body = orjson.dumps({"text": "The customer sends the order confirmation tomorrow."})
        return self._request("POST", f"/v1/disputes/{dispute}/comment", body)

    def read(self) -> bytes:
        """A request for an agenda."""
        return self._request("GET", READ, b"")

    def _request(self, method: str, path: str, body: bytes) -> bytes:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class Client:
    """One connection: sends a request, and the next when it is answered."""

    def __init__(self, server: Server, *, reads: bool) -> None:
        self._server: Final = server
        self._reads: Final = reads
        self.socket: Final = socket.create_connection(("127.0.0.1", server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._dispute: str | None = None
        self._received = b""
        self._sent_at = 0.0

    def send(self) -> None:
        """The next request."""
        if self._reads:
            request = self._server.read()
        elif self._dispute is None:
            request = self._server.opening()
        else:
            request = self._server.comment(self._dispute)
        self._sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> float | None:
        """Seconds that the request took, if its answer is complete now."""
        self._received += self.socket.recv(65_536)
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) < length:
            return None
        seconds = time.perf_counter() - self._sent_at
        self._check(head, body)
        self._received = b""
        if not self._reads:
            self._dispute = orjson.loads(body)["id"] if self._dispute is None else None
        return seconds

    def _check(self, head: bytes, body: bytes) -> None:
        if head[9:12] not in {b"200", b"201"}:
            raise RuntimeError(f"{head.decode()}\n\n{body[:2_000].decode()}")


def run() -> dict[str, Any]:
    """Measure; return the result as `python -m bench` prints it."""
    with temporary_server() as conninfo, ExitStack() as stack:
        migrate(conninfo)
        create_company(conninfo, COMPANY)
        servers = {side: stack.enter_context(serving(side, conninfo)) for side in SIDES}
        turns: dict[str, list[list[float]]] = {side: [] for side in SIDES}
        for number in range(TURNS + 1):
            for at in range(len(SIDES)):
                side = SIDES[(at + number) % len(SIDES)]  # who comes first changes
                latencies = turn(servers[side], side)
                if number:  # the first round is for warming up
                    turns[side].append(latencies)
        reads = [turn(servers["ours"], "agenda", reads=True) for _ in range(2)]
    return _result(turns, reads)


@contextmanager
def serving(side: str, conninfo: str, company: str = COMPANY) -> Iterator[Server]:
    """A process that serves a side of bench/http_sides.py, for as long as a block lasts."""
    command = [sys.executable, "-m", "bench.http_sides", side, conninfo, company]
    process = subprocess.Popen(  # noqa: S603 - our own program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None, "it was asked for"
        port, key = process.stdout.readline().split()
        yield Server(int(port), key)
    finally:
        process.communicate()  # the end of its input ends it


def turn(server: Server, name: str, *, reads: bool = False) -> list[float]:
    """Let all clients send for so long; how many seconds each request took."""
    clients = [Client(server, reads=reads) for _ in range(CLIENTS)]
    latencies: list[float] = []
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        for client in clients:
            stack.enter_context(client.socket)
            selector.register(client.socket, selectors.EVENT_READ, client)
        began = time.perf_counter()
        for client in clients:
            client.send()
        busy = len(clients)
        while busy:
            for found, _ in selector.select():
                took = found.data.receive()
                if took is None:
                    continue
                latencies.append(took)
                if time.perf_counter() - began < SECONDS:
                    found.data.send()
                else:
                    busy -= 1
    print(f"http: {name}: {len(latencies) / SECONDS:.0f}/s", file=sys.stderr)
    return latencies


def _result(turns: dict[str, list[list[float]]], reads: list[list[float]]) -> dict[str, Any]:
    figures: dict[str, Any] = {side: _figures(taken) for side, taken in turns.items()}
    figures["agenda read"] = _figures(reads)
    figures["share of bare"] = round(figures["ours"]["per_second"] / figures["bare"]["per_second"], 2)
    pairs = list(zip(turns["ours"], turns["stock"], strict=True))
    faster = round(median(len(ours) / len(stock) for ours, stock in pairs), 2)
    slowest = round(figures["ours"]["p99_ms"] / figures["stock"]["p99_ms"], 2)
    bars = [
        {
            "name": "vs the library, requests/s",
            "value": faster,
            "at_least": FASTER,
            "holds": faster >= FASTER,
        },
        {"name": "p99 vs the library's", "value": slowest, "at_most": 1.0, "holds": slowest <= 1.0},
    ]
    return {"bench": "http", "figures": figures, "bars": bars}


def _figures(taken: list[list[float]]) -> dict[str, Any]:
    together = [each for latencies in taken for each in latencies]
    return {
        "per_second": round(median(len(latencies) / SECONDS for latencies in taken)),
        "p50_ms": round(1_000 * median(together), 2),
        "p99_ms": round(1_000 * quantiles(together, n=100)[98], 2),
    }
