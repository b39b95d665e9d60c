"""Which ratio of two prices could be a split's, against a list written out by hand."""

from __future__ import annotations

import polars as pl

from core.domain.gaps import flags

USUAL = ((5, 4), (4, 3), (3, 2), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (8, 1), (10, 1),
         (15, 1), (20, 1), (25, 1), (30, 1), (40, 1), (50, 1), (100, 1))  # fmt: skip


def near(ratio: float) -> bool:
    """Within three percent of new for old, or of old for new."""
    ways = [ways for new, old in USUAL for ways in (new / old, old / new)]
    return any(0.97 * way <= ratio <= 1.03 * way for way in ways)


def test_a_ratio_is_a_split_within_three_percent() -> None:
    """Each split either way, and each step of two percent between a hundredth and a hundredfold."""
    exact = [way for new, old in USUAL for way in (new / old, old / new)]
    asked = [*exact, *(0.009 * 1.02**step for step in range(480)), 0.0, 103.1, 1.0]
    found = pl.DataFrame({"ratio": asked}).select(flags.near_split(pl.col("ratio"))).to_series()
    assert found.to_list() == [near(ratio) for ratio in asked]
    assert found[: len(exact)].all()
    assert not found[-3:].any()


def test_an_unknown_ratio_is_near_nothing() -> None:
    """Neither a missing one nor one that is no number; no ratios are answered with none."""
    asked = pl.DataFrame({"ratio": [None, float("nan"), float("inf"), -2.0, 2.0]})
    assert asked.filter(flags.near_split(pl.col("ratio")))["ratio"].to_list() == [2.0]
    assert asked.clear().select(flags.near_split(pl.col("ratio"))).is_empty()
