"""The picked candidate beside the list: chart, why, similar gaps, and the plan with its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from components.kit import address, badges, formats, links, parameters, shell, theme
from components.kit import url_choices as choices
from components.parts import decision, filing_text, gaps, limit_bars, plans, plans_decided, symbol
from core.domain.gaps.scoring import COMPONENTS
from core.domain.trading import openings
from core.domain.trading.plans import Plan
from core.service.desk import Desk
from core.service.gaps import intraday, scans, symbols
from core.service.trading import plans as service
from core.service.trading import trades
from core.service.trading.plans import Ask, Proposal, Stored

HEIGHT = 188  # with two lines of a filing the press still stands within 900 pixels
SESSIONS = 63
CHARTS = ("minutes", "daily")  # the first where the session is stored by the minute
TIGHTEST = 4  # limits shown; the rest is on *Plans*


def pane(desk: Desk, scan: scans.Scan, row: Mapping[str, Any]) -> None:
    """All that a decision on one name needs, and the decision, on the right of the list."""
    with st.container(border=True, gap="xsmall"):
        like: list[str] = []
        with shell.guarded("the chart"):
            like = [chart(desk, scan, row)]
        st.markdown("  \n".join([*why(row, filing_text.of_row(desk, row)), *like]))
    with shell.guarded("the plan"):
        plan(desk, scan, str(row["symbol"]))
        return
    st.markdown(gaps.next_links(row["symbol"], scan.gaps.session))


def head(row: Mapping[str, Any]) -> str:
    """Symbol, company, gap with its arrow, price and prints."""
    up = (row["gap_pct"] or 0) >= 0
    arrow = ":blue[▲]" if up else ":orange[▼]"
    parts = [
        f"#### {badges.plain(row['symbol'])}",
        badges.plain(row.get("name") or ""),
        f"{arrow} **{formats.pct(row['gap_pct'], 2)}**",
        f"**{formats.price(row['open'])}**",
    ]
    if row["provisional"]:
        zone = shell.zone()
        at = f"{formats.clock(row['last_print_at'], zone)} {formats.zone_label(zone)}"
        parts.append(shell.small(f"{row['prints'] or 0:,} prints, {at}"))
    return "  ".join(part for part in parts if part)


def chart(desk: Desk, scan: scans.Scan, row: Mapping[str, Any]) -> str:
    """The name, and its session by the minute where it is stored, or the days before it.

    Returns what similar gaps of the name did, as one line of Markdown.
    """
    name, day = str(row["symbol"]), scan.gaps.session
    today = intraday.intraday(desk, name, day)
    chosen = (choices.one("chart", CHARTS) or CHARTS[0]) if today else CHARTS[1]
    st.markdown(f"{head(row)}  {_other(chosen)}" if today else head(row))
    view = symbols.view(desk, name, day, scan.gaps.dataset)
    seen = symbol.look(view)
    if today and chosen == CHARTS[0]:
        symbol.minutes(view, today, HEIGHT, titled=False)
    else:
        theme.show(
            symbol.candles(view, seen, SESSIONS, theme.palette(), HEIGHT, titled=False),
            alt=f"Daily candles of {name} with gaps, filings and levels",
            key="picked_days",
        )
    return f":small[{badges.plain(gaps.finding(name, seen.like, seen.today['gap_pct']))}]"


def _other(chosen: str) -> str:
    """The way to the chart that is not shown; the zoom in the address is the browser's own."""
    other = CHARTS[chosen == CHARTS[0]]
    asked = {k: v for k, v in address.asked().items() if k != parameters.EVERYWHERE}
    return f":small[[{other.capitalize()}]({links.url('gap_scan', asked | {'chart': [other]})})]"


def why(row: Mapping[str, Any], quoted: Sequence[str] = ()) -> list[str]:
    """The filings behind the gap with their words, grade, score in its parts, as Markdown."""
    filings = [
        f"[{badges.plain(item['form'])}]({item['url']}) {badges.plain(item['title'])}, "
        f"{formats.when(item['accepted_at'], shell.zone())}"
        for item in row["catalysts"] or []
    ]
    unknown = "filings not stored" if row["catalyst_weight"] is None else "no filing found"
    lines = [f"**Why** · {'; '.join(filings) or unknown}", *quoted]
    if row["grade"]:
        reason = badges.plain(row["status_reason"] or "")
        said = f" Its newest graded report was {reason}." if reason else ""
        lines[0] += f" · {badges.grade(row['grade'])} {badges.status(row['status'])}{said}"
    points = [
        f"{name} {row[name]:.0f} → **{row[f'{name}_points']:.1f}**"
        for name in COMPONENTS
        if row[name] is not None
    ]
    missing = f" · without {row['left_out']}: no data" if row["left_out"] else ""
    lines.append(
        f":small[**{badges.plain(row['symbol'])}** scores **{row['score']:.1f}** = "
        f"{' + '.join(points)}{missing} · rests on {row['evidence_pct']:.0f} % of the weights]"
    )
    return lines


def plan(desk: Desk, scan: scans.Scan, name: str) -> None:
    """The plan by the settings: figures, verdict, tightest limits, and the decision on it; what
    was decided on the name before stands in its place.
    """
    ask = Ask(name, None if scan.gaps.provisional else scan.gaps.session)
    found = shell.cached_until_commit(
        desk, lambda: service.propose(desk, ask), "proposal", ask, scan.gaps.known_at
    )
    decided = shell.cached_until_commit(
        desk, lambda: trades.decided(desk, name, found.plan.session), "decided", name, ask.date
    )
    ways = gaps.next_links(name, scan.gaps.session)
    with st.container(border=True, gap="xsmall"):
        if decided:  # the verdict would be that of a second plan beside it
            st.markdown(
                f"**Plan** {_badge(decided[0], desk.now())} {ways}  \n{like(found)}"
                f"\n\n{figures(decided[0].plan)}"
            )
            st.markdown("  \n".join(map(became, decided)))
            decision.told()
            return
        color, word = plans.DECISIONS[found.verdict.decision]
        said = badges.badge(f"Verdict: {word.lower()}", color)
        when = plans.of_session(found.plan, desk.now())
        st.markdown(f"**Plan** {when} {said} {ways}  \n{like(found)}\n\n{figures(found.plan)}")
        limit_bars.show(found.verdict.checks, most=TIGHTEST, also=past_the_stop(found.plan))
        decision.form(desk, found, _stay, width=180)


def _stay(_: Stored) -> None:
    """The pane tells of the decision itself."""


def became(item: Stored) -> str:
    """What was decided on a plan and what came of it, with the way to it, as Markdown."""
    plan = item.plan
    color = {"rejected": "gray", "cancelled": "gray", "expired": "gray"}.get(item.state, "green")
    side = "long" if plan.sign > 0 else "short"
    reason = f", {badges.plain(item.reason)}" if item.reason else ""
    to = shell.url("plans", {"view": "Decided", "plan": item.plan_id})
    since = f"  \n{badges.plain(item.opening.reason)}" if item.opening else ""
    return (
        f"{badges.badge(item.state, color)} {side} {_sizes(item)}, "
        f"decided {formats.when(item.decided_at, shell.zone())}"
        f"{reason} · [the plan]({to}){since}"
    )


def _sizes(item: Stored) -> str:
    """Shares and entry; of a plan that the open re-sized what was approved before them."""
    plan, frozen = item.plan, item.frozen
    size = f"**{plan.shares:,}** at {formats.price(plan.entry)}"
    if not plans_decided.is_resized(item):
        return size
    return f"**{frozen.shares:,}** at {formats.price(frozen.entry)} approved → {size} at the open"


def _badge(item: Stored, now: datetime) -> str:
    """Of the session, until the open came; what the open made of the plan from then on."""
    if item.opening is None:
        return plans.of_session(item.plan, now)
    return badges.badge(openings.WORDS[item.opening.outcome], "gray")


def like(found: Proposal) -> str:
    """What similar gaps would have made, losses included, in small print."""
    said = found.similar.sentence if found.similar else found.kelly_note
    return shell.small(badges.plain(said))


def past_the_stop(plan: Plan) -> str:
    """What opens beyond the stop have cost the name, in a sentence; nothing while not known."""
    through = plan.gap_through_risk_r
    if through is None:
        return ""
    if through <= 1:  # the stop would have been filled at its price
        return "It never opened past such a stop."
    return f"Opens past such a stop have cost {through:.1f} R in the mean."


def figures(plan: Plan) -> str:
    """The plan as one row of figures under their names, as a table in Markdown."""
    targets = " · ".join(formats.price(target) for target in plan.targets)
    through = plan.gap_through_risk_r
    shown = {
        "Long" if plan.sign > 0 else "Short": f"{plan.shares:,} shares",
        "Entry": formats.price(plan.entry),
        "Stop": formats.price(plan.stop),
        "Targets": targets or formats.NOTHING,
        "Risk": badges.plain(formats.money(float(plan.risk), plan.account_currency, 0)),
        plans.PAST_THE_STOP: formats.NOTHING if through is None else f"{through:.1f} R",
    }
    lines = [list(shown), ["--:"] * len(shown), [f"**{value}**" for value in shown.values()]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
