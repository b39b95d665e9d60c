"""Captures as they stood at an instant; the documents here are made up."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import polars as pl
import pytest

from core.sandbox import past
from core.sandbox.clock import ZONE, moment
from core.sandbox.market.datasets import SimulatedDatasets

MORNING = datetime(2014, 6, 9, 13, 5, tzinfo=UTC)  # a Monday, 9:05 in New York


def test_a_days_bars_come_in_its_evening() -> None:
    """In the morning the last bar is of Friday; from 18:00 on of the day itself."""
    csv = b"date,open,Name\n2014-06-06,1,A\n2014-06-09,2,A\n2014-06-10,3,A\n"
    assert past.rows_until(csv, MORNING).count(b"\n") == 2
    assert past.rows_until(csv, MORNING.replace(hour=22)).count(b"\n") == 3


def test_a_minute_comes_once_it_has_ended() -> None:
    """The bar that starts at 9:04 is there at 9:05, that of 9:05 is not; times stay as written."""
    csv = b"symbol,ts_et,open\nA,2014-06-09 09:04:00,1\nA,2014-06-09 09:05:00,1\n"
    assert past.rows_until(csv, MORNING) == b"symbol,ts_et,open\nA,2014-06-09 09:04:00,1\n"


def test_actions_are_known_up_to_the_coming_session() -> None:
    """Today's split is, tomorrow's is not told."""
    days = pl.Series("ex_date", ["2014-06-06", "2014-06-09", "2014-06-10"]).str.to_date()
    assert past.actions_until(days.to_frame(), MORNING).height == 2


def test_filings_come_with_their_acceptance() -> None:
    """In both shapes of the document, all columns together; without an instant after their day."""
    table = {
        "accessionNumber": ["a", "b", "c", "d"],
        "form": ["8-K"] * 4,
        "filingDate": ["2014-06-06", "2014-06-09", "2014-06-09", "2014-06-09"],
        "acceptanceDateTime": [
            "2014-06-06T20:31:00.000Z",
            "2014-06-09T13:04:59.000Z",
            "2014-06-09T13:05:01.000Z",
            "",
        ],
    }
    whole = {"cik": "1", "filings": {"recent": dict(table), "files": []}}
    for document, read in (
        (whole, lambda told: told["filings"]["recent"]),
        (table, lambda told: told),
    ):
        told = read(orjson.loads(past.submissions_until(orjson.dumps(document), MORNING)))
        assert told["accessionNumber"] == ["a", "b"]
        assert all(len(cells) == 2 for cells in told.values())


def test_facts_come_the_day_after_their_filing() -> None:
    """Their documents know no time of day."""
    facts = [{"val": 1, "filed": "2014-06-06"}, {"val": 2, "filed": "2014-06-09"}]
    body = orjson.dumps({"cik": 1, "facts": {"us-gaap": {"Assets": {"units": {"USD": facts}}}}})
    told = orjson.loads(past.facts_until(body, MORNING))
    assert told["facts"]["us-gaap"]["Assets"]["units"]["USD"] == facts[:1]


def test_the_feed_loses_what_is_later() -> None:
    """Entries go, the page stays."""
    entry = "<entry><updated>2014-06-09T09:0{}:00-04:00</updated></entry>\n"
    page = ("<feed>\n" + entry.format(6) + entry.format(4) + "</feed>").encode()
    assert past.feed_until(page, MORNING) == ("<feed>\n" + entry.format(4) + "</feed>").encode()


def test_a_daily_index_is_written_after_its_day() -> None:
    """Today's is not there yet."""
    assert past.index_is_known("form.20140606.idx", MORNING)
    assert not past.index_is_known("form.20140609.idx", MORNING)


@pytest.mark.thorough
def test_the_simulated_session_is_told_minute_by_minute() -> None:
    """Its regular minutes begin at the open, with the open that the daily bar will have."""
    day = "2026-03-03"
    seen = {}
    for clock, hour, minute in (("9:29", 14, 29), ("9:33", 14, 33), ("evening", 23, 30)):
        now = datetime(2026, 3, 3, hour, minute, tzinfo=UTC)
        served = SimulatedDatasets(7, lambda now=now: now)
        minutes = pl.read_csv(served.csv("Prices Minute")).filter(
            pl.col("ts_et").str.starts_with(day) & (pl.col("session") == "regular")
        )
        seen[clock] = minutes
        local = now.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")
        assert moment(now).known_at == now
        assert minutes["ts_et"].max() is None or minutes["ts_et"].max() < local
    assert seen["9:29"].is_empty()
    first = seen["9:33"].group_by("symbol", maintain_order=True).first()
    daily = pl.read_csv(served.csv("Prices Daily"), null_values="NaN").filter(pl.col("date") == day)
    both = first.join(daily, left_on="symbol", right_on="Name")
    assert both.height > 20
    assert both["open"].to_list() == both["open_right"].to_list()
