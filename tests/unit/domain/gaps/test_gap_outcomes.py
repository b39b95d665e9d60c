"""Score, fills, intervals, back-test and pre-market on hand-made and captured bars."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.domain.gaps import (
    backtest,
    premarket,
    scoring,
)
from core.domain.gaps import measure as gaps
from core.domain.gaps import outcomes as gap_statistics
from core.domain.timetable import sessions as calendar
from tests import real_prices, stand_ins

DAYS = calendar.all_sessions()["session"]


def _scored(**changes: Any) -> dict:
    row = {
        "symbol": "A",
        "gap_pct": 5.0,
        "gap_atr": 2.0,
        "dollar_volume": 50e6,
        "catalyst_weight": 100.0,
        "sentiment": None,
    } | changes
    frame = pl.DataFrame(
        [row], schema_overrides={"sentiment": pl.Float64, "catalyst_weight": pl.Float64}
    )
    return scoring.score(frame, scoring.Weights()).row(0, named=True)


def test_contributions_add_up_and_missing_components_are_named() -> None:
    """volatility 50, catalyst 100, liquidity 50 without sentiment: (20 + 30 + 10) / 0.9."""
    row = _scored()
    assert row["score"] == pytest.approx((0.4 * 50 + 0.3 * 100 + 0.2 * 50) / 0.9)
    parts = [row[f"{name}_points"] for name in scoring.COMPONENTS]
    assert sum(p for p in parts if p is not None) == pytest.approx(row["score"])
    assert row["left_out"] == "sentiment"


def test_missing_data_never_raise_a_rank() -> None:
    """A name without filings ranks below the same name with them, whatever those weigh; the score
    says that it rests on 60 of 100.
    """
    names = ("without", "none found", "minor", "results")
    rows = [
        {"symbol": name, "gap_pct": 9.0, "gap_atr": 4.0, "dollar_volume": 400e6}
        | {"catalyst_weight": weight, "sentiment": None}
        for name, weight in zip(names, (None, 0.0, 20.0, 100.0), strict=True)
    ]
    kinds = {"sentiment": pl.Float64, "catalyst_weight": pl.Float64}
    table = scoring.score(pl.DataFrame(rows, schema_overrides=kinds), scoring.Weights())
    score = dict(table.select("symbol", "score").iter_rows())
    assert score["without"] <= score["none found"] < score["minor"] < score["results"]
    assert table["evidence_pct"].to_list() == [60, 90, 90, 90]  # to the digit, as exported
    points = table.select(pl.sum_horizontal(f"{n}_points" for n in scoring.COMPONENTS)).to_series()
    assert points.to_list() == pytest.approx(table["score"].to_list())


def test_score_is_the_same_for_shorts() -> None:
    """A fall scores as the same rise does, sentiment turned with it."""
    up = _scored(sentiment=0.4)
    down = _scored(sentiment=-0.4, gap_pct=-5.0, gap_atr=-2.0)
    assert up["score"] == pytest.approx(down["score"])


def _bars(rows: list[tuple[float, float, float, float]]) -> pl.DataFrame:
    days = calendar.sessions_between(date(2014, 1, 2), DAYS[-1])["session"].head(len(rows))
    frame = pl.DataFrame(rows, schema=["open", "high", "low", "close"], orient="row")
    return frame.select(
        symbol=pl.lit("A"),
        session=days,
        open="open",
        high="high",
        low="low",
        close="close",
        volume=pl.lit(1000),
        split_factor=pl.lit(1.0),
    )


def test_fill_and_half_fill_of_a_worked_gap() -> None:
    """100 -> open 104: low 102 half fills in session 0, low 99.5 fills two sessions later."""
    bars = _bars([(104, 106, 102, 105), (105, 109, 103, 104), (104, 104.5, 99.5, 100)])
    gap = bars.head(1).with_columns(prior_close=pl.lit(100.0), gap_pct=pl.lit(4.0))
    row = gap_statistics.outcomes(gap, bars).row(0, named=True)
    assert (row["sessions_to_fill"], row["sessions_to_half"], row["sessions_seen"]) == (2, 0, 2)
    assert row["excursion_pct"] == pytest.approx((109 / 104 - 1) * 100)
    assert row["close_pct"] == pytest.approx((105 / 104 - 1) * 100)


def test_wilson_interval_of_a_table() -> None:
    """10 of 20: 29.93 to 70.07 %; 0 of 10: 0 to 27.75 % (Wilson 1927, 95 %)."""
    got = pl.DataFrame({"k": [10, 0], "n": [20, 10]}).select(gap_statistics.wilson("k", "n"))
    assert got.rows()[0] == pytest.approx((50.0, 29.93, 70.07), abs=0.01)
    assert got.rows()[1] == pytest.approx((0.0, 0.0, 27.75), abs=0.01)


def test_an_interval_holds_its_rate() -> None:
    """None and all of any number too, where the sums of floats fall short of 0 and 1."""
    counts = [(k, n) for n in range(1, 200) for k in (0, 1, n - 1, n)]
    got = pl.DataFrame(counts, schema=["k", "n"], orient="row").select(
        gap_statistics.wilson("k", "n")
    )
    assert got.filter(~pl.col("rate_pct").is_between("low_pct", "high_pct")).is_empty()


def _signal(bars: pl.DataFrame, gap: float = 5.0) -> pl.DataFrame:
    return bars.head(1).with_columns(gap_pct=pl.lit(gap), atr=pl.lit(2.0))


@pytest.mark.parametrize(
    ("rows", "outcome", "price"),
    [
        ([(100, 101, 99, 100), (100, 107, 99, 106)], "target", 106.0),
        ([(100, 101, 96, 97), (97, 99, 90, 98)], "stop", 97.0),
        ([(100, 101, 99, 100), (95, 96, 94, 95)], "stop_gap", 95.0),
        ([(100, 107, 96, 100)], "stop", 97.0),  # both touched: the stop counts
        ([(100, 101, 99, 100.5)], "open", 100.5),
    ],
)
def test_trade_of_a_worked_signal(rows: list, outcome: str, price: float) -> None:
    """Entry at the next open, stop 3 below (1.5 ATR), target 6 above; gapped stops at the open."""
    bars = _bars([(98, 99, 97, 98), *rows])
    done = backtest.trades(_signal(bars), bars, backtest.TradeRules(cost_bps=0)).row(0, named=True)
    assert (done["entry"], done["outcome"], done["exit"]) == (100.0, outcome, price)
    assert done["r"] == pytest.approx((price - 100) / 3)


def test_costs_are_taken_on_both_sides() -> None:
    """10 basis points of entry 100 and exit 106 cost 0.206, 0.0687 of the risk of 3."""
    bars = _bars([(98, 99, 97, 98), (100, 107, 99, 106)])
    done = backtest.trades(_signal(bars), bars, backtest.TradeRules(cost_bps=10))
    assert done["r"][0] == pytest.approx(2 - 0.206 / 3)


def test_shorts_mirror_longs() -> None:
    """A fading trade on mirrored bars has the same result as a following one."""
    bars = _bars([(98, 99, 97, 98), (100, 101, 99, 100), (99, 101, 96.5, 97)])
    mirrored = _bars([(102, 103, 101, 102), (100, 101, 99, 100), (101, 103.5, 99, 103)])
    free = backtest.TradeRules(cost_bps=0)
    long = backtest.trades(_signal(bars), bars, free)
    short = backtest.trades(_signal(mirrored, -5.0), mirrored, free)
    assert short["direction"][0] == "short"
    assert long["r"][0] == pytest.approx(short["r"][0])


def test_back_test_looks_at_nothing_after_the_exit(captures_or_none: Path | None) -> None:
    """Trades closed by a day stay the same when every later bar is scrambled."""
    prices = stand_ins.adjusted(captures_or_none)
    names = prices.bars["symbol"].unique().sort().head(120).to_list()
    bars = prices.bars.filter(pl.col("symbol").is_in(names))
    cut = prices.days[3]
    later = [
        pl.when(pl.col("session") > cut).then(pl.col(n) * 3).otherwise(n).alias(n)
        for n in ("open", "high", "low", "close")
    ]

    def run(frame: pl.DataFrame) -> pl.DataFrame:
        table = gaps.measure(frame, DAYS)
        signals = table.filter((pl.col("gap_pct").abs() >= 3) & (pl.col("rvol") >= 1.5))
        done = backtest.trades(signals, table, backtest.TradeRules())
        return done.filter((pl.col("exit_session") <= cut) & (pl.col("outcome") != "open"))

    first, second = run(bars), run(bars.with_columns(later))
    assert first.height > 50
    assert first.drop("r", "mfe_r", "mae_r").sort(first.columns[:2]).equals(
        second.drop("r", "mfe_r", "mae_r").sort(first.columns[:2])
    ) or first.sort("symbol", "signal_session")["exit"].to_list() == pytest.approx(
        second.sort("symbol", "signal_session")["exit"].to_list()
    )


def _day(day: date) -> pl.DataFrame:
    return calendar.sessions_between(day, day)


def _premarket(shared: Path, symbol: str, day: date, close: float, at: datetime) -> dict:
    prior = pl.DataFrame({"symbol": [symbol], "prior_close": [close]})
    minutes = real_prices.minutes(shared)
    return premarket.premarket(minutes, prior, _day(day), at).row(0, named=True)


def test_premarket_of_the_split_monday(shared_data: Path) -> None:
    """AAPL 2014-06-09: the 4:00 minute mixes both bases and is dropped; 92.46 to 92.66 on 92.22."""
    open_at = datetime(2014, 6, 9, 13, 30, tzinfo=UTC)
    row = _premarket(shared_data, "AAPL", date(2014, 6, 9), 645.57 / 7, open_at)
    assert row["dropped_minutes"] == 1
    assert (row["premarket_first"], row["premarket_last"]) == (92.46, 92.66)
    assert row["premarket_gap_pct"] == pytest.approx((92.46 * 7 / 645.57 - 1) * 100)
    assert row["premarket_rvol"] > 0
    assert row["provisional"] is False


def test_a_dividend_turns_no_trade_around() -> None:
    """Direction and bucket are those of the gap without the day's distributions."""
    bars = _bars([(98, 99, 97, 98), (100, 101, 99, 100), (100, 103, 99, 102)])
    signal = _signal(bars, -8.0).with_columns(gap_ex_div_pct=pl.lit(5.0))
    done = backtest.trades(signal, bars, backtest.TradeRules(cost_bps=0))
    assert done.select("direction", "gap_pct", "gap_ex_div_pct").row(0) == ("long", -8.0, 5.0)
    grouped = gap_statistics.with_groups(signal)
    assert grouped["direction"][0] == "up"
    assert grouped["size"][0] == gap_statistics.with_groups(_signal(bars, 5.0))["size"][0]
