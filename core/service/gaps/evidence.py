"""What is known of the companies of a session: their filings, catalysts and grades."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from core.domain.filings import clock as filing_clock
from core.domain.gaps import bars as bar_rules
from core.domain.gaps import catalysts
from core.domain.symbols import one_spelling
from core.domain.tables.frames import INSTANT
from core.domain.timetable.span import SessionSpan, span_to
from core.service.cache import DERIVED, SESSIONS
from core.store import scans as store

if TYPE_CHECKING:
    from core.service.desk import Desk

CLOCK_SLACK = timedelta(hours=6)  # Eastern clocks labelled UTC are up to 5 hours early
PRINTED: dict[str, pl.DataType] = {  # of a row that stands on a print; null on official bars
    "last_print_at": INSTANT,
    "prints": pl.Int64(),
    "provisional": pl.Boolean(),
}


def session_catalysts(desk: Desk, span: SessionSpan, until: datetime | None = None) -> pl.DataFrame:
    """Catalysts under their symbols for one session, known at its open (or at `until`)."""
    near = store.filings(desk.warehouse, span.closed_before - CLOCK_SLACK, span.opens)
    near = _true_clock(desk, near)
    found = catalysts.find_catalysts(near).filter(
        (pl.col("session") == span.day) & (pl.col("accepted_at") <= (until or span.opens))
    )
    return catalysts.per_symbol(found, registry(desk))


def evidence_since(desk: Desk, after: date | None, last: date) -> pl.DataFrame:
    """What the judgement of large moves needs of the sessions after a day, or of all, to `last`."""
    if after is None:
        every = all_catalysts(desk)
    else:
        start = datetime.combine(after, datetime.min.time(), UTC) - CLOCK_SLACK
        near = _true_clock(desk, store.filings(desk.warehouse, start, span_to(last).opens))
        found = catalysts.find_catalysts(near)
        every = catalysts.per_symbol(found, registry(desk)).filter(pl.col("session") > after)
    return catalysts.evidence(every.filter(pl.col("session") <= last))


def all_catalysts(desk: Desk) -> pl.DataFrame:
    """Catalysts of all sessions under their symbols."""
    every = _true_clock(desk, store.filings(desk.warehouse))
    return catalysts.per_symbol(catalysts.find_catalysts(every), registry(desk))


def evidence_of_name(desk: Desk, symbol: str) -> pl.DataFrame:
    """What the judgement of large moves needs of all sessions of one name."""
    return evidence_of_names(desk, [symbol])


def evidence_of_names(desk: Desk, symbols: Sequence[str]) -> pl.DataFrame:
    """The same of some names, under their one spelling."""
    known, wanted = registry(desk), sorted({one_spelling(symbol) for symbol in symbols})
    ciks = known.filter(pl.col("symbol").is_in(wanted))["cik"].unique().sort().to_list()
    filed = _true_clock(desk, store.filings(desk.warehouse, ciks=ciks))
    told = catalysts.per_symbol(catalysts.find_catalysts(filed), known)
    return catalysts.evidence(told.filter(pl.col("symbol").is_in(wanted)))


def registry(desk: Desk) -> pl.DataFrame:
    """symbol, cik, valid_from, valid_to."""
    house = desk.warehouse
    return DERIVED.get(
        (*desk.store_state, "registry"),
        lambda: catalysts.registry(store.identifiers(house), store.universe(house)),
    )


def _true_clock(desk: Desk, filings: pl.DataFrame) -> pl.DataFrame:
    key = (*desk.store_state, "clocks")
    eastern = SESSIONS.get(
        key, lambda: filing_clock.eastern_labelled(store.acceptance_times(desk.warehouse))
    )
    return filing_clock.with_true_clock(filings, eastern)


def with_companies(desk: Desk, rows: pl.DataFrame, found: pl.DataFrame, day: date) -> pl.DataFrame:
    """Adds company, sector, catalysts and the grade as known before the session."""
    rows = catalysts.companies_of(rows, registry(desk))
    facts = found.group_by("symbol").agg(
        strongest=pl.col("weight").max(),
        catalysts=pl.struct("form", "items", "title", "accepted_at", "url", "weight", "accession"),
    )
    named = rows.with_columns(_key=bar_rules.spelled("symbol"))
    named = named.join(facts, left_on="_key", right_on="symbol", how="left", maintain_order="left")
    filed = pl.col("cik").is_in(store.filed_companies(desk.warehouse))
    listed = store.universe(desk.warehouse).select(
        "name", "sector", _key=bar_rules.spelled("symbol")
    )
    named = named.join(listed.unique("_key"), on="_key", how="left", maintain_order="left")
    grades = store.grades(desk.warehouse, day)
    named = named.join(grades, on="cik", how="left", maintain_order="left")
    weight = pl.coalesce("strongest", pl.when(filed).then(0.0))
    given = {"premarket_gap_pct": pl.Float64(), "premarket_change_pct": pl.Float64(), **PRINTED}
    lacking = {name: kind for name, kind in given.items() if name not in named.columns}
    return named.with_columns(
        *(pl.lit(None, dtype=kind).alias(name) for name, kind in lacking.items()),
        catalyst_weight=weight,
        sentiment=pl.lit(None, dtype=pl.Float64),
    ).drop("_key", "strongest")
