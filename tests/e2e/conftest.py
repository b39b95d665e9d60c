"""A real desk on stand-in upstreams, and Chromium to look at it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright import sync_api
else:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
ROOT = Path(__file__).resolve().parent.parent.parent
FILL_SECONDS = 240
TRACES = "traces.jsonl"


def pytest_collection_modifyitems(items):
    """Everything in this folder is a browser story."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@dataclass
class Page:
    """One tab with what it must not do: ask outside hosts, or write errors to the console."""

    tab: sync_api.Page
    base: str
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Page:
        """Go to an address of the desk and wait until the page is drawn."""
        self.tab.goto(self.base + path)
        return self.settled()

    def settled(self) -> Page:
        """Wait until the script has run and the title stands."""
        self.tab.wait_for_selector("[data-testid='stApp'] h1", timeout=30_000)
        self.tab.wait_for_selector("[data-test-script-state='notRunning']", timeout=60_000)
        return self

    @property
    def text(self) -> str:
        """All words on the page."""
        return self.tab.inner_text("[data-testid='stMain']")

    def button(self, name: str) -> sync_api.Locator:
        """A button by its words."""
        return self.tab.get_by_role("button", name=name, exact=True)

    def pick_row(self, name: str, address: str) -> None:
        """Press the row whose link bears that name, until the address tells of it."""
        row = self.tab.locator(".rows.list tbody tr").filter(
            has=self.tab.get_by_role("link", name=name, exact=True)
        )
        row.first.locator("td").nth(1).click()
        self.tab.wait_for_url(address)

    def download(self, name: str) -> Path:
        """Press a download button; the file."""
        with self.tab.expect_download() as download:
            self.button(name).click()
        return Path(download.value.path())


@pytest.fixture(scope="session")
def desk_folder(tmp_path_factory) -> Path:
    """The data folder of the demo desk."""
    return tmp_path_factory.mktemp("desk with a space")


@pytest.fixture(scope="session")
def desk_url(desk_folder) -> Iterator[str]:
    """Address of a demo desk that has pulled everything once; DESK_URL names one that runs."""
    if os.environ.get("DESK_URL"):
        yield os.environ["DESK_URL"].rstrip("/")
        return
    told = {"OPENBELL_TRACE_FILE": str(desk_folder / TRACES), "OPENBELL_LOG_FORMAT": "json"}
    with demo(desk_folder, settings=told) as address:
        yield address


@contextmanager
def demo(
    folder: Path, *arguments: str, fresh: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The address of a demo in a data folder once everything was pulled, or (`fresh`) is fresh."""
    env = {**os.environ, "OPENBELL_DATA_DIR": str(folder), **(settings or {})}
    with (folder / "demo.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "demo", "--port", str(_free_port()), *arguments],
            cwd=ROOT,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        address = _wait_for(lambda: _address(folder), process, folder)
        _wait_for(lambda: _filled(address, folder, fresh=fresh), process, folder)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(look, process: subprocess.Popen, folder: Path):
    deadline = time.monotonic() + FILL_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the demo ended: {(folder / 'demo.log').read_text()[-2000:]}")
        found = look()
        if found:
            return found
        time.sleep(0.5)
    return pytest.fail(f"the demo got nowhere: {(folder / 'demo.log').read_text()[-2000:]}")


def _address(folder: Path) -> str | None:
    """Where the desk listens, from its log; None until it answers."""
    found = re.search(r"listens on (http://[\d.]+:\d+)", (folder / "demo.log").read_text())
    if not found:
        return None
    try:
        with urllib.request.urlopen(f"{found[1]}/_stcore/health", timeout=2):
            return found[1]
    except OSError:
        return None


def _filled(address: str, folder: Path, *, fresh: bool) -> bool:
    """Whether every enabled dataset with an upstream has been pulled once, or is fresh.

    The desk itself is asked: a command would take a core from what is waited for at each look.
    """
    token = json.loads((folder / "desk.json").read_text())["token"]
    asked = urllib.request.Request(
        f"{address}/api/v1/datasets?limit=200", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            every = json.load(answer)["data"]
    except OSError:
        return False
    wanted = [d for d in every if d["enabled"] and d["source"] != "file"]
    if fresh and any(d["freshness"] != "fresh" for d in wanted):
        return False
    return bool(wanted) and all(d["last_state"] and not d["running_job"] for d in wanted)


@pytest.fixture(scope="session")
def chromium() -> Iterator[sync_api.Browser]:
    """One headless Chromium for all stories."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed")
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, desk_url, request) -> Iterator[Page]:
    """A fresh tab; at the end nothing may have been asked of other hosts, nothing complained."""
    with new_page(chromium, desk_url, **getattr(request, "param", {})) as opened:
        yield opened


@contextmanager
def new_page(chromium, base: str, **options) -> Iterator[Page]:
    """A tab of its own; at the end nothing may have been asked elsewhere, nothing complained."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, **options)
    opened = Page(context.new_page(), base)
    opened.tab.on("request", lambda r: _note_outside(opened, r.url))
    opened.tab.on("console", lambda m: _note_complaint(opened, m))
    opened.tab.on("pageerror", lambda error: opened.complaints.append(str(error)))
    yield opened
    context.close()
    assert opened.outside == []
    assert opened.complaints == []


def _note_outside(page: Page, url: str) -> None:
    own = (page.base, page.base.replace("http", "ws", 1), "data:", "blob:")
    if not url.startswith(own):
        page.outside.append(url)


def _note_complaint(page: Page, message: sync_api.ConsoleMessage) -> None:
    where = message.location.get("url", "")
    if message.type == "error":
        page.complaints.append(f"{message.text} [{where}]")
