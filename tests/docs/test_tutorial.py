"""Tutorial and how-to are run as they stand: all their `sh` blocks, in order, each in an empty directory."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def walked_through(page, directory):
    """What happened when all its `sh` blocks were run, in order, in an empty *directory*."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REDRESS_")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    return walked_through("tutorial/your-first-dispute.md", tmp_path_factory.mktemp("tutorial"))


def test_every_command_of_the_tutorial_works(walked):
    assert walked.returncode == 0, walked.stdout + walked.stderr


@pytest.mark.parametrize(
    "said",
    [
        "1580.50",  # both invoices of the first customer
        "1500.00",  # what is disputed of the third
        "partial_credit",
        '"mean_days": 14.4',  # from the 9th at midnight to the 23rd at eleven, Paris time
    ],
)
def test_the_tutorial_shows_what_it_promises(walked, said):
    assert said in walked.stdout, walked.stdout + walked.stderr


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    return walked_through("how-to/migrate-from-another-system.md", tmp_path_factory.mktemp("how-to"))


def test_every_command_of_the_how_to_works(migrated):
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr


@pytest.mark.parametrize(
    "said",
    [
        "13,resolve_dispute,",  # before the reminder
        "15,open_dispute,",  # a cause that the catalogue does not have
        '"mean_days": 32.777',
        "state: open → resolved",
    ],
)
def test_the_how_to_shows_what_it_promises(migrated, said):
    assert said in migrated.stdout, migrated.stdout + migrated.stderr


@pytest.fixture(scope="module")
def analysed(tmp_path_factory):
    return walked_through("how-to/analyse-with-sql-duckdb-pandas.md", tmp_path_factory.mktemp("analysts"))


def test_every_command_for_analysts_works(analysed):
    assert analysed.returncode == 0, analysed.stdout + analysed.stderr


@pytest.mark.parametrize(
    "said",
    [
        "Currency of every amount in the row",  # psql shows the comments
        "Quality dispute | EUR      |        1 |  640.00",  # now, and beside the other at the end of February
        "Price dispute   | EUR      |        1 | 1200.00",
        "C1            | EUR      | 1580.50 | 1580.50",
        "21.0        False",  # the resolved episode in pandas
        '"as_at": "2026-02-28T23:59:59.999999+00:00"',
        "C2            │ EUR      │    640.000000 │        1",
        "resolved    1",
    ],
)
def test_the_page_for_analysts_shows_what_it_promises(analysed, said):
    assert said in analysed.stdout, analysed.stdout + analysed.stderr


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    return walked_through("how-to/explain-a-changed-figure.md", tmp_path_factory.mktemp("explained"))


def test_every_command_of_the_month_end_question_works(explained):
    assert explained.returncode == 0, explained.stdout + explained.stderr


@pytest.mark.parametrize(
    "said",
    [
        "disputes 1, items 1, amount 1200.00 → 380.50 (-819.50)",  # one came, one went
        "dispute case-3 of C1: It was opened.",
        "dispute case-1 of C1: It was resolved.",
        "dispute case-2 of C2: It moved here from delivery.",
        "The dispute case-2 took the type",
        "dispute-resolved.v1 by Claire Dumas as credit_manager, recorded ",
    ],
)
def test_the_month_end_question_is_answered_as_promised(explained, said):
    assert said in explained.stdout, explained.stdout + explained.stderr
