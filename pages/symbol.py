"""Symbol: one name with its candles, gaps, filings, and what like gaps did."""

from __future__ import annotations

import streamlit as st

from components import gaps, quality, shell, tables, theme
from components import symbol as parts
from core.service import symbols

INPUTS = ("prices.daily", "corporate_actions", "sec.submissions")
SPANS = {"3 months": 63, "6 months": 126, "1 year": 260}

quality.go_to_picked()
desk = shell.page(
    "Symbol",
    purpose="One name: candles, gaps, filings and what like gaps did.",
    datasets=INPUTS,
    views_of="symbol",
)

names = []
with shell.guarded("the symbols"):
    names = symbols.symbols(desk)
    if not names:
        shell.empty(
            "There are no prices yet.",
            "Pull the daily bars, then names are here.",
            page="datasets",
            label="Go to Datasets",
        )
if not names:
    st.stop()

with shell.guarded("the symbol"):
    first, second, third = st.columns([2, 2, 2])
    if st.query_params.get("symbol", names[0]) not in names:
        st.info(f"{st.query_params['symbol']} has no bars here; another name is shown.")
        del st.query_params["symbol"]
    symbol = first.selectbox("Symbol", names, key="symbol", bind="query-params")
    span = second.segmented_control(
        "Shown", list(SPANS), default="6 months", key="span", bind="query-params", required=True
    )
    day = third.date_input(
        "Up to",
        value=None,
        key="day",
        bind="query-params",
        help="Show the name as of that session; empty means the latest.",
    )
    view = symbols.view(desk, symbol, day)
    look = parts.look(view)
    today = look.today
    theme.show(
        parts.candles(view, look, SPANS[span], theme.palette()),
        alt=f"Daily candles of {symbol} with gaps shaded until filled, filings and levels",
        key="candles",
    )
    if today["words"]:
        st.caption(
            f"Flags of the last session: {today['words']}"
            + (f" ({today['reason']})" if today["reason"] else "")
        )
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Like gaps and what they did", anchor=False)
        if look.like.is_empty():
            st.caption("None with the same direction and between half and twice the size.")
        else:
            gaps.outcomes(look.like, "like")
        st.subheader("All gaps of 3 % and more", anchor=False)
        gaps.outcomes(look.large, "all_gaps")
    with right:
        st.subheader("Filings by the session they could move", anchor=False)
        if look.filings.is_empty():
            shell.empty(
                "No filings are stored for this name.",
                "Follow the company.",
                page="companies",
                label="Go to Companies",
            )
        else:
            tables.show(
                look.filings,
                {
                    "session": "Session",
                    "form": "Form",
                    "title": "What",
                    "accepted_at": "Accepted",
                    "url": "Filing",
                },
                alt="Filings of the company",
                key="filings",
            )
        graded = shell.unchanged(
            desk, lambda: symbols.grades(desk, view.cik, day), "grades of", view.cik, day
        )
        if not graded.is_empty():
            st.subheader("Grades of its filings", anchor=False)
            gaps.grades(graded)
