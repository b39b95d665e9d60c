"""The stories that matter, in a real browser, on simulated upstreams."""

from __future__ import annotations

import re

import polars as pl
import pytest

from app import navigation

PAGES = [e.name for entries in navigation.present().values() for e in entries]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_without_an_error(page, name):
    """Each page is drawn by its address, with its title and without an error box."""
    page.open("/" if name == "overview" else f"/{name}")
    assert "cannot be shown" not in page.text
    assert "could not be drawn" not in page.text


@pytest.mark.skipif("gap_scan" not in PAGES, reason="the desk has no scan")
def test_from_the_morning_to_a_candidate_to_its_plan(page):
    """The overview leads to a candidate, its score and catalyst, and to a plan with a verdict."""
    page.open("/")
    assert "Top candidates" in page.text
    page.tab.get_by_role("link", name="All candidates").click()
    page.tab.wait_for_url("**/gap_scan")
    page.tab.get_by_role("heading", name="Gap scan").wait_for()
    page.settled()
    page.tab.go_back()
    page.tab.get_by_role("link", name=re.compile("^Plan [A-Z]+$")).click()
    page.tab.wait_for_url("**/plans?symbol=**")
    page.tab.get_by_role("heading", name="Plans").wait_for()
    page.tab.get_by_text(re.compile("approve|shrink|reject", re.IGNORECASE)).first.wait_for()


def test_the_search_of_the_header_leads_to_a_symbol(page):
    """The overview's own name opens it too; what is typed in the header is found."""
    page.open("/overview")
    assert page.tab.url == page.base + "/"
    box = page.tab.get_by_role("searchbox", name="Search the desk")
    box.fill("ZIME")
    box.press("Enter")
    page.tab.get_by_role("link", name="ZIME", exact=True).click()
    page.tab.wait_for_url("**/symbol?symbol=ZIME")
    page.tab.get_by_role("heading", name="Symbol", exact=True).wait_for()


def test_a_view_is_saved_and_opened_again(page):
    """A view is kept under a name from the header of its page, and opens from the preferences."""
    page.open("/datasets?dataset=universe&view=Schema")
    page.tab.get_by_role("button", name="Save this view").click()
    page.tab.get_by_label("Name of the view").fill("columns of the universe")
    page.button("Save").click()
    page.tab.get_by_role("link", name="columns of the universe").wait_for()
    page.open("/preferences")
    page.tab.get_by_role("link", name="open on datasets").click()
    page.tab.wait_for_url("**/datasets?**dataset=universe**")
    page.tab.get_by_role("button", name="Refresh universe now").wait_for(timeout=15_000)
    page.open("/preferences")
    page.tab.locator("[class*='st-key-remove_datasets'] button").click()  # others may be kept, too
    page.tab.get_by_role("link", name="open on datasets").wait_for(state="detached")


def test_refresh_now_shows_progress_and_ends(page):
    """Refresh now runs in the background, tells what it does, and says how it ended."""
    page.open("/datasets?dataset=universe")
    page.button("Refresh universe now").click()
    page.tab.get_by_text("Last refresh:").wait_for(timeout=60_000)
    assert "1 unchanged" in page.text or "1 done" in page.text


def test_a_picked_row_opens_its_detail(page):
    """Picking a dataset in the table shows it below and in the address."""
    page.open("/datasets")
    page.pick_row("universe", "**dataset=universe**")
    page.tab.get_by_role("button", name="Refresh universe now").wait_for(timeout=15_000)


def test_csv_is_downloaded_and_reads_back(page):
    """The CSV of a dataset has its columns and rows, and says that it is simulated."""
    page.open("/datasets?dataset=universe&view=Rows")
    with page.tab.expect_download() as download:
        page.button("CSV").click()
    assert download.value.suggested_filename == "simulated-universe.csv"
    frame = pl.read_csv(download.value.path())
    assert {"symbol", "name", "sector"} <= set(frame.columns)
    assert frame.height >= 500


def test_files_come_from_the_export_box(page):
    """The box *Export* opens with a click and holds the files of the page."""
    page.open("/rules")
    page.button("Export").click()
    where = page.button("CSV").bounding_box(timeout=15_000)
    if where["y"] < 0 or where["y"] > page.tab.viewport_size["height"] - where["height"]:
        page.button("Export").click()  # the page grew while the box opened: it stands elsewhere
        page.button("CSV").wait_for(state="hidden")
        page.button("Export").click()
    with page.tab.expect_download() as download:
        page.button("CSV").click()
    assert download.value.suggested_filename == "simulated-rules.csv"
    assert pl.read_csv(download.value.path())["rule"][0] == "Q01"


def test_an_address_reproduces_the_view(page):
    """A reload of a deep link shows the same dataset and view."""
    page.open("/datasets?dataset=prices.daily&view=Schema")
    page.tab.reload()
    page.settled()
    assert page.tab.get_by_role("radio", name="Schema").get_attribute("aria-checked") == "true"
    assert "Refresh prices.daily now" in page.text


def test_back_returns_to_the_page_before(page):
    """The browser's back button works between pages."""
    page.open("/")
    page.tab.get_by_role("link", name="All datasets", exact=True).click()
    page.tab.wait_for_url("**/datasets")
    page.settled()
    page.tab.go_back()
    page.tab.get_by_role("heading", name="Overview").wait_for(timeout=15_000)


@pytest.mark.skipif("gap_scan" not in PAGES, reason="the desk has no scan")
@pytest.mark.parametrize("link", ["Open", "Plan"])
def test_back_returns_to_the_name_that_was_picked(page, link):
    """One step back from a name's page is the scan with that name, not with the first one."""
    page.open("/gap_scan")
    second = page.tab.locator(".rows.list tbody tr").nth(1).get_by_role("link").first
    symbol = second.inner_text()
    second.click()
    page.tab.wait_for_url(f"**/gap_scan?pick={symbol}")
    page.tab.get_by_role("link", name=f"{link} {symbol}", exact=True).click()
    page.tab.wait_for_url(f"**/{'symbol' if link == 'Open' else 'plans'}?symbol={symbol}")
    page.settled()
    page.tab.go_back()
    page.tab.get_by_role("link", name=f"Plan {symbol}", exact=True).wait_for()
    assert page.tab.url == f"{page.base}/gap_scan?pick={symbol}"


@pytest.mark.parametrize("page", [{"color_scheme": "dark"}], indirect=True)
def test_dark_mode_follows_the_system(page):
    """With a dark system the desk is dark, charts included."""
    page.open("/datasets?dataset=prices.daily")
    colour = page.tab.evaluate(
        "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    )
    assert colour == "rgb(15, 21, 32)"


def test_an_unknown_company_is_told_in_place(page):
    """A wrong address gets a sentence with a hint; the page stays usable."""
    page.open("/companies?company=NOSUCH")
    page.tab.get_by_text("there is no company with the ticker").wait_for(timeout=15_000)
    page.tab.get_by_text("Follow companies").first.wait_for(timeout=15_000)


def test_the_desk_is_usable_by_keyboard(page):
    """Tab reaches the navigation and the controls, and Enter follows a link."""
    page.open("/")
    for _ in range(200):  # a redraw by news of background jobs puts the focus back to the start
        page.tab.keyboard.press("Tab")
        if page.tab.evaluate("document.activeElement.innerText") == "All datasets":
            page.tab.keyboard.press("Enter")
            page.tab.wait_for_timeout(1_000)
        if page.tab.url.endswith("/datasets"):
            break
    page.tab.wait_for_url("**/datasets", timeout=15_000)
    page.settled()
