from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.connections import CompanyDatastore, Pool, open_pool
from store.log import Log
from tests.store.facts import CODEC


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=10) as pool:
        yield pool


@pytest.fixture
def log(pool: Pool) -> Log:
    return Log(CompanyDatastore(pool, "acme"), CODEC)
