"""Why a database cannot be used, for those who may not know its driver."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolTimeout

DATABASE_ERRORS: Final = (psycopg.Error, PoolTimeout)
"""What opening and migrating a database can raise besides our own refusals."""


def is_connection_string(text: str) -> bool:
    """Whether libpq understands *text*. What it says of a wrong one would repeat the password in it."""
    try:
        conninfo_to_dict(text)
    except psycopg.ProgrammingError:
        return False
    return True


def reason(error: Exception) -> str:
    """What went wrong, in one line, without what the server says of rows and statements."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return first.strip()
