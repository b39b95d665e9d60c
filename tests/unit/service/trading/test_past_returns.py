"""Returns behind value at risk, stress, beta and correlations: only what was trading."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from core.domain.timetable import sessions as calendar
from core.service.desk import Desk
from core.service.trading import past_returns
from core.store import settling as memory
from tests import price_cases

LAST, EVENT = date(2026, 6, 30), date(2026, 6, 1)
FIRST = date(2025, 12, 1)


def rows(symbol: str, ratio: float = 1.0, *, bad: str = "", seed: int = 5) -> list[str]:
    """A year of a name whose shares are split by `ratio` on EVENT; `bad` stands for that bar."""
    days = calendar.sessions_between(date(2025, 7, 1), LAST)["session"].to_list()
    chance, price, found = np.random.default_rng(seed), 90.0, []
    for day in days:
        price *= 1 + chance.normal(0, 0.01)
        by = ratio if day >= EVENT else 1.0
        open_, close, volume = price / by, price / by, 2e6 * by
        bar = f"{open_:.4f},{close * 1.006:.4f},{close * 0.994:.4f},{close:.4f},{volume:.0f}"
        found.append(f"{symbol},{day},{bad if bad and day == EVENT else bar}")
    return found


def returns(desk: Desk, *symbols: str) -> pl.DataFrame:
    return past_returns.returns_of(desk, desk.warehouse, symbols, FIRST, LAST)


def test_a_split_that_nobody_recorded_is_no_loss(desk: Desk, tmp_path: Path) -> None:
    """3 for 2 without a record: the day has no return; what is on record has an ordinary one."""
    text = "\n".join([*rows("AAA", 1.5), *rows("BBB", 1.5), *rows("CCC")])
    price_cases.load_text(desk, tmp_path, f"BBB,{EVENT},split,1.5,,,", "corporate_actions")
    price_cases.load_text(desk, tmp_path, text)
    found = returns(desk, "AAA", "BBB", "CCC")
    days = found.group_by("symbol").agg(pl.len(), pl.col("return").abs().max())
    assert days["return"].max() < 0.05
    assert dict(days.select("symbol", "len").iter_rows())["AAA"] == days["len"].max() - 1
    on_day = found.filter(pl.col("session") == EVENT)["symbol"].to_list()
    assert sorted(on_day) == ["BBB", "CCC"]


def test_a_bar_that_cannot_be_right_has_no_return(desk: Desk, tmp_path: Path) -> None:
    """The high below the low: the price of that bar says nothing, and the next return is whole."""
    text = "\n".join([*rows("AAA", bad="60,59,61,60,2000000"), *rows("CCC")])
    price_cases.load_text(desk, tmp_path, text)
    found = returns(desk, "AAA", "CCC")
    assert found["return"].abs().max() < 0.06
    assert found.filter(pl.col("session") == EVENT)["symbol"].to_list() == ["CCC"]


def test_a_split_that_nobody_recorded_hides_no_correlation(desk: Desk, tmp_path: Path) -> None:
    """Two names that move as one do so with such a split in the sixty sessions, too."""
    text = "\n".join([*rows("AAA", 1.5), *rows("CCC")])
    price_cases.load_text(desk, tmp_path, text)
    found = past_returns.pairs(desk, desk.warehouse, ["AAA", "CCC"], LAST)
    assert found == {frozenset({"AAA", "CCC"}): pytest.approx(1, abs=1e-4)}


def test_a_move_that_was_confirmed_is_a_loss(desk: Desk, tmp_path: Path) -> None:
    """Whoever checked the price with the exchange has it in the value at risk."""
    price_cases.load_text(desk, tmp_path, "\n".join(rows("AAA", 1.5)))
    with desk.warehouse.transaction() as tx:
        memory.confirm(tx, "AAA", EVENT, "checked", datetime(2026, 6, 2, tzinfo=UTC))
    found = returns(desk, "AAA")
    assert found["return"].min() == pytest.approx(-1 / 3, abs=0.02)


def test_the_mean_market_knows_of_splits(desk: Desk, tmp_path: Path) -> None:
    """A recorded 3 for 2 of one of two names is no fall of the market by a sixth."""
    text = "\n".join([*rows("AAA", 1.5), *rows("CCC")])
    price_cases.load_text(desk, tmp_path, f"AAA,{EVENT},split,1.5,,,", "corporate_actions")
    price_cases.load_text(desk, tmp_path, text)
    found = past_returns.mean_market(desk, FIRST, LAST)
    assert found["return"].abs().max() < 0.05
