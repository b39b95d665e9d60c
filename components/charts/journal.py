"""Charts of the journal: equity, R distribution, excursions, results by tag."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from components.kit import formats, theme
from components.kit.theme import titled


def equity_curve(curve: pl.DataFrame, currency: str) -> go.Figure:
    """Equity by day; `curve` has day, equity, profit."""
    fig = theme.figure(
        go.Scatter(
            x=curve["day"].to_list(),
            y=curve["equity"].to_list(),
            mode="lines+markers" if curve.height < 80 else "lines",
            line={"color": theme.ACCENT, "shape": "hv"},
            hovertemplate="%{y:,.2f} " + currency + "<extra></extra>",
        ),
        height=320,
        x_title="day",
        y_title=f"equity, {currency}",
    )
    if curve.is_empty():
        return titled(fig, "No result yet")
    profit = float(curve["profit"][-1])
    word = "up" if profit >= 0 else "down"
    return titled(fig, f"The account is {word} {abs(profit):,.2f} {currency}")


def r_distribution(trades: pl.DataFrame) -> go.Figure:
    """Results of closed trades in R; `trades` has realised_r."""
    closed = trades.drop_nulls("exit_session")["realised_r"]
    fig = theme.figure(
        go.Histogram(
            x=closed.to_list(),
            xbins={"size": 0.5},
            marker={"color": theme.ACCENT},
            hovertemplate="%{x} R: %{y} trades<extra></extra>",
        ),
        height=320,
        x_title="result, R",
        y_title="trades",
        hovermode="closest",
    )
    fig.add_vline(x=0, line={"color": theme.NEUTRAL})
    if closed.is_empty():
        return titled(fig, "No closed trade yet")
    mean = float(closed.to_frame().select(pl.first().mean()).item())
    fig.add_vline(x=mean, line={"color": "#d9581c", "dash": "dash"})
    return titled(
        fig, f"Expectancy {formats.signed_number(mean)} R over {len(closed)} closed trades (dashed)"
    )


def excursions(trades: pl.DataFrame) -> go.Figure:
    """Furthest against and for each trade, in R; winners filled, losers hollow."""
    known = trades.drop_nulls(["mfe_r", "mae_r"])
    colors = theme.palette()
    traces = [
        go.Scatter(
            x=part["mae_r"].to_list(),
            y=part["mfe_r"].to_list(),
            mode="markers",
            name=name,
            marker={"symbol": shape, "size": 10, "color": color, "line": {"width": 1.5}},
            customdata=part.select("plan_id", "realised_r").rows(),
            hovertemplate="%{customdata[0]}<br>against %{x:.2f} R, for %{y:.2f} R"
            "<br>result %{customdata[1]:+.2f} R<extra></extra>",
        )
        for name, shape, color, part in (
            ("won", "circle", colors.up, known.filter(pl.col("realised_r") > 0)),
            ("lost", "circle-open", colors.down, known.filter(pl.col("realised_r") <= 0)),
        )
        if part.height
    ]
    fig = theme.figure(
        *traces,
        height=340,
        x_title="furthest against (MAE), R",
        y_title="furthest for (MFE), R",
        hovermode="closest",
        showlegend=True,
    )
    left = known.filter((pl.col("mfe_r") >= 1) & (pl.col("realised_r") <= 0)).height
    fig.update_layout(legend={"x": 1, "xanchor": "right"})
    return titled(fig, f"{left} of {known.height} trades were 1 R ahead and still lost")


def by_group(summary: pl.DataFrame, group: str) -> go.Figure:
    """Expectancy per tag or bucket with n; `summary` has the group, n, expectancy_r."""
    colors = theme.palette()
    values = summary["expectancy_r"].to_list()
    fig = theme.figure(
        go.Bar(
            x=[f"{name or 'none'} (n = {n})" for name, n in summary.select(group, "n").iter_rows()],
            y=values,
            marker={"color": [colors.up if v >= 0 else colors.down for v in values]},
            text=[formats.signed_number(v) for v in values],
            textposition="outside",
            cliponaxis=False,
        ),
        height=320,
        y_title="expectancy, R",
        x_title=group,
        hovermode="closest",
    )
    if summary.is_empty():
        return titled(fig, "No closed trade yet")
    best = summary.sort("expectancy_r", descending=True).row(0, named=True)
    return titled(
        fig,
        f"Best: {best[group] or 'none'}, {formats.signed_number(best['expectancy_r'])} R a trade",
    )


def r(value: float) -> str:
    """A result in multiples of the risk: `+0.29 R`."""
    return f"{formats.signed_number(value)} R"
