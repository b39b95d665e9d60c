"""Widgets of the book and of the desk itself: risk, limits, plans, holdings, freshness."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from decimal import Decimal

import polars as pl

from app.api.resources import trading_documents as told
from app.openbb.kernel import Param, WidgetColumn, other, table
from core.domain.quality.model import default_ruleset
from core.service.desk import Desk
from core.service.pulls import datasets
from core.service.trading import proposals, risk
from core.service.trading.plan_documents import checks_document
from core.store.plans import OPEN, OVER, WAITING

BOOK, DESK = "Book", "Desk"
STATES = (proposals.PROPOSED, WAITING, OPEN, *OVER)
_SYMBOL = WidgetColumn("symbol", "Symbol", pinned=True, leads="symbol", width=100)
DAY = Param("date", "Session", "A session; empty for the latest", "date")


@other("risk", "Risk of the book", BOOK, "metric", params=[DAY], tool="risk")
def book_risk(desk: Desk, *, date: date | None = None) -> list[dict[str, str]]:
    """Equity, open risk and value at risk of the book on a session."""
    found = risk.report(desk, date)
    currency, book, var = desk.settings.account_currency, found.book, found.value_at_risk
    share = None if var is None else var.historical * 100
    unknown = found.note or "not known"
    return [
        _metric("Equity", _money(book.equity, currency), f"on {found.session}"),
        _metric("Open risk", _money(book.open_risk, currency), "if every stop is hit"),
        _metric("Realised today", _money(book.realised, currency), ""),
        _metric("Positions and plans", str(found.holdings.height), ""),
        _metric("Value at risk", "–" if share is None else f"{share:.2f} %",
                unknown if var is None else f"{var.confidence:.0%} of sessions lose no more"),
        _metric("Beta", "–" if found.beta is None else f"{found.beta:.2f}", found.market),
    ]  # fmt: skip


def _metric(label: str, value: str, told_of_it: str) -> dict[str, str]:
    return {"label": label, "value": value, "subvalue": told_of_it}


def _money(value: Decimal | float, currency: str) -> str:
    return f"{value:,.2f} {currency}"


@table(
    "limits",
    "Limits in use",
    BOOK,
    columns=[
        WidgetColumn("limit", "Limit", pinned=True, width=150),
        WidgetColumn("used", "Used", "number", 2),
        WidgetColumn("allowed", "Allowed", "number", 2),
        WidgetColumn("headroom", "Left", "number", 2),
        WidgetColumn("unit", "Unit", width=90),
        WidgetColumn("ok", "Holds", "boolean", width=90),
        WidgetColumn("sentence", "In words", width=420),
    ],
    params=[DAY],
    tool="risk",
    fresh_minutes=1,
)
def limits(desk: Desk, *, date: date | None = None) -> pl.DataFrame:
    """How much of each limit the book takes on a session."""
    rows = checks_document(risk.report(desk, date).checks)
    return pl.DataFrame(rows, infer_schema_length=None)


@table(
    "holdings",
    "Holdings",
    BOOK,
    columns=[
        _SYMBOL,
        WidgetColumn("sector", "Sector"),
        WidgetColumn("direction", "Direction", width=100),
        WidgetColumn("shares", "Shares", "number", 0),
        WidgetColumn("value", "Value", "number", 2, signed=True),
        WidgetColumn("weight", "Share of equity", "number", 4),
        WidgetColumn("risk", "Risk to the stop", "number", 2),
        WidgetColumn("plan_id", "Plan", width=190),
    ],
    params=[DAY],
)
def holdings(desk: Desk, *, date: date | None = None) -> pl.DataFrame:
    """What is held or approved on a session, with its risk to the stop."""
    return risk.report(desk, date).holdings


@table(
    "plans",
    "Plans",
    BOOK,
    columns=[
        _SYMBOL,
        WidgetColumn("state", "State", width=110),
        WidgetColumn("session", "Session", "dateString", width=110),
        WidgetColumn("direction", "Direction", width=100),
        WidgetColumn("entry", "Entry", "number", 2),
        WidgetColumn("stop", "Stop", "number", 2),
        WidgetColumn("shares", "Shares", "number", 0),
        WidgetColumn("risk", "Risk", "number", 2),
        WidgetColumn("notional", "Notional", "number", 2),
        WidgetColumn("grade", "Grade", width=80),
        WidgetColumn("status", "Status"),
        WidgetColumn("proposed_by", "Proposed by"),
        WidgetColumn("decided_by", "Decided by"),
        WidgetColumn("reason", "Why", width=240),
        WidgetColumn("plan_id", "Plan", width=190),
    ],
    params=[
        Param("state", "State", "One state; empty for all", "text", None, STATES),
        Param("symbol", "Symbol", "A symbol; empty for all"),
    ],
    fresh_minutes=1,
)
def plans(desk: Desk, *, state: str | None = None, symbol: str | None = None) -> pl.DataFrame:
    """Trade plans that wait for a decision and those decided on, newest first."""
    return told.plans_frame(desk, state, symbol)


@table(
    "freshness",
    "How fresh the data are",
    DESK,
    columns=[
        WidgetColumn("name", "Dataset", pinned=True, width=180),
        WidgetColumn("freshness", "Freshness", width=110),
        WidgetColumn("data_until", "Reaches up to", width=180),
        WidgetColumn("sessions_behind", "Sessions behind", "number", 0),
        WidgetColumn("rows", "Rows", "number", 0),
        WidgetColumn("rows_rejected", "Rejected", "number", 0),
        WidgetColumn("last_success", "Last pull", width=180, tooltip="UTC"),
        WidgetColumn("next_due", "Next due", width=180, tooltip="UTC"),
        WidgetColumn("last_error", "Last error", width=320),
    ],
    tool="freshness",
    fresh_minutes=1,
)
def freshness(desk: Desk) -> pl.DataFrame:
    """How fresh each dataset is, what it reaches up to, and what went wrong last."""
    rows = [asdict(status) for status in datasets.overview(desk)]
    return pl.DataFrame(rows, infer_schema_length=None, strict=False)


@other("about", "About these data", DESK, "markdown")
def about(desk: Desk) -> str:
    """Whether the data are simulated, what they reach up to, and the rules of the grades."""
    rows = [status for status in datasets.overview(desk) if status.data_until is not None]
    lines = ["**Simulated data.**", ""] if desk.settings.simulated else []
    lines += [f"Told at {desk.now().isoformat(timespec='minutes').replace('+00:00', 'Z')}.", ""]
    lines += [f"- {row.name}: up to {row.data_until:%Y-%m-%d}, {row.freshness}" for row in rows]
    return "\n".join([*lines, "", f"Grades by the rules {default_ruleset().id}."])
