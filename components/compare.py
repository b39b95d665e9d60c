"""What the page *Compare* is made of."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from components import theme


def both_over_time(
    left: pl.DataFrame, right: pl.DataFrame, names: tuple[str, str], unit: str
) -> go.Figure:
    """Two companies' values of one concept over time, told apart by colour, dash and mark.

    `left` and `right` have `period_end` and `value`, oldest first.
    """
    styles = (("solid", "circle"), ("dash", "diamond"))
    traces = [
        go.Scatter(
            x=frame["period_end"].to_list(),
            y=frame["value"].to_list(),
            name=name,
            mode="lines+markers",
            line={"dash": dash},
            marker={"symbol": mark, "size": 7},
        )
        for frame, name, (dash, mark) in zip((left, right), names, styles, strict=True)
    ]
    return theme.figure(*traces, height=340, y_title=unit, showlegend=True)
