"""Files of people, customers or sales: each row is a command; what cannot be is rejected row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from api.commands.output import progress, say, to_csv
from api.commands.session import CommandRefused, Session, person_named
from api.commands.trouble import REFUSED
from api.table_shapes import Rejected, RowRefused, Shape, TableRow
from domain.identity import person_id
from domain.refusals import Refusal
from domain.roles import Permission

if TYPE_CHECKING:
    from domain.commands import Command

RejectsOption: TypeAlias = Annotated[
    Path | None, typer.Option("--rejects", help="Where the rejected rows are listed, as CSV.")
]

DryRunOption: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")
]
MappingOption: TypeAlias = Annotated[
    Path | None, typer.Option("--mapping", help="What the columns mean: a TOML file, as for items.")
]

_CHUNK: Final = 500
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How a file is brought in: by which mapping, really or not, and where rejected rows are listed."""

    mapping: Path | None = None
    dry_run: bool = False
    rejects: Path | None = None


def carry_out(
    here: Session,
    path: Path,
    command_of: Callable[[TableRow], Command],
    *,
    permission: Permission,
    shape: Shape,
    options: TableOptions,
    people_in: Sequence[str] = (),
) -> None:
    """Carry out the commands of all rows and say what became of them.

    *people_in*: fields with codes of people.

    Raises FileRefused, MappingRefused; typer.Exit(1) if rows were rejected.
    """
    from api.table_file import read_table
    from store.rehearsal import rehearsal

    rejects = options.rejects
    check_rejects(rejects)
    here.require(permission)
    rows = read_table(path, shape, options.mapping)
    rejected = [row for row in rows if isinstance(row, Rejected)]
    told: list[tuple[TableRow, Command]] = []
    for row in rows:
        try:
            told += [(row, command_of(row))] if isinstance(row, TableRow) else []
        except RowRefused as refused:
            rejected.append(Rejected(row.row, refused.column, str(refused)))
    executor = rehearsal(here.company.datastore) if options.dry_run else here.company.executor
    changed = 0
    with progress(path.name, len(told)) as advance:
        for start in range(0, len(told), _CHUNK):
            chunk = told[start : start + _CHUNK]
            outcomes, _ = executor.execute_rows([command for _, command in chunk], here.actor)
            for (row, _), outcome in zip(chunk, outcomes, strict=True):
                if isinstance(outcome, Refusal):
                    codes: dict[object, str] = {
                        person_id(row.cells[name]): row.cells[name] for name in people_in if name in row.cells
                    }
                    rejected.append(Rejected(row.row, None, person_named(outcome, codes)))
                else:
                    changed += bool(outcome)
            advance(start + len(chunk), None)
    unchanged = len(rows) - len(rejected) - changed
    lead = "would be: " if options.dry_run else ""
    say(f"{path.name}: {lead}{changed} changed, {unchanged} unchanged, {len(rejected)} rejected")
    report_rejects(rejected, rejects)


def check_rejects(file: Path | None, option: str = "--rejects") -> None:
    """Raise CommandRefused if rejected rows could not be listed in *file* afterwards."""
    if file is not None and not file.absolute().parent.is_dir():
        raise CommandRefused(f"{option}: there is no folder {file.absolute().parent}")


def report_rejects(rejected: Iterable[Rejected], file: Path | None) -> None:
    """List rejected rows in *file*, or the first of them here. Raises typer.Exit(1) if there are any."""
    found = sorted(rejected, key=lambda each: each.row)
    if file is not None:
        records = [{"row": each.row, "column": each.column, "reason": each.reason} for each in found]
        file.write_text(to_csv(records, columns=("row", "column", "reason")), encoding="utf-8", newline="")
    if not found:
        return
    if file is None:
        for each in found[:_SHOWN]:
            place = f"row {each.row}" + (f", column {each.column}" if each.column else "")
            say(f"  {place}: {each.reason}")
        if len(found) > _SHOWN:
            say(f"  … and {len(found) - _SHOWN} more; --rejects FILE lists them all")
    else:
        say(f"  the rejected rows are listed in {file}")
    raise typer.Exit(REFUSED)
