"""Score, sub-scores, coverage and grade of every filing, from the outcomes of the rules."""

from __future__ import annotations

from typing import Any

import polars as pl

from core.domain.quality.book import Book
from core.domain.quality.evaluate import Evaluated
from core.domain.quality.model import Ruleset

LETTERS = ((90.0, "A"), (80.0, "B"), (70.0, "C"), (60.0, "D"))
LEAST_COVERAGE_PCT = 50.0
GROUPS = {
    "required_score": "required",
    "identity_score": "identity",
    "duplicate_score": "duplicates",
}


def rule_table(rules: Ruleset) -> pl.DataFrame:
    """rule, severity, weight, group: one row a rule."""
    rows = [(r.id, r.severity, float(r.weight), r.group) for r in rules.rules.values()]
    return pl.DataFrame(rows, schema=["rule", "severity", "weight", "group"], orient="row")


def scores(book: Book, evaluated: Evaluated) -> pl.DataFrame:
    """One row per fid: score, grade, coverage_pct, counts by severity, five sub-scores, reason."""
    judged = evaluated.outcome.judged.join(rule_table(book.rules), on="rule")
    counted = judged.group_by("fid").agg(*_sums())
    frame = book.filings.join(counted, on="fid", how="left", maintain_order="left")
    frame = frame.join(_coverage(book, judged), on="fid", how="left", maintain_order="left")
    for name, share in (("required", evaluated.required), ("usual", evaluated.usual)):
        frame = frame.join(
            share.rename({"share": name}), on="fid", how="left", maintain_order="left"
        )
    graded = _graded(_subscores(frame), book.rules)
    return graded.with_columns(pl.col(pl.Float64).fill_nan(None))


def _sums() -> list[pl.Expr]:
    ok, weight = pl.col("ok"), pl.col("weight")
    counts = [
        (~ok & (pl.col("severity") == name)).sum().cast(pl.Int32).alias(name)
        for name in ("critical", "major", "minor", "info")
    ]
    groups = [
        (
            100 * (weight * ok).filter(pl.col("group") == group).sum()
            / weight.filter(pl.col("group") == group).sum()
        ).alias(f"{group}_pct")
        for group in ("identity", "duplicates", "missing", "complexity")
    ]  # fmt: skip
    return [(weight * ok).sum().alias("passed"), weight.sum().alias("evaluable"), *counts, *groups]


def _coverage(book: Book, judged: pl.DataFrame) -> pl.DataFrame:
    """coverage_pct: weight evaluable of the weight that the filer's style lets expect."""
    rows = [(style.name, rule) for style in book.rules.styles for rule in style.expect]
    expected = pl.DataFrame(rows, schema=["style", "rule"], orient="row")
    expected = expected.join(rule_table(book.rules).select("rule", "weight"), on="rule")
    wanted = expected.group_by("style").agg(wanted=pl.col("weight").sum())
    styles = book.filings.select("fid", "style")
    got = judged.select("fid", "rule").join(styles, on="fid")
    got = got.join(expected, on=["style", "rule"]).group_by("fid").agg(got=pl.col("weight").sum())
    shares = styles.join(wanted, on="style").join(got, on="fid", how="left")
    share = 100 * pl.col("got").fill_null(0.0) / pl.col("wanted")
    return shares.select("fid", coverage_pct=share.round(1))


def _subscores(frame: pl.DataFrame) -> pl.DataFrame:
    """Five numbers 0-100: required, identity, duplicate, missing, complexity; null if unknown."""
    missing = pl.mean_horizontal(
        pl.col("coverage_pct").clip(0, 100), 100 * pl.col("usual"), pl.col("missing_pct")
    )
    return frame.with_columns(
        required_score=(100 * pl.col("required")).round(1),
        identity_score=pl.col("identity_pct").round(1),
        duplicate_score=pl.col("duplicates_pct").round(1),
        missing_score=missing.round(1),
        complexity_score=pl.col("complexity_pct").round(1),
    )


def _graded(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    raw = (100 * pl.col("passed") / pl.col("evaluable")).round(1)
    cap = _cap(rules)
    rated = (pl.col("coverage_pct") >= LEAST_COVERAGE_PCT) & raw.is_not_nan() & raw.is_not_null()
    frame = frame.with_columns(
        score=pl.when(rated).then(pl.min_horizontal(raw, cap)), raw_score=raw, cap=cap
    )
    letter: Any = pl.when(pl.col("score").is_null()).then(pl.lit("NR"))
    for least, name in LETTERS:
        letter = letter.when(pl.col("score") >= least).then(pl.lit(name))
    return frame.with_columns(grade=letter.otherwise(pl.lit("F")), reason=_reason())


def _cap(rules: Ruleset) -> pl.Expr:
    """The highest score that a filing with so many critical and major failures can have."""
    cap: pl.Expr = pl.lit(100.0)
    for severity, caps in rules.caps.items():
        count = pl.col(severity).fill_null(0)
        for least, highest in enumerate(caps, start=1):
            cap = pl.min_horizontal(cap, pl.when(count >= least).then(pl.lit(highest)))
    return cap


def _reason() -> pl.Expr:
    """Why a filing is not rated or capped; null where the score speaks for itself."""
    return (
        pl.when(pl.col("score").is_null() & (pl.col("facts") < 30))
        .then(pl.format("not rated: {} facts are no financial statements", "facts"))
        .when(pl.col("score").is_null())
        .then(pl.format(
            "not rated: only {} % of the expected rules can be evaluated", "coverage_pct"
        ))
        .when((pl.col("critical") > 0) & (pl.col("raw_score") > pl.col("cap")))
        .then(pl.format("capped at {} by its critical findings ({})", "cap", "critical"))
    )  # fmt: skip
