"""Returns of names as they traded: on one share basis, of sound bars, without what was no trading.

A split that nobody recorded, a bad print or a change of units is no loss of a book. What the
judgement of gaps leaves out (docs/gaps.md) is left out here too, unless somebody confirmed that the
price is real.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from core.domain.gaps import breaks, catalysts
from core.domain.gaps import measure as gaps
from core.domain.gaps.bars import is_sound
from core.domain.gaps.flags import LARGE_PCT
from core.domain.risk import exposure
from core.domain.timetable import sessions as calendar
from core.service.gaps import evidence as evidence_of
from core.service.gaps import market_view
from core.service.gaps import session as scan_inputs
from core.store import settling as memory
from core.store.journal import Reader

if TYPE_CHECKING:
    from core.service.desk import Desk

LOOK_BACK = timedelta(days=45)  # what the judgement of a move needs before it
CORRELATED_OVER = timedelta(days=130)  # sixty sessions, and room for holes


def returns_of(
    desk: Desk, reader: Reader, symbols: Sequence[str], first: date, last: date
) -> pl.DataFrame:
    """symbol, session and return (0.01 for 1 %) of some names, from `first` to `last`."""
    found, left_out = _returns(desk, reader, symbols, first, last)
    return found.join(left_out, on=list(breaks.BREAKS), how="anti")


def _returns(
    desk: Desk, reader: Reader, symbols: Sequence[str], first: date, last: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All returns of some names, and which of them (symbol, session) are no trading."""
    raw = market_view.is_raw(desk)
    bars = market_view.adjusted(reader, symbols, first, last, raw=raw).filter(is_sound())
    found = exposure.returns(bars)
    # beyond 45 % nothing is left in `found`, so every name is looked at that moved so far
    moved = pl.col("close") / pl.col("close").shift(1).over("symbol") - 1
    large = bars.filter(moved.abs() * 100 >= LARGE_PCT / 2)["symbol"].unique().sort()
    if large.is_empty():
        return found, found.clear().select(tuple(breaks.BREAKS))
    return found, unreal(desk, reader, large.to_list(), first, last)


def unreal(
    desk: Desk, reader: Reader, symbols: Sequence[str], first: date, last: date
) -> pl.DataFrame:
    """symbol and session of the moves that the judgement calls unreal and nobody confirmed."""
    given = {"symbols": list(symbols), "first": first - LOOK_BACK, "last": last}
    bars = calendar.traded(reader.read(market_view.BARS, given))
    days = calendar.sessions_between(first - LOOK_BACK, last)["session"]
    actions = scan_inputs.actions_for(desk, scan_inputs.dataset_of(desk, None))
    actions = actions.filter(pl.col("symbol").is_in(list(symbols)))
    found = breaks.judged(gaps.measure(bars, days, actions))
    if found.is_empty():
        return found
    known = catalysts.evidence(evidence_of.all_catalysts(desk))
    found = breaks.judged(gaps.measure(bars, days, actions, known))
    real = [(name, day) for name in symbols for day in memory.confirmed(reader, name)]
    confirmed = pl.DataFrame(real, schema=breaks.BREAKS, orient="row")
    return found.join(confirmed, on=list(breaks.BREAKS), how="anti")


def pairs(
    desk: Desk, reader: Reader, symbols: Sequence[str], session: date
) -> dict[frozenset[str], float]:
    """Correlations of the 60 sessions before a session."""
    names, last = sorted(set(symbols)), session - timedelta(days=1)
    if len(names) < 2:
        return {}
    found, left_out = _returns(desk, reader, names, last - CORRELATED_OVER, last)
    # such a session counts for no name, so that sixty others are compared
    return exposure.correlations(found.join(left_out, on="session", how="anti"), names)


def mean_market(desk: Desk, first: date, last: date) -> pl.DataFrame:
    """session and return: the mean of all names, over splits on record as over any other night."""
    reader = desk.warehouse
    names, raw = market_view.symbols(reader), market_view.is_raw(desk)
    bars = market_view.adjusted(reader, names, first, last, raw=raw).filter(is_sound())
    return exposure.market_returns(exposure.returns(bars))
