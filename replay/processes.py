"""Work shared out to processes, of which each takes a part whenever it is through with the one before."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection, wait
from typing import Any, Final, Generic, TypeAlias, TypeVar

Part = TypeVar("Part")
Answer = TypeVar("Answer")

Tell: TypeAlias = Callable[[int], None]
"""Told how much more is done, in whatever the work counts."""

Work: TypeAlias = Callable[[Part, Tell], Answer]
"""A function of a module, by whose name another process finds it. All that goes in and out can be pickled."""

_MOST: Final = 8
_WORTH_IT: Final = 50_000
"""Events that take one process longer than it takes others to start."""

_BEHIND: Final = 10
"""By how much the processes stand behind those that serve people, where both want the same core."""


class ProcessLost(Exception):
    """One of the processes that shared the work was ended from outside, perhaps for lack of memory: nothing
    was changed. Try again."""


def processes_for(events: int) -> int:
    """How many processes fold so many events best: one for each core, eight at most, one if it is little."""
    return 1 if events < _WORTH_IT else min(os.cpu_count() or 1, _MOST)


@dataclass(frozen=True, slots=True)
class _Done(Generic[Answer]):
    answer: Answer


def share_out(
    work: Work[Part, Answer], parts: Sequence[Part], processes: int, told: Tell = lambda _: None
) -> list[Answer]:
    """What *work* answers for each of *parts*, in their order: done by so many *processes*, here if by one.

    Raises what *work* raises first, ProcessLost. Whatever is raised, the processes have ended then.
    """
    if processes <= 1:
        return [work(part, told) for part in parts]
    answers: dict[int, Answer] = {}
    left = iter(enumerate(parts))
    with _serving(work, min(processes, len(parts))) as pipes:
        busy: dict[Any, int] = {}
        for each, (number, part) in zip(pipes, left, strict=False):  # pipes first: no part is lost
            _hand(each, part)
            busy[each] = number
        while busy:
            for pipe in wait(list(busy)):
                said = _received(pipe)
                if not isinstance(said, _Done):
                    told(said)
                    continue
                answers[busy.pop(pipe)] = said.answer
                for number, part in islice(left, 1):
                    _hand(pipe, part)
                    busy[pipe] = number
    return [answers[number] for number in range(len(parts))]


def _hand(pipe: Any, part: object) -> None:  # noqa: ANN401 - one of what `wait` can wait for
    try:
        pipe.send(part)
    except OSError:
        raise ProcessLost(ProcessLost.__doc__) from None


def _received(pipe: Any) -> Any:  # noqa: ANN401 - whatever a process says
    try:
        said = pipe.recv()
    except (EOFError, OSError):
        raise ProcessLost(ProcessLost.__doc__) from None
    if isinstance(said, Exception):
        raise said
    return said


@contextmanager
def _serving(work: Work[Any, Any], number: int) -> Iterator[list[Connection]]:
    """Pipes to so many processes that do *work*; these end with the block."""
    # Not forked: a copy of this process would have its connections and not the threads that keep them.
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        pipes = []
        for _ in range(number):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, work), daemon=True)
            with _without_interruption():
                process.start()
            there.close()  # so that its end is noticed here
            stack.callback(process.join)
            stack.callback(process.terminate)
            stack.callback(here.close)
            pipes.append(here)
        yield pipes


@contextmanager
def _without_interruption() -> Iterator[None]:
    """Whoever is started meanwhile takes no notice of Ctrl-C: that is for who shared the work out."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, work: Work[Any, Any]) -> None:
    os.nice(_BEHIND)
    # Looking for circles among millions of events takes as long as folding them, and there are none.
    gc.disable()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # who shared the work out is gone
        while True:
            part = pipe.recv()
            try:
                said: object = _Done(work(part, pipe.send))
            except Exception as error:  # noqa: BLE001 - raised there
                said = error
            pipe.send(said)
