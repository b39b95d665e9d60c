"""The revision risk: a probability with its three strongest reasons, from features and weights.

The probability is that of later reports telling, sooner or later, at least a twentieth of the
amounts (of twenty or more) that a report was first to tell with other values. It is no part of the
grade. Recasts for new standards and for parts that are sold are changes as well.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import orjson
import polars as pl

from core.domain.quality.facts.arrays import Floats
from core.domain.quality.revision.features import FEATURES, KEY, Grounds, Standard, features
from core.errors import SchemaError

REASONS = 3
RISKS = {
    "cik": pl.Int64, "accession": pl.String, "revision_risk": pl.Float64,
    "revision_reasons": pl.List(pl.String),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class RevisionModel:
    """Weights of the features, and what is usual of each, which a missing one is taken for.

    id: names the numbers and the words, so that what was reckoned by others is known.
    """

    id: str
    intercept: float
    weights: Floats  # one for each of FEATURES
    usual: Floats
    words: Mapping[str, tuple[str, str]]  # said where it raises the risk, where it lowers it
    standards: tuple[Standard, ...]
    strict_since: date


@cache
def default_model() -> RevisionModel:
    """The model shipped with Openbell."""
    folder = resources.files("core.domain.quality.revision")
    return read_model(*(folder.joinpath(name).read_text("utf-8") for name in FILES))


FILES = ("revision.toml", "weights.json")


def read_model(words: str, numbers: str) -> RevisionModel:
    """A model from the texts of its two files; SchemaError where a feature lacks any."""
    told, learned = tomllib.loads(words), orjson.loads(numbers)
    for name in FEATURES:
        if name not in told["features"] or name not in learned["features"]:
            raise SchemaError(f"the revision risk has no weight or words for {name}", where=name)
    weights, usual = (
        np.array([float(learned["features"][name][key]) for name in FEATURES])
        for key in ("weight", "usual")
    )
    return RevisionModel(
        id=hashlib.sha256(f"{words}\0{numbers}".encode()).hexdigest()[:8],
        intercept=float(learned["intercept"]),
        weights=weights,
        usual=usual,
        words={n: (said["raises"], said["lowers"]) for n, said in told["features"].items()},
        standards=tuple(Standard(**one) for one in told["standards"]),
        strict_since=told["strict_since"],
    )


def risks(known: Grounds, model: RevisionModel | None = None) -> pl.DataFrame:
    """Columns of RISKS: one row a graded periodic report with figures."""
    model = model or default_model()
    rows = features(known, model.standards, model.strict_since)
    values = matrix(rows, model.usual)
    effects = _together((values - model.usual) * model.weights)
    risk = 1 / (1 + np.exp(-(model.intercept + values @ model.weights)))
    reasons = [
        _reasons(model, row, effect)
        for row, effect in zip(rows.iter_rows(named=True), effects, strict=True)
    ]
    return rows.select(KEY).with_columns(
        revision_risk=pl.Series(risk.round(4), dtype=pl.Float64),
        revision_reasons=pl.Series(reasons, dtype=pl.List(pl.String)),
    )


# Features that say the same of a report are one reason.
KIN = (("past", "past_alike"), ("first_told", "concepts"))


def _together(effects: Floats) -> Floats:
    """Effects (a row a report, a column a feature) with those of KIN added up, at the greatest."""
    found = effects.copy()
    for names in KIN:
        places = np.array([FEATURES.index(name) for name in names])
        some = effects[:, places]
        total = some.sum(axis=1)
        told = places[(some * np.sign(total)[:, None]).argmax(axis=1)]
        found[:, places] = 0.0
        found[np.arange(len(found)), told] = total
    return found


def matrix(rows: pl.DataFrame, usual: Floats) -> Floats:
    """The features as numbers, one column each; what is usual where one is not known."""
    values = rows.select(pl.col(name).cast(pl.Float64) for name in FEATURES).to_numpy()
    filled: Floats = np.where(np.isnan(values), usual, values)
    return filled


def _reasons(model: RevisionModel, row: Mapping[str, Any], effects: Floats) -> list[str]:
    """The strongest reasons in words, whether they raise or lower the risk."""
    strongest = np.argsort(-np.abs(effects), kind="stable")[:REASONS]
    said = [model.words[FEATURES[n]][0 if effects[n] > 0 else 1] for n in strongest if effects[n]]
    return [text.format_map(row) for text in said]
