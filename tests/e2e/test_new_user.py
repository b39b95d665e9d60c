"""Somebody who has never seen the desk opens it at 9:05 and decides on a name.

Each step is found by words that stand on the screen, and nothing else is known of the pages. It
prints how many seconds went by at each.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Page, demo, new_page

NAME = re.compile(r"^([A-Z.]+) in detail$")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("new user")


@pytest.fixture
def page(chromium, folder) -> Iterator[Page]:
    """The landing page of a desk at 9:05 that was filled before."""
    with (
        demo(folder, "--at", "2026-11-30T09:05", fresh=True) as base,
        new_page(chromium, base) as opened,
    ):
        opened.tab.set_viewport_size({"width": 1440, "height": 900})
        yield opened


class Watch:
    """Notes when each step was done."""

    def __init__(self) -> None:
        self.began, self.steps = time.monotonic(), []

    def note(self, step: str) -> None:
        self.steps.append(f"{time.monotonic() - self.began:5.1f} s  {step}")


def test_a_new_user_decides_on_a_name(page: Page, capsys) -> None:
    """From the landing page to the name, from the name to its plan, from the plan to the decision:
    each page says where the next one is, in the first screen.
    """
    watch, tab = Watch(), page.tab
    page.open("/")
    tab.get_by_text("Top candidates").wait_for()
    watch.note("the page is open")
    first = tab.get_by_role("link", name=NAME)
    name = NAME.match(first.inner_text())[1]
    press(tab, first)
    watch.note(f"{name} is the best candidate")
    tab.get_by_text("Last print").first.wait_for()
    page.settled()
    assert "provisional" in page.text
    watch.note(f"the page of {name}")
    press(tab, tab.get_by_role("link", name=f"Plan {name}", exact=True))
    tab.get_by_text("from the last print").wait_for()
    tab.get_by_text("Verdict: approve").wait_for()
    page.settled()
    watch.note("its plan, with the verdict")
    tab.get_by_placeholder("why, in a few words").fill("new here")
    press(tab, tab.get_by_role("button", name=re.compile("^Approve .* shares, provisional$")))
    tab.get_by_text("Approved by").first.wait_for(timeout=60_000)
    tab.get_by_text("new here").filter(visible=True).first.wait_for()
    watch.note("approved")
    page.settled().open("/risk")
    tab.get_by_role("link", name=name).first.wait_for()
    watch.note("its risk is reserved in the book")
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *watch.steps, ""]))


def press(tab, what) -> None:
    """Press what is seen without scrolling."""
    what.wait_for()
    box = what.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= tab.viewport_size["height"]
    what.click()
