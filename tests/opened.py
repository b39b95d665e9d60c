"""Pages run by Streamlit's own test runner."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60  # seconds: a page takes one, but on a machine that is busy elsewhere


def run_page(name: str, **query: str) -> AppTest:
    """A page as it is opened with a query, whatever came of it."""
    at = AppTest.from_file(ROOT / "pages" / f"{name}.py", default_timeout=PATIENCE)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def opened(name: str, **query: str) -> AppTest:
    """The same; no exception stands on it."""
    at = run_page(name, **query)
    assert not at.exception
    return at
