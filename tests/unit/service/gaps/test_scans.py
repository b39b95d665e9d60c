"""The scan as a use case: commands, exports, windows, keeping, provisional sessions."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from core.domain.gaps import measure as gaps
from core.domain.gaps import state as gap_state
from core.domain.gaps.state import GapState
from core.domain.tables.frames import BARS_DAILY, CORPORATE_ACTIONS
from core.domain.timetable import sessions as calendar
from core.errors import NotFoundError, UsageError
from core.service.cache import SESSIONS
from core.service.desk import Desk
from core.service.gaps import keeping, scans, symbols
from core.service.gaps import session as scan_inputs
from core.service.gaps import statistics as gap_statistics
from core.service.kernel import commands, exports, handlers
from core.store import gap_states
from tests import real_prices, stand_ins
from tests.stand_ins import Scannable

YEAR = timedelta(days=365)
WIDE = {"min_gap_pct": 1, "min_rvol": 0, "min_dollar_volume": 0}
SHAPE = {
    "symbol",
    "gap_pct",
    "open",
    "prior_close",
    "gap_type",
    "gap_atr",
    "rvol",
    "dollar_volume",
    "flags",
    "catalysts",
    "score",
    "components",
    "grade",
}


def _fill(desk: Desk, frame: pl.DataFrame, table: str = "bars_daily") -> None:
    with desk.warehouse.transaction() as tx:
        tx.insert(table, frame.with_columns(pull_id=pl.lit("p" * 32)))


@pytest.fixture
def given(captures_or_none: Path | None) -> Scannable:
    """Two years of bars and filings: captured, else simulated."""
    return stand_ins.scannable(captures_or_none)


@pytest.fixture
def filled(desk: Desk, given: Scannable) -> Desk:
    """A desk that has them."""
    _fill(desk, given.bars)
    _fill(desk, given.filings, "filings")
    _fill(desk, given.identifiers, "company_identifiers")
    if given.actions is not None:
        _fill(desk, given.actions, "corporate_actions")
    return desk


def test_scan_document(filled: Desk, given: Scannable) -> None:
    """The document has the shape of the interface; every score is the sum of its points."""
    document = commands.run(filled, "scan", {"date": f"{given.results}", "filters": WIDE}).document
    assert document["date"] == given.results
    assert document["provisional"] is False
    found = {row["symbol"]: row for row in document["candidates"]}
    assert set(found[given.symbol]) >= SHAPE
    assert found[given.symbol]["catalysts"][0]["title"].startswith("Results of operations")
    for row in document["candidates"]:
        points = [part["points"] or 0 for part in row["components"].values()]
        assert sum(points) == pytest.approx(row["score"])
    assert all(row["reason"] for row in document["excluded"])


def test_filters_of_the_command(filled: Desk, given: Scannable) -> None:
    """Filters narrow the candidates; an unknown key is wrong use and is named."""
    wide = scans.run(filled, given.busy, {"min_gap_pct": 1, "min_rvol": 0})
    narrow = scans.run(filled, given.busy, {"min_gap_pct": 6})
    assert set(narrow.candidates["symbol"]) < set(wide.candidates["symbol"])
    with pytest.raises(UsageError, match="gap_min is not a filter"):
        scans.run(filled, given.busy, {"gap_min": 1})


def test_windows_give_what_the_whole_history_gives(filled: Desk) -> None:
    """Warm-up windows and a kept state give the same scan to the displayed precision."""
    last = scans.sessions(filled)[0]
    warm = scans.run(filled, last, {"min_gap_pct": 0.5, "min_rvol": 0})
    assert keeping.keep_state(filled) == last
    assert len(filled.warehouse.read("SELECT DISTINCT as_of FROM gap_states")) == 2
    SESSIONS.clear()
    kept = scans.run(filled, last, {"min_gap_pct": 0.5, "min_rvol": 0})
    names = ["symbol", "gap_pct", "gap_atr", "rvol", "score", "flags", "story"]
    assert warm.candidates.height > 20
    assert_frame_equal(kept.candidates.select(names), warm.candidates.select(names), rel_tol=1e-6)


def _kept(desk: Desk, day: date) -> GapState | None:
    """The state that a scan of the day would rest on."""
    span = (day - timedelta(days=30), day)
    actions = scan_inputs.actions_for(desk, desk.catalogue.get("prices.daily"))
    return gap_states.latest(desk.warehouse, "prices.daily", "bars_daily", span, actions)


def test_the_state_goes_on_with_new_sessions(filled: Desk, given: Scannable) -> None:
    """After a session more only that one is read, and the state is that of the whole history."""
    last = keeping.keep_state(filled)
    assert last is not None
    bars = filled.warehouse.read("SELECT * EXCLUDE pull_id FROM bars_daily")
    days = calendar.all_sessions()["session"]
    after = days.filter(days > last)[0]
    new = bars.filter(pl.col("session") == last).with_columns(session=pl.lit(after))
    _fill(filled, new)
    assert keeping.keep_state(filled) == after
    state = _kept(filled, after + timedelta(days=1))
    assert state is not None
    assert state.as_of == after
    whole = gap_state.carry(pl.concat([bars, new]), days, after, given.actions)
    assert_frame_equal(state.frame.sort("symbol"), whole.frame, rel_tol=1e-9)


def test_changed_actions_make_a_kept_state_void(filled: Desk, given: Scannable) -> None:
    """A split learnt of later, within the history of the state, voids it."""
    last = keeping.keep_state(filled)
    assert last is not None
    assert _kept(filled, last) is not None
    paid = {
        "symbol": given.symbol,
        "ex_date": last - 1.5 * YEAR,
        "kind": "dividend",
        "amount": 0.5,
    }
    frame = pl.DataFrame([paid], schema=dict(CORPORATE_ACTIONS.empty().schema))
    _fill(filled, frame, "corporate_actions")
    assert _kept(filled, last) is None


def test_changed_bars_make_a_kept_state_void(filled: Desk) -> None:
    """A bar added to the past voids the state; the scan falls back to its warm-up window."""
    last = keeping.keep_state(filled)
    extra = filled.warehouse.read("SELECT * FROM bars_daily LIMIT 1").drop("pull_id")
    _fill(filled, extra.with_columns(symbol=pl.lit("ZZZZ")))
    assert _kept(filled, last) is None


def test_scan_is_kept_with_its_versions(filled: Desk, given: Scannable) -> None:
    """Keeping twice leaves one scan, with its score version and candidates."""
    scan = scans.run(filled, given.busy, WIDE)
    keeping.keep(filled, scan)
    keeping.keep(filled, scan)
    rows = filled.warehouse.read("SELECT * FROM candidates")
    assert rows.height == scan.candidates.height > 0
    assert set(rows["score_version"]) == {"gap-score-3"}
    assert filled.warehouse.read("SELECT count(*) FROM scans").item() == 1


def test_candidates_export(filled: Desk, given: Scannable) -> None:
    """The export is flat and encodes as CSV."""
    frame = exports.frame_of(filled, "candidates", date=f"{given.busy}", **WIDE)
    assert frame["symbol"].n_unique() == frame.height > 0
    assert exports.encode(frame, "csv").startswith(b"session,symbol,")


def test_statistics_and_back_test(filled: Desk) -> None:
    """Rates carry n and intervals; the back-test counts its variants."""
    first = commands.run(filled, "backtest", {}).document
    again = commands.run(filled, "backtest", {"stop_atr": 2}).document
    assert (first["variants_tried"], again["variants_tried"]) == (1, 2)
    assert first["trades"] > 100
    assert sum(row["n"] for row in first["buckets"]) == first["trades"]
    assert all(row["low_pct"] <= row["rate_pct"] <= row["high_pct"] for row in first["fills"])
    for by in ("catalyst", "grade", "direction", "story"):
        found = commands.run(filled, "backtest", {"by": by}).document
        assert sum(row["n"] for row in found["buckets"]) == found["trades"], by
        assert sum(row["n"] for row in found["fills"]) >= found["trades"], by
    past = gap_statistics.history(filled)
    assert "Results of operations" in set(past.outcomes["catalyst"])


def test_symbol_view(filled: Desk, given: Scannable) -> None:
    """A name has its bars, gaps with outcomes, filings and levels."""
    found = symbols.view(filled, given.symbol)
    assert found.cik == given.cik
    assert symbols.levels(found, given.busy).keys() >= {"prior close", "20-session high"}
    shaded = symbols.boxes(found, given.busy - YEAR, given.busy)
    assert (shaded["until"] >= shaded["session"]).all()
    assert symbols.like(found, 4.0, given.busy).height > 0


def test_nothing_stored(desk: Desk) -> None:
    """Without bars the scan says what to pull."""
    with pytest.raises(NotFoundError, match="no bars"):
        scans.run(desk)
    assert scans.sessions(desk) == []


def test_before_the_open_the_scan_is_provisional(make_desk, shared_data: Path) -> None:
    """AAPL on the morning of 2014-06-09, split on record: a small provisional gap, no split."""
    desk = make_desk(scan_dataset="prices.daily.raw", catalogue=_replay())
    desk.now = lambda: datetime(2014, 6, 9, 13, 0, tzinfo=UTC)
    raw = real_prices.raw_bars(shared_data).filter(pl.col("session") < date(2014, 6, 9))
    with desk.warehouse.transaction() as tx:
        tx.ensure_table(desk.catalogue.get("prices.daily.raw"))
    _fill(desk, raw, "bars_daily_raw")
    _fill(desk, real_prices.factor_actions(shared_data), "corporate_actions")
    _fill(desk, real_prices.minutes(shared_data), "bars_minute")
    scan = scans.run(desk, None, {"min_gap_pct": 0, "min_rvol": 0, "min_dollar_volume": 0})
    assert scan.gaps.provisional
    assert scan.gaps.session == date(2014, 6, 9)
    row = scan.gaps.rows.filter(pl.col("symbol") == "AAPL").row(0, named=True)
    assert abs(row["gap_pct"]) < 1
    assert row["premarket_gap_pct"] == pytest.approx((92.46 * 7 / 645.57 - 1) * 100, rel=1e-3)
    assert scan.gaps.known_at == desk.now()
    assert timedelta(0) < datetime(2014, 6, 9, 13, 30, tzinfo=UTC) - scan.gaps.known_at


def _replay() -> Path:
    return Path(__file__).resolve().parents[4] / "data" / "catalogue.replay.toml"


def test_the_scan_job_keeps_scan_and_averages(filled: Desk, given: Scannable) -> None:
    """The job of the event `scan` stores the latest session's candidates and the state."""
    last = scans.sessions(filled)[0]
    told: list[str] = []

    class Told:
        def report(self, message: str, **_: Any) -> None:
            told.append(message)

    job = SimpleNamespace(payload={})
    done = asyncio.run(handlers.HANDLERS["scan"](filled, job, Told()))
    assert done is not None
    assert done["session"] == f"{last}"
    assert told == [f"{done['candidates']} candidates on {last}"]
    kept = filled.warehouse.read("SELECT count(*) FROM gap_states").item()
    assert kept > 1.7 * given.bars["symbol"].n_unique()
    assert {"scan"} <= set(handlers.FOLLOW_UPS["bars_daily"])


def test_a_name_with_holes_has_the_range_of_its_whole_history(
    filled: Desk, given: Scannable
) -> None:
    """Few bars of a name, and ten of a young one: without a kept state as with all bars."""
    bars = filled.warehouse.read("FROM bars_daily WHERE symbol = ?", [given.symbol]).drop("pull_id")
    bars = bars.sort("session")
    holes = bars.gather_every(20, (bars.height - 1) % 20).with_columns(symbol=pl.lit("ZHOLE"))
    young = bars.tail(10).with_columns(symbol=pl.lit("ZYOUNG"))
    _fill(filled, pl.concat([holes, young]))
    day, days = bars["session"][-1], calendar.all_sessions()["session"]
    rows = scan_inputs.session_gaps(filled, day).rows
    found = dict(rows.select("symbol", "atr").iter_rows())
    whole = gaps.measure(holes.select(BARS_DAILY.empty().columns), days)["atr"][-1]
    assert whole is not None
    assert found["ZHOLE"] == pytest.approx(whole, rel=1e-9)
    assert found["ZYOUNG"] is None


def test_a_range_that_fell_far_is_that_of_the_whole_history(desk: Desk) -> None:
    """A name that ranged a thousand times as widely two years ago: the average to 1e-9."""
    days = calendar.sessions_between(date(2015, 1, 2), date(2017, 12, 29))["session"]
    number = pl.int_range(days.len(), eager=True)
    span = pl.when(number < days.len() - 280).then(20.0).otherwise(0.02)
    frame = pl.DataFrame({"session": days}).select(
        "session", symbol=pl.lit("AAA"), open=100.0, high=100 + span, low=100 - span, close=100.0,
        volume=5e6,
    )  # fmt: skip
    _fill(
        desk,
        frame.with_columns(
            open=pl.when(pl.col("session") == days[-1]).then(100.02).otherwise("open")
        ),
    )
    (found,) = scan_inputs.session_gaps(desk, days[-1]).rows["atr"]
    whole = gaps.measure(frame.select(BARS_DAILY.empty().columns), days)["atr"][-1]
    assert found == pytest.approx(whole, rel=1e-9)
