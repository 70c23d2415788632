"""The tutorial is run as it stands: all its `sh` blocks, in order, in one empty directory."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "your-first-dispute.md"


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    blocks = re.findall(r"^```sh\n(.*?)^```", TUTORIAL.read_text(), re.DOTALL | re.MULTILINE)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REDRESS_")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=tmp_path_factory.mktemp("tutorial"),
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


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
