"""What a coverage below 100 leaves out is said: which operand, of which period."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from core.domain.quality.model import default_ruleset
from core.domain.quality.unchecked import Unchecked, unchecked

YEAR = (date(2019, 1, 1), date(2019, 12, 31))
BALANCES = ("Assets", "LiabilitiesAndEquity", "EquityParent", "Cash")
FLOWS = ("PretaxIncome", "IncomeTax", "NetIncome", "Cfo", "Cfi", "Cff", "CashChange")
WEIGHT = 50  # of all that is expected of an industrial company


def filing(*without: str, before: bool = True) -> pl.DataFrame:
    """The items of an annual report of 2019, and cash of the year before."""
    rows = [(name, None, YEAR[1], 0, True) for name in BALANCES]
    rows += [(name, *YEAR, 12, True) for name in FLOWS]
    rows += [("Cash", None, date(2018, 12, 31), 0, False)] if before else []
    return pl.DataFrame(
        [row for row in rows if row[0] not in without],
        schema={"item": pl.String, "period_start": pl.Date, "period_end": pl.Date,
                "months": pl.Int32, "own": pl.Boolean}, orient="row",
    )  # fmt: skip


def left_out(items: pl.DataFrame, weight: int = 0, style: str = "industrial") -> list[Unchecked]:
    """Of a filing that leaves rules of so much weight out."""
    return unchecked(default_ruleset(), style, 100 - 100 * weight / WEIGHT, items)


def test_a_whole_filing_lacks_nothing() -> None:
    """Every expected relation has a form of which all is told."""
    assert left_out(filing()) == []


@pytest.mark.parametrize(("without", "weight", "said"), [
    ("PretaxIncome", 5, "pretax income for the 12 months to 2019-12-31 (for Q20)"),
    ("Cfo", 10, "operating cash flow for the 12 months to 2019-12-31 (for Q10)"),
    ("Assets", 10, "assets of 2019-12-31 (for Q01)"),
])  # fmt: skip
def test_the_least_that_is_missing_is_named_with_its_period(
    without: str, weight: int, said: str
) -> None:
    """Of several forms the one that lacks least; Q06 has other pairs."""
    found = left_out(filing(without), weight)
    assert [str(one) for one in found] == [said]


def test_cash_at_the_beginning_is_looked_for_on_the_day_before() -> None:
    """It stands among the balances of the year before."""
    (found,) = left_out(filing(before=False), 5)
    assert (found.rule, found.lacks) == ("Q16", ("cash at the beginning",))


def test_a_relation_broken_by_habit_is_said_to_be() -> None:
    """All is told, but the coverage leaves its weight out."""
    (found,) = left_out(filing(), 10)
    assert found.lacks == ()
    assert str(found).startswith("what lies between the two sides of Q10 (change in cash is")


def test_only_what_is_expected_of_a_kind_of_filer_is_missed() -> None:
    """No bank is asked for a pretax income."""
    assert left_out(filing("PretaxIncome", "IncomeTax"), style="bank") == []
    assert left_out(filing("PretaxIncome"), style="no such style") == []


def test_a_filing_without_own_periods_is_no_filing_to_miss_anything_of() -> None:
    """Nothing names a period then."""
    items = filing().with_columns(own=pl.lit(value=False)).filter(pl.col("item") == "Cash")
    assert left_out(items) == []
