"""What the gap pages are made of: tables, sentences, and what is picked in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from components.kit import badges, formats, links, lists, once, shell, tables
from components.parts import quality
from core.service.desk import Desk
from core.service.gaps import coming, scans, symbols
from core.service.gaps.statistics import LEAST_GAP_PCT

CANDIDATES = {
    "symbol": "Symbol",
    "gap_pct": "Gap",
    "open": "Open",
    "gap_atr": "In ATR",
    "rvol": "Rel. vol.",
    "score": "Score",
    "catalyst_text": "Catalyst",
    "grade": "Grade",
    "status": "Status",
    "closes": "30 sessions",
    "evidence_pct": "Evidence",
    "last_print_at": "Last print",
    "prints": "Prints",
    "prior_close": "Prior close",
    "gap_type": "Type",
    "story": "Pattern",
    "dollars_m": "Traded, m",
    "flags_text": "Flags",
    "gap_ex_div_pct": "Gap ex dividend",
    "premarket_gap_pct": "First print",
    "sector": "Sector",
    "filing_url": "Filing",
}
LISTED = 18
WIDE = ("closes", "evidence_pct", "flags_text", "gap_ex_div_pct")
WIDER = ("last_print_at", "prints", "prior_close")
ASKED = ("gap_type", "story", "dollars_m", "premarket_gap_pct", "sector", "filing_url")
CARD = ("symbol", "gap_pct", "open", "score", "grade")  # the first line of a card on a phone
PRINTED = (
    "symbol", "gap_pct", "open", "gap_atr", "rvol", "score", "grade", "status", "catalyst_text",
)  # fmt: skip
LEFT_OUT = lists.ListLook(
    name="left_out",
    alt="Names left out of the scan with reasons",
    columns={
        "symbol": "Symbol",
        "gap_pct": "Gap",
        "open": "Open",
        "prior_close": "Prior close",
        "rvol": "Rel. vol.",
        "reason": "Left out because",
    },
    link=lists.RowLink("symbol", "symbol"),
    card=("symbol", "gap_pct"),
    line="reason",
)
OUTCOME_HELP = {
    "filled_same": "Filled in the session of the gap.",
    "sessions_to_fill": "Sessions until the prior close was traded; empty: not yet.",
    "excursion_pct": "Furthest move beyond the open, away from the fill, before it.",
    "close_pct": "The session's close against its open, in the direction of the gap.",
}
HELP = {
    "gap_pct": "Open against the close of the session before, in percent.",
    "gap_atr": "The gap in average true ranges (Wilder, 14 sessions, up to the session before).",
    "open": "The official open; before it the last print.",
    "last_print_at": "When the price was printed that the gap is measured at.",
    "prints": "Minutes with prints before the open, up to the last one.",
    "rvol": "Volume against the mean of the 20 sessions before; before the open by clock time.",
    "story": "A heuristic from the 20-session range, the trend and rvol.",
    "score": "0–100; the sum of the contributions below the table.",
    "evidence_pct": "Share of the score's weights that had data, in percent. What is missing "
    "counts nothing, and draws what is above the median of the scan towards it.",
    "grade": "Of the newest graded report before this session.",
    "status": "What had become of that report before this session; withdrawn is D at most.",
    "dollars_m": "Close x volume, in the prices' currency; before the open the usual volume at the "
    "prior close.",
}
OUTCOMES = {
    "session": "Session",
    "gap_pct": "Gap",
    "gap_atr": "In ATR",
    "rvol": "Rel. vol.",
    "filled_same": "Same day",
    "sessions_to_fill": "Fill after",
    "excursion_pct": "Max. adverse move",
    "close_pct": "To close",
}


def headline(scan: scans.Scan, now: datetime) -> str:
    """The scan in one sentence, and what it stands on until the bars of its session are stored."""
    said = once.cached_for_object(
        scan.candidates, lambda: _headline(scan), "headline", scan.gaps.rows.height
    )
    if not scan.gaps.provisional:
        return said
    newest = scan.gaps.rows.select(pl.col("last_print_at").max()).item()
    asked = formats.when(newest, shell.zone())
    source = badges.plain(scan.gaps.source or "")
    if now < coming.opens_of(scan.gaps.session):
        told = f"From the last prints up to {asked} ({source}); each open takes its place once "
        told += "stored."
    else:
        waits = int(scan.gaps.rows["provisional"].sum())
        left = f", of {waits:,} from the last print before: no open is stored" if waits else ""
        told = f"From the opens of the session ({source}){left}; its bars come after the close."
    return f"{badges.turn(scan.gaps.session, now)} {said} {shell.small(told)}"


def _headline(scan: scans.Scan) -> str:
    n, rows, out = scan.candidates.height, scan.gaps.rows.height, scan.excluded.height
    flagged = int(scan.excluded["flagged"].sum())
    best = f"; {scan.candidates['symbol'][0]} ranks first" if n else ""
    names = "name gaps" if n == 1 else "names gap"
    moves = "move is" if out == 1 else "moves are"
    why = f", {flagged} because the gap is none" if flagged else ""
    return (
        f"**{n} {names}** within the filters on {formats.day(scan.gaps.session)}, of {rows:,} "
        f"looked at{best}. {out} more {moves} left out{why}."
    )


def of_them(whole: scans.Scan, scan: scans.Scan) -> str:
    """How many candidates the screen leaves; nothing while it leaves all."""
    out = whole.candidates.height - scan.candidates.height
    return f" **{scan.candidates.height}** shown, {out} screened out or dismissed." if out else ""


def candidates(
    desk: Desk,
    scan: scans.Scan,
    chosen: str,
    *,
    columns: Sequence[str] = (),
    marks: Mapping[str, str] | None = None,
) -> str:
    """The list of candidates as HTML, that of the chosen symbol marked wherever it ranks now; each
    leads to itself beside the list. `columns`: those shown, by default those that hold something,
    as many as the list has room for.
    """
    starred = tuple(symbol for symbol, mark in (marks or {}).items() if mark == "star")
    rows = once.cached_for_object(
        dressed(desk, scan), lambda: _starred(dressed(desk, scan), starred), "starred", starred
    )
    early = scan.gaps.provisional and desk.now() < coming.opens_of(scan.gaps.session)
    look = once.cached_for_object(
        rows,
        lambda: _list_look(rows, columns, bool(starred), early=early),
        *("look", tuple(columns), early),
    )
    return lists.text(rows, look, picked=chosen)


def _list_look(
    rows: pl.DataFrame, columns: Sequence[str], starred: bool, *, early: bool
) -> lists.ListLook:
    """How the candidates are listed; `early`: their prices are the last ones before the open."""
    heads = {k: CANDIDATES[k] for k in columns or _told(rows) if k in rows.columns}
    if early and "open" in heads:
        heads["open"] = "Last"
    return lists.ListLook(
        name="candidates",
        alt="Candidates of the session by score",
        columns={"symbol": heads.pop("symbol")} | ({"star": "★"} if starred else {}) | heads,
        link=lists.RowLink("gap_scan", "pick"),
        card=CARD,
        line="catalyst_text",
        paper=PRINTED,
        help=HELP,
        height=LISTED,
        wide=() if columns else WIDE,
        wider=() if columns else WIDER,
    )


def _starred(rows: pl.DataFrame, starred: Sequence[str]) -> pl.DataFrame:
    mark = pl.when(pl.col("symbol").is_in(list(starred))).then(pl.lit("★"))
    return rows.with_columns(star=mark)


def _told(rows: pl.DataFrame) -> list[str]:
    """The columns shown unasked that hold something, and two whose absence says something."""
    void = {k for k in rows.columns if rows[k].null_count() == rows.height} - {"grade", "rvol"}
    return [name for name in CANDIDATES if name in rows.columns and name not in {*void, *ASKED}]


def dressed(desk: Desk, scan: scans.Scan) -> pl.DataFrame:
    """Candidates with a small chart, words for flags, and the strongest catalyst with its link."""
    return once.cached_for_owner(scan.candidates, lambda: _dressed(desk, scan), "dressed")


def _dressed(desk: Desk, scan: scans.Scan) -> pl.DataFrame:
    rows = scan.candidates
    small = symbols.sparklines(desk, rows["symbol"].to_list(), scan.gaps.session, scan.gaps.dataset)
    first = pl.col("catalysts").list.first()
    unknown = pl.when(pl.col("catalyst_weight").is_null()).then(pl.lit("filings not stored"))
    return rows.join(small, on="symbol", how="left", maintain_order="left").with_columns(
        catalyst_text=pl.coalesce(first.struct.field("title"), unknown, pl.lit("none found")),
        filing_url=first.struct.field("url"),
        flags_text=pl.col("words").list.join(", ").replace("", None),
        dollars_m=(pl.col("dollar_volume") / 1e6).round(1),
        gap_type=pl.col("gap_type").cast(pl.String).str.replace("_", " "),
        story=pl.col("story").cast(pl.String),
    )


def chosen(scan: scans.Scan, symbol: str) -> dict[str, Any]:
    """The candidate of that symbol, else the first one."""
    return once.cached_for_object(
        scan.candidates, lambda: _chosen(scan.candidates, symbol), "chosen", symbol
    )


def _chosen(rows: pl.DataFrame, symbol: str) -> dict[str, Any]:
    asked = rows.filter(pl.col("symbol") == symbol) if symbol else rows
    return (rows if asked.is_empty() else asked).row(0, named=True)


def next_links(symbol: str, session: date) -> str:
    """Ways on from a candidate as Markdown: its page and its plan, both of that session."""
    asked = {"symbol": symbol, "session": session.isoformat()}
    named = {"symbol": "Open", "plans": "Plan"}
    words = (f"[{w} {badges.plain(symbol)}]({links.url(p, asked)})" for p, w in named.items())
    return " · ".join(words)


def excluded(scan: scans.Scan) -> str:
    """Names that moved as much but are no candidates, with reasons, as HTML."""
    inside = lists.text(scan.excluded, LEFT_OUT)
    return lists.folded("left_out", f"Left out, with reasons ({scan.excluded.height})", inside)


def finding(symbol: str, like: pl.DataFrame, gap_pct: float | None) -> str:
    """What similar gaps of a name did, in one sentence."""
    return once.cached_for_object(
        like, lambda: _finding(symbol, like, gap_pct), "finding", symbol, gap_pct
    )


def _finding(symbol: str, like: pl.DataFrame, gap_pct: float | None) -> str:
    n = like.height
    if abs(gap_pct or 0.0) < LEAST_GAP_PCT:
        return f"Below {LEAST_GAP_PCT:g} % a move is not looked at as a gap."
    if not n:
        return f"{symbol} has had no similar gap before."
    same = int(like["filled_same"].sum())
    gaps = "gap" if n == 1 else "gaps"
    few = " (few: do not lean on it)" if n < 30 else ""
    return f"{n} similar {gaps} before, {same} filled in the session itself{few}."


def grades(graded: pl.DataFrame) -> None:
    """Grades of a company's filings; a picked one is opened."""
    tables.show(
        graded,
        {
            "filed": "Filed",
            "form": "Form",
            "grade": "Grade",
            "status": "Status",
            "accession": "Accession",
        },
        alt="Grades of the company's filings, newest first",
        key="grades",
        link=quality.FILING_LINK,
        rows=8,
    )


def outcomes(rows: pl.DataFrame, key: str) -> None:
    """Gaps with what followed them."""
    tables.show(rows, OUTCOMES, alt="Gaps and what followed", key=key, rows=10, help=OUTCOME_HELP)
