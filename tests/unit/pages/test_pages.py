"""Every page under AppTest: with data, without data, and with a broken store."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import navigation
from components.kit import once
from components.kit import saved_views as views
from core.errors import StoreError
from tests.filled import fill
from tests.opened import run_page
from tests.shown import tables

PAGES = [e.name for entries in navigation.present().values() for e in entries]
ROOT = Path(__file__).resolve().parent.parent.parent.parent
DEADLINE = 30


@pytest.fixture(autouse=True)
def _fresh_cache():
    """No test sees the statuses that another one read."""
    once.forget()


def titles(at: AppTest) -> list[str]:
    heads = [text.value.splitlines()[0] for text in at.markdown if text.value.startswith("# ")]
    return [head.removeprefix("# ") for head in heads]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_data(desk, name):
    """With data a page has its title and no error."""
    fill(desk)
    at = run_page(name)
    assert not at.exception
    assert [box.value for box in at.error if "cannot be shown" in box.value] == []
    assert len(titles(at)) == 1


@pytest.mark.parametrize("name", PAGES)
def test_a_page_without_data_says_what_to_do(desk, name):
    """An empty store is a state like any other: no error, no traceback."""
    at = run_page(name)
    assert not at.exception
    assert [box.value for box in at.error] == []
    assert len(titles(at)) == 1


@pytest.mark.parametrize("name", PAGES)
def test_a_page_survives_a_broken_store(desk, name, monkeypatch):
    """When the store cannot be read, the page says so and shows no traceback."""

    def broken(*_, **__):
        raise StoreError("the store cannot be read", where="desk.duckdb", hint="restore it")

    monkeypatch.setattr(desk.warehouse, "read", broken)
    monkeypatch.setattr(desk.warehouse, "transaction", broken)
    at = run_page(name)
    assert not at.exception
    if at.error:
        assert "Restore it" in at.error[0].value


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_short_and_does_no_maths(name):
    """Pages stay thin: at most 150 lines, no SQL."""
    text = (ROOT / "pages" / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert "SELECT " not in text


def test_a_dataset_is_reached_by_its_address(desk):
    """The URL picks dataset and view; rejected rows are listed with their reason."""
    fill(desk)
    at = run_page("datasets", dataset="prices.daily", view="Rejected rows")
    assert at.selectbox(key="dataset").value == "prices.daily"
    reasons = tables(at)[-1]["reason"]
    assert reasons == ["not a number"]
    state = next(text.value for text in at.markdown if "rejected rows" in text.value)
    assert re.search(r"\*\*[\d,]+\*\* rows · data to \*\*\w+.*\*\* · last good pull \*\*", state)


def test_facts_of_a_company_as_known_on_a_day(desk):
    """The as-known-on date leaves later filings out."""
    fill(desk)
    early = (desk.now().date()).replace(day=1)
    now = run_page("companies", company="AAA", view="Facts", concept="Revenues")
    then = run_page(
        "companies",
        company="AAA",
        view="Facts",
        concept="Revenues",
        known=f"{early.year - 1}-{early.month:02d}-01",
    )
    assert len(tables(then)[-1]) < len(tables(now)[-1]) == 8


def test_following_an_unknown_ticker_is_told_with_a_hint(desk, monkeypatch):
    """A mistyped ticker gets a sentence, not a crash."""
    fill(desk)
    monkeypatch.setattr(views, "is_open", lambda _: True)
    at = run_page("companies")
    at.text_input(key="follow_names").input("AAAA")
    next(b for b in at.button if b.label == "Follow").click().run()
    assert not at.exception
    assert "Did you mean AAA" in at.error[0].value


def test_the_search_finds_symbols_companies_and_filings(desk):
    """One box reaches all three kinds."""
    fill(desk)
    text = " ".join(m.value for m in run_page("search", q="aaa").markdown)
    assert "symbol" in text
    text = " ".join(m.value for m in run_page("search", q="0000001001-26-000008").markdown)
    assert "filing" in text


def test_preferences_are_kept_and_used(desk):
    """A chosen zone is in the store and on the next page."""
    fill(desk)
    at = run_page("preferences")
    at.selectbox[0].select("Europe/Berlin")
    at.button[0].click().run()
    assert not at.exception
    assert "Berlin" in " ".join(m.value for m in run_page("companies").markdown)


def test_the_router_opens_the_landing_page(desk):
    """dashboard.py routes to the overview with the navigation in place."""
    fill(desk)
    at = AppTest.from_file(ROOT / "app" / "dashboard.py", default_timeout=DEADLINE).run()
    assert not at.exception
    assert titles(at) == ["Overview"]
