"""Charts of the book's risk: treemap, correlations, value at risk, drawdown, stress."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
import polars as pl

from components.kit import formats, theme
from components.kit.theme import titled
from core.domain.risk.measures import ValueAtRisk


def exposure_treemap(holdings: pl.DataFrame, equity: float, currency: str) -> go.Figure:
    """Exposure by sector and name; area is the amount, colour and sign the direction.

    `holdings` has symbol, sector, direction, value (signed).
    """
    sized = holdings.with_columns(pl.col("value").abs().alias("size"))
    sectors = sized.group_by("sector").agg(pl.col("size").sum()).sort("size", descending=True)
    colors = theme.palette()
    names = sized.group_by("sector", "symbol", "direction").agg(pl.col("size").sum())
    rows = list(names.sort("size", descending=True).iter_rows(named=True))
    fig = theme.figure(
        go.Treemap(
            ids=[
                *sectors["sector"],
                *(f"{r['sector']}/{r['symbol']}/{r['direction']}" for r in rows),
            ],
            labels=[
                *sectors["sector"],
                *(f"{'+' if r['direction'] == 'long' else '−'} {r['symbol']}" for r in rows),
            ],
            parents=[*("" for _ in sectors["sector"]), *(r["sector"] for r in rows)],
            values=[*sectors["size"], *(r["size"] for r in rows)],
            branchvalues="total",
            marker={
                "colors": [
                    *(theme.NEUTRAL for _ in sectors["sector"]),
                    *(colors.up if r["direction"] == "long" else colors.down for r in rows),
                ]
            },
            texttemplate="%{label}<br>%{value:,.0f}",
            hovertemplate="%{label}: %{value:,.0f} " + currency + "<extra></extra>",
        ),
        height=340,
    )
    top, share = sectors.row(0)[0], sectors.row(0)[1] / equity * 100 if equity else 0
    word = "The sector of most is unknown" if top == "unknown" else f"{top} is the largest sector"
    return titled(fig, f"{word}: {share:.0f} % of equity")


def correlation_heatmap(
    pairs: Mapping[frozenset[str], float], symbols: list[str], threshold: float
) -> go.Figure:
    """Correlations of the names held, with their values; unknown pairs stay empty."""
    grid = [[1.0 if a == b else pairs.get(frozenset({a, b})) for b in symbols] for a in symbols]
    fig = theme.figure(
        go.Heatmap(
            z=grid,
            x=symbols,
            y=symbols,
            zmin=-1,
            zmax=1,
            colorscale=list(theme.DIVERGING),
            text=[["" if v is None else f"{v:.2f}" for v in row] for row in grid],
            texttemplate="%{text}",
            hovertemplate="%{y} with %{x}: %{z:.2f}<extra></extra>",
            colorbar={"title": "correlation", "thickness": 10},
            xgap=2,
            ygap=2,
        ),
        height=110 + 42 * max(4, len(symbols)),
        hovermode="closest",
    )
    fig.update_yaxes(autorange="reversed", showgrid=False)
    alike = sum(value >= threshold for value in pairs.values())
    unknown = len(symbols) * (len(symbols) - 1) // 2 - len(pairs)
    told = f"; {unknown} unknown, counted as if they did" if unknown else ""
    if not pairs:
        return titled(fig, "No pair has 60 common sessions: all count as moving together")
    return titled(fig, f"{alike} of {len(pairs)} pairs move together (from {threshold:g}){told}")


def var_histogram(returns: pl.DataFrame, var: ValueAtRisk) -> go.Figure:
    """Past returns of today's book with both values at risk as lines."""
    fig = theme.figure(
        go.Histogram(
            x=(returns["return"] * 100).to_list(),
            nbinsx=50,
            marker={"color": theme.ACCENT},
            name="sessions",
            hovertemplate="%{x} %: %{y} sessions<extra></extra>",
        ),
        height=340,
        x_title="return of today's book in one session, %",
        y_title="sessions",
        hovermode="closest",
    )
    lines = (
        (var.historical, "historical", "dash", 0.97),
        (var.parametric, "parametric", "dot", 0.85),
    )
    for value, name, dash, height in lines:
        fig.add_vline(x=-value * 100, line={"dash": dash, "color": "#d9581c", "width": 2})
        fig.add_annotation(
            x=-max(var.historical, var.parametric) * 100,  # left of both lines
            y=height,
            yref="paper",
            text=f"{name} {formats.pct(-value * 100, 2, signed=False)}",
            xshift=-6,
            showarrow=False,
            xanchor="right",
        )
    return titled(
        fig,
        f"One session in {1 / (1 - var.confidence):.0f} loses more than "
        f"{var.historical * 100:.2f} % (parametric {var.parametric * 100:.2f} %)",
    )


def drawdown_area(frame: pl.DataFrame, of: str, day: str = "session") -> go.Figure:
    """Fall of something from its peak; `frame` has the day and drawdown_pct (zero or negative)."""
    deepest = frame.select(pl.col("drawdown_pct").min()).item() if frame.height else 0.0
    fig = theme.figure(
        go.Scatter(
            x=frame[day].to_list(),
            y=frame["drawdown_pct"].to_list(),
            mode="lines",
            fill="tozeroy",
            line={"color": "#d9581c", "shape": "hv"},
            fillcolor="rgba(217, 88, 28, 0.2)",
            hovertemplate="%{y:.2f} %<extra></extra>",
        ),
        height=260,
        y_title="below the peak, %",
        x_title=day,
    )
    return titled(fig, f"{of} fell {abs(float(deepest or 0)):.2f} % from its peak at worst")


def stress_bars(stress: pl.DataFrame, equity: float, currency: str) -> go.Figure:
    """What each replayed stretch would do to today's book; `stress` has name, return."""
    known = stress.drop_nulls("return").sort("return")
    colors = theme.palette()
    values = (known["return"] * 100).to_list()
    fig = theme.figure(
        go.Bar(
            x=values,
            y=known["name"].to_list(),
            orientation="h",
            marker={"color": [colors.up if v >= 0 else colors.down for v in values]},
            text=[formats.pct(v, 2) for v in values],
            textposition="outside",
            cliponaxis=False,
        ),
        height=90 + 34 * max(2, known.height),
        x_title="return of today's book, %",
        hovermode="closest",
    )
    fig.update_yaxes(showgrid=False, autorange="reversed")
    if known.is_empty():
        return titled(fig, "No replayed stretch has prices of these names")
    worst = known.row(0, named=True)
    return titled(
        fig,
        f"{worst['name']} would be the worst of {known.height} computable stretches "
        f"(of {stress.height}): {formats.signed_number(worst['return'] * equity, 0)} {currency}",
    )
