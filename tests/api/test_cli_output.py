"""Tables are for people: JSON and CSV have every column."""

from uuid import UUID

from api.commands.output import to_table

SOMEBODY = UUID(int=1)


def test_a_table_leaves_out_ids_that_a_name_stands_for_and_columns_that_are_empty():
    shown = to_table(
        [{"person_id": SOMEBODY, "person": "Ida", "dispute_id": SOMEBODY, "chases": 2, "note": None}]
    )
    assert shown.splitlines()[0].split() == ["person", "dispute_id", "chases"]


def test_a_column_that_one_row_has_is_shown_in_all():
    shown = to_table([{"note": None, "n": 1}, {"note": "late", "n": 2}])
    assert [line.split() for line in shown.splitlines()] == [
        ["note", "n"],
        ["----", "-"],
        ["1"],
        ["late", "2"],
    ]
