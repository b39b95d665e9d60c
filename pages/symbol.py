"""Symbol: one name with its candles, gaps, filings, and outcomes of similar gaps."""

from __future__ import annotations

import streamlit as st

from components.kit import address, dates, shell, tables
from components.parts import choosing, filing_text, first_fill, gaps, own_notes
from components.parts import symbol as parts
from core.service.gaps import symbols

INPUTS = ("prices.daily", "corporate_actions", "sec.submissions")
FOLLOWS = (*INPUTS, "prices.minute", "sec.feed")
SPANS = {"3 months": 63, "6 months": 126, "1 year": 260}

desk = shell.page(
    "Symbol",
    purpose="One name: candles, gaps, filings and outcomes of similar gaps.",
    datasets=INPUTS,
    views_of="symbol",
    follows=FOLLOWS,
)

names = []
with shell.guarded("the symbols"):
    names = symbols.symbols(desk)
    if not names:
        first_fill.told(desk, "names are here")
if not names:
    st.stop()

with shell.guarded("the symbol"):
    if st.query_params.get("symbol", names[0]) not in names:
        st.info(f"{st.query_params['symbol']} has no bars here; another name is shown.")
        del st.query_params["symbol"]
    choosing.begin_with_best(desk)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        symbol = st.selectbox("Symbol", names, **address.among("symbol", names), width=320)
        span = st.segmented_control(
            "Shown", list(SPANS), default="6 months", **address.among("span", SPANS), required=True
        )
        day = dates.day_box(
            "Up to",
            "session",
            "Show the name as of that session; empty means the latest.",
            width=220,
        )
        shell.link("plans", f"Plan {symbol}", symbol=symbol)
    view = symbols.view(desk, symbol, day)
    look = parts.look(view)
    today = look.today
    parts.stands(view, desk.now())
    parts.charts(desk, view, look, SPANS[span])
    own_notes.kept(desk, symbol, today["session"])
    own_notes.box(desk, symbol, today["session"])
    if today["words"]:
        st.caption(
            f"Flags of the last session: {today['words']}"
            + (f" ({today['reason']})" if today["reason"] else "")
        )
    left, right = st.columns(2, gap="medium")
    with left:
        none = "None with the same direction and between half and twice the size."
        shell.section("Similar gaps and their outcomes", none if look.like.is_empty() else "")
        if not look.like.is_empty():
            gaps.outcomes(look.like, "like")
        shell.section("All gaps of 3 % and more")
        gaps.outcomes(look.large, "all_gaps")
    with right:
        shell.section("Filings by the session they could move")
        if look.filings.is_empty():
            shell.empty(
                "No filings are stored for this name.",
                "Follow the company.",
                page="companies",
                label="Go to Companies",
            )
        else:
            moved = look.filings.filter(look.filings["session"] == today["session"])
            filing_text.at_length(desk, moved.to_dicts())
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
        graded = shell.cached_until_commit(
            desk, lambda: symbols.grades(desk, view.cik, day), "grades of", view.cik, day
        )
        if not graded.is_empty():
            shell.section("Grades of its filings")
            gaps.grades(graded)
