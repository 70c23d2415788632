"""A kind of import contract that import-linter does not have: nothing but the standard library."""

from __future__ import annotations

import sys
from typing import TypeAlias

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

Offence: TypeAlias = tuple[str, str]  # importer, imported


class StandardLibraryOnly(Contract):
    """The source modules import themselves, each their own parts, and the standard library."""

    type_name = "standard_library_only"
    source_modules = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001 - given
        offences = sorted(
            (module, imported)
            for source in self.source_modules  # type: ignore[attr-defined]  # the base class fills it in
            for module in {source, *graph.find_descendants(source)}
            for imported in graph.find_modules_directly_imported_by(module)
            if not _is_part_of(source, imported) and imported.partition(".")[0] not in sys.stdlib_module_names
        )
        return ContractCheck(kept=not offences, metadata={"offences": offences})

    def render_broken_contract(self, check: ContractCheck) -> None:
        offences: list[Offence] = check.metadata["offences"]
        for module, imported in offences:
            output.print_error(f"{module} imports {imported}, which is not in the standard library")


def _is_part_of(package: str, module: str) -> bool:
    return module == package or module.startswith(f"{package}.")
