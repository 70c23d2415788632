"""Spec 1, 4: the mappings that come with redress, on small files of the layouts that they are for."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from api.item_file import FileRefused, ItemRow, Rejection, read_items, read_mapping, shipped_mappings
from tests.api.cli_case import manager, owner
from tests.api.workbook_file import workbook

__all__ = ["manager", "owner"]

SHIPPED = shipped_mappings()


def read(directory: Path, name: str, content: str | bytes, *, encoding: str = "utf-8"):
    file = directory / "items.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return list(read_items(file, read_mapping(SHIPPED[name]), default_currency="EUR", default_entity="main"))


def told(row: ItemRow | Rejection):
    assert isinstance(row, ItemRow), row
    return row.customer_code, row.number, str(row.type), str(row.amount), str(row.balance), row.currency


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_mapping_is_complete_and_says_what_it_is_for(name):
    assert read_mapping(SHIPPED[name]).columns
    assert SHIPPED[name].read_text(encoding="utf-8").startswith("# ")


FBL5N = [
    [
        *("Company Code", "Account", "Document Number", "Document Type", "Document Date", "Net due date"),
        *("Amount in doc. curr.", "Document currency", "Clearing date", "Text"),
    ],
    ["1000", "4711", "1800000017", "RV", "31.01.2024", "01.03.2024", "1.234,50", "EUR", "", "Pumps"],
    ["1000", "4711", "1600000003", "RV", "02.02.2024", "", "100,00-", "EUR", "", ""],
    ["1000", "4711", "1400000009", "DZ", "03.02.2024", "", "34,50-", "EUR", "", ""],
    ["", "4711", "", "", "", "", "1.100,00", "EUR", "", ""],
    ["1000", "4712", "1800000018", "DR", "31.01.2024", "01.03.2024", "10,00", "USD", "05.02.2024", ""],
    ["1000", "4712", "0100000001", "XX", "31.01.2024", "01.03.2024", "1,00-", "USD", "", ""],
    ["", "4712", "", "", "", "", "9,00", "USD", "", ""],
]
FBL5N_ITEMS = [
    ("4711", "1800000017", "invoice", "1234.50", "1234.50", "EUR"),
    ("4711", "1600000003", "credit_note", "-100.00", "-100.00", "EUR"),
    ("4711", "1400000009", "payment", "-34.50", "-34.50", "EUR"),
    ("4712", "1800000018", "invoice", "10.00", "0.00", "USD"),
    ("4712", "0100000001", "credit_note", "-1.00", "-1.00", "USD"),
]


def test_line_items_of_sap_without_the_sums_of_customers(tmp_path):
    rows = read(tmp_path, "sap_fbl5n", "\n".join("\t".join(row) for row in FBL5N))
    assert [told(row) for row in rows] == FBL5N_ITEMS
    assert [row.row for row in rows] == [2, 3, 4, 6, 7]
    assert isinstance(rows[1], ItemRow)
    assert rows[1].due_date == rows[1].issue_date == date(2024, 2, 2)
    assert rows[0].attributes == {"Text": "Pumps"}


def test_line_items_of_sap_as_a_workbook(tmp_path):
    def cell(text: str):
        try:
            return date(*map(int, reversed(text.split("."))))
        except (ValueError, TypeError):
            pass
        if "," in text:
            sign = -1 if text.endswith("-") else 1
            return sign * Decimal(text.strip("-").replace(".", "").replace(",", "."))
        return text or None

    rows = read(tmp_path, "sap_fbl5n", workbook({"Sheet1": [[cell(text) for text in row] for row in FBL5N]}))
    assert [told(row) for row in rows] == FBL5N_ITEMS


def test_ledger_entries_of_dynamics(tmp_path):
    rows = read(
        tmp_path,
        "dynamics",
        "Entry No.,Posting Date,Document Type,Document No.,Customer No.,Customer Name,Currency Code,"
        "Original Amount,Remaining Amount,Due Date,Open\n"
        '2801,1/31/2024,Invoice,103001,10000,Adatum,,"1,250.00","1,250.00",2/29/2024,Yes\n'
        "2802,2/1/2024,Credit Memo,104001,10000,Adatum,USD,-10.00,-4.00,,Yes\n"
        "2803,2/2/2024,Payment,BANK1,10000,Adatum,,-5.00,-5.00,2/2/2024,Yes\n"
        "2804,2/3/2024,,G0001,10000,Adatum,,7.00,7.00,2/3/2024,Yes\n",
    )
    assert [told(row) for row in rows] == [
        ("10000", "103001", "invoice", "1250.00", "1250.00", "EUR"),
        ("10000", "104001", "credit_note", "-10.00", "-4.00", "USD"),
        ("10000", "BANK1", "payment", "-5.00", "-5.00", "EUR"),
        ("10000", "G0001", "other", "7.00", "7.00", "EUR"),
    ]


def test_outstanding_transactions_of_sage(tmp_path):
    rows = read(
        tmp_path,
        "sage",
        "No,Type,A/C,Name,Date,Due Date,Reference,Details,Gross,Outstanding\n"
        "12,SI,ABC001,Café Ltd,31/01/2024,01/03/2024,0017,Goods,120.00,20.00\n"
        "13,SC,ABC001,Café Ltd,01/02/2024,,CN3,Returned,12.00,12.00\n"
        "14,SA,ABC001,Café Ltd,02/02/2024,,BACS,On account,5.00,5.00\n"
        ",,,,,,,,137.00,37.00\n",
        encoding="cp1252",
    )
    assert [told(row) for row in rows] == [
        ("ABC001", "0017", "invoice", "120.00", "20.00", "EUR"),
        ("ABC001", "CN3", "credit_note", "-12.00", "-12.00", "EUR"),
        ("ABC001", "BACS", "payment", "-5.00", "-5.00", "EUR"),
    ]


DATEV_COLUMNS = (
    "Umsatz (ohne Soll/Haben-Kz);Soll/Haben-Kennzeichen;WKZ Umsatz;Konto;Gegenkonto (ohne BU-Schlüssel);"
    "Belegdatum;Belegfeld 1;Buchungstext;Fälligkeit"
)


def datev(*rows: str, begins: str = "20230701") -> str:
    first = f'"EXTF";700;21;"Buchungsstapel";9;20180306102500000;;"XY";"";"";1001;456;{begins};4'
    return "\r\n".join([first, DATEV_COLUMNS, *rows])


def test_bookings_of_datev_get_their_year_and_their_side_from_the_file(tmp_path):
    rows = read(
        tmp_path,
        "datev",
        datev(
            '100,00;"S";"";10000;8400;3006;"RE1";"";14072024',
            '50,00;"S";"";1200;10000;107;"RE2";"paid";',
            '50,00;"H";"";10000;1200;2902;"RE3";"";',
            '7,00;"H";"USD";8400;10001;3112;"RE4";"";',
            '24,95;"H";"";1200;4940;2102;"";"no debtor";',
        ),
        encoding="cp1252",
    )
    assert [told(row) for row in rows] == [
        ("10000", "RE1", "invoice", "100.00", "100.00", "EUR"),
        ("10000", "RE2", "credit_note", "-50.00", "-50.00", "EUR"),
        ("10000", "RE3", "credit_note", "-50.00", "-50.00", "EUR"),
        ("10001", "RE4", "invoice", "7.00", "7.00", "USD"),
    ]
    assert [row.issue_date.isoformat() for row in rows] == [
        "2024-06-30",
        "2023-07-01",
        "2024-02-29",
        "2023-12-31",
    ]
    assert [row.due_date.isoformat() for row in rows[:2]] == ["2024-07-14", "2023-07-01"]


def test_bookings_whose_file_does_not_say_the_year_are_refused(tmp_path):
    with pytest.raises(FileRefused, match="row 1, cell 13: '' is not the day on which the year begins"):
        read(tmp_path, "datev", datev(begins=""), encoding="cp1252")


def test_a_line_of_the_fec_needs_an_amount_on_one_side(tmp_path):
    head = (
        "JournalCode|JournalLib|EcritureNum|EcritureDate|CompteNum|CompteLib|CompAuxNum|CompAuxLib|PieceRef|"
        "PieceDate|EcritureLib|Debit|Credit|EcritureLet|DateLet|ValidDate|Montantdevise|Idevise\n"
    )
    one, two, none = read(
        tmp_path,
        "fec",
        head
        + 'VE|Ventes|1|20240131|411000|Clients|C1|Café "du Nord|F1|20240131|x|0000120,50|0,00|||20240131||\n'
        + "BQ|Banque|2|20240215|411000|Clients|C1|Café|V1|20240215|x||120,50|A|20240215|20240215||\n"
        + "BQ|Banque|3|20240215|411000|Clients|C1|Café|V1|20240215|x|||||20240215||\n"
        + "VE|Ventes|1|20240131|701000|Ventes|||F1|20240131|x|0,00|120,50|||20240131||\n",
    )
    assert told(one) == ("C1", "1", "invoice", "120.50", "120.50", "EUR")
    assert told(two) == ("C1", "2", "credit_note", "-120.50", "0.00", "EUR")
    assert (none.row, none.column, none.reason[:8]) == (4, "Debit + Credit", "is empty")


# --- the command -----------------------------------------------------------------------------------


def test_the_shipped_mappings_are_listed_and_printed_to_be_copied(owner):
    listed = owner("mappings").out
    assert all(name in listed for name in SHIPPED)
    assert "FBL5N" in listed
    assert owner("mappings", "fec").out == SHIPPED["fec"].read_text(encoding="utf-8")
    assert "there is no mapping 'sap': give one of datev, dynamics" in owner("mappings", "sap", code=1).line
