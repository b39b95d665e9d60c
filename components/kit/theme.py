"""Colours of the desk and its one Plotly template, `openbell`.

Charts go through `show`, which lets the browser fill in text, grid and background of the
reader's light or dark theme; the colours of the data are ours and readable on both. Nothing is
told by colour alone: up and down also differ by sign, shape, or filled against hollow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import plotly.graph_objects as go
import plotly.io as pio
import streamlit as st
from plotly import graph_objs
from plotly.basedatatypes import BaseFigure

from components.kit import badges, narrow, zoom


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours that carry direction."""

    up: str
    down: str


SAFE = Palette(up="#2b78d0", down="#d9581c")  # blue and vermillion
RED_GREEN = Palette(up="#1f9d61", down="#d64545")
PALETTES = {"blue and vermillion": SAFE, "green and red": RED_GREEN}
PALETTE_KEY = "preference_palette"

NEUTRAL = "#8593a6"
ACCENT = "#2b78d0"
WARNING = "#d08a00"
SERIES = (
    "#2b78d0",
    "#d9581c",
    "#009e73",
    "#a3519e",
    "#c28a00",
    "#3aa6c9",
    "#7a8699",
    "#8c5a2b",
)
SEQUENTIAL = ((0.0, "#d6e6f8"), (0.5, "#4a8ad5"), (1.0, "#103160"))
DIVERGING = ((0.0, "#c2551d"), (0.5, "#c9ced6"), (1.0, "#1f6fc4"))
GRADES = {letter: ground for letter, (ground, _) in badges.GRADE_COLORS.items()}
GRADES["NR"] = badges.UNGRADED[0]  # one ramp: the same in tables, badges and charts
STATES = {
    "done": "#2b78d0",
    "unchanged": "#8db8e8",
    "partial": "#d08a00",
    "failed": "#d9581c",
    "cancelled": "#8593a6",
    "running": "#009e73",
}
GRID = "rgba(133, 147, 166, 0.22)"
FONT = "Inter, system-ui, sans-serif"


def _axis(*, grid: bool) -> dict[str, Any]:
    return {
        "showgrid": grid,
        "gridcolor": GRID,
        "zerolinecolor": GRID,
        "automargin": True,
        "title": {"standoff": 8},
    }


def _template(text: str | None = None, surface: str = "rgba(0,0,0,0)") -> go.layout.Template:
    font: dict[str, Any] = {"family": FONT, "size": 12}
    if text:
        font["color"] = text
    layout = go.Layout(
        colorway=list(SERIES),
        font=font,
        paper_bgcolor=surface,
        plot_bgcolor=surface,
        margin={"l": 8, "r": 18, "t": 28, "b": 8},
        hovermode="x unified",
        separators=".,",
        bargap=0.15,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis=_axis(grid=False),
        yaxis=_axis(grid=True),
        colorscale={"sequential": list(SEQUENTIAL), "diverging": list(DIVERGING)},
    )
    return go.layout.Template(layout=layout)


# Plotly makes its names when they are asked for, through the import system, at every chart shown.
graph_objs.Figure = go.Figure

pio.templates["openbell"] = _template()
pio.templates["openbell-light"] = _template("#16202e", "#ffffff")  # pictures outside the browser
pio.templates["openbell-dark"] = _template("#e6ebf2", "#0f1520")


def palette() -> Palette:
    """The reader's choice of direction colours; blue and vermillion unless told otherwise."""
    return PALETTES.get(st.session_state.get(PALETTE_KEY, ""), SAFE)


def figure(
    *traces: Any,
    height: int = 320,
    x_title: str | None = None,
    y_title: str | None = None,
    **layout: Any,
) -> go.Figure:
    """A figure of the desk's template with its axes named; further layout by keyword."""
    fig = go.Figure(data=list(traces))
    fig.update_layout(template="openbell", height=height)
    fig.update_xaxes(title_text=x_title)
    fig.update_yaxes(title_text=y_title)
    return fig.update_layout(**layout) if layout else fig


def titled(fig: go.Figure, finding: str, above: int = 56) -> go.Figure:
    """The figure with its finding as the title, `above` pixels kept free for it."""
    return fig.update_layout(
        title={
            "text": finding,
            "x": 0,
            "xanchor": "left",
            "font": {"size": 15},
            "yref": "container",  # so that titles of charts side by side stand level
            "y": 1,
            "yanchor": "top",
            "pad": {"t": 12},
        },
        margin={"t": above},
    )


TOOLBAR = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
    "toImageButtonOptions": {"filename": "openbell", "scale": 2},
}


class WrittenFigure(BaseFigure):  # type: ignore[misc]
    """A figure whose parts are JSON already: a shared figure is not written out at every rerun."""

    def __init__(self, fig: go.Figure) -> None:
        whole = fig.to_plotly_json()
        self._traces = [_parts(trace) for trace in whole["data"]]
        self._rest = _parts(whole["layout"])
        self._name = str(whole["layout"].get("uirevision") or "")
        self._axes = {k: v for k, v in whole["layout"].items() if k[1:5] == "axis"}

    def to_dict(self) -> dict[str, Any]:
        return {"data": [dict(trace) for trace in self._traces], "layout": self._rest}

    def zoomed(self, seen: zoom.Zoom) -> BaseFigure:
        """The same, its ranges those that the reader chose."""
        return _Zoomed(self, seen)

    def layout_of(self, seen: zoom.Zoom) -> dict[str, Any]:
        across = {"xaxis", *(name for name in self._axes if name.startswith("x"))}
        ranges = dict.fromkeys(across, seen.x) | {"yaxis": seen.y}
        axes = {n: {**self._axes.get(n, {}), "range": list(r)} for n, r in ranges.items()}
        return self._rest | _parts(axes)


class _Zoomed(BaseFigure):  # type: ignore[misc]
    """A written figure with other ranges."""

    def __init__(self, whole: WrittenFigure, seen: zoom.Zoom) -> None:
        self._whole = whole.to_dict() | {"layout": whole.layout_of(seen)}

    def to_dict(self) -> dict[str, Any]:
        return self._whole


def _parts(whole: dict[str, Any]) -> dict[str, Any]:
    """Plain values stay (Streamlit looks at the height); the rest becomes JSON."""
    plain = (str, int, float, bool, type(None))
    return {
        name: value
        if isinstance(value, plain)
        else orjson.Fragment(pio.json.to_json_plotly(value, engine="orjson"))
        for name, value in whole.items()
    }


def written(fig: go.Figure) -> WrittenFigure:
    """The figure as JSON, kept on the figure itself: nobody may change it once it is shown."""
    kept = getattr(fig, "_written", None)
    if kept is None:
        kept = fig._written = WrittenFigure(fig)
    return kept


def show(fig: go.Figure, *, alt: str, key: str | None = None, **kwargs: Any) -> Any:
    """Put a figure on the page; `alt` says in one sentence what it shows.

    One with a `uirevision` is drawn with the ranges that the address has under that name.
    """
    made = written(narrow.drawn(fig) if narrow.is_narrow() else fig)
    seen = zoom.of(made._name, st.query_params.get_all(zoom.PARAMETER)) if made._name else None
    return st.plotly_chart(
        made.zoomed(seen) if seen else made,
        theme="streamlit",
        alt=alt,
        key=key,
        config=TOOLBAR,
        width="stretch",
        **kwargs,
    )
