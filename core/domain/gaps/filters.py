"""Filters that make a gap a candidate; defaults are settings and sliders."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypedDict

import polars as pl

from core.domain.gaps.bars import spelled
from core.domain.gaps.flags import Flag, effective_gap, excluded
from core.domain.gaps.windows import LEAST_BARS, VOLUME_SESSIONS
from core.domain.symbols import one_spelling
from core.errors import UsageError

RVOL_UNKNOWN = (
    f"filter: relative volume n/a (fewer than {VOLUME_SESSIONS} sessions of history, or fewer than "
    f"{LEAST_BARS} sound bars in them)"
)


@dataclass(frozen=True, slots=True)
class GapFilters:
    """Inclusive bounds: |gap| in percent, rvol, open price, dollar volume; excluded symbols."""

    min_gap_pct: float = 4.0
    max_gap_pct: float = 20.0
    min_rvol: float = 1.5
    min_price: float = 2.0
    max_price: float = 300.0
    min_dollar_volume: float = 5_000_000.0
    exclusions: tuple[str, ...] = ()

    def changed(self, changes: dict[str, Any] | None) -> GapFilters:
        """These filters with some numbers replaced; UsageError for an unknown key or a word."""
        numbers: dict[str, float] = {}
        for key, value in (changes or {}).items():
            if key not in FILTER_KEYS:
                raise UsageError(
                    f"{key} is not a filter of the scan", hint=f"filters: {', '.join(FILTER_KEYS)}"
                )
            numbers[key] = _number(key, value)
        return replace(self, **numbers)  # type: ignore[arg-type]

    def numbers(self) -> dict[str, float]:
        """The bounds by name."""
        return {key: value for key, value in asdict(self).items() if key in FILTER_KEYS}


class GapLimits(TypedDict, total=False):
    """The bounds of `GapFilters` as arguments of a scan; None leaves a bound as it is set."""

    min_gap_pct: float | None
    max_gap_pct: float | None
    min_rvol: float | None
    min_price: float | None
    max_price: float | None
    min_dollar_volume: float | None


def changes(limits: GapLimits) -> dict[str, float]:
    """The bounds that were given."""
    return {name: float(str(value)) for name, value in limits.items() if value is not None}


FILTER_KEYS = tuple(item.name for item in fields(GapFilters) if item.name != "exclusions")


def _number(key: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{key}={value!r} is not a number", hint=f"write {key}=4") from None


def moved(least_pct: float) -> pl.Expr:
    """True for moves of the least size, distributions included, from the last known close."""
    move = (pl.col("open") / pl.col("prior_close") - 1).abs() * 100
    return (move >= least_pct).fill_null(value=False)


def large_enough(filters: GapFilters) -> pl.Expr:
    """True for moves large enough to be looked at, whatever else is wrong with them.

    Measured from the last known close, so that a stale base is seen too, and without the
    distributions of the day, which can hide a move.
    """
    bare = (pl.col("gap_ex_div_pct").abs() >= filters.min_gap_pct).fill_null(value=False)
    return moved(filters.min_gap_pct) | bare


def unmeasurable() -> pl.Expr:
    """True where no gap can be told at all: an unsound bar, today's or the one before, leaves none,
    or a distribution of unknown worth may hide one of any size.
    """
    unsound = (pl.col("flags") & int(Flag.BAD_BAR | Flag.BAD_BASE)) != 0
    hidden = (pl.col("flags") & int(Flag.FOREIGN_CASH)) != 0
    return (unsound & pl.col("gap_pct").is_null()) | hidden


def passes(filters: GapFilters, *, provisional: bool = False) -> pl.Expr:
    """True for candidates: sound gaps within all bounds.

    An unknown rvol does not pass, but before the open (`provisional`), where there may be no
    history of pre-market volume to compare with.
    """
    active = pl.col("rvol") >= filters.min_rvol
    kept = (
        effective_gap().abs().is_between(filters.min_gap_pct, filters.max_gap_pct)
        & (active.fill_null(value=provisional))
        & pl.col("open").is_between(filters.min_price, filters.max_price)
        & (pl.col("dollar_volume") >= filters.min_dollar_volume)
        & ~excluded()
    )
    if filters.exclusions:
        kept = kept & ~_on_list(filters)
    return kept.fill_null(value=False)


def _on_list(filters: GapFilters) -> pl.Expr:
    """Whether a name is on the exclusion list, in any spelling of its class."""
    return spelled("symbol").is_in([one_spelling(name) for name in filters.exclusions])


def _figure(limit: float) -> str:
    """A limit as people write it: 1.5, 5,000,000."""
    return f"{limit:,.12g}"


def failed(filters: GapFilters) -> pl.Expr:
    """Which filter a gap failed, in words; null where it passed all."""
    size, price = effective_gap().abs(), pl.col("open")
    return (
        pl.when(_on_list(filters))
        .then(pl.lit("filter: on the exclusion list"))
        .when(size < filters.min_gap_pct)
        .then(
            pl.lit(
                "filter: without the day's distribution the gap is below "
                f"{_figure(filters.min_gap_pct)} %"
            )
        )
        .when(size > filters.max_gap_pct)
        .then(pl.lit(f"filter: gap above {_figure(filters.max_gap_pct)} %"))
        .when(pl.col("rvol").is_null() & pl.col("comparable_since").is_not_null())
        .then(
            pl.format(
                "filter: relative volume n/a (since {} on other shares)",
                pl.col("comparable_since").cast(pl.String),
            )
        )
        .when(pl.col("rvol").is_null())
        .then(pl.lit(RVOL_UNKNOWN))
        .when(pl.col("rvol") < filters.min_rvol)
        .then(pl.lit(f"filter: relative volume below {_figure(filters.min_rvol)}"))
        .when(price < filters.min_price)
        .then(pl.lit(f"filter: price below {_figure(filters.min_price)}"))
        .when(price > filters.max_price)
        .then(pl.lit(f"filter: price above {_figure(filters.max_price)}"))
        .when(pl.col("dollar_volume") < filters.min_dollar_volume)
        .then(pl.lit(f"filter: less than {_figure(filters.min_dollar_volume)} traded"))
    )
