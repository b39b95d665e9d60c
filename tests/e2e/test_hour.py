"""9:05 by keyboard, on paper and on a phone: keys, printed pages, the brief as a file."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from tests.e2e.conftest import Page, new_page

PALEST = """() => {
  window.palest = 2;
  setInterval(() => {
    const stale = document.querySelectorAll("[data-testid=stElementContainer][data-stale=true]");
    for (const one of stale) palest = Math.min(palest, Number(getComputedStyle(one).opacity));
  }, 10);
}"""
PAPER = {"format": "A4", "print_background": False}


def printed(page: Page) -> str:
    """The words of the page as Chromium prints it."""
    body = page.tab.pdf(**PAPER)
    return "\n".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(body)).pages)


def prints(page: Page, words: str) -> bool:
    """Whether the words are on paper, once the page has drawn what it was drawing."""
    for _ in range(10):
        if words.lower() in printed(page).lower():
            return True
        page.settled().tab.wait_for_timeout(500)
    return False


def symbols_of(page: Page) -> list[str]:
    """The candidates of the scan, from the rows for paper."""
    page.tab.wait_for_selector(".rows.list td.c-symbol a", state="attached")
    return page.tab.locator("[data-list=candidates] td.c-symbol a").all_text_contents()


def test_the_scan_prints_whole(page: Page) -> None:
    """Every candidate, the picked one's chart and plan; no buttons."""
    page.open("/gap_scan")
    names = symbols_of(page)
    words = printed(page)
    assert names
    assert all(name in words for name in names)
    assert "Candidates as CSV" not in words
    assert prints(page, "Risk per trade")


@pytest.mark.parametrize(
    ("path", "drawn", "words"),
    [
        ("/plans?symbol={}", "[data-testid='stMetric']", "R per share"),
        ("/plans?symbol={}", ".js-plotly-plot .main-svg", "target 1R "),
        ("/filing", "[data-testid='stMetric']", "Weight passed"),
    ],
)
def test_plan_and_filing_print(page: Page, path: str, drawn: str, words: str) -> None:
    """Their figures are text on paper."""
    name = symbols_of(page.open("/gap_scan"))[0]
    page.open(path.format(name))
    page.tab.wait_for_selector(drawn)
    assert prints(page, words)


def test_the_brief_is_read_printed_and_taken_along(page: Page) -> None:
    """On the page, on paper, and as a PDF in which its words are found."""
    name = symbols_of(page.open("/gap_scan"))[0]
    page.open("/brief")
    page.tab.wait_for_selector(".sheet h2")
    assert "Problems first" in page.text
    assert name in page.text
    assert prints(page, "What the data reach up to")
    body = page.download("Brief as PDF").read_bytes()
    words = "\n".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(body)).pages)
    assert name in words
    assert "Filings since the close" in words


def test_keys_find_help_and_the_search(page: Page) -> None:
    """`?` tells the keys, Esc closes them, `/` leads to the box in the header of any page."""
    page.open("/risk")
    page.tab.keyboard.press("?")
    page.tab.wait_for_selector("#desk-keys")
    page.tab.keyboard.press("Escape")
    page.tab.wait_for_selector("#desk-keys", state="detached")
    page.tab.keyboard.press("/")
    page.tab.wait_for_selector("#desk-search:focus")
    page.tab.keyboard.type("ZIME")
    page.tab.keyboard.press("Enter")
    page.tab.wait_for_url("**/search?q=ZIME")
    page.tab.get_by_role("link", name="ZIME", exact=True).wait_for()


def test_arrows_move_in_a_list_and_enter_picks(page: Page) -> None:
    """The reader never leaves the keyboard, nor the page its connection."""
    names = symbols_of(page.open("/gap_scan?side=up"))
    if len(names) < 2:
        pytest.skip("this scan has one candidate")
    page.tab.evaluate("window.untouched = true")
    page.tab.locator("[data-list=candidates] td.c-symbol a").first.focus()
    page.tab.keyboard.press("ArrowDown")
    page.tab.keyboard.press("Enter")
    page.tab.wait_for_url(f"**pick={names[1]}*")
    page.tab.get_by_role("link", name=f"Plan {names[1]}").wait_for()
    assert "side=up" in page.tab.url
    assert page.tab.evaluate("window.untouched")
    assert page.tab.locator("tr.picked").get_attribute("data-key") == names[1]


def test_a_head_sorts_its_list(page: Page) -> None:
    """Figures from the largest down, then up; the head says which."""
    symbols_of(page.open("/gap_scan"))
    head = page.tab.locator("[data-list=candidates] th.c-rvol")
    cells = page.tab.locator("[data-list=candidates] td.c-rvol")
    for order, reverse in (("descending", True), ("ascending", False)):
        head.click()
        assert head.get_attribute("aria-sort") == order
        shown = [float(text) for text in cells.all_inner_texts()]
        assert shown == sorted(shown, reverse=reverse)


def test_heads_stand_over_their_figures(page: Page) -> None:
    """Right-aligned like the numbers below them."""
    symbols_of(page.open("/gap_scan"))
    for name in ("th.c-rvol", "td.c-rvol"):
        cell = page.tab.locator(f"[data-list=candidates] {name}").first
        assert cell.evaluate("node => getComputedStyle(node).textAlign") == "right"


def test_candidates_are_walked_by_key(page: Page) -> None:
    """J goes to the next, K back to the one before."""
    names = symbols_of(page.open("/gap_scan"))
    if len(names) < 2:
        pytest.skip("this scan has one candidate")
    page.tab.keyboard.press("j")
    page.tab.wait_for_url(f"**pick={names[1]}*")
    page.settled()
    page.tab.keyboard.press("k")
    page.tab.wait_for_url(f"**pick={names[0]}*")


def test_a_deep_link_asks_for_nothing_that_is_not_there(page: Page) -> None:
    """The server is found at once: no answer is a 404."""
    missing: list[str] = []
    page.tab.on("response", lambda r: missing.append(r.url) if r.status >= 400 else None)
    page.open("/gap_scan?side=up")
    assert missing == []


@pytest.mark.parametrize("path", ["/", "/gap_scan", "/plans", "/brief", "/datasets"])
def test_a_phone_scrolls_down_alone(chromium, desk_url: str, path: str) -> None:
    """At 390 pixels nothing is wider than the screen; candidates are cards."""
    with new_page(chromium, desk_url) as page:
        page.tab.set_viewport_size({"width": 390, "height": 844})
        page.open(path)
        assert (
            page.tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
        )
        if path == "/gap_scan":
            page.tab.locator(".rows.cards td.line").first.wait_for(state="visible")


def test_a_plan_is_decided_on_one_screen(page: Page) -> None:
    """Chart, figures, verdict, head-room and the press stand in 1440 by 900 pixels."""
    name = symbols_of(page.open("/gap_scan"))[0]
    page.tab.set_viewport_size({"width": 1440, "height": 900})
    page.open(f"/plans?symbol={name}")
    page.tab.locator(".limits > div").last.wait_for()
    page.tab.locator(".js-plotly-plot").first.wait_for()
    for seen in (page.tab.locator(".js-plotly-plot").first, page.button("Propose")):
        box = seen.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900


def test_a_page_stays_legible_while_it_runs(page: Page) -> None:
    """What stands on it pales a little when it runs again; it used to fade to a third."""
    page.open("/gap_statistics")
    page.tab.get_by_test_id("stPlotlyChart").first.wait_for()
    page.tab.evaluate(PALEST)
    for words in ("Weekday", "Catalyst", "Direction"):  # a run may end between two looks
        page.tab.get_by_test_id("stButtonGroup").nth(1).get_by_text(words, exact=True).click()
        page.tab.wait_for_url(f"**by={words}*")
        page.settled()
    assert 0.75 < page.tab.evaluate("window.palest") <= 1


def test_a_symbol_of_a_table_leads_to_its_page(page: Page) -> None:
    """In this tab, by its connection; the rest of the row leads where the row does."""
    row = page.open("/companies").tab.locator(".rows.list tbody tr").nth(1)
    page.tab.evaluate("window.untouched = true")
    symbol = row.locator("a.other").inner_text()
    row.locator("td").nth(2).click()
    page.tab.wait_for_url(f"**company={symbol}*")
    page.settled().tab.locator(".rows.list tr.picked a.other").first.click()
    page.tab.wait_for_url(f"**/symbol?symbol={symbol}*")
    assert page.settled().tab.evaluate("window.untouched")
    assert len(page.tab.context.pages) == 1


def test_tables_are_cards_on_a_phone(chromium, desk_url: str) -> None:
    """Each figure with its heading; none is wider than the screen."""
    with new_page(chromium, desk_url) as page:
        page.tab.set_viewport_size({"width": 390, "height": 844})
        for path in ("/companies", "/data_quality", "/datasets", "/activity"):
            cell = page.open(path).tab.locator(".rows.labelled td:visible").nth(2)
            head = cell.evaluate("cell => getComputedStyle(cell, '::before').content")
            assert cell.get_attribute("data-head") in head
            width = "list => list.scrollWidth - list.clientWidth"
            assert page.tab.locator(".rows.labelled").first.evaluate(width) <= 0


def test_a_grid_has_lines_between_its_rows_only(page: Page) -> None:
    """As lists have; other canvases draw what they are told."""
    drawn = """([name, x, y]) => {
      const canvas = document.createElement("canvas");
      canvas.dataset.testid = name;
      const pen = canvas.getContext("2d");
      const nothing = canvas.toDataURL();
      pen.beginPath(); pen.moveTo(10.5, 10.5); pen.lineTo(x, y); pen.stroke();
      return canvas.toDataURL() !== nothing;
    }"""
    page.open("/risk")
    ways = (("data-grid-canvas", 10.5, 90), ("data-grid-canvas", 90, 10.5), ("other", 10.5, 90))
    assert [page.tab.evaluate(drawn, list(way)) for way in ways] == [False, True, True]


def test_a_grid_writes_a_real_minus(page: Page) -> None:
    """Before figures alone: what a canvas is told to write is what it wrote for a true minus."""
    page.open("/risk")
    drawn = """text => {
      const canvas = document.createElement("canvas");
      canvas.getContext("2d").fillText(text, 10, 20);
      return canvas.toDataURL();
    }"""
    of = {text: page.tab.evaluate(drawn, text) for text in ("-5.25", "−5.25", "-a", "−a")}
    assert of["-5.25"] == of["−5.25"]
    assert of["-a"] != of["−a"]


def test_charts_on_a_phone_have_whole_titles_and_room(page: Page) -> None:
    """The browser says that it is narrow before the server draws."""
    page.tab.set_viewport_size({"width": 390, "height": 844})
    page.open(f"/symbol?symbol={symbols_of(page.open('/gap_scan'))[0]}")
    chart = page.tab.locator(".js-plotly-plot").first
    chart.locator(".gtitle").wait_for()
    within = chart.bounding_box()
    title = chart.locator(".gtitle").bounding_box()
    candles = chart.locator(".nsewdrag").first.bounding_box()
    assert within is not None
    assert title is not None
    assert candles is not None
    assert title["x"] + title["width"] <= within["x"] + within["width"]
    assert candles["width"] > 0.6 * within["width"]


def test_what_has_the_focus_is_seen(page: Page) -> None:
    """Each stop of Tab on the way into the page has a ring: an outline, or a shadow around it."""
    page.open("/risk")
    ringed = """() => {
      const style = getComputedStyle(document.activeElement);
      const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
      return outlined || style.boxShadow !== "none" || document.activeElement.tagName === "MAIN";
    }"""
    for _ in range(14):
        page.tab.keyboard.press("Tab")
        page.tab.wait_for_timeout(100)
        assert page.tab.evaluate(ringed), page.tab.evaluate("document.activeElement.outerHTML")
