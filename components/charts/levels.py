"""Levels of a price chart: lines inside it, labels in the margin that never overprint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import plotly.graph_objects as go
import polars as pl

from components.kit import formats, theme
from components.paper.drawing import spread

LABEL_PIXELS = 17  # from one label to the next
TIGHT_PIXELS = 13  # the same where there are many: a line of their text
FOOT_PIXELS = 34  # below the panels: the ticks of the last one
TICK_PIXELS = 14  # the height of a tick's label
PRICES_PART = 0.78  # of the panels
VOLUME_PART = 1 - PRICES_PART
PAD_PART = 0.04  # of the range, free above and below the candles
FADED = "rgba(133, 147, 166, 0.55)"
LAST = "last"  # the label of the price that was traded last
MARGIN = 132  # pixels right of the chart, for the labels


def axis_range(bars: pl.DataFrame, *also: float | None) -> tuple[float, float]:
    """The range of prices that fits the candles (and `also`), a little free above and below."""
    low, high = bars.select(pl.col("low").min(), pl.col("high").max()).row(0)
    known = [float(price) for price in (low, high, *also) if price is not None]
    if not known:
        return 0.0, 1.0
    least, most = min(known), max(known)
    pad = (most - least or most * 0.01 or 1.0) * PAD_PART
    return least - pad, most + pad


def candles(
    bars: pl.DataFrame, at: Sequence[date | datetime], palette: theme.Palette
) -> go.Candlestick:
    """Candles of bars (open, high, low, close) at their places: hollow up, filled down."""
    return go.Candlestick(
        x=at,
        **{name: bars[name].to_list() for name in ("open", "high", "low", "close")},
        name="price",
        text=told(bars),
        hoverinfo="text",
        increasing={"line": {"color": palette.up, "width": 1}, "fillcolor": "rgba(0,0,0,0)"},
        decreasing={"line": {"color": palette.down, "width": 1}, "fillcolor": palette.down},
    )


def panel(height: int, above: int, part: float = PRICES_PART) -> float:
    """Pixels of the prices on a figure of that height with so many pixels free `above`."""
    return max((height - above - FOOT_PIXELS) * part, LABEL_PIXELS)


def ticks(height: int, part: float = VOLUME_PART) -> int:
    """How many labels a panel of that part of a figure has room for."""
    return max(2, int(height * part / TICK_PIXELS))


def places(prices: Sequence[float], reach: tuple[float, float], pixels: float) -> list[float]:
    """Where the labels of prices stand, in prices, on a panel of so many pixels.

    Those that are too many for it stand closer, down to a line of text, and then below it.
    """
    low, high = reach
    gaps = max(len(prices) - 1, 1)
    step = min(max(pixels / gaps, TIGHT_PIXELS), LABEL_PIXELS)
    least = (high - low) * step / pixels
    floor = min(low, high - gaps * least)
    order = sorted(range(len(prices)), key=prices.__getitem__)
    stand = spread([max(prices[i], low) for i in order], least, floor, high)
    return [place for _, place in sorted(zip(order, stand, strict=True))]


def draw(
    fig: go.Figure,
    levels: Mapping[str, float],
    reach: tuple[float, float],
    pixels: float,
    last: float | None = None,
) -> None:
    """Levels on the first panel of a figure, so many pixels high; its prices have that `reach`.

    One beyond them has no line; its label stands at the edge, with an arrow. The last price is
    told in bold.
    """
    if last is not None:
        levels = {**levels, LAST: last}
    (low, high), names = reach, list(levels)
    for name, place in zip(names, places(list(levels.values()), reach, pixels), strict=True):
        below = place < low  # a label off the axis is not drawn: it stands by the panel
        price = levels[name]
        if low <= price <= high and name != LAST:
            line = {"dash": "dot", "width": 1, "color": FADED}
            fig.add_hline(y=price, line=line, row=1, col=1)
        beyond = "↑ " if price > high else "↓ " if price < low else ""
        fig.add_annotation(
            x=1,
            xref="x domain",
            xanchor="left",
            xshift=4,
            y=(place - low) / (high - low) if below else place,
            yref="y domain" if below else "y",
            yanchor="middle",
            showarrow=False,
            text=f"<b>{price:,.2f}</b>" if name == LAST else f"{beyond}{name} {price:,.2f}",
            font={"size": 11 if name == LAST else 10},
        )


def told(bars: pl.DataFrame) -> list[str]:
    """What hovering a bar says: open, high, low, close and the change against the bar before."""
    change = (pl.col("close") / pl.col("close").shift(1) - 1) * 100
    rows = bars.select("open", "high", "low", "close", change.alias("change")).rows()
    return [_told(*row) for row in rows]


def _told(
    opened: float | None,
    high: float | None,
    low: float | None,
    close: float | None,
    change: float | None,
) -> str:
    prices = zip("OHLC", (opened, high, low, close), strict=True)
    said = "  ".join(f"{letter} {price:,.2f}" for letter, price in prices if price is not None)
    return said if change is None else f"{said}  {formats.pct(change, 2)}"
