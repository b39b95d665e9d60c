"""A headline figure without a value is named with why, never an empty cell."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from components.kit import once
from core.service.filings import alternatives, untold
from tests import begun, opened

END = date(2026, 6, 30)
ROW = {"form": "10-Q", "facts": 400, "period_end": END}
ALL = ("Revenues", "NetIncome", "EpsDiluted", "Cfo", "Assets", "EquityParent")
SCHEMA = {"taxonomy": pl.String, "concept": pl.String, "unit": pl.String}


def told(
    items: tuple[str, ...],
    row: dict[str, Any] = ROW,
    stated: tuple[tuple[str, str], ...] = (),
    parts: tuple[str, ...] = (),
    others: tuple[str, ...] = (),
) -> dict[str, str]:
    """Figures and why, of a report whose own period has `items`, and another period `others`."""
    rows = [(item, True) for item in items] + [(item, False) for item in others]
    taken = pl.DataFrame(rows, schema={"item": pl.String, "own": pl.Boolean}, orient="row")
    facts = pl.DataFrame([("us-gaap", *one) for one in stated], schema=SCHEMA, orient="row")
    aside = pl.DataFrame(
        [(item, alternatives.IN_PART) for item in parts],
        schema={"item": pl.String, "reason": pl.String},
        orient="row",
    )
    return {one.figure: one.why for one in untold.untold(row, taken, facts, aside)}


def without(*gone: str) -> tuple[str, ...]:
    """The items of all figures but some."""
    return tuple(item for item in ALL if item not in gone)


def test_nothing_is_said_where_all_are_told() -> None:
    """Nor of a filing that is no report, a cover, or one without a period."""
    assert told(ALL) == {}
    assert told((), {**ROW, "form": "8-K"}) == {}
    assert told((), {**ROW, "facts": 12}) == {}
    assert told((), {**ROW, "period_end": None}) == {}
    assert set(told(())) == set(untold.FIGURES)


EPS = "diluted earnings per share"


@pytest.mark.parametrize(
    ("more", "given", "why"),
    [
        ((), {}, untold.CLASSES),
        (("CoverShares",), {}, untold.PER_SHARE),
        ((), {"others": ("CoverShares",)}, untold.PER_SHARE),  # a cover is of a later day
        (("EpsContinuing",), {}, untold.CONTINUING),
        ((), {"stated": (("EarningsPerShareDiluted", "USD"),)}, "told in USD, which is no amount"),
        ((), {"stated": (("EarningsPerShareDiluted", "USD/shares"),)}, untold.CLASSES),
    ],
)
def test_why_there_are_no_earnings_per_share(
    more: tuple[str, ...], given: dict[str, Any], why: str
) -> None:
    """By class (no shares on the cover either), continuing only, or in an odd unit."""
    assert told((*without("EpsDiluted"), *more), **given)[EPS].startswith(why)


def test_why_there_is_no_other_figure() -> None:
    """Parts that do not prove to be the whole, or no tag at all."""
    assert told(without("Revenues"), parts=("Revenues",)) == {"revenue": alternatives.IN_PART}
    assert told(without("Cfo")) == {"operating cash flow": untold.OF_PARTS}


def test_the_page_says_so(make_desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of two lines: what it has no value of stands beside its grade."""
    once.forget()
    monkeypatch.setattr(untold, "LEAST_FACTS", 0)
    make_desk(begun.put_graded)
    page = opened.opened("filing", filing="0000001001-26-000008", cik="1001")
    said = " ".join(str(caption.value) for caption in page.caption).replace("\\", "")
    assert f"No value here of** net income: {untold.OF_PARTS}; {EPS}: {untold.CLASSES}" in said
    assert "revenue:" not in said
