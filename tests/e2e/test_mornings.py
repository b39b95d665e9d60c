"""A long week-end and its Monday, played in one data folder: a desk looked at in every hour.

Thanksgiving, the half day after it and its evening, Sunday, Monday at 9:05 (from New York and from
Tokyo, by keyboard, while the container dies) and after the open. The stories go
forward in time; each hour starts the demo anew, on what is there.
"""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from components.kit.formats import zone_label
from tests.e2e.conftest import ROOT, Page, demo, new_page

OUTCOME = re.compile(r"(Confirmed|Re-sized|Not taken): ")
DOWN = re.compile(r"(container|SEC) down since \d\d:\d\d, asked again \d\d:\d\d ET")
# its words or its name, and whether a ring is around it
FOCUSED = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  return [(at.innerText || at.id).trim(), outlined || style.boxShadow !== "none"];
}"""
REASON_BORDER = """() => getComputedStyle(
  document.querySelector('input[aria-label="Reason"]').closest("[data-testid=stTextInputRootElement]")
).borderColor"""


def candidates(page: Page) -> list[str]:
    """The symbols of the list, best first."""
    links = page.tab.locator("[data-list=candidates] td.c-symbol a")
    links.first.wait_for()
    return links.all_text_contents()


def reach(page: Page, words: str) -> None:
    """Press Tab until what bears those words has the focus, and is seen to have it."""
    for _ in range(300):  # a redraw may put it back
        page.tab.keyboard.press("Tab")
        name, seen = page.tab.evaluate(FOCUSED)
        if name == words:
            assert seen
            return
    pytest.fail(f"Tab does not lead to {words}")


def shown_in(page: Page, zone: str) -> None:
    """Tell the desk, on its preferences, in which zone times are shown."""
    page.open("/preferences")
    page.tab.get_by_role("combobox", name="Time zone").click()
    page.tab.get_by_role("option", name=zone, exact=True).click()
    page.button("Save").click()
    line = page.tab.locator('[data-testid="stMarkdown"]:has(a[href$="/alerts"])')
    expect(line).to_contain_text(f" {zone_label(zone)} ")


class Player:
    """The demo at an hour; another hour ends it and goes on in the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._at = ""
        self.base = ""

    def at(self, when: str) -> str:
        """The address of the desk at an hour of New York, everything pulled that was due by it."""
        if when != self._at:
            self.close()
            few = {"OPENBELL_RETRIES": "1"}  # a host that is gone is told of soon
            self.base = self._stack.enter_context(
                demo(self.folder, "--at", when, fresh=True, settings=few)
            )
            self._at = when
        return self.base

    def command(self, *words: str) -> str:
        """What a command beside the demo answers."""
        env = {**os.environ, "OPENBELL_DATA_DIR": str(self.folder)}
        done = subprocess.run(
            [sys.executable, "-m", "app", *words],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def end_upstreams(self) -> None:
        """Kill the container and the SEC below the demo, as if their machine were gone."""
        desk = json.loads((self.folder / "desk.json").read_text())["pid"]
        for child in Path(f"/proc/{desk}/task/{desk}/children").read_text().split():
            if b"sandbox" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)
        self._at = ""

    def scan(self) -> dict:
        """The scan without a date."""
        return json.loads(self.command("scan", "--json"))

    def behind(self) -> dict[str, int]:
        """Datasets that lack sessions, or are not fresh."""
        every = json.loads(self.command("status", "--json"))["datasets"]
        asked = [d for d in every if d["enabled"] and d["source"] != "file"]
        late = [d for d in asked if d["freshness"] != "fresh" or d["sessions_behind"]]
        return {d["name"]: d["sessions_behind"] for d in late}

    def close(self) -> None:
        """End the running demo."""
        self._stack.close()


@pytest.fixture(scope="module")
def player(tmp_path_factory) -> Iterator[Player]:
    found = Player(tmp_path_factory.mktemp("mornings"))
    yield found
    found.close()


@pytest.fixture
def look(chromium, player):
    """Open a page of the desk as it runs; Chromium's own zone may be another."""
    with ExitStack() as stack:

        def opened(path: str, **options) -> Page:
            page = stack.enter_context(new_page(chromium, player.base, **options))
            return page.open(path)

        yield opened


def stands(look, day: str) -> None:
    """The scan, its first name, the brief and new plans are of that session, calm and whole."""
    for path in ("/gap_scan", "/symbol", "/brief", "/plans"):
        text = look(path).text
        assert day in text, path
        for words in ("cannot be shown", "could not be drawn", "opens in -", "Traceback"):
            assert words not in text, path


def test_on_a_holiday_the_last_session_stands(player, look):
    """Thanksgiving: Wednesday's scan, nothing behind, nothing in red."""
    player.at("2026-11-26T10:00")
    scan = player.scan()
    assert (scan["date"], scan["provisional"]) == ("2026-11-25", False)
    assert player.behind() == {}
    text = look("/").text
    assert "need a look" not in text
    assert "needs a look" not in text
    assert "Wed 25 Nov" in text
    stands(look, "Wed 25 Nov")


def test_after_a_half_day_its_session_stands_on_its_opens(player, look):
    """Friday 14:00, an hour after the early close: its bars come in the evening."""
    player.at("2026-11-27T14:00")
    scan = player.scan()
    assert (scan["date"], scan["provisional"]) == ("2026-11-27", True)
    assert any(not row["provisional"] for row in scan["candidates"])
    assert player.behind() == {}
    page = look("/?within=since+the+close")
    assert "needs a look" not in page.text
    assert "Fri 27 Nov" in page.text


def test_on_friday_at_eight_the_session_stands_and_monday_is_next(player, look):
    """Its bars may come in the night; nothing is behind, and the line tells of Monday's open."""
    player.at("2026-11-27T20:00")
    assert player.scan()["date"] == "2026-11-27"
    assert player.behind() == {}
    page = look("/")
    assert "need a look" not in page.text
    assert "cannot be shown" not in page.text
    assert "opens Mon 30 Nov 09:30 ET" in page.text
    stands(look, "Fri 27 Nov")


def test_on_sunday_friday_stands(player, look):
    """Its bars are in; since Friday's close at 13:00 something may be new."""
    player.at("2026-11-29T20:00")
    scan = player.scan()
    assert (scan["date"], scan["provisional"]) == ("2026-11-27", False)
    assert player.behind() == {}
    page = look("/datasets?dataset=prices.daily")
    assert "Fri 27 Nov" in page.text
    stands(look, "Fri 27 Nov")


def test_monday_before_the_bell_a_plan_is_made(player, look):
    """From the candidate to its chart to a provisional plan that is approved and reserves risk."""
    player.at("2026-11-30T09:05")
    assert player.scan()["provisional"]
    page = look("/gap_scan")
    assert "Mon 30 Nov 2026" in page.text
    assert "prices.minute" in page.text
    page.tab.get_by_role("link", name=re.compile(r"^Open [A-Z.]+$")).click()
    page.tab.wait_for_url("**/symbol?**")
    page.tab.get_by_text("Last print").first.wait_for()
    page.settled()
    assert "provisional" in page.text
    symbol = re.search(r"symbol=([A-Z.]+)", page.tab.url)[1]
    page = look(f"/plans?symbol={symbol}")
    page.tab.get_by_text("from the last print").wait_for()
    page.tab.get_by_label("Reason").fill("gaps on news")
    page.tab.get_by_role("button", name=re.compile("^Approve .* provisional$")).click()
    page.tab.get_by_text("gaps on news").first.wait_for(state="attached", timeout=30_000)
    (plan,) = json.loads(player.command("plans", "--json"))["plans"]
    assert (plan["symbol"], plan["state"], plan["provisional"]) == (symbol, "approved", True)
    risk = json.loads(player.command("risk", "--json"))
    assert (risk["session"], risk["holdings"][0]["symbol"]) == ("2026-11-30", symbol)


def test_a_plan_is_approved_by_keyboard_alone(player, look):
    """Search, candidates, reason, approval, its plan: no pointer, and each stop is seen."""
    player.at("2026-11-30T09:05")
    page = look("/gap_scan")
    keys, names = page.tab.keyboard, candidates(page)
    keys.press("/")
    assert page.tab.evaluate(FOCUSED) == ["desk-search", True]
    keys.press("Escape")
    for key, name in (("j", names[1]), ("k", names[0]), ("j", names[1])):
        keys.press(key)
        page.tab.wait_for_url(f"**pick={name}*")
        page.tab.get_by_role("link", name=f"Plan {name}").wait_for()
        page.settled()
    bare = page.tab.evaluate(REASON_BORDER)
    keys.press("a")
    page.tab.wait_for_function(f"before => ({REASON_BORDER})() !== before", arg=bare)
    keys.type("by key, by ear")
    keys.press("Tab")
    name, seen = page.tab.evaluate(FOCUSED)
    assert name.startswith("Approve ")
    assert seen
    keys.press("Enter")
    page.tab.get_by_text("by key, by ear").first.wait_for(timeout=30_000)
    reach(page.settled(), "the plan")
    keys.press("Enter")
    page.tab.wait_for_url("**/plans?**")
    decided = json.loads(player.command("plans", "--json"))["plans"]
    (plan,) = [plan for plan in decided if plan["symbol"] == names[1]]
    assert (plan["state"], plan["provisional"]) == ("approved", True)
    assert plan["reason"] == "by key, by ear"


def test_a_night_in_tokyo_is_the_same_morning(player, look):
    """23:05 there: the session is New York's Monday, whatever the browser's clock says; by the
    reader's own clock times name Tokyo, and what is new is since New York's close.
    """
    player.at("2026-11-30T09:05")
    tokyo = {"timezone_id": "Asia/Tokyo", "locale": "ja-JP"}
    page = look("/gap_scan", **tokyo)
    assert "Mon 30 Nov 2026" in page.text
    assert "provisional" in page.text
    assert re.search(r"prints, 09:\d\d ET", page.text)
    shown_in(page, "Asia/Tokyo")
    try:
        scan = look("/gap_scan", **tokyo)
        assert "Mon 30 Nov 2026" in scan.text
        assert re.search(r"23:\d\d Tokyo · opens in \d+ min", scan.text)
        assert re.search(r"prints, 23:\d\d Tokyo", scan.text)
        first = scan.tab.locator(".js-plotly-plot .x2tick text").first
        assert first.text_content() == "18:00"  # 4:00 in New York
        accepted = look("/", **tokyo).tab.locator(".rows.list td.c-accepted_at")
        accepted.first.wait_for()
        times = accepted.all_inner_texts()
        assert all(time.endswith(" Tokyo") for time in times)
        assert any(time.startswith("Sat 28 Nov 06:53") for time in times)  # Friday, 16:53
        since = [datetime.strptime(f"2026 {t} +0900", "%Y %a %d %b %H:%M Tokyo %z") for t in times]
        assert min(since) >= datetime(2026, 11, 27, 18, tzinfo=UTC)  # Friday's early close
    finally:
        shown_in(page, "America/New_York")


def test_a_container_that_dies_is_told_calmly_and_nothing_is_lost(player, look):
    """The candidates and the decision stand on one screen; the header has one badge of all that is
    down, and *Details* since when and when it is asked again.
    """
    player.at("2026-11-30T09:05")
    before = candidates(look("/gap_scan"))
    page = look(f"/gap_scan?pick={before[-1]}")  # on which nothing is decided
    player.end_upstreams()
    page.tab.get_by_text("container down · SEC down").wait_for(timeout=180_000)
    assert candidates(page.settled()) == before
    page.tab.set_viewport_size({"width": 1440, "height": 900})
    decide = page.tab.get_by_role("button", name=re.compile("^Approve "))
    box = decide.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 900
    page.button("Details").click()
    page.tab.get_by_text(DOWN).first.wait_for(timeout=30_000)
    assert "cannot be shown" not in page.text
    page = look("/datasets?dataset=prices.minute")
    page.tab.get_by_text(DOWN).first.wait_for(timeout=30_000)
    assert page.button("Details").first.is_visible()
    for words in ("ssl:default", "Connect call", "Traceback"):
        assert words not in page.text


def test_at_the_open_the_plan_is_confirmed_or_not(player, look, tmp_path):
    """The page says which and why, and the journal has what follows from it."""
    player.at("2026-11-30T09:33")
    page = look("/plans?view=Decided")
    seen = page.tab.get_by_text(OUTCOME).filter(visible=True)  # not a cell behind the grid's canvas
    seen.first.wait_for(timeout=60_000)
    plans = json.loads(player.command("plans", "--json"))["plans"]
    assert plans
    for plan in plans:
        assert plan["at_open"] in ("confirmed", "resized", "not_taken")
        page.open(f"/plans?view=Decided&plan={plan['plan_id']}")
        page.tab.get_by_text(plan["at_open_because"]).filter(visible=True).first.wait_for()
    player.command("export", "journal", "--out", str(tmp_path / "journal.csv"))
    with (tmp_path / "journal.csv").open() as file:
        rows = list(csv.DictReader(file))
    kinds = {row["kind"] for row in rows}
    assert ("entry_fill" in kinds) == any(plan["at_open"] != "not_taken" for plan in plans)
    told = [row["memo"] for row in rows if row["kind"] == "release"]
    assert all(any(plan["at_open_because"] in memo for memo in told) for plan in plans)
    assert json.loads(player.command("journal", "prove", "--json"))["differences"] == []
