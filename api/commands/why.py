"""`redress why`: why an item was, or was not, collectable at any moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeAlias
from uuid import UUID

import typer

from api.commands.clocks import AsAtOption, KnownAtOption, clocks_of
from api.commands.output import to_json
from api.commands.session import CommandRefused, Session, session
from api.one_line import one_line

if TYPE_CHECKING:
    from domain.identity import ItemId
    from replay.facts import Fact
    from replay.why import Why


ItemArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="ITEM", help="Number of the item, or its id.")
]
CustomerOption: TypeAlias = Annotated[str | None, typer.Option(help="Code of its customer.")]
EntityOption: TypeAlias = Annotated[str | None, typer.Option(help="Its business unit.")]


class WhyFormat(StrEnum):
    """How the answer is printed."""

    TEXT = "text"
    JSON = "json"


def install(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("why")(why)


def why(
    ctx: typer.Context,
    item: ItemArgument,
    *,
    customer: CustomerOption = None,
    entity: EntityOption = None,
    as_at: AsAtOption = None,
    known_at: KnownAtOption = None,
    form: Annotated[WhyFormat, typer.Option("--format", help="How to print it.")] = WhyFormat.TEXT,
) -> None:
    """Why an item is, or is not, collectable: the reasons, and the events that made it so.

    \b
    redress why F-1001
    redress why F-1001 --customer C1 --as-at 2026-02-15
    redress why F-1001 --known-at 57 --format json
    """
    from replay.why import why as ask
    from store.clock import now

    clocks = clocks_of("why", as_at, known_at)
    with session(ctx) as here:
        found = ask(here.company.log, here.actor, item_meant(here, item, customer, entity), clocks, now())
    typer.echo(to_json(found) if form is WhyFormat.JSON else "\n".join(_text(found)))


def item_meant(here: Session, told: str, customer: str | None, entity: str | None) -> ItemId:
    """The id of the item that is meant. Raises CommandRefused where none is, or several are."""
    from domain.identity import ItemId, item_id
    from projections.reading import Reading
    from projections.search import ItemSearch, items
    from store.clock import now

    try:
        return ItemId(UUID(told))
    except ValueError:
        pass
    if customer is not None and entity is not None:
        return item_id(entity, customer, told)
    here.company.feed.catch_up()
    asked = ItemSearch(number=told, customer=customer, entity=entity, is_open=None, limit=10)
    found = items(Reading(here.company.datastore, here.actor, now()), asked).rows
    if not found:
        raise CommandRefused(f"there is no item {told!r}; is a leading zero missing?")
    if len(found) > 1:
        which = ", ".join(f"--customer {row.customer_code} --entity {row.entity}" for row in found)
        raise CommandRefused(f"several items have the number {told!r}; say which: {which}")
    return ItemId(found[0].item_id)


def _text(found: Why) -> Iterator[str]:
    from replay.sentences import utc

    is_it = "collectable" if found.is_collectable else "not collectable"
    named = f"{found.number} of {found.customer_code} ({found.entity})"
    yield f"{named} as at {utc(found.as_at)}, known at {found.known_at}: {is_it} since {utc(found.since)}"
    for reason in found.reasons:
        yield f"{reason.reason}: {one_line(reason.sentence)}"
        yield from _events(reason.events)
    if found.is_collectable:
        yield one_line(found.sentence)
        yield from _events(found.events)


def _events(facts: Sequence[Fact]) -> Iterator[str]:
    from replay.sentences import utc

    for fact in facts:
        behalf = f" for {fact.original_name or fact.on_behalf_of}" if fact.on_behalf_of else ""
        who = f"{fact.actor_name or fact.actor} as {fact.role}{behalf}"
        yield f"    {utc(fact.occurred_at)}  {one_line(fact.sentence)}"
        yield f"        {fact.event} by {one_line(who)}, recorded {utc(fact.recorded_at)} at {fact.position}"
