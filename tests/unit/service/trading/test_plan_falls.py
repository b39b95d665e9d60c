"""What a plan takes from a fall before it: a night of its risk, and volumes that still count."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import polars as pl
import pytest

from core.domain.timetable import sessions as calendar
from core.service.desk import Desk
from core.service.trading import plan_views, plans


def _fallen(*names: str) -> tuple[pl.Series, pl.DataFrame]:
    """80 sessions, and bars of names that all open 18 % lower on the 66th, at twice the volume."""
    days = calendar.sessions_between(date(2017, 1, 3), date(2017, 6, 30))["session"][:80]
    place = pl.int_range(pl.len()).over("symbol")
    price = pl.when(place < 65).then(100.0).otherwise(82.0)
    keys = pl.DataFrame({"symbol": names}).join(pl.DataFrame({"session": days}), how="cross")
    return days, keys.with_columns(
        open=price, high=price * 1.01, low=price * 0.99, close=price,
        volume=pl.when(place == 65).then(2e6).otherwise(1e6), pull_id=pl.lit("t"),
    )  # fmt: skip


@pytest.mark.parametrize("others", [0, 30])
def test_a_fall_of_the_whole_market_leaves_the_volume(desk: Desk, others: int) -> None:
    """The name's own bars cannot tell it from a change of the shares; the scan of a session can."""
    days, bars = _fallen("FELL", *(f"N{n}" for n in range(others)))
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars)
    found = plans.propose(desk, plans.Ask("FELL", days[79]))
    assert found.name.mean_volume == (1_050_000 if others else None)


@pytest.mark.parametrize(("items", "told"), [("2.02,9.01", True), (None, False)])
def test_a_quiet_fall_on_a_filing_is_a_night_and_leaves_its_volume(
    desk: Desk, items: str | None, told: bool
) -> None:
    """As the scan has it, which reads filings: without one the fall is a change of the shares."""
    days, bars = _fallen("BRK.B")
    night = datetime.combine(days[64], time(21, 30), UTC)
    filing = {"cik": 78, "accession": "n1", "form": "8-K", "filed": days[64], "items": items}
    listed = {"symbol": "BRK-B", "cik": 78, "pull_id": "t"}
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars)
        tx.insert("universe", pl.DataFrame([listed]))
        if items:
            tx.insert("filings", pl.DataFrame([filing | {"accepted_at": night, "pull_id": "t"}]))
    view = plan_views.look(desk, desk.warehouse, "BRK/B", days[79])
    assert view.facts.overnight_pct.min() == pytest.approx(-18.0 if told else 0.0)
    assert (view.facts.mean_volume is not None) == told
