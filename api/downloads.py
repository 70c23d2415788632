"""Answers as files over HTTP, sent while they are read."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import chain
from threading import BoundedSemaphore
from typing import Final

import anyio
import anyio.to_thread
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class TooManyDownloads(Exception):
    """As many files are under way as the service gives out at once; try again when one of them is done."""


class Downloads:
    """How many files may be under way at once: each keeps a connection until its client has it all."""

    def __init__(self, most: int) -> None:
        self._free: Final = BoundedSemaphore(most)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Room for one. Raises TooManyDownloads."""
        if not self._free.acquire(blocking=False):
            raise TooManyDownloads(TooManyDownloads.__doc__)
        try:
            yield
        finally:
            self._free.release()


class Download(StreamingResponse):
    """A file of *chunks*. What *held* keeps for it is given back at its end, and when the client goes away.

    What fails after the first piece ends the connection without the end of the answer: no client takes what
    it has for a whole file.
    """

    def __init__(
        self, held: ExitStack, chunks: Iterator[bytes], media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(chunks, 200, headers, media_type)
        self._held: Final = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._held.close)


def begun(chunks: Generator[bytes], held: ExitStack) -> Iterator[bytes]:
    """*chunks* with the first of them made, so that what fails before it is still answered as a problem;
    closed with *held*."""
    held.callback(chunks.close)
    return chain([next(chunks)], chunks)
