"""What the page *Journal* is made of: account, entries, trial balance, results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import streamlit as st

from components.charts import journal as charts_journal
from components.charts import risk as charts_risk
from components.kit import address, formats, once, reader, shell, tables, theme
from components.kit import saved_views as views
from core.domain.trading.trade_stats import summary
from core.service.desk import Desk
from core.service.kernel import exports
from core.service.trading import journal, trades

ENTRIES = {
    "entry_no": "No.",
    "effective": "Day",
    "kind": "Kind",
    "memo": "Memo",
    "account": "Account",
    "debit": "Debit",
    "credit": "Credit",
    "quantity": "Shares",
    "plan_id": "Plan",
    "happened_at": "Posted",
}
BALANCE = {
    "account": "Account",
    "debit": "Debits",
    "credit": "Credits",
    "balance": "Balance",
    "postings": "Postings",
}
TRADES = {
    "plan_id": "Plan",
    "direction": "Direction",
    "shares": "Shares",
    "entry": "Entry",
    "exit": "Exit",
    "realised": "Result",
    "realised_r": "R",
    "mfe_r": "MFE, R",
    "mae_r": "MAE, R",
    "exit_reason": "Left by",
    "entry_session": "In",
    "exit_session": "Out",
    "tag": "Tag",
    "bucket": "Gap",
}
GROUP = {
    "n": "Trades",
    "win_pct": "Won",
    "expectancy_r": "Expectancy, R",
    "mean_win_r": "Mean win, R",
    "mean_loss_r": "Mean loss, R",
    "profit_factor": "Profit factor",
    "realised": "Result",
}


GROUPS = {"tag": "tag", "bucket": "gap size"}


def account(desk: Desk) -> None:
    """The account in six figures, from the postings."""
    found = shell.cached_until_commit(desk, lambda: journal.summary(desk), "journal summary")
    currency = found["currency"]
    shown = ("equity", "cash", "realised", "unrealised", "fees", "slippage")
    with st.grid(len(shown)):
        for name in shown:
            text = formats.money(float(found[name]), currency)
            st.metric(name.capitalize(), text, border=True)


def results(desk: Desk) -> None:
    """Equity, drawdown, R distribution, excursions and groups."""
    table = shell.cached_until_commit(desk, lambda: trades.frame(desk), "paper trades")
    curve = shell.cached_until_commit(desk, lambda: trades.equity_curve(desk), "equity curve")
    closed = table["exit_session"].count()
    if not closed:
        shell.empty(
            "No trade is closed yet.",
            "Approved plans are filled and closed by the bars of later sessions (Plans, Decided, "
            "Settle by stored bars); then results in R and groups are here.",
            page="plans",
            label="Open the decided plans",
            view="Decided",
        )
    if curve.height > 1:
        _account_over_time(desk, curve)
    if closed:
        _closed(table)
    if table.height:
        tables.show(table, TRADES, alt="Paper trades with their results", key="trades")


def _account_over_time(desk: Desk, curve: pl.DataFrame) -> None:
    currency = desk.settings.account_currency
    with st.grid(2, gap="medium"):
        _chart(
            curve,
            lambda: charts_journal.equity_curve(curve, currency),
            *("Equity of the account by day", "equity"),
        )
        _chart(
            curve,
            lambda: charts_risk.drawdown_area(curve, "The account", "day"),
            *("Fall from the highest equity", "fall"),
        )


def _closed(table: pl.DataFrame) -> None:
    """Results of the closed trades: distribution, excursions, groups."""
    with st.grid(2, gap="medium"):
        histogram, scatter = charts_journal.r_distribution, charts_journal.excursions
        _chart(table, lambda: histogram(table), "Histogram of results in R", "r")
        _chart(table, lambda: scatter(table), "Furthest for and against each trade", "mfe")
    group = st.segmented_control(
        "By",
        list(GROUPS),
        default="tag",
        **address.among("by", GROUPS, GROUPS.__getitem__),
        required=True,
        format_func=GROUPS.__getitem__,
    )
    grouped = once.cached_for_object(table, lambda: summary(table, by=[group]), "grouped", group)
    expectancy = lambda: charts_journal.by_group(grouped, group)  # noqa: E731
    _chart(grouped, expectancy, f"Expectancy by {GROUPS[group]}", "group")
    tables.show(
        grouped,
        {group: GROUPS[group].capitalize(), **GROUP},
        alt=f"Results by {GROUPS[group]}",
        key="groups",
    )


def _chart(source: pl.DataFrame, make: Callable[[], Any], alt: str, key: str) -> None:
    """A figure made from a frame, drawn once while the frame is the same one."""
    theme.show(
        once.cached_for_object(source, make, "drawn", key, theme.palette()), alt=alt, key=key
    )


def entries(desk: Desk) -> None:
    """Every posting, newest entry first, and the way to take one back."""
    table = shell.cached_until_commit(desk, lambda: exports.frame_of(desk, "journal"), "postings")
    newest = once.cached_for_object(
        table, lambda: table.sort(["entry_no", "line"], descending=[True, False]), "newest"
    )
    tables.show(newest, ENTRIES, alt="Postings, newest entry first", key="entries", rows=20)
    with st.container(horizontal=True):
        shell.export_button("CSV", lambda: table, "journal.csv", key="journal_csv")
        box = st.popover("Take an entry back", key="take_back", on_change="rerun")
    if views.is_open(box):
        with box:
            _take_back(desk)


def _take_back(desk: Desk) -> None:
    with st.form("reverse", border=False):
        number = st.number_input("Entry", min_value=1, step=1, key="reverse_no")
        reason = st.text_input("Reason", key="reverse_reason")
        if st.form_submit_button("Reverse it", **reader.trader(desk)):
            with shell.guarded("the reversal"):
                made = journal.reverse(desk, int(number), reason)
                st.toast(f"Entry {made.number} takes entry {number} back")
                st.rerun()


def balance(desk: Desk) -> None:
    """The trial balance, and the proof that it follows from the postings."""
    found = shell.cached_until_commit(desk, lambda: journal.prove(desk), "journal proof")
    table = shell.cached_until_commit(desk, lambda: journal.trial_balance(desk), "trial balance")
    if found["differences"]:
        st.error(f"{len(found['differences'])} balances do not follow from the postings.")
        wrong = pl.DataFrame(found["differences"])
        heads = {name: name.replace("_", " ").capitalize() for name in wrong.columns}
        tables.show(wrong, heads, alt="Balances that do not follow from the postings")
    else:
        st.success(
            f"Proven: {found['entries']} entries without gaps, every one balanced and unchanged, "
            f"{found['checked']} balances recomputed."
        )
    tables.show(
        table, BALANCE, alt="Debits, credits and balance by account", key="balance", rows=25
    )
