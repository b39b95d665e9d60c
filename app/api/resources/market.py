"""Scans, gap statistics and symbols."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, Unpack

import polars as pl

from app.api.paging import MOST, PagedQuery
from app.api.resources.kernel import ResourceAnswer, document, listing
from core.domain.gaps.filters import GapLimits, changes
from core.errors import NotFoundError, UsageError
from core.service import bounds
from core.service.desk import Desk
from core.service.gaps import scans, statistics, symbols

PRICES = "prices.daily"
BARS = 250
_CANDIDATE = {"symbol": "AAA", "gap_pct": 4.2, "open": 104.2, "prior_close": 100.0, "score": 71.0,
              "flags": [], "grade": "A", "provisional": False}  # fmt: skip
_GAP = ("session", "gap_pct", "gap_type", "gap_atr", "rvol", "filled_same", "filled",
        "sessions_to_fill", "close_pct")  # fmt: skip
_BAR = ("session", "open", "high", "low", "close", "volume", "gap_pct")


def _day(text: str) -> date | None:
    if text == "latest":
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise _no_session("must be a day such as 2026-11-25, or latest") from None
    if wrong := bounds.fault(day):
        raise _no_session(f"cannot be {text}: {wrong}")
    return day


def _no_session(why: str) -> UsageError:
    return UsageError(f"the session {why}", fields=[("date", why)])


@document(
    "/scans/{date}",
    about=PRICES,
    pages=True,
    example={"date": "2026-11-25", "provisional": False, "candidates": [_CANDIDATE]},
)
def scan(
    desk: Desk,
    *,
    date: str,
    dataset: str | None = None,
    **limits: Unpack[GapLimits],
) -> ResourceAnswer:
    """The gap candidates of a session (a day, or `latest`) in pages, and what was left out.

    Of the names left out the thousand with the largest gaps.
    """
    found = scans.run(desk, _day(date), changes(limits), None, dataset)
    told = scans.document(found)
    told["count"], told["left_out"] = len(told["candidates"]), len(told["excluded"])
    told["excluded"] = told["excluded"][:MOST]
    frame = scans.frame(found)
    return ResourceAnswer(told, frame, as_of=found.gaps.session, paged="candidates")


@document(
    "/gaps/statistics",
    about=PRICES,
    example={"dataset": PRICES, "trades": 120, "buckets": [{"size": "2-4 %", "trades": 40}]},
)
def gap_statistics(
    desk: Desk,
    *,
    by: statistics.Bucket = "size",
    side: Literal["follow", "fade"] = "follow",
    stop_atr: float = 1.5,
    target_r: float = 2.0,
    hold_sessions: int = 5,
    cost_bps: float = 5.0,
    dataset: str | None = None,
    **limits: Unpack[GapLimits],
) -> dict[str, Any]:
    """What gaps like these did: how often they filled, and the back-test of the signal."""
    return statistics.backtest_command(
        desk,
        filters=changes(limits),
        side=side,
        stop_atr=stop_atr,
        target_r=target_r,
        hold_sessions=hold_sessions,
        cost_bps=cost_bps,
        by=by,
        dataset=dataset,
    )


@listing("/symbols", about=PRICES, stored=True, example=[{"symbol": "AAA"}])
def every_symbol(desk: Desk, *, q: str | None = None) -> PagedQuery:
    """The symbols with bars; with `q` those that begin with it."""
    names = [s for s in symbols.symbols(desk) if s.upper().startswith((q or "").upper())]

    def fetch(after: Any, limit: int) -> tuple[pl.DataFrame, Any]:
        if not isinstance(after, str | None):
            raise UsageError("the cursor is none of this list")
        rest = [s for s in names if after is None or s > after]
        shown = rest[:limit]
        frame = pl.DataFrame({"symbol": shown}, schema={"symbol": pl.String})
        return frame, shown[-1] if len(rest) > limit else None

    return PagedQuery(fetch)


@document(
    "/symbols/{symbol}",
    about=PRICES,
    example={"symbol": "AAA", "cik": 320193, "bars": [], "gaps": [], "filings": [], "grades": []},
)
def symbol(
    desk: Desk, *, symbol: str, as_of: date | None = None, dataset: str | None = None
) -> ResourceAnswer:
    """One name: its last 250 bars, its gaps with what followed, its filings and their grades."""
    name = symbol.strip().upper()
    if name not in symbols.symbols(desk, dataset):
        raise NotFoundError(f"there are no bars of {symbol[:20]!r}", hint="see: GET /symbols")
    found = symbols.view(desk, name, as_of, dataset)
    gaps = found.outcomes.sort("session", descending=True).head(BARS)
    bars = found.bars.tail(BARS).select(name for name in _BAR if name in found.bars.columns)
    told = {
        "symbol": found.symbol,
        "cik": found.cik,
        "provisional": found.provisional,
        "session": found.bars["session"][-1],
        "bars": bars.to_dicts(),
        "gaps": gaps.select(c for c in _GAP if c in gaps.columns).to_dicts(),
        "filings": found.filings.head(BARS).to_dicts(),
        "grades": symbols.grades(desk, found.cik, as_of).to_dicts(),
    }
    return ResourceAnswer(told, bars, as_of=as_of)
