"""What the parts of pages say, as whole sentences and at the ends of each condition."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import streamlit as st

from components.kit import shell
from components.parts import gaps, plans, quality_status, rules, symbol
from core.domain.quality.model import Equation, Rule, default_ruleset
from core.service.gaps.coming import Print
from core.service.gaps.symbols import SymbolView

LAST = Print("AAA", date(2026, 11, 30), 104.5, datetime(2026, 11, 30, 14, 5, tzinfo=UTC), 1,
             "prices.minute", False, 900.0)  # fmt: skip


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is put on the page as Markdown."""
    said: list[str] = []
    monkeypatch.setattr(st, "markdown", lambda text, **_: said.append(text))
    monkeypatch.setattr(shell, "zone", lambda: "America/New_York")
    return said


def view(found: Print | None) -> SymbolView:
    none = pl.DataFrame()
    return SymbolView("AAA", None, none, none, none, found)


@pytest.mark.parametrize(("count", "words"), [(1, "1 print"), (2, "2 prints"), (1200, "1,200 pr")])
def test_a_last_print_tells_how_many_there_were(told: list[str], count: int, words: str) -> None:
    """One is no plural, and until the open nothing is said of a bar."""
    symbol.stands(view(replace(LAST, prints=count)), LAST.at)
    (line,) = told
    assert "Last print 104.50 at " in line and f" · {words}" in line
    assert "its bar is stored" not in line


def test_an_open_says_that_its_bar_is_to_come(told: list[str]) -> None:
    """And a day that has its bar says nothing."""
    symbol.stands(view(replace(LAST, official=True)), LAST.at)
    assert "open" in told[0]
    assert "Opened at 104.50" in told[0]
    assert told[0].endswith("; its bar is stored after the close.")
    symbol.stands(view(None), LAST.at)
    assert len(told) == 1


def test_after_the_close_of_a_half_day_nothing_is_open(told: list[str]) -> None:
    """The bar of the session is to come; a minute before the close it was open."""
    half_day = replace(LAST, session=date(2026, 11, 27), official=True)
    for minute in (59, 0):
        hour = 17 if minute else 18  # UTC; the exchange closes at 13:00 in New York
        symbol.stands(view(half_day), datetime(2026, 11, 27, hour, minute, tzinfo=UTC))
    assert "[open]" in told[0]
    assert "[closed]" in told[1]
    assert told[1].endswith("; its bar is to come.")


def rule(**changes: Any) -> Rule:
    plain: dict[str, Any] = {"style": "", "related": (), "equations": ()}
    return replace(next(iter(default_ruleset().rules.values())), **(plain | changes))


ONE = Equation("Assets", (), "Assets = …")


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({}, []),
        ({"equations": (ONE,)}, []),
        ({"equations": (ONE, ONE)},
         ["Any one of these forms is honest; items in brackets count when reported."]),
        ({"style": "learned"}, ["Only a filer whose earlier filings kept to it can break it."]),
        ({"style": "bank"}, ["For filers of the kind bank."]),
        ({"related": ("a", "b")}, ["Related public rules: a, b."]),
    ],
)  # fmt: skip
def test_the_notes_of_a_rule(changes: dict[str, Any], more: list[str]) -> None:
    """Weight and tolerance always, the rest where it is so."""
    notes = rules._notes(rule(**changes))
    assert notes[0].startswith("Weight ") and notes[1].startswith("Tolerance: ")
    assert notes[2:] == more


@pytest.mark.parametrize(
    ("at", "provisional", "said"),
    [
        ("2026-11-27T13:00-05:00", False, "Fri 27 Nov 2026 is over"),
        ("2026-11-28T11:00-05:00", False, "Fri 27 Nov 2026 is over"),
        ("2026-11-27T12:59-05:00", False, ""),
        ("2026-11-27T09:05-05:00", True, "provisional"),
    ],
)
def test_a_plan_says_that_its_session_is_over(at: str, provisional: bool, said: str) -> None:
    """From the close on, of a half day from 13:00 on."""
    plan: Any = SimpleNamespace(provisional=provisional, session=date(2026, 11, 27), expiry=None)
    found = plans.of_session(plan, datetime.fromisoformat(at))
    assert (said in found) if said else not found


@pytest.mark.parametrize(
    ("tellings", "said"),
    [
        ([("cash", 1.0, 2.0, 1)], "One headline told otherwise later"),
        ([("cash", 1.0, 2.0, 1), ("cash", 1.0, 1.0, 2)],
         "One headline told otherwise later, and as first again"),
        ([("cash", 1.0, 2.0, 1), ("assets", 1.0, 2.0, 1), ("cash", 1.0, 1.0, 2)],
         "2 headlines told otherwise later, one of them as first again"),
    ],
)  # fmt: skip
def test_a_headline_told_anew_twice_is_one(tellings: list[tuple[object, ...]], said: str) -> None:
    """A restatement and its end are two tellings of one figure."""
    changes = pl.DataFrame(tellings, ["headline", "old", "new", "told_on"], orient="row")
    same = {name: pl.lit("x") for name in ("concept", "unit", "period_start", "period_end")}
    assert quality_status.told_otherwise(changes.with_columns(**same)) == said


def test_a_scan_before_the_open_says_how_new_its_prints_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not when it was made: a container that died leaves older ones."""
    monkeypatch.setattr(shell, "zone", lambda: "America/New_York")
    newest = datetime(2026, 11, 30, 14, 12, tzinfo=UTC)
    found = SimpleNamespace(
        rows=pl.DataFrame({"last_print_at": [None, newest], "provisional": [None, True]}),
        session=date(2026, 11, 30),
        provisional=True,
        source="prices.minute",
        known_at=newest.replace(minute=29),
    )
    nobody = pl.DataFrame(
        {"symbol": [], "flagged": []}, {"symbol": pl.String, "flagged": pl.Boolean}
    )
    scan: Any = SimpleNamespace(candidates=nobody, excluded=nobody, gaps=found)
    before = gaps.headline(scan, newest)
    assert "From the last prints up to Mon 30 Nov 09:12 ET" in before
    assert "provisional" in before
    opened = gaps.headline(scan, newest.replace(minute=47))
    assert "provisional" not in opened
    assert (
        "From the opens of the session (prices.minute), of 1 from the last print before" in opened
    )
    assert ":green-badge[open]" in opened
    assert ":gray-badge[closed]" in gaps.headline(scan, newest.replace(hour=22))


@pytest.mark.parametrize(("early", "head"), [(True, "Last"), (False, "Open")])
def test_a_price_is_called_the_open_once_it_is_one(early: bool, head: str) -> None:
    """Before the open it is that of the last print."""
    rows = pl.DataFrame({"symbol": ["AAA"], "open": [12.0]})
    assert gaps._list_look(rows, (), False, early=early).columns["open"] == head
