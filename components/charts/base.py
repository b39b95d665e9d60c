"""Generic charts: frame in, Plotly figure out. No Streamlit here; tested on `fig.to_dict()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import plotly.graph_objects as go
import polars as pl

from components.kit import formats, theme

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# Worst first: a day is coloured by the worst of its pulls.
SEVERITY = ("failed", "partial", "cancelled", "running", "done", "unchanged")
NO_PULL = -1
PALE = "rgba(133, 147, 166, 0.14)"
SHAPES = {
    "done": "circle",
    "unchanged": "circle-open",
    "partial": "diamond",
    "failed": "x",
    "cancelled": "square-open",
    "running": "triangle-up",
}


def pull_calendar(pulls: pl.DataFrame, *, today: date, weeks: int | None = None) -> go.Figure:
    """Calendar heatmap: a column a week, a row a weekday, coloured by the day's worst pull.

    `pulls` has `started_at` (UTC) and `state`; days without a pull are pale. Without `weeks`
    the calendar reaches back to the first pull, 13 to 53 weeks.
    """
    weeks = weeks or _weeks_back(pulls, today)
    first = today - timedelta(days=today.weekday() + 7 * (weeks - 1))
    days = _worst_by_day(pulls).filter(pl.col("day").is_between(first, today))
    week = (pl.col("day").dt.truncate("1w")).alias("week")
    cells = days.with_columns(week, (pl.col("day").dt.weekday() - 1).alias("row"))
    columns = [first + timedelta(days=7 * i) for i in range(weeks)]
    dates = [[column + timedelta(days=row) for column in columns] for row in range(7)]
    grid = [[None if day > today else NO_PULL for day in line] for line in dates]
    words = [[f"{day:%a %d %b}: no pull" for day in line] for line in dates]
    for cell in cells.iter_rows(named=True):
        place = (cell["week"] - first).days // 7
        grid[cell["row"]][place] = cell["rank"]
        words[cell["row"]][place] = (
            f"{cell['day']:%a %d %b}: {cell['pulls']} pulls, worst {cell['state']}"
        )
    heat = go.Heatmap(
        z=grid,
        x=columns,
        y=list(WEEKDAYS),
        text=words,
        hovertemplate="%{text}<extra></extra>",
        colorscale=_steps([PALE, *(theme.STATES[s] for s in SEVERITY)]),
        zmin=NO_PULL - 0.5,
        zmax=len(SEVERITY) - 0.5,
        xgap=3,
        ygap=3,
        colorbar={
            "tickvals": list(range(len(SEVERITY))),
            "ticktext": list(SEVERITY),
            "thickness": 10,
            "outlinewidth": 0,
        },
    )
    fig = theme.figure(heat, height=260, hovermode="closest", x_title="week of, days by UTC")
    fig.update_yaxes(autorange="reversed", showgrid=False)
    fig.update_xaxes(tickformat="%d %b", ticklabelmode="period")
    return theme.titled(fig, _pulled(days))


def _pulled(days: pl.DataFrame) -> str:
    """How many days had pulls, and how many of them a failed one."""
    failed = days.filter(pl.col("state") == "failed").height
    with_pulls = "1 day with pulls" if days.height == 1 else f"{days.height} days with pulls"
    return f"{with_pulls}, {failed or 'none'} with a failed one; each by its worst"


def _weeks_back(pulls: pl.DataFrame, today: date) -> int:
    oldest = pulls["started_at"].dt.date().min()
    span = (today - oldest).days if isinstance(oldest, date) else 0
    return min(max(span // 7 + 2, 13), 53)


def _worst_by_day(pulls: pl.DataFrame) -> pl.DataFrame:
    rank = {state: place for place, state in enumerate(SEVERITY)}
    return (
        pulls.with_columns(
            pl.col("started_at").dt.date().alias("day"),
            pl.col("state").replace_strict(rank, default=0, return_dtype=pl.Int64).alias("rank"),
        )
        .sort("rank")
        .group_by("day")
        .agg(pl.len().alias("pulls"), pl.col("rank").first(), pl.col("state").first())
        .sort("day")
    )


def _steps(colors: Sequence[str]) -> list[tuple[float, str]]:
    """A colour scale of flat steps, one colour a category."""
    count = len(colors)
    return [(edge / count, color) for i, color in enumerate(colors) for edge in (i, i + 1)]


def pull_timeline(pulls: pl.DataFrame, zone: str = formats.MARKET_ZONE) -> go.Figure:
    """The last runs over time: how long each took, with shape and colour by how it ended.

    `pulls` has `started_at`, `seconds`, `state`, `rows_read`, `trigger`.
    """
    pulls = pulls.with_columns(at=_local(zone))
    traces = [
        _runs(part, state)
        for state in SHAPES
        if not (part := pulls.filter(pl.col("state") == state)).is_empty()
    ]
    fig = theme.figure(*traces, height=280, y_title="seconds", hovermode="closest", showlegend=True)
    fig.update_yaxes(rangemode="tozero")
    fig.update_xaxes(range=_span(pulls["at"]), title_text=f"started ({formats.zone_label(zone)})")
    fig.update_layout(legend={"y": 1, "yanchor": "bottom", "x": 0})
    return theme.titled(fig, _took(pulls["seconds"]), above=76)


def _took(seconds: pl.Series) -> str:
    """How long the pulls took, in one line; newest first."""
    known = seconds.drop_nulls()
    if known.is_empty():
        return "No pull has ended yet"
    last = formats.duration(float(known[0]))
    if len(known) == 1:
        return f"The pull took {last}"
    middle = formats.duration(float(known.to_frame().select(pl.first().median()).item()))
    return f"The last pull took {last}, the middle one of {len(known)} took {middle}"


def _local(zone: str) -> pl.Expr:
    """The start of a pull by the clock of a zone: charts know no zones."""
    return pl.col("started_at").dt.convert_time_zone(zone).dt.replace_time_zone(None)


def _span(instants: pl.Series) -> list[datetime] | None:
    """From the first to the last instant with an hour or a thirtieth of the span on both sides."""
    first, last = instants.min(), instants.max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return None
    edge = max((last - first) / 30, timedelta(hours=1))
    return [first - edge, last + edge]


def _runs(part: pl.DataFrame, state: str) -> go.Scatter:
    return go.Scatter(
        x=part["at"].to_list(),
        y=part["seconds"].to_list(),
        mode="markers",
        name=state,
        marker={"symbol": SHAPES[state], "size": 9, "color": theme.STATES[state]},
        customdata=part.select("rows_read", "trigger").rows(),
        hovertemplate="%{x|%d %b %H:%M}<br>%{y:.1f} s, %{customdata[0]:,} rows"
        "<br>%{customdata[1]}<extra>" + state + "</extra>",
    )


def volume_band(pulls: pl.DataFrame, zone: str = formats.MARKET_ZONE) -> go.Figure:
    """Rows read per pull with the band in which most earlier pulls lie.

    `pulls` has `started_at`, `rows_read`, and `low`, `high` (the band; null without history).
    """
    at = pulls.select(_local(zone)).to_series().to_list()
    band = [
        go.Scatter(
            x=at,
            y=pulls[name].to_list(),
            mode="lines",
            line={"width": 0},
            fill=fill,
            fillcolor="rgba(133, 147, 166, 0.18)",
            name="usual range",
            showlegend=name == "high",
            hoverinfo="skip",
        )
        for name, fill in (("low", None), ("high", "tonexty"))
    ]
    rows = go.Scatter(
        x=at,
        y=pulls["rows_read"].to_list(),
        mode="lines+markers",
        name="rows read",
        line={"color": theme.ACCENT},
    )
    fig = theme.figure(*band, rows, height=260, y_title="rows")
    fig.update_yaxes(rangemode="tozero")
    fig.update_xaxes(title_text=f"started ({formats.zone_label(zone)})")
    newest = pulls.sort("started_at").row(-1, named=True)
    return theme.titled(fig, _brought(newest))


def _brought(pull: Mapping[str, Any]) -> str:
    """Rows of the newest pull against the usual range of the ones before."""
    rows, low, high = pull["rows_read"], pull["low"], pull["high"]
    text = f"The last pull brought {formats.number(rows)} rows"
    if rows is None or low is None or high is None:
        return f"{text}; too few pulls before to compare"
    usual = f"the usual {formats.number(low)} to {formats.number(high)}"
    word = "below" if rows < low else "above" if rows > high else "within"
    return f"{text}, {word} {usual}"


def lines(
    frame: pl.DataFrame,
    x: str,
    y: Mapping[str, str],
    *,
    y_title: str | None = None,
    height: int = 340,
    shape: str = "linear",
) -> go.Figure:
    """Lines over time: `y` maps columns to their names in the legend."""
    traces = [
        go.Scatter(
            x=frame[x].to_list(),
            y=frame[column].to_list(),
            mode="lines+markers" if frame.height <= 80 else "lines",
            name=name,
            line={"shape": shape},
        )
        for column, name in y.items()
    ]
    return theme.figure(*traces, height=height, y_title=y_title, showlegend=len(y) > 1)


def bars(
    frame: pl.DataFrame,
    x: str,
    y: str,
    *,
    horizontal: bool = False,
    y_title: str | None = None,
    height: int = 300,
    color: str = theme.ACCENT,
) -> go.Figure:
    """One bar a row; horizontal bars read from the top."""
    values, labels = frame[y].to_list(), frame[x].to_list()
    bar = go.Bar(
        x=values if horizontal else labels,
        y=labels if horizontal else values,
        orientation="h" if horizontal else "v",
        marker={"color": color},
    )
    fig = theme.figure(bar, height=height)
    if not horizontal:
        return fig.update_yaxes(title_text=y_title)
    fig.update_xaxes(title_text=y_title, showgrid=True)
    return fig.update_yaxes(autorange="reversed", showgrid=False)
