"""What all reports can be asked on the command line: the filters and the period. The two clocks,
which other commands have too, stand in api/commands/clocks.py."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

PeriodFrom: TypeAlias = Annotated[str | None, typer.Option("--from", help="First day of the period.")]
PeriodTo: TypeAlias = Annotated[str | None, typer.Option("--to", help="Last day of the period.")]
Entity: TypeAlias = Annotated[str | None, typer.Option(help="Business unit.")]
Customer: TypeAlias = Annotated[str | None, typer.Option(help="Code of a customer.")]
Collector: TypeAlias = Annotated[str | None, typer.Option(help="Code of a collector.")]
Resolver: TypeAlias = Annotated[str | None, typer.Option(help="Code of a resolver.")]
Status: TypeAlias = Annotated[
    str | None, typer.Option("--status", "--type", help="Status, or type of dispute.")
]
Attributes: TypeAlias = Annotated[
    list[str] | None, typer.Option(help="name=value of items; may be repeated.")
]
Currency: TypeAlias = Annotated[str | None, typer.Option(help="ISO 4217 code.")]
FirstEpisodesOnly: TypeAlias = Annotated[
    bool,
    typer.Option("--first-episodes-only", help="Resolution time, episodes: without what was reopened."),
]
CountedEpisodes: TypeAlias = Annotated[
    str | None,
    typer.Option("--counted", help="Episodes: resolved in the period (if nothing is said), opened or open."),
]
State: TypeAlias = Annotated[str | None, typer.Option(help="Dispute report: open, opened or resolved.")]
