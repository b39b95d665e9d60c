"""How a score came down from 100: by failed rules, by caps, and by what became of the filing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from core.domain.quality.model import WEIGHTS, default_ruleset


def lost(row: Mapping[str, Any], found: pl.DataFrame) -> pl.DataFrame:
    """Points lost per failed rule, by the cap of critical or major findings, and by its status.

    Columns: rule, title, severity, points; the most first.
    """
    rules, whole = default_ruleset().rules, row["evaluable"] or 0.0
    failed = found.select("rule", "severity").unique(maintain_order=True).rows()
    rows = [
        (name, rules[name].title if name in rules else name, level, 100 * WEIGHTS[level] / whole)
        for name, level in failed
        if whole and WEIGHTS[level]
    ]
    rated, score = row["rated_score"], row["score"]
    if rated is not None and row["raw_score"] and row["raw_score"] > rated:
        worst = "critical" if row["critical"] else "major"
        rows.append(("cap", f"Capped by {worst} findings", worst, row["raw_score"] - rated))
    if rated is not None and rated > score:
        rows.append(("status", "Withdrawn by its company", "critical", rated - score))
    schema = {"rule": pl.String, "title": pl.String, "severity": pl.String, "points": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("points", descending=True)
