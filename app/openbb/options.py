"""What may be chosen in the parameters of widgets, told when a reader opens the choice."""

from __future__ import annotations

from typing import Any

import polars as pl

from core.domain.access.principals import Role
from core.service.desk import Desk
from core.service.filings import companies as use
from core.service.gaps import symbols as use_symbols
from core.service.kernel.registry import Registry

MOST = 10_000  # of one list
options = Registry("choice")


@options("symbols", needs=Role.VIEWER)
def symbol_options(desk: Desk) -> list[dict[str, Any]]:
    """The symbols with bars, those that are followed first, each with its company's name."""
    known = use.companies(desk, None, MOST).filter(pl.col("symbol").is_not_null())
    names = {row["symbol"]: row for row in known.iter_rows(named=True)}
    there = sorted(
        use_symbols.symbols(desk), key=lambda s: (not names.get(s, {}).get("watched"), s)
    )
    return [_option(name, name, names.get(name, {}).get("name")) for name in there[:MOST]]


@options("companies", needs=Role.VIEWER)
def company_options(desk: Desk) -> list[dict[str, Any]]:
    """The companies that are held, those that are followed first."""
    rows = use.companies(desk, None, MOST).sort("watched", descending=True, maintain_order=True)
    return [
        _option(row["symbol"] or str(row["cik"]), row["name"], f"CIK {row['cik']}")
        for row in rows.iter_rows(named=True)
    ]


def _option(value: str, label: str | None, described: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {"label": label or value, "value": value}
    return made | ({"extraInfo": {"description": described}} if described else {})
