"""Charts of prices fit their candles; labels stand apart; hovering tells all of a bar."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from components.charts import gaps as charts_gaps
from components.charts import intraday as charts_intraday
from components.charts import levels
from components.paper.drawing import spread
from core.service.gaps.intraday import Intraday, in_steps, step_of

BARS = pl.DataFrame(
    {
        "session": [date(2026, 11, 23) + timedelta(days=n) for n in range(5)],
        "open": [10.0, 10.5, 11.0, 10.8, 10.9],
        "high": [10.6, 11.2, 11.4, 11.0, 11.1],
        "low": [9.8, 10.4, 10.6, 10.5, 10.7],
        "close": [10.5, 11.0, 10.8, 10.9, 11.0],
        "volume": [1.0] * 5,
    }
)
NO_FILINGS = pl.DataFrame(schema={"session": pl.Date, "title": pl.String})


@given(
    st.lists(st.floats(-50, 150), min_size=1, max_size=8),
    st.floats(0.1, 10),
)
def test_labels_keep_their_order_and_distance(places: list[float], least: float) -> None:
    """At least so far apart and within the axis, as long as all have room."""
    found = spread(places, least, 0.0, 100.0)
    stood = [found[i] for i in sorted(range(len(places)), key=places.__getitem__)]
    assert all(b - a >= least - 1e-6 for a, b in pairwise(stood))
    assert min(stood) >= -1e-6
    assert max(stood) <= 100 + 1e-6


def test_labels_that_have_room_stay() -> None:
    """Nothing is moved that need not be; one beyond the axis stands at its end."""
    assert spread([10.0, 50.0, 90.0], 5, 0, 100) == [10.0, 50.0, 90.0]
    assert spread([99.0, 98.0, 140.0], 5, 0, 100) == [95.0, 90.0, 100.0]


def boxes(*spans: tuple[float, float, bool]) -> pl.DataFrame:
    rows = [(date(2026, 11, 20), date(2026, 11, 27), *span[:2], True, span[2]) for span in spans]
    return pl.DataFrame(
        rows, schema=["session", "until", "bottom", "top", "up", "filled"], orient="row"
    )


def test_gaps_never_widen_the_axis_and_three_are_drawn() -> None:
    """Open ones first, nearest to the last close; what lies beyond is cut or left out."""
    many = boxes(
        (10.2, 10.4, True), (2.0, 10.0, False), (12.5, 14.0, False), (11.3, 19.0, False),
        (10.9, 11.2, True), (9.9, 10.3, False),
    )  # fmt: skip
    fig = charts_gaps.candles(BARS, many, NO_FILINGS, {"high": 30.0}, title="t").to_dict()
    low, high = fig["layout"]["yaxis"]["range"]
    assert (low, high) == levels.axis_range(BARS)
    assert low > 9.7
    assert high < 11.5
    zones = [shape for shape in fig["layout"]["shapes"] if shape["type"] == "rect"]
    assert sorted((zone["y0"], zone["y1"]) for zone in zones) == [
        (low, 10.0), (9.9, 10.3), (11.3, high),
    ]  # fmt: skip
    label, last = fig["layout"]["annotations"]
    assert last["text"] == f"<b>{BARS['close'][-1]:,.2f}</b>"
    assert label["text"] == "↑ high 30.00"
    assert label["y"] == high


def test_hovering_tells_prices_and_change() -> None:
    """Open, high, low, close and the change against the bar before, with a real minus sign."""
    told = levels.told(BARS)
    assert told[0] == "O 10.00  H 10.60  L 9.80  C 10.50"
    assert told[2] == "O 11.00  H 11.40  L 10.60  C 10.80  −1.82 %"


OPENS = datetime(2026, 11, 30, 14, 30, tzinfo=UTC)


def minutes(first: datetime, count: int) -> pl.DataFrame:
    rows = [
        (first + timedelta(minutes=n), 10 + n, 12 + n, 9 + n, 11 + n, 100.0) for n in range(count)
    ]
    return pl.DataFrame(rows, schema=["ts", "open", "high", "low", "close", "volume"], orient="row")


def test_minutes_are_joined_where_they_are_many() -> None:
    """First open, last close, extremes and the sum; up to two hundred candles."""
    few = minutes(OPENS, 10)
    assert step_of(few) == 1
    assert step_of(minutes(OPENS - timedelta(hours=5), 300)) == 5
    joined = in_steps(few, 5)
    assert joined.select("open", "high", "low", "close", "volume").rows() == [
        (10, 16, 9, 15, 500.0), (15, 21, 14, 20, 500.0),
    ]  # fmt: skip


def test_the_session_by_the_minute() -> None:
    """Pre-market shaded, the prior close in view, the plan's boxes cut to the axis, filings."""
    plan = SimpleNamespace(entry=18, stop=15, targets=(21, 24, 900))
    bars = minutes(OPENS - timedelta(minutes=5), 8)
    found = Intraday("AAA", date(2026, 11, 30), OPENS, OPENS + timedelta(hours=6, minutes=30),
                     bars, 1, plan)  # type: ignore[arg-type]  # fmt: skip
    filings = pl.DataFrame(
        {"accepted_at": [OPENS - timedelta(days=2), OPENS - timedelta(minutes=2)],
         "title": ["Holder above 5 %", "Results"]}
    )  # fmt: skip
    fig = charts_intraday.candles(found, filings, {"prior close": 7.5}, title="t").to_dict()
    low, high = fig["layout"]["yaxis"]["range"]
    assert low < 7.5
    assert high < 20
    shapes = fig["layout"]["shapes"]
    shaded = [s for s in shapes if s.get("fillcolor") == charts_intraday.SHADE]
    assert {(s["x0"].hour, s["x0"].minute, s["x1"].hour, s["x1"].minute) for s in shaded} == {
        (9, 25, 9, 30)
    }
    areas = [s for s in shapes if s["type"] == "rect" and s not in shaded]
    assert [(s["y0"], s["y1"]) for s in areas] == [(15.0, 18.0), (18.0, high)]
    marks = next(trace for trace in fig["data"] if trace["name"] == "filing")
    assert [at.minute for at in marks["x"]] == [25, 28]
    assert marks["text"][0].endswith("Holder above 5 %")
    names = {note["text"] for note in fig["layout"]["annotations"]}
    assert {"prior close 7.50", "entry 18.00", "stop 15.00", "↑ target 3R 900.00"} <= names
    assert fig["layout"]["uirevision"] == "intraday AAA 2026-11-30"
    small = charts_intraday.candles(found, filings, {}, title="", height=188).to_dict()
    assert small["layout"]["yaxis2"]["nticks"] == 2  # volumes of 37 pixels do not overprint
    told = charts_intraday.finding(found, 7.5)
    assert told == "AAA 18.00, +140.00 % Mon 30 Nov 2026; candles of 1 minute"
    over = replace(found, closes=OPENS)
    assert "after the close of Mon 30 Nov 2026" in charts_intraday.finding(over, 7.5)


MANY = {f"level {n}": 10.0 + n / 10 for n in range(9)}


@given(
    st.lists(st.floats(5.0, 20.0), min_size=2, max_size=10),
    st.sampled_from([(188, 8), (540, 46)]),
)
def test_labels_never_overprint_however_many(prices: list[float], tall: tuple[int, int]) -> None:
    """A line of text apart, in pixels, on a low chart and on a tall one; none leaves the figure."""
    pixels = levels.panel(*tall)
    at = levels.places(prices, (10.0, 11.0), pixels)
    assert sorted(range(len(at)), key=lambda i: (at[i], prices[i])) == sorted(
        range(len(at)), key=lambda i: (prices[i], at[i])
    )
    stood = [place * pixels for place in sorted(at)]
    assert all(b - a >= levels.TIGHT_PIXELS - 1e-6 for a, b in pairwise(stood))
    assert max(at) <= 11.0 + 1e-9
    assert (10.0 - min(at)) * pixels <= tall[0] - tall[1] - pixels + 1e-6


def test_a_label_without_room_stands_below_its_panel() -> None:
    """By the panel's own measure: off the axis it would not be drawn."""
    fig = charts_gaps.candles(BARS, boxes(), NO_FILINGS, MANY, title="", height=120).to_dict()
    notes = fig["layout"]["annotations"]
    low, high = fig["layout"]["yaxis"]["range"]
    assert len(notes) == len(MANY) + 1
    assert all(low <= note["y"] <= high for note in notes if note["yref"] == "y")
    assert {note["yref"] for note in notes if note["y"] < 0} == {"y domain"}


def test_a_low_chart_has_no_title_and_few_words() -> None:
    """Its place names it; what stands on two axes of its height would overprint."""
    fig = charts_gaps.candles(BARS, boxes(), NO_FILINGS, {}, title="", height=188).to_dict()[
        "layout"
    ]
    assert not fig["title"].get("text")
    assert fig["margin"]["t"] == 8
    assert (fig["yaxis"]["title"]["text"], fig["yaxis2"]["nticks"]) == ("USD", 2)
