"""What the page *Journal* is made of: account, entries, trial balance, results."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from components import charts_journal, charts_risk, formats, shell, tables, theme
from core import service
from core.domain.trade_stats import summary
from core.service import journal, trades

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


def account(desk: service.Desk) -> None:
    """The account in six figures, from the postings."""
    found = journal.summary(desk)
    currency = found["currency"]
    shown = ("equity", "cash", "realised", "unrealised", "fees", "slippage")
    for column, name in zip(st.columns(6), shown, strict=True):
        column.metric(name.capitalize(), formats.money(float(found[name]), currency))


def results(desk: service.Desk) -> None:
    """Equity, drawdown, R distribution, excursions and groups."""
    table, curve = trades.frame(desk), trades.equity_curve(desk)
    closed = table.drop_nulls("exit_session").height
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
        tables.show(
            table, TRADES, alt="Paper trades with their results", key="trades", pinned=("plan_id",)
        )


def _account_over_time(desk: service.Desk, curve: pl.DataFrame) -> None:
    currency = desk.settings.account_currency
    left, right = st.columns(2, gap="medium")
    with left:
        _chart(
            charts_journal.equity_curve(curve, currency), "Equity of the account by day", "equity"
        )
    with right:
        _chart(
            charts_risk.drawdown_area(curve, "The account", "day"),
            "Fall from the highest equity",
            "fall",
        )


def _closed(table: pl.DataFrame) -> None:
    """Results of the closed trades: distribution, excursions, groups."""
    left, right = st.columns(2, gap="medium")
    with left:
        _chart(charts_journal.r_distribution(table), "Histogram of results in R", "r")
    with right:
        _chart(charts_journal.excursions(table), "Furthest for and against each trade", "mfe")
    group = st.segmented_control(
        "By",
        list(GROUPS),
        default="tag",
        key="by",
        bind="query-params",
        required=True,
        format_func=GROUPS.__getitem__,
    )
    grouped = summary(table, by=[group])
    _chart(charts_journal.by_group(grouped, group), f"Expectancy by {GROUPS[group]}", "group")
    tables.show(
        grouped,
        {group: GROUPS[group].capitalize(), **GROUP},
        alt=f"Results by {GROUPS[group]}",
        key="groups",
    )


def _chart(figure: Any, alt: str, key: str) -> None:
    theme.show(figure, alt=alt, key=key)


def entries(desk: service.Desk) -> None:
    """Every posting, newest entry first, and the way to take one back."""
    table = service.exports.frame_of(desk, "journal")
    shell.export_button("CSV", lambda: table, "journal.csv", key="journal_csv")
    newest = table.sort(["entry_no", "line"], descending=[True, False])
    tables.show(newest, ENTRIES, alt="Postings, newest entry first", key="entries", rows=20)
    with st.expander("Take an entry back"), st.form("reverse", border=False):
        number = st.number_input("Entry", min_value=1, step=1, key="reverse_no")
        reason = st.text_input("Reason", key="reverse_reason")
        if st.form_submit_button("Reverse it"):
            with shell.guarded("the reversal"):
                made = journal.reverse(desk, int(number), reason)
                st.toast(f"Entry {made.number} takes entry {number} back")
                st.rerun()


def balance(desk: service.Desk) -> None:
    """The trial balance, and the proof that it follows from the postings."""
    found = journal.prove(desk)
    table = pl.DataFrame(journal.journal_command(desk, last=0)["trial_balance"])
    if found["differences"]:
        st.error(f"{len(found['differences'])} balances do not follow from the postings.")
        st.table(pl.DataFrame(found["differences"]))
    else:
        st.success(
            f"Proven: {found['entries']} entries without gaps, every one balanced and unchanged, "
            f"{found['checked']} balances recomputed."
        )
    tables.show(
        table, BALANCE, alt="Debits, credits and balance by account", key="balance", rows=25
    )
