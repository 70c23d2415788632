"""Spec 3, 4: a mapping is proposed from the file, which says how sure it is and guesses nothing ambiguous."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from api.guess import words
from api.guess.proposal import Proposal, propose
from api.guess.words import Sure
from api.item_file import FileRefused, ItemRow, read_items, read_mapping
from tests.api.cli_case import manager, owner
from tests.api.workbook_file import workbook

__all__ = ["manager", "owner"]


class Files:
    """A directory for one file, and the mapping proposed for it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def file(self, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = self.directory / "items.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    def proposed(self, content: str | bytes, encoding: str = "utf-8", **told: str) -> Proposal:
        return propose(self.file(content, encoding), **told)

    def items(self, content: str | bytes, encoding: str = "utf-8", **told: str) -> list[ItemRow]:
        """The items of a file, read with the mapping that is proposed for it: all rows are."""
        proposal = self.proposed(content, encoding, **told)
        mapping = self.directory / "map.toml"
        mapping.write_text(proposal.text, encoding="utf-8")
        rows = read_items(
            self.directory / "items.txt", read_mapping(mapping), default_currency="EUR", default_entity="main"
        )
        found = list(rows)
        assert all(isinstance(row, ItemRow) for row in found), proposal.text
        assert (proposal.items, proposal.rejected) == (len(found), ())
        return [row for row in found if isinstance(row, ItemRow)]

    def refusal(self, content: str | bytes, encoding: str = "utf-8", **told: str) -> str:
        with pytest.raises(FileRefused) as refused:
            self.proposed(content, encoding, **told)
        assert len(str(refused.value)) < 1_500
        return str(refused.value)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def table(*rows: str) -> str:
    return "\n".join(["Customer,Invoice,Invoice Date,Due Date,Amount", *rows]) + "\n"


# --- dates -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dates", "pattern", "first"),
    [
        (("03/04/2024", "31/05/2024"), "d/m/yyyy", date(2024, 4, 3)),
        (("03/04/2024", "05/31/2024"), "m/d/yyyy", date(2024, 3, 4)),
        (("3.4.24", "31.5.24"), "d.m.yy", date(2024, 4, 3)),
        (("03042024", "31052024"), "ddmmyyyy", date(2024, 4, 3)),
        (("2024/04/03", "2024/05/31"), "yyyy/m/d", date(2024, 4, 3)),
    ],
)
def test_a_day_above_12_decides_the_order_of_dates(files, dates, pattern, first):
    content = table(*(f"C1,{n},{day},{day},1.50" for n, day in enumerate(dates)))
    assert f'date = "{pattern}"      # sure: ' in files.proposed(content).text
    assert files.items(content)[0].issue_date == first


def test_the_deciding_day_may_stand_anywhere_in_a_long_file(files):
    rows = [f"C1,{n},03/04/2024,03/05/2024,1.50" for n in range(3_000)]
    assert "every date can be read in more than one way" in files.refusal(table(*rows))
    decided = table(*rows, "C1,last,31/04/2024,03/05/2024,1.50", "C1,very last,30/04/2024,03/05/2024,1.50")
    assert "such as '30/04/2024' (row 3003)" in files.proposed(decided).text


def test_dates_that_can_all_be_read_both_ways_are_refused_with_both_readings(files):
    said = files.refusal(table("C1,1,03/04/2024,05/06/2024,1.50"))
    assert said == (
        "items.txt: column 'Invoice Date': every date can be read in more than one way: '03/04/2024' (row 2)"
        " is 2024-04-03 (`d/m/yyyy`) or 2024-03-04 (`m/d/yyyy`), and a date format is never guessed;"
        " say which: --date d/m/yyyy or --date m/d/yyyy"
    )


def test_who_says_the_format_decides(files):
    content = table("C1,1,03/04/2024,05/06/2024,1.50")
    for told, day in (("d/m/yyyy", date(2024, 4, 3)), ("m/d/yyyy", date(2024, 3, 4))):
        assert files.items(content, date=told)[0].issue_date == day
    assert "--date 'q'" in files.refusal(content, date="q")


def test_one_column_of_dates_can_prove_the_format_of_another(files):
    content = table("C1,1,03/04/2024,31/05/2024,1.50", "C1,2,03/04/2024,01/06/2024,1.50")
    assert "date = \"d/m/yyyy\"      # likely: it has two readings, but 'Due Date' has not" in (
        files.proposed(content).text
    )
    assert files.items(content)[0].issue_date == date(2024, 4, 3)


def test_dates_in_two_formats_are_refused_with_a_row_of_each(files):
    said = files.refusal(table("C1,1,31/05/2024,2024-06-30,1.50", "C1,2,05/31/2024,2024-06-30,1.50"))
    assert "column 'Invoice Date': its dates have no format in common" in said
    assert "'31/05/2024' (row 2) as d/m/yyyy but '05/31/2024' (row 3) as m/d/yyyy" in said


def test_each_column_of_dates_may_have_its_own_format(files):
    (item,) = files.items(table("C1,1,2024-05-31,30.06.2024,1.50"))
    assert (item.issue_date, item.due_date) == (date(2024, 5, 31), date(2024, 6, 30))


# --- amounts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amounts", "found"),
    [
        (("1.234", "12.50"), ("1.23", "12.50")),
        (("1.234", "12,50"), ("1234.00", "12.50")),
        (("1,234", "12.50"), ("1234.00", "12.50")),
        (("1 234,5", "10"), ("1234.50", "10.00")),
        (("1'234.5", "10"), ("1234.50", "10.00")),
        (("1234", "10"), ("1234.00", "10.00")),
        (("1.234.567", "10"), ("1234567.00", "10.00")),
    ],
)
def test_the_amounts_decide_the_decimal_mark(files, amounts, found):
    rows = [f"C1;{n};2024-01-31;2024-03-01;{amount}" for n, amount in enumerate(amounts)]
    content = "\n".join(["Customer;Invoice;Invoice Date;Due Date;Amount", *rows])
    assert tuple(str(item.amount) for item in files.items(content)) == found


def test_amounts_that_can_all_be_read_both_ways_are_refused_with_both_readings(files):
    content = table("C1,1,2024-01-31,2024-03-01,1.234", "C1,2,2024-01-31,2024-03-01,10")
    said = files.refusal(content)
    assert "column 'Amount': every amount can be read in two ways: '1.234' (row 2) is" in said
    assert "say which: --decimal . or --decimal ," in said
    assert str(files.items(content, decimal=",")[0].amount) == "1234.00"
    assert "--decimal ';'" in files.refusal(content, decimal=";")


def test_amounts_with_points_and_commas_are_refused_with_a_row_of_each(files):
    rows = ["C1;1;2024-01-31;2024-03-01;1,50", "C1;2;2024-01-31;2024-03-01;1.50"]
    said = files.refusal("\n".join(["Customer;Invoice;Invoice Date;Due Date;Amount", *rows]))
    assert "some amounts have a decimal point, '1.50' (row 3), and some a comma, '1,50' (row 2)" in said


def test_debit_and_credit_are_one_amount(files):
    one, two = files.items(
        "Customer,Document No,Document Date,Due Date,Debit,Credit\n"
        "C1,1,2024-01-31,2024-03-01,10.50,\nC1,2,2024-01-31,2024-03-01,0.00,3.00\n"
    )
    assert (str(one.amount), str(two.amount), str(two.type)) == ("10.50", "-3.00", "credit_note")


# --- format, encoding, header ----------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_delimiter_and_encoding_are_found(files, delimiter, encoding):
    content = delimiter.join(["Kunde", "Name", "Belegnummer", "Belegdatum", "Fälligkeit", "Betrag"]) + "\r\n"
    content += delimiter.join(["0017", '"Müller & Söhne"', "1", "31.01.2024", "01.03.2024", "1.50"]) + "\r\n"
    (item,) = files.items(content, encoding)
    assert (item.customer_code, item.customer_name) == ("0017", "Müller & Söhne")


def test_a_byte_that_cp1252_has_not_means_latin_1(files):
    content = table("C\x81\xe9,1,2024-01-31,2024-03-01,1.50")
    assert 'encoding = "latin-1"      # likely' in files.proposed(content, "latin-1").text


def test_lines_of_a_title_above_the_header_and_sums_below_are_no_items(files):
    proposal = files.proposed(
        "Open items;;;;\n;;;;\nDebitor;Belegnummer;Belegdatum;Fällig am;Betrag\n"
        "4711;1;31.01.2024;01.03.2024;10,50\n4711;;;;10,50\n"
    )
    assert (proposal.items, proposal.rejected) == (1, ())
    assert "header_line = 3" in proposal.text
    assert 'subtotal_when_empty = ["number"]      # likely: 1 rows have an amount but no' in proposal.text


def test_quotation_marks_that_are_letters(files):
    content = table('C"1,1,2024-01-31,2024-03-01,1.50', 'C2,"A" 2,2024-01-31,2024-03-01,1.50')
    assert [item.number for item in files.items(content)] == ["1", '"A" 2']


def test_a_workbook_is_proposed_with_its_sheet(files):
    rows = [["Customer", "Invoice", "Invoice Date", "Due Date", "Amount"]]
    rows.append(["C1", 17.0, date(2024, 3, 4), date(2024, 5, 6), 1.234e3])  # type: ignore[list-item]
    proposal = files.proposed(workbook({"Notes": [["x"]], "Open": [[], *rows]}))
    assert 'sheet = "Open"      # likely' in proposal.text
    assert 'decimal = "."      # sure: the file itself tells numbers' in proposal.text
    assert "# dates: sure: the workbook itself knows them as dates" in proposal.text
    (item,) = files.items(workbook({"Notes": [["x"]], "Open": [[], *rows]}))
    assert (item.number, str(item.amount), item.issue_date) == ("17", "1234.00", date(2024, 3, 4))


def test_json_lines_are_proposed(files):
    line = {"KUNNR": "17", "BELNR": "1", "BUZEI": 1, "BLDAT": "20240131", "NETDT": "20240301", "WRBTR": 1.234}
    (item,) = files.items(json.dumps(line | {"WRBTR": 1.25}) + "\n")
    assert (item.customer_code, item.number, str(item.amount)) == ("17", "1-1", "1.25")


# --- columns and types -----------------------------------------------------------------------------

HEADERS = {
    "English": "Customer No.,Customer Name,Invoice Number,Invoice Date,Due Date,Amount,Open Amount,Currency",
    "German": "Kundennummer,Firma,Rechnungsnr.,Rechnungsdatum,Fälligkeit,Rechnungsbetrag,Offen,Währung",
    "French": "Code client,Raison sociale,N° facture,Date facture,Échéance,Montant TTC,Reste à payer,Devise",
    "Italian": "Codice cliente,Ragione sociale,Numero fattura,Data fattura,Scadenza,Importo,Residuo,Valuta",
    "Spanish": "Código cliente,Razón social,Nº factura,Fecha factura,Vencimiento,Importe,Pendiente,Moneda",
    "SAP": "KUNNR,NAME1,BELNR,BLDAT,NETDT,WRBTR,Open amount,WAERS",
    "mixed": "Debtor,Client name,Document No,Posting Date,Net due date,Amount (EUR),Balance,Curr.",
}


@pytest.mark.parametrize("language", HEADERS)
def test_columns_are_known_in_several_languages(files, language):
    row = "17,Café,0001,2024-01-31,2024-03-01,10.50,4.00,USD"
    (item,) = files.items(f"{HEADERS[language]}\n{row}\n")
    assert (item.customer_code, item.customer_name, item.number) == ("17", "Café", "0001")
    assert (item.issue_date, item.due_date) == (date(2024, 1, 31), date(2024, 3, 1))
    assert (str(item.amount), str(item.balance), item.currency) == ("10.50", "4.00", "USD")
    assert item.attributes == {}


def test_a_name_that_only_looks_alike_is_said_to_be_unsure():
    assert words.matches("due_date", ["Due Dates"]) == [("Due Dates", Sure.NO)]
    assert words.matches("amount", ["Amount EUR", "Betrag"]) == [
        ("Betrag", Sure.YES),
        ("Amount EUR", Sure.LIKELY),
    ]
    assert words.matches("number", ["colour"]) == []


TYPED = "Customer,Type,Invoice,Invoice Date,Due Date,Amount\n"


@pytest.mark.parametrize(
    ("rows", "types"),
    [
        (("Invoice,1,5", "Credit memo,2,-1", "Payment,3,-2"), ["invoice", "credit_note", "payment"]),
        (("Invoice,1,5", "Credit memo,2,1", "Payment,3,2"), ["invoice", "credit_note", "payment"]),
        (("RV,1,5", "RV,2,-1", "XY,3,2"), ["invoice", "credit_note", "invoice"]),
        (("XX,1,5", "YY,2,-1"), ["invoice", "credit_note"]),
        (("XX,1,5", "YY,2,1"), ["invoice", "invoice"]),
        (("Invoice,1,5", "Credit,2,1", "XX,3,1", ",4,1"), ["invoice", "credit_note", "other", "other"]),
    ],
)
def test_types_follow_from_what_is_known_and_from_the_signs(files, rows, types):
    lines = [row.split(",") for row in rows]
    content = TYPED + "".join(
        f"C1,{kind},{n},2024-01-31,2024-03-01,{amount}.50\n" for kind, n, amount in lines
    )
    items = files.items(content)
    assert [str(item.type) for item in items] == types
    assert all(item.amount < 0 for item in items if item.type in {"credit_note", "payment"})


def test_a_payment_date_says_what_is_paid_unless_a_balance_does(files):
    head = "Customer,Invoice,Invoice Date,Due Date,Amount"
    row = "C1,1,2024-01-31,2024-03-01,1.50"
    (item,) = files.items(f"{head},Clearing date\n{row},2024-02-15\n")
    assert (item.cleared_on, item.balance) == (date(2024, 2, 15), 0)
    (item,) = files.items(f"{head},Clearing date,Balance\n{row},2024-02-15,0.50\n")
    assert (item.cleared_on, str(item.balance)) == (None, "0.50")


def test_what_a_file_lacks_is_filled_in_and_said(files):
    content = "Customer,Invoice,Invoice Date,Whatever\nC1,1.0,2024-01-31,1.505\nC1,2.0,2024-01-31,12.5\n"
    proposal = files.proposed(content)
    assert "# unsure: no column looks like a due date; the date of issue stands for it" in proposal.text
    assert "# unsure: 1 amounts have more than two decimals" in proposal.text
    item, _ = files.items(content)
    assert (item.number, item.due_date, str(item.amount)) == ("1", date(2024, 1, 31), "1.51")


def test_an_empty_due_date_and_currency_have_a_second_choice(files):
    head = "Customer,Invoice,Invoice Date,Due Date,Amount,Currency"
    rows = ("C1,1,2024-01-31,,1.50,", "C1,2,2024-01-31,2024-03-01,1.50,USD")
    one, two = files.items("\n".join([head, *rows]))
    assert (one.due_date, one.currency, two.currency) == (date(2024, 1, 31), "EUR", "USD")


def test_columns_with_one_name_are_left_out(files):
    (item,) = files.items(
        "Customer,Invoice,Invoice Date,Due Date,Amount,x,x\nC1,1,2024-01-31,2024-03-01,1.50,a,b\n"
    )
    assert item.attributes == {}


def test_rows_that_would_be_rejected_are_counted_and_shown(files):
    proposal = files.proposed(
        table(*(f"C1,{n},2024-01-31,2024-03-01,1.50" for n in range(100)), "C1,1,2024-01-31,2024-03-01,x")
    )
    assert proposal.items == 99
    assert "# Tried on it: 99 items and 2 rejected rows." in proposal.text
    assert "#   row 3, as a whole: has the same entity, customer and number as row 102" in proposal.text


# --- what cannot be guessed ------------------------------------------------------------------------

BAD = {
    "empty": (b"", "is empty"),
    "only a header": (table().encode(), "has a header but no rows to look at"),
    "binary": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "holds binary data"),
    "a PDF": (b"%PDF-1.7 ...", "is a PDF"),
    "no table": (b"Dear Sir,\nplease find enclosed the list.\n", "names columns that are known"),
    "a column missing": (
        b"Customer,Invoice,Due Date,Amount\nC1,1,x,2.50\n",
        "no column looks like the issue_date",
    ),
    "no amount": (
        b"Customer,Invoice,Invoice Date,Note\nC1,1,2024-01-31,x\n",
        "no column looks like the amount",
    ),
    "a broken workbook": (b"PK\x03\x04" + bytes(range(256)), "is a broken workbook"),
    "an empty workbook": (workbook({"A": []}), "names columns that are known"),
    "10 MB cell": (table(f"C1,{'9' * 10_000_000},2024-01-31,2024-03-01,1.50").encode(), "characters"),
    "broken JSON": (b'{"a": 1}\n{"a": \n', "no column looks like the customer_code"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_guessed_is_refused_with_the_reason(files, name):
    content, said = BAD[name]
    assert said in files.refusal(content)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileRefused, match=r"items\.csv: cannot be read: No such file"):
        propose(tmp_path / "items.csv")


# --- the command -----------------------------------------------------------------------------------


def test_the_command_proposes_and_the_proposal_imports_the_file(owner, tmp_path):
    file, mapping = tmp_path / "items.csv", tmp_path / "map.toml"
    file.write_text(table("C1,1,31/01/2024,01/03/2024,1.50", "C1,2,31/01/2024,01/03/2024,2.50"))
    before = owner.newest
    ran = owner("import-items", file, "--guess")
    assert ran.out.startswith("# Proposed for 'items.csv'. ")
    assert ran.err == (
        "items.csv: with the proposed mapping: 2 items and 0 rejected rows;"
        " look through it before you use it\n"
    )
    assert owner("import-items", file, "--guess", "--output", mapping).out == ""
    assert mapping.read_text() == ran.out
    assert "is there already" in owner("import-items", file, "--guess", "--output", mapping, code=1).line
    assert owner.newest == before
    assert "2 registered" in owner("import-items", file, "--mapping", mapping).err


def test_the_command_refuses_in_one_line(owner, tmp_path):
    file = tmp_path / "items.csv"
    file.write_text(table("C1,1,03/04/2024,01/03/2024,1.50"))
    assert "--date d/m/yyyy or --date m/d/yyyy" in owner("import-items", file, "--guess", code=1).line
    assert "1 items" in owner("import-items", file, "--guess", "--date", "d/m/yyyy").err
