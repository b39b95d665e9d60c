"""What the page *Plans* is made of once a plan is decided on: the table, and plan against fact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from components.charts import plans as charts_plans
from components.kit import address, badges, formats, once, reader, shell, tables, theme
from components.kit.lists import RowLink
from core.domain.trading import openings
from core.domain.trading.plans import Plan
from core.service.desk import Desk
from core.service.gaps import market_view
from core.service.kernel import exports
from core.service.trading import journal, plans, settling, trades

DECIDED = {
    "plan_id": "Plan",
    "state": "State",
    "at_open": "At the open",
    "direction": "Direction",
    "entry": "Entry",
    "stop": "Stop",
    "shares": "Shares",
    "risk": "Risk",
    "notional": "Notional",
    "tag": "Tag",
    "reason": "Decided because",
    "decided_by": "Decided by",
    "decided_at": "Decided",
    "outcome": "Since then",
}


def decided(desk: Desk) -> None:
    """The plans decided on; one of them against what became of it."""
    table = shell.cached_until_commit(desk, lambda: _newest(desk), "plans decided")
    if table.is_empty():
        shell.empty(
            "No plan has been decided on.", "Choose a symbol under New plan, and approve it."
        )
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Settle by stored bars",
            **reader.trader(desk, help="Fill, mark and close by the daily bars."),
        ):
            st.toast(_settled(settling.settle_all(desk)))
            st.rerun()
        shell.export_button("CSV", lambda: table, "plans.csv", key="plans_csv")

    def pick(row: dict[str, Any]) -> None:
        st.session_state["plan"] = row["plan_id"]

    tables.choose(
        once.cached_for_owner(table, lambda: _in_words(table), "in words"),
        in_money(DECIDED, desk),
        alt="Plans decided on, newest first",
        key="plans_table",
        link=RowLink("plans", "plan", "plan_id", given=(("view", "Decided"),)),
        picked=st.query_params.get("plan"),
        on_row=pick,
        rows=8,
    )
    names = table["plan_id"].to_list()
    one = st.selectbox("Plan", names, **address.among("plan", names), width=340)
    against_fact(desk, one)


def in_money(columns: Mapping[str, str], desk: Desk) -> dict[str, str]:
    """The columns with the currency of the account in the heads of its amounts."""
    currency = desk.settings.account_currency
    return {k: f"{v}, {currency}" if k in ("risk", "notional") else v for k, v in columns.items()}


def _settled(found: dict[str, Any]) -> str:
    """What settling came to: a press that changes nothing says why."""
    changed = sum(1 for item in found["plans"] if item["posted"] or item["reversed"])
    bars = f"the bars stored, to {formats.day(found['through'])}"
    if not changed:
        return f"No plan changed by {bars}"
    return f"{changed} {'plan' if changed == 1 else 'plans'} settled by {bars}"


def _newest(desk: Desk) -> pl.DataFrame:
    """The CSV keeps the engine's names, as the export does; the table has them in words."""
    return exports.frame_of(desk, "plans").sort("created_at", descending=True)


def _in_words(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.col("at_open").replace(openings.WORDS))


def against_fact(desk: Desk, plan_id: str) -> None:
    """One plan beside its fills and its result."""
    item = shell.cached_until_commit(desk, lambda: plans.stored(desk, plan_id), "plan", plan_id)
    drawn = shell.cached_until_commit(
        desk, lambda: _with_fills(desk, item), "plan drawn", plan_id, theme.palette()
    )
    left, right = st.columns([3, 2], gap="medium")
    with left:
        theme.show(
            drawn,
            alt=f"Candles of {item.plan.symbol} with the plan's levels and its fills",
            key="fact_chart",
        )
    with right:
        _in_doubt(desk, plan_id)
        st.markdown(_told(item))
        _limits(item)
        heads = {"figure": "Figure", "approved": "Approved", "plan": "At the open"}
        if not is_resized(item):
            heads = {"figure": "Figure", "plan": "Planned"}
        tables.show(
            shell.cached_until_commit(desk, lambda: _facts(desk, item), "plan and fact", plan_id),
            heads | {"actual": "Actual"},
            alt="The plan beside what became of it",
        )
        if item.state == "approved":
            _cancel(desk, plan_id)


def _told(item: plans.Stored) -> str:
    """The state and why, then who decided, when and why: lines of Markdown."""
    why = f" · {badges.plain(item.outcome)}" if item.outcome else ""
    by = f" by {badges.plain(item.decided_by)}" if item.decided_by else ""
    because = f": {badges.plain(item.reason)}" if item.reason else ", no reason given"
    when = formats.when(item.decided_at, shell.zone())
    decided = f"{item.decision.capitalize()}{by} {when}{because}"
    return f"**{badges.plain(item.state)}**{why}\n\n{decided}"


def _limits(item: plans.Stored) -> None:
    """The limits of the moment of the decision."""
    if item.limits is None:
        return
    with st.expander("Limits then"):
        rows = [(name.replace("_", " "), _limit(value)) for name, value in item.limits.items()]
        tables.show(
            pl.DataFrame(rows, schema=["limit", "value"], orient="row"),
            {"limit": "Limit", "value": "Value"},
            alt="The limits at the decision",
        )


def _limit(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _in_doubt(desk: Desk, plan_id: str) -> None:
    """The move that settlement waits for, and what splits and special dividends moved."""
    waiting = shell.cached_until_commit(desk, lambda: settling.questions(desk), "moves in doubt")
    for one in (q for q in waiting if q.plan_id == plan_id):
        st.warning(badges.plain(one.sentence))
        with st.form("confirm", border=False):
            reason = st.text_input("Where the price was checked", key="confirm_reason")
            if st.form_submit_button("The price is real", **reader.trader(desk)):
                with shell.guarded("the confirmation"):
                    settling.confirm(desk, one.symbol, one.session, reason)
                    st.rerun()
    for note in shell.cached_until_commit(
        desk, lambda: settling.notes(desk, plan_id), "moved", plan_id
    ):
        st.caption(badges.plain(note))


def _with_fills(desk: Desk, item: plans.Stored) -> Any:
    plan, raw = item.plan, market_view.is_raw(desk)
    bars = market_view.around(desk.warehouse, plan.symbol, plan.session, raw=raw)
    return charts_plans.plan_candles(bars, plan, journal.fills_of(desk, item.plan_id))


def is_resized(item: plans.Stored) -> bool:
    """Whether the open made another size or entry of a plan than was approved."""
    before, now = item.frozen, item.plan
    return item.opening is not None and (before.shares, before.entry) != (now.shares, now.entry)


def _facts(desk: Desk, item: plans.Stored) -> pl.DataFrame:
    """figure, approved, plan (as the open left it) and actual, in words."""
    every = shell.cached_until_commit(desk, lambda: trades.frame(desk), "paper trades")
    found = every.filter(pl.col("plan_id") == item.plan_id)
    fact = found.row(0, named=True) if found.height else {}
    currency = item.plan.account_currency
    actual = {
        "Shares": _text(fact.get("shares"), ",.0f"),
        "Entry": _text(fact.get("entry"), ",.2f"),
        "Exit": _text(fact.get("exit"), ",.2f"),
        "Result, R": _text(fact.get("realised_r"), "+.2f"),
        f"Result, {currency}": _text(fact.get("realised"), "+,.2f"),
        f"Costs, {currency}": _costs(fact),
        "Furthest for, R": _text(fact.get("mfe_r"), "+.2f"),
        "Furthest against, R": _text(fact.get("mae_r"), "+.2f"),
    }
    columns = {"figure": list(actual), "actual": list(actual.values())}
    for name, plan in (("approved", item.frozen), ("plan", item.plan)):
        columns[name] = [*_planned(plan), "", ""]
    return pl.DataFrame(columns)


def _planned(plan: Plan) -> list[str]:
    """Shares, entry, exits, reward in R, risk and costs of a plan."""
    return [
        f"{plan.shares:,}",
        formats.price(plan.entry),
        " / ".join(formats.price(target) for target in plan.targets),
        formats.signed_number(plan.reward_risk, 1),
        f"risk {plan.risk:,.2f}",
        f"{plan.costs:,.2f}",
    ]


def _costs(fact: dict[str, Any]) -> str:
    return f"{fact['fees'] + fact['slippage']:,.2f}" if fact else formats.NOTHING


def _text(value: Any, spec: str) -> str:
    return formats.NOTHING if value is None else formats.minus(format(value, spec))


def _cancel(desk: Desk, plan_id: str) -> None:
    with st.form("cancel", border=False):
        reason = st.text_input("Reason to cancel", key="cancel_reason")
        if st.form_submit_button("Cancel this plan", **reader.trader(desk)):
            with shell.guarded("the cancellation"):
                plans.cancel(desk, plan_id, reason)
                st.rerun()
