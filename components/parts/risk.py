"""What the page *Risk* is made of: limits, exposure, correlations, value at risk, stress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import polars as pl
import streamlit as st

from components.charts import plans as charts_plans
from components.charts import risk as charts_risk
from components.kit import badges, formats, lists, once, shell, tables, theme
from components.kit import saved_views as views
from core.domain.risk.types import LimitCheck
from core.service.desk import Desk
from core.service.trading import risk, trades
from core.service.trading.risk import RiskReport, replayed_drawdown

HOLDINGS = {
    "symbol": "Symbol",
    "plan_id": "Plan",
    "sector": "Sector",
    "direction": "Direction",
    "shares": "Shares",
    "value": "Value",
    "risk": "Risk to the stop",
}
HOLDING_LIST = lists.ListLook(
    name="holdings",
    alt="Plans and positions of the book",
    columns=HOLDINGS,
    link=lists.RowLink("symbol", "symbol"),
    card=("symbol", "direction", "shares", "value"),
    line="plan_id",
)
STRESS = {
    "name": "Stretch",
    "first": "From",
    "last": "To",
    "return_pct": "Return of today's book",
    "names": "Names with prices",
    "of": "Names held",
}


def report(desk: Desk, day: date | None) -> RiskReport:
    """The risk of the book on a session, reckoned once per commit; NotFoundError without prices."""
    return shell.cached_until_commit(desk, lambda: risk.report(desk, day), "risk report", day)


def account(desk: Desk, found: RiskReport) -> None:
    """The account in five figures."""
    currency = desk.settings.account_currency
    book = found.book
    shown = (
        ("Equity before the session", formats.money(float(book.equity), currency, 0)),
        ("Realised today", formats.money(float(book.realised), currency)),
        ("Open risk", formats.money(float(book.open_risk), currency)),
        ("Plans and positions", formats.number(len(book.holdings))),
        (f"Beta to {found.market}", formats.NOTHING if found.beta is None else f"{found.beta:.2f}"),
    )
    with st.grid(len(shown)):
        for label, value in shown:
            st.metric(label, value, border=True)


def limits(found: RiskReport) -> None:
    """Every limit of the book as a bar; the same checks that a plan must pass."""
    theme.show(
        once.cached(lambda: charts_plans.headroom(found.checks), "limits", found.checks),
        alt="Each limit of the book as a bar of what is used in percent of what is allowed",
        key="limits",
    )
    box = st.expander("The limits in words", key="limits_words", on_change="rerun")
    if views.is_open(box):
        with box:
            tables.show(
                once.cached(lambda: _in_words(found.checks), "limits in words", found.checks),
                {"limit": "Limit", "why": "Why"},
                alt="Each limit with what is used of it",
                widths={"why": 1000},
            )


def _in_words(checks: Sequence[LimitCheck]) -> pl.DataFrame:
    names = [charts_plans.NAMES[check.limit] for check in checks]
    return pl.DataFrame({"limit": names, "why": [c.sentence for c in checks]})


def exposure(desk: Desk, found: RiskReport) -> None:
    """Treemap and table of what is held, and how it moves together."""
    equity, currency = float(found.book.equity), desk.settings.account_currency
    with st.grid(2, gap="medium"):
        theme.show(
            once.cached(
                lambda: charts_risk.exposure_treemap(found.holdings, equity, currency),
                *("treemap", tuple(found.holdings.rows()), equity, currency, theme.palette()),
            ),
            alt="Exposure by sector and name; the area is the amount",
            key="treemap",
        )
        _correlations(desk, found)
    amount = pl.col("value").round(0).cast(pl.Int64)
    whole = once.cached_for_object(
        found.holdings, lambda: found.holdings.with_columns(amount), "whole"
    )
    lists.show(whole, HOLDING_LIST)


def _correlations(desk: Desk, found: RiskReport) -> None:
    symbols = sorted(set(found.holdings["symbol"]))
    if len(symbols) == 1:
        st.caption(f"{symbols[0]} is the only name of the book: it moves together with no other.")
        return
    threshold = desk.settings.correlation_threshold
    known = frozenset(found.correlations.items())
    theme.show(
        once.cached(
            lambda: charts_risk.correlation_heatmap(found.correlations, symbols, threshold),
            *("correlations", known, tuple(symbols), threshold),
        ),
        alt="Correlations of the names held over 60 sessions",
        key="correlations",
    )
    st.caption(f"Daily returns of the 60 sessions before {formats.day(found.session)}.")


def measures(found: RiskReport) -> None:
    """Value at risk by both methods, its test, and the drawdown of today's book."""
    if found.value_at_risk is None:
        shell.empty("No value at risk.", found.note or "There is no history to reckon it from.")
        return
    var = found.value_at_risk
    left, right = st.columns(2, gap="medium")
    with left:
        theme.show(
            _drawn(found, "var", lambda: charts_risk.var_histogram(found.returns, var)),
            alt="Histogram of the returns of today's book with both values at risk",
            key="var",
        )
        st.caption(_said(found))
    with right:
        theme.show(
            _drawn(
                found,
                "replayed",
                lambda: charts_risk.drawdown_area(replayed_drawdown(found), "Today's book"),
            ),
            alt="Fall from the peak had today's book been held all along",
            key="replayed_drawdown",
        )
        st.caption("Today's book at today's weights, held over the window.")


def _drawn(found: RiskReport, name: str, make: Callable[[], Any]) -> Any:
    """A figure drawn once while the measures are the same ones."""
    return once.cached_for_owner(
        found.stress, make, "risk", name, found.book.equity, theme.palette()
    )


def _said(found: RiskReport) -> str:
    var, test = found.value_at_risk, found.kupiec
    if var is None:
        return ""
    text = (
        f"{100 * var.confidence:.0f} % over {var.horizon} session, by both methods from "
        f"{var.window} sessions. "
        f"Beyond it the mean loss is {var.historical_shortfall * 100:.2f} % (historical), "
        f"{var.parametric_shortfall * 100:.2f} % (parametric)."
    )
    if test is not None:
        word = "fits" if test.accepted else "does not fit"
        text += (
            f" Exceptions: {test.exceptions} of {test.observations}, {test.expected:.1f} expected; "
            f"that {word} (Kupiec p = {test.p_value:.3f})."
        )
    return text


def stress(desk: Desk, found: RiskReport) -> None:
    """Named stretches of the past replayed on today's book."""
    if found.stress["return"].null_count() == found.stress.height:
        shell.section(
            "Stress of named stretches",
            "The stored prices of these names reach back to none of the stretches.",
        )
        return
    theme.show(
        _drawn(
            found,
            "stress",
            lambda: charts_risk.stress_bars(
                found.stress, float(found.book.equity), desk.settings.account_currency
            ),
        ),
        alt="Return of today's book in named stretches of the past",
        key="stress",
    )
    shown = (pl.col("return") * 100).alias("return_pct")
    table = once.cached_for_object(
        found.stress, lambda: found.stress.with_columns(shown), "in percent"
    )
    tables.show(table, STRESS, alt="Stress replays of named dates", key="stress_table")


def drawdown(desk: Desk) -> None:
    """The drawdown of the account itself, from the journal."""
    curve = shell.cached_until_commit(desk, lambda: trades.equity_curve(desk), "equity curve")
    if curve.height < 2:  # one day is no fall, and no line
        return
    theme.show(
        once.cached_for_object(
            curve, lambda: charts_risk.drawdown_area(curve, "The account", "day"), "drawn"
        ),
        alt="Fall of the account from its highest equity",
        key="drawdown",
    )


def note(found: RiskReport) -> None:
    """Why figures are missing."""
    if found.note:
        st.caption(badges.plain(found.note))
