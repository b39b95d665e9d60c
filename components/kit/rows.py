"""Rows as plain HTML beside a grid: printed whole, and cards on a phone (app/static/desk.css).

A grid is a canvas that draws what is in view; paper and small screens need the rows themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from html import escape
from typing import Any

import polars as pl
import streamlit as st

from components.kit import formats, links, once, shell

MOST = 200
LEFT_OUT = "closes"  # small charts
WHOLE = ("score", "evidence_pct")  # points of a hundred
PLUS = ("gap_atr", "realised_r")  # with the sign of a gain too; so are all that end in gap_pct


def grid(name: str) -> AbstractContextManager[Any]:
    """Around the grid whose place the rows take on paper."""
    return st.container(key=f"grid_of_{name}")


def show(
    frame: pl.DataFrame,
    columns: Mapping[str, str],
    *,
    card: Sequence[str] = (),
    line: str = "",
    link: tuple[str, str] | None = None,
) -> None:
    """The rows for paper. With `card`, the columns of its first line, they are cards on a phone,
    `line` below; `link` is a page and the name in its address that the first column goes to.
    """
    key = ("rows", tuple(columns.items()), tuple(card), line, link, shell.zone())
    st.html(
        once.cached_for_object(
            frame, lambda: _html(frame, columns, card, line, link, shell.zone()), *key
        )
    )


def _html(
    frame: pl.DataFrame,
    columns: Mapping[str, str],
    card: Sequence[str],
    line: str,
    link: tuple[str, str] | None,
    zone: str,
) -> str:
    names = [n for n in columns if n in frame.columns and n != LEFT_OUT]
    kinds = {name: _kind(name, frame.schema[name], card, line) for name in names}
    heads = "".join(f'<th scope="col"{kinds[n]}>{escape(columns[n])}</th>' for n in names)
    body = "".join(
        "<tr>"
        + "".join(_cell(n, row[n], kinds[n], link if n == names[0] else None, zone) for n in names)
        + "</tr>"
        for row in frame.head(MOST).select(names).iter_rows(named=True)
    )
    rest = frame.height - MOST
    more = f"<p>and {rest:,} more rows</p>" if rest > 0 else ""
    kind = "rows cards" if card else "rows"
    table = f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="{kind}"><table>{table}</table>{more}</div>'


def _kind(name: str, dtype: pl.DataType, card: Sequence[str], line: str) -> str:
    words = ["number"] if dtype.is_numeric() else []
    if card:
        words += ["line"] if name == line else [] if name in card else ["rest"]
    return f' class="{" ".join(words)}"' if words else ""


def _cell(name: str, value: Any, kind: str, link: tuple[str, str] | None, zone: str) -> str:
    said = escape(told(name, value, zone))
    if link is not None and value is not None:
        page, parameter = link
        where = escape(links.url(page, {parameter: str(value)}))
        said = f'<a href="{where}" target="_self">{said}</a>'
    return f"<td{kind}>{said}</td>"


def told(name: str, value: Any, zone: str = formats.MARKET_ZONE) -> str:
    """A value as it is written in a cell."""
    if value is None:
        return formats.NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(name, value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return _moment(value, zone)


def _moment(value: Any, zone: str) -> str:
    if isinstance(value, datetime):
        return formats.when(value, zone)
    return formats.day(value) if isinstance(value, date) else str(value)


def _number(name: str, value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if name in WHOLE:
        return f"{value:.0f}"
    gains = name in PLUS or name.endswith("gap_pct")
    text = formats.signed_number(value) if gains else formats.minus(f"{value:,.2f}")
    return text + (" %" if name.endswith("_pct") else "")
