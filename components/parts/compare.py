"""What the page *Compare* is made of."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date

import plotly.graph_objects as go
import polars as pl

from components.kit import formats, once, shell, theme
from components.parts import companies
from core.service.desk import Desk
from core.service.filings import comparison

ROWS_SHOWN = 60
MOST_ENDS = 10  # ends of periods that are named below the chart
REPORTED, INDEXED = "as reported", "indexed"
SCALES = (REPORTED, INDEXED)
INDEX = "index, common start = 100"
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


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


def words(listed: pl.DataFrame) -> dict[str, str]:
    """Concept -> what it is in words: its label, else its tag with spaces."""
    return once.cached_for_object(listed, lambda: _words(listed), "words")


def _words(listed: pl.DataFrame) -> dict[str, str]:
    pairs = listed.select("concept", "label").unique("concept", maintain_order=True).rows()
    spoken = {concept: label or _CAPITAL.sub(" ", concept) for concept, label in pairs}
    # two tags of one label stay apart by their tags
    many = Counter(spoken.values())
    return {c: said if many[said] == 1 else f"{said} ({c})" for c, said in spoken.items()}


def chart(
    desk: Desk,
    both: tuple[int, int],
    names: tuple[str, str],
    listed: pl.DataFrame,
    concept: str,
    scale: str = REPORTED,
) -> go.Figure:
    """One concept of both companies over time, drawn once per pull. `scale`: one of `SCALES`."""
    key = (*shell.version(desk, "sec.facts"), *both, concept, scale)
    make = lambda: _chart(desk, both, names, listed, concept, scale)  # noqa: E731
    return once.cached(make, "comparison", *key)


def _chart(
    desk: Desk,
    both: tuple[int, int],
    names: tuple[str, str],
    listed: pl.DataFrame,
    concept: str,
    scale: str,
) -> go.Figure:
    row = listed.row(by_predicate=pl.col("concept") == concept, named=True)
    unit, stated = row["unit"], (row["left_concept"], row["right_concept"])
    sides = [companies.facts_of(desk, *side) for side in zip(both, stated, strict=True)]
    span = next(
        (s for s in companies.SPANS if not companies.series(sides[0], s).is_empty()), "Instants"
    )
    left, right = (companies.series(side, span).filter(pl.col("unit") == unit) for side in sides)
    if scale == REPORTED:
        return both_over_time(left, right, names, unit)
    found = indexed(left, right)
    if found is None:
        fig = both_over_time(left, right, names, unit)
        return theme.titled(fig, f"No common start above zero to index from: {unit}", above=76)
    first, left, right = found
    fig = both_over_time(left, right, names, INDEX)
    return theme.titled(fig, _grown(left, right, names, first), above=76)


def indexed(
    left: pl.DataFrame, right: pl.DataFrame
) -> tuple[date, pl.DataFrame, pl.DataFrame] | None:
    """Both series as 100 at their first common year, and that year's end of the left one.

    None where there is no such year in which both values are above zero.
    """
    years = [
        frame.filter(pl.col("value") > 0).with_columns(year=pl.col("period_end").dt.year())
        for frame in (left, right)
    ]
    common = years[0].join(years[1], on="year", suffix="_right").sort("period_end")
    if common.is_empty():
        return None
    start = common.row(0, named=True)
    ends = (start["period_end"], start["period_end_right"])
    bases = (start["value"], start["value_right"])
    grown = [
        frame.filter(pl.col("period_end") >= end).with_columns(value=pl.col("value") / base * 100)
        for frame, end, base in zip((left, right), ends, bases, strict=True)
    ]
    return start["period_end"], grown[0], grown[1]


def _grown(left: pl.DataFrame, right: pl.DataFrame, names: tuple[str, str], first: date) -> str:
    """How far each has come since the common start."""
    parts = [
        f"{name} {float(frame['value'][-1]):,.0f}"
        for frame, name in zip((left, right), names, strict=True)
    ]
    return f"{', '.join(parts)} since {first:%b %Y} = 100".replace("-", "−")


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
    fig.update_xaxes(tickvals=_ends(max(left, right, key=len)), tickformat="%b %Y")
    return theme.titled(fig, _finding(left, right, names, unit), above=76)


def _ends(frame: pl.DataFrame) -> list[date]:
    """Ends of periods that have room on the axis: the latest, and each so many before it."""
    ends = frame["period_end"].unique().sort(descending=True).to_list()
    return ends[:: -(-len(ends) // MOST_ENDS) or 1]


def _finding(left: pl.DataFrame, right: pl.DataFrame, names: tuple[str, str], unit: str) -> str:
    """The latest values of both beside each other."""
    parts = [
        f"{name} {formats.compact(float(frame['value'][-1]))} ({frame['period_end'][-1]:%b %Y})"
        for frame, name in zip((left, right), names, strict=True)
        if frame.height
    ]
    return f"{', '.join(parts)}, {unit}" if parts else "Neither has reported a period of this kind"
