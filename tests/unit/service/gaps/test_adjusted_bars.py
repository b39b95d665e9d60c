"""Bars that come adjusted for splits are not adjusted again; those as traded are, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from core.errors import UsageError
from core.service.desk import Desk
from core.service.gaps import session
from tests.unit.service.trading.test_journal_service import bars_of

PRICES = """
[datasets."prices.daily"]
source = "file"
table = "bars_daily"
options = {{ {options} }}

[datasets.corporate_actions]
source = "file"
table = "corporate_actions"
"""
SPLIT = 2.0
CASH = 1.0


def desk_of(make_desk: Callable[..., Desk], folder: Path, options: str, *, as_traded: bool) -> Desk:
    """A desk with eighty bars of AAA, a split and a dividend on the last of them."""
    path = folder / "catalogue.toml"
    path.write_text(PRICES.format(options=options))
    bars = bars_of("AAA")
    last = bars["session"][-1]
    prices = ["open", "high", "low", "close"]
    if as_traded:  # twice the price until the split
        before = pl.col("session") < last
        bars = bars.with_columns(pl.col(prices) * pl.when(before).then(SPLIT).otherwise(1.0))
    actions = pl.DataFrame(
        {
            "symbol": ["AAA", "AAA"],
            "ex_date": [last, last],
            "kind": ["split", "dividend"],
            "ratio": [SPLIT, None],
            "amount": [None, CASH],
            "currency": [None, "USD"],
            "pull_id": ["a", "a"],
        }
    )
    desk = make_desk(catalogue=path)
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars)
        tx.insert("corporate_actions", actions)
    return desk


@pytest.mark.parametrize(
    ("options", "as_traded", "kinds"),
    [
        ("adjustment = 'none', actions = 'corporate_actions'", True, ["dividend", "split"]),
        ("", True, ["dividend", "split"]),
        ("adjustment = 'split', actions = 'corporate_actions'", False, ["dividend"]),
        ("adjustment = 'split'", False, []),
    ],
)
def test_a_split_counts_once(
    make_desk: Callable[..., Desk], tmp_path: Path, options: str, as_traded: bool, kinds: list[str]
) -> None:
    """The gap is the one of the prices on one basis, whichever way the bars come."""
    desk = desk_of(make_desk, tmp_path, options, as_traded=as_traded)
    dataset = session.dataset_of(desk, None)
    assert sorted(session.actions_for(desk, dataset)["kind"]) == kinds
    (gap,) = session.session_gaps(desk).rows["gap_pct"].to_list()
    assert gap == pytest.approx(5.0, abs=1e-9)


def test_a_dataset_without_daily_bars_is_not_scanned(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """The error names what it lacks and what could be scanned."""
    desk = desk_of(make_desk, tmp_path, "", as_traded=True)
    with pytest.raises(UsageError, match=r"corporate_actions has no daily bars \(no close, open"):
        session.dataset_of(desk, "corporate_actions")
