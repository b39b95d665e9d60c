"""The score of a gap: four components of 0–100, weighed, with contributions that add up.

Nothing in it knows the direction: a fall scores as a rise of the same size does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from core.errors import UsageError

SCORE_VERSION = "gap-score-3"
COMPONENTS = ("volatility", "catalyst", "sentiment", "liquidity")
FULL_GAP_ATR = 4.0  # a gap of four average ranges has all of the volatility points


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of the components; any non-negative numbers, renormalised to sum 1."""

    volatility: float = 0.40
    catalyst: float = 0.30
    sentiment: float = 0.10
    liquidity: float = 0.20

    def __post_init__(self) -> None:
        values = list(self.by_name().values())
        if any(value < 0 for value in values) or sum(values) <= 0:
            raise UsageError("weights must not be negative, and one must be above zero")

    def by_name(self) -> dict[str, float]:
        """Component to weight, as given."""
        return {name: float(getattr(self, name)) for name in COMPONENTS}

    def changed(self, changes: Mapping[str, float] | None) -> Weights:
        """These weights with some replaced; UsageError for an unknown component."""
        unknown = set(changes or {}) - set(COMPONENTS)
        if unknown:
            raise UsageError(f"{sorted(unknown)[0]} is no component of the score")
        return Weights(**{**self.by_name(), **dict(changes or {})})


def components() -> list[pl.Expr]:
    """The four columns 0–100, null without data.

    Needs gap_atr, dollar_volume, catalyst_weight (0–100: of the
    strongest catalyst, 0 where the company's filings are known and none explains, null where its
    filings are not known) and sentiment (−1..1, null without a source); sentiment counts when it
    points the gap's way.
    """
    gap = pl.col("gap_atr")
    size = gap.abs() / FULL_GAP_ATR
    money = (pl.col("dollar_volume").log10() - _LOG_LEAST) / (_LOG_FULL - _LOG_LEAST)
    mood = (pl.col("sentiment") * gap.sign() + 1) / 2
    return [
        (size.clip(0, 1) * 100).alias("volatility"),
        pl.col("catalyst_weight").clip(0, 100).alias("catalyst"),
        (mood.clip(0, 1) * 100).alias("sentiment"),
        (pl.when(pl.col("dollar_volume") > 0).then(money.clip(0, 1)) * 100).alias("liquidity"),
    ]


EXACT = 9  # decimals: sums of weights leave 89.99999999999999 for 90
_LOG_LEAST, _LOG_FULL = 6.698970004336019, 8.698970004336019


def _gap_without_cash() -> pl.Expr:
    """The gap in ATR without the distributions of the day, which are no move."""
    bare = pl.col("gap_ex_div_pct") / 100 * pl.col("prior_close") / pl.col("atr")
    return pl.coalesce(bare, "gap_atr")


def score(rows: pl.DataFrame, weights: Weights) -> pl.DataFrame:
    """Adds the components, `<component>_points` (the contributions), score, evidence_pct, left_out.

    A component that no row has data for has no weight, and the others are renormalised. One that
    others have and a row lacks counts nothing there, and left_out names it; by the share of the
    weights that it lacks, what the row has above the median of the rows is drawn towards it. So
    data that are missing never raise a rank: the same name with them, whatever they say, scores at
    least as much. evidence_pct is the share of all weights whose components have data. score = sum
    of the points, null where no component has data.
    """
    distributed = "gap_ex_div_pct" in rows.columns
    size = _gap_without_cash() if distributed else pl.col("gap_atr")
    scored = rows.with_columns(gap_atr=size).with_columns(components())
    table = scored.with_columns(rows["gap_atr"])
    weighed = weights.by_name()
    share = {
        name: pl.when(pl.col(name).is_not_null()).then(weight).otherwise(0.0)
        for name, weight in weighed.items()
    }
    total = sum(weighed[name] for name in COMPONENTS if table[name].count())
    present = pl.sum_horizontal(*share.values())
    table = table.with_columns(
        _total=pl.when(present > 0).then(pl.lit(total)),
        _missing=1 - present / total if total else pl.lit(0.0),
        evidence_pct=(present / sum(weighed.values()) * 100).round(EXACT),
    )
    table = table.with_columns(
        (share[name] / pl.col("_total") * _shrunk(name)).alias(f"{name}_points")
        for name in COMPONENTS
    )
    points = [f"{name}_points" for name in COMPONENTS]
    missing = [
        pl.when(pl.col(name).is_null() & pl.lit(weight > 0)).then(pl.lit(name))
        for name, weight in weights.by_name().items()
    ]
    return table.with_columns(
        score=pl.when(pl.col("_total").is_not_null()).then(pl.sum_horizontal(points)),
        left_out=pl.concat_list(missing).list.drop_nulls().list.join(", "),
        score_version=pl.lit(SCORE_VERSION),
    ).drop("_total", "_missing")


def _shrunk(name: str) -> pl.Expr:
    """A component, less the missing share of what it is above the median."""
    value = pl.col(name)
    return value - pl.col("_missing") * (value - value.median()).clip(lower_bound=0)


def rank(rows: pl.DataFrame) -> pl.DataFrame:
    """Best score first; ties by size of the gap, then symbol."""
    return rows.sort(
        pl.col("score").fill_null(-1),
        pl.col("gap_pct").abs(),
        "symbol",
        descending=[True, True, False],
    )
