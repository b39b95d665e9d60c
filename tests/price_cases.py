"""Loading small files of prices and actions into a desk, as the price cases are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.service.desk import Desk
from core.service.pulls import imports

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "prices"


def case(name: str) -> Path:
    """The folder of a price case beside the checkout; skips where it is absent."""
    folder = CASES / name
    if not folder.is_dir():
        pytest.skip(f"the price case {name} is not beside the checkout")
    return folder


def load(desk: Desk, folder: Path, bars: str = "bars.csv") -> dict[str, Any]:
    """The pull of the case's bars, and its actions where it has some."""
    if (folder / "actions.csv").is_file():
        imports.load(desk, "corporate_actions", folder / "actions.csv")
    return imports.load(desk, "prices.daily", folder / bars)


def load_text(desk: Desk, folder: Path, rows: str, dataset: str = "prices.daily") -> dict[str, Any]:
    """The pull of rows written out in a test, under the usual header."""
    heads = {
        "prices.daily": "symbol,date,open,high,low,close,volume",
        "corporate_actions": "symbol,ex_date,kind,ratio,amount,currency,note",
    }
    path = folder / f"{dataset}-{abs(hash(rows))}.csv"
    path.write_text(f"{heads[dataset]}\n{rows.strip()}\n", encoding="utf-8")
    return imports.load(desk, dataset, path)


def stored(desk: Desk, table: str = "bars_daily") -> pl.DataFrame:
    """The rows of a table without their lineage."""
    return desk.warehouse.read(f"SELECT * EXCLUDE pull_id FROM {table} ORDER BY ALL")
