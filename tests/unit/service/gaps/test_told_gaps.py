"""What files say of a gap on an ex-date: with the distributions and without them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from app.openbb import market
from core.service.desk import Desk
from core.service.gaps import scans
from tests import price_cases

DAY = date(2026, 6, 15)


def test_a_file_has_the_gap_without_the_distributions_beside_the_raw_one(
    desk: Desk, tmp_path: Path
) -> None:
    """The list is filtered and scored by the one, so that a reader of the file can see why."""
    price_cases.load(desk, price_cases.case_or_made("two-dividends-one-day", tmp_path))
    told = scans.export_candidates(desk, date=DAY, min_rvol=0.0).row(0, named=True)
    paid = 10.5 / told["prior_close"] * 100
    assert told["gap_ex_div_pct"] == pytest.approx(told["gap_pct"] + paid)
    assert abs(told["gap_pct"]) > 14 > 5 > abs(told["gap_ex_div_pct"]) > 4
    assert "gap_ex_div_pct" in market.gap_scan(desk, date=DAY).columns
