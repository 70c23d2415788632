"""A PostgreSQL server for as long as a block lasts, for programs that measure or write pages."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store import embedded
from store.embedded_supervisor import locked


@contextmanager
def temporary_server(*, durable: bool = True) -> Iterator[str]:
    """The connection string of an empty database on a server of its own, which is gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="redress-"))
    try:
        yield embedded.ensure(directory, durable=durable)
    finally:
        embedded.release(directory)
        with locked(directory / "supervisor.lock"):  # until the server and its supervisor have ended
            pass
        shutil.rmtree(directory)
