"""What is stored stays readable: a golden file for every stored name (design §2, rule 8).

A golden file is never changed by hand. A new event gets one by ``REDRESS_WRITE_GOLDEN=1 pytest
tests/domain/test_golden_files.py``, which writes what is missing and leaves what is there.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import get_args

import pytest

from domain import catalogue, customer, dispute, follow_up, imports, item, people, reminder, sales
from domain.case import kind_of
from store.codec import Codec
from store.event_types import TABLE
from tests.domain.samples import SAMPLES

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
CODEC = Codec()
UNIONS = (
    catalogue.CompanyEvent,
    people.PeopleEvent,
    customer.CustomerEvent,
    item.ItemEvent,
    dispute.DisputeEvent,
    follow_up.FollowUpEvent,
    imports.ImportEvent,
    sales.SalesEvent,
    reminder.ReminderEvent,
)
NAMES = sorted(TABLE)
CURRENT = sorted(CODEC.types.classes)


def golden(name: str) -> bytes:
    path = GOLDEN / f"{name}.json"
    if os.environ.get("REDRESS_WRITE_GOLDEN") and not path.exists():
        path.write_bytes(CODEC.encode_bytes(SAMPLES[CODEC.types.classes[name]])[1])
    return path.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_file_decodes_to_the_sample(name: str) -> None:
    event_class, _ = CODEC.types.way(name)
    assert CODEC.decode(name, golden(name)) == SAMPLES[event_class]


@pytest.mark.parametrize("name", CURRENT)
def test_the_sample_encodes_to_the_golden_file(name: str) -> None:
    assert CODEC.encode_bytes(SAMPLES[CODEC.types.classes[name]]) == (name, golden(name))


def test_there_are_golden_files_of_stored_names_and_of_nothing_else() -> None:
    assert sorted(path.name for path in GOLDEN.iterdir()) == [f"{name}.json" for name in NAMES]


def test_there_is_a_sample_of_every_event_class_and_a_stored_name_for_it() -> None:
    classes = {event_class for union in UNIONS for event_class in get_args(union) or (union,)}
    assert set(SAMPLES) == classes == set(CODEC.types.classes.values())


def test_every_field_of_a_sample_is_filled() -> None:
    assert [path for event in SAMPLES.values() for path in _empty(event, type(event).__name__)] == []


def test_the_first_field_of_an_event_is_the_id_of_its_stream() -> None:
    for event in SAMPLES.values():
        (first,) = [field.name for field in dataclasses.fields(kind_of(type(event)))]
        assert event.stream_id == getattr(event, first)


def _empty(value: object, path: str) -> Iterator[str]:
    if value is None or (isinstance(value, Collection) and not value):
        yield path
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _empty(getattr(value, field.name), f"{path}.{field.name}")
