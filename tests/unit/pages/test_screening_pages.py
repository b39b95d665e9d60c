"""Screening, marks, notes and addresses on the pages."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from components.kit import links, parameters
from core.service.desk import Desk
from core.service.lists import lists, notes
from tests.opened import ROOT, listed, run_page
from tests.unit.pages.test_gap_pages import DAYS, gapping, text_of

__all__ = ["gapping"]
LAST = DAYS[-1]


def _shown(at: AppTest) -> list[str]:
    return [row["symbol"] for row in listed(at, "candidates")]


@pytest.mark.few(4)
@pytest.mark.parametrize(
    ("query", "left"),
    [
        ({"side": "up"}, ["AAA"]),
        ({"side": "down"}, []),
        ({"grade": "NR"}, ["AAA"]),
        ({"grade": "A"}, []),
        ({"form": "none found"}, ["AAA"]),
        ({"followed": "yes"}, []),
        ({"list": "Mine"}, ["AAA"]),
        ({"list": "Others"}, []),
        ({"list": "of nobody"}, ["AAA"]),
        ({"marked": "star"}, ["AAA"]),
        ({"marked": "dismiss"}, []),
    ],
)
def test_the_address_screens_the_candidates(
    gapping: Desk, query: dict[str, str], left: list[str]
) -> None:
    """By direction, grade, catalyst, followed, list and mark; each filter is a chip."""
    lists.add(gapping, "Mine", ["AAA"])
    lists.add(gapping, "Others", ["ZZZ"])
    notes.set_mark(gapping, "AAA", "star", LAST)
    at = run_page("gap_scan", **query)
    assert not at.exception
    assert not at.error
    assert _shown(at) == left


def test_a_list_is_shared_by_its_address_alone(gapping: Desk) -> None:
    """Another's is not offered; whoever follows an address with it sees what its owner saw."""
    lists.add(gapping, "Mine", ["ZZZ"])
    lists.add(gapping, "Hers", ["AAA"])
    with gapping.warehouse.transaction() as tx:
        tx.execute("UPDATE symbol_lists SET owner = 'token 17' WHERE name = 'Hers'")
    for query, offered, shown in (
        ({}, ["Mine"], ["AAA"]),
        ({"list": "Mine"}, ["Mine"], []),
        ({"list": "Hers"}, ["Mine", "Hers"], ["AAA"]),
    ):
        at = AppTest.from_file(ROOT / "pages" / "gap_scan.py", default_timeout=60)
        at.session_state["filters"] = True
        at.query_params.update(query)
        assert _shown(at.run()) == shown
        box = at.selectbox(key="choice_list")
        assert (box.options, box.value) == (offered, query.get("list"))


def test_a_chip_takes_its_filter_away(gapping: Desk) -> None:
    """The address that it leads to has all but that filter, and the name is back."""
    asked = {"side": ["down"], "rvol": ["1.5"], "price": ["1", "900"], "sector": ["a", "<b>"]}
    at = AppTest.from_file(ROOT / "pages" / "gap_scan.py", default_timeout=60)
    at.query_params.update(asked)
    chips = _chips(at.run())
    assert chips["▼ down ✕"] == ("side", {k: v for k, v in asked.items() if k != "side"})
    assert chips["rel. vol. ≥ 1.5 ✕"] == ("rvol", asked | {"rvol": ["0.0"]})
    assert chips["price 1–900 ✕"] == ("price", asked | {"price": ["0.0", "1000.0"]})
    assert chips["sector <b> ✕"] == ("sector", asked | {"sector": ["a"]})


def test_a_name_is_back_without_its_filter(gapping: Desk) -> None:
    """What the browser has drawn by itself, the zoom of a chart, is not in the way back."""
    at = run_page("gap_scan", side="down", zoom="days~1~2~3~4")
    assert _shown(at) == []
    only, left = _chips(at)["▼ down ✕"]
    assert (only, left) == ("side", {})
    assert _shown(run_page("gap_scan")) == ["AAA"]


def test_a_long_address_is_not_sent_by_its_square(gapping: Desk) -> None:
    """A thousand values of a filter: those by number keep their chips, the boxes show the rest."""
    at = AppTest.from_file(ROOT / "pages" / "gap_scan.py", default_timeout=60)
    at.query_params["sector"] = [f"sector number {n}" for n in range(1000)]
    assert all("sector number" not in html.body for html in at.run().get("html"))
    assert "price 2–300 ✕" in _chips(at)


def _chips(at: AppTest) -> dict[str, tuple[str, dict[str, list[str]]]]:
    """By its word: the name it is about, and the query that it leads to."""
    (body,) = [html.body for html in at.get("html") if "ways chips" in html.body]
    found = re.findall(r'href="/gap_scan\??([^"]*)"[^>]* data-only="(\w+)"[^>]*>([^<]+)<', body)
    return {unescape(word): (only, parse_qs(unescape(query))) for query, only, word in found}


def test_a_dismissed_name_is_gone_for_the_day_and_can_be_brought_back(gapping: Desk) -> None:
    """By its button; under `marked=dismiss` it is still to be seen."""
    at = run_page("gap_scan")
    at.button(key="mark_dismiss").click().run()
    assert notes.marks(gapping, LAST) == {"AAA": "dismiss"}
    assert _shown(at) == []
    back = run_page("gap_scan", marked="dismiss")
    assert _shown(back) == ["AAA"]
    back.button(key="mark_dismiss").click().run()
    assert notes.marks(gapping, LAST) == {}


def test_ways_lead_to_the_names_beside_and_on_from_this_one(gapping: Desk) -> None:
    """One element for two words; the first name has none before it, the last none after."""
    at = run_page("gap_scan")
    (steps,) = [html.body for html in at.get("html") if '"ways"' in html.body]
    assert re.findall(r"<span aria-disabled[^>]*>([^<]+)", steps) == ["‹ Prev.", "Next ›"]
    for page, word in (("symbol", "Open"), ("plans", "Plan")):
        assert f"[{word} AAA](/{page}?symbol=AAA&session={LAST})" in text_of(at)


def test_a_way_is_a_link_with_its_key() -> None:
    """Names are escaped; without an address there is nothing to follow."""
    made = links.ways([
        links.Way("Next ›", links.url("gap_scan", {"pick": "B<"}), "J"), links.Way("‹ Prev.", None)
    ])  # fmt: skip
    assert made == (
        '<div class="ways"><a href="/gap_scan?pick=B%3C" target="_self" data-key="J" '
        'title="Key J">Next ›</a><span aria-disabled="true">‹ Prev.</span></div>'
    )


def test_the_address_names_the_columns(gapping: Desk) -> None:
    """Symbol first, the others in the order asked for; unknown ones are left out."""
    at = AppTest.from_file(ROOT / "pages" / "gap_scan.py", default_timeout=60)
    at.query_params["columns"] = ["rvol", "nonsense", "score"]
    at.run()
    assert list(listed(at, "candidates")[0]) == ["symbol", "rvol", "score"]


@pytest.mark.parametrize("page", ["gap_scan", "symbol", "plans"])
def test_a_note_stands_beside_its_name(gapping: Desk, page: str) -> None:
    """On the scan, the symbol and the plan."""
    notes.write(gapping, "AAA", "wait for $9 *call*", LAST)
    at = run_page(page, symbol="AAA") if page != "gap_scan" else run_page(page)
    assert not at.exception
    assert "wait for" in text_of(at)


@pytest.mark.parametrize(
    ("page", "old"), [("symbol", "day"), ("plans", "date"), ("risk", "date"), ("gap_scan", "day")]
)
def test_old_names_of_the_session_are_still_read(gapping: Desk, page: str, old: str) -> None:
    """And become the one name that all pages have."""
    day = DAYS[-2]
    at = run_page(page, symbol="AAA", **{old: day.isoformat()})
    assert not at.exception
    assert at.date_input(key="session").value == date(day.year, day.month, day.day)
    assert old not in at.query_params


def test_a_name_that_no_page_knows_is_told(gapping: Desk) -> None:
    """With the one that may have been meant; known ones are not."""
    at = run_page("gap_scan", sesion="2014-06-30", side="up")
    said = [caption.value for caption in at.caption if "no page knows" in caption.value]
    assert len(said) == 1
    assert "did you mean session" in said[0]
    assert not [c for c in run_page("gap_scan", side="up").caption if "no page knows" in c.value]


def test_every_name_that_a_page_reads_is_known() -> None:
    """A new one is added to the list, or it would be told as unknown."""
    patterns = (
        r'choices\.(?:one|several|text)\(\s*"([a-z_]+)"',
        r'choices\.(?:multiselect|pills|selectbox|text_input)\(\s*"[^"]+",\s*"([a-z_]+)"',
        r'query_params(?:\.get|\.pop|\.get_all)?[\[(]"([a-z_]+)"',
        r'Bound\(\s*"([a-z_]+)"',
        r'key="([a-z_]+)",?\s[^()]{0,400}?bind="query-params"',
        r'address\.(?:among|day|number|tell)\(\s*"([a-z_]+)"',
        r'day_box\(\s*"[^"]+",\s*"([a-z_]+)"',
    )
    read = set()
    for room in ("pages", "components"):
        for path in Path(ROOT / room).rglob("*.py"):
            for pattern in patterns:
                read |= set(re.findall(pattern, path.read_text("utf-8"), re.DOTALL))
    assert read - parameters.KNOWN == set()
    assert len(read) > 30
