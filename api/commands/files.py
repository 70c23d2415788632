"""Answers in files: complete or not there at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from api.commands.session import CommandRefused


@contextmanager
def written_to(output: Path | None, *, is_binary: bool) -> Iterator[BinaryIO]:
    """Where to write an answer: a file beside *output* that takes its place when the block ends well, or
    standard output. Raises CommandRefused for bytes that no terminal shows, OSError."""
    if output is None:
        if is_binary and sys.stdout.isatty():
            raise CommandRefused("a terminal cannot show this format: give --output FILE")
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if output.is_dir():
        raise CommandRefused(f"--output: {output} is a folder; name a file in it")
    beside = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(output)
    finally:
        beside.unlink(missing_ok=True)
