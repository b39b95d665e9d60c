"""One session by the minute: candles, pre-market shaded, levels, the plan, filings. Frame in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from components.charts import levels as levels_of
from components.charts.plans import GAIN, LOSS
from components.kit import formats, theme
from core.domain.trading.plans import Plan
from core.service.gaps.intraday import Intraday

CANDLES_PART = 1 / 3  # of the axis that candles keep, whatever level is far away
SHADE = "rgba(133, 147, 166, 0.13)"


def candles(
    found: Intraday,
    filings: pl.DataFrame,
    levels: Mapping[str, float],
    *,
    title: str,
    zone: str = formats.MARKET_ZONE,
    palette: theme.Palette = theme.SAFE,
    height: int = 540,
) -> go.Figure:
    """Candles of a session (hollow up, filled down) with volume, in the reader's zone.

    Hours outside the session are shaded. `filings` has accepted_at and title: one accepted before
    the first candle stands at the left edge. The axis fits the candles, and the prior close where
    that leaves them room.
    """
    bars = found.bars
    at = [moment.replace(tzinfo=None) for moment in _local(bars["ts"], zone)]
    low, high = _reach(bars, levels.get("prior close"))
    fig = make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        row_heights=[levels_of.PRICES_PART, levels_of.VOLUME_PART],
        vertical_spacing=0.03,
    )
    fig.add_trace(levels_of.candles(bars, at, palette), row=1, col=1)
    fig.add_trace(_volume(bars, at, palette), row=2, col=1)
    _shade(fig, found, zone)
    if found.plan is not None:
        _plan(fig, found.plan, at, (low, high))
    if not filings.is_empty():
        fig.add_trace(_filings(filings, at, zone, low), row=1, col=1)
    lines = dict(levels) | _of_plan(found.plan)
    above = 46 if title else 8
    levels_of.draw(fig, lines, (low, high), levels_of.panel(height, above), bars["close"][-1])
    fig.update_layout(
        template="openbell",
        height=height,
        title={"text": title, "font": {"size": 14}} if title else None,
        showlegend=False,
        hovermode="x unified",
        margin={"t": above, "r": levels_of.MARGIN},
        xaxis_rangeslider_visible=False,
        uirevision=f"intraday {found.symbol} {found.session}",
    )
    fig.update_xaxes(range=[at[0], at[-1] + timedelta(minutes=found.step)], tickformat="%H:%M")
    fig.update_xaxes(title_text=formats.zone_label(zone) if title else None, row=2, col=1)
    fig.update_yaxes(title_text="USD", range=[low, high], tickformat=",.2f", row=1, col=1)
    return fig.update_yaxes(title_text="shares", nticks=levels_of.ticks(height), row=2, col=1)


def finding(found: Intraday, prior_close: float | None) -> str:
    """The last price of the session, and its change against the close before."""
    ends, price = found.bars["ts"][-1] + timedelta(minutes=found.step), found.bars["close"][-1]
    minutes = "1 minute" if found.step == 1 else f"{found.step} minutes"
    when = formats.day(found.session)
    if ends <= found.opens:
        when = "before the open"
    elif ends > found.closes:
        when = f"after the close of {when}"
    if not prior_close:
        return f"{found.symbol} {price:,.2f} {when}; candles of {minutes}"
    change = formats.pct((price / prior_close - 1) * 100, 2)
    return f"{found.symbol} {price:,.2f}, {change} {when}; candles of {minutes}"


def _reach(bars: pl.DataFrame, prior_close: float | None) -> tuple[float, float]:
    """The axis: with the prior close as long as the candles keep a third of it."""
    alone, both = levels_of.axis_range(bars), levels_of.axis_range(bars, prior_close)
    return both if (alone[1] - alone[0]) >= CANDLES_PART * (both[1] - both[0]) else alone


def _local(instants: pl.Series, zone: str) -> list[datetime]:
    return list(instants.dt.convert_time_zone(zone))


def _volume(bars: pl.DataFrame, at: list[datetime], palette: theme.Palette) -> go.Bar:
    up = (bars["close"] >= bars["open"]).fill_null(value=True)
    return go.Bar(
        x=at,
        y=bars["volume"].to_list(),
        marker={"color": [palette.up if rise else palette.down for rise in up], "opacity": 0.45},
        name="volume",
        hovertemplate="%{y:,.0f} shares<extra></extra>",
    )


def _shade(fig: go.Figure, found: Intraday, zone: str) -> None:
    """The hours before the open and after the close, as far as there are candles."""
    first, last = found.bars["ts"][0], found.bars["ts"][-1] + timedelta(minutes=found.step)
    for begins, ends in ((first, min(found.opens, last)), (max(found.closes, first), last)):
        if begins < ends:
            x0, x1 = (t.replace(tzinfo=None) for t in _local(pl.Series([begins, ends]), zone))
            fig.add_vrect(x0=x0, x1=x1, fillcolor=SHADE, line_width=0, layer="below")


def _plan(fig: go.Figure, plan: Plan, at: list[datetime], reach: tuple[float, float]) -> None:
    """Boxes from the entry to the stop and on to each target, cut to the axis."""
    prices = [float(plan.entry), *(float(target) for target in plan.targets)]
    spans = [(float(plan.stop), prices[0], LOSS)]
    spans += [(*pair, GAIN[n % 2]) for n, pair in enumerate(pairwise(prices))]
    for one, other, color in spans:
        bottom, top = max(min(one, other), reach[0]), min(max(one, other), reach[1])
        if bottom < top:
            fig.add_shape(
                type="rect", x0=at[0], x1=at[-1], y0=bottom, y1=top,
                fillcolor=color, line={"width": 0}, layer="below", row=1, col=1,
            )  # fmt: skip


def _of_plan(plan: Plan | None) -> dict[str, float]:
    if plan is None:
        return {}
    targets = {f"target {n}R": float(price) for n, price in enumerate(plan.targets, start=1)}
    return {"entry": float(plan.entry), "stop": float(plan.stop)} | targets


def _filings(filings: pl.DataFrame, at: list[datetime], zone: str, low: float) -> go.Scatter:
    known = filings.filter(pl.col("accepted_at").is_not_null())
    moments = _local(known["accepted_at"], zone)
    places = [min(max(moment.replace(tzinfo=None), at[0]), at[-1]) for moment in moments]
    told: list[Any] = [
        f"{moment:%a %H:%M} {title[:60]}"
        for moment, title in zip(moments, known["title"].fill_null(""), strict=True)
    ]
    return go.Scatter(
        x=places,
        y=[low] * len(places),
        mode="markers",
        name="filing",
        text=told,
        marker={"symbol": "triangle-up", "size": 11, "color": theme.NEUTRAL},
        cliponaxis=False,
        hovertemplate="%{text}<extra>filing</extra>",
    )
