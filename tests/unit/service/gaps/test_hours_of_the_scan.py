"""The scan, and what the stand-ins tell, at every hour: at night, before the bell, on holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import orjson
import polars as pl
import pytest

from core.domain.timetable import sessions as calendar
from core.errors import NotFoundError
from core.sandbox.clock import moment
from core.sandbox.companies.filings_provider import SimulatedFilings
from core.sandbox.market.datasets import SimulatedDatasets
from core.service.cache import SingleFlightCache
from core.service.desk import Desk
from core.service.gaps import scans
from core.service.gaps import session as scan_inputs

NEW_YORK = ZoneInfo("America/New_York")
WEDNESDAY, THURSDAY = date(2026, 3, 11), date(2026, 3, 12)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


HOURS = {  # the clock in New York, the last session with bars, the session of the scan
    "in the evening": (_at("2026-03-11 22:00"), WEDNESDAY, WEDNESDAY),
    "at night": (_at("2026-03-12 03:00"), WEDNESDAY, WEDNESDAY),
    "before the bell": (_at("2026-03-12 09:05"), WEDNESDAY, THURSDAY),
    "at noon": (_at("2026-03-12 12:00"), WEDNESDAY, THURSDAY),
    "on a Saturday": (_at("2026-03-14 11:00"), date(2026, 3, 13), date(2026, 3, 13)),
    "on a holiday": (_at("2026-04-03 11:00"), date(2026, 4, 2), date(2026, 4, 2)),
}
hours = pytest.mark.parametrize(("now", "last", "scanned"), HOURS.values(), ids=HOURS)


def _fill(desk: Desk, last: date) -> None:
    """Bars up to `last`, and prints of the whole coming pre-market, those to come included."""
    days = calendar.sessions_between(last - timedelta(days=60), last)["session"]
    bars = pl.DataFrame({"session": days}).with_columns(
        symbol=pl.lit("AAA"), volume=pl.lit(900_000, pl.Int64), pull_id=pl.lit("p" * 32),
        **dict.fromkeys(("open", "high", "low", "close"), pl.lit(50.0)),
    )  # fmt: skip
    coming = calendar.all_sessions().filter(pl.col("session") > last)["open_at"][0]
    minutes = pl.datetime_range(
        coming - timedelta(hours=5, minutes=30), coming, "1m", closed="left", eager=True
    )
    prints = pl.DataFrame({"ts": minutes}).with_columns(
        symbol=pl.lit("AAA"), phase=pl.lit("pre"), volume=pl.lit(100, pl.Int64),
        pull_id=pl.lit("p" * 32),
        **dict.fromkeys(("open", "high", "low", "close"), pl.lit(55.0)),
    )  # fmt: skip
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars)
        tx.insert("bars_minute", prints)


@hours
def test_the_scan_is_of_the_coming_session_only_once_it_prints(
    desk: Desk, now: datetime, last: date, scanned: date
) -> None:
    """Prints of later count for nothing: until the first one the last session stands."""
    _fill(desk, last)
    desk.now = lambda: now
    scan = scans.run(desk)
    assert scan.gaps.session == scanned
    assert scan.gaps.provisional is (scanned > last)
    if scanned > last:
        row = scan.gaps.rows.row(0, named=True)
        assert row["premarket_change_pct"] == pytest.approx(10.0)


def test_prints_that_nobody_can_use_leave_the_last_session(desk: Desk) -> None:
    """Only bad prints, or prints of a name without a prior close, start no provisional scan."""
    now, last, _ = HOURS["before the bell"]
    for change in ("close = 0, low = 0", "symbol = 'NEW'"):
        with desk.warehouse.transaction() as tx:
            tx.execute("DELETE FROM bars_daily")
            tx.execute("DELETE FROM bars_minute")
        _fill(desk, last)
        with desk.warehouse.transaction() as tx:
            tx.execute(f"UPDATE bars_minute SET {change}")
        desk.now = lambda: now
        assert scans.run(desk).gaps.session == last


def test_a_day_without_prints_is_said_and_remembered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for by name it is an error; the second time it costs nothing."""
    now, last, _ = HOURS["at night"]
    _fill(desk, last)
    desk.now = lambda: now
    for _ in range(2):
        with pytest.raises(NotFoundError, match="neither bars nor pre-market prints"):
            scans.run(desk, THURSDAY)
        monkeypatch.setattr(scan_inputs, "_provisional", lambda *_: pytest.fail("asked again"))


def test_only_what_cannot_be_answered_is_remembered() -> None:
    """A fault of the machine is tried again; a missing answer is not."""
    memory, asked = SingleFlightCache(), []

    def fail(error: Exception) -> None:
        asked.append(error)
        raise error

    for _ in range(3):
        with pytest.raises(OSError, match="disk"):
            memory.get(("a",), lambda: fail(OSError("disk")))
        with pytest.raises(NotFoundError, match="nothing"):
            memory.get(("b",), lambda: fail(NotFoundError("nothing")))
    assert [type(error) for error in asked].count(NotFoundError) == 1
    assert [type(error) for error in asked].count(OSError) == 3


@hours
@pytest.mark.thorough
def test_stand_ins_tell_nothing_from_the_future(now: datetime, last: date, scanned: date) -> None:
    """Minutes have ended, bars are of sessions that closed, filings were accepted."""
    prices = SimulatedDatasets(7, lambda: now)
    local = now.astimezone(NEW_YORK).replace(tzinfo=None)
    minutes = pl.read_csv(prices.csv("Prices Minute"), try_parse_dates=True)
    assert minutes["ts_et"].max() + timedelta(minutes=1) <= local
    assert minutes["ts_et"].dt.date().max() == scanned
    daily = pl.read_csv(prices.csv("Prices Daily"), columns=["date"], try_parse_dates=True)
    assert daily["date"].max() == last
    filings = SimulatedFilings(7, lambda: now)
    ciks = filings.companies()[:12]
    documents = [filings.document(f"/submissions/CIK{cik:010}.json") for cik in ciks]
    told = [
        datetime.fromisoformat(at)
        for document in documents
        if document
        for at in orjson.loads(document.body)["filings"]["recent"]["acceptanceDateTime"]
    ]
    assert len(told) > 100
    assert max(told) <= now


def test_a_running_clock_brings_filings_and_prints() -> None:
    """The same stand-in tells more as the clock goes on, and keeps what it told before."""
    clock = [_at("2026-03-12 03:00")]
    filings = SimulatedFilings(7, lambda: clock[0])
    feed = {"action": "getcurrent", "start": "0", "count": "100"}
    night = filings.document("/cgi-bin/browse-edgar", feed)
    assert filings.document("/cgi-bin/browse-edgar", feed) is night
    prices = SimulatedDatasets(7, lambda: clock[0])
    before = prices.rows("Prices Minute")
    clock[0] = _at("2026-03-12 09:29")
    assert filings.document("/cgi-bin/browse-edgar", feed) is not night
    assert prices.rows("Prices Minute") > before


@pytest.mark.parametrize(
    ("local", "day"),
    [("2026-03-11 17:59", WEDNESDAY), ("2026-03-11 18:00", THURSDAY)],
)
def test_a_simulated_day_ends_at_six(local: str, day: date) -> None:
    """From 18:00 in New York the next day is the coming one, whatever the day is in UTC."""
    assert moment(_at(local)).as_of == day
