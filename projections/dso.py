"""Days sales outstanding and its relatives: the formulas alone, on amounts of one currency.

Each is worked by hand in docs/explanation/figures.md. None stands for what cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class MonthOfSales:
    """The *sales* of a month and its *days*; of the month that is not over, those so far."""

    sales: Decimal
    days: int


def simple(receivables: Decimal, sales: Decimal, days: int) -> Decimal | None:
    """DSO = receivables / sales · days, with the sales of the last so many *days*.

    With the receivables that are not due yet in the place of all: best-possible DSO, what DSO would be if
    every customer paid on the due date. Both as the Credit Research Foundation defines them.

    1.2 M receivables, 0.8 M of them not due, 10 M sales in 365 days: 43.8, and best-possible 29.2.
    None without sales.
    """
    return receivables / sales * days if sales > 0 else None


def count_back(receivables: Decimal, months: Iterable[MonthOfSales]) -> Decimal | None:
    """DSO by counting back: how many days of sales, from the latest *months* (first) back, make up the
    receivables. Unlike the simple DSO it does not move with the season.

    The sales of each month are taken from what remains of the receivables, and its days counted; of the month
    whose sales are more than what remains, remainder / sales · days. The count-back, working-back or
    exhaustion method: "Why You Should Switch to the Countback Method to Calculate DSO", Credit Today.

    0 without receivables; None where all known sales do not make them up.
    """
    if receivables <= 0:
        return Decimal(0)
    days = Decimal(0)
    for month in months:
        if month.sales >= receivables:
            return days + receivables / month.sales * month.days
        receivables -= month.sales
        days += month.days
    return None


def of_disputes(receivables: Decimal, disputed: Decimal, months: Iterable[MonthOfSales]) -> Decimal | None:
    """DSO of disputes = DSO(all) - DSO(without disputed), both by counting back over the same *months*: by
    how many days of sales disputes prolong the DSO. No standard but a definition of this project (spec 38),
    made of `count_back`. None where one of the two is."""
    known = tuple(months)
    with_them, without = count_back(receivables, known), count_back(receivables - disputed, known)
    return with_them - without if with_them is not None and without is not None else None


def days_deduction_outstanding(still_open: Decimal | int, opened: Decimal | int, days: int) -> Decimal | None:
    """DDO = what is disputed and open now / (what was newly disputed in the last so many *days* / days): at
    the pace at which disputes come in, how many days of them are open. By amount, or by number of disputes.
    "Days Deduction Outstanding (DDO)", Corporate Finance Institute. None where nothing was newly disputed."""
    return Decimal(still_open) / (Decimal(opened) / days) if opened > 0 else None
