"""Widgets of gaps: the scan, what was left out, fill rates, the back-test, one symbol."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, get_args

import polars as pl

from app.openbb import figures
from app.openbb.kernel import Chart, Param, WidgetColumn, other, table
from core.domain.gaps import outcomes as rules
from core.domain.gaps.filters import GapLimits, changes
from core.errors import NotFoundError
from core.service.desk import Desk
from core.service.filings import companies
from core.service.gaps import scans, statistics, symbols

GAPS, PRICES = "Gaps", "Prices"
BARS = 250
Bucket = statistics.Bucket


def first_symbol(desk: Desk) -> str:
    """The symbol that is shown unless another is asked for: of the watch list, else any."""
    there = symbols.symbols(desk)
    followed = companies.watch_list(desk)["symbol"].to_list()
    return next((name for name in followed if name in set(there)), there[0] if there else "")


SYMBOL = Param("symbol", "Symbol", "A ticker with bars", "endpoint", first_symbol, (), "symbols")
DAY = Param("date", "Session", "A session; empty for the latest", "date")
LEAST = Param("min_gap_pct", "Least gap %", "The smallest gap that is shown", "number")
BY = Param("by", "Group by", "What gaps are grouped by", "text", "size", get_args(Bucket))
_SYMBOL = WidgetColumn("symbol", "Symbol", pinned=True, leads="symbol", width=100)
_GAP = WidgetColumn("gap_pct", "Gap %", "number", 2, percent=True, signed=True, width=100)
_TRUE = WidgetColumn("provisional", "Provisional", "boolean", tooltip="before its open is official")


def _scan(desk: Desk, day: date | None, least: float | None) -> scans.Scan:
    limits: GapLimits = {"min_gap_pct": least}
    found = scans.run(desk, day, changes(limits))
    if day is not None and found.gaps.session != day:
        raise NotFoundError(f"no session of {day} is held here")
    return found


@table(
    "gap_scan",
    "Gap scan",
    GAPS,
    columns=[
        _SYMBOL,
        WidgetColumn("session", "Session", "dateString", width=110),
        _GAP,
        WidgetColumn("open", "Open", "number", 2),
        WidgetColumn("prior_close", "Prior close", "number", 2),
        WidgetColumn("gap_ex_div_pct", "Gap ex dividend %", "number", 2, percent=True, signed=True),
        WidgetColumn("score", "Score", "number", 1, tooltip="0 to 100, by the desk's weights"),
        WidgetColumn("gap_atr", "Gap in ATR", "number", 2),
        WidgetColumn("rvol", "Relative volume", "number", 2),
        WidgetColumn("dollar_volume", "Dollar volume", "number", 0),
        WidgetColumn("gap_type", "Type"),
        WidgetColumn("story", "Story"),
        WidgetColumn("catalysts", "Filings", width=240),
        WidgetColumn("grade", "Grade", tooltip="of the last report before the session"),
        WidgetColumn("status", "Status", tooltip="what became of that report"),
        WidgetColumn("flags", "Flags"),
        _TRUE,
    ],
    params=[DAY, LEAST],
    tool="scan",
    fresh_minutes=1,
)
def gap_scan(
    desk: Desk, *, date: date | None = None, min_gap_pct: float | None = None
) -> pl.DataFrame:
    """The gap candidates of a session, best score first, with the grade of each company."""
    return scans.frame(_scan(desk, date, min_gap_pct))


@other("gap_chart", "Gaps of the session", GAPS, "chart", params=[DAY, LEAST], raw=True)
def gap_chart(desk: Desk, *, date: date | None = None, min_gap_pct: float | None = None) -> Chart:
    """The gaps of a session's candidates as bars, largest first."""
    rows = scans.frame(_scan(desk, date, min_gap_pct)).select("symbol", "gap_pct", "score")
    rows = rows.sort("gap_pct", "symbol", descending=[True, False])
    return Chart(figures.bars(rows, "symbol", "gap_pct", "gap in percent"), rows)


@table(
    "gaps_left_out",
    "Gaps left out",
    GAPS,
    columns=[
        _SYMBOL,
        _GAP,
        WidgetColumn("reason", "Why", width=320),
        WidgetColumn("words", "Flags"),
    ],
    params=[DAY, LEAST],
    fresh_minutes=1,
)
def gaps_left_out(
    desk: Desk, *, date: date | None = None, min_gap_pct: float | None = None
) -> pl.DataFrame:
    """The gaps of a session that are no candidates, largest first, with the reason of each."""
    return _scan(desk, date, min_gap_pct).excluded


@table(
    "gap_statistics",
    "How often gaps fill",
    GAPS,
    columns=[
        WidgetColumn("bucket", "Group", pinned=True, width=140),
        WidgetColumn("n", "Gaps", "number", 0),
        WidgetColumn("k", "Filled that day", "number", 0),
        WidgetColumn("rate_pct", "Filled %", "number", 1, percent=True),
        WidgetColumn("low_pct", "At least %", "number", 1, percent=True, tooltip="95 % interval"),
        WidgetColumn("high_pct", "At most %", "number", 1, percent=True, tooltip="95 % interval"),
        WidgetColumn("median_sessions", "Median sessions to fill", "number", 1),
        WidgetColumn("enough", "Enough", "boolean", tooltip="30 gaps or more"),
    ],
    params=[BY, LEAST],
    tool="gap_statistics",
)
def gap_statistics(
    desk: Desk, *, by: Bucket = "size", min_gap_pct: float | None = None
) -> pl.DataFrame:
    """How often gaps like these filled in their session, over all sessions that are held."""
    limits: GapLimits = {"min_gap_pct": min_gap_pct}
    bounds = scans.default_filters(desk).changed(changes(limits))
    known = statistics.filtered(statistics.history(desk), bounds)
    found = rules.rates(known, [] if by == "all" else [by], "fill in the session")
    return found.rename({by: "bucket"}).with_columns(pl.col("bucket").cast(pl.String))


@table(
    "gap_backtest",
    "Back-test of the gap signal",
    GAPS,
    columns=[
        WidgetColumn("bucket", "Group", pinned=True, width=140),
        WidgetColumn("n", "Trades", "number", 0),
        WidgetColumn("mean_r", "Mean R", "number", 2, signed=True),
        WidgetColumn("low_r", "At least", "number", 2, tooltip="95 % interval"),
        WidgetColumn("high_r", "At most", "number", 2, tooltip="95 % interval"),
        WidgetColumn("win_pct", "Won %", "number", 1, percent=True),
        WidgetColumn("profit_factor", "Profit factor", "number", 2),
        WidgetColumn("enough", "Enough", "boolean", tooltip="30 trades or more"),
    ],
    params=[
        BY,
        Param(
            "side", "Side", "Trade with the gap or against it", "text", "follow", ("follow", "fade")
        ),
        LEAST,
    ],
    tool="gap_statistics",
)
def gap_backtest(
    desk: Desk,
    *,
    by: Bucket = "size",
    side: Literal["follow", "fade"] = "follow",
    min_gap_pct: float | None = None,
) -> pl.DataFrame:
    """What trades of the gap signal came to, in multiples of the risk, by group."""
    limits: GapLimits = {"min_gap_pct": min_gap_pct}
    found = statistics.backtest_command(desk, filters=changes(limits), side=side, by=by)
    rows = [{**row, "bucket": str(row[by])} for row in found["buckets"]]
    return pl.DataFrame(rows, schema_overrides=_BUCKETS) if rows else pl.DataFrame(schema=_BUCKETS)


_BUCKETS: dict[str, Any] = {
    "bucket": pl.String, "n": pl.Int64, "mean_r": pl.Float64, "low_r": pl.Float64,
    "high_r": pl.Float64, "win_pct": pl.Float64, "profit_factor": pl.Float64, "enough": pl.Boolean,
}  # fmt: skip


def _view(desk: Desk, symbol: str) -> symbols.SymbolView:
    name = symbol.strip().upper()
    if name not in symbols.symbols(desk):
        raise NotFoundError(f"there are no bars of {symbol[:20]!r}", hint="choose another symbol")
    return symbols.view(desk, name)


@other("symbol_chart", "Daily chart", PRICES, "chart", params=[SYMBOL], raw=True)
def symbol_chart(desk: Desk, *, symbol: str) -> Chart:
    """Daily candles of a symbol on one share basis, with its open gaps and filings."""
    found = _view(desk, symbol)
    bars = found.bars.tail(BARS)
    names = ("session", "open", "high", "low", "close", "volume", "gap_pct")
    return Chart(figures.candles(found, bars), bars.select(names))


@table(
    "symbol_gaps",
    "Gaps of a symbol",
    GAPS,
    columns=[
        WidgetColumn("session", "Session", "dateString", pinned=True, width=110),
        _GAP,
        WidgetColumn("gap_type", "Type"),
        WidgetColumn("gap_atr", "Gap in ATR", "number", 2),
        WidgetColumn("rvol", "Relative volume", "number", 2),
        WidgetColumn("filled_same", "Filled that day", "boolean"),
        WidgetColumn(
            "sessions_to_fill", "Sessions to fill", "number", 0, tooltip="0: the same day"
        ),
        WidgetColumn(
            "close_pct",
            "Close from open %",
            "number",
            2,
            percent=True,
            signed=True,
            tooltip="in the direction of the gap",
        ),
    ],
    params=[SYMBOL],
)
def symbol_gaps(desk: Desk, *, symbol: str) -> pl.DataFrame:
    """The gaps of a symbol of at least 1 %, newest first, and what followed each."""
    rows = _view(desk, symbol).outcomes.sort("session", descending=True)
    return rows.with_columns(pl.col("gap_type").cast(pl.String))
