"""A way to PostgreSQL on which connections are cut: before a request has reached it, or after it has done
what was asked and before anybody hears of it."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_NAME: Final = ".s.PGSQL.5432"


class Cutter:
    """Cuts each request's connection with the chance *share*, half of them before and half after."""

    def __init__(self, target: Path, share: float, dice: random.Random) -> None:
        self._target, self.share, self._dice = target, share, dice
        self.before = self.after = 0

    def pass_on(self, client: socket.socket) -> None:
        """Be in between *client* and the server until one of them ends, or the dice say so."""
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(str(self._target))
            answers_pass = threading.Event()
            answers_pass.set()
            answering = threading.Thread(target=_answer, args=(server, client, answers_pass), daemon=True)
            answering.start()
            with suppress(OSError):
                while request := client.recv(65_536):
                    chance = self._dice.random()
                    if chance < self.share / 2:
                        self.before += 1
                        break
                    if chance < self.share and answers_pass.is_set():
                        answers_pass.clear()
                        self.after += 1
                    server.sendall(request)
            for each in (server, client):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            answering.join()


def _answer(server: socket.socket, client: socket.socket, answers_pass: threading.Event) -> None:
    with suppress(OSError):
        while answer := server.recv(65_536):
            if not answers_pass.is_set():
                client.shutdown(socket.SHUT_RDWR)  # whatever was answered, nobody hears of it
                return
            client.sendall(answer)


@contextmanager
def cutting(conninfo: str, folder: Path, share: float, dice: random.Random) -> Iterator[tuple[str, Cutter]]:
    """The connection string of a way on which connections are cut, and who cuts them."""
    told = conninfo_to_dict(conninfo)
    cutter = Cutter(Path(str(told["host"])) / _NAME, share, dice)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / _NAME))
        listening.listen(100)
        accepting = threading.Thread(target=_accept, args=(listening, cutter), daemon=True)
        accepting.start()
        yield make_conninfo(conninfo, host=str(folder), port=5432), cutter
        listening.shutdown(socket.SHUT_RDWR)
        accepting.join()


def _accept(listening: socket.socket, cutter: Cutter) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            threading.Thread(target=cutter.pass_on, args=(client,), daemon=True).start()
