"""Rows as HTML: for paper, and as cards."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from streamlit.testing.v1 import AppTest

from components.kit import rows


def _page() -> None:
    import polars as pl

    from components.kit import rows

    frame = pl.DataFrame(
        {
            "symbol": [f"N{n}" for n in range(202)],
            "gap_pct": [-1.5] * 202,
            "why": ["<script>x</script>"] * 202,
        }
    )
    shown = {"symbol": "Symbol", "gap_pct": "Gap", "why": "Why"}
    rows.show(frame, shown, card=("symbol", "gap_pct"), line="why", link=("gap_scan", "pick"))


def test_rows_are_escaped_linked_and_counted() -> None:
    """The first column leads on; text is text; beyond two hundred the rest is counted."""
    at = AppTest.from_function(_page).run()
    assert not at.exception
    html = at.get("html")[0].proto.body
    assert html.count("<tr>") == 201
    assert '<a href="/gap_scan?pick=N7" target="_self">N7</a>' in html
    assert "<script>" not in html
    assert "and 2 more rows" in html
    assert '<td class="number">−1.50 %</td>' in html
    assert '<td class="line">' in html


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("x", None, "–"),
        ("gap_pct", 4.256, "+4.26 %"),
        ("premarket_gap_pct", -4.0, "−4.00 %"),
        ("share_pct", 4.0, "4.00 %"),
        ("score", 57.8, "58"),
        ("value", 1234567.5, "1,234,567.50"),
        ("n", 1234, "1,234"),
        ("ok", True, "yes"),
        ("day", date(2026, 11, 30), "Mon 30 Nov 2026"),
        ("at", datetime(2026, 11, 30, 14, 5, tzinfo=UTC), "Mon 30 Nov 09:05 ET"),
        ("list", ["a", "b"], "a, b"),
    ],
)
def test_a_value_is_written_as_in_a_grid(name: str, value: object, said: str) -> None:
    """With its sign, its unit and its zone."""
    assert rows.told(name, value) == said


def test_what_may_be_won_or_lost_has_its_sign() -> None:
    """A plus too, so that a column of gaps in ATR does not mix signed and bare figures."""
    told = [rows.told(name, value) for name in ("gap_atr", "rvol") for value in (2.5, -1.25)]
    assert told == ["+2.50", "−1.25", "2.50", "−1.25"]
