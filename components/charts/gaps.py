"""Charts of gaps: frame in, Plotly figure out. Titles state what the figure shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from components.charts import levels as levels_of
from components.kit import theme

CANDLES = 260
MOST_BOXES = 3
WIDEST = 25  # percent: larger gaps stand in the last bars


def candles(
    bars: pl.DataFrame,
    boxes: pl.DataFrame,
    filings: pl.DataFrame,
    levels: Mapping[str, float],
    *,
    title: str,
    palette: theme.Palette = theme.SAFE,
    kept: str | None = None,
    height: int = 540,
) -> go.Figure:
    """Daily candles (hollow up, filled down) with volume, gap boxes, filings and levels.

    `bars` has session, open, high, low, close, volume (at most 260 are sent); `boxes` session,
    until, bottom, top, up, filled, gap_pct; `filings` session and title. The axis fits the candles:
    of the gaps three are drawn at most, open ones nearest to the last close first, cut at its ends.
    `kept` names the view. Without a title the figure is made for a low place.
    """
    bars = bars.tail(CANDLES)
    low, high = levels_of.axis_range(bars)
    fig = make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        row_heights=[levels_of.PRICES_PART, levels_of.VOLUME_PART],
        vertical_spacing=0.03,
    )
    days = bars["session"].to_list()
    fig.add_trace(levels_of.candles(bars, days, palette), row=1, col=1)
    up = (bars["close"] >= bars["open"]).fill_null(value=True)
    colors = [palette.up if rise else palette.down for rise in up]
    volume = go.Bar(
        x=days,
        y=bars["volume"].to_list(),
        marker={"color": colors, "opacity": 0.45},
        name="volume",
        hovertemplate="%{y:,.0f} shares<extra></extra>",
    )
    fig.add_trace(volume, row=2, col=1)
    if not filings.is_empty():
        fig.add_trace(_filings(bars, filings, low), row=1, col=1)
    for box in nearest(boxes, bars, low, high).iter_rows(named=True):
        _box(fig, box, days, palette)
    last = next(iter(bars["close"].drop_nulls().tail(1).cast(pl.Float64).to_list()), None)
    above = 62 if "<br>" in title else 46 if title else 8
    levels_of.draw(fig, levels, (low, high), levels_of.panel(height, above), last)
    fig.update_layout(
        template="openbell",
        height=height,
        title={"text": title, "font": {"size": 14}} if title else None,
        showlegend=False,
        hovermode="x unified",
        margin={
            "t": above,
            "r": levels_of.MARGIN if levels or last is not None else 12,
        },
        xaxis_rangeslider_visible=False,
        uirevision=kept,
    )
    fig.update_xaxes(rangebreaks=_breaks(days), tickformat=None if title else "%d %b")
    basis = "USD, one share basis" if title else "USD"
    fig.update_yaxes(title_text=basis, range=[low, high], row=1, col=1)
    return fig.update_yaxes(title_text="shares", nticks=levels_of.ticks(height), row=2, col=1)


def nearest(
    boxes: pl.DataFrame, bars: pl.DataFrame, low: float, high: float, most: int = MOST_BOXES
) -> pl.DataFrame:
    """The boxes to draw, cut to the axis: open gaps first, then by distance from the last close."""
    if boxes.is_empty() or bars.is_empty():
        return boxes
    last = pl.lit(bars["close"].drop_nulls().tail(1).max(), pl.Float64)
    away = pl.max_horizontal(pl.col("bottom") - last, last - pl.col("top"), pl.lit(0.0))
    seen = boxes.filter((pl.col("bottom") <= high) & (pl.col("top") >= low))
    return (
        seen.sort("filled", away, "session", descending=[False, False, True])
        .head(most)
        .with_columns(pl.col("bottom", "top").clip(low, high))
    )


def _filings(bars: pl.DataFrame, filings: pl.DataFrame, low: float) -> go.Scatter:
    """A mark below the candle of the session, never below the axis."""
    marks = bars.select("session", pl.col("low").mul(0.985).clip(low)).join(
        filings.group_by("session", maintain_order=True).agg(
            pl.col("title").str.head(60).str.join("<br>")
        ),
        on="session",
    )
    return go.Scatter(
        x=marks["session"].to_list(),
        y=marks["low"].to_list(),
        mode="markers",
        name="filing",
        text=marks["title"].to_list(),
        marker={"symbol": "triangle-up", "size": 8, "color": theme.NEUTRAL},
        hovertemplate="%{text}<extra>filing</extra>",
    )


def _box(fig: go.Figure, box: Mapping[str, Any], days: list[date], palette: theme.Palette) -> None:
    color = palette.up if box["up"] else palette.down
    fig.add_shape(
        type="rect",
        x0=max(box["session"], days[0]),
        x1=min(box["until"], days[-1]),
        y0=box["bottom"],
        y1=box["top"],
        fillcolor=color,
        opacity=0.1,
        layer="below",
        line={"width": 1, "color": color, "dash": "solid" if box["filled"] else "dot"},
        row=1,
        col=1,
    )


def _breaks(days: Sequence[date]) -> list[dict[str, Any]]:
    """Weekends, and the weekdays between the first and last bar that had none."""
    if len(days) < 2:
        return []
    every = pl.date_range(days[0], days[-1], "1d", eager=True)
    closed = every.filter((every.dt.weekday() < 6) & ~every.is_in(pl.Series(days).implode()))
    return [{"bounds": ["sat", "mon"]}, {"values": [day.isoformat() for day in closed]}]


def rates(table: pl.DataFrame, by: str, *, title: str) -> go.Figure:
    """A rate per bucket with its 95 % interval; hollow grey where n is below 30.

    `table` has the bucket, n, rate_pct, low_pct, high_pct, enough.
    """
    labels = [f"{value} · n={n:,}" for value, n in table.select(by, "n").rows()]
    enough = table["enough"].to_list()
    mark = go.Scatter(
        x=table["rate_pct"].to_list(),
        y=labels,
        mode="markers",
        name="rate",
        marker={
            "size": 10,
            "symbol": ["circle" if ok else "circle-open" for ok in enough],
            "color": [theme.ACCENT if ok else theme.NEUTRAL for ok in enough],
        },
        error_x=_interval(table, "rate_pct", "low_pct", "high_pct"),
        customdata=table.select("low_pct", "high_pct", "n").rows(),
        hovertemplate="%{x:.1f} %, 95 %% interval %{customdata[0]:.1f} to %{customdata[1]:.1f} %"
        ", n = %{customdata[2]:,}<extra></extra>".replace("95 %%", "95 %"),
    )
    fig = theme.figure(
        mark,
        height=max(200, 40 * len(labels) + 90),
        x_title="percent of gaps",
        hovermode="closest",
        title={"text": title, "font": {"size": 14}},
        margin={"t": 46},
    )
    return fig.update_yaxes(autorange="reversed", showgrid=False).update_xaxes(
        range=[-_reach(table) / 60, _reach(table)], ticksuffix=" %", showgrid=True
    )


def _reach(table: pl.DataFrame) -> float:
    """The axis ends a little beyond the widest interval, at most at 100."""
    widest = table["high_pct"].max()
    return min(101.5, float(widest if isinstance(widest, float) else 100.0) * 1.1 + 0.1)


def _interval(table: pl.DataFrame, middle: str, low: str, high: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "thickness": 1.5,
        "color": theme.NEUTRAL,
        "array": (table[high] - table[middle]).to_list(),
        "arrayminus": (table[middle] - table[low]).to_list(),
    }


def distribution(
    gaps: pl.DataFrame, *, title: str, palette: theme.Palette = theme.SAFE
) -> go.Figure:
    """How many gaps of each size, down and up; sizes beyond `WIDEST` stand in the last bars."""
    size, up = pl.col("gap_pct").abs().clip(0, WIDEST).floor(), pl.col("gap_pct") >= 0
    sign = pl.when(up).then(1).otherwise(-1)
    counts = gaps.group_by(at=sign * (size + 0.5)).agg(n=pl.len()).sort("at")
    bar = go.Bar(
        x=counts["at"].to_list(),
        y=counts["n"].to_list(),
        width=0.9,
        marker={"color": [palette.up if at > 0 else palette.down for at in counts["at"]]},
        customdata=[_size_in_words(at) for at in counts["at"]],
        hovertemplate="%{customdata}: %{y:,} gaps<extra></extra>",
    )
    return theme.figure(
        bar,
        height=300,
        x_title="gap, percent of the prior close",
        y_title="gaps (log)",
        title={"text": title, "font": {"size": 14}},
        margin={"t": 46},
    ).update_yaxes(type="log")


def _size_in_words(middle: float) -> str:
    """What a bar of the sizes holds, by its middle in percent: +1 to +2 %."""
    sign, least = "+" if middle > 0 else "−", int(abs(middle))
    return (
        f"{sign}{least} % and more" if least >= WIDEST else f"{sign}{least} to {sign}{least + 1} %"
    )


def equity(curve: pl.DataFrame, *, title: str) -> go.Figure:
    """Sum of results over time with the drawdown below; both in R, not compounded.

    `curve` has exit_session, equity_r, drawdown_r. Long ones are drawn by week: the sum at its end,
    the worst drawdown in it.
    """
    weekly = curve.height > MOST_DAYS
    if weekly:
        curve = _by_week(curve)
    days = curve["exit_session"].to_list()
    line = go.Scatter(
        x=days,
        y=curve["equity_r"].round(2).to_list(),
        mode="lines",
        name="equity",
        line={"color": theme.ACCENT, "shape": "hv"},
    )
    below = go.Scatter(
        x=days,
        y=(-curve["drawdown_r"]).round(2).to_list(),
        mode="lines",
        name="worst drawdown of the week" if weekly else "drawdown",
        fill="tozeroy",
        line={"width": 1, "color": theme.SAFE.down},
        fillcolor="rgba(217, 88, 28, 0.2)",
    )
    return theme.figure(
        line,
        below,
        height=320,
        y_title="R",
        showlegend=True,
        title={"text": title, "font": {"size": 14}},
        margin={"t": 66},
    )


MOST_DAYS = 500  # more points than a chart has pixels to tell them apart


def _by_week(curve: pl.DataFrame) -> pl.DataFrame:
    weeks = curve.sort("exit_session").group_by(
        pl.col("exit_session").dt.truncate("1w").alias("week"), maintain_order=True
    )
    return weeks.agg(pl.col("exit_session", "equity_r").last(), pl.col("drawdown_r").max())


def expectancy(table: pl.DataFrame, by: str, *, title: str) -> go.Figure:
    """Mean result per bucket in R with its 95 % interval; hollow grey below n = 30."""
    labels = [f"{value} · n={n:,}" for value, n in table.select(by, "n").rows()]
    enough = table["enough"].to_list()
    filled = table.with_columns(pl.col("low_r", "high_r").fill_null(pl.col("mean_r")))
    mark = go.Scatter(
        x=filled["mean_r"].to_list(),
        y=labels,
        mode="markers",
        marker={
            "size": 10,
            "symbol": ["circle" if ok else "circle-open" for ok in enough],
            "color": [theme.ACCENT if ok else theme.NEUTRAL for ok in enough],
        },
        error_x=_interval(filled, "mean_r", "low_r", "high_r"),
        hovertemplate="%{y}: %{x:.2f} R<extra></extra>",
    )
    fig = theme.figure(
        mark,
        height=max(200, 40 * len(labels) + 90),
        x_title="mean result, R",
        hovermode="closest",
        title={"text": title, "font": {"size": 14}},
        margin={"t": 46},
    )
    fig.add_vline(x=0, line={"width": 1, "color": theme.NEUTRAL})
    return fig.update_yaxes(autorange="reversed", showgrid=False)
