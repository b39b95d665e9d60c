"""Take the pictures of README and tour: `make pictures`, at any hour of any day.

It starts a demo of its own that plays a fixed morning, and waits until its pulls are done; or give
the address of one that runs and the symbol to show:
python docs/pictures.py http://127.0.0.1:8501 ZIME
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import try_desk  # noqa: E402

AT = "2026-11-24T10:05"  # New York: a morning on which names gap
FOLDER = Path(__file__).parent / "images"
SHOTS = (  # file, path, theme, height
    ("overview-light", "/?within=a+week", "light", 980),
    ("overview-dark", "/?within=a+week", "dark", 980),
    ("gap-scan-light", "/gap_scan", "light", 840),
    ("symbol-dark", "/symbol?symbol={symbol}", "dark", 1000),
    ("plan-light", "/plans?symbol={symbol}", "light", 980),
    ("datasets-dark", "/datasets?dataset=prices.daily", "dark", 980),
)


def take(browser: Browser, base: str, symbol: str, folder: Path = FOLDER) -> None:
    """All pictures, each in a fresh tab, with few colours so that the files stay small."""
    for name, path, theme, height in SHOTS:
        context = browser.new_context(
            viewport={"width": 1280, "height": height}, color_scheme=theme
        )
        tab = context.new_page()
        tab.goto(base + path.format(symbol=symbol))
        tab.wait_for_selector("[data-testid='stApp'] h1")
        tab.wait_for_selector("[data-test-script-state='notRunning']")
        tab.wait_for_timeout(6000)  # charts draw after the script has ended
        target = folder / f"{name}.png"
        tab.screenshot(path=target)
        context.close()
        Image.open(target).convert("RGB").quantize(128).save(target, optimize=True)


@contextmanager
def filled_demo() -> Iterator[tuple[str, str]]:
    """Address of a fresh demo whose pulls, scan and grades are done, and its best candidate."""
    with tempfile.TemporaryDirectory() as folder:
        own = dict(os.environ) | {"OPENBELL_DATA_DIR": folder}
        with try_desk.running(Path(sys.executable), ROOT, own, "--at", AT) as desk:
            while not _candidates(desk) or _busy(desk):
                desk.wait()
            yield desk.url, _candidates(desk)[0]


def _candidates(desk: try_desk.Desk) -> list[str]:
    query = (
        "SELECT symbol FROM candidates WHERE session = (SELECT max(session) FROM scans) "
        "ORDER BY score DESC NULLS LAST"
    )
    return [row["symbol"] for row in json.loads(desk.command("sql", query, "--json"))]


def _busy(desk: try_desk.Desk) -> bool:
    jobs = json.loads(desk.command("jobs", "list", "--json"))["jobs"]
    return any(job["state"] in ("queued", "running") for job in jobs)


def main() -> None:
    """Pictures of a demo of our own, or of the desk at the first argument."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as play:
        chromium = shutil.which("chromium")
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        if len(sys.argv) > 2:
            take(browser, sys.argv[1].rstrip("/"), sys.argv[2])
        else:
            with filled_demo() as (base, symbol):
                take(browser, base, symbol)
        browser.close()


if __name__ == "__main__":
    main()
