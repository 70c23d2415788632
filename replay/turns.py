"""How a rebuild leaves room for the service: it takes turns with those who record events meanwhile.

To stand behind others in the queue for a core is not enough: how soon who waited for the disk gets one back
is up to the system, and with all of them taken it may be some milliseconds, several times as long as an
append takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import scalar_row
from psycopg.sql import SQL, Identifier

_LOAD: Final = 100.0
"""Events recorded in a second for which as much time is left to others as was worked."""
_MOST: Final = 2.0
"""How much longer than the work a pause is at most."""


class Turns:
    """The turns of somebody who works; *newest* tells the position of the log's last event, *wait* sleeps."""

    def __init__(self, newest: Callable[[], int], wait: Callable[[float], object] = time.sleep) -> None:
        self._newest: Final = newest
        self._wait: Final = wait
        self._begun: tuple[float, int] | None = None
        """When the last piece of work began, and where the log was then."""

    def take_turn(self) -> None:
        """To be said before each piece of work. Pauses after the one before, the longer the more was recorded
        meanwhile, and the longer it took."""
        if self._begun is not None:
            began, position = self._begun
            recorded, worked = self._newest() - position, time.monotonic() - began
            self._wait(min(recorded / _LOAD, _MOST * worked))
        self._begun = time.monotonic(), self._newest()


def newest_of(connection: Connection[Any], schema: str) -> Callable[[], int]:
    """Asks *connection* for the position of the last event of the company with *schema*, or raises
    psycopg.Error."""
    statement = SQL("select coalesce(max(position), 0) from {}").format(Identifier(schema, "events"))

    def newest() -> int:
        with connection.cursor(row_factory=scalar_row) as cursor:
            position: int = cursor.execute(statement).fetchall()[0]
        return position

    return newest
