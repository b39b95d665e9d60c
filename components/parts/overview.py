"""What the landing page is made of: first steps, problems, freshness, filings, changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import streamlit as st

from components.charts.plans import NAMES
from components.kit import badges, formats, lists, once, shell, status_line
from components.parts import first_fill, limit_bars
from core.domain.risk.types import LimitCheck
from core.service.care import morning, preferences
from core.service.desk import Desk
from core.service.kernel import commands
from core.service.pulls import datasets

TROUBLE = ("failing", "overdue")
FILINGS = {
    "symbol": "Symbol",
    "name": "Company",
    "form": "Form",
    "title": "What",
    "accepted_at": "Accepted",
    "url": "EDGAR",
}
CHANGES = ("dataset", "failed", "last_at", "inserted", "updated", "rejected")
BROUGHT = ("new", "changed", "rejected")


TOP = {
    "symbol": "Symbol",
    "gap_pct": "Gap",
    "score": "Score",
    "catalyst": "Catalyst",
    "grade": "Grade",
    "status": "Status",
    "rvol": "Rel. vol.",
    "gap_type": "Type",
}
PLANS = {
    "symbol": "Symbol",
    "direction": "Side",
    "risk": "Risk approved",  # what the open made of it is on *Plans* and *Risk*
    "state": "State",
}
PLAN_LIST = lists.ListLook(
    name="open_plans",
    alt="Open plans",
    columns=PLANS,
    link=lists.RowLink("plans", "plan", value="plan_id", given=(("view", "Decided"),)),
    height=6,
)
CANDIDATE_LIST = lists.ListLook(
    name="top",
    alt="Top candidates with score, catalyst and grade",
    columns=TOP,
    link=lists.RowLink("gap_scan", "pick"),
    card=("symbol", "gap_pct", "score", "grade"),
    line="catalyst",
)
FILING_LIST = lists.ListLook(
    name="new_filings",
    alt="New filings of followed companies",
    columns=FILINGS,
    link=lists.RowLink("symbol", "symbol"),
    card=("symbol", "form", "accepted_at"),
    line="title",
    height=10,
)
CANDIDATES, BOOK = "Top candidates", "Plans and risk"
NEW_FILINGS, CHANGED = "New filings of followed companies", "What changed"
OPEN = ("approved", "filled", "open")
LATEST = datetime.max.replace(tzinfo=UTC)
STANDS = "What is stored stands, but nothing new comes in"
ROWS = 6
LIMITS = 4
BOOK_SECONDS = 5.0
COUNTED = ("positions",)  # limits that are no amounts


def scanned(desk: Desk) -> dict[str, Any]:
    """The latest scan as its command tells it, made once per pull and minute."""
    names = (status.name for status in shell.statuses(desk))
    mine = shell.mine()
    asked = {"filters": mine.filters, "weights": mine.weights}
    own = tuple(pair for chosen in asked.values() for pair in chosen.items())
    key = (*shell.version(desk, *names), desk.now().replace(second=0, microsecond=0), own)
    return once.cached(lambda: commands.run(desk, "scan", asked).document, "scan", *key)


def command_document(desk: Desk, command: str) -> dict[str, Any]:
    """The document of a command about the book, at most a few seconds old."""
    return once.cached_for_seconds(
        lambda: commands.run(desk, command, {}).document, BOOK_SECONDS, command, desk.identity
    )


def candidates(desk: Desk) -> None:
    """The best candidates of the latest session, each with its catalyst and grade."""
    if not _has_rows(shell.statuses(desk), "bars_daily"):
        shell.section(CANDIDATES)
        first_fill.told(desk, "the candidates are here")
        return
    found = scanned(desk)
    mark = badges.turn(found["date"], desk.now()) if found["provisional"] else ""
    count = len(found["candidates"])
    names = "candidate" if count == 1 else "candidates"
    day = found["date"]
    shell.section(CANDIDATES, f"{count} {names} of {formats.day(day)}{_old(desk, day)} {mark}")
    if not found["candidates"]:
        return
    top = once.cached_for_owner(found, lambda: frame(found["candidates"][:ROWS]), "top candidates")
    lists.show(top, CANDIDATE_LIST)
    symbol: str = top["symbol"][0]
    with st.container(horizontal=True):
        shell.link("gap_scan", "All candidates")
        shell.link("symbol", f"{symbol} in detail", symbol=symbol)
        shell.link("plans", f"Plan {symbol}", symbol=symbol)


def frame(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Candidates as rows of a list, in their order."""
    return pl.DataFrame([_candidate(row) for row in rows], infer_schema_length=None)


def _old(desk: Desk, day: date) -> str:
    """Says so when the prices end long before today: a week is longer than any holiday."""
    days = (desk.now().date() - day).days
    return f", the last session stored, {days:,} days ago" if days > 7 else ""


def _candidate(row: dict[str, Any]) -> dict[str, Any]:
    """A candidate's line: its best catalyst in words, its numbers as they are."""
    first = next(iter(row["catalysts"] or ()), None)
    words = first.get("title") or first.get("form") if isinstance(first, dict) else first
    unknown = row["components"]["catalyst"]["value"] is None
    words = words or ("filings not stored" if unknown else "none found")
    kept = ("symbol", "gap_pct", "score", "rvol")
    shown = {"gap_type": spoken(row["gap_type"]), "grade": row["grade"] or "NR"}
    shown |= {"status": row["status"]}
    return {**{name: row[name] for name in kept}, **shown, "catalyst": words}


def spoken(name: str) -> str:
    """A name of the engine in words: `daily_loss` becomes `daily loss`."""
    return name.replace("_", " ")


def book(desk: Desk) -> None:
    """Risk in use against its limits, and the plans that are open."""
    if not _has_rows(shell.statuses(desk), "bars_daily"):
        shell.section(BOOK, "No prices yet, so no book.")
        return
    opened = [plan for plan in command_document(desk, "plans")["plans"] if plan["state"] in OPEN]
    checks = sorted(command_document(desk, "risk")["checks"], key=_share, reverse=True)[:LIMITS]
    used = [check for check in checks if _share(check)]
    idle = [_used(check) for check in checks if not _share(check)]
    shell.section(BOOK, "" if opened else "No plan is open.", *idle)
    if used:
        limit_bars.show(tuple(map(_check, used)))
    if opened:
        frame = once.cached_for_owner(
            command_document(desk, "plans"),
            lambda: pl.DataFrame(opened, infer_schema_length=None),
            "opened",
        )
        lists.show(frame, PLAN_LIST)
    shell.link("risk", "Risk and limits")
    shell.link("plans", "Decided plans", view="Decided")


def _check(check: dict[str, Any]) -> LimitCheck:
    """A limit of the document as risk had it."""
    used, allowed = (Decimal(str(check[name] or 0)) for name in ("used", "allowed"))
    return LimitCheck(check["limit"], used, allowed, check["unit"], check["sentence"])


def _share(check: dict[str, Any]) -> float:
    used, allowed = float(check["used"] or 0), float(check["allowed"] or 0)
    if allowed <= 0:
        return 1.0 if used > 0 else 0.0
    return min(max(used / allowed, 0.0), 1.0)


def _used(check: dict[str, Any]) -> str:
    """A limit in words, as Markdown: two dollars in a line would make a formula."""
    sign = "" if check["limit"] in COUNTED else "\\$"
    used, allowed = (float(check[name] or 0) for name in ("used", "allowed"))
    over = " · **over the limit**" if used > allowed else ""
    full = " · **at the limit**" if used == allowed and used > 0 else ""
    said = f"{NAMES[check['limit']]}: {sign}{used:,.0f} of {sign}{allowed:,.0f}{over}{full}"
    color = status_line.limit_color(100 * _share(check))
    return f":{color}[{said}]" if color else said


def guide(desk: Desk, statuses: Sequence[datasets.DatasetStatus]) -> None:
    """The first steps, each ticked off by what is in the store, until the reader puts it away."""
    if not st.session_state.get(shell.GUIDE_KEY, True):
        return
    steps = (
        (bool(shell.watched(desk)), "Watch", "companies", "Follow companies"),
        (_has_pulled(statuses), "Pull", "datasets", "Refresh all datasets"),
        (_has_rows(statuses, "bars_daily"), "Scan", "gap_scan", "See what gaps, and why"),
        (_has_plans(desk), "Plan", "plans", "Let risk answer"),
    )
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown("**First steps**")
        for number, (done, title, page, then) in enumerate(steps, 1):
            shell.link(page, f"{'✓' if done else f'{number}.'} **{title}** · {then}")
        st.button("Dismiss", type="tertiary", on_click=_put_away, args=(desk,))


def _has_pulled(statuses: Sequence[datasets.DatasetStatus]) -> bool:
    """Every enabled dataset was pulled, and rows came: a pull for no company brings nothing."""
    asked = [s for s in statuses if s.enabled and s.source != "file"]
    return all(s.last_success for s in asked) and any(s.rows for s in asked)


def _has_rows(statuses: Sequence[datasets.DatasetStatus], table: str) -> bool:
    return any(status.table == table and status.rows for status in statuses)


def _has_plans(desk: Desk) -> bool:
    return bool(command_document(desk, "plans")["plans"])


def _put_away(desk: Desk) -> None:
    preferences.save(desk, replace(preferences.load(desk), guide=False))
    st.session_state[shell.GUIDE_KEY] = False


def problems(desk: Desk, statuses: Sequence[datasets.DatasetStatus]) -> None:
    """What must be known before anything else is read; nothing when all is well."""
    for problem in desk.catalogue.problems:
        shell.error_box(problem, what="one dataset of the catalogue")
    troubled = [s for s in statuses if s.enabled and s.freshness in TROUBLE]
    names = {status.name for status in troubled}
    hosts = shell.hosts_down(desk, [s.name for s in statuses if s.enabled])
    early = [host for host in hosts if names.isdisjoint(host.datasets)]  # before a pull failed
    if not troubled and not early:
        return
    need = f"{len(troubled)} {'dataset needs' if len(troubled) == 1 else 'datasets need'} a look"
    with st.container(border=True):
        st.markdown(f"**{need if troubled else STANDS}**")
        for host in early:
            st.markdown(shell.outage(host, shell.zone()))
        for said, alike in _by_reason(desk, troubled).items():
            _trouble(said, alike)


def _by_reason(
    desk: Desk, troubled: Sequence[datasets.DatasetStatus]
) -> dict[str, list[datasets.DatasetStatus]]:
    """The datasets by what is wrong: one host that is down is told once, not once for each."""
    found: dict[str, list[datasets.DatasetStatus]] = {}
    lines: dict[str, str] = {}
    for status in sorted(troubled, key=lambda s: s.next_try or LATEST):
        said = shell.reason(desk, status) or _missing(status)
        away = bool(shell.hosts_down(desk, [status.name]))
        said = lines.setdefault(said if away else status.fault or said, said)
        found.setdefault(said, []).append(status)
    return found


def _trouble(said: str, alike: Sequence[datasets.DatasetStatus]) -> None:
    """One line: what is wrong, and the datasets it is wrong with."""
    with st.container(horizontal=True, vertical_alignment="center"):
        worst = badges.worst(alike)
        st.markdown(badges.freshness(worst.freshness if worst else ""), width=90)
        for status in alike:
            shell.link("datasets", badges.plain(status.name), dataset=status.name)
        st.markdown(said)  # a caption is too faint for what is wrong


def _missing(status: datasets.DatasetStatus) -> str:
    """What is not in: sessions that a good pull did not bring, or the pull itself."""
    if not status.sessions_behind:
        return "Not in yet."
    reached = formats.reach(status.data_until, status.sessions_behind, shell.zone())
    return f"Data to {reached}."


def freshness(desk: Desk, statuses: Sequence[datasets.DatasetStatus]) -> None:
    """One line that counts the states, and each enabled dataset with its age."""
    enabled = [s for s in statuses if s.enabled and s.source != "file"]
    counts = Counter(s.freshness for s in enabled).most_common()
    states = " ".join(f"{badges.freshness(state)} {count}" for state, count in counts)
    lines = [f"{badges.plain(s.name)} · {_reached(desk, s)}" for s in enabled]
    shell.section("Freshness", states or "No dataset is enabled.", *lines)
    shell.link("datasets", "All datasets")


def _reached(desk: Desk, status: datasets.DatasetStatus) -> str:
    """The data date where there is one, else the age of the last good pull."""
    if status.data_until is None:
        asked = formats.age(status.last_success, desk.now())
        return asked if status.rows or status.last_success is None else f"no rows, asked {asked}"
    return f"to {formats.reach(status.data_until, status.sessions_behind, shell.zone())}"


def since(desk: Desk, days: int | None) -> datetime:
    """So many days ago, to the minute, so that a view is made once a minute at most; None: at the
    last close of the exchange.
    """
    if days is None:
        return morning.last_close(desk)
    return (desk.now() - timedelta(days=days)).replace(second=0, microsecond=0)


def filings(desk: Desk, since: datetime) -> None:
    """Filings of watched companies since an instant."""
    key = (*shell.version(desk, "sec.submissions"), *shell.watched(desk), since)
    found = once.cached(lambda: morning.new_filings(desk, since), "new filings", *key)
    if found.is_empty():
        none = f"None of the followed companies since {formats.when(since, shell.zone())}."
        shell.section(NEW_FILINGS, none)
        return
    shell.section(NEW_FILINGS)
    lists.show(found, FILING_LIST)


def changes(desk: Desk, since: datetime) -> None:
    """What the pulls brought since an instant, dataset by dataset."""
    key = (*shell.version(desk, *(s.name for s in shell.statuses(desk))), since)
    found = once.cached(lambda: morning.changes(desk, since), "changes", *key)
    if found.is_empty():
        shell.section(CHANGED, f"Nothing new since {formats.when(since, shell.zone())}.")
        return
    st.markdown(once.cached_for_owner(found, lambda: _changed(found), "changed", shell.zone()))


def _changed(found: pl.DataFrame) -> str:
    """The heading and a table as Markdown: for a few numbers a grid of its own is too much.

    Three columns of words that wrap: a column a count is wider than a phone.
    """
    lines = [["Dataset", "What came", "Last pull"], [":--"] * 3]
    for name, failed, last, *counts in found.select(CHANGES).iter_rows():
        came = [f"{formats.number(n)} {said}" for n, said in zip(counts, BROUGHT, strict=True) if n]
        if failed:
            came.append(f"{formats.number(failed)} {'pull' if failed == 1 else 'pulls'} failed")
        lines.append([badges.plain(name), ", ".join(came), formats.when(last, shell.zone())])
    return "\n".join([f"### {CHANGED}\n", *(f"| {' | '.join(line)} |" for line in lines)])
