"""A list that leads on, as HTML: each first name a link, heads over their figures, bars and grades.

The browser sorts it, moves in it by key and follows its links without loading the page anew
(app/static/lists.js). The same rows are cards on a phone and are printed whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import quote

import polars as pl
import streamlit as st

from components.kit import badges, formats, links, once, rows, shell, tables, theme
from core.domain.gaps.scoring import COMPONENTS

ROW_PIXELS = 27
SPARK = (84, 18)  # pixels of a small chart
PCT = "_pct"


@dataclass(frozen=True, slots=True)
class RowLink:
    """Where the cell of `column` leads: a page with the row's `value` (by default that of the
    cell) as a parameter of its address.
    """

    page: str
    parameter: str
    column: str = "symbol"
    value: str = ""
    given: tuple[tuple[str, str], ...] = ()

    def url(self, row: Mapping[str, Any]) -> str:
        """The address that a row leads to."""
        asked = {self.parameter: str(row[self.value or self.column]), **dict(self.given)}
        return links.url(self.page, {key: value for key, value in asked.items() if value})


@dataclass(frozen=True, slots=True)
class ListLook:
    """How a list is drawn. `columns`: name -> heading, the linked one first.

    `card`: the columns of a card's first line, `line` the one below it; `paper`: those printed
    (default all); `help`: tooltips of heads; `height`: rows in view; `wide` and `wider`: columns
    for lists from 860 and 1,150 pixels on.
    """

    name: str
    alt: str
    columns: Mapping[str, str]
    link: RowLink
    card: Sequence[str] = ()
    line: str = ""
    paper: Sequence[str] = ()
    help: Mapping[str, str] = field(default_factory=dict)
    height: int = 18
    wide: Sequence[str] = ()
    wider: Sequence[str] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        """What stands for it in a key of `once`."""
        looks = (self.card, self.paper, self.help.items(), self.columns.items())
        widths = (tuple(self.wide), tuple(self.wider))
        parts = (tuple(part) for part in looks)
        return (self.name, self.link, self.line, self.height, *widths, *parts)


def show(frame: pl.DataFrame, listing: ListLook, *, picked: str | None = None) -> None:
    """Draw the list, the row of the `picked` name marked."""
    st.html(text(frame, listing, picked=picked))


def text(frame: pl.DataFrame, listing: ListLook, *, picked: str | None = None) -> str:
    """The list as this reader sees it, as HTML for an element that holds more than it."""
    zone, palette = shell.zone(), theme.palette()
    make = lambda: html(frame, listing, picked, zone, palette)  # noqa: E731
    return once.cached_for_object(frame, make, "list", *listing.key, picked, zone, palette)


def folded(name: str, summary: str, inside: str) -> str:
    """HTML under a line that opens it; the browser keeps it open (app/static/lists.js)."""
    head = f'<details class="folded" data-box="{escape(name)}"><summary>{escape(summary)}'
    return f"{head}</summary>{inside}</details>"


def html(
    frame: pl.DataFrame,
    listing: ListLook,
    picked: str | None = None,
    zone: str = formats.MARKET_ZONE,
    palette: theme.Palette = theme.SAFE,
) -> str:
    """The list as HTML; all text of the data is escaped."""
    names = [name for name in listing.columns if name in frame.columns]
    kinds = {name: _kind(name, frame.schema[name], listing) for name in names}
    heads = "".join(_head(name, listing, kinds[name]) for name in names)
    body = "".join(
        _row(row, names, kinds, listing, picked, zone)
        for row in frame.head(rows.MOST).iter_rows(named=True)
    )
    rest = frame.height - rows.MOST
    more = f"<p>and {rest:,} more rows</p>" if rest > 0 else ""
    kind = "rows list cards" if listing.card else "rows list"
    kind += "" if palette == theme.SAFE else " redgreen"
    tall = f"max-height:{(listing.height + 1) * ROW_PIXELS + 6}px"
    return (
        f'<div class="{kind}" data-list="{escape(listing.name)}" style="{tall}">'
        f'<table aria-label="{escape(listing.alt)}"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table>{more}</div>"
    )


def _kind(name: str, dtype: pl.DataType, listing: ListLook) -> str:
    words = ["number"] if dtype.is_numeric() and name not in tables.NAMES else []
    if listing.card:
        words += ["line"] if name == listing.line else [] if name in listing.card else ["rest"]
    if listing.paper and name not in listing.paper:
        words.append("screen")
    words += [word for word in ("wide", "wider") if name in getattr(listing, word)]
    return " ".join([*words, f"c-{name}"])


def _head(name: str, listing: ListLook, kind: str) -> str:
    unit = ", %" if name.endswith(PCT) and name not in rows.WHOLE else ""
    tip = listing.help.get(name, "")
    title = f' title="{escape(tip)}"' if tip else ""
    return (
        f'<th scope="col" class="{kind}" tabindex="0"{title}>'
        f"{escape(listing.columns[name])}{unit}</th>"
    )


def _row(
    row: Mapping[str, Any],
    names: Sequence[str],
    kinds: Mapping[str, str],
    listing: ListLook,
    picked: str | None,
    zone: str,
) -> str:
    key = str(row[listing.link.column])
    mark = ' class="picked" aria-selected="true"' if key == picked else ""
    cells = "".join(
        f'<td class="{kinds[name]}"{_tip(name, row[name])}>{_cell(name, row, listing, zone)}</td>'
        for name in names
    )
    return f'<tr data-key="{escape(key)}"{mark}>{cells}</tr>'


def _tip(name: str, value: Any) -> str:
    long = isinstance(value, str) and len(value) > 18 and not name.endswith("url")
    return f' title="{escape(value)}"' if long else ""


def _cell(name: str, row: Mapping[str, Any], listing: ListLook, zone: str) -> str:
    value = row[name]
    if name == listing.link.column and value is not None:
        return f'<a href="{escape(listing.link.url(row))}" target="_self">{escape(str(value))}</a>'
    if name == "grade" and value is None:
        value = "NR"  # as in tables and badges
    drawn = DRAWN.get(name)
    if drawn is not None and value is not None:
        return drawn(value, row)
    if value is not None and (name == "url" or name.endswith("_url")):
        return _out(str(value))
    if value is not None and name in tables.SIGNED:
        return _signed(value)
    return escape(rows.told(name, value, zone).removesuffix(" %"))


def _out(address: str) -> str:
    """A link out of the desk, of addresses of the web alone: data may hold any (javascript:)."""
    if not address.startswith(("https://", "http://")):
        return escape(address)
    return f'<a class="out" href="{escape(address)}" target="_blank">open</a>'


def _signed(value: float) -> str:
    """With sign, shape and colour: none of them alone."""
    if not value:
        return f"{value:.2f}"
    way, arrow = ("up", "▲") if value > 0 else ("down", "▼")
    return f'<span class="{way}">{arrow} {formats.signed_number(value)}</span>'


def _grade(value: str, _: Mapping[str, Any]) -> str:
    back, text = badges.GRADE_COLORS.get(value, badges.UNGRADED)
    style = f"background:{back};color:{text}"
    return f'<span class="grade" style="{style}">{escape(value)}</span>'


def _status(value: str, _: Mapping[str, Any]) -> str:
    hue = badges.HUES[badges.STATUSES.get(value, "gray")]
    return f'<span class="status" style="border-color:{hue}">{escape(value)}</span>'


def _score(value: float, row: Mapping[str, Any]) -> str:
    """The score as a stacked bar, a part for each component with points, and its figure."""
    points = [row.get(f"{name}_points") or 0.0 for name in COMPONENTS]
    parts = "".join(
        f'<i class="p{at}" style="width:{min(max(share, 0.0), 100.0):.1f}%"></i>'
        for at, share in enumerate(points if any(points) else [value])
        if share > 0
    )
    return f'<span class="bar">{parts}</span><b>{value:.0f}</b>'


def _spark(values: Sequence[float | None], _: Mapping[str, Any]) -> str:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    wide, tall = SPARK
    step, scale = wide / (len(known) - 1), (tall - 2) / ((high - low) or 1.0)
    at = " ".join(f"{n * step:.1f},{tall - 1 - (v - low) * scale:.1f}" for n, v in enumerate(known))
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{tall}">'
        f'<polyline fill="none" stroke="{theme.NEUTRAL}" points="{at}"/></svg>'
    )
    source = f"data:image/svg+xml,{quote(drawn)}"  # an image of its own: pages take no SVG
    return f'<img class="spark" alt="" width="{wide}" height="{tall}" src="{source}">'


DRAWN: Mapping[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "grade": _grade,
    "status": _status,
    "score": _score,
    "closes": _spark,
}
