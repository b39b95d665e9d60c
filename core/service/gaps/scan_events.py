"""What a kept scan brings as events: the scan of its hour, and followed names among candidates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from core.observe.events import Event
from core.service.gaps.scans import Scan
from core.store import events
from core.store.transaction import Transaction

SCHEDULED = "schedule"


def tell(tx: Transaction, scan: Scan, before: Sequence[str], trigger: str, now: datetime) -> None:
    """Store the events of a scan that is being kept; `before` are the candidates it replaces."""
    found = scan.candidates["symbol"].to_list()
    told = list(_listed(tx, scan))
    if trigger == SCHEDULED or set(found) != set(before):
        told.insert(0, _made(scan, before, trigger))
    events.add(tx, told, now)


def _made(scan: Scan, before: Sequence[str], trigger: str) -> Event:
    count, day = scan.candidates.height, scan.gaps.session
    after = {"candidates": count, "session": day, "provisional": scan.gaps.provisional}
    return Event.of(
        "scan.made",
        scan.gaps.dataset,
        f"{count} candidates on {day}",
        before={"candidates": len(before)},
        after={**after, "trigger": trigger},
    )


def _listed(tx: Transaction, scan: Scan) -> Iterator[Event]:
    """Followed candidates, each once a session."""
    followed = tx.read("SELECT DISTINCT symbol FROM watchlist WHERE symbol IS NOT NULL")["symbol"]
    mine = scan.candidates.filter(pl.col("symbol").is_in(followed.implode()))
    last = events.latest(tx, "candidate.listed", mine["symbol"].to_list())
    for row in mine.iter_rows(named=True):
        known = last.get(row["symbol"], {})
        if known.get("session") != str(scan.gaps.session):
            yield _candidate(row, scan)


def _candidate(row: dict[str, Any], scan: Scan) -> Event:
    session = scan.gaps.session
    after = {
        "session": session,
        "gap_pct": row["gap_pct"],
        "score": row["score"],
        "provisional": bool(row["provisional"]),
    }
    score = "no score" if row["score"] is None else f"score {row['score']:.0f}"
    sentence = f"{row['symbol']} gaps {row['gap_pct']:+.1f} % on {session}, {score}"
    return Event.of("candidate.listed", row["symbol"], sentence, after=after)
