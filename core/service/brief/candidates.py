"""The candidates of a brief: why each gaps, what similar gaps did, its plan, its chart.

Those told at length are read and measured together, and their past once for the whole morning: a
brief is made anew each minute, and each name by itself cost it two measures and thirty questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from core.errors import OpenbellError
from core.service.filings import texts
from core.service.gaps import intraday, pasts, scans, symbols
from core.service.gaps.intraday import Intraday
from core.service.gaps.market_view import MarketView
from core.service.gaps.pasts import OHLC, Past
from core.service.gaps.scans import Scan
from core.service.gaps.statistics import LEAST_GAP_PCT
from core.service.lists import notes
from core.service.trading import plan_views, plans
from core.service.trading.plan_documents import plan_document
from core.service.trading.plans import Ask
from core.store import plans as plan_store
from core.store.plans import StoredPlan

if TYPE_CHECKING:
    from core.service.desk import Desk

SESSIONS = 60  # daily candles of a chart


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the names told at length: each read for all of them at once."""

    pasts: Mapping[str, Past]
    views: Mapping[str, MarketView]
    minutes: Mapping[str, Intraday]
    decided: Mapping[str, StoredPlan]


def told(then: Desk, scan: Scan, most: int) -> list[dict[str, Any]]:
    """All candidates by rank as the scan tells them; the first `most` with similar gaps, plan and
    charts (`detail`), the others without.
    """
    mine = _notes(then, scan.gaps.session)
    every: list[dict[str, Any]] = scans.document(scan)["candidates"]
    rows = scan.candidates.iter_rows(named=True)
    known = _known(then, scan, scan.candidates["symbol"].head(most).to_list())
    return [
        item
        | {"rank": rank, "name": row["name"]}
        | {"detail": _detail(then, scan, row, known) if rank <= most else None}
        | {"notes": mine.get(str(row["symbol"]), []), "says": _says(then, item, row["cik"])}
        for rank, (item, row) in enumerate(zip(every, rows, strict=True), 1)
    ]


def _known(then: Desk, scan: Scan, names: Sequence[str]) -> _Known:
    day, minute = scan.gaps.session, then.now().replace(second=0, microsecond=0)
    return _Known(
        pasts.pasts(then, names, day, scan.gaps.dataset),
        plan_views.looks(then, names, _asked(scan)),
        intraday.of_names(then, names, day, minute),
        _decided(then, day),
    )


def _decided(then: Desk, day: date) -> dict[str, StoredPlan]:
    """The plans of a session that wait or are in the book, by name."""
    stored = plan_store.load(then.warehouse, until=then.now())
    running = (plan_store.WAITING, plan_store.OPEN)
    return {i.plan.symbol: i for i in stored if i.plan.session == day and i.state in running}


def _asked(scan: Scan) -> date | None:
    """The session that plans are asked for: none says that it is the one to come."""
    return None if scan.gaps.provisional else scan.gaps.session


def _detail(then: Desk, scan: Scan, row: Mapping[str, Any], known: _Known) -> dict[str, Any]:
    symbol, day, factor = str(row["symbol"]), scan.gaps.session, row["split_factor"]
    past, before = known.pasts.get(symbol), row["prior_close"]
    return {
        "similar": _similar(past, row["gap_pct"] or 0.0, day),
        "levels": symbols.levels_of(before and before / factor, row),
        "plan": _standing(known.decided[symbol])
        if symbol in known.decided
        else _plan(then, Ask(symbol, _asked(scan)), known.views.get(symbol)),
        "days": _days(past, row),
        "minutes": _minutes(known.minutes.get(symbol)),
    }


def _says(then: Desk, row: Mapping[str, Any], cik: int | None) -> dict[str, Any] | None:
    """The first lines of the filing behind a candidate, of the first that was read; else None."""
    keys = [] if cik is None else [(cik, item["accession"]) for item in row["catalysts"]]
    read = (found for found in texts.texts(then, keys).values() if found["text"])
    return next(({name: found[name] for name in ("kind", "url", "text")} for found in read), None)


def _notes(then: Desk, day: date) -> dict[str, list[dict[str, Any]]]:
    """The reader's notes by name: text, who, at."""
    mine = notes.notes(then, day=day).filter(pl.col("written_at") <= then.now())
    found: dict[str, list[dict[str, Any]]] = {}
    for row in mine.select("symbol", "text", who="written_by", at="written_at").to_dicts():
        found.setdefault(row.pop("symbol"), []).append(row)
    return found


def _similar(past: Past | None, gap_pct: float, day: date) -> dict[str, Any] | None:
    """What similar gaps of the name did before; None where a move is too small to be looked at."""
    if abs(gap_pct) < LEAST_GAP_PCT or past is None:
        return None
    like = symbols.similar(past.outcomes, gap_pct, day)
    same = like["filled_same"]
    return {
        "n": like.height,
        "filled_same": int(same.sum()),
        "median_excursion_pct": like["excursion_pct"].median(),
        "median_close_pct": like["close_pct"].median(),
    }


def _standing(item: StoredPlan) -> dict[str, Any]:
    """The plan that was decided on: another on top of it is not what the reader asks about."""
    made = {"plan": plan_document(item.plan), "verdict": item.verdict}
    return {"refused": None, **made, "state": item.state, "because": item.outcome or item.reason}


def _plan(then: Desk, ask: Ask, view: MarketView | None) -> dict[str, Any]:
    """The plan by the settings with its verdict, or why there is none."""
    try:
        made = plans.document(plans.propose(then, ask, view=view))
    except OpenbellError as error:
        return {"refused": error.message}
    return {"refused": None, "plan": made["plan"], "verdict": made["verdict"]}


def _days(past: Past | None, row: Mapping[str, Any]) -> list[list[Any]]:
    """session, open, high, low, close on one share basis, of the last sessions; without unsound
    ones. The print stands for the bar of a session that has none yet.
    """
    bars = [] if past is None else past.bars.tail(SESSIONS).rows()
    if row["provisional"] is not None and (not bars or bars[-1][0] < row["session"]):
        stands = row["open"] / row["split_factor"]
        bars = [*bars[-SESSIONS + 1 :], (row["session"], *[stands] * len(OHLC))]
    return [
        [day, *(round(price, 4) for price in prices)]
        for day, *prices in bars
        if all(price is not None and price > 0 for price in prices)
    ]


def _minutes(found: Intraday | None) -> dict[str, Any] | None:
    """The session's candles so far: their length in minutes, the open, and ts with prices."""
    if found is None:
        return None
    rows = found.bars.select("ts", *OHLC).drop_nulls().iter_rows()
    return {
        "step": found.step,
        "opens_at": found.opens,
        "bars": [[ts, *(round(price, 4) for price in prices)] for ts, *prices in rows],
    }
