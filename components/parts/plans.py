"""What the page *Plans* is made of for a new plan: controls and the proposal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import streamlit as st

from components.charts import plans as charts_plans
from components.kit import address, badges, dates, formats, once, shell, tables, theme
from components.kit import saved_views as views
from components.parts import glossary, limit_bars
from core.domain.risk.types import LimitCheck
from core.domain.trading.plans import Direction, EntryType, Plan
from core.service.desk import Desk
from core.service.gaps import market_view
from core.service.trading import past_sessions
from core.service.trading.plans import Ask, Proposal, Stored

HEIGHT = 400
ENTRIES: dict[EntryType, str] = {
    "market": "Market",
    "opening_range": "Opening range",
    "pullback": "Pullback",
    "vwap": "VWAP",
}
PAST_THE_STOP = "Open past stop"
SIDES: dict[str, Direction | None] = {"by the gap": None, "long": "long", "short": "short"}
HELP = {PAST_THE_STOP: glossary.meaning(PAST_THE_STOP), "R per share": glossary.meaning("R")}
DECISIONS = {
    "approve": ("green", "Approve"),
    "shrink": ("orange", "Shrink"),
    "reject": ("red", "Reject"),
}


def controls(desk: Desk) -> Ask | None:
    """What is asked for, all of it in the URL; None while no symbol is chosen, or there is none."""
    names = market_view.symbols(desk.warehouse)
    asked = st.query_params.get("symbol", "").upper()
    if asked and asked not in names:
        names.append(asked)
    if not names:
        return None  # nothing to choose or to size
    with st.container(horizontal=True):
        symbol = st.selectbox(
            "Symbol", names, index=None, **address.among("symbol", names), width=160
        )
        day = dates.session_box()
        side = st.segmented_control(
            "Direction",
            list(SIDES),
            default="by the gap",
            **address.among("direction", SIDES),
            required=True,
        )
        entry = st.segmented_control(
            "Entry",
            list(ENTRIES),
            default="market",
            **address.among("entry", ENTRIES, ENTRIES.__getitem__),
            format_func=ENTRIES.__getitem__,
            required=True,
            help="All but market need the session's minute bars.",
        )
    sized = _sizing(desk)
    if not symbol:
        return None
    return Ask(symbol, _day(day), SIDES[side], entry, *sized)


def _day(value: Any) -> date | None:
    return value if isinstance(value, date) else None


def _sizing(desk: Desk) -> tuple[Decimal, Decimal, Decimal, Any]:
    """Sliders of size and stop; they start at the settings and end at the limits."""
    chosen = desk.settings
    most = chosen.risk_per_trade_pct
    with st.container(horizontal=True, gap="medium"):
        risk = _slider("Risk, % of equity", "risk", 0.05, most, most)
        atr = _slider("Stop, x ATR14", "atr", 0.25, Decimal(5), chosen.stop_atr_multiple)
        stop = _slider("Stop, % of entry", "stop", 0.25, Decimal(15), chosen.stop_pct)
        choice = st.segmented_control(
            "Which stop",
            ["tighter", "wider"],
            default=chosen.stop_choice,
            **address.among("choice", ["tighter", "wider"]),
            required=True,
        )
    return risk, atr, stop, choice


def _slider(label: str, key: str, step: float, most: Decimal, start: Decimal) -> Decimal:
    top = max(float(most), float(start), step)
    value = st.slider(
        label,
        min_value=min(step, float(start)),
        max_value=top,
        value=float(start),
        step=step,
        **address.number(key, min(step, float(start)), top),
    )
    return Decimal(str(value))


def proposal(desk: Desk, found: Proposal, decide: Callable[[], None]) -> None:
    """The chart, and beside it verdict, figures, limits and what `decide` draws: one screen."""
    stands(found)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _candles(found)
        if found.similar is not None:
            st.markdown(badges.plain(found.similar.sentence))
        _words(found)
    with right:
        over = of_session(found.plan, desk.now())
        verdict(found, over if over and not found.plan.provisional else "")
        decide()


def _candles(found: Proposal) -> None:
    bars, plan = found.view.bars, found.plan
    theme.show(
        once.cached_for_object(
            bars,
            lambda: charts_plans.plan_candles(bars.tail(60), plan, height=HEIGHT),
            *("plan", plan, theme.palette()),
        ),
        alt=f"Candles of {plan.symbol} with entry, stop and targets. {charts_plans.finding(plan)}",
        key="plan_chart",
    )


def _words(found: Proposal) -> None:
    """How every number came about and what every check says, on demand."""
    box = st.expander("Every number in a sentence", key="plan_words", on_change="rerun")
    if views.is_open(box):
        said = [sentence for _, sentence in found.plan.notes if sentence]
        lines = [*said, found.plan.invalidation, found.kelly_note]
        box.markdown("\n".join(f"- {badges.plain(line)}" for line in lines))
    box = st.expander("The checks in words", key="checks_words", on_change="rerun")
    if views.is_open(box):
        with box:
            heads = {"limit": "Limit", "ok": "Kept", "why": "Why"}
            checks = _in_words(found.verdict.checks)
            tables.show(checks, heads, alt="Each check in words", widths={"why": 1000})


def stands(found: Proposal) -> None:
    """The session of the plan, and what stands for its open until its bar is stored.

    One element whatever there is to tell: with one less at the open all below it moved up, and
    what was being typed there lost its place.
    """
    st.markdown(_stands(found))


def _stands(found: Proposal) -> str:
    reference, day = found.plan.reference, formats.day(found.plan.session)
    if reference is not None:
        count = "1 print" if reference.prints == 1 else f"{reference.prints:,} prints"
        return (
            f"{badges.provisional()} **{day}** from the last print, "
            f"{formats.price(reference.price)} at {formats.when(reference.at, shell.zone())} "
            f"({count}, {badges.plain(reference.source)}). Approved, it reserves its risk; an open "
            f"within {reference.tolerance:f} confirms it, another re-sizes it or "
            "leaves it."
        )
    if found.waits:
        name = badges.plain(found.plan.symbol)
        return shell.small(f"{name} has no print before the open yet: {day} stands.")
    opened = found.view.found
    if opened is not None:
        at = formats.when(opened.at, shell.zone())
        return shell.small(f"{day} from its open, {formats.price(opened.price)} at {at}.")
    return shell.small(f"{day} from its daily bar.")


def figures(plan: Plan) -> None:
    """The plan in eight figures."""
    currency = plan.account_currency
    through = plan.gap_through_risk_r
    shown = (
        ("Shares", formats.number(plan.shares)),
        ("Entry", formats.price(plan.entry)),
        ("Stop", formats.price(plan.stop)),
        ("R per share", formats.price(plan.r)),
        ("Risk", formats.money(float(plan.risk), currency)),
        ("Notional", formats.money(float(plan.notional), currency, 0)),
        ("Reward : risk", f"{plan.reward_risk:.1f} : 1"),
        (PAST_THE_STOP, formats.NOTHING if through is None else f"{through:.2f} R"),
    )
    with st.container(key="plan_figures"), st.grid(4, min_column_width=100):
        for label, value in shown:
            st.metric(label, value, help=HELP.get(label))


def of_session(plan: Plan, now: datetime) -> str:
    """A badge for a plan whose session is to come, or over. Nothing while it runs."""
    if plan.provisional:
        return badges.provisional()
    if not past_sessions.is_over(plan, now):
        return ""
    return badges.badge(f"{formats.day(plan.expiry or plan.session)} is over", "gray")


def verdict(found: Proposal, over: str = "") -> None:
    """The decision and its reasons, the plan in figures, and every limit as a bar; `over` is a
    badge of the session.
    """
    checks = found.verdict.checks
    color, word = DECISIONS[found.verdict.decision]
    said = badges.badge(f"Verdict: {word.lower()}", color)
    reasons = [shell.small(badges.plain(reason)) for reason in found.verdict.reasons]
    head = f"{said} {over} **{badges.plain(charts_plans.held(checks))}**"
    st.markdown("  \n".join([head, *reasons]))
    figures(found.plan)
    limit_bars.show(checks)


def _in_words(checks: Sequence[LimitCheck]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "limit": [charts_plans.NAMES[check.limit] for check in checks],
            "ok": ["yes" if check.ok else "no" for check in checks],
            "why": [check.sentence for check in checks],
        }
    )


def turn_to_decided(item: Stored) -> None:
    """After a decision: show it. Called before the widgets whose state it sets."""
    st.session_state["plan"] = item.plan_id
    st.session_state["view"] = "Decided"
