"""What names did before a session, measured together and once: no print changes any of it.

A brief is made anew each minute; the years before its session are the same ones all morning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from core.domain.gaps import catalysts
from core.domain.gaps import measure as gaps
from core.domain.gaps.bars import spelled
from core.domain.gaps.flags import BROAD_NAMES
from core.domain.tables.datasets import Dataset
from core.domain.timetable import sessions as calendar
from core.service.cache import DERIVED
from core.service.gaps import evidence as evidence_of
from core.service.gaps import session as scan_inputs
from core.service.gaps import symbols
from core.store import scans as store

if TYPE_CHECKING:
    from core.service.desk import Desk

TOGETHER = BROAD_NAMES - 1  # names that together are no market: none is judged by the others
OHLC = ("open", "high", "low", "close")
FOLLOWED = ("session", "gap_pct", "filled_same", "excursion_pct", "close_pct")


@dataclass(frozen=True, slots=True)
class Past:
    """A name's bars (session and OHLC on one share basis) and what followed its gaps (FOLLOWED)."""

    bars: pl.DataFrame
    outcomes: pl.DataFrame


def pasts(
    desk: Desk, names: Sequence[str], day: date, dataset: str | None = None
) -> dict[str, Past]:
    """What is stored of some names up to a session, that included; of those with bars.

    What was measured is kept until bars, actions or filings come in.
    """
    source = scan_inputs.dataset_of(desk, dataset)
    key = (*scan_inputs.past_version(desk, source), "pasts", day)
    kept = DERIVED.get(key, dict[str, Past])
    lacking = [name for name in names if name not in kept]
    for start in range(0, len(lacking), TOGETHER):
        kept.update(_measured(desk, lacking[start : start + TOGETHER], day, source))
    return {name: kept[name] for name in names if name in kept}


def _measured(desk: Desk, names: Sequence[str], day: date, source: Dataset) -> dict[str, Past]:
    raw = store.bars(desk.warehouse, source.table, last=day, symbols=names)
    if raw.is_empty():
        return {}
    last: date = raw["session"].max()  # type: ignore[assignment]
    days = calendar.sessions_between(date(1990, 1, 1), last)["session"]
    wanted = raw.select(spelled("symbol").unique()).to_series()
    filed = evidence_of.all_catalysts(desk).filter(
        pl.col("symbol").is_in(wanted.implode()) & (pl.col("session") <= day)
    )
    actions = scan_inputs.actions_for(desk, source)
    actions = actions.filter(pl.col("symbol").is_in(list(names)))
    table = gaps.measure(raw, days, actions, catalysts.evidence(filed))
    bars = table.select("symbol", "session", pl.col(OHLC) / pl.col("split_factor"))
    after = symbols.outcomes_of(table, days).select("symbol", *FOLLOWED)
    empty = after.clear().drop("symbol")
    followed = {name: rows for (name,), rows in after.group_by("symbol", maintain_order=True)}
    return {
        str(name): Past(
            rows.drop("symbol"),
            followed[name].drop("symbol") if name in followed else empty,
        )
        for (name,), rows in bars.group_by("symbol", maintain_order=True)
    }
