"""A list as the browser sorts it, without a desk behind it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from components.kit import lists

SCRIPT = Path(__file__).parents[2] / "app" / "static" / "lists.js"
FRAME = pl.DataFrame(
    {
        "form": ["8-K", "10-Q", "10-K", "S-1"],
        "filed": [date(2026, 11, 27), date(2025, 12, 1), None, date(2026, 11, 9)],
        "happened_at": [datetime(2026, 11, day, 9, tzinfo=UTC) for day in (27, 2, 16, 9)],
        "accession": ["0000320193-24-2", "0000320193-24-10", "0000320193-23-9", "0000320193-24-1"],
        "file_bytes": [900_000, 2_000_000, 10, None],
        "change": [-4.0, 1_250.5, None, 3.25],
    }
)
ORDERS = {
    "form": [0, 2, 1, 3],
    "filed": [1, 3, 0, 2],  # what is not known comes last
    "happened_at": [1, 3, 2, 0],
    "accession": [2, 3, 0, 1],
    "file_bytes": [1, 0, 2, 3],
    "change": [1, 3, 0, 2],
}  # figures from the largest down


@pytest.mark.parametrize("column", ORDERS)
def test_a_column_is_sorted_by_what_it_holds(chromium, column: str) -> None:
    """Days and instants in time, sizes by their bytes, words with their numbers."""
    names = {name: name for name in FRAME.columns}
    tab = chromium.new_page()
    tab.set_content(lists.html(FRAME, lists.ListLook("found", "Found", names, None)))
    tab.add_script_tag(content=SCRIPT.read_text())
    tab.locator(f"th.c-{column}").click()
    shown = tab.locator("td.c-form").all_inner_texts()
    tab.close()
    assert shown == [FRAME["form"][place] for place in ORDERS[column]]
