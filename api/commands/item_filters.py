"""What lists of items and episodes can be asked on the command line, besides what all reports can be."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, TypeAlias

import typer


class Whether(StrEnum):
    """What must hold of an item or an episode, must not hold, or may."""

    YES = "yes"
    NO = "no"
    EITHER = "either"


WHETHER: Final[Mapping[Whether, bool | None]] = {
    Whether.YES: True,
    Whether.NO: False,
    Whether.EITHER: None,
}
"""The same as the projections have it."""

Text: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Items: words that all occur in the number, the customer's code or name, an attribute's value,"
        " the status or the comment."
    ),
]
Number: TypeAlias = Annotated[str | None, typer.Option(help="Items: with this number.")]
Type: TypeAlias = Annotated[
    str | None, typer.Option("--item-type", help="Items: of this type, such as invoice.")
]
Kind: TypeAlias = Annotated[str | None, typer.Option(help="Items: with a status of this kind.")]
Dispute: TypeAlias = Annotated[
    str | None, typer.Option(help="Items: of this dispute (id, or its own reference).")
]
FollowUp: TypeAlias = Annotated[
    str | None, typer.Option(help="Items: of this follow-up action (id, or its own reference).")
]
DueFrom: TypeAlias = Annotated[str | None, typer.Option(help="Items: due on this day or later.")]
DueTo: TypeAlias = Annotated[str | None, typer.Option(help="Items: due on this day or earlier.")]
IsOpen: TypeAlias = Annotated[
    Whether | None, typer.Option(help="Items: still to be paid; yes if nothing is said.")
]
IsDisputed: TypeAlias = Annotated[Whether | None, typer.Option(help="Items: in an open dispute.")]
IsOverdue: TypeAlias = Annotated[Whether | None, typer.Option(help="Items: open and past due.")]
HasStatus: TypeAlias = Annotated[Whether | None, typer.Option(help="Items: with a status.")]
HasCollector: TypeAlias = Annotated[
    Whether | None, typer.Option(help="Items, episodes: of customers with a collector.")
]
IsAssigned: TypeAlias = Annotated[
    Whether | None, typer.Option(help="Episodes: with a resolver, when they ended.")
]
Sort: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Items: by customer (if nothing is said), due_date (oldest first) or balance."
        " Episodes: longest (if nothing is said), newest or oldest."
    ),
]
Limit: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="So many rows, 1 to 200. If nothing is said: a table of a list has 50, all else has all of them."
    ),
]
