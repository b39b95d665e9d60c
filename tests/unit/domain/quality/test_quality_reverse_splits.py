"""Shares joined by the thousand: right where a ratio or earnings tell, doubtful where nothing."""

from __future__ import annotations

import pytest

from tests.unit.domain.quality.reports import MILLION, grades_of, year
from tests.unit.domain.quality.test_quality_odd_inputs import fact

LAST = "0-20-10"
SCALE = {"Q31", "Q33", "Q34", "Q54", "Q55"}
WEIGHTED = "WeightedAverageNumberOf"
RATIO = "StockholdersEquityNoteStockSplitConversionRatio1"
OUTSTANDING = "CommonStockSharesOutstanding"


def moved(rows: list, shares: float, earnings: float) -> list:
    """A report with its share counts and earnings per share times factors."""
    factors = {WEIGHTED: shares, "CommonStock": shares, "EarningsPer": earnings}
    return [
        row | {"value": row["value"] * next((f for n, f in factors.items()
                                             if row["concept"].startswith(n)), 1.0)}
        for row in rows
    ]  # fmt: skip


def joined(ratio: float, earnings: float, *, told: bool = False, counted: bool = True) -> set[str]:
    """Rules that 2020 fails, with 2019 beside it, when it has a `ratio`th of the shares."""
    usual = {OUTSTANDING: 100 * MILLION} if counted else {}
    past = [year(n, **usual) for n in range(2016, 2020)]
    own = moved(year(2020, **usual), 1 / ratio, earnings)
    about = {k: own[0][k] for k in ("accession", "filed", "fiscal_year", "form")}
    before = [r | about for r in moved(year(2019), 1 / ratio, earnings) if r["period_start"]]
    split = [fact(RATIO, 1 / ratio, unit="pure", **about, period_end=own[0]["period_end"])]
    rows = [*own, *before, *(split if told else [])]
    if not earnings:
        rows = [row for row in rows if not row["concept"].startswith("EarningsPer")]
    return grades_of(*past, rows)[LAST]["rules"] & SCALE


@pytest.mark.parametrize("ratio", [500.0, 1000.0, 1500.0])
def test_earnings_per_share_that_move_with_the_counts(ratio: float) -> None:
    """With the shares outstanding, and the year before told anew."""
    assert not joined(ratio, ratio)


@pytest.mark.parametrize("counted", [True, False])
def test_a_ratio_that_is_told_without_earnings_per_share(counted: bool) -> None:
    """The filing says that a thousand were joined to one."""
    assert not joined(1000.0, 0.0, told=True, counted=counted)


def test_counts_in_thousands_are_no_split() -> None:
    """Earnings per share stayed, whatever ratio is told of another split; or nothing tells."""
    assert {"Q54", "Q55"} <= joined(1000.0, 1.0)
    assert "Q55" in joined(1000.0, 0.0, counted=False)
