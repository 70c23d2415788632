"""A mapping proposed for each public file imports all of it, with the figures of `expected.json`."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from api.guess.proposal import propose
from api.item_file import ItemRow, read_items, read_mapping

FILES = {
    "ibm_accounts_receivable/WA_Fn-UseC_-Accounts-Receivable.csv": (2_466, "147703.18"),
    "ibm_accounts_receivable/alt_pbifinanceml.csv": (2_466, "147703.18"),
    "highradius/highradius_open_invoices_shubhi.csv": (9_700, "319584725.91"),
    "highradius/highradius_open_nulldata_noob.csv": (9_681, None),
    "datev/EXTF_Buchungsstapel.csv": (1, "5950.00"),
    "fec/odoo_fec_expected_pipe.txt": (2, "7260.45"),
}


def items(file, directory):
    proposal = propose(file)
    assert proposal.rejected == ()
    mapping = directory / "map.toml"
    mapping.write_text(proposal.text, encoding="utf-8")
    found = list(read_items(file, read_mapping(mapping), default_currency="USD", default_entity="main"))
    assert all(isinstance(row, ItemRow) for row in found)
    return found


@pytest.mark.parametrize("name", FILES)
def test_the_proposed_mapping_imports_the_file(shared_data, tmp_path, name):
    rows, amount = FILES[name]
    found = items(shared_data / name, tmp_path)
    assert len(found) == rows
    if amount is not None:
        assert sum(item.amount for item in found) == Decimal(amount)


def test_the_proposed_mapping_imports_a_journal_of_json_lines(shared_data, tmp_path):
    told = json.loads((shared_data / "sap_o2c" / "expected.json").read_text())
    folder = shared_data / "sap_o2c" / "journal_entry_items_accounts_receivable"
    found = [item for file in sorted(folder.glob("*.jsonl")) for item in items(file, tmp_path)]
    assert len(found) == told["journal_items"]
    assert sum(item.amount for item in found) == Decimal(told["sum"])
    assert sum(item.balance for item in found) == Decimal(told["open_amount"])
