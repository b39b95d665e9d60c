"""Quality of a dataset: completeness, validity, freshness, volume, schema drift, duplicates.

Every part is a percentage (100.0 is perfect); the score is their weighted mean, the grade A-F by
the thresholds. Price datasets are also checked bar by bar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from core.domain.tables.datasets import Dataset

WEIGHTS: Mapping[str, float] = {
    "completeness": 25.0, "validity": 25.0, "freshness": 20.0,
    "volume": 10.0, "schema": 10.0, "uniqueness": 10.0,
}  # fmt: skip
FRESHNESS: Mapping[str, float] = {
    "fresh": 100.0, "due": 90.0, "overdue": 40.0, "failing": 20.0, "never": 0.0,
}  # fmt: skip
PRICE_COLUMNS = frozenset({"open", "high", "low", "close"})
LEAST_HISTORY = 3  # pulls before a change of volume says something


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Scores from which a dataset is an A, B, C, D; `quality_thresholds` of its options wins."""

    a: float = 95.0
    b: float = 85.0
    c: float = 70.0
    d: float = 50.0

    def grade(self, score: float) -> str:
        """A to F."""
        for letter, least in (("A", self.a), ("B", self.b), ("C", self.c), ("D", self.d)):
            if score >= least:
                return letter
        return "F"


@dataclass(frozen=True, slots=True)
class DatasetGrade:
    """Outcome for one dataset; the parts in percent, `failing` rows in all."""

    dataset: str
    rows: int
    grade: str
    score: float | None
    parts: Mapping[str, float]
    failing: int
    note: str
    rules: Mapping[str, int] = field(default_factory=dict)  # rule -> rows that fail it


def thresholds_of(dataset: Dataset) -> Thresholds:
    """The dataset's thresholds: option `quality_thresholds = [a, b, c, d]`, else the defaults."""
    given = dataset.options.get("quality_thresholds")
    return Thresholds(*(float(value) for value in given)) if given else Thresholds()


def row_rules(columns: Sequence[str]) -> dict[str, pl.Expr]:
    """Rules on a row by name; true where a row breaks one. Chosen by the columns there are."""
    have = set(columns)
    rules: dict[str, pl.Expr] = {}
    if have >= PRICE_COLUMNS:
        price = pl.col("open", "high", "low", "close")
        rules["price missing"] = pl.any_horizontal(price.is_null() | price.is_nan())
        rules["price not positive"] = pl.any_horizontal(price <= 0).fill_null(False)
        highest = pl.max_horizontal("open", "low", "close")
        lowest = pl.min_horizontal("open", "high", "close")
        rules["high is not the highest"] = (pl.col("high") < highest * 0.9999).fill_null(False)
        rules["low is not the lowest"] = (pl.col("low") > lowest * 1.0001).fill_null(False)
    if "volume" in have:
        rules["volume missing or negative"] = (pl.col("volume").is_null()) | (pl.col("volume") < 0)
        rules["no volume"] = (pl.col("volume") == 0).fill_null(False)
    if {"filed", "period_end", "value"} <= have:
        rules["value is not a number"] = ~pl.col("value").is_finite()
    if {"filed", "report_date", "accession"} <= have:
        late = pl.col("report_date") > pl.col("filed")
        rules["report date after filing"] = late.fill_null(False)
    return rules


def failing_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that break a rule, with `failed_rules` naming them."""
    rules = row_rules(frame.columns)
    if not rules:
        return frame.clear().with_columns(failed_rules=pl.lit(None, pl.String))
    names = [pl.when(broken).then(pl.lit(name)) for name, broken in rules.items()]
    together = pl.concat_str(names, separator=", ", ignore_nulls=True)
    marked = frame.with_columns(failed_rules=together)
    return marked.filter(pl.any_horizontal(list(rules.values())))


def counts_of(frame: pl.DataFrame, dataset: Dataset) -> dict[str, int]:
    """rows, missing (empty cells of required columns), duplicates, failing, and one per rule."""
    required = [n for n, t in dataset.schema.items() if n in frame.columns and not t.nullable]
    key = [name for name in dataset.key if name in frame.columns]
    rules = row_rules(frame.columns)
    broken = pl.any_horizontal(list(rules.values())) if rules else pl.lit(False)
    row = frame.lazy().select(
        pl.len().alias("rows"),
        pl.sum_horizontal([pl.col(n).is_null().sum() for n in required] or [pl.lit(0)])
        .alias("missing"),
        (pl.len() - pl.struct(key).n_unique() if key else pl.lit(0)).alias("duplicates"),
        broken.sum().alias("failing"),
        *(test.sum().alias(name) for name, test in rules.items()),
    ).collect()  # fmt: skip
    return {name: int(value or 0) for name, value in row.row(0, named=True).items()}


def measure(
    dataset: Dataset,
    counts: Mapping[str, int],
    *,
    freshness: str,
    pulled: Sequence[int],
    rejected: int,
    drifted: int,
) -> DatasetGrade:
    """Grade of a dataset from its counts, its freshness, and its last pulls.

    `pulled`: rows read by the last pulls, newest first; `rejected`: rows refused by the last one;
    `drifted`: columns that changed in the last 30 days.
    """
    rows = counts["rows"]
    if not rows:
        return DatasetGrade(dataset.name, 0, "NR", None, {}, 0, "no rows yet")
    rules = {n: c for n, c in counts.items() if n not in COUNTED and c}
    cells = rows * max(1, len([t for t in dataset.schema.values() if not t.nullable]))
    parts = {
        "completeness": 100 * (1 - counts["missing"] / cells) * rows / max(1, rows + rejected),
        "validity": max(0.0, 100 - 100 * counts["failing"] / rows * SHARPNESS),
        "freshness": FRESHNESS.get(freshness, 0.0),
        "volume": _volume(pulled),
        "schema": 100.0 if not drifted else max(0.0, 100.0 - 25.0 * drifted),
        "uniqueness": max(0.0, 100 - 100 * counts["duplicates"] / rows * SHARPNESS),
    }
    total = sum(parts[name] * weight for name, weight in WEIGHTS.items()) / sum(WEIGHTS.values())
    score = round(total, 1)
    grade = thresholds_of(dataset).grade(score)
    low = min(parts, key=lambda name: parts[name])
    note = f"weakest: {low} ({parts[low]:.0f} %)" if parts[low] < 99.95 else "nothing to note"
    return DatasetGrade(dataset.name, rows, grade, score, parts, counts["failing"], note, rules)


COUNTED = frozenset({"rows", "missing", "duplicates", "failing"})
SHARPNESS = 20.0  # five percent of bad rows are as bad as it gets


def _volume(pulled: Sequence[int]) -> float:
    """100 while the last pull brought about as many rows as the median of those before."""
    if len(pulled) <= LEAST_HISTORY:
        return 100.0
    usual = sorted(pulled[1:])[len(pulled[1:]) // 2]
    if usual == 0:
        return 100.0
    return max(0.0, min(100.0, 100.0 * pulled[0] / usual))
