"""A page of another site reads the desk's widgets in Chromium, and nothing else of the desk."""

from __future__ import annotations

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import _free_port
from tests.e2e.test_signing_in import command, served

ASK = """async ({url, token, method}) => {
  try {
    const answer = await fetch(url, {method: method || 'GET', credentials: 'include',
      headers: token ? {Authorization: 'Bearer ' + token, 'X-Own': 'a'} : {}});
    return [answer.status, await answer.json()];
  } catch (error) { return [0, String(error)]; }
}"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: it is no part of what is looked at."""


@contextmanager
def site(folder: Path, port: int) -> Iterator[str]:
    """Another site on this machine: another port is another origin."""
    (folder / "index.html").write_text("<!doctype html><title>another site</title>")
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.shutdown()


@pytest.fixture
def listed_port() -> int:
    """Of the site that the desk lets read."""
    return _free_port()


def test_a_listed_page_reads_widgets_with_a_token(
    chromium, tmp_path: Path, listed_port: int
) -> None:
    """Its browser asks first, hands the answer on, and hands on nothing else; another site gets
    nothing at all, and without a token nobody does.
    """
    desk, pages = tmp_path / "desk", tmp_path / "pages"
    desk.mkdir()
    pages.mkdir()
    env = {
        **os.environ, "OPENBELL_DATA_DIR": str(desk), "OPENBELL_SCHEDULER": "false",
        "OPENBELL_ACCESS": "token",
        "OPENBELL_WORKSPACE_ORIGINS": f"http://127.0.0.1:{listed_port}",
    }  # fmt: skip
    with served(desk, env) as base, site(pages, listed_port) as listed, site(pages, 0) as other:
        token = command(env, "token", "add", "workspace", "--role", "viewer", "--json")["token"]
        tab = chromium.new_context().new_page()

        def ask(path: str, secret: str = token, method: str = "GET") -> tuple[int, object]:
            given = {"url": f"{base}{path}", "token": secret, "method": method}
            return tuple(tab.evaluate(ASK, given))

        tab.goto(listed)
        status, widgets = ask("/api/openbb/widgets.json")
        assert status == 200 and isinstance(widgets, dict) and "gap_scan" in widgets
        for name, widget in widgets.items():
            status, told = ask(f"/api/openbb/{widget['endpoint']}")
            assert status in (200, 404, 422), (name, told)  # an empty desk says what it lacks
        assert ask("/api/openbb/freshness")[0] == 200
        assert ask("/api/openbb/freshness", "")[0] == 401
        assert ask("/api/openbb/freshness", "obt_wrong")[0] == 401
        for path, method in (
            ("/api/v1/plans", "GET"), ("/api/openbb/plans", "POST"), ("/api/v1/plans", "POST"),
            ("/", "GET"),
        ):  # fmt: skip
            assert ask(path, method=method)[0] == 0, path
        tab.goto(other)
        assert ask("/api/openbb/widgets.json")[0] == 0
        tab.context.close()
