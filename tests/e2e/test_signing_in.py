"""Signing in at a provider in Chromium: from a deep link to its view, act, lose the role, leave,
and be signed out by an admin.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.conftest import ROOT, Page, _address, _free_port, _wait_for

with warnings.catch_warnings():  # the stand-in's own use of what its library retires
    warnings.simplefilter("ignore")
    import oidc_provider_mock

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib")
ADA = oidc_provider_mock.User(sub="ada", claims={"name": "Ada", "groups": ["desk-traders"]})
VIEW = "/journal?view=Entries"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider on loopback that knows one person."""
    with oidc_provider_mock.run_server_in_thread(user_claims=[ADA]) as server:
        yield f"http://localhost:{server.server_port}"


@contextmanager
def served(folder: Path, env: dict[str, str]) -> Iterator[str]:
    """The address of a desk without schedules."""
    with (folder / "demo.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", str(_free_port())],
            cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield _wait_for(lambda: _address(folder), process, folder)
    finally:
        process.terminate()
        process.wait(30)


def test_sign_in_act_lose_the_role_and_leave(chromium, issuer: str, tmp_path: Path) -> None:
    """All in one browser; what the role no longer lets do is disabled at once."""
    env = {
        **os.environ, "OPENBELL_DATA_DIR": str(tmp_path), "OPENBELL_SCHEDULER": "false",
        "OPENBELL_ACCESS": "oidc", "OPENBELL_OIDC_ISSUER": issuer,
        "OPENBELL_OIDC_CLIENT_ID": "desk", "OPENBELL_OIDC_CLIENT_SECRET": "s",
        "OPENBELL_OIDC_ROLES": "desk-traders=trader",
    }  # fmt: skip
    with served(tmp_path, env) as base:
        command(env, "journal", "deposit", "100.00", "--json")
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        page = Page(context.new_page(), base)
        sign_in(page, issuer)
        page.tab.get_by_text("Ada · trader").first.wait_for()
        act(page)
        kinds = [entry["kind"] for entry in command(env, "journal", "--json")["entries"]]
        assert kinds == ["opening", "deposit", "reversal"], page.tab.inner_text("body")
        person = command(env, "people", "list", "--json")["people"][0]
        assert (person["name"], person["role"], person["sessions"]) == ("Ada", "trader", 1)
        command(env, "people", "set", "Ada", "--role", "viewer", "--json")
        page.tab.get_by_text("Ada · viewer").first.wait_for(timeout=30_000)
        page.tab.goto(base + VIEW)
        page.settled()
        open_reversal(page)
        assert page.button("Reverse it").is_disabled()
        way_out = page.tab.get_by_role("link", name="sign out").first.get_attribute("href")
        page.tab.goto(f"{base}{way_out}")
        page.tab.wait_for_url(re.compile("/sign-in"))
        page.tab.goto(base + VIEW)
        page.tab.wait_for_url(re.compile("/sign-in"))
        assert command(env, "people", "list", "--json")["people"][0]["sessions"] == 0
        sign_in(page, issuer)
        (session,) = command(env, "session", "list", "--json")["sessions"]
        command(env, "session", "end", session["session_id"], "--json")
        page.tab.wait_for_url(f"{base}/sign-in?next={quote(VIEW, safe='')}", timeout=30_000)
        context.close()


def sign_in(page: Page, issuer: str) -> None:
    """From a deep link over the provider to its view."""
    page.tab.goto(page.base + VIEW)
    page.tab.get_by_role("link", name="Sign in with your organisation").click()
    page.tab.wait_for_url(re.compile(re.escape(issuer)))
    page.tab.locator("input[name=sub]").first.fill("ada")
    page.tab.locator("button[type=submit], input[type=submit]").first.click()
    page.tab.wait_for_url(page.base + VIEW)
    page.settled()


def act(page: Page) -> None:
    """Take the deposit back."""
    open_reversal(page)
    page.tab.get_by_label("Entry", exact=True).fill("2")
    page.tab.get_by_label("Reason", exact=True).fill("posted twice")
    page.button("Reverse it").click()
    page.settled()


def open_reversal(page: Page) -> None:
    """The form that takes an entry back."""
    if not page.button("Reverse it").count():
        page.tab.get_by_role("button", name="Take an entry back").click()
    page.button("Reverse it").wait_for()


def command(env: dict[str, str], *words: str) -> dict:
    """The document of a command beside the desk."""
    done = subprocess.run(
        [sys.executable, "-m", "app", *words], cwd=ROOT, env=env, capture_output=True, check=True
    )
    return json.loads(done.stdout)
