"""The candidates of a brief: why each gaps, what similar gaps did, its plan, its chart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from core.errors import OpenbellError
from core.service.filings import texts
from core.service.gaps import intraday, scans, symbols
from core.service.gaps.scans import Scan
from core.service.gaps.statistics import LEAST_GAP_PCT
from core.service.lists import notes
from core.service.trading import plans
from core.service.trading.plans import Ask

if TYPE_CHECKING:
    from core.service.desk import Desk

SESSIONS = 60  # daily candles of a chart
OHLC = ("open", "high", "low", "close")


def told(then: Desk, scan: Scan, most: int) -> list[dict[str, Any]]:
    """All candidates by rank as the scan tells them; the first `most` with similar gaps, plan and
    charts (`detail`), the others without.
    """
    mine = notes.notes(then, day=scan.gaps.session).filter(pl.col("written_at") <= then.now())
    every: list[dict[str, Any]] = scans.document(scan)["candidates"]
    names, ciks = scan.candidates["name"].to_list(), scan.candidates["cik"].to_list()
    return [
        row
        | {"rank": rank, "name": name, "detail": _detail(then, scan, row, rank <= most)}
        | {"notes": _notes(mine, str(row["symbol"])), "says": _says(then, row, cik)}
        for rank, (row, name, cik) in enumerate(zip(every, names, ciks, strict=True), 1)
    ]


def _detail(
    then: Desk, scan: Scan, row: Mapping[str, Any], at_length: bool
) -> dict[str, Any] | None:
    if not at_length:
        return None
    symbol, day = str(row["symbol"]), scan.gaps.session
    view = symbols.view(then, symbol, day, scan.gaps.dataset)
    return {
        "similar": _similar(view, row["gap_pct"] or 0.0, day),
        "levels": symbols.levels(view, day),
        "plan": _plan(then, symbol, None if scan.gaps.provisional else day),
        "days": _days(view.bars.tail(SESSIONS)),
        "minutes": _minutes(then, symbol, day),
    }


def _says(then: Desk, row: Mapping[str, Any], cik: int | None) -> dict[str, Any] | None:
    """The first lines of the filing behind a candidate, of the first that was read; else None."""
    keys = [] if cik is None else [(cik, item["accession"]) for item in row["catalysts"]]
    read = (found for found in texts.texts(then, keys).values() if found["text"])
    return next(({name: found[name] for name in ("kind", "url", "text")} for found in read), None)


def _notes(mine: pl.DataFrame, symbol: str) -> list[dict[str, Any]]:
    """The reader's notes on a name: text, who, at."""
    of_it = mine.filter(pl.col("symbol") == symbol)
    return of_it.select("text", who="written_by", at="written_at").to_dicts()


def _similar(view: symbols.SymbolView, gap_pct: float, day: date) -> dict[str, Any] | None:
    """What similar gaps of the name did before; None where a move is too small to be looked at."""
    if abs(gap_pct) < LEAST_GAP_PCT:
        return None
    like = symbols.like(view, gap_pct, day)
    same = like["filled_same"]
    return {
        "n": like.height,
        "filled_same": int(same.sum()),
        "median_excursion_pct": like["excursion_pct"].median(),
        "median_close_pct": like["close_pct"].median(),
    }


def _plan(then: Desk, symbol: str, day: date | None) -> dict[str, Any]:
    """The plan by the settings with its verdict, or why there is none."""
    try:
        made = plans.document(plans.propose(then, Ask(symbol, day)))
    except OpenbellError as error:
        return {"refused": error.message}
    return {"refused": None, "plan": made["plan"], "verdict": made["verdict"]}


def _days(bars: pl.DataFrame) -> list[list[Any]]:
    """session, open, high, low, close on one share basis; without unsound sessions."""
    sound = bars.select("session", *OHLC).drop_nulls().filter(pl.min_horizontal(OHLC) > 0)
    return [[day, *(round(price, 4) for price in prices)] for day, *prices in sound.iter_rows()]


def _minutes(then: Desk, symbol: str, day: date) -> dict[str, Any] | None:
    """The session's candles so far: their length in minutes, the open, and ts with prices."""
    found = intraday.intraday(then, symbol, day)
    if found is None:
        return None
    rows = found.bars.select("ts", *OHLC).drop_nulls().iter_rows()
    return {
        "step": found.step,
        "opens_at": found.opens,
        "bars": [[ts, *(round(price, 4) for price in prices)] for ts, *prices in rows],
    }
