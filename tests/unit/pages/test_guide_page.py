"""The dataset and the page that docs/extending.md shows do what the guide says of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.service.desk import Desk
from core.service.pulls import datasets
from tests.opened import PATIENCE, ROOT
from tests.shown import tables

GUIDE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def block(language: str, having: str) -> str:
    """The block of the guide in a language that has some words."""
    blocks = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return next(text for text in blocks if having in text)


@pytest.fixture
def guided(make_desk: Callable[..., Desk], tmp_path: Path) -> Desk:
    """A desk whose catalogue is the one dataset of the guide."""
    catalogue = tmp_path / "catalogue.toml"
    catalogue.write_text(block("toml", "rates.daily"), encoding="utf-8")
    return make_desk(catalogue=catalogue)


def shown() -> AppTest:
    """The page of the guide."""
    script = block("python", "Policy rates by day.")
    at = AppTest.from_string(script, default_timeout=PATIENCE).run()
    assert not at.exception
    assert not at.error
    return at


def test_the_dataset_of_the_guide_stands_in_the_overview(guided: Desk) -> None:
    """Without a line of code it is a row beside the others."""
    assert guided.catalogue.problems == ()
    assert [status.name for status in datasets.overview(guided)] == ["rates.daily"]


def test_the_page_of_the_guide_says_what_to_do_before_the_first_pull(guided: Desk) -> None:
    """The table is not made yet: no error, but the way to one."""
    assert any("No rate is here" in text.value for text in shown().markdown)


def test_the_page_of_the_guide_shows_what_was_pulled(guided: Desk) -> None:
    """Rows of the table that a pull makes are on the page."""
    row = pl.DataFrame({"day": [date(2026, 3, 10)], "currency": ["EUR"], "rate": ["1.25"]})
    rates = row.cast({"rate": pl.Decimal(9, 6)})
    with guided.warehouse.transaction() as tx:
        tx.ensure_table(guided.catalogue.get("rates.daily"))
        tx.insert("rates_daily", rates.with_columns(pull_id=pl.lit("pull-1")))
    (table,) = tables(shown())
    assert list(table.columns.values()) == [["Tue 10 Mar 2026"], ["EUR"], ["1.25"]]
