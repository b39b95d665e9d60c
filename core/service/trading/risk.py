"""Risk of the book: limits in use, exposure, value at risk, stress, beta, drawdown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from core.domain.access.principals import Role
from core.domain.risk import exposure as risk_book
from core.domain.risk import measures as risk_measures
from core.domain.risk.checks import book_checks
from core.domain.risk.measures import Kupiec, ValueAtRisk
from core.domain.risk.types import Book, LimitCheck
from core.errors import OpenbellError
from core.service.cache import DERIVED
from core.service.gaps import session as scan_inputs
from core.service.kernel.commands import command
from core.service.trading import past_returns
from core.service.trading.current_book import current_book
from core.service.trading.limits import limits_of
from core.service.trading.plan_documents import checks_document
from core.store.settling import confirmed

if TYPE_CHECKING:
    from core.service.desk import Desk

STRESS_FROM = date(1998, 1, 1)


@dataclass(frozen=True, slots=True)
class RiskReport:
    """Everything the page *Risk* shows. Returns are of today's book at today's weights."""

    session: date
    book: Book
    checks: tuple[LimitCheck, ...]
    holdings: pl.DataFrame  # symbol, sector, direction, shares, value (signed), weight, risk
    exposure: pl.DataFrame  # per sector: long, short, gross, net, positions
    correlations: dict[frozenset[str], float]
    returns: pl.DataFrame  # session, return
    value_at_risk: ValueAtRisk | None
    kupiec: Kupiec | None
    beta: float | None
    market: str
    stress: pl.DataFrame
    note: str  # why figures are missing, if they are


def report(desk: Desk, session: date | None = None) -> RiskReport:
    """The book's risk on a session (default: the one to come once it has prints, else the latest
    stored); NotFoundError without prices.
    """
    store = desk.warehouse
    day = session or scan_inputs.session_now(desk)
    book = current_book(desk, store, day)
    holdings = _holdings(book)
    weights = dict(
        holdings.group_by("symbol").agg(pl.col("weight").sum()).sort("symbol").iter_rows()
    )
    key = (*_prices(desk), "risk", day, tuple(weights.items()), desk.settings.var_window)
    key = (*key, desk.settings.var_confidence, desk.settings.market_symbol)
    key = (*key, *(tuple(sorted(confirmed(store, symbol))) for symbol in weights))
    past = DERIVED.get(key, lambda: _past(desk, weights, day))
    return RiskReport(
        session=day,
        book=book,
        checks=book_checks(book, limits_of(desk.settings)),
        holdings=holdings,
        exposure=risk_book.exposure(holdings),
        correlations=dict(book.correlations),
        note=past["problem"] if weights else "No plan is open and no position is held.",
        **{name: value for name, value in past.items() if name != "problem"},
    )


def _prices(desk: Desk) -> tuple[object, ...]:
    """Identity of the prices behind the measures."""
    return scan_inputs.version(desk, scan_inputs.dataset_of(desk, "prices.daily"))


def _past(desk: Desk, weights: dict[str, float], day: date) -> dict[str, Any]:
    """What the past says of a book with these weights; reckoned once per prices and book."""
    moves = _moves(desk, list(weights), day)
    returns = _book_returns(desk, moves, weights)
    measured, kupiec, problem = _measure(desk, returns)
    market, beta = _beta(desk, returns, day)
    return {
        "returns": returns.tail(desk.settings.var_window),
        "value_at_risk": measured,
        "kupiec": kupiec,
        "beta": beta,
        "market": market,
        "stress": risk_book.stress(moves, weights),
        "problem": problem,
    }


def _holdings(book: Book) -> pl.DataFrame:
    equity = float(book.equity) or 1.0
    rows = [
        (h.plan_id, h.symbol, h.sector, h.direction, h.shares, float(h.signed), float(h.risk))
        for h in book.holdings
    ]
    schema = {
        "plan_id": pl.String,
        "symbol": pl.String,
        "sector": pl.String,
        "direction": pl.String,
        "shares": pl.Int64,
        "value": pl.Float64,
        "risk": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        (pl.col("value") / equity).alias("weight")
    )


def _moves(desk: Desk, symbols: list[str], day: date) -> pl.DataFrame:
    return past_returns.returns_of(desk, desk.warehouse, symbols, STRESS_FROM, day)


def _book_returns(desk: Desk, moves: pl.DataFrame, weights: dict[str, float]) -> pl.DataFrame:
    """Twice the window: the second half is judged by the first (Kupiec)."""
    return risk_book.book_returns(moves, weights).tail(2 * desk.settings.var_window)


def _measure(desk: Desk, returns: pl.DataFrame) -> tuple[ValueAtRisk | None, Kupiec | None, str]:
    window, confidence = desk.settings.var_window, desk.settings.var_confidence
    try:
        found = risk_measures.value_at_risk(returns["return"].tail(window), confidence)
    except OpenbellError as error:
        return None, None, error.message
    past = risk_measures.rolling_exceptions(returns["return"], window, confidence)
    if past.is_empty():
        return found, None, ""
    return found, risk_measures.kupiec(past.height, int(past["exception"].sum()), confidence), ""


def _beta(desk: Desk, returns: pl.DataFrame, day: date) -> tuple[str, float | None]:
    """Beta over the window against the market symbol, else against the mean of all names."""
    recent = returns.tail(desk.settings.var_window)
    if recent.is_empty():
        return desk.settings.market_symbol, None
    first = recent["session"][0] - timedelta(days=7)
    symbol = desk.settings.market_symbol
    found = past_returns.returns_of(desk, desk.warehouse, [symbol], first, day)
    if found.is_empty():
        symbol, market = "mean of all names", past_returns.mean_market(desk, first, day)
    else:
        market = risk_book.market_returns(found, symbol)
    both = recent.join(market.rename({"return": "market"}), on="session").sort("session")
    return symbol, risk_measures.beta(both["return"], both["market"])


@command("risk", needs=Role.VIEWER)
def risk_command(desk: Desk, *, date: date | None = None) -> dict[str, Any]:
    """Limits in use and the risk of the book."""
    return risk_document(desk, report(desk, date))


def risk_document(desk: Desk, found: RiskReport) -> dict[str, Any]:
    """A report as the JSON of the command `risk`."""
    var, test = found.value_at_risk, found.kupiec
    return {
        "session": found.session,
        "currency": desk.settings.account_currency,
        "equity": found.book.equity,
        "peak": found.book.peak,
        "realised_today": found.book.realised,
        "open_risk": found.book.open_risk,
        "checks": checks_document(found.checks),
        "holdings": found.holdings.to_dicts(),
        "exposure": found.exposure.to_dicts(),
        "correlations": [
            {"symbols": sorted(pair), "correlation": value}
            for pair, value in sorted(found.correlations.items(), key=lambda item: sorted(item[0]))
        ],
        "value_at_risk": None if var is None else _var_document(var),
        "kupiec": None
        if test is None
        else {
            "observations": test.observations,
            "exceptions": test.exceptions,
            "expected": test.expected,
            "statistic": test.statistic,
            "p_value": test.p_value,
            "accepted": test.accepted,
        },
        "beta": found.beta,
        "market": found.market,
        "max_drawdown_pct": risk_measures.max_drawdown(found.returns["return"]) * 100,
        "stress": found.stress.to_dicts(),
        "note": found.note,
    }


def _var_document(var: ValueAtRisk) -> dict[str, Any]:
    return {
        "confidence": var.confidence,
        "horizon_sessions": var.horizon,
        "window_sessions": var.window,
        "historical_pct": var.historical * 100,
        "historical_shortfall_pct": var.historical_shortfall * 100,
        "parametric_pct": var.parametric * 100,
        "parametric_shortfall_pct": var.parametric_shortfall * 100,
    }


def replayed_drawdown(found: RiskReport) -> pl.DataFrame:
    """Fall from the peak of today's book over the window: session, drawdown_pct."""
    fall = risk_measures.drawdown(found.returns["return"]) * 100
    return found.returns.select("session").with_columns(fall.alias("drawdown_pct"))
