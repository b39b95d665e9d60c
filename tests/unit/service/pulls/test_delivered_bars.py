"""What becomes of the rows that an upstream delivers: kept, flagged, or rejected with a reason."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from core.domain.gaps import bars as bar_rules
from core.domain.timetable import sessions as calendar
from core.service.desk import Desk
from core.service.gaps import keeping, market_view, scans
from core.service.pulls import datasets
from core.service.pulls.datasets import rejected_rows
from tests import price_cases

GOOD = "AAA,{day},10,11,9,10.5,1000"


def test_fractional_volumes_are_kept(desk: Desk, tmp_path: Path) -> None:
    """Split-adjusted vendors deliver parts of a share: every bar is kept, to the last digit."""
    done = price_cases.load_text(
        desk, tmp_path, "AAA,2026-11-23,10,11,9,10,0.24\nAAA,2026-11-24,10,11,9,10,8560553.68"
    )
    assert (done["state"], done["rows_rejected"]) == ("done", 0)
    assert price_cases.stored(desk)["volume"].to_list() == [0.24, 8560553.68]


def test_a_store_of_whole_volumes_goes_on(desk: Desk, tmp_path: Path) -> None:
    """A table of the user's own that was made with whole volumes takes fractions from now on."""
    with desk.warehouse.transaction() as tx:
        tx.execute(
            "CREATE TABLE bars_daily_raw (symbol VARCHAR, session DATE, open DOUBLE, high DOUBLE, "
            "low DOUBLE, close DOUBLE, volume BIGINT, pull_id VARCHAR NOT NULL)"
        )
        tx.execute("INSERT INTO bars_daily_raw VALUES ('A', '2026-11-23', 1, 1, 1, 1, 7, 'p')")
        assert tx.ensure_table(desk.catalogue.get("prices.daily.raw")) == []
    rows = price_cases.stored(desk, "bars_daily_raw")
    assert rows["volume"].to_list() == [7.0]
    assert rows.schema["volume"] == pl.Float64


@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2026-11-21", "is no session of the exchange"),  # a Saturday
        ("2026-11-26", "is no session of the exchange"),  # Thanksgiving
        ("2026-11-25", "is of a session that has not opened yet"),
        ("2026-11-27", "lies in the future"),
        ("9999-12-31", "lies in the future"),
        ("0001-01-01", "lies before 1900"),  # what an exporter writes for no date
        ("1899-12-30", "lies before 1900"),  # day 0 of spreadsheets
    ],
)
def test_a_row_of_no_open_session_is_refused(
    desk: Desk, tmp_path: Path, day: str, reason: str
) -> None:
    """Such a row is rejected with its reason, and scan and plans stay with the real session."""
    desk.now = lambda: datetime(2026, 11, 25, 14, 0, tzinfo=UTC)  # half an hour before the open
    if day == "2026-11-26":
        desk.now = lambda: datetime(2026, 11, 26, 20, 0, tzinfo=UTC)
    done = price_cases.load_text(
        desk, tmp_path, f"{GOOD.format(day='2026-11-24')}\n{GOOD.format(day=day)}"
    )
    assert (done["state"], done["rows_inserted"], done["rows_rejected"]) == ("partial", 1, 1)
    assert "1 of 2 rows were rejected" in done["message"]
    assert reason in rejected_rows(desk, "prices.daily")["reason"][0]
    assert scans.sessions(desk) == [date(2026, 11, 24)]
    assert scans.run(desk).gaps.session == date(2026, 11, 24)
    assert market_view.latest_session(desk.warehouse, desk.now()) == date(2026, 11, 24)


def test_rows_that_an_older_desk_kept_are_not_the_latest_session(desk: Desk) -> None:
    """Stored bars of a Saturday, of the future or without prices do not move the session."""
    desk.now = lambda: datetime(2026, 11, 25, 14, 0, tzinfo=UTC)
    with desk.warehouse.transaction() as tx:
        for day, low in (("24", 9), ("28", 9), ("30", 9), ("25", 9), ("23", 9)):
            row = f"('A', '2026-11-{day}', 10, 11, {low}, 10, 500, 'p')"
            tx.execute(f"INSERT INTO bars_daily VALUES {row}")
        tx.execute("INSERT INTO bars_daily VALUES ('B', '2026-12-01', NULL, 1, 1, 1, 1, 'p')")
    assert scans.sessions(desk) == [date(2026, 11, 24), date(2026, 11, 23)]
    assert scans.run(desk).gaps.session == date(2026, 11, 24)
    assert keeping.keep_state(desk) == date(2026, 11, 24)
    assert market_view.latest_session(desk.warehouse, desk.now()) == date(2026, 11, 24)


def test_case_rows_off_the_calendar(desk: Desk) -> None:
    """The real case: whatever the three files hold, the last real session is 2026-11-24."""
    folder = price_cases.case("rows-off-the-calendar")
    desk.now = lambda: datetime(2026, 11, 27, 6, 0, tzinfo=UTC)
    for name, rejected in (("bars.csv", 2), ("future.csv", 1), ("holiday.csv", 1)):
        done = price_cases.load(desk, folder, name)
        assert (done["state"], done["rows_rejected"]) == ("partial", rejected)
    assert scans.run(desk).gaps.session == date(2026, 11, 24)
    assert market_view.latest_session(desk.warehouse, desk.now()) == date(2026, 11, 24)


BAD = {
    "AAA,{day},0,11,9,10,1000": "a price is zero or negative",
    "AAA,{day},10,11,-9,10,1000": "a price is zero or negative",
    "AAA,{day},10,9,11,10,1000": "the high is below the low",
    "AAA,{day},,11,9,10,1000": "a price is missing",
    "AAA,{day},NaN,11,9,10,1000": "a price is missing",
    "AAA,{day},12,11,9,10,1000": "the open or close lies outside the day's range",
    "AAA,{day},10,1e308,9,10,1000": "a price is beyond reason",
    "AAA,{day},1e-300,11,1e-300,10,1000": "a price is beyond reason",
    "AAA,{day},10,11,9,10,1e300": "the volume is beyond reason",
    "AAA,{day},10,11,9,10,-5": "no volume",
}


@pytest.mark.few(4)
@pytest.mark.parametrize(("row", "problem"), BAD.items())
def test_a_damaged_bar_is_kept_with_its_flag(
    desk: Desk, tmp_path: Path, row: str, problem: str
) -> None:
    """One rule: stored as delivered, flagged, told in the pull; the state is that of 4 in 10."""
    days = calendar.sessions_between(date(2026, 11, 2), date(2026, 11, 13))["session"]
    one = price_cases.load_text(desk, tmp_path, row.format(day=days[0]))
    rows = [(row if n < 4 else GOOD).format(day=day) for n, day in enumerate(days)]
    ten = price_cases.load_text(desk, tmp_path, "\n".join(rows))
    assert (one["state"], ten["state"]) == ("done", "done")
    assert f"1 of 1 bars are kept with a flag ({problem}: 1)" in one["message"]
    assert f"4 of 10 bars are kept with a flag ({problem}: 4)" in ten["message"]
    kept = price_cases.stored(desk)
    assert kept.height == 10
    assert kept.select(bar_rules.is_sound()).to_series().sum() == 6
    assert (
        kept.filter(~bar_rules.is_sound()).select(bar_rules.problem()).to_series().to_list()
        == [problem] * 4
    )


def test_a_cell_that_is_no_number_rejects_its_row(desk: Desk, tmp_path: Path) -> None:
    """Words and infinities are rejected; one of one and four of ten are partial alike."""
    one = price_cases.load_text(desk, tmp_path, "AAA,2026-11-02,inf,11,9,10,1000")
    days = calendar.sessions_between(date(2026, 11, 2), date(2026, 11, 13))["session"]
    bad = "AAA,{day},inf,11,9,10,1000"
    rows = [(bad if n < 4 else GOOD).format(day=day) for n, day in enumerate(days)]
    ten = price_cases.load_text(desk, tmp_path, "\n".join(rows))
    assert (one["state"], ten["state"]) == ("partial", "partial")
    assert "4 of 10 rows were rejected" in ten["message"]


def test_one_reject_in_a_thousand_is_no_partial_pull(desk: Desk, tmp_path: Path) -> None:
    """Up to 0.1 % of the rows may be rejected under *done*; one more is *partial*."""
    days = calendar.sessions_between(date(2018, 1, 2), date(2026, 11, 24))["session"].head(2000)
    rows = [GOOD.format(day=day) for day in days]
    broken = rows[:]
    broken[5], broken[7] = "AAA,never,1,1,1,1,1", "AAA,x,1,1,1,1,1"
    assert price_cases.load_text(desk, tmp_path, "\n".join(broken))["state"] == "done"
    broken[9] = "AAA,y,1,1,1,1,1"
    assert price_cases.load_text(desk, tmp_path, "\n".join(broken))["state"] == "partial"


DIVIDENDS = "COST,2026-06-15,dividend,,{amount},USD,{note}"


def test_several_distributions_of_a_day_all_count(desk: Desk, tmp_path: Path) -> None:
    """With or without a note, rows that differ are kept apart; the same row twice is one."""
    text = "\n".join(
        DIVIDENDS.format(amount=amount, note=note)
        for amount, note in ((0.5, ""), (10, ""), (10, ""), (2, "special"))
    )
    done = price_cases.load_text(desk, tmp_path, text, "corporate_actions")
    assert (done["rows_inserted"], done["rows_rejected"]) == (3, 1)
    assert sorted(price_cases.stored(desk, "corporate_actions")["amount"]) == [0.5, 2, 10]
    again = price_cases.load_text(desk, tmp_path, text + "\n", "corporate_actions")
    assert (again["rows_inserted"], again["rows_updated"]) == (0, 0)


def test_the_newest_rows_are_shown_wherever_the_key_tells_the_day(
    desk: Desk, tmp_path: Path
) -> None:
    """A note of an older day is after in the alphabet; its row is not among the newest."""
    text = "COST,2025-06-16,dividend,,1,USD,z\nCOST,2026-06-15,dividend,,1,USD,"
    price_cases.load_text(desk, tmp_path, text, "corporate_actions")
    shown = datasets.rows(desk, "corporate_actions", limit=1)
    assert shown["ex_date"].to_list() == [date(2026, 6, 15)]


def test_a_second_split_of_a_day_contradicts_the_first(desk: Desk, tmp_path: Path) -> None:
    """Two ratios for one symbol and day are not multiplied: the second is rejected."""
    text = "A,2026-06-15,split,2,,,\nA,2026-06-15,split,4,,,"
    done = price_cases.load_text(desk, tmp_path, text, "corporate_actions")
    assert (done["rows_inserted"], done["rows_rejected"]) == (1, 1)


def test_one_early_bird_makes_nobody_stale(desk: Desk) -> None:
    """A session of which few names have bars yet is not the latest; one that most have is."""
    desk.now = lambda: datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
    names = [f"N{n:02}" for n in range(30)]
    with desk.warehouse.transaction() as tx:
        for day in ("23", "24"):
            for name in names:
                tx.execute(
                    f"INSERT INTO bars_daily VALUES ('{name}', '2026-11-{day}', 9, 9, 9, 9, 5, 'p')"
                )
        tx.execute("INSERT INTO bars_daily VALUES ('N00', '2026-11-25', 9, 9, 9, 9, 5, 'p')")
    assert market_view.latest_session(desk.warehouse, desk.now()) == date(2026, 11, 24)
    assert scans.run(desk).gaps.session == date(2026, 11, 24)
    with desk.warehouse.transaction() as tx:
        for name in names[1:4]:
            row = f"('{name}', '2026-11-25', 9, 9, 9, 9, 5, 'p')"
            tx.execute(f"INSERT INTO bars_daily VALUES {row}")
    assert market_view.latest_session(desk.warehouse, desk.now()) == date(2026, 11, 25)
