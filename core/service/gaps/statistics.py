"""What gaps did: rates by bucket and the back-test, over all stored sessions."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from core.domain.access.principals import Role
from core.domain.gaps import (
    backtest,
    bars,
    catalysts,
    distributions,
)
from core.domain.gaps import breaks as gap_breaks
from core.domain.gaps import filters as gap_filters
from core.domain.gaps import flags as gap_flags
from core.domain.gaps import measure as gaps
from core.domain.gaps import outcomes as rules
from core.domain.gaps.bars import spelled
from core.domain.gaps.filters import GapFilters
from core.domain.timetable import sessions as calendar
from core.errors import NotFoundError
from core.service.cache import DERIVED, SESSIONS
from core.service.gaps import evidence as evidence_of
from core.service.gaps import scans
from core.service.gaps import session as scan_inputs
from core.service.kernel import access
from core.service.kernel.commands import command
from core.service.kernel.exports import export
from core.service.kernel.relay import relayed
from core.store import scans as store

if TYPE_CHECKING:
    from core.service.desk import Desk

Bucket = Literal["size", "direction", "weekday", "catalyst", "grade", "gap_type", "story", "all"]
LEAST_GAP_PCT = 1.0  # smaller moves are not looked at


@dataclass(frozen=True, slots=True)
class History:
    """All gaps of at least 1 % with what followed, the bars they came from and what those paid."""

    dataset: str
    outcomes: pl.DataFrame
    bars: pl.DataFrame
    paid: pl.DataFrame
    first: date
    last: date
    names: int
    excluded: int


def history(desk: Desk, dataset: str | None = None) -> History:
    """Gaps and outcomes of all stored sessions; NotFoundError before the first pull."""
    source = scan_inputs.dataset_of(desk, dataset)
    key = (*scan_inputs.version(desk, source), "history")
    return SESSIONS.get(key, lambda: _history(desk, source.name))


def _history(desk: Desk, dataset: str) -> History:
    source = scan_inputs.dataset_of(desk, dataset)
    if not store.has_table(desk.warehouse, source.table):
        raise NotFoundError(f"{dataset} has not been pulled", hint=f"python -m app pull {dataset}")
    every = store.bars(desk.warehouse, source.table)
    if every.is_empty():
        raise NotFoundError(f"{dataset} has no bars", hint=f"python -m app pull {dataset}")
    first, last = every["session"].min(), every["session"].max()
    assert isinstance(first, date) and isinstance(last, date)
    days = calendar.sessions_between(date(1990, 1, 1), last)["session"]
    actions = scan_inputs.actions_for(desk, source)
    known = evidence_of.all_catalysts(desk)
    reach = GapFilters(min_gap_pct=LEAST_GAP_PCT)
    found = gaps.find(every, days, reach, actions, catalysts.evidence(known))
    sound = found.filter(~gap_flags.excluded() & pl.col("gap_pct").is_not_null())
    factor = bars.split_factors(every, bars.splits_of(actions))
    series = every.with_columns(split_factor=factor)
    series = gap_breaks.stretches(series, gap_breaks.judged(found), days)
    outcomes = rules.with_groups(rules.outcomes(sound, series))
    outcomes = _with_company(desk, outcomes, known)
    return History(
        dataset,
        outcomes,
        series,
        distributions.paid_on(series, actions),
        first,
        last,
        every["symbol"].n_unique(),
        found.height - sound.height,
    )


def _with_company(desk: Desk, rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Adds catalyst (in words, as known at the open) and grade (as known the day before)."""
    registry = evidence_of.registry(desk)
    rows = catalysts.companies_of(rows, registry)
    best = known.group_by("symbol", "session", maintain_order=True).agg(
        title=pl.col("title").first()
    )
    rows = rows.with_columns(_key=spelled("symbol")).join(
        best, left_on=["_key", "session"], right_on=["symbol", "session"], how="left"
    )
    filed = pl.col("cik").is_in(store.filed_companies(desk.warehouse))
    nothing = pl.when(filed).then(pl.lit("none found")).otherwise(pl.lit("filings not stored"))
    rows = rows.sort("session").join_asof(
        store.grades_over_time(desk.warehouse),
        left_on="session",
        right_on="since",
        by="cik",
        strategy="backward",
        tolerance=timedelta(days=store.GRADE_DAYS),
        allow_exact_matches=False,
        check_sortedness=False,
    )
    return rows.with_columns(
        catalyst=pl.coalesce(pl.col("title"), nothing),
        grade=pl.col("grade").fill_null("not graded"),
    ).drop("_key", "title")


def filtered(past: History, filters: GapFilters) -> pl.DataFrame:
    """Outcomes of the gaps that pass the filters."""
    return past.outcomes.filter(gap_filters.passes(filters))


def back_test(
    desk: Desk, past: History, filters: GapFilters, chosen: backtest.TradeRules
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Trades of the signal and their summary; counts the parameter sets tried so far."""
    source = scan_inputs.dataset_of(desk, past.dataset)
    done = DERIVED.get(
        (*scan_inputs.version(desk, source), "trades", filters, chosen),
        lambda: backtest.trades(filtered(past, filters), past.bars, chosen, past.paid),
    )
    variant = json.dumps({**filters.numbers(), **asdict(chosen)}, sort_keys=True)
    tried = _tried(desk, past.dataset, variant)
    key = ("summary", id(done), tried)
    whose, totals = DERIVED.get(key, lambda: (done, backtest.summary(done, tried)))
    return done, totals if whose is done else backtest.summary(done, tried)


@relayed(access.principal)
def _tried(desk: Desk, dataset: str, variant: str) -> int:
    """How many sets of parameters were tried on a dataset, this one among them."""
    return store.count_variants(desk.warehouse, dataset, variant, desk.now())


def _bucketed(past: History, done: pl.DataFrame) -> pl.DataFrame:
    """The trades with what was known of their gaps: catalyst, grade, gap_type and story."""
    known = past.outcomes.select(
        "symbol",
        "catalyst",
        "grade",
        pl.col("gap_type", "story").cast(pl.String).fill_null("n/a"),
        signal_session="session",
    )
    keys = ["symbol", "signal_session"]
    return done.join(known, on=keys, how="left", maintain_order="left")


@command("backtest", needs=Role.VIEWER)
def backtest_command(
    desk: Desk,
    *,
    filters: dict[str, float] | None = None,
    side: Literal["follow", "fade"] = "follow",
    stop_atr: float = 1.5,
    target_r: float = 2.0,
    hold_sessions: int = 5,
    cost_bps: float = 5.0,
    by: Bucket = "size",
    dataset: str | None = None,
) -> dict[str, Any]:
    """Back-test of the gap signal, and how often such gaps filled."""
    chosen = backtest.TradeRules(side, stop_atr, target_r, hold_sessions, cost_bps)
    bounds = scans.default_filters(desk).changed(dict(filters or {}))
    past = history(desk, dataset)
    done, totals = back_test(desk, past, bounds, chosen)
    fills = rules.rates(filtered(past, bounds), [] if by == "all" else [by], "fill in the session")
    return {
        "dataset": past.dataset,
        "from": past.first,
        "to": past.last,
        "rules": {**asdict(chosen), "entry": "open of the session after the gap"},
        "filters": bounds.numbers(),
        **totals,
        "buckets": backtest.expectancy(_bucketed(past, done), by).to_dicts(),
        "fills": fills.to_dicts(),
    }


@export("gaps", needs=Role.VIEWER)
def export_gaps(desk: Desk, *, dataset: str | None = None) -> pl.DataFrame:
    """Every gap of at least 1 % with what followed it."""
    keep = (
        "symbol",
        "session",
        "gap_pct",
        "gap_atr",
        "rvol",
        "gap_type",
        "story",
        "size",
        "direction",
        "weekday",
        "catalyst",
        "grade",
        "sessions_seen",
        "filled_same",
        "filled",
        "sessions_to_fill",
        "sessions_to_half",
        "excursion_pct",
        "close_pct",
    )
    table = history(desk, dataset).outcomes.select(keep)
    return table.with_columns(pl.col("gap_type", "story", "size", "weekday").cast(pl.String))
