"""The sample company: a small one told through real commands, and what the story of the whole one holds."""

from __future__ import annotations

import json
import stat
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from api.database import Database
from api.sample import KEYS_FILE, SAMPLE, load_sample, story
from domain.dispute import CancelDispute, OpenDispute, ReopenDispute, ResolveDispute
from domain.identity import person_id
from domain.item import ItemType
from domain.roles import Actor, Role
from projections.reading import Reading
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from replay.verify import verify
from store.clock import now
from store.connections import open_pool
from store.keys import Keys

PRESENT = datetime(2026, 6, 15, 15, tzinfo=UTC)


@pytest.fixture
def small(monkeypatch):
    for name, count in (("CUSTOMERS", 12), ("ITEMS", 600), ("DISPUTES", 60)):
        monkeypatch.setattr(story, name, count)


def test_the_sample_is_told_through_the_real_commands_and_its_reports_equal_the_log(
    small, database, tmp_path
):
    heard = []
    with open_pool(database, size=4) as pool:
        here = Database(database, pool, is_own=True, data_dir=tmp_path, keys=Keys(pool))
        assert load_sample(here, lambda *told: heard.append(told))
        company = here.company(SAMPLE)
        kinds = Counter(type(each.event).__name__ for each in company.log.read(0, 1_000_000))
        assert (kinds["CustomerRegistered"], kinds["ItemRegistered"], kinds["DisputeOpened"]) == (12, 600, 60)
        assert kinds["DisputeResolved"]
        assert kinds["ResolverChased"]
        assert kinds["ReminderStepDone"] + kinds["ReminderStepPostponed"] + kinds["ReminderStepSkipped"]
        assert {done == of for _, done, of in heard} == {True, False}
        assert verify(company.datastore, company.log).is_sound
        reading = Reading(company.datastore, Actor(person_id("manager"), Role.CREDIT_MANAGER), now())
        (figures,) = resolution_time(reading, ResolutionTimeParameters()).totals
        assert 0 < figures.responded < figures.count
        newest = company.log.newest()
        assert not load_sample(here, lambda *_: None)
        assert company.log.newest() == newest
    keys = tmp_path / KEYS_FILE
    assert set(json.loads(keys.read_text())) >= {each.value for each in Role} - {Role.SERVICE.value}
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600


def test_the_story_is_of_a_year_with_all_that_happens_in_one():
    random = Random(story.SEED)
    customers = story.customers(random)
    items = story.items(random, customers, PRESENT.date() - timedelta(days=1))
    told = story.Story(random, items, PRESENT).tell()
    commands = Counter(type(each.command) for each in told)
    assert (len(customers), len(items), commands[OpenDispute]) == (300, 20_000, 1_200)
    assert {each.command.details.currency for each in items} == {"EUR", "GBP", "USD"}
    assert {each.command.details.type for each in items} >= {ItemType.INVOICE, ItemType.CREDIT_NOTE}
    assert any(each.command.amounts for each in told if isinstance(each.command, OpenDispute))
    assert commands[ReopenDispute] > 20
    assert commands[CancelDispute] > 5
    assert 0 < commands[ResolveDispute] < 1_200 + commands[ReopenDispute]  # some are open still
    issued = [each.command.details.issue_date for each in items]
    assert (max(issued) - min(issued)).days > 350
    times = [each.at for each in told if each.at is not None]
    assert times == sorted(times)
