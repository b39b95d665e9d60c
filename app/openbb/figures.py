"""Charts of widgets, as the JSON of a Plotly figure; Workspace lays its own theme below them."""

from __future__ import annotations

from typing import Any

import orjson
import polars as pl

from core.service.gaps import symbols

UP, DOWN = "#0072b2", "#d55e00"  # told apart by who sees no red and green
CLEAR = "rgba(0,0,0,0)"


def bars(rows: pl.DataFrame, across: str, up: str, unit: str) -> dict[str, Any]:
    """One bar a row, coloured by its sign; `unit` stands at the axis."""
    values = rows[up].to_list()
    trace = {
        "type": "bar",
        "x": rows[across].to_list(),
        "y": values,
        "marker": {"color": [UP if value is None or value >= 0 else DOWN for value in values]},
        "hovertemplate": "%{x}: %{y:.2f}<extra></extra>",
    }
    layout = {
        "xaxis": {"type": "category", "automargin": True},
        "yaxis": {"title": {"text": unit}, "automargin": True},
        "showlegend": False,
        "margin": {"l": 50, "r": 10, "t": 10, "b": 40},
    }
    return {"data": [trace], "layout": layout}


def candles(found: symbols.SymbolView, shown: pl.DataFrame) -> dict[str, Any]:
    """The desk's own chart of a symbol: candles, volume, gaps that are open, filings."""
    from components.charts import gaps  # Plotly is there once somebody asks for a chart

    last = shown["session"][-1]
    boxes = symbols.boxes(found, shown["session"][0], last)
    figure = gaps.candles(shown, boxes, found.filings, symbols.levels(found, last), title="")
    made: dict[str, Any] = orjson.loads(figure.to_json())
    for name in ("height", "title"):  # the widget has its own
        made["layout"].pop(name, None)
    return made


def themed(figure: dict[str, Any], theme: str) -> dict[str, Any]:
    """The figure on Workspace's ground, dark or light."""
    ink, lines = ("#ffffff", "#333333") if theme == "dark" else ("#333333", "#dddddd")
    layout = {**figure["layout"], "paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR}
    layout["font"] = {**layout.get("font", {}), "color": ink}
    for name in [name for name in layout if name.startswith(("xaxis", "yaxis"))]:
        layout[name] = {**layout[name], "gridcolor": lines}
    return {**figure, "layout": layout}
