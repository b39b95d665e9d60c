"""What the page *Compare* is made of."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from components.kit import formats, once, shell, theme
from components.parts import companies
from core.service.desk import Desk
from core.service.filings import comparison

ROWS_SHOWN = 60


def found(desk: Desk, both: tuple[int, int]) -> pl.DataFrame:
    """The concepts that both companies report, side by side, read once per pull."""
    key = (*shell.version(desk, "sec.facts"), *both)
    return once.cached(lambda: comparison.side_by_side(desk, *both), "compare", *key)


def first_rows(listed: pl.DataFrame) -> pl.DataFrame:
    """The rows that the table shows."""
    return once.cached_for_object(listed, lambda: listed.head(ROWS_SHOWN), "first rows")


def concepts(listed: pl.DataFrame) -> list[str]:
    """What both reported for about the same time first, and of that what readers look for first."""
    return once.cached_for_object(listed, lambda: _concepts(listed), "concepts")


def _concepts(listed: pl.DataFrame) -> list[str]:
    alike = pl.col("ratio").is_not_null()
    first = companies.ordered(listed.filter(alike))
    return list(dict.fromkeys([*first, *companies.ordered(listed)]))


def chart(
    desk: Desk,
    both: tuple[int, int],
    names: tuple[str, str],
    listed: pl.DataFrame,
    concept: str,
) -> go.Figure:
    """One concept of both companies over time, drawn once per pull."""
    key = (*shell.version(desk, "sec.facts"), *both, concept)
    return once.cached(lambda: _chart(desk, both, names, listed, concept), "comparison", *key)


def _chart(
    desk: Desk,
    both: tuple[int, int],
    names: tuple[str, str],
    listed: pl.DataFrame,
    concept: str,
) -> go.Figure:
    row = listed.row(by_predicate=pl.col("concept") == concept, named=True)
    unit, stated = row["unit"], (row["left_concept"], row["right_concept"])
    sides = [companies.facts_of(desk, *side) for side in zip(both, stated, strict=True)]
    span = next(
        (s for s in companies.SPANS if not companies.series(sides[0], s).is_empty()), "Instants"
    )
    left, right = (companies.series(side, span).filter(pl.col("unit") == unit) for side in sides)
    return both_over_time(left, right, names, unit)


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
    fig = theme.figure(*traces, height=360, y_title=unit, x_title="period to", showlegend=True)
    fig.update_layout(legend={"y": 1, "yanchor": "bottom", "x": 0})
    return theme.titled(fig, _finding(left, right, names, unit), above=76)


def _finding(left: pl.DataFrame, right: pl.DataFrame, names: tuple[str, str], unit: str) -> str:
    """The latest values of both beside each other."""
    parts = [
        f"{name} {formats.compact(float(frame['value'][-1]))} ({frame['period_end'][-1]:%b %Y})"
        for frame, name in zip((left, right), names, strict=True)
        if frame.height
    ]
    return f"{', '.join(parts)}, {unit}" if parts else "Neither has reported a period of this kind"
