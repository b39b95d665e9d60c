"""Charts of a plan: candles with entry, stop and R boxes; limits as bars. Frame in, figure out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

import plotly.graph_objects as go
import polars as pl

from components.charts import levels as levels_of
from components.kit import formats, theme
from components.kit.theme import titled
from core.domain.risk.types import LimitCheck
from core.domain.trading.plans import Plan

LOSS, GAIN = "rgba(217, 88, 28, 0.20)", ("rgba(43, 120, 208, 0.24)", "rgba(43, 120, 208, 0.16)")
ROOM_AFTER = 8  # categories kept free beside the last candle
WARNING_PCT = 80.0  # of a limit: amber from here on
FURTHEST = 120.0  # bars end here, however far over the limit
NAMES = formats.LIMITS


def plan_candles(
    bars: pl.DataFrame, plan: Plan, fills: Sequence[dict[str, Any]] = (), height: int = 440
) -> go.Figure:
    """Candles around the plan's session with boxes of 1 R loss and of each target.

    `bars` has session, open, high, low, close; `fills` are dicts of session, price, what.
    """
    labels = [_label(day) for day in bars["session"]]
    start = _label(plan.session)
    at = labels.index(start) if start in labels else len(labels) - 1
    end = max(len(labels) - 1, at) + ROOM_AFTER
    fig = theme.figure(
        _candles(bars, labels),
        height=height,
        y_title=f"price, {plan.currency}",
        x_title="session",
        hovermode="closest",
    )
    _boxes(fig, bars, plan, (at - 0.5, end))
    for fill in fills:
        fig.add_trace(_fill(fill))
    if fills:
        fig.update_layout(showlegend=True, legend={"y": 0, "yanchor": "bottom", "x": 0})
    fig.update_xaxes(
        type="category", rangeslider={"visible": False}, range=[-0.5, end + 0.5], nticks=10
    )
    fig.update_layout(uirevision=f"plan {plan.symbol} {plan.session}")
    return titled(fig, finding(plan))


def finding(plan: Plan) -> str:
    """The plan in one line."""
    if not plan.is_trade:
        return f"{plan.symbol}: no trade, 0 shares"
    side = "Long" if plan.sign > 0 else "Short"
    return (
        f"{side} {plan.shares:,} {plan.symbol} at {formats.price(plan.entry)}: "
        f"{plan.risk:,.0f} {plan.account_currency} to the stop at {formats.price(plan.stop)}"
    )


def _label(day: date) -> str:
    return f"{day:%d %b %y}"


def _candles(bars: pl.DataFrame, labels: Sequence[str]) -> go.Candlestick:
    """Up hollow, down filled, so that colour is not all that tells them apart."""
    colors = theme.palette()
    return go.Candlestick(
        x=list(labels),
        open=bars["open"].to_list(),
        high=bars["high"].to_list(),
        low=bars["low"].to_list(),
        close=bars["close"].to_list(),
        name="daily bar",
        text=levels_of.told(bars),
        hoverinfo="x+text",
        increasing={"line": {"color": colors.up, "width": 1.2}, "fillcolor": "rgba(0,0,0,0)"},
        decreasing={"line": {"color": colors.down, "width": 1.2}, "fillcolor": colors.down},
        showlegend=False,
    )


def _boxes(fig: go.Figure, bars: pl.DataFrame, plan: Plan, across: tuple[float, float]) -> None:
    left, right = across
    entry, stop = float(plan.entry), float(plan.stop)
    _box(fig, (left, right), (entry, stop), LOSS)
    previous = entry
    for n, target in enumerate(plan.targets):
        _box(fig, (left, right), (previous, float(target)), GAIN[n % 2])
        previous = float(target)
    levels = [(entry, "entry", "solid"), (stop, "stop −1R", "dash")]
    levels += [(float(t), f"target {n}R", "dot") for n, t in enumerate(plan.targets, start=1)]
    prices = [level for level, _, _ in levels]
    low, high = levels_of.axis_range(bars, *prices)
    pixels = levels_of.panel(int(fig.layout.height), 56, 1.0)
    places = levels_of.places(prices, (low, high), pixels)
    for (level, name, dash), place in zip(levels, places, strict=True):
        fig.add_shape(
            type="line",
            x0=left,
            x1=right,
            y0=level,
            y1=level,
            line={"dash": dash, "width": 1.2, "color": theme.NEUTRAL},
        )
        fig.add_annotation(
            x=1,
            xref="x domain",
            y=place,
            text=f"{name} {formats.price(level)}",
            showarrow=False,
            xanchor="left",
            xshift=4,
            yanchor="middle",
            font={"size": 11},
        )
    fig.update_yaxes(range=[low, high]).update_layout(margin={"r": levels_of.MARGIN})


def _box(
    fig: go.Figure, across: tuple[float, float], span: tuple[float, float], color: str
) -> None:
    fig.add_shape(
        type="rect",
        x0=across[0],
        x1=across[1],
        y0=span[0],
        y1=span[1],
        fillcolor=color,
        line={"width": 0},
        layer="below",
    )


def _fill(fill: dict[str, Any]) -> go.Scatter:
    entry = fill["what"] == "entry"
    return go.Scatter(
        x=[_label(fill["session"])],
        y=[float(fill["price"])],
        mode="markers",
        name=f"{fill['what']} {float(fill['price']):,.2f}",
        marker={
            "symbol": "triangle-right" if entry else "x",
            "size": 12,
            "color": theme.WARNING,
            "line": {"width": 1},
        },
    )


def headroom(checks: Sequence[LimitCheck], height: int | None = None) -> go.Figure:
    """Each limit as a bar of what is used, in percent of what is allowed; over is hatched."""
    used = [share(check) for check in checks]
    bar = go.Bar(
        x=[min(value, FURTHEST) for value in used],
        y=[NAMES.get(check.limit, check.limit) for check in checks],
        orientation="h",
        marker={
            "color": [_color(check) for check in checks],
            "pattern": {"shape": ["" if check.ok else "/" for check in checks]},
        },
        hovertext=[check.sentence for check in checks],
        hoverinfo="text",
    )
    fig = theme.figure(
        bar,
        _amounts(checks, used),
        height=height or 80 + 30 * len(checks),
        hovermode="closest",
        showlegend=False,
    )
    fig.update_xaxes(
        title_text="used, % of the limit",
        range=[0, 195],
        showgrid=True,
        tickvals=[0, 25, 50, 75, 100],
    )
    fig.update_yaxes(autorange="reversed", showgrid=False)
    fig.add_vline(x=100, line={"dash": "dash", "color": theme.NEUTRAL})
    return titled(fig, held(checks))


def held(checks: Sequence[LimitCheck]) -> str:
    """What is over its limit, or that all hold and which has the least room."""
    over = [NAMES.get(check.limit, check.limit) for check in checks if not check.ok]
    if not over:
        return f"All {len(checks)} limits hold; {_tightest(checks)}"
    more = f" and {len(over) - 1} more" if len(over) > 1 else ""
    return f"{over[0]}{more} over the limit"


def is_full(check: LimitCheck) -> bool:
    """At its limit: nothing more fits. A grade lets its whole size through and is never full."""
    return check.ok and check.used > 0 and check.headroom <= 0 and check.limit != "filing_grade"


def is_near(check: LimitCheck) -> bool:
    """In use from 80 percent on: a warning. A grade lets its whole size through and is never."""
    return check.ok and check.limit != "filing_grade" and share(check) >= WARNING_PCT


def _color(check: LimitCheck) -> str:
    if not check.ok:
        return "#d9581c"
    return theme.WARNING if is_near(check) else theme.ACCENT


def _amounts(checks: Sequence[LimitCheck], used: Sequence[float]) -> go.Scatter:
    """What is used of what is allowed, in a column right of the limit's line."""
    return go.Scatter(
        x=[max(min(value, FURTHEST), 100.0) + 3 for value in used],
        y=[NAMES.get(check.limit, check.limit) for check in checks],
        mode="text",
        text=[amounts(check) + (", full" if is_full(check) else "") for check in checks],
        textposition="middle right",
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )


def _tightest(checks: Sequence[LimitCheck]) -> str:
    """The limit with the least room. A grade lets the whole size through, or shrinks or ends it."""
    limits = [check for check in checks if check.limit != "filing_grade"]
    tight = max(limits, key=share, default=None)
    if tight is None or not share(tight):
        return "none is in use"
    full = [_name(check) for check in limits if is_full(check)]
    if full:
        return f"at the limit: {', '.join(full)}"
    # what is not at its limit does not read as if it were
    return f"{_name(tight)} is the tightest, {min(int(share(tight)), 99)} % used"


def share(check: LimitCheck) -> float:
    """Used in percent of allowed; 130 when nothing is allowed but something is used."""
    if check.allowed <= 0:
        return 130.0 if check.used > check.allowed else 0.0
    return float(check.used / check.allowed * 100)


def _name(check: LimitCheck) -> str:
    return NAMES.get(check.limit, check.limit).lower()


def amounts(check: LimitCheck) -> str:
    """What is used of what is allowed, in whole units: what is left, or over, does not vanish.

    Of a list that a name is on or not, and of a grade, what they say of the plan.
    """
    if check.limit == "exclusions":
        return "not listed" if check.ok else "listed"
    if check.limit == "filing_grade" and (check.ok or not check.allowed):
        return "full size" if check.ok else "no trade"
    used = math.floor(check.used) if check.ok else math.ceil(check.used)
    return f"{used:,} of {check.allowed:,.0f}"
