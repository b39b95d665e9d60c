"""What the page *Symbol* is made of: the parts of a name's view, put together once per view."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
import streamlit as st

from components.charts import gaps as charts_gaps
from components.charts import intraday as charts_intraday
from components.kit import badges, formats, once, shell, theme
from components.parts import gaps
from core.domain.timetable import sessions as calendar
from core.service.desk import Desk
from core.service.gaps import intraday, symbols
from core.service.gaps.symbols import SymbolView

FILINGS_SHOWN = 200
HEIGHT = 540


@dataclass(frozen=True, slots=True)
class Look:
    """The last session of a view and the rows of its tables, newest first."""

    today: dict[str, Any]
    like: pl.DataFrame
    large: pl.DataFrame
    filings: pl.DataFrame


def look(view: SymbolView) -> Look:
    """The parts of a view that stay the same whatever span is shown."""
    return once.cached_for_object(view.bars, lambda: _look(view), "look")


def _look(view: SymbolView) -> Look:
    today = view.bars.row(-1, named=True)
    large = view.outcomes.filter(pl.col("gap_pct").abs() >= symbols.BOX_PCT)
    return Look(
        today,
        symbols.like(view, today["gap_pct"] or 0.0, today["session"]),
        large.sort("session", descending=True),
        view.filings.sort("accepted_at", descending=True).head(FILINGS_SHOWN),
    )


def stands(view: SymbolView, now: datetime) -> None:
    """Says what the last bar stands on while the session's own is still to come."""
    found = view.found
    if found is None:
        return
    opens, closes = calendar.hours_of(found.session)
    what = "Last print" if view.provisional else "Opened at"
    count = "1 print" if found.prints == 1 else f"{found.prints:,} prints"
    later = "; its bar is to come" if now >= closes else "; its bar is stored after the close"
    unseen = "; its open is not stored yet" if now >= opens else ""
    rest = unseen if view.provisional else later
    at = formats.when(found.at, shell.zone())
    st.markdown(
        f"{badges.turn(found.session, now)} {what} {formats.price(found.price)} at {at} · "
        f"{count} before the open · {badges.plain(found.source)}{rest}."
    )


def candles(
    view: SymbolView,
    seen: Look,
    sessions: int,
    colours: theme.Palette,
    height: int = HEIGHT,
    *,
    titled: bool = True,
) -> Any:
    """The figure of the last so many sessions, drawn once per view, span and palette."""
    make = lambda: _candles(view, seen, sessions, colours, height, titled)  # noqa: E731
    return once.cached_for_object(view.bars, make, "candles", sessions, colours, height, titled)


def _candles(
    view: SymbolView,
    seen: Look,
    sessions: int,
    colours: theme.Palette,
    height: int,
    titled: bool,
) -> Any:
    today, shown = seen.today, view.bars.tail(sessions)
    gap = "no gap" if today["gap_pct"] is None else f"gap {formats.pct(today['gap_pct'], 2)}"
    gap += ", provisional" if view.provisional else ""
    finding = gaps.finding(view.symbol, seen.like, today["gap_pct"])
    title = f"{view.symbol} {formats.day(today['session'])}: {gap}<br><sup>{finding}</sup>"
    return charts_gaps.candles(
        shown,
        symbols.boxes(view, shown["session"][0], today["session"]),
        view.filings,
        symbols.levels(view, today["session"]),
        title=title if titled else "",
        kept=f"daily {view.symbol} {sessions}",
        height=height,
        palette=colours,
    )


def charts(desk: Desk, view: SymbolView, seen: Look, sessions: int) -> None:
    """The daily chart, and beside it the session's minutes where they are stored."""
    today = intraday.intraday(desk, view.symbol, seen.today["session"])
    places = st.columns([3, 2], gap="small") if today else [st.container()]
    with places[0]:
        theme.show(
            candles(view, seen, sessions, theme.palette()),
            alt=f"Daily candles of {view.symbol} with gaps shaded until filled, filings and levels",
            key="candles",
        )
    if today:
        with places[1]:
            minutes(view, today)


def minutes(
    view: SymbolView, today: intraday.Intraday, height: int = HEIGHT, *, titled: bool = True
) -> None:
    """The session by the minute: what it did before the open, with levels, plan and filings."""
    theme.show(
        once.cached_for_object(
            today.bars,
            lambda: _minutes(view, today, height, titled),
            *("minutes", shell.zone(), theme.palette(), height, titled),
        ),
        alt=f"Candles of {view.symbol} by the minute on {formats.day(today.session)}, with its "
        "pre-market shaded, levels, plan and filings",
        key="minutes",
    )


def _minutes(view: SymbolView, today: intraday.Intraday, height: int, titled: bool) -> Any:
    levels = symbols.levels(view, today.session)
    return charts_intraday.candles(
        today,
        view.filings.filter(pl.col("session") == today.session),
        levels,
        title=charts_intraday.finding(today, levels.get("prior close")) if titled else "",
        zone=shell.zone(),
        palette=theme.palette(),
        height=height,
    )
