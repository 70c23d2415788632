"""What happened, in words."""

from __future__ import annotations

import pytest

from replay.sentences import ordinal


@pytest.mark.parametrize(
    ("number", "said"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (10, "10th"), (11, "11th"), (12, "12th"), (13, "13th"),
     (21, "21st"), (42, "42nd"), (103, "103rd"), (111, "111th"), (1_012, "1012th")],
)  # fmt: skip
def test_a_number_of_times_is_counted_as_in_english(number: int, said: str) -> None:
    assert ordinal(number) == said
