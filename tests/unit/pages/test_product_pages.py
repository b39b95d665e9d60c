"""What a reader does across pages: search, own defaults, saved views, deep links."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from app import asgi
from components.kit import formats, once
from components.kit import saved_views as views
from components.parts import compare, overview, quality
from core.domain.gaps import catalysts
from core.service.care import morning, preferences
from core.service.care.preferences import Preferences
from core.service.filings import comparison
from tests.filled import fill
from tests.opened import run_page

NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _fresh_cache():
    """No test sees what another one read."""
    once.forget()


def words(at: AppTest) -> str:
    return " ".join(str(part.value) for part in [*at.markdown, *at.caption])


def test_the_overview_finds_a_symbol(desk):
    """The search box of the overview answers below it; the words stand in the address."""
    fill(desk)
    at = run_page("overview", find="aaa")
    assert not at.exception
    assert at.text_input(key="find").value == "aaa"
    assert ":blue-badge[symbol]" in words(at)


def test_what_the_search_finds_leads_to_its_own_page(desk):
    """A filing found by its accession is opened by that accession."""
    fill(desk)
    linked = " ".join(m.value for m in run_page("search", q="0000001001-26-000008").markdown)
    assert "/filing?filing=0000001001-26-000008" in linked


def test_the_search_says_what_it_can_find_before_one_searches(desk):
    """An empty search explains itself; with words it makes room."""
    fill(desk)
    assert "Nothing is searched for yet" in words(run_page("search"))
    assert "Nothing is searched for yet" not in words(run_page("search", q="aaa"))


def test_an_exact_symbol_comes_first_and_followed_companies_before_others(desk):
    """The best match leads, whatever the alphabet says."""
    fill(desk)
    found = morning.search(desk, "aaa")
    assert found.row(0)[:2] == ("symbol", "AAA")


def test_the_name_of_the_landing_page_leads_to_it():
    """/overview is the landing page, its view kept."""
    answer = asgi.landing(SimpleNamespace(url=SimpleNamespace(query="within=a+week")))
    assert (answer.status_code, answer.headers["location"]) == (307, "/?within=a+week")


def test_own_filters_hold_where_the_address_names_none(desk, monkeypatch):
    """A reader's own defaults move the sliders; an address that names one wins."""
    fill(desk)
    monkeypatch.setattr(views, "is_open", lambda _: True)
    preferences.save(desk, Preferences(filters={"min_gap_pct": 1.0, "min_rvol": 0.5}))
    at = run_page("gap_scan")
    assert at.slider(key="bound_gap").value[0] == 1.0
    assert at.slider(key="bound_rvol").value == 0.5
    assert run_page("gap_scan", rvol="2.0").slider(key="bound_rvol").value == 2.0


def test_sliders_become_the_readers_own_and_go_back(desk, monkeypatch):
    """The button keeps what the sliders say, the other forgets it."""
    fill(desk)
    monkeypatch.setattr(views, "is_open", lambda _: True)
    at = run_page("gap_scan", rvol="0.7")
    next(b for b in at.button if b.label == "Make these my defaults").click().run()
    assert preferences.load(desk).filters["min_rvol"] == 0.7
    at = run_page("gap_scan")
    assert at.slider(key="bound_rvol").value == 0.7
    next(b for b in at.button if b.label == "Back to the desk's defaults").click().run()
    assert preferences.load(desk) == Preferences()
    assert at.slider(key="bound_rvol").value == 1.5


def test_the_overview_scans_with_the_readers_own_filters(desk):
    """What the overview calls a candidate follows the reader's defaults."""
    fill(desk)
    strict = words(run_page("overview"))
    once.forget()
    preferences.save(desk, Preferences(filters={"min_gap_pct": 0.5, "min_rvol": 0.0}))
    assert strict != words(run_page("overview"))


def test_preferences_tell_whose_filters_are_in_use(desk):
    """The preferences say the filters in words."""
    fill(desk)
    assert "The desk's: |gap| 4 to 20 %" in words(run_page("preferences"))
    preferences.save(desk, Preferences(filters={"min_gap_pct": 6.0}))
    assert "Your own: |gap| 6 to 20 %" in words(run_page("preferences"))


def test_a_view_is_saved_from_the_header_of_a_page(desk, monkeypatch):
    """The box in the header keeps the address under a name."""
    fill(desk)
    monkeypatch.setattr(views, "is_open", lambda _: True)
    at = run_page("symbol", symbol="BBB", span="1 year")
    at.text_input(key="view_name_symbol").input("a year of B")
    next(b for b in at.button if b.label == "Save").click().run()
    assert not at.exception
    (saved,) = preferences.presets(desk, "symbol")
    assert (saved["name"], saved["query"]) == ("a year of B", "symbol=BBB&span=1+year")


def test_a_view_without_a_name_is_refused_in_words(desk, monkeypatch):
    """A blank name gets a sentence."""
    fill(desk)
    monkeypatch.setattr(views, "is_open", lambda _: True)
    at = run_page("symbol")
    next(b for b in at.button if b.label == "Save").click().run()
    assert "needs a name" in at.error[0].value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the pull was cancelled", "The pull was cancelled."),
        ("Why?", "Why?"),
        ("prices.minute: no answer", "prices.minute: no answer."),
        ("index_vix is off", "index_vix is off."),
        ("e", "E."),
        ("", ""),
    ],
)
def test_messages_are_written_as_sentences(text, said):
    """A capital first, names as they are written, one full stop last."""
    assert formats.sentence(text) == said


def test_prices_have_cents():
    """Prices are told to the cent, those below one more finely."""
    assert formats.price(1234.5678) == "1,234.57"
    assert formats.price(0.07312) == "0.0731"
    assert formats.price(163.085) == formats.price(Decimal("163.085")) == "163.09"


def test_insider_reports_and_items_are_told_in_words(desk):
    """New filings say what they are: by their items, by their form, or as their document."""
    fill(desk)
    found = morning.new_filings(desk, desk.now() - timedelta(days=400))
    assert "title" in found.columns
    assert catalysts.titled(pl.DataFrame({"form": ["8-K"], "items": ["2.02,9.01"]}))["title"][
        0
    ].startswith("Results of operations")


def test_two_companies_are_compared_on_the_same_year(desk):
    """A ratio needs periods that end within a year; what both reported of late comes first."""
    fill(desk)
    found = comparison.side_by_side(desk, 1001, 1002)
    apart = (pl.col("left_period") - pl.col("right_period")).dt.total_days().abs() > 370
    assert found.filter(apart)["ratio"].null_count() == found.filter(apart).height
    assert compare.concepts(found)[0] in found.filter(~apart)["concept"]


def test_the_grade_of_a_company_is_that_of_its_latest_rated_filing():
    """A prospectus that cannot be rated does not hide the grade of the report before."""
    graded = pl.DataFrame(
        {
            "cik": [1, 1, 2],
            "filed": [date(2026, 1, 1), date(2026, 2, 1), date(2026, 1, 1)],
            "accession": ["a", "b", "c"],
            "grade": ["A", "NR", "NR"],
            "score": [95.0, None, None],
            "status": ["as filed", None, None],
            "status_reason": [None, None, None],
        }
    )
    latest = quality._of_watched(graded).sort("cik")
    assert latest["grade"].to_list() == ["A", "NR"]


def test_a_pull_that_brought_nothing_is_no_first_step():
    """Without a company followed, filings are pulled at once: nothing is there to look at.

    Nor is one dataset of many all of them; what is off or imported is not asked for.
    """

    def status(pulled: bool, rows: int, enabled: bool = True, source: str = "foundry"):
        last = NOON if pulled else None
        return SimpleNamespace(last_success=last, rows=rows, enabled=enabled, source=source)

    idle, full, open_ = status(True, 0), status(True, 5), status(False, 0)
    assert not overview._has_pulled([idle])
    assert not overview._has_pulled([full, open_])
    assert overview._has_pulled(
        [idle, full, status(False, 0, False), status(False, 0, True, "file")]
    )


def test_what_changed_fits_a_phone():
    """Three columns of words; counts of nothing are left out."""
    row = {"dataset": "prices.daily", "failed": 1, "last_at": NOON, "inserted": 1200}
    said = overview._changed(pl.DataFrame([{**row, "updated": 0, "rejected": 2}])).splitlines()
    assert said[-1] == (
        "| prices.daily | 1,200 new, 2 rejected, 1 pull failed | Fri 20 Nov 12:00 ET |"
    )
