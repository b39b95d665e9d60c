"""The gap scan: candidates of a session, what was left out and why, and its keeping."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from core.domain.access.principals import Role
from core.domain.gaps import filters as gap_filters
from core.domain.gaps import flags as gap_flags
from core.domain.gaps import scoring
from core.domain.gaps.filters import GapFilters, GapLimits, changes
from core.domain.gaps.scoring import COMPONENTS, SCORE_VERSION, Weights
from core.domain.timetable import sessions as calendar
from core.service.cache import DERIVED, SESSIONS
from core.service.gaps import session as scan_inputs
from core.service.gaps.session import SessionGaps
from core.service.kernel.commands import command
from core.service.kernel.exports import export
from core.store import scans as store

if TYPE_CHECKING:
    from core.service.desk import Desk


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan: candidates by score, and the names left out with reasons, largest gap first."""

    gaps: SessionGaps
    filters: GapFilters
    weights: Weights
    candidates: pl.DataFrame
    excluded: pl.DataFrame


def default_filters(desk: Desk) -> GapFilters:
    """The filters of the settings."""
    chosen = {key: getattr(desk.settings, key) for key in gap_filters.FILTER_KEYS}
    return GapFilters(**chosen, exclusions=tuple(desk.settings.gap_exclusions))


def default_weights(desk: Desk) -> Weights:
    """The weights of the settings."""
    return Weights(**{name: getattr(desk.settings, f"weight_{name}") for name in COMPONENTS})


def run(
    desk: Desk,
    day: date | None = None,
    filters: Mapping[str, float] | None = None,
    weights: Mapping[str, float] | None = None,
    dataset: str | None = None,
) -> Scan:
    """Scan a session (default: the latest); NotFoundError without bars or prints of it."""
    measured = scan_inputs.session_gaps(desk, day, dataset)
    bounds = default_filters(desk).changed(dict(filters or {}))
    shares = default_weights(desk).changed(weights)
    kept = DERIVED.get(
        (id(measured), "chosen", bounds, shares), lambda: choose(measured, bounds, shares)
    )
    # an identity may come back after the measured session was let go: look that it is the same
    return kept if kept.gaps is measured else choose(measured, bounds, shares)


def choose(measured: SessionGaps, filters: GapFilters, weights: Weights) -> Scan:
    """Filter, score and rank the names of a measured session."""
    looked_at = gap_filters.large_enough(filters) | gap_filters.unmeasurable()
    reach = measured.rows.filter(looked_at).with_columns(
        words=gap_flags.words(),
        candidate=gap_filters.passes(filters, provisional=measured.provisional),
    )
    chosen = scoring.rank(scoring.score(reach.filter("candidate"), weights))
    rest = reach.filter(~pl.col("candidate")).with_columns(
        reason=pl.coalesce(gap_flags.reason(), gap_filters.failed(filters)),
        flagged=gap_flags.excluded(),
    )
    size = (pl.col("open") / pl.col("prior_close") - 1).abs().fill_nan(None)
    rest = rest.sort(size, "symbol", descending=[True, False], nulls_last=True)
    return Scan(measured, filters, weights, chosen, rest)


def sessions(desk: Desk, dataset: str | None = None) -> list[date]:
    """Sessions that can be scanned, newest first; empty before the first pull."""
    source = scan_inputs.dataset_of(desk, dataset)
    if not store.has_table(desk.warehouse, source.table):
        return []
    key = (*scan_inputs.version(desk, source), "sessions")
    known = SESSIONS.get(key, lambda: _exchange_days(desk, source.table))
    opened = calendar.latest_open(desk.now())
    return known[bisect_left(known, -opened.toordinal(), key=lambda day: -day.toordinal()) :]


def _exchange_days(desk: Desk, table: str) -> list[date]:
    days = calendar.all_sessions()["session"]
    found = store.sessions(desk.warehouse, table)
    return found.filter(found.is_in(days.implode())).to_list()


def document(scan: Scan) -> dict[str, Any]:
    """The scan as JSON; shape in the description of the commands."""
    return {
        "date": scan.gaps.session,
        "provisional": scan.gaps.provisional,
        "dataset": scan.gaps.dataset,
        "known_at": scan.gaps.known_at,
        "print_source": scan.gaps.source,
        "score_version": SCORE_VERSION,
        "filters": scan.filters.numbers(),
        "weights": scan.weights.by_name(),
        "names": scan.gaps.rows.height,
        "candidates": [_candidate(row) for row in scan.candidates.iter_rows(named=True)],
        "excluded": [
            {
                "symbol": row["symbol"],
                "gap_pct": row["gap_pct"],
                "reason": row["reason"],
                "flags": row["words"],
            }
            for row in scan.excluded.iter_rows(named=True)
        ],
    }


MEASURED = ("gap_pct", "open", "prior_close", "gap_type", "story", "gap_atr", "atr", "rvol")
_PLAIN = (
    "symbol",
    *MEASURED,
    "range_position",
    "dollar_volume",
    "gap_ex_div_pct",
    "premarket_gap_pct",
    "premarket_change_pct",
    "sector",
    "last_print_at",
    "prints",
)


def _candidate(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in _PLAIN},
        "provisional": bool(row["provisional"]),
        "flags": row["words"],
        "catalysts": row["catalysts"] or [],
        "score": row["score"],
        "evidence_pct": row["evidence_pct"],
        "components": {
            name: {"value": row[name], "points": row[f"{name}_points"]} for name in COMPONENTS
        },
        "left_out": row["left_out"],
        "grade": row["grade"],
        "status": row["status"],
        "status_reason": row["status_reason"],
    }


def frame(scan: Scan) -> pl.DataFrame:
    """The candidates as a flat frame for files and the store."""
    titles = pl.col("catalysts").list.eval(pl.element().struct.field("title")).list.join("; ")
    return scan.candidates.select(
        "session",
        "symbol",
        "name",
        "gap_pct",
        "gap_ex_div_pct",
        "open",
        "prior_close",
        pl.col("gap_type").cast(pl.String),
        pl.col("story").cast(pl.String),
        "gap_atr",
        "atr",
        "rvol",
        "range_position",
        "dollar_volume",
        pl.col("words").list.join(";").alias("flags"),
        titles.alias("catalysts"),
        "score",
        *COMPONENTS,
        *(f"{name}_points" for name in COMPONENTS),
        "evidence_pct",
        "left_out",
        "grade",
        "status",
        "score_version",
        "last_print_at",
        "prints",
        provisional=pl.col("provisional").fill_null(value=False),
        print_source=pl.lit(scan.gaps.source, dtype=pl.String),
    )


@command("scan", needs=Role.VIEWER)
def scan_command(
    desk: Desk,
    *,
    date: date | None = None,
    filters: dict[str, float] | None = None,
    weights: dict[str, float] | None = None,
    dataset: str | None = None,
) -> dict[str, Any]:
    """Gap candidates of a session and what was left out, with reasons."""
    return document(run(desk, date, filters, weights, dataset))


@export("candidates", needs=Role.VIEWER)
def export_candidates(
    desk: Desk,
    *,
    date: date | None = None,
    dataset: str | None = None,
    **limits: Unpack[GapLimits],
) -> pl.DataFrame:
    """The candidates of a session."""
    return frame(run(desk, date, changes(limits), None, dataset))
