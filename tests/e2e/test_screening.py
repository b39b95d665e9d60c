"""Screens, columns and comparisons by hand: what is chosen stands in the address, and stays."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.conftest import Page

LISTED = "[data-list=candidates]"
BAR = re.compile(r"O [\d,.]+\s+H [\d,.]+\s+L [\d,.]+\s+C [\d,.]+\s+[+−]?\d+\.\d\d %")
SET = "my morning"


def candidates(page: Page) -> list[str]:
    """The symbols of the list, best first."""
    links = page.tab.locator(f"{LISTED} td.c-symbol a")
    links.first.wait_for()
    return links.all_inner_texts()


def heads(page: Page) -> list[str]:
    """The heads of the list that are seen."""
    return page.tab.locator(f"{LISTED} th:visible").all_inner_texts()


def reloaded(page: Page) -> Page:
    """The same address, asked for anew."""
    page.tab.reload()
    return page.settled()


def test_a_sector_is_a_chip_that_stays_and_goes(page: Page) -> None:
    """Chosen in the box it stands in the address and over the list, after a reload too."""
    every = candidates(page.open("/gap_scan?columns=sector"))
    page.tab.get_by_text("Filters and weights of the score").click()
    page.tab.get_by_label("Sector", exact=True).click()
    choice = page.tab.get_by_role("option").filter(has_not_text="Select all").first
    choice.wait_for()
    sector = choice.inner_text()
    choice.click()
    page.tab.wait_for_url("**sector=**")
    chip = page.tab.locator(".over a").filter(has_text=f"sector {sector}")
    chip.wait_for()
    some = candidates(page.settled())
    assert set(page.tab.locator(f"{LISTED} td.c-sector").all_inner_texts()) == {sector}
    assert candidates(reloaded(page)) == some
    chip.click()
    page.tab.wait_for_url(lambda address: "sector=" not in address)
    expect(page.tab.locator(f"{LISTED} td.c-symbol a")).to_have_count(len(every))
    assert chip.count() == 0


def test_columns_are_kept_under_a_name_and_in_the_address(page: Page) -> None:
    """A set of the desk's, kept as the reader's own, shown again by its name; a link shows it."""
    candidates(page.open("/gap_scan"))
    fitting = heads(page)
    page.button("Columns").click()
    page.button("Numbers").click()
    page.tab.wait_for_url("**columns=**")
    expect(page.tab.locator(f"{LISTED} th.c-sector")).to_be_visible()
    numbers, address = heads(page.settled()), page.tab.url
    page.tab.get_by_label("Keep these columns as").fill(SET)
    page.button("Keep").click()
    page.button(SET).wait_for()
    page.button("As they fit").click()
    page.tab.wait_for_url(lambda address: "columns=" not in address)
    expect(page.tab.locator(f"{LISTED} th.c-sector")).to_have_count(0)
    assert heads(page.settled()) == fitting
    page.button(SET).click()
    page.tab.wait_for_url("**columns=**")
    expect(page.tab.locator(f"{LISTED} th.c-sector")).to_be_visible()
    reloaded(page).tab.locator(f"{LISTED} th.c-sector").wait_for()
    assert heads(page) == numbers
    page.open(address.removeprefix(page.base))
    page.tab.locator(f"{LISTED} th.c-sector").wait_for()
    assert heads(page) == numbers


def test_companies_are_compared_from_a_common_start(page: Page) -> None:
    """Indexed both begin at 100; concepts are told in words; the link shows it again."""
    page.open("/compare")
    page.tab.get_by_test_id("stPlotlyChart").first.wait_for()
    concept = page.tab.get_by_label("Concept over time")
    assert re.search(r"[a-z] [a-zA-Z]", concept.input_value() or concept.inner_text())
    page.tab.get_by_test_id("stButtonGroup").get_by_text("indexed", exact=True).click()
    page.tab.wait_for_url("**scale=indexed**")
    every = page.tab.locator(".js-plotly-plot .gtitle")
    title = every.filter(has_text=re.compile("since .* = 100"))
    title.wait_for(timeout=15_000)
    expect(every).to_have_count(1, timeout=15_000)  # the chart before it goes when the run is over
    drawn = (
        "document.querySelector('.js-plotly-plot')._fullData.map(line => [line.name, line.y[0]])"
    )
    lines = page.tab.evaluate(drawn)
    assert [start for _, start in lines] == [100, 100]
    said = title.text_content() or ""
    assert all(name in said for name, _ in lines)
    expect(reloaded(page).tab.locator(".js-plotly-plot .gtitle")).to_have_text(said)


def test_hovering_a_candle_tells_its_prices_and_change(page: Page) -> None:
    """Open, high, low, close and the change, with its sign, beside the pointer."""
    page.open(f"/symbol?symbol={candidates(page.open('/gap_scan'))[0]}")
    panel = page.tab.locator(".js-plotly-plot .nsewdrag").first
    panel.wait_for()
    box = panel.bounding_box()
    assert box is not None
    page.tab.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"], steps=4)
    told = page.tab.locator(".js-plotly-plot .hoverlayer").first
    expect(told).to_contain_text(BAR)
