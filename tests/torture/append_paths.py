"""Every way in which events come into the log: each is prepared, and then writes when it is called.

A path takes a company and a name that nobody else writes under. What it returns may be called again if the
database gave up in between: it does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

from api.database import OpenCompany
from api.history_load import load_history
from api.import_undo import UndoOptions, undo_import
from api.item_file import ItemRow
from api.item_import import ImportOptions, ItemSource, import_items
from api.item_staging import staged_line
from domain.customer import RegisterCustomer
from domain.item import ItemDetails, ItemType, RegisterItem
from store.execute import Order
from tests.api.company_case import ADMINISTRATOR, MANAGER, ndjson

AppendPath: TypeAlias = Callable[[OpenCompany, str], Callable[[], object]]

_DAY: Final = date(2026, 1, 5)
_ROWS: Final = 3


def by_command(company: OpenCompany, name: str) -> Callable[[], object]:
    """One command, one append."""
    order = Order(RegisterCustomer(name, name), ADMINISTRATOR)
    return lambda: company.executor.execute(order)


def by_import(company: OpenCompany, name: str) -> Callable[[], object]:
    """A file's rows: copied, an append a chunk, before that of the end."""
    return lambda: import_items(company, _file(name), ADMINISTRATOR, ImportOptions())


def by_load(company: OpenCompany, name: str) -> Callable[[], object]:
    """A history's lines: many commands in one transaction."""
    lines = ndjson(
        *(
            {"command": "register_customer", "data": {"code": f"{name}-{number}"}, "key": f"{name}-{number}"}
            for number in range(_ROWS)
        )
    )
    return lambda: load_history(company, lines, MANAGER)


def by_undo(company: OpenCompany, name: str) -> Callable[[], object]:
    """Taking an import back, a chunk an append."""
    result = import_items(company, _file(name), ADMINISTRATOR, ImportOptions())
    import_id = result.import_id
    assert import_id is not None
    return lambda: undo_import(company, import_id, ADMINISTRATOR, UndoOptions())


PATHS: Final[Mapping[str, AppendPath]] = {
    "command": by_command,
    "import": by_import,
    "load": by_load,
    "undo": by_undo,
}


def _file(name: str) -> ItemSource:
    amount = Decimal("10.00")
    rows = [
        ItemRow(
            number,
            name,
            None,
            f"N{number}",
            ItemType.INVOICE,
            _DAY,
            _DAY,
            amount,
            amount,
            "EUR",
            "main",
            None,
            {},
        )
        for number in range(_ROWS)
    ]
    return ItemSource(f"{name}.csv", f"{name}", lambda: iter([(_ROWS, "".join(map(staged_line, rows)))]))


def invoice_of(customer: str, number: str) -> RegisterItem:
    """An item as a command registers it."""
    amount = Decimal("10.00")
    details = ItemDetails(ItemType.INVOICE, _DAY, _DAY, amount, amount, "EUR", {})
    return RegisterItem(customer, "main", number, details, accept_as_new=True)
