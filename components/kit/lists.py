"""A list of rows as HTML: the name a link, heads over their figures, bars, grades and words.

The browser sorts it, moves in it by key and follows its links without loading the page anew
(app/static/lists.js). The same rows are cards on a phone and are printed whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from html import escape
from typing import Any
from urllib.parse import quote

import polars as pl
import streamlit as st

from components.kit import badges, formats, grids, links, once, rows, shell, theme
from core.domain.gaps.scoring import COMPONENTS

ROW_PIXELS = 27
SPARK = (84, 18)  # pixels of a small chart
PCT = "_pct"
MOST = 500  # rows of a list
LONG = 210  # pixels that any text may have; what is given more is wrapped, never cut
SHARE = "40cqw"  # of the list, that long texts have before they are wrapped


@dataclass(frozen=True, slots=True)
class RowLink:
    """Where the cell of `column` leads: a page with the row's `value` (by default that of the
    cell) as a parameter of its address, and `more` of the row: name in the address -> column.

    A row without that value leads nowhere.
    """

    page: str
    parameter: str
    column: str = "symbol"
    value: str = ""
    given: tuple[tuple[str, str], ...] = ()
    more: tuple[tuple[str, str], ...] = ()

    def key(self, row: Mapping[str, Any]) -> str | None:
        """What the row is called in the address."""
        value = row[self.value or self.column]
        return None if value is None else str(value)

    def url(self, row: Mapping[str, Any]) -> str:
        """The address that a row leads to."""
        asked = {self.parameter: self.key(row) or "", **dict(self.given)}
        asked |= {name: str(row[column]) for name, column in self.more}
        return links.url(self.page, {key: value for key, value in asked.items() if value})


@dataclass(frozen=True)
class ListLook:
    """How a list is drawn. `columns`: name -> heading, the linked one first.

    `card`: the columns of a card's first line, `line` the one below it; `labelled`: cards have all
    columns, each with its heading; `paper`: those printed (default all); `help`: tooltips of heads;
    `widths`: pixels of long texts (wrapped); `height`: rows in view; `wide` and `wider`: columns
    for lists from 860 and 1,150 pixels on.
    """

    name: str
    alt: str
    columns: Mapping[str, str]
    link: RowLink | None
    card: Sequence[str] = ()
    line: str = ""
    paper: Sequence[str] = ()
    help: Mapping[str, str] = field(default_factory=dict)
    height: int = 18
    wide: Sequence[str] = ()
    wider: Sequence[str] = ()
    widths: Mapping[str, int] = field(default_factory=dict)
    labelled: bool = False

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """What stands for it in a key of `once`."""
        looks = (
            *(self.card, self.paper),
            *(part.items() for part in (self.help, self.columns, self.widths)),
        )
        widths = (tuple(self.wide), tuple(self.wider))
        parts = (tuple(part) for part in looks)
        return (self.name, self.link, self.line, self.height, self.labelled, *widths, *parts)


def show(frame: pl.DataFrame, listing: ListLook, *, picked: str | None = None) -> None:
    """Draw the list, the row of the `picked` name marked."""
    st.html(text(frame, listing, picked=picked))


def text(frame: pl.DataFrame, listing: ListLook, *, picked: str | None = None) -> str:
    """The list as this reader sees it, as HTML for an element that holds more than it."""
    zone, palette = shell.zone(), theme.palette()
    make = lambda: html(frame, listing, None, zone, palette)  # noqa: E731
    # kept without its mark: a reader may name anything, and each list would be kept beside the rest
    return marked(once.cached_for_object(frame, make, "list", *listing.key, zone, palette), picked)


def marked(drawn: str, picked: str | None) -> str:
    """A list with the rows of that name marked."""
    if not picked:
        return drawn
    row = f'<tr data-key="{escape(picked)}"'
    return drawn.replace(f"{row}>", f'{row} class="picked" aria-selected="true">')


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
    words = {name: _heading(name, listing) for name in names}
    heads = "".join(_head(name, listing, kinds[name], words[name]) for name in names)
    tags = {name: _tag(name, kinds[name], listing, words[name]) for name in names}
    body = "".join(
        _row(row, names, tags, listing, zone) for row in frame.head(MOST).iter_rows(named=True)
    )
    rest = frame.height - MOST
    more = f"<p>and {rest:,} more rows</p>" if rest > 0 else ""
    kind = "rows list cards" if listing.card or listing.labelled else "rows list"
    kind += " labelled" if listing.labelled else ""
    kind += "" if palette == theme.SAFE else " redgreen"
    tall = f"max-height:{(listing.height + 1) * ROW_PIXELS + 6}px"
    drawn = (
        f'<div class="{kind}" data-list="{escape(listing.name)}" style="{tall}">'
        f'<table aria-label="{escape(listing.alt)}"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table>{more}</div>"
    )
    return marked(drawn, picked)


def _kind(name: str, dtype: pl.DataType, listing: ListLook) -> str:
    words = ["number"] if dtype.is_numeric() and name not in rows.NAMES else []
    if listing.card:
        words += ["line"] if name == listing.line else [] if name in listing.card else ["rest"]
    if listing.paper and name not in listing.paper:
        words.append("screen")
    words += [word for word in ("wide", "wider") if name in getattr(listing, word)]
    return " ".join([*words, f"c-{name}"])


def _heading(name: str, listing: ListLook) -> str:
    unit = ", %" if name.endswith(PCT) and name not in rows.WHOLE else ""
    return f"{listing.columns[name]}{unit}"


def _head(name: str, listing: ListLook, kind: str, words: str) -> str:
    tip = listing.help.get(name, "")
    title = f' title="{escape(tip)}"' if tip else ""
    return f'<th scope="col" class="{kind}" tabindex="0"{title}>{escape(words)}</th>'


def _tag(name: str, kind: str, listing: ListLook, words: str) -> str:
    """What all cells of a column have in common."""
    label = f' data-head="{escape(words)}"' if listing.labelled else ""
    wide = listing.widths.get(name, 0)
    if wide <= LONG:
        return f'class="{kind}"{label}'
    return f'class="long {kind}"{label} style="max-width:{wide}px;min-width:min({wide}px,{SHARE})"'


def _row(
    row: Mapping[str, Any],
    names: Sequence[str],
    tags: Mapping[str, str],
    listing: ListLook,
    zone: str,
) -> str:
    cells = "".join(
        f"<td {_left_out(tags[name], row[name], listing)}{_place(name, row[name])}"
        f"{_tip(name, row[name])}>"
        f"{_cell(name, row, listing, zone)}</td>"
        for name in names
    )
    key = listing.link.key(row) if listing.link else None
    return f"<tr>{cells}</tr>" if key is None else f'<tr data-key="{escape(key)}">{cells}</tr>'


def _left_out(tag: str, value: Any, listing: ListLook) -> str:
    """The tag of a cell; a card leaves out what is not known."""
    return tag.replace('class="', 'class="none ', 1) if listing.labelled and value is None else tag


def _place(name: str, value: Any) -> str:
    """Where a cell belongs among those of its column, if its words do not tell that."""
    if isinstance(value, datetime):
        return f' data-place="{value.timestamp():.3f}"'
    if isinstance(value, date):
        return f' data-place="{value.toordinal()}"'
    return f' data-place="{value}"' if value is not None and rows.is_size(name) else ""


def _tip(name: str, value: Any) -> str:
    long = isinstance(value, str) and len(value) > 18 and not name.endswith("url")
    return f' title="{escape(value)}"' if long else ""


def _cell(name: str, row: Mapping[str, Any], listing: ListLook, zone: str) -> str:
    value, link = row[name], listing.link
    if link and name == link.column and link.key(row) is not None:
        return _way(link.url(row), rows.told(name, value, zone))
    if name == "grade" and value is None:
        value = "NR"  # as in grids and badges
    if value is None:
        return formats.NOTHING
    drawn = DRAWN.get(name)
    return drawn(value, row) if drawn else _written(name, value, zone)


def _written(name: str, value: Any, zone: str) -> str:
    if name in grids.SYMBOLS:
        return _way(links.url("symbol", {"symbol": str(value)}), str(value), "other")
    if name in grids.CHIPS and isinstance(value, str):
        return _chip(value, grids.CHIPS[name])
    if name == "url" or name.endswith("_url"):
        return _out(str(value))
    if name in grids.SIGNED:
        return _signed(value)
    told = rows.told(name, value, zone)
    return escape(told if isinstance(value, str) else told.removesuffix(" %"))  # heads have it


def _way(address: str, words: str, kind: str = "") -> str:
    given = f' class="{kind}"' if kind else ""
    return f'<a href="{escape(address)}" target="_self"{given}>{escape(words)}</a>'


def _chip(word: str, hues: Mapping[str, str]) -> str:
    """A word in an outline of its colour."""
    if not word:
        return ""
    hue = badges.HUES.get(hues.get(word, "gray"), badges.HUES["gray"])
    return f'<span class="status" style="border-color:{hue}">{escape(word)}</span>'


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
    if value == formats.NOTHING:
        return value  # what cannot have one
    back, text = badges.GRADE_COLORS.get(value, badges.UNGRADED)
    style = f"background:{back};color:{text}"
    return f'<span class="grade" style="{style}">{escape(value)}</span>'


def _percent(value: float, _: Mapping[str, Any]) -> str:
    """How far work is, as a bar and in figures."""
    part = f'<i class="p0" style="width:{min(max(value, 0.0), 100.0):.1f}%"></i>'
    return f'<span class="bar">{part}</span><b>{value:.0f} %</b>'


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
    return _curve(known, min(known), max(known)) if len(known) > 1 else ""


def _trend(values: Sequence[float | None], _: Mapping[str, Any]) -> str:
    """Scores, between none and all of a hundred points."""
    known = [value for value in values if value is not None]
    return _curve(known, 0.0, 100.0) if len(known) > 1 else ""


def _curve(known: Sequence[float], low: float, high: float) -> str:
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
    "score": _score,
    "percent": _percent,
    "closes": _spark,
    "trend": _trend,
}
