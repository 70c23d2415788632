"""Tutorial and how-to are run as they stand: all their `sh` blocks, in order, each in an empty directory."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.test_cli_service import free_port

DOCS = Path(__file__).parents[2] / "docs"
PORT = "8123"
"""On which the pages serve."""


def walked_through(page, directory):
    """What happened when all its `sh` blocks were run, in order, in an empty *directory*."""
    # On a port of its own: the page's may be taken, by another run of the tests perhaps.
    told = (DOCS / page).read_text().replace(PORT, str(free_port()))
    blocks = re.findall(r"^```sh\n(.*?)^```", told, re.DOTALL | re.MULTILINE)
    # Nor is measured what they cover, which is what tests of its own cover, and takes them twice as long.
    left_out = ("REDRESS_", "COVERAGE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
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


PROMISED = {
    "tutorial/your-first-dispute.md": [
        "1580.50",  # both invoices of the first customer
        "1500.00",  # what is disputed of the third
        "partial_credit",
        '"mean_days": 14.4',  # from the 9th at midnight to the 23rd at eleven, Paris time
    ],
    "how-to/migrate-from-another-system.md": [
        "13,resolve_dispute,",  # before the reminder
        "15,open_dispute,",  # a cause that the catalogue does not have
        '"mean_days": 32.777',
        "state: open → resolved",
    ],
    "how-to/analyse-with-sql-duckdb-pandas.md": [
        "Currency of every amount in the row",  # psql shows the comments
        "Quality dispute | EUR      |        1 |  640.00",  # now; the next: at the end of February
        "Price dispute   | EUR      |        1 | 1200.00",
        "C1            | EUR      | 1580.50 | 1580.50",
        "21.0        False",  # the resolved episode in pandas
        '"as_at": "2026-02-28T23:59:59.999999+00:00"',
        "C2            │ EUR      │    640.000000 │        1",
        "resolved    1",
    ],
    "how-to/explain-a-changed-figure.md": [
        "disputes 1, items 1, amount 1200.00 → 380.50 (-819.50)",  # one came, one went
        "dispute case-3 of C1: It was opened.",
        "dispute case-1 of C1: It was resolved.",
        "dispute case-2 of C2: It moved here from delivery.",
        "The dispute case-2 took the type",
        "dispute-resolved.v1 by Claire Dumas as credit_manager, recorded ",
    ],
}
"""What the output of each page holds."""


@pytest.mark.parametrize("page", PROMISED)
def test_every_command_of_the_page_works_and_shows_what_it_promises(page, tmp_path):
    walk = walked_through(page, tmp_path)
    assert walk.returncode == 0, walk.stdout + walk.stderr
    missing = [said for said in PROMISED[page] if said not in walk.stdout]
    assert not missing, walk.stdout + walk.stderr
