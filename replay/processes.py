"""Work shared out to processes, of which each takes a part whenever it is through with the one before."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection, wait
from typing import Any, Final, Generic, TypeAlias, TypeVar

from store.backends import BEHIND

Part = TypeVar("Part")
Answer = TypeVar("Answer")

Tell: TypeAlias = Callable[[int], None]
"""Told how much more is done, in whatever the work counts."""

Work: TypeAlias = Callable[[Part, Tell], Answer]
"""A function of a module, by whose name another process finds it. All that goes in and out can be pickled."""

Opened: TypeAlias = Callable[[], AbstractContextManager[Work[Part, Answer]]]
"""Makes ready, in the process that will do it, some work and whatever it needs for all of its parts."""

_MOST: Final = 8
_WORTH_IT: Final = 50_000
"""Events that take one process longer than it takes others to start."""

_WAITING: Final = 2
"""Parts that each process has been given: one it works on, and the next, so that it never stands idle."""


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
    with _serving(partial(_behind, work), min(processes, len(parts))) as pipes:
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


def in_turn(
    opened: Opened[Part, Answer], parts: Iterable[Part], processes: int
) -> Generator[Answer, None, None]:
    """What the work answers for each of *parts*, one after the other in their order; meanwhile each of the
    *processes* makes another one and has one more before it, all of them small. What it tells is not heard.

    Raises what the work raises, ProcessLost. The processes end with the last part, or when this is closed.
    """
    left = iter(parts)
    with _serving(opened, processes) as pipes:
        under_way: deque[Connection] = deque()
        for pipe, part in zip(pipes * _WAITING, left, strict=False):  # pipes first: no part is lost
            _hand(pipe, part)
            under_way.append(pipe)
        while under_way:
            pipe = under_way.popleft()
            while not isinstance(said := _received(pipe), _Done):
                pass
            for part in islice(left, 1):
                _hand(pipe, part)
                under_way.append(pipe)
            yield said.answer


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
def _behind(work: Work[Part, Answer]) -> Iterator[Work[Part, Answer]]:
    os.nice(BEHIND)
    yield work


@contextmanager
def _serving(opened: Opened[Any, Any], number: int) -> Iterator[list[Connection]]:
    """Pipes to so many processes that do the work; these end with the block."""
    # Not forked: a copy of this process would have its connections and not the threads that keep them.
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        pipes = []
        for _ in range(number):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, opened), daemon=True)
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


def _serve(pipe: Connection, opened: Opened[Any, Any]) -> None:
    # Looking for circles among millions of events takes as long as folding them, and there are none.
    gc.disable()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # who shared the work out is gone
        try:
            with opened() as work:
                _answer(pipe, work)
        except Exception as error:  # noqa: BLE001 - raised there
            pipe.send(error)


def _answer(pipe: Connection, work: Work[Any, Any]) -> None:
    while True:
        part = pipe.recv()
        try:
            said: object = _Done(work(part, pipe.send))
        except Exception as error:  # noqa: BLE001 - raised there
            said = error
        pipe.send(said)
