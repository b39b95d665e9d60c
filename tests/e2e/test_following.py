"""An open page follows by itself: prints come, and nothing of the reader's is lost.

It prints how long the page took from the end of the pull that brought them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.conftest import Page, demo, new_page

WORDS = "half a sentence, not yet sent"
FOLLOWED_MS = 150_000  # two pulls at most
LAST_PRINT = re.compile(r"last print (\d\d:\d\d)")
LINE = '[data-testid="stMarkdown"]:has(a[href$="/alerts"])'  # the status line has the bell in it
DRAWN = """
() => JSON.stringify(
  document.querySelector(".js-plotly-plot")._fullData.map(t => [...(t.close ?? []), ...(t.y ?? [])])
)
"""
RANGE = "() => [...document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range]"
# notes when the words of the status line were last changed, by the machine's clock
WATCH = """
line => {
  const said = () => document.querySelector(line)?.innerText ?? "";
  const print = () => (said().match(/last print (\\d\\d:\\d\\d)/) || [])[1];
  let seen = print();
  new MutationObserver(() => {
    if (print() !== seen) { seen = print(); window.changedAt = Date.now(); }
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
}
"""


@pytest.fixture(scope="module")
def morning(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """A desk at 8:55 whose clock runs, and its log."""
    folder = tmp_path_factory.mktemp("following")
    with demo(folder, "--at", "2026-11-30T08:55", fresh=True) as base:
        yield base, folder / "demo.log"


@pytest.fixture
def tab(chromium, morning) -> Iterator[Page]:
    with new_page(chromium, morning[0]) as opened:
        yield opened


def last_print(page: Page) -> str:
    found = LAST_PRINT.search(page.tab.inner_text(LINE))
    assert found is not None
    return found[1]


def until_followed(page: Page) -> None:
    """Wait until the status line tells of a later print, and the page stands again."""
    before = last_print(page)
    page.tab.wait_for_function(
        "([line, before]) => !document.querySelector(line).innerText.includes(before)",
        arg=[LINE, f"last print {before}"],
        timeout=FOLLOWED_MS,
    )
    page.settled()


def until_later(page: Page, other: Page) -> None:
    """Wait until the page tells of a print as late as the other tab does."""
    page.tab.wait_for_function(
        "([line, words]) => document.querySelector(line).innerText.includes(words)",
        arg=[LINE, f"last print {last_print(other)}"],
        timeout=FOLLOWED_MS,
    )
    page.settled()


def pulled_at(log: Path) -> float:
    """When the last pull of minute bars that brought rows had ended, in seconds."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    ends = [
        line["time"]
        for line in lines
        if line.get("event") == "pull ended"
        and (line.get("dataset"), line.get("state")) == ("prices.minute", "done")
    ]
    return datetime.fromisoformat(ends[-1]).timestamp()


def test_prints_arrive_and_nothing_of_the_readers_is_lost(tab, chromium, morning, capsys):
    """Three tabs wait for the next print: typed words that were not sent, a picked name, a zoom."""
    with new_page(chromium, morning[0]) as picked, new_page(chromium, morning[0]) as zoomed:
        name = pick(picked)
        ranges, drawn = zoom(zoomed), zoomed.tab.evaluate(DRAWN)
        symbol = plan_of_the_first(zoomed)
        reason = tab.open(f"/plans?symbol={symbol}").tab.get_by_label("Reason")
        reason.press_sequentially(WORDS)
        tab.tab.evaluate(WATCH, LINE)
        until_followed(tab)
        tab.tab.wait_for_function("() => window.changedAt !== undefined")
        took = tab.tab.evaluate("window.changedAt") / 1000 - pulled_at(morning[1])
        with capsys.disabled():
            print(f" pull ended -> page: {took:.1f} s ", end="")  # noqa: T201 - a measure
        assert reason.input_value() == WORDS

        anew = f"before => document.querySelector('.js-plotly-plot') && ({DRAWN})() !== before"
        zoomed.tab.wait_for_function(anew, arg=drawn, timeout=FOLLOWED_MS)
        assert zoomed.settled().tab.evaluate(RANGE) == ranges

        until_later(picked, tab)
        assert picked.tab.get_by_role("link", name=f"Plan {name}").is_visible()
        assert f"pick={name}" in picked.tab.url


def plan_of_the_first(scan: Page) -> str:
    """The name whose plan stands beside the list."""
    link = scan.tab.get_by_role("link", name=re.compile("^Plan [A-Z.]+$"))
    return re.search("Plan ([A-Z.]+)", link.inner_text())[1]


def pick(page: Page) -> str:
    """Press the second name of the scan."""
    page.open("/gap_scan")
    page.tab.locator("[data-list=candidates] td.c-symbol a").nth(1).click()
    page.tab.wait_for_url("**pick=**")
    return re.search("pick=([A-Z.]+)", page.settled().tab.url)[1]


def zoom(page: Page) -> list[object]:
    """Drag over a part of the scan's chart; the range that it then shows."""
    page.open("/gap_scan")
    panel = page.tab.locator(".js-plotly-plot .nsewdrag").first
    box = panel.bounding_box()
    assert box is not None
    across, down = (box["x"], box["width"]), (box["y"], box["height"])
    page.tab.mouse.move(across[0] + 0.4 * across[1], down[0] + 0.2 * down[1])
    page.tab.mouse.down()
    page.tab.mouse.move(across[0] + 0.7 * across[1], down[0] + 0.8 * down[1], steps=5)
    page.tab.mouse.up()
    page.tab.wait_for_url("**zoom=**")
    return page.tab.evaluate(RANGE)


def test_a_plan_approved_in_one_tab_is_seen_in_the_other(tab, chromium, morning):
    """Beside the scan with a reason; the other tab is not touched."""
    with new_page(chromium, morning[0]) as other:
        other.open("/plans?view=Decided")
        scan = tab.open("/gap_scan")
        symbol = scan.tab.locator("[data-list=candidates] td.c-symbol a").nth(2).inner_text()
        scan.open(f"/gap_scan?pick={symbol}")
        scan.tab.get_by_placeholder("why, in a few words").fill("both tabs")
        scan.tab.get_by_role("button", name=re.compile("^Approve .* provisional$")).click()
        scan.tab.get_by_text("both tabs").first.wait_for()
        assert scan.tab.get_by_role("button", name=re.compile("^Approve")).count() == 0
        # a cell of a grid stands behind what is drawn
        decided = other.tab.get_by_text(re.compile(f"{symbol}-20261130")).first
        decided.wait_for(state="attached", timeout=FOLLOWED_MS)
        scan.tab.get_by_role("link", name="the plan").first.click()
        scan.tab.wait_for_url("**/plans?**")  # in this tab
