"""What an address asks for and a page does not have is told, on every page, in one line."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from app import navigation
from components.kit import once, parameters
from tests.filled import fill
from tests.opened import run_page

TITLES = {e.name: e.title for entries in navigation.present().values() for e in entries}
TOLD = {
    "activity": "period kind severity event",
    "alerts": "show alert",
    "companies": "view known",
    "data_quality": "view",
    "datasets": "dataset view",
    "gap_scan": "session gap rvol dollars price w_catalyst marked side grade status",
    "gap_statistics": "view rate gap rvol dollars price by",
    "jobs": "view",
    "overview": "within",
    "plans": "view symbol session direction entry risk atr stop choice",
    "risk": "session",
    "rules": "severity rule",
    "symbol": "span session",
}  # by page; what else it reads is told elsewhere on it, is free text, or stands on another view
NONE_HERE = "asks for what is not here"


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    once.forget()


def told(at: AppTest) -> list[str]:
    """The lines that speak of the address."""
    return [c.value for c in at.caption if NONE_HERE in c.value or "reads no" in c.value]


@pytest.mark.few(6)
@pytest.mark.parametrize("name", list(TITLES))
def test_values_that_a_page_does_not_have_are_told(desk, name):
    """In one line, with the names that this page does not read; the first ones by name."""
    fill(desk)
    keys = TOLD.get(name, "").split()[:9]
    elsewhere = "left" if name != "compare" else "severity"
    at = run_page(name, **dict.fromkeys(keys, "nonsense"), **{elsewhere: "x"})
    assert not at.exception
    (line,) = told(at)
    assert f"This page reads no **{elsewhere}**" in line
    assert [key for key in keys if f"**{key}** nonsense" not in line.replace("\\", "")] == []
    assert (NONE_HERE in line) == bool(keys)


def test_every_page_names_what_it_reads():
    """A page that is new here would tell nobody of names that it does not read."""
    different = set(parameters.READ) ^ set(TITLES.values())
    assert not different, f"READ of components/kit/parameters.py is wrong on {different}"


@pytest.mark.parametrize("query", [{}, {"kind": "pull", "period": "the last day"}])
def test_what_is_understood_is_not_told(desk, query):
    """An address that asks for what is there has no line."""
    assert told(run_page("activity", **query)) == []


def test_a_value_taken_out_of_the_address_is_told_until_another_is_chosen(desk):
    """Streamlit clears it in the first run; a page that runs again by itself still tells."""
    fill(desk)
    at = run_page("overview", within="nonsense")
    assert "within" not in at.query_params
    assert "**within** nonsense" in told(at.run())[0]
    at.segmented_control(key="within").set_value("a week").run()
    assert told(at) == []


def test_a_default_in_the_address_is_understood(desk):
    """Streamlit clears a default, too: nothing is told of it."""
    fill(desk)
    assert told(run_page("overview", within="since the close")) == []


@pytest.mark.parametrize("old", parameters.OLD)
def test_an_old_name_of_the_session_is_read_and_the_new_one_stands(desk, old):
    """What is shown can be linked to, and stays when the page runs again."""
    fill(desk)
    day = desk.warehouse.read("SELECT max(session) - 7 AS day FROM bars_daily").item()
    at = run_page("gap_scan", **{old: day.isoformat()})
    for _ in range(2):
        assert at.date_input(key="session").value == day
        assert list(at.query_params) == ["session"]
        assert day.isoformat() in at.query_params["session"]
        assert told(at) == []
        at.run()
