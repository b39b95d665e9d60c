"""What the desk says of itself: checks of its copy, the rules of grades, the words it uses."""

from __future__ import annotations

from typing import Any

import orjson
import polars as pl

from app.api.paging import Rows
from app.api.resources.kernel import ResourceAnswer, document, listing
from components.parts.glossary import WORDS
from core.service.desk import Desk
from core.service.filings import quality, reconcile


@document(
    "/reconciliation",
    stored=True,
    example={"run_id": "0" * 32, "worst": "ok", "checks": [{"check": "orphans", "affected": 0}]},
)
def reconciliation(desk: Desk) -> ResourceAnswer:
    """The last run of the six checks; no run yet: `run_id` is null."""
    found = reconcile.history(desk, 1)
    if found.is_empty():
        return ResourceAnswer(
            {"run_id": None, "worst": None, "started_at": None, "checks": []}, found
        )
    checks = found.drop("run_id", "started_at", "seconds", "worst", "trigger_name", "position")
    rows = [
        {**row, "check": row["check_name"], "sample": orjson.loads(row["sample"])}
        for row in checks.iter_rows(named=True)
    ]
    head = found.row(0, named=True)
    told = {name: head[name] for name in ("run_id", "worst", "started_at", "seconds")}
    return ResourceAnswer({**told, "checks": rows}, checks)


@listing(
    "/rules",
    stored=True,
    example=[{"id": "balance", "title": "Balance sheet", "severity": "critical"}],
)
def rules(desk: Desk) -> Rows:
    """The rules of the current rule set: what each compares, and how much it weighs."""
    names = ("id", "title", "severity", "group", "kind", "formula", "tolerance", "style", "note")
    rows = [{name: getattr(rule, name) for name in names} for rule in quality.rules()]
    return Rows(pl.DataFrame(rows, infer_schema_length=None), ["id"])


@listing("/glossary", stored=True, example=[{"area": "Gaps", "word": "Fill", "meaning": "…"}])
def glossary(desk: Desk, *, q: str | None = None) -> Rows:
    """The words of the desk with their meanings; with `q` those that it stands in."""
    wanted = (q or "").casefold()
    rows: list[dict[str, Any]] = [
        {"area": area, "word": word, "meaning": meaning}
        for area, words in WORDS.items()
        for word, meaning in words.items()
        if wanted in word.casefold() or wanted in meaning.casefold()
    ]
    schema = {"area": pl.String, "word": pl.String, "meaning": pl.String}
    return Rows(pl.DataFrame(rows, schema=schema), ["area", "word"])
