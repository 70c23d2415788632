"""A rebuild takes turns with those who record events meanwhile."""

from __future__ import annotations

import pytest

from replay.turns import Turns


class World:
    """A clock and a log that move when told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.position = 0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        self.position += 1_000  # who was waiting goes on

    def passes(self, seconds: float, events: int) -> None:
        self.now += seconds
        self.position += events


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr("time.monotonic", lambda: world.now)
    return world


@pytest.mark.parametrize(
    ("seconds", "events", "pause"),
    [
        pytest.param(2.0, 0, 0.0, id="nobody is there"),
        pytest.param(2.0, 10, 0.1, id="as long as those few take"),
        pytest.param(2.0, 5_000, 4.0, id="twice as long as was worked, at most"),
    ],
)
def test_41_a_rebuild_pauses_the_longer_the_more_is_recorded(
    world: World, seconds: float, events: int, pause: float
) -> None:
    turns = Turns(lambda: world.position, world.pause)
    for _ in range(3):
        turns.take_turn()  # what is recorded in a pause costs none
        world.passes(seconds, events)
    # Nor is there one before the first piece of work, or after the last.
    assert world.pauses == pytest.approx([pause, pause])
