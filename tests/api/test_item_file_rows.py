"""Rows that are read, rows that are rejected, and what each rejection says (spec 1, 2, 4)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from api.item_file import ItemRow, Rejection
from domain.item import ItemType
from tests.api.item_file_case import HEADER, Case, mapping_text

GOOD = "C1,0007,invoice,2020-01-31,2020-03-01,10.50"


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def test_a_row_becomes_an_item(case):
    assert case.item(GOOD) == ItemRow(
        row=2,
        customer_code="C1",
        customer_name=None,
        number="0007",
        type=ItemType.INVOICE,
        issue_date=date(2020, 1, 31),
        due_date=date(2020, 3, 1),
        amount=Decimal("10.50"),
        balance=Decimal("10.50"),
        currency="EUR",
        entity="main",
        cleared_on=None,
        attributes={},
    )


def test_amounts_get_the_decimals_of_their_currency(case):
    assert str(case.item(GOOD.replace("10.50", "94")).amount) == "94.00"
    assert str(case.item(GOOD.replace("10.50", "-0"), mapping=mapping_text()).amount) == "0.00"


# --- columns --------------------------------------------------------------------------------------------


def test_unmapped_columns_become_attributes_unless_empty_or_ignored(case):
    rest = '[attributes]\nignore = ["printed"]\nrename = { PRCTR = "profit centre" }'
    item = case.item(
        GOOD + ",north, ,x,P1", header=HEADER + ",sector,note,printed,PRCTR", mapping=mapping_text(rest=rest)
    )
    assert item.attributes == {"sector": "north", "profit centre": "P1"}


def test_a_column_without_name_is_called_by_its_place_or_ignored(case):
    assert case.item(GOOD + ",3", header=HEADER + ",").attributes == {"column 7": "3"}
    rest = '[attributes]\nignore = [""]'
    assert case.item(GOOD + ",3", header=HEADER + ",", mapping=mapping_text(rest=rest)).attributes == {}


def test_renaming_onto_another_attribute_is_rejected(case):
    rest = '[attributes]\nrename = { a = "b" }'
    rejection = case.rejection(GOOD + ",1,2", header=HEADER + ",a,b", mapping=mapping_text(rest=rest))
    assert rejection.column == "a"
    assert "'b'" in rejection.reason


def test_constants_value_tables_and_joined_columns(case):
    mapping = mapping_text(
        type='{ column = "type", values = { RV = "invoice", RG = "credit_note" } }',
        number='{ join = [{ column = "number", pad = 6 }, "year"], with = "-" }',
        entity='{ constant = "E1" }',
        currency='{ constant = "CHF" }',
    )
    item = case.item("C1,7,RV,20200131,20200301,10,2020", header=HEADER + ",year", mapping=mapping)
    assert (item.number, item.type, item.entity, item.currency) == ("000007-2020", "invoice", "E1", "CHF")


def test_half_a_key_is_no_key_but_half_a_name_is_a_name(case):
    join = '{ join = ["number", "year"], with = "-" }'
    rejection = case.rejection(GOOD + ",", header=HEADER + ",year", mapping=mapping_text(number=join))
    assert (rejection.column, rejection.identity) == ("number + year", None)
    assert "'year' is empty" in rejection.reason
    name = '{ join = ["first", "last"], with = " " }'
    mapping = mapping_text(customer_name=name)
    assert case.item(GOOD + ",,Ott", header=HEADER + ",first,last", mapping=mapping).customer_name == "Ott"


def test_a_value_outside_the_table_is_rejected_or_means_otherwise(case):
    row = GOOD.replace("invoice", "ZZ")
    table = '{ column = "type", values = { RV = "invoice" } }'
    rejection = case.rejection(row, mapping=mapping_text(type=table))
    assert (rejection.row, rejection.column, rejection.identity) == (2, "type", ("main", "C1", "0007"))
    assert "'ZZ' is not in the value table ('RV')" in rejection.reason
    table = '{ column = "type", values = { RV = "invoice" }, otherwise = "other" }'
    assert case.item(row, mapping=mapping_text(type=table)).type is ItemType.OTHER


def test_a_type_by_sign(case):
    mapping = mapping_text(type='{ positive = "invoice", negative = "credit_note" }')
    read = case.rows("C1,1,,20200131,20200301,10", "C1,2,,20200131,20200301,-10", mapping=mapping)
    assert [item.type for item in read] == ["invoice", "credit_note"]


def test_the_first_column_that_is_not_empty(case):
    mapping = mapping_text('empty = ["00000000"]', due_date='{ first_of = ["due", "issued"] }')
    assert case.item("C1,1,invoice,20200131,00000000,1", mapping=mapping).due_date == date(2020, 1, 31)
    assert case.item("C1,1,invoice,20200131,20200201,1", mapping=mapping).due_date == date(2020, 2, 1)


def test_an_empty_cell_means_what_the_mapping_says(case):
    header = HEADER + ",currency"
    mapping = mapping_text(currency='{ column = "currency", when_empty = "SEK" }')
    assert case.item(GOOD + ",", header=header, mapping=mapping).currency == "SEK"
    rejection = case.rejection(GOOD + ",", header=header, mapping=mapping_text(currency='"currency"'))
    assert rejection.column == "currency"


@pytest.mark.parametrize(
    ("written", "read"),
    [("1930571429.0", "1930571429"), ("0012", "0012"), ("7,00", "7"), ("CC3411", "CC3411")],
)
def test_ids_that_a_spreadsheet_made_numbers(case, written, read):
    mapping = mapping_text(number='{ column = "number", integer = true }')
    assert case.item(f'C1,"{written}",invoice,20200131,20200301,1', mapping=mapping).number == read


@pytest.mark.parametrize("written", ["1930571429.5", "1.93E+09"])
def test_ids_that_a_spreadsheet_damaged(case, written):
    mapping = mapping_text(number='{ column = "number", integer = true }')
    rejection = case.rejection(f"C1,{written},invoice,20200131,20200301,1", mapping=mapping)
    assert (rejection.column, rejection.identity) == ("number", None)
    assert "not a whole number" in rejection.reason


def test_padding_fills_digits_only(case):
    mapping = mapping_text(number='{ column = "number", pad = 5 }')
    numbers = [
        case.item(f"C1,{number},invoice,20200131,20200301,1", mapping=mapping).number
        for number in ("7", "123456", "R-7")
    ]
    assert numbers == ["00007", "123456", "R-7"]


@pytest.mark.parametrize(
    ("row", "column"),
    [(",7,invoice,20200131,20200301,1", "customer"), ("C1,,invoice,20200131,20200301,1", "number")],
)
def test_a_row_without_its_key_is_rejected_without_identity(case, row, column):
    rejection = case.rejection(row)
    assert (rejection.column, rejection.identity) == (column, None)
    assert "is empty" in rejection.reason


@pytest.mark.parametrize("number", ["7\x1f8", '"7\n8"', "7" * 256])
def test_a_key_that_nobody_can_have_meant_is_rejected(case, number):
    rejection = case.rejection(f"C1,{number},invoice,20200131,20200301,1")
    assert (rejection.column, rejection.identity) == ("number", None)
    assert len(rejection.reason) < 120


# --- dates ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    ["2020-03-04", "20200304", "2020-03-04T00:00:00.000Z", "2020-03-04 23:59", "2020-03-04T10:00:00+02:00"],
)
def test_iso_dates_need_no_declaration(case, written):
    assert case.item(f"C1,1,invoice,{written},20200401,1").issue_date == date(2020, 3, 4)


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("d/m/yyyy", "4/3/2020"),
        ("m/d/yyyy", "03/04/2020"),
        ("DD.MM.YYYY", "04.03.2020 00:00"),
        ("dd-mm-yy", "04-03-20"),
        ("ddmmyyyy", "04032020"),
        ("iso", "2020-03-04"),
    ],
)
def test_declared_date_formats(case, pattern, written):
    mapping = mapping_text(f'date = "{pattern}"')
    item = case.item(f"C1,1,invoice,{written},{written},1", mapping=mapping)
    assert item.issue_date == item.due_date == date(2020, 3, 4)


def test_a_date_field_can_have_its_own_format(case):
    mapping = mapping_text('date = "d/m/yyyy"', due_date='{ column = "due", date = "m/d/yyyy" }')
    item = case.item("C1,1,invoice,1/2/2020,1/2/2020,1", mapping=mapping)
    assert (item.issue_date, item.due_date) == (date(2020, 2, 1), date(2020, 1, 2))


@pytest.mark.parametrize(
    ("pattern", "written", "says"),
    [
        ("d/m/yyyy", "2020-03-04", "format `d/m/yyyy`"),
        ("d/m/yyyy", "31/4/2020", "not a day of the calendar"),
        ("dd/mm/yyyy", "1/4/2020", "format"),
        ("d/m/yyyy", "1/4/0020", "before 1900"),
        ("iso", "2020-02-30", "not a day"),
        ("iso", "soon", "not a date"),
        ("iso", "", "is empty"),
        ("iso", "99/99/2020", "not a date"),
    ],
)
def test_a_date_that_cannot_be_read_rejects_its_row(case, pattern, written, says):
    rejection = case.rejection(
        f"C1,1,invoice,{written},{written},1", mapping=mapping_text(f'date = "{pattern}"')
    )
    assert (rejection.column, rejection.identity) == ("issued", ("main", "C1", "1"))
    assert says in rejection.reason


# --- amounts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marks", "written", "read"),
    [
        ("", "1234.5", "1234.50"),
        ("", "+.5", "0.50"),
        ('decimal = "."', "1.000", "1.00"),
        ('decimal = ","', "1234,5", "1234.50"),
        ('decimal = ","\nthousands = "."', "1.234,56", "1234.56"),
        ('decimal = ","\nthousands = "."', "1.234.567", "1234567.00"),
        ('thousands = ","', "12,34,567.80", "1234567.80"),
        ("decimal = ','\nthousands = ' '", "1\u00a0234\u202f567,8", "1234567.80"),
        ('thousands = "\'"', "1'234\u2019567.80", "1234567.80"),
        ('decimal = ","', "000000000007760,45", "7760.45"),
    ],
)
def test_amounts_with_their_declared_marks(case, marks, written, read):
    item = case.item(f'C1,1,invoice,20200131,20200301,"{written}"', mapping=mapping_text(marks))
    assert str(item.amount) == read


def test_a_minus_may_stand_behind(case):
    assert case.item("C1,1,credit_note,20200131,20200301,12.50-").amount == Decimal("-12.50")


@pytest.mark.parametrize(
    ("marks", "written", "says"),
    [
        ("", "1.234,56", "decimal mark '.' and no thousands mark"),
        ("", "1.234", "can be read with a decimal mark or with a thousands mark"),
        ("", "1,234", "`decimal` and `thousands`"),
        ('decimal = ","\nthousands = "."', "1.23", "thousands mark '.'"),
        ('decimal = ","\nthousands = "."', "12.34.5678", "not an amount"),
        ("", "-5-", "not an amount"),
        ("", "1e3", "not an amount"),
        ("", "NaN", "not an amount"),
        ("", "٣", "not an amount"),
        ("", "€ 5", "not an amount"),
        ("", "-", "not an amount"),
        ("", "", "is empty"),
        ("", "1234567890123456", "more than 15 digits"),
        ("", "10.505", "can be read"),
        ("", "1234.505", "more than the 2 decimals of EUR"),
    ],
)
def test_an_amount_that_cannot_be_read_rejects_its_row(case, marks, written, says):
    rejection = case.rejection(f'C1,1,invoice,20200131,20200301,"{written}"', mapping=mapping_text(marks))
    assert (rejection.row, rejection.column, rejection.identity) == (2, "amount", ("main", "C1", "1"))
    assert says in rejection.reason


@pytest.mark.parametrize(("currency", "decimals"), [("JPY", 0), ("EUR", 2), ("KWD", 3), ("CLF", 4)])
def test_each_currency_has_its_decimals(case, currency, decimals):
    mapping = mapping_text('decimal = "."', currency=f'{{ constant = "{currency}" }}')
    fits = "5" if not decimals else f"5.{'1' * decimals}"
    over = f"5.{'1' * (decimals + 1)}"
    assert str(case.item(GOOD.replace("10.50", fits), mapping=mapping).amount) == fits
    assert (
        f"{decimals} decimals of {currency}"
        in case.rejection(GOOD.replace("10.50", over), mapping=mapping).reason
    )


@pytest.mark.parametrize("code", ["eur", "EURO", "€", "E1R"])
def test_what_is_no_currency_code_is_rejected(case, code):
    rejection = case.rejection(
        f"{GOOD},{code}", header=HEADER + ",cur", mapping=mapping_text(currency='"cur"')
    )
    assert rejection.column == "cur"
    assert "not a currency code" in rejection.reason


@pytest.mark.parametrize(
    ("kind", "amount", "says"),
    [
        ("invoice", "-5", "negative on an invoice"),
        ("credit_note", "5", 'negate_types = ["credit_note"]'),
        ("payment", "5", 'negate_types = ["payment"]'),
    ],
)
def test_a_sign_against_the_type_is_rejected_with_the_cure(case, kind, amount, says):
    rejection = case.rejection(f"C1,1,{kind},20200131,20200301,{amount}")
    assert rejection.column == "amount"
    assert says in rejection.reason


def test_types_given_positive_are_negated_where_the_mapping_says_so(case):
    mapping = mapping_text(rest='[rows]\nnegate_types = ["credit_note"]', balance='"open"')
    read = case.rows(
        "C1,1,credit_note,20200131,20200301,5,3",
        "C1,2,invoice,20200131,20200301,5,0",
        header=HEADER + ",open",
        mapping=mapping,
    )
    assert [(str(item.amount), str(item.balance)) for item in read] == [("-5.00", "-3.00"), ("5.00", "0.00")]


def test_other_items_may_have_either_sign(case):
    read = case.rows("C1,1,other,20200131,20200301,5", "C1,2,other,20200131,20200301,-5")
    assert [item.amount for item in read] == [5, -5]


def test_an_unknown_type_is_rejected(case):
    rejection = case.rejection(GOOD.replace("invoice", "Rechnung"))
    assert rejection.column == "type"
    assert "invoice, credit_note, payment, other" in rejection.reason


def test_a_balance_has_the_sign_of_its_amount(case):
    rejection = case.rejection(GOOD + ",-1", header=HEADER + ",open", mapping=mapping_text(balance='"open"'))
    assert (rejection.column, "sign of the amount" in rejection.reason) == ("open", True)


def test_an_empty_balance_is_not_taken_for_anything(case):
    rejection = case.rejection(GOOD + ",", header=HEADER + ",open", mapping=mapping_text(balance='"open"'))
    assert rejection.column == "open"
    mapping = mapping_text(balance='{ first_of = ["open", "amount"] }')
    assert case.item(GOOD + ",", header=HEADER + ",open", mapping=mapping).balance == Decimal("10.50")


def test_a_row_with_a_day_of_payment_is_paid(case):
    mapping = mapping_text(cleared_on='"paid"')
    paid = case.item(
        "C1,1,credit_note,20200131,20200301,-5,20200310", header=HEADER + ",paid", mapping=mapping
    )
    assert (paid.cleared_on, str(paid.balance)) == (date(2020, 3, 10), "0.00")
    still_open = case.item(GOOD + ",", header=HEADER + ",paid", mapping=mapping)
    assert (still_open.cleared_on, still_open.balance) == (None, Decimal("10.50"))


def test_a_paid_row_with_a_balance_is_rejected(case):
    mapping = mapping_text(cleared_on='"paid"', balance='"open"')
    header = HEADER + ",paid,open"
    assert case.rejection(GOOD + ",20200310,1", header=header, mapping=mapping).column == "paid"
    assert case.item(GOOD + ",20200310,0", header=header, mapping=mapping).balance == 0


# --- rows -----------------------------------------------------------------------------------------------


def test_blank_rows_and_repeated_headers_are_not_items(case):
    read = case.rows("", GOOD, ",,,,,", "  ", HEADER, GOOD.replace("0007", "8"))
    assert [(item.row, item.number) for item in read] == [(3, "0007"), (7, "8")]


def test_a_repeated_header_is_known_by_its_own_words(case):
    assert [row.row for row in case.rows(HEADER + ",", GOOD + ",x", header=HEADER + ",")] == [3]


def test_subtotals_are_left_out_only_where_the_mapping_declares_them(case):
    lines = (GOOD, "C1,,,,,10.50", "Total,x,,,,10.50", "*,*,,,,10.50")
    assert sum(isinstance(row, Rejection) for row in case.rows(*lines)) == 3
    rest = (
        '[rows]\nsubtotal_when_empty = ["number"]\n'
        'subtotal_when = [{ column = "customer", begins = "Tot" }, { column = "number", equals = "*" }]'
    )
    read = case.rows(*lines, mapping=mapping_text(rest=rest))
    assert [type(row) for row in read] == [ItemRow]
    rest = '[rows]\nsubtotal_when = [{ column = "customer", equals = "Total" }]'
    assert len(case.rows(*lines, mapping=mapping_text(rest=rest))) == 3


def test_a_field_that_cannot_be_read_does_not_make_a_subtotal(case):
    mapping = mapping_text(
        rest='[rows]\nsubtotal_when_empty = ["number"]', number='{ column = "number", integer = true }'
    )
    assert case.rejection("C1,1.5,invoice,20200131,20200301,1", mapping=mapping).column == "number"


def test_two_rows_with_one_identity_are_both_rejected_and_name_each_other(case):
    read = case.rows(GOOD, GOOD.replace("0007", "7"), GOOD.replace("10.50", "x"))
    assert [type(row) for row in read] == [Rejection, ItemRow, Rejection]
    assert "row 4;" in read[0].reason
    assert "row 2;" in read[2].reason
    assert read[0].identity == read[2].identity == ("main", "C1", "0007")


def test_many_rows_with_one_identity_name_a_few(case):
    read = case.rows(*[GOOD] * 30)
    assert "rows 2, 3, 4, 5, 6 and 24 more;" in read[29].reason
    assert "rows 3, 4, 5, 6, 7 and 24 more;" in read[0].reason


def test_rows_with_one_hash_are_no_twins(case, monkeypatch):
    monkeypatch.setattr("api.item_file.hash", lambda _: 1, raising=False)
    assert [type(row) for row in case.rows(GOOD, GOOD.replace("C1", "C2"))] == [ItemRow, ItemRow]


def test_a_row_with_too_few_or_too_many_cells_is_rejected_without_identity(case):
    read = case.rows("C1,7,invoice", GOOD + ",1,2", GOOD)
    assert [row.row for row in read] == [2, 3, 4]
    assert "has 3 cells where the header has 6" in read[0].reason
    assert "has 8 cells" in read[1].reason
    assert (read[0].identity, read[1].identity) == (None, None)
    assert isinstance(read[2], ItemRow)


def test_a_quotation_mark_that_is_not_doubled_rejects_its_row_only(case):
    read = case.rows('C1,"a "b" c",invoice,20200131,20200301,1', GOOD)
    assert "is not doubled" in read[0].reason
    assert isinstance(read[1], ItemRow)


def test_line_breaks_delimiters_and_quotation_marks_in_cells(case):
    note = 'said "no",\r\nthen left'
    quoted = note.replace('"', '""')
    content = f'{HEADER},note\r\n{GOOD},"{quoted}"\r\n{GOOD.replace("0007", "8")},\r\n'
    first, second = case.read(content)
    assert first.attributes == {"note": note}
    assert second.row == 3


def test_messages_repeat_no_more_than_forty_characters(case):
    for column in range(3, 6):
        cells = GOOD.split(",")
        cells[column] = "x\x07" + "x" * 5_000
        rejection = case.rejection(",".join(cells))
        assert len(rejection.reason) < 250
        assert "\x07" not in rejection.reason
