"""The simulated market: deterministic, labelled, and like a market."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import numpy as np
import orjson
import polars as pl
import pytest

from core.sandbox.market.datasets import SimulatedDatasets
from core.sandbox.market.frames import LABEL, SIMULATED, Market, big_bars, market
from core.sandbox.market.model import model, traits
from core.sandbox.market.names import FIRST_CIK, listings

SEED, AS_OF = 7, date(2026, 3, 11)  # the pre-market of the 11th; summer time began on the 8th


@pytest.fixture(scope="module")
def world() -> Market:
    return market(SEED, AS_OF)


def test_the_same_seed_gives_the_same_bytes(world: Market) -> None:
    """A market is a pure function of seed and day."""
    model.cache_clear()
    again = Market(SEED, AS_OF)
    assert again.model is not world.model
    assert again.bars_daily().equals(world.bars_daily())
    assert again.bars_minute().equals(world.bars_minute())
    assert (traits(8).price != traits(SEED).price).any()


def test_a_later_day_prolongs_the_market_and_keeps_its_past(world: Market) -> None:
    """Tomorrow's pull adds a session and changes no bar that was there."""
    later = Market(SEED, date(2026, 3, 12))
    keys = ["symbol", "session"]
    both = world.bars_daily().join(later.bars_daily(), on=keys, suffix="_later")
    assert both.height > 400_000
    same = [pl.col(c) == pl.col(f"{c}_later") for c in ("open", "high", "low", "close", "volume")]
    assert both.select(pl.all_horizontal(same).all()).item()
    early = world.bars_minute().filter(pl.col("ts_et").dt.date() == world.last_session)
    early = early.filter(pl.col("session") == "pre")
    kept = early.join(later.bars_minute(), on=["symbol", "ts_et"], suffix="_later")
    assert kept.height > 500
    assert kept.select((pl.col("close") == pl.col("close_later")).all()).item()


def test_it_has_the_size_asked_for(world: Market) -> None:
    """At least 500 symbols, three years of sessions, up to the last one before the day."""
    bars = world.bars_daily()
    assert bars["symbol"].n_unique() >= 500
    assert bars["session"].n_unique() >= 756
    assert bars["session"].max() == world.last_session == date(2026, 3, 10)
    assert world.coming_session == AS_OF
    assert bars.select("symbol", "session").is_unique().all()


def test_clean_bars_hold_together(world: Market) -> None:
    """low <= open, close <= high, prices on the tick grid, volumes positive."""
    o, h, low, c = (pl.col(x) for x in ("open", "high", "low", "close"))
    fits = (low <= pl.min_horizontal(o, c)) & (h >= pl.max_horizontal(o, c)) & (low > 0)
    cents = (c * 100 - (c * 100).round()).abs() < 1e-6
    row = world.bars_daily().select(
        fits.all().alias("range"),
        (cents | (c < 1)).all().alias("tick"),
        (pl.col("volume") > 0).all().alias("volume"),
    )
    assert row.row(0) == (True, True, True)


def test_returns_look_like_a_market(world: Market) -> None:
    """Fat tails, clustered volatility, common movement, and gaps where there is news."""
    m, w = world.model, slice(-757, -1)
    fund = np.log(m.close[w, 0] / m.prior_close[w, 0])
    size = np.abs(fund)
    assert 0.08 < fund.std() * np.sqrt(252) < 0.35
    assert np.corrcoef(size[:-1], size[1:])[0, 1] > 0.05
    r = np.log(m.close[w, 1:400] / m.prior_close[w, 1:400])
    spread = r - r.mean(axis=0)
    assert np.median((spread**4).mean(axis=0) / r.var(axis=0) ** 2) > 4.5
    assert np.median([np.corrcoef(fund, r[:, i])[0, 1] for i in range(50)]) > 0.2
    gaps = np.abs(m.open[w] / m.prior_close[w] - 1) > 0.04
    per_day = (gaps & m.present[w]).sum(axis=1)
    assert 2 <= np.median(per_day) <= 25


def test_some_gaps_fill_in_their_session(world: Market) -> None:
    """Of gaps of 4 to 20 % about a tenth is filled the same day, small ones more often than large.

    In five years of the S&P 500 (2013 to 2018) it was 9 %: 11 % of those up to 7 %, 3 % above 10 %.
    """
    before = pl.col("close").shift(1).over("symbol")
    bars = world.bars_daily().sort("symbol", "session").with_columns(before=before)
    gaps = bars.with_columns(gap=(pl.col("open") / pl.col("before") - 1) * 100)
    gaps = gaps.filter(pl.col("gap").abs().is_between(4, 20))
    up = pl.col("gap") > 0
    low, high = pl.col("low") <= pl.col("before"), pl.col("high") >= pl.col("before")
    rates = gaps.group_by(small=pl.col("gap").abs() < 7).agg(
        (100 * pl.when(up).then(low).otherwise(high)).mean().alias("filled"), pl.len()
    )
    small, large = (
        rates.row(by_predicate=pl.col("small") == is_small) for is_small in (True, False)
    )
    assert 7 <= small[1] <= 18
    assert 1 <= large[1] <= small[1] / 1.5


def test_volume_rises_with_news(world: Market) -> None:
    """On the session after news the volume is a multiple of the usual."""
    m = world.model
    seen = (m.news.gap_row > 900) & (m.news.gap_row < m.cal.coming) & (np.abs(m.news.jump) > 0.05)
    row, slot = m.news.gap_row[seen], m.news.slot[seen]
    before = np.mean([m.volume[row - k, slot] for k in range(2, 22)], axis=0)
    assert np.median(m.volume[row, slot] / before) > 1.8


def test_corporate_actions_explain_raw_bars(world: Market) -> None:
    """A split shows in the raw bars as its ratio; there are dividends, delistings and spin-offs."""
    actions = world.corporate_actions()
    assert {"split", "dividend", "delisting", "spinoff"} <= set(actions["kind"])
    bars = world.bars_daily().with_columns(pl.col("close").shift(1).over("symbol").alias("before"))
    splits = actions.filter(pl.col("kind") == "split").join(
        bars, left_on=["symbol", "ex_date"], right_on=["symbol", "session"]
    )
    assert splits.height >= 10
    ratio = splits["before"] / splits["open"] / splits["ratio"]
    assert ((ratio > 0.75) & (ratio < 1.35)).all()


def test_minute_bars_agree_with_daily_bars(world: Market) -> None:
    """Regular minutes open, peak, dip and close as the day; all phases add up to its volume."""
    minutes = world.bars_minute().with_columns(pl.col("ts_et").dt.date().alias("day"))
    by_day = (
        minutes.filter(pl.col("session") == "regular")
        .group_by("symbol", "day")
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
        )
    )
    total = minutes.group_by("symbol", "day").agg(pl.col("volume").sum().alias("minutes"))
    daily = world.bars_daily().rename({"session": "day"})
    both = by_day.join(daily, on=["symbol", "day"], suffix="_day").join(total, on=["symbol", "day"])
    assert both.height >= 150
    for column in ("open", "high", "low", "close"):
        assert (both[column] == both[f"{column}_day"]).all(), column
    share = both["minutes"] / both["volume"]
    assert share.min() > 0.98
    assert share.max() <= 1.0


def test_the_coming_session_has_a_pre_market_only(world: Market) -> None:
    """Names with news overnight print before the open; nobody has a daily bar yet."""
    coming = world.bars_minute().filter(pl.col("ts_et").dt.date() == world.coming_session)
    assert coming["session"].unique().to_list() == ["pre"]
    clock = coming["ts_et"].dt.time()
    assert str(clock.min()) >= "04:00:00"
    assert str(clock.max()) < "09:30:00"
    fresh = world.model.news.gap_row == world.model.cal.coming
    symbols = {listings()[s].symbol for s in world.model.news.slot[fresh]}
    assert symbols & set(coming["symbol"])


def test_early_closes_end_at_one(world: Market) -> None:
    """The day after Thanksgiving has minutes until 13:00 and little volume."""
    black_friday = Market(SEED, date(2025, 12, 1))
    minutes = black_friday.bars_minute().filter(
        (pl.col("ts_et").dt.date() == date(2025, 11, 28)) & (pl.col("session") == "regular")
    )
    assert str(minutes["ts_et"].max()) == "2025-11-28 12:59:00"


def test_names_are_invented_and_marked() -> None:
    """Symbols are unique, CIKs lie in the reserved range, the label says what it is."""
    symbols = [x.symbol for x in listings()]
    assert len(set(symbols)) == len(symbols)
    assert all(s[0] in "ZQ" and 4 <= len(s) <= 5 for s in symbols)
    assert all(x.cik is None or x.cik > FIRST_CIK for x in listings())
    assert SIMULATED
    assert "imulated" in LABEL


def test_no_symbol_is_a_real_one(shared_data: Path) -> None:
    """No invented symbol or name collides with a captured ticker map."""
    real: set[str] = set()
    for file in (shared_data / "sec" / "reference").glob("company_tickers__*.json.gz"):
        rows = orjson.loads(gzip.decompress(file.read_bytes())).values()
        real |= {row["ticker"] for row in rows}
    assert not real & {x.symbol for x in listings()}


def test_datasets_are_csv_with_the_vendors_columns(world: Market) -> None:
    """Each dataset has its header and as many rows as it says."""
    served = SimulatedDatasets(SEED, AS_OF)
    heads = {name: served.csv(name).split(b"\n", 1)[0].decode() for name in served.names()}
    assert heads == {
        "Prices Daily": "date,open,high,low,close,volume,Name",
        "Prices Minute": "symbol,ts_et,open,high,low,close,volume,session",
        "Corporate Actions": "symbol,ex_date,kind,ratio,amount,currency,note",
        "Universe": "symbol,name,sector,industry,exchange,cik",
    }
    for name in served.names():
        assert served.csv(name).count(b"\n") == served.rows(name) + 1
    assert served.rows("Prices Daily") == world.bars_daily().height + 2  # two rows come twice


def test_benchmark_bars_have_the_shape_asked_for() -> None:
    """big_bars gives symbols x sessions sorted rows with sane ranges."""
    bars = big_bars(20, 50)
    assert bars.shape == (1000, 7)
    assert bars.select("symbol", "session").equals(
        bars.select("symbol", "session").sort(by=["symbol", "session"])
    )
    assert (bars["high"] >= bars["low"]).all()
