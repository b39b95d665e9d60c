"""Score, sub-scores, coverage and grade of every filing, from the outcomes of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.evaluate import Evaluated
from core.domain.quality.facts.arrays import Flags, Floats
from core.domain.quality.facts.packing import as_index, gathered
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.headlines import doubts
from core.domain.quality.model import Ruleset
from core.domain.quality.outcome import Judged

LETTERS = ((90.0, "A"), (80.0, "B"), (70.0, "C"), (60.0, "D"))
LEAST_COVERAGE_PCT = 50.0


def scores(book: PeriodTable, evaluated: Evaluated) -> pl.DataFrame:
    """One row per filing to judge: score, grade, coverage_pct, counts, five sub-scores, reason."""
    with np.errstate(invalid="ignore"):  # groups of which no rule could be judged
        sums = _sums(book, evaluated.outcome)
    shares = {
        "required": evaluated.required,
        "usual": evaluated.usual,
        "cover": _coverage(book, evaluated.outcome),
    }
    here = np.flatnonzero(book.affected)
    given = [pl.Series(name, share[here], nan_to_null=True) for name, share in shares.items()]
    frame = book.filings[TOLD][as_index(here)].hstack([*sums, *given])
    with np.errstate(invalid="ignore"):
        frame = frame.hstack(_subscores(frame, book.rules))
    frame = frame.hstack([pl.Series("score", _score(frame), nan_to_null=True)])
    return frame.hstack([_letters(frame["score"]), _reasons(frame)])


TOLD = ["cik", "accession", "form", "filed", "period_end", "name", "style", "facts", "concepts"]


def _sums(book: PeriodTable, judged: Judged) -> list[pl.Series]:
    """passed and evaluable weight, failures by severity, share passed of groups.

    Of each filing to judge; null where no rule could.
    """
    rules = [book.rules.rules[name] for name in judged.rules]
    weight = np.array([float(rule.weight) for rule in rules])[judged.rule]
    height = book.filings.height

    def total(values: Any, of: Sequence[bool]) -> Floats:
        chosen = np.array(of, bool)[judged.rule]
        return np.bincount(judged.fid[chosen], values[chosen], height).astype(np.float64)

    every = [True] * len(rules)
    known = pl.Series((np.bincount(judged.fid, minlength=height) > 0)[book.affected])
    sums = {"passed": total(weight * judged.ok, every), "evaluable": total(weight, every)}
    for group in GROUPS:
        of = [rule.group == group for rule in rules]
        sums[f"{group}_pct"] = 100 * total(weight * judged.ok, of) / total(weight, of)
    for severity in ("critical", "major", "minor", "info"):
        failed = total(1.0 - judged.ok, [rule.severity == severity for rule in rules])
        sums[severity] = failed.astype(np.int32)
    sums["rule_cap"] = np.minimum(_rule_caps(book, judged), doubts(book, judged))
    columns = [pl.Series(name, values[book.affected]) for name, values in sums.items()]
    return columns if known.all() else [column.set(~known, None) for column in columns]


def _rule_caps(book: PeriodTable, judged: Judged) -> Floats:
    """Of each filing the least of the caps of the rules that it fails; 100 without one."""
    caps = np.array([book.rules.rules[name].cap for name in judged.rules])[judged.rule]
    least = np.full(book.filings.height, 100.0)
    np.minimum.at(least, judged.fid[~judged.ok], caps[~judged.ok])
    return least


GROUPS = ("identity", "duplicates", "missing", "complexity")


def _coverage(book: PeriodTable, judged: Judged) -> Floats:
    """Weight evaluable of the weight that the filer's style lets expect, in percent."""
    weights = {name: rule.weight for name, rule in book.rules.rules.items()}
    expected = [{name for name in s.expect if name in weights} for s in book.rules.styles]
    wanted = [sum(weights[name] for name in names) for names in expected]
    counts = np.array(
        [[weights[name] * (name in names) for name in judged.rules] for names in expected]
        + [[0] * len(judged.rules)], float
    )  # fmt: skip
    got = counts[book.style[judged.fid], judged.rule]
    whole = np.array([*wanted, np.nan], float)[book.style]
    share: Floats = 100 * np.bincount(judged.fid, got, minlength=len(whole)) / whole
    return share


def _subscores(frame: pl.DataFrame, rules: Ruleset) -> list[pl.Series]:
    """Raw score and cap; required, identity, duplicate, missing, complexity; null if unknown."""
    given = {name: frame[name].to_numpy() for name in ("passed", "evaluable", *SHARES)}
    found = {
        "coverage_pct": given["cover"],
        "raw_score": 100 * given["passed"] / given["evaluable"],
        "required_score": 100 * given["required"],
        "identity_score": given["identity_pct"],
        "duplicate_score": given["duplicates_pct"],
        "complexity_score": given["complexity_pct"],
    }
    rounded = dict(zip(found, _rounded(list(found.values())), strict=True))
    untold = frame["missing_pct"].is_null().to_numpy()
    share = np.clip(rounded["coverage_pct"], 0, 100)
    missing = _mean(share, 100 * given["usual"], given["missing_pct"], untold)
    rounded["missing_score"] = _rounded([missing])[0]
    cap = np.fmin(_cap(frame, rules), frame["rule_cap"].to_numpy())
    told = rounded | {"cap": cap}
    return [pl.Series(name, values, nan_to_null=True) for name, values in told.items()]


SHARES = (
    "cover", "required", "usual", "identity_pct", "duplicates_pct", "missing_pct", "complexity_pct"
)  # fmt: skip


def _rounded(columns: Sequence[Floats]) -> list[Floats]:
    """To a tenth, all at once: to plan a query takes longer than to round."""
    whole = pl.Series(np.concatenate(columns)).round(1).to_numpy()
    return np.split(whole, len(columns))


def _mean(first: Floats, second: Floats, third: Floats, untold: Flags) -> Floats:
    """The mean of what is told; NaN where the third is told, but is no number."""
    parts = np.array([first, second, third])
    told = ~np.isnan(parts)
    mean = np.where(told, parts, 0.0).sum(axis=0) / told.sum(axis=0)
    return np.where(told[2] | untold, mean, np.nan)


def _score(frame: pl.DataFrame) -> Floats:
    """The raw score, as high as the findings allow; NaN where it rests on too little."""
    cover, raw, cap = (frame[name].to_numpy() for name in ("coverage_pct", "raw_score", "cap"))
    return np.where(cover >= LEAST_COVERAGE_PCT, np.minimum(raw, cap), np.nan)


def _letters(score: pl.Series) -> pl.Series:
    values = score.to_numpy()
    place = (values[:, None] < [least for least, _ in LETTERS]).sum(axis=1)
    return NAMES[as_index(np.where(np.isnan(values), len(NAMES) - 1, place))]


NAMES = pl.Series("grade", [*(name for _, name in LETTERS), "F", "NR"])


def _reasons(frame: pl.DataFrame) -> pl.Series:
    """Why filings are not rated or capped; null where the score speaks for itself.

    Told of those few that have any, one by one: to plan how numbers are written takes longer.
    """
    names = ("score", "raw_score", "cap")
    score, raw, cap = (frame[name].to_numpy() for name in names)
    some = np.flatnonzero(np.isnan(score) | (raw > cap))
    told = frame[["score", "facts", "coverage_pct", "critical", "cap"]][as_index(some)]
    place = np.full(frame.height, -1)
    place[some] = np.arange(len(some))
    reasons = pl.DataFrame({"reason": [_reason(*row) for row in told.rows()]}, REASON)
    return gathered(reasons, place).to_series()


REASON = {"reason": pl.String}


def _cap(frame: pl.DataFrame, rules: Ruleset) -> Floats:
    """The highest score that a filing with so many critical and major failures can have."""
    cap = np.full(frame.height, 100.0)
    for severity, caps in rules.caps.items():
        count = frame[severity].to_numpy()
        for least, highest in enumerate(caps, start=1):
            cap = np.where(count >= least, np.minimum(cap, highest), cap)
    return cap


def _reason(
    score: float | None, facts: int, cover: float | None, critical: int, cap: float
) -> str | None:
    """Why a filing is not rated, or is capped."""
    if score is not None:
        if critical:
            return f"capped at {cap} by its critical findings ({critical})"
        return f"capped at {cap}: a figure is doubtful"
    if facts < FEW_FACTS:
        return f"not rated: {facts} facts are no financial statements"
    if cover is None:
        return None
    return f"not rated: only {cover} % of the expected rules can be evaluated"


FEW_FACTS = 30
