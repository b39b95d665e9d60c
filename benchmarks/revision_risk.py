"""The revision risk, learned and measured: which reports are told otherwise by later ones.

    python -m benchmarks.revision_risk [--write] [--out risk.json]

Reads `../shared/data/sec` and `../shared/corpus`. A logistic model (scikit-learn, here alone) is
tried on companies that it was not trained on, and on later years: trained on reports of 2014 to
2018 with what was told of them by the end of 2020, its level set by those of 2018 and 2019, tried
on reports of 2021 to 2023; with its range over companies drawn anew, and over other splits of them.
The same three years earlier, so that no feature is chosen by one time alone.
`--write` trains it on all companies and years and writes the numbers
that are shipped; nothing else of the captures is kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.filing_status import KEY, changed_later, load
from core.domain.quality.facts.arrays import Flags, Floats
from core.domain.quality.grading import grade
from core.domain.quality.revision.features import FEATURES, Grounds, features
from core.domain.quality.revision.model import default_model, matrix
from core.domain.quality.status.timeline import statuses

FOLDS = 5
MANY = 0.05
STRENGTH = 0.02  # of the pull of all weights towards nothing


@dataclass(frozen=True, slots=True)
class Era:
    """Years of reports: learned from and set the level by what was known by a day, and tried on."""

    known_by: date
    learned: tuple[int, int]
    level: tuple[int, int]
    tried: tuple[int, int]


# Before 2014 names of facts were still being found, and more parts sold were discontinued.
LATER = Era(date(2020, 12, 31), (2014, 2018), (2018, 2019), (2021, 2023))
BEFORE = Era(date(2017, 12, 31), (2011, 2015), (2014, 2015), (2018, 2020))
LAST = 2023  # younger reports had no time to be told otherwise
SPLIT, SPLITS = 16, (1, 2, 3, 4, 5, 6, 7)  # seeds
DRAWN = 200  # times that companies are drawn anew
WEIGHTS = Path("core/domain/quality/revision/weights.json")


@dataclass(frozen=True, slots=True)
class Sample:
    """Reports: their features, whether they were changed (by all, and by a day), and whose."""

    rows: pl.DataFrame
    values: Floats
    changed: Flags
    early: dict[Era, Flags]
    year: Floats

    def of(self, years: tuple[int, int]) -> Flags:
        found: Flags = (self.year >= years[0]) & (self.year <= years[1])
        return found

    def fold(self, seed: int) -> Floats:
        """Of each report the part that its company is in."""
        part = self.rows["cik"].cast(pl.String).hash(seed=seed) % FOLDS
        return part.to_numpy().astype(float)


def sample() -> tuple[Sample, pl.DataFrame]:
    """All labelled reports, and their grades."""
    facts, filings, companies = load()
    graded = grade(facts, filings, companies)
    became = statuses(facts, filings)
    model = default_model()
    known = Grounds(became.signs, graded.scores, graded.items, filings)
    rows = features(known, model.standards, model.strict_since)
    later = changed_later(facts).select(*KEY, share="share")
    rows = rows.join(later, on=KEY)
    for era in (LATER, BEFORE):
        by_then = changed_later(facts.filter(pl.col("filed") <= era.known_by))
        by_then = by_then.select(*KEY, pl.col("share").alias(str(era.known_by)))
        rows = rows.join(by_then, on=KEY, how="left")
    rows = rows.filter(pl.col("form").str.contains(r"^10-[KQ]T?$"))
    usual = np.nanmean(rows.select(FEATURES).cast(pl.Float64).to_numpy(), axis=0)
    found = Sample(
        rows, matrix(rows, usual),
        (rows["share"] >= MANY).to_numpy(),
        {era: (rows[str(era.known_by)].fill_null(0) >= MANY).to_numpy() for era in (LATER, BEFORE)},
        rows["filed"].dt.year().to_numpy().astype(float),
    )  # fmt: skip
    return found, graded.scores


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights of the features as they are, and the intercept."""

    weights: Floats
    intercept: float

    def risk(self, values: Floats) -> Floats:
        found: Floats = 1 / (1 + np.exp(-(self.intercept + values @ self.weights)))
        return found


def fit(values: Floats, changed: Flags, level: tuple[Floats, Flags]) -> Fitted:
    """Weights from some reports; how often either form is changed at all from the `level` ones."""
    mean, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    model = LogisticRegression(C=STRENGTH, max_iter=3000).fit((values - mean) / spread, changed)
    weights = model.coef_[0] / spread
    annual = FEATURES.index("annual")
    scored = np.column_stack([level[0] @ weights, level[0][:, annual]])
    again = LogisticRegression(C=1e3, max_iter=3000).fit(scored, level[1])
    weights = weights * again.coef_[0][0]
    weights[annual] += again.coef_[0][1]
    return Fitted(weights, float(again.intercept_[0]))


def later_risk(given: Sample, seed: int, era: Era = LATER) -> Floats:
    """The risk of the reports tried, out of company and out of time; the others have none."""
    risk, fold = np.full(len(given.year), np.nan), given.fold(seed)
    for part in range(FOLDS):
        learn, level = (
            (fold != part) & given.of(era.learned),
            (fold != part) & given.of(era.level),
        )
        early = given.early[era]
        model = fit(given.values[learn], early[learn], (given.values[level], early[level]))
        test = (fold == part) & given.of(era.tried)
        risk[test] = model.risk(given.values[test])
    return risk


def any_risk(given: Sample) -> Floats:
    """The risk of all reports up to LAST, out of company alone."""
    risk, fold, old = np.full(len(given.year), np.nan), given.fold(SPLIT), given.year <= LAST
    for part in range(FOLDS):
        learn = (fold != part) & old & (given.year >= LATER.learned[0])
        level = (given.values[learn], given.changed[learn])
        test = (fold == part) & old
        risk[test] = fit(*level, level).risk(given.values[test])
    return risk


def tried(given: Sample) -> dict[str, Any]:
    """Out of company and out of time, twice; then out of company alone."""
    later = later_risk(given, SPLIT)
    drawn_anew = {"auc of companies drawn anew": drawn(given, later)}
    return {
        "other companies, later years": table(given, later) | drawn_anew | splits(given, LATER),
        "the same three years before": table(given, later_risk(given, SPLIT, BEFORE))
        | splits(given, BEFORE),
        "other companies, all years": table(given, any_risk(given)),
    }


def splits(given: Sample, era: Era) -> dict[str, Any]:
    """AUC and calibration of the splits of the companies, and their means."""
    each = [table(given, later_risk(given, seed, era)) for seed in (SPLIT, *SPLITS)]
    found: dict[str, Any] = {}
    for name in ("auc", "calibration_error_points"):
        found[f"{name} of splits"] = [one[name] for one in each]
        found[f"{name} of splits, mean"] = float(np.mean([one[name] for one in each]))
    return found


def drawn(given: Sample, risk: Floats) -> list[float]:
    """The AUC of companies drawn with replacement: that of 5, 50 and 95 % of the draws."""
    cik, some = given.rows["cik"].to_numpy(), np.flatnonzero(~np.isnan(risk))
    names, dice = np.unique(cik[some]), np.random.default_rng(SPLIT)
    places = {name: some[cik[some] == name] for name in names}
    found = []
    for _ in range(DRAWN):
        rows = np.concatenate([places[name] for name in dice.choice(names, len(names))])
        found.append(roc_auc_score(given.changed[rows], risk[rows]))
    return [float(one) for one in np.percentile(found, (5, 50, 95))]


def table(given: Sample, risk: Floats) -> dict[str, Any]:
    """AUC (of either form too), calibration error in points, and the tenths by risk."""
    some = ~np.isnan(risk)
    risk, changed = risk[some], given.changed[some]
    annual = given.values[some][:, FEATURES.index("annual")] == 1
    parts = np.array_split(np.argsort(risk, kind="stable"), 10)
    tenths = [
        {"reports": len(p), "told": 100 * risk[p].mean(), "changed": 100 * changed[p].mean()}
        for p in parts
    ]
    error = sum(t["reports"] * abs(t["told"] - t["changed"]) for t in tenths) / len(risk)
    return {
        "reports": len(risk), "changed_pct": 100 * changed.mean(), "told_pct": 100 * risk.mean(),
        "auc": roc_auc_score(changed, risk),
        "auc annual": roc_auc_score(changed[annual], risk[annual]),
        "auc quarterly": roc_auc_score(changed[~annual], risk[~annual]),
        "calibration_error_points": error, "tenths": tenths,
    }  # fmt: skip


def shipped(given: Sample) -> dict[str, Any]:
    """The numbers of all companies and years."""
    old, level = given.of((LATER.learned[0], LAST)), given.of(LATER.tried)
    model = fit(given.values[old], given.changed[old], (given.values[level], given.changed[level]))
    usual = given.values[level].mean(axis=0)
    return {
        "made_by": "benchmarks/revision_risk.py",
        "reports": int(old.sum()),
        "companies": given.rows.filter(pl.Series(old))["cik"].n_unique(),
        "intercept": round(model.intercept, 5),
        "features": {
            name: {"weight": round(float(weight), 5), "usual": round(float(mean), 5)}
            for name, weight, mean in zip(FEATURES, model.weights, usual, strict=True)
        },
    }


def of_good(given: Sample, scores: pl.DataFrame) -> dict[str, Any]:
    """Of reports graded A since 2012, all and those of low risk: the share changed later."""
    letter = given.rows.join(
        scores.select(*KEY, "grade"), on=KEY, how="left", maintain_order="left"
    )
    good = (letter["grade"] == "A").to_numpy() & given.of((2012, LAST))
    model = shipped(given)
    weights = np.array([model["features"][name]["weight"] for name in FEATURES])
    risk = Fitted(weights, model["intercept"]).risk(given.values)
    found = {"A": {"reports": int(good.sum()), "changed_pct": 100 * given.changed[good].mean()}}
    for most in (0.05, 0.1, 0.15):
        low = good & (risk <= most)
        share = 100 * given.changed[low].mean()
        found[f"A, risk up to {most:.0%}"] = {"reports": int(low.sum()), "changed_pct": share}
    return found


def main() -> None:
    """Print the tables; `--write` the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    given, scores = sample()
    tables = {**tried(given), "graded A": of_good(given, scores), "numbers": shipped(given)}
    text = json.dumps(tables, indent=2, default=float)
    sys.stdout.write(text + "\n")
    if asked.out:
        asked.out.write_text(text)
    if asked.write:
        WEIGHTS.write_text(json.dumps(tables["numbers"], indent=2) + "\n")


if __name__ == "__main__":
    main()
