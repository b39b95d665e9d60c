"""Grids of frames too long for a list: a canvas that draws the rows in view.

Columns are dressed by name and type, as in lists (lists.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import polars as pl
import pyarrow as pa
import streamlit as st

from components.kit import badges, formats, once, shell, theme
from components.kit import rows as cells

CHIPS: Mapping[str, Mapping[str, str]] = {
    "freshness": {name: color for name, (color, _) in badges.FRESHNESS.items()},
    "state": badges.STATES,
    "grade": theme.GRADES,
    "status": badges.STATUSES,
    "severity": {
        "critical": "red",
        "major": "orange",
        "error": "orange",
        "minor": "yellow",
        "warning": "yellow",
        "info": "gray",
        "passed": "green",
    },
    "decision": {"approve": "green", "shrink": "orange", "reject": "red"},
}
SIGNED = ("gap_pct", "gap_ex_div_pct", "premarket_gap_pct", "premarket_change_pct", "close_pct")
ROW_PIXELS = 26
# The grid of Streamlit aligns cells only. It draws a head whose first letter belongs to a script
# written from the right at the right edge: this mark of no width is such a letter.
RIGHT_HEAD = "\u061c"
# Links to their pages, of which the cell holds the symbol alone: it is copied, searched and saved
# as it stands. The browser knows the page (app/static/lists.js).
SYMBOLS = ("symbol", "ticker")


def show(
    frame: pl.DataFrame,
    columns: Mapping[str, str],
    *,
    alt: str,
    key: str | None = None,
    help: Mapping[str, str] | None = None,
    widths: Mapping[str, int] | None = None,
    rows: int = 15,
    **kwargs: Any,
) -> Any:
    """A grid of the named columns (`columns`: name -> heading), at most `rows` tall.

    Only the columns shown are sent to the browser. `help` has tooltips and `widths` pixels by
    column name. The first column stays in view.
    """
    tips, wide = help or {}, widths or {}
    looks = [tuple(part.items()) for part in (columns, tips, wide)]
    pinned = tuple(columns)[:1]
    shown, config = once.cached_for_object(
        frame,
        lambda: _written(frame, columns, tips, pinned, wide),
        *("grid", *looks, shell.zone()),
    )
    return st.dataframe(
        shown,
        column_config=config,
        hide_index=True,
        height="content" if frame.height <= rows else (rows + 1) * ROW_PIXELS + 2,
        row_height=ROW_PIXELS,
        placeholder=formats.NOTHING,
        alt=alt,
        key=key,
        **kwargs,
    )


def _written(
    frame: pl.DataFrame,
    columns: Mapping[str, str],
    tips: Mapping[str, str],
    pinned: Sequence[str],
    widths: Mapping[str, int],
) -> tuple[pa.Table, dict[str, Any]]:
    """The columns shown and how each is dressed; a frame would take the long way through pandas."""
    shown = chips(frame.select([name for name in columns if name in frame.columns]))
    config = {
        name: _told(
            dress(name, dtype, columns[name], tips.get(name), name in pinned)
            | {"width": widths.get(name)}
        )
        for name, dtype in shown.schema.items()
    }
    return _as_sent(shown.to_arrow()), config


def _told(config: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing: Streamlit copies all of it at every rerun."""
    return {
        name: _told(value) if isinstance(value, dict) else value
        for name, value in config.items()
        if value is not None
    }


def _as_sent(table: pa.Table) -> pa.Table:
    """With the short lists that the browser wants, else Streamlit casts them at every rerun."""
    fields = [
        field.with_type(pa.list_(field.type.value_type))
        if pa.types.is_large_list(field.type)
        else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields)).combine_chunks()


def choose(
    frame: pl.DataFrame,
    columns: Mapping[str, str],
    *,
    alt: str,
    key: str,
    on_row: Callable[[dict[str, Any]], None],
    **look: Any,
) -> Any:
    """A grid whose row can be picked: `on_row` gets the whole row, before the page runs again."""

    def picked() -> None:
        rows = st.session_state[key].selection.rows
        if rows:
            on_row(frame.row(rows[0], named=True))

    return show(
        frame,
        columns,
        alt=alt,
        key=key,
        on_select=picked,
        selection_mode="single-row",
        **look,
    )


def chips(frame: pl.DataFrame) -> pl.DataFrame:
    """Words with a colour of their own (freshness, state, grade …) as one-item lists."""
    return frame.with_columns(
        pl.concat_list(pl.col(name).fill_null("NR" if name == "grade" else "–"))
        for name, dtype in frame.schema.items()
        if name in CHIPS and dtype == pl.String
    )


def dress(
    name: str, dtype: pl.DataType, heading: str, tip: str | None = None, pinned: bool = False
) -> Any:
    """The column config for a column, by the conventions of its name and type."""
    given: dict[str, Any] = {"label": heading, "help": tip, "pinned": pinned or None}
    return _by_name(name, given) or _by_type(name, dtype, given)


def _by_name(name: str, given: dict[str, Any]) -> Any:
    if name in CHIPS:
        words = CHIPS[name]
        hues = [badges.HUES.get(color, color) for color in words.values()]
        return st.column_config.MultiselectColumn(**given, options=list(words), color=hues)
    if name in SYMBOLS or name == "url" or name.endswith("_url"):
        said = None if name in SYMBOLS else "open"
        return st.column_config.LinkColumn(**given, display_text=said)
    if name == "score":
        return st.column_config.ProgressColumn(**given, min_value=0, max_value=100, format="%.0f")
    if name == "percent":  # of work that runs
        return st.column_config.ProgressColumn(
            **given, min_value=0, max_value=100, format="%.0f %%"
        )
    if name == "trend":  # of scores
        return st.column_config.LineChartColumn(**given, y_min=0, y_max=100)
    return None


def _by_type(name: str, dtype: pl.DataType, given: dict[str, Any]) -> Any:
    config = st.column_config
    if isinstance(dtype, pl.Datetime):
        zone = shell.zone()
        given["label"] = f"{given['label']} ({formats.zone_label(zone)})"
        return config.DatetimeColumn(**given, format="ddd D MMM HH:mm", timezone=zone)
    if isinstance(dtype, pl.List):
        numbers = dtype.inner.is_numeric()
        return config.LineChartColumn(**given) if numbers else config.ListColumn(**given)
    if dtype.is_numeric():
        side: Literal["left"] | None = "left" if name in cells.NAMES else None
        if side is None:
            given["label"] = f"{RIGHT_HEAD}{given['label']}"
        return config.NumberColumn(**given, format=_number(name, dtype), alignment=side)
    plain: dict[Any, Callable[..., Any]] = {
        pl.Date: config.DateColumn,
        pl.Boolean: config.CheckboxColumn,
    }
    return plain.get(dtype.base_type(), config.TextColumn)(**given)


def _number(name: str, dtype: pl.DataType) -> str:
    if name in (*SIGNED, *cells.PLUS):
        return "%+.2f %%" if name in SIGNED else "%+.2f"
    if name.endswith("_pct"):
        return "%.0f %%" if name in cells.PERCENT else "%.2f %%"
    if name.endswith("_bytes") or name == "bytes":
        return "bytes"
    if name.endswith("_seconds") or name == "seconds":
        return "%.1f s"
    if name in cells.NAMES:
        return "%d"
    return "localized" if dtype.is_integer() or name in cells.LARGE else "%.2f"
