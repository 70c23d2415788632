"""Work that processes do in turn, some of it ahead of who uses it (spec 42)."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import contextmanager

import pytest

from replay.processes import ProcessLost, Tell, in_turn


@contextmanager
def squaring():
    def square(part: int, told: Tell) -> tuple[int, int]:
        told(part)
        if part < 0:
            raise ValueError(part)
        return part * part, os.getpid()

    yield square


@contextmanager
def not_opening():
    raise LookupError("nothing to work with")
    yield


def test_answers_come_in_the_order_of_the_parts_from_all_processes():
    answers = list(in_turn(squaring, range(20), 2))
    assert [square for square, _ in answers] == [part * part for part in range(20)]
    assert len({process for _, process in answers} - {os.getpid()}) == 2
    assert multiprocessing.active_children() == []


def test_fewer_parts_than_processes():
    assert [square for square, _ in in_turn(squaring, [3], 2)] == [9]
    assert list(in_turn(squaring, [], 2)) == []


def test_1_no_more_is_made_ahead_than_two_parts_for_each_process():
    taken = []

    def parts():
        for part in range(1_000):
            taken.append(part)
            yield part

    answers = in_turn(squaring, parts(), 2)
    for used in range(1, 6):
        next(answers)
        assert len(taken) == used + 4
    answers.close()
    assert multiprocessing.active_children() == []


def test_what_the_work_raises_is_raised_in_its_turn_and_ends_the_processes():
    answers = in_turn(squaring, [1, 2, -3, 4, 5, 6], 2)
    assert [next(answers)[0], next(answers)[0]] == [1, 4]
    with pytest.raises(ValueError, match="-3"):
        next(answers)
    assert multiprocessing.active_children() == []


def test_what_keeps_the_work_from_beginning_is_raised():
    with pytest.raises(LookupError, match="nothing to work with"):
        list(in_turn(not_opening, [1, 2, 3], 2))
    assert multiprocessing.active_children() == []


def test_42_a_process_that_was_killed_is_missed():
    answers = in_turn(squaring, range(100), 2)
    next(answers)
    for process in multiprocessing.active_children():
        process.kill()
        process.join()
    with pytest.raises(ProcessLost):
        list(answers)
    assert multiprocessing.active_children() == []
