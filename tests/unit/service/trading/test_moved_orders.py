"""What actions after a plan's session move: the shares filled by hand, the risk left, and R."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from core.service.desk import Desk
from core.service.trading import journal, plans, settling, trades
from core.service.trading.current_book import current_book
from core.service.trading.plans import Ask
from core.store.plans import StoredPlan
from tests.unit.service.trading.test_journal_service import bars_of

SESSIONS, PLANNED = 60, 49
SPECIAL = 5.0


def _waits(desk: Desk, ratio: float = 1.0, paid: float = 0.0) -> tuple[StoredPlan, date]:
    """A plan long that was approved in its session, and the next day, on which it went ex."""
    frame = bars_of("AAA", SESSIONS, last={}).with_row_index("n")
    base = frame["close"][PLANNED - 1] * 1.05
    late = pl.col("n") > PLANNED
    level = pl.when(late).then((base - paid) / ratio).otherwise(base)
    flat = pl.when(pl.col("n") >= PLANNED)
    wide = {"open": 1.0, "high": 1.004, "low": 0.996, "close": 1.001}
    bars = frame.with_columns(
        *(flat.then(level * by).otherwise(pl.col(name)).alias(name) for name, by in wide.items())
    ).drop("n")
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars.head(PLANNED + 1))
    item, day = plans.approve(desk, Ask("AAA"), "a gap"), bars["session"][PLANNED + 1]
    row = {"symbol": "AAA", "ex_date": day, "pull_id": "p"}
    split = {"kind": "split", "ratio": ratio}
    cash = {"kind": "dividend", "amount": paid, "currency": "USD"}
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars.slice(PLANNED + 1, 1))
        tx.insert("corporate_actions", pl.DataFrame([row | (cash if paid else split)]))
    return item, day


@pytest.mark.parametrize(("ratio", "paid"), [(2.0, 0.0), (0.5, 0.0), (3.0, 0.0), (1.0, SPECIAL)])
def test_an_entry_that_waited_over_an_action_risks_what_was_planned(
    desk: Desk, ratio: float, paid: float
) -> None:
    """Filled by hand at the planned entry as it trades after the action: the planned money and the
    planned risk, and a loss down to the stop is one R.
    """
    item, day = _waits(desk, ratio, paid)
    plan, by, less = item.plan, Decimal(str(ratio)), Decimal(str(paid))
    entry, stop = (plan.entry - less) / by, (plan.stop - less) / by
    assert plan.direction == "long"
    journal.fill(desk, item.plan_id, entry, day)
    (bought,) = journal.fills_of(desk, item.plan_id)
    assert bought["shares"] == int(plan.shares * by)
    (held,) = current_book(desk, desk.warehouse, day).holdings
    lost = Decimal(held.shares) * (entry - stop)
    assert float(held.risk) == pytest.approx(float(lost), abs=held.shares * 0.011)
    assert held.give_back is not None
    assert float(held.give_back) == pytest.approx(float(held.risk), abs=0.01)
    row = trades.frame(desk).row(0, named=True)
    assert row["r"] == pytest.approx(float(plan.r / by))
    risk = row["shares"] * float(plan.r) / ratio
    assert row["realised_r"] == pytest.approx(float(row["realised"]) / risk)


def test_a_special_dividend_of_a_position_lowers_what_it_may_give_back_to(desk: Desk) -> None:
    """The stop went down with the price: from the last mark it is as far away as without it."""
    item, day = _waits(desk, paid=SPECIAL)
    settling.settle_all(desk)
    (held,) = current_book(desk, desk.warehouse, day).holdings
    close = desk.warehouse.read("SELECT close FROM bars_daily WHERE session = ?", [day]).item()
    away = close - (float(item.plan.stop) - SPECIAL)
    assert held.give_back is not None
    assert float(held.give_back) == pytest.approx(held.shares * away, abs=0.02)
    assert float(held.risk) == pytest.approx(float(item.plan.risk), abs=0.02)
