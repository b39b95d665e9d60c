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
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Page, demo, new_page

OUTCOME = re.compile(r"(Confirmed|Re-sized|Not taken): ")


DOWN = re.compile(r"(container|SEC) down since \d\d:\d\d, asked again \d\d:\d\d ET")


def candidates(page: Page) -> list[str]:
    """The symbols of the list, best first."""
    links = page.tab.locator("[data-list=candidates] td.c-symbol a")
    links.first.wait_for()
    return links.all_text_contents()


def reach(page: Page, words: str) -> None:
    """Press Tab until what bears those words has the focus; a redraw may put it back."""
    for _ in range(300):
        page.tab.keyboard.press("Tab")
        if page.tab.evaluate("document.activeElement.innerText").strip() == words:
            return
    pytest.fail(f"Tab does not lead to {words}")


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
            self.base = self._stack.enter_context(demo(self.folder, "--at", when, fresh=True))
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


def test_on_sunday_friday_stands(player, look):
    """Its bars are in; since Friday's close at 13:00 something may be new."""
    player.at("2026-11-29T20:00")
    scan = player.scan()
    assert (scan["date"], scan["provisional"]) == ("2026-11-27", False)
    assert player.behind() == {}
    page = look("/datasets?dataset=prices.daily")
    assert "Fri 27 Nov" in page.text


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


def test_a_plan_is_made_by_keyboard_alone(player, look):
    """From the list to the name, to its plan, to a proposal: no pointer."""
    player.at("2026-11-30T09:05")
    page = look("/gap_scan")
    names = candidates(page)
    reach(page, names[0])
    page.tab.keyboard.press("ArrowDown")
    page.tab.keyboard.press("Enter")
    page.tab.wait_for_url(f"**pick={names[1]}*")
    page.settled()
    reach(page, f"Plan {names[1]}")
    page.tab.keyboard.press("Enter")
    page.tab.wait_for_url("**/plans?**")
    page.tab.get_by_role("button", name="Propose").wait_for()
    page.settled()
    reach(page, "Propose")
    page.tab.keyboard.press("Enter")
    page.tab.get_by_text("waits for a decision").wait_for(timeout=30_000)


def test_a_night_in_tokyo_is_the_same_morning(player, look):
    """23:05 there: the session is New York's Monday, whatever the browser's clock says."""
    player.at("2026-11-30T09:05")
    page = look("/gap_scan", timezone_id="Asia/Tokyo", locale="ja-JP")
    assert "Mon 30 Nov 2026" in page.text
    assert "provisional" in page.text
    assert "ET" in page.text


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
    (plan,) = json.loads(player.command("plans", "--json"))["plans"]
    assert plan["at_open"] in ("confirmed", "resized", "not_taken")
    assert plan["at_open_because"] in page.text
    player.command("export", "journal", "--out", str(tmp_path / "journal.csv"))
    with (tmp_path / "journal.csv").open() as file:
        rows = list(csv.DictReader(file))
    kinds = {row["kind"] for row in rows}
    assert ("entry_fill" in kinds) == (plan["at_open"] != "not_taken")
    assert any(plan["at_open_because"] in row["memo"] for row in rows if row["kind"] == "release")
    assert json.loads(player.command("journal", "prove", "--json"))["differences"] == []
