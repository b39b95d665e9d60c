"""A plugin of Openbell: a source, a rule, a catalyst and a place for alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from core.plugins import hook
from core.sources.outward.letter import Letter, Outlet
from core.sources.pulled import Pulled, TableRows

RULE = """
[rules.X01]
title = "Liabilities and equity are not less than assets"
severity = "minor"
tolerance = "T0"
group = "identity"
kind = "instant"
orders = ["Assets <= LiabilitiesAndEquity"]
"""


class Rates:
    """A source: pulls are asked for a dataset and a window, and answer with rows."""

    async def pull(
        self, dataset: Any, window: Any, *, known_version: str | None, on_progress: Any
    ) -> Pulled:
        """Two rates."""
        rows = pl.DataFrame({"currency": ["EUR", "CHF"], "rate": [1.1, 1.2]})
        table = TableRows(dataset.table, dataset.key, rows)
        return Pulled((table,), version="1", rows_read=rows.height)


@hook
def openbell_sources(settings: Any) -> Mapping[str, Any]:
    """The word for it in the catalogue: source = "rates"."""
    return {"rates": Rates()}


@hook
def openbell_rules() -> str:
    """Rules as in core/domain/quality/rules.toml; their ids begin with X."""
    return RULE


@hook
def openbell_catalysts(filings: pl.DataFrame) -> pl.DataFrame:
    """Merger proxies explain gaps, too; `session` is the one that a filing may explain."""
    proxies = filings.filter(pl.col("form") == "DEFM14A")
    return proxies.select(
        "cik",
        "session",
        "accession",
        "form",
        "items",
        "accepted_at",
        title=pl.lit("A merger is put to the vote"),
        weight=pl.lit(60.0),
        structural=pl.lit(value=False),
        url=pl.lit("https://www.sec.gov"),
    )


@hook
def openbell_sinks(settings: Any) -> Sequence[Outlet]:
    """A file in the data folder as a place; rules name it `notify:file`."""

    def send(letter: Letter) -> None:
        with Path(settings.data_dir / "alerts.txt").open("a", encoding="utf-8") as file:
            file.write(f"{letter.letter_id} {letter.title}\n")

    return [Outlet("notify:file", "alerts.txt", send)]
