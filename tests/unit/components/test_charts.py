"""Generic charts, looked at as the plain dictionaries that reach the browser."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from components.charts import base as charts
from components.charts import gaps as charts_gaps
from components.kit import grids, theme
from components.parts import compare

TODAY = date(2026, 11, 20)  # a Friday


def pulls(*states: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "started_at": [datetime(2026, 11, 20, 10 + i, tzinfo=UTC) for i in range(len(states))],
            "state": list(states),
            "seconds": [1.0 + i for i in range(len(states))],
            "rows_read": [100] * len(states),
            "trigger": ["schedule"] * len(states),
        },
        schema_overrides={"started_at": pl.Datetime("us", "UTC"), "state": pl.String},
    )


def test_calendar_colours_a_day_by_its_worst_pull():
    """A failure on a day is not hidden by later good pulls."""
    fig = charts.pull_calendar(pulls("done", "failed", "done"), today=TODAY, weeks=4).to_dict()
    heat = fig["data"][0]
    assert heat["z"][4][3] == charts.SEVERITY.index("failed")
    assert heat["text"][4][3] == "Fri 20 Nov: 3 pulls, worst failed"
    assert heat["z"][0] == [charts.NO_PULL] * 4
    assert heat["z"][6][3] is None  # Sunday is still to come
    assert len(heat["x"]) == 4


def test_calendar_of_no_pulls_is_an_empty_grid():
    """A dataset never pulled has a pale calendar."""
    heat = charts.pull_calendar(pulls(), today=TODAY, weeks=2).to_dict()["data"][0]
    assert {cell for row in heat["z"] for cell in row} == {charts.NO_PULL, None}


def test_timeline_tells_states_by_shape_too():
    """Done and failed differ by symbol as well as by colour."""
    fig = charts.pull_timeline(pulls("done", "failed")).to_dict()
    marks = {t["name"]: t["marker"]["symbol"] for t in fig["data"]}
    assert marks == {"done": "circle", "failed": "x"}


def test_every_severity_has_a_colour_and_a_shape():
    """No state of a pull is without its mark."""
    assert set(charts.SEVERITY) == set(charts.SHAPES) == set(theme.STATES)


def test_horizontal_bars_read_from_the_top():
    """The first row is the topmost bar."""
    fig = charts.bars(pl.DataFrame({"x": ["a", "b"], "y": [1, 2]}), "x", "y", horizontal=True)
    found = fig.to_dict()
    assert found["data"][0]["orientation"] == "h"
    assert found["layout"]["yaxis"]["autorange"] == "reversed"


def test_lines_name_their_series():
    """Two lines have a legend, one has none."""
    frame = pl.DataFrame({"t": [1, 2], "a": [1.0, 2.0], "b": [2.0, 1.0]})
    two = charts.lines(frame, "t", {"a": "Revenue", "b": "Net income"}).to_dict()
    one = charts.lines(frame, "t", {"a": "Revenue"}).to_dict()
    assert [t["name"] for t in two["data"]] == ["Revenue", "Net income"]
    assert two["layout"]["showlegend"] is True
    assert one["layout"]["showlegend"] is False


@pytest.mark.parametrize("name", ["openbell", "openbell-light", "openbell-dark"])
def test_templates_are_registered(name):
    """Importing the theme registers the one template in its three dresses."""
    import plotly.io as pio

    assert pio.templates[name].layout.colorway == theme.SERIES


def test_words_with_a_colour_become_chips():
    """State and grade columns turn into one-item lists; an empty grade reads NR."""
    frame = grids.chips(pl.DataFrame({"grade": ["A", None], "name": ["x", "y"]}))
    assert frame["grade"].to_list() == [["A"], ["NR"]]
    assert frame["name"].to_list() == ["x", "y"]


@pytest.mark.parametrize(
    ("name", "dtype", "kind"),
    [
        ("score", pl.Float64(), "progress"),
        ("url", pl.String(), "link"),
        ("gap_pct", pl.Float64(), "number"),
        ("filed", pl.Date(), "date"),
        ("grade", pl.List(pl.String), "multiselect"),
        ("closes", pl.List(pl.Float64), "line_chart"),
    ],
)
def test_columns_are_dressed_by_name_and_type(name, dtype, kind):
    """A column's name and type decide how it is written."""
    assert grids.dress(name, dtype, "Heading")["type_config"]["type"] == kind


def test_charts_of_pulls_say_what_they_show_by_the_readers_clock():
    """Titles state the finding; times are of the reader's zone, not of UTC."""
    at = datetime(2026, 11, 20, 15, tzinfo=UTC)
    pulls = pl.DataFrame(
        {
            "started_at": [at, at - timedelta(hours=1)],
            "seconds": [5.0, 3.0],
            "state": ["done", "failed"],
            "rows_read": [900, 100],
            "trigger": ["schedule", "schedule"],
            "low": [80.0, None],
            "high": [120.0, None],
        }
    )
    timeline = charts.pull_timeline(pulls, "Europe/Berlin").to_dict()
    assert timeline["layout"]["title"]["text"].startswith("The last pull took 5.0 s")
    assert timeline["layout"]["xaxis"]["title"]["text"] == "started (Berlin)"
    assert timeline["data"][0]["x"][0].hour == 16
    band = charts.volume_band(pulls).to_dict()
    assert band["layout"]["title"]["text"] == (
        "The last pull brought 900 rows, above the usual 80 to 120"
    )
    calendar = charts.pull_calendar(pulls, today=at.date()).to_dict()
    assert calendar["layout"]["title"]["text"].startswith("1 day with pulls, 1 with a failed one")


def test_a_long_equity_curve_is_drawn_by_week_and_keeps_its_worst_day():
    """Nothing that the title says is lost: the last sum and the deepest drawdown are drawn."""
    days = pl.date_range(date(2013, 1, 1), date(2015, 1, 1), eager=True).alias("exit_session")
    n = len(days)
    curve = pl.DataFrame(
        [days, pl.Series("equity_r", range(n), pl.Float64), pl.Series("drawdown_r", [0.0] * n)]
    ).with_columns(
        drawdown_r=pl.when(pl.col("exit_session") == date(2013, 6, 5)).then(40.0).otherwise(1.0)
    )
    line, below = charts_gaps.equity(curve, title="").data
    assert len(line.x) == curve["exit_session"].dt.truncate("1w").n_unique()
    assert line.y[-1] == n - 1
    assert min(below.y) == -40.0
    assert below.name == "worst drawdown of the week"
    short = charts_gaps.equity(curve.head(30), title="").data
    assert len(short[0].x) == 30
    assert short[1].name == "drawdown"


def test_sizes_of_gaps_are_the_same_down_and_up():
    """A bar holds 1 to 2 % on either side, and the last one all that is larger."""
    gaps = pl.DataFrame({"gap_pct": [-1.0, -1.4, 1.0, 1.4, -25.0, -24.9, 31.0, -80.0]})
    (bar,) = charts_gaps.distribution(gaps, title="").to_dict()["data"]
    counts = dict(zip(bar["x"], bar["y"], strict=True))
    assert counts == {-25.5: 2, -24.5: 1, -1.5: 2, 1.5: 2, 25.5: 1}
    assert bar["customdata"][0] == "−25 % and more"
    assert bar["customdata"][-2] == "+1 to +2 %"


@pytest.mark.parametrize(("years", "named"), [(3, 3), (10, 10), (25, 9)])
def test_periods_are_named_by_their_ends(years: int, named: int):
    """A year to 31 December 2025 does not stand over 2026; the latest is always named."""
    ends = [date(2026 - n, 12, 31) for n in range(years, 0, -1)]
    frame = pl.DataFrame({"period_end": ends, "value": [1.0] * years})
    figure = compare.both_over_time(frame, frame[:2], names=("A", "B"), unit="USD")
    axis = figure.to_dict()["layout"]["xaxis"]
    assert axis["tickvals"][0] == date(2025, 12, 31)
    assert len(axis["tickvals"]) == named
    assert axis["tickformat"] == "%b %Y"
