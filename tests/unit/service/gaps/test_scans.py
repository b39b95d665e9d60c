"""The scan as a use case: commands, exports, windows, keeping, provisional sessions."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

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
from tests import real_prices

DAY = date(2017, 11, 17)
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
def real_desk(desk: Desk, shared_data: Path) -> Desk:
    """Two years of captured bars, and the captured filings."""
    bars = real_prices.five_years(shared_data)
    _fill(desk, bars.filter(pl.col("session").is_between(date(2016, 1, 1), date(2018, 1, 1))))
    found, names = real_prices.filings(shared_data)
    _fill(desk, found.filter(pl.col("filed") >= date(2009, 1, 1)), "filings")
    _fill(desk, names, "company_identifiers")
    return desk


def test_scan_document(real_desk: Desk) -> None:
    """The document has the shape of the interface; every score is the sum of its points."""
    document = commands.run(real_desk, "scan", {"date": "2017-11-16"}).document
    assert document["date"] == date(2017, 11, 16)
    assert document["provisional"] is False
    found = {row["symbol"]: row for row in document["candidates"]}
    assert set(found["WMT"]) >= SHAPE
    assert found["WMT"]["catalysts"][0]["title"].startswith("Results of operations")
    for row in document["candidates"]:
        points = [part["points"] or 0 for part in row["components"].values()]
        assert sum(points) == pytest.approx(row["score"])
    assert all(row["reason"] for row in document["excluded"])


def test_filters_of_the_command(real_desk: Desk) -> None:
    """Filters narrow the candidates; an unknown key is wrong use and is named."""
    wide = scans.run(real_desk, DAY, {"min_gap_pct": 1, "min_rvol": 0})
    narrow = scans.run(real_desk, DAY, {"min_gap_pct": 6})
    assert set(narrow.candidates["symbol"]) < set(wide.candidates["symbol"])
    with pytest.raises(UsageError, match="gap_min is not a filter"):
        scans.run(real_desk, DAY, {"gap_min": 1})


def test_windows_give_what_the_whole_history_gives(real_desk: Desk) -> None:
    """Warm-up windows and a kept state give the same scan to the displayed precision."""
    last = scans.sessions(real_desk)[0]
    warm = scans.run(real_desk, last, {"min_gap_pct": 0.5, "min_rvol": 0})
    assert keeping.keep_state(real_desk) == last
    assert len(real_desk.warehouse.read("SELECT DISTINCT as_of FROM gap_states")) == 2
    SESSIONS.clear()
    kept = scans.run(real_desk, last, {"min_gap_pct": 0.5, "min_rvol": 0})
    names = ["symbol", "gap_pct", "gap_atr", "rvol", "score", "flags", "story"]
    assert warm.candidates.height > 20
    assert_frame_equal(kept.candidates.select(names), warm.candidates.select(names), rel_tol=1e-6)


def _kept(desk: Desk, day: date) -> GapState | None:
    """The state that a scan of the day would rest on."""
    span = (day - timedelta(days=30), day)
    actions = scan_inputs.actions_for(desk, desk.catalogue.get("prices.daily"))
    return gap_states.latest(desk.warehouse, "prices.daily", "bars_daily", span, actions)


def test_the_state_goes_on_with_new_sessions(real_desk: Desk) -> None:
    """After a session more only that one is read, and the state is that of the whole history."""
    last = keeping.keep_state(real_desk)
    assert last is not None
    bars = real_desk.warehouse.read("SELECT * EXCLUDE pull_id FROM bars_daily")
    after = date(2018, 1, 2)
    new = bars.filter(pl.col("session") == last).with_columns(session=pl.lit(after))
    _fill(real_desk, new)
    assert keeping.keep_state(real_desk) == after
    state = _kept(real_desk, after + timedelta(days=1))
    assert state is not None
    assert state.as_of == after
    whole = gap_state.carry(pl.concat([bars, new]), calendar.all_sessions()["session"], after)
    assert_frame_equal(state.frame.sort("symbol"), whole.frame, rel_tol=1e-9)


def test_changed_actions_make_a_kept_state_void(real_desk: Desk) -> None:
    """A split learnt of later, within the history of the state, voids it."""
    last = keeping.keep_state(real_desk)
    assert last is not None
    assert _kept(real_desk, last) is not None
    split = {"symbol": "WMT", "ex_date": date(2016, 6, 1), "kind": "dividend", "amount": 0.5}
    frame = pl.DataFrame([split], schema=dict(CORPORATE_ACTIONS.empty().schema))
    _fill(real_desk, frame, "corporate_actions")
    assert _kept(real_desk, last) is None


def test_changed_bars_make_a_kept_state_void(real_desk: Desk) -> None:
    """A bar added to the past voids the state; the scan falls back to its warm-up window."""
    last = keeping.keep_state(real_desk)
    extra = real_desk.warehouse.read("SELECT * FROM bars_daily LIMIT 1").drop("pull_id")
    _fill(real_desk, extra.with_columns(symbol=pl.lit("ZZZZ")))
    assert _kept(real_desk, last) is None


def test_scan_is_kept_with_its_versions(real_desk: Desk) -> None:
    """Keeping twice leaves one scan, with its score version and candidates."""
    scan = scans.run(real_desk, DAY)
    keeping.keep(real_desk, scan)
    keeping.keep(real_desk, scan)
    rows = real_desk.warehouse.read("SELECT * FROM candidates")
    assert rows.height == scan.candidates.height > 0
    assert set(rows["score_version"]) == {"gap-score-3"}
    assert real_desk.warehouse.read("SELECT count(*) FROM scans").item() == 1


def test_candidates_export(real_desk: Desk) -> None:
    """The export is flat and encodes as CSV."""
    frame = exports.frame_of(real_desk, "candidates", date="2017-11-17")
    assert frame["symbol"].n_unique() == frame.height > 0
    assert exports.encode(frame, "csv").startswith(b"session,symbol,")


def test_statistics_and_back_test(real_desk: Desk) -> None:
    """Rates carry n and intervals; the back-test counts its variants."""
    first = commands.run(real_desk, "backtest", {}).document
    again = commands.run(real_desk, "backtest", {"stop_atr": 2}).document
    assert (first["variants_tried"], again["variants_tried"]) == (1, 2)
    assert first["trades"] > 100
    assert sum(row["n"] for row in first["buckets"]) == first["trades"]
    assert all(row["low_pct"] <= row["rate_pct"] <= row["high_pct"] for row in first["fills"])
    for by in ("catalyst", "grade", "direction", "story"):
        found = commands.run(real_desk, "backtest", {"by": by}).document
        assert sum(row["n"] for row in found["buckets"]) == found["trades"], by
        assert sum(row["n"] for row in found["fills"]) >= found["trades"], by
    past = gap_statistics.history(real_desk)
    assert "Results of operations" in set(past.outcomes["catalyst"])


def test_symbol_view(real_desk: Desk) -> None:
    """A name has its bars, gaps with outcomes, filings and levels."""
    found = symbols.view(real_desk, "WMT")
    assert found.cik == 104169
    assert symbols.levels(found, DAY).keys() >= {"prior close", "20-session high"}
    shaded = symbols.boxes(found, date(2017, 1, 1), date(2018, 1, 1))
    assert (shaded["until"] >= shaded["session"]).all()
    assert symbols.like(found, 4.0, DAY).height > 0


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


def test_the_scan_job_keeps_scan_and_averages(real_desk: Desk) -> None:
    """The job of the event `scan` stores the latest session's candidates and the state."""
    told: list[str] = []

    class Told:
        def report(self, message: str, **_: object) -> None:
            told.append(message)

    job = SimpleNamespace(payload={})
    done = asyncio.run(handlers.HANDLERS["scan"](real_desk, job, Told()))
    assert done is not None
    assert done["session"] == "2017-12-29"
    assert told == [f"{done['candidates']} candidates on 2017-12-29"]
    kept = real_desk.warehouse.read("SELECT count(*) FROM gap_states").item()
    assert kept > 900
    assert {"scan"} <= set(handlers.FOLLOW_UPS["bars_daily"])


def test_a_name_with_holes_has_the_range_of_its_whole_history(real_desk: Desk) -> None:
    """Few bars of a name, and ten of a young one: without a kept state as with all bars."""
    bars = real_desk.warehouse.read("FROM bars_daily WHERE symbol = 'WMT'").drop("pull_id")
    bars = bars.sort("session")
    holes = bars.gather_every(20, (bars.height - 1) % 20).with_columns(symbol=pl.lit("ZHOLE"))
    young = bars.tail(10).with_columns(symbol=pl.lit("ZYOUNG"))
    _fill(real_desk, pl.concat([holes, young]))
    day, days = bars["session"][-1], calendar.all_sessions()["session"]
    rows = scan_inputs.session_gaps(real_desk, day).rows
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
