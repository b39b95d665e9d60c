"""One name: its bars with gaps, its filings as catalysts, what like gaps did, its grades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from core.domain.gaps import breaks as gap_breaks
from core.domain.gaps import catalysts
from core.domain.gaps import flags as gap_flags
from core.domain.gaps import measure as gaps
from core.domain.gaps import outcomes as gap_statistics
from core.domain.gaps.bars import spelled
from core.domain.tables.datasets import Dataset
from core.domain.timetable import sessions as calendar
from core.errors import NotFoundError
from core.service.cache import DERIVED, SESSIONS
from core.service.gaps import coming
from core.service.gaps import evidence as evidence_of
from core.service.gaps import session as scan_inputs
from core.service.gaps.coming import Print
from core.store import scans as store

if TYPE_CHECKING:
    from core.service.desk import Desk

LIKE_PCT = 2.0  # like gaps: the same direction, within a factor of two in size
BOX_PCT = 3.0  # gaps drawn as boxes


@dataclass(frozen=True, slots=True)
class SymbolView:
    """A name's measured bars (adjusted prices in `bars`), gaps with outcomes, filings.

    `found` is the print that stands for the last bar while that is still to come.
    """

    symbol: str
    cik: int | None
    bars: pl.DataFrame
    outcomes: pl.DataFrame
    filings: pl.DataFrame
    found: Print | None = None

    @property
    def provisional(self) -> bool:
        """Whether the open of the last bar is still to come."""
        return self.found is not None and not self.found.official


def symbols(desk: Desk, dataset: str | None = None) -> list[str]:
    """Symbols with bars; empty before the first pull."""
    source = scan_inputs.dataset_of(desk, dataset)
    if not store.has_table(desk.warehouse, source.table):
        return []
    key = (*scan_inputs.version(desk, source), "symbols")
    return SESSIONS.get(key, lambda: store.symbols(desk.warehouse, source.table))


def view(
    desk: Desk, symbol: str, day: date | None = None, dataset: str | None = None
) -> SymbolView:
    """What was known of one symbol at the end of a session (default: all that is stored).

    The session to come has a bar made of the last print, until its own is stored.
    """
    source = scan_inputs.dataset_of(desk, dataset)
    to_come = scan_inputs.awaited(desk)
    found = None
    if to_come is not None and day in (None, to_come):
        found = coming.print_of(desk, symbol, to_come)
    key = (*scan_inputs.version(desk, source), "symbol", symbol, day, found)
    return SESSIONS.get(key, lambda: _view(desk, symbol, day, source, found))


def _view(
    desk: Desk, symbol: str, day: date | None, source: Dataset, found: Print | None
) -> SymbolView:
    raw = store.bars(desk.warehouse, source.table, last=day, symbols=[symbol])
    if found is not None and not raw.is_empty() and raw["session"][-1] < found.session:
        raw = pl.concat([raw, coming.stand_in(found, raw.columns)], how="vertical_relaxed")
    else:
        found = None
    if raw.is_empty():
        until = f" up to {day}" if day else ""
        raise NotFoundError(f"{source.name} has no bars of {symbol}{until}", hint="choose another")
    days = calendar.sessions_between(date(1990, 1, 1), raw["session"][-1])["session"]
    known = evidence_of.all_catalysts(desk).filter(
        (pl.col("symbol") == _spelled(symbol)) & (pl.col("session") <= (day or date.max))
    )
    evidence = catalysts.evidence(known.with_columns(symbol=pl.lit(symbol)))
    actions = scan_inputs.actions_for(desk, source).filter(pl.col("symbol") == symbol)
    table = gaps.measure(raw, days, actions, catalysts=evidence)
    if found is not None:
        table = _with_print(table)
    past = table if found is None else table.head(table.height - 1)
    outcomes = outcomes_of(past, days)
    registry = evidence_of.registry(desk)
    cik = catalysts.companies_of(raw.tail(1).select("symbol", "session"), registry)["cik"][0]
    return SymbolView(symbol, cik, _adjusted(table), outcomes, known, found)


def outcomes_of(past: pl.DataFrame, days: pl.Series) -> pl.DataFrame:
    """What followed the sound gaps of 1 % and more among measured bars, to the end of those."""
    sound = past.filter((pl.col("gap_pct").abs() >= 1) & ~gap_flags.excluded())
    followed = gap_breaks.stretches(past, gap_breaks.judged(past), days)
    return gap_statistics.outcomes(sound, followed, past.height)


def _with_print(table: pl.DataFrame) -> pl.DataFrame:
    """A session to come has no volume yet: what rests on one is not known."""
    last = pl.int_range(pl.len()) == pl.len() - 1
    unknown = [name for name in ("rvol", "dollar_volume", "story") if name in table.columns]
    return table.with_columns(*(pl.when(~last).then(pl.col(name)).alias(name) for name in unknown))


def _spelled(symbol: str) -> str:
    return str(pl.DataFrame({"symbol": [symbol]}).select(spelled("symbol")).item())


def _adjusted(table: pl.DataFrame) -> pl.DataFrame:
    """Prices for a chart: one share basis throughout; what was delivered is in `as_traded`."""
    factor = pl.col("split_factor")
    return table.with_columns(
        as_traded=pl.col("close"),
        words=gap_flags.words().list.join(", "),
        reason=gap_flags.reason(),
        **{name: pl.col(name) / factor for name in ("open", "high", "low", "close", "prior_close")},
        volume=pl.col("volume") * factor,
    )


def boxes(found: SymbolView, first: date, last: date, least_pct: float = BOX_PCT) -> pl.DataFrame:
    """Gaps to shade: session, until (of the fill, else the last bar), low, high, up, filled."""
    placed = found.bars.with_row_index("place").select("session", "place", "open", "prior_close")
    rows = (
        found.outcomes.filter(pl.col("gap_pct").abs() >= least_pct)
        .select("session", "gap_pct", "sessions_to_fill")
        .join(placed, on="session")
    )
    sessions = found.bars["session"]
    at = (rows["place"].cast(pl.Int64) + rows["sessions_to_fill"].fill_null(10**6)).clip(
        0, len(sessions) - 1
    )
    return rows.with_columns(
        sessions.gather(at).alias("until"),
        up=pl.col("gap_pct") > 0,
        filled=pl.col("sessions_to_fill").is_not_null(),
        bottom=pl.min_horizontal("open", "prior_close"),
        top=pl.max_horizontal("open", "prior_close"),
    ).filter((pl.col("until") >= first) & (pl.col("session") <= last))


def like(found: SymbolView, gap_pct: float, before: date) -> pl.DataFrame:
    """Earlier gaps of the name in the same direction and between half and twice the size."""
    return similar(found.outcomes, gap_pct, before)


def similar(outcomes: pl.DataFrame, gap_pct: float, before: date) -> pl.DataFrame:
    """Those of one name's outcomes that are like a gap, latest first."""
    size = abs(gap_pct)
    return outcomes.filter(
        (pl.col("session") < before)
        & (pl.col("gap_pct").sign() == (1 if gap_pct >= 0 else -1))
        & pl.col("gap_pct").abs().is_between(size / LIKE_PCT, size * LIKE_PCT)
    ).sort("session", descending=True)


def levels(found: SymbolView, day: date) -> dict[str, float]:
    """Prices to watch on a session, on the chart's basis: prior close, 20-session range."""
    rows = found.bars.filter(pl.col("session") == day)
    if rows.is_empty():
        return {}
    row = rows.row(0, named=True)
    return levels_of(row["prior_close"], row)


def levels_of(prior_close: float | None, row: Mapping[str, Any]) -> dict[str, float]:
    """The same of a measured row (high20, low20, split_factor), its prior close on that basis."""
    factor = row["split_factor"]
    given = {
        "prior close": prior_close,
        "20-session high": row["high20"] and row["high20"] / factor,
        "20-session low": row["low20"] and row["low20"] / factor,
    }
    return {name: value for name, value in given.items() if value is not None}


def grades(desk: Desk, cik: int | None, day: date | None = None) -> pl.DataFrame:
    """Grades and status of the company's filings as known on a day (now), newest first."""
    history = store.grade_history(desk.warehouse, day or desk.now().date())
    of_it = pl.col("cik") == pl.lit(cik, dtype=pl.Int64)
    return history.filter(of_it).sort("filed", "accession", descending=True)


def sparklines(desk: Desk, names: list[str], day: date, dataset: str | None = None) -> pl.DataFrame:
    """symbol and closes: the closes of about 30 sessions up to a day, for small charts."""
    source = scan_inputs.dataset_of(desk, dataset)
    key = (*scan_inputs.version(desk, source), "sparklines", tuple(names), day)
    return DERIVED.get(key, lambda: _sparklines(desk, names, day, source))


def _sparklines(desk: Desk, names: list[str], day: date, source: Dataset) -> pl.DataFrame:
    raw = store.bars(desk.warehouse, source.table, day - timedelta(days=45), day, names)
    return raw.group_by("symbol", maintain_order=True).agg(
        closes=pl.col("close").filter(pl.col("close") > 0)
    )
