"""Take the README's pictures of a simulated demo: python docs/pictures.py http://127.0.0.1:8501"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parent / "images"
SHOTS = (  # file, path, theme, height
    ("overview-light", "/?within=a+week", "light", 980),
    ("overview-dark", "/?within=a+week", "dark", 980),
    ("gap-scan-light", "/gap_scan", "light", 840),
    ("symbol-dark", "/symbol?symbol={symbol}", "dark", 1000),
    ("plan-light", "/plans?symbol={symbol}", "light", 980),
    ("datasets-dark", "/datasets?dataset=prices.daily", "dark", 980),
)


def take(browser: Browser, base: str, symbol: str) -> None:
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
        target = FOLDER / f"{name}.png"
        tab.screenshot(path=target)
        context.close()
        Image.open(target).convert("RGB").quantize(128).save(target, optimize=True)


def main() -> None:
    """Pictures of the desk at the first argument; the second names the symbol (default ZIME)."""
    base = sys.argv[1].rstrip("/")
    symbol = sys.argv[2] if len(sys.argv) > 2 else "ZIME"
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as play:
        chromium = shutil.which("chromium")
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        take(browser, base, symbol)
        browser.close()


if __name__ == "__main__":
    main()
