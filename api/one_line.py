"""What people wrote, on one line of what is said of it."""

from __future__ import annotations


def one_line(text: str) -> str:
    """*text* without line breaks, and with a � for each sign that steers a terminal: so that no comment looks
    like a line of the history that it stands in."""
    return "".join(
        sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in " ".join(text.split())
    )
