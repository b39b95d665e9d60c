"""The pages of the desk, in groups: one line a page.

A page whose file is not there is left out, so a line may stand before its page does.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "pages"
_routes: dict[str, list[st.Page]] = {}
_by_name: dict[str, st.Page] = {}
LANDING = "overview"


@dataclass(frozen=True, slots=True)
class PageEntry:
    """One page: its file in pages/ (without .py, also its URL), title and tooltip."""

    name: str
    title: str
    help: str = ""

    @property
    def path(self) -> Path:
        """Absolute path of the script."""
        return PAGES / f"{self.name}.py"


GROUPS: Mapping[str, Sequence[PageEntry]] = {
    "": (
        PageEntry("overview", "Overview", "The morning on one screen, problems first."),
        PageEntry("brief", "Brief", "The morning before the open on one sheet, to print."),
        PageEntry("search", "Search", "A symbol, company or accession, anywhere on the desk."),
    ),
    "Gaps": (
        PageEntry("gap_scan", "Gap scan", "Names that gap this session, why, and how they rank."),
        PageEntry("symbol", "Symbol", "One name: candles, filings, outcomes of similar gaps."),
        PageEntry("gap_statistics", "Gap statistics", "How often gaps fill, and the back-test."),
    ),
    "Trading": (
        PageEntry("plans", "Plans", "Entry, stop, targets and size, with the verdict of risk."),
        PageEntry("risk", "Risk", "Limits, exposure, value at risk and stress of the book."),
        PageEntry("journal", "Journal", "Entries, trial balance, equity and results by tag."),
    ),
    "Companies": (
        PageEntry("companies", "Companies", "Watch list, filings and reported facts."),
        PageEntry("compare", "Compare", "Two companies side by side on the same concepts."),
        PageEntry("data_quality", "Data quality", "Grades of filings and of datasets."),
        PageEntry("filing", "Filing", "One filing: its grade, point by point, and its facts."),
        PageEntry("reconciliation", "Reconciliation", "Checks of the store against itself."),
        PageEntry("rules", "Rules", "Every rule behind a grade, in words."),
    ),
    "Data": (
        PageEntry("datasets", "Datasets", "Freshness, pulls, rejected rows and schema of each."),
        PageEntry("jobs", "Jobs", "Queue, running, dead letters and history."),
        PageEntry("activity", "Activity", "What happened: every change, by whom, before, after."),
    ),
    "Desk": (
        PageEntry("alerts", "Alerts", "What you were told, and by which rules."),
        PageEntry("preferences", "Preferences", "Zone, palette, default filters and presets."),
        PageEntry("access", "Access", "Who is let in, what they may, and what they did."),
        PageEntry("glossary", "Glossary", "What each quantity on the desk means."),
    ),
}


def present(groups: Mapping[str, Sequence[PageEntry]] = GROUPS) -> dict[str, list[PageEntry]]:
    """The groups with the pages that exist; groups without any are left out."""
    found = {name: [e for e in entries if e.path.is_file()] for name, entries in groups.items()}
    return {name: entries for name, entries in found.items() if entries}


def routes() -> dict[str, list[st.Page]]:
    """The pages as Streamlit wants them, in groups; the first one is the landing page.

    Files are looked up once per process, and the pages shared: not to be run, or marked.
    """
    if not _routes:
        _routes.update(_make_routes())
    return _routes


def by_name() -> dict[str, st.Page]:
    """The pages by the names of their files, for links; after `routes`."""
    if not _by_name:
        _by_name.update({p.url_path or LANDING: p for pages in _routes.values() for p in pages})
    return _by_name


def _make_routes() -> dict[str, list[st.Page]]:
    groups = present()
    first = next(iter(groups.values()))[0]
    return {
        group: [
            st.Page(e.path, title=e.title, url_path=e.name, default=e is first, help=e.help)
            for e in pages
        ]
        for group, pages in groups.items()
    }


@cache
def picture(name: str) -> str:
    """An SVG of app/static as a data URI, which Streamlit would make anew of it at each run."""
    packed = base64.b64encode((ROOT / "app" / "static" / name).read_bytes()).decode()
    return f"data:image/svg+xml;base64,{packed}"
