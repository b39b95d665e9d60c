"""`deploy/cluster`: the proxy takes its file and keeps a browser at one desk; the services fit."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import yaml

from core.settings import Settings
from tests.redis_server import free_port

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "deploy" / "cluster" / "haproxy.cfg"
MISSING = "haproxy is not installed: it would have proved deploy/cluster/haproxy.cfg"


@pytest.fixture
def proxy() -> str:
    found = shutil.which("haproxy")
    if not found:
        pytest.skip(MISSING)
    return found


class Desk(ThreadingHTTPServer):
    """Answers with its name; `ready` says what its health is."""

    def __init__(self, name: str) -> None:
        self.name, self.ready = name, True
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(BaseHTTPRequestHandler):
    server: Desk

    def do_GET(self) -> None:
        """The name of the desk, or its health."""
        health = self.path == "/api/health/ready"
        self.send_response(200 if self.server.ready or not health else 503)
        self.end_headers()
        self.wfile.write(self.server.name.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def desks() -> Iterator[list[Desk]]:
    made = [Desk("one"), Desk("two")]
    for desk in made:
        threading.Thread(target=desk.serve_forever, daemon=True).start()
    yield made
    for desk in made:
        desk.shutdown()
        desk.server_close()


def test_the_proxy_takes_its_file(proxy: str) -> None:
    """Without a warning but that there are no desks here."""
    words = [proxy, "-c", "-f", str(FILE)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    warned = [line for line in done.stderr.splitlines() if "[WARNING]" in line]
    assert done.returncode == 0, done.stderr
    assert [line for line in warned if "could not resolve address 'desk'" not in line] == []


def test_a_browser_stays_at_its_desk_until_that_is_not_ready(
    proxy: str, desks: list[Desk], tmp_path: Path
) -> None:
    """By the cookie; another desk takes over from one that is down."""
    port = free_port()
    servers = "\n".join(
        f"    server {d.name} 127.0.0.1:{d.server_address[1]} cookie {d.name}" for d in desks
    )
    template = '    server-template desk 3 "${DESKS-desk:8501}"'
    text = FILE.read_text()
    assert template in text
    own = tmp_path / "haproxy.cfg"
    own.write_text(text.replace(template, servers).replace("inter 2s", "inter 100ms"))
    environment = {**os.environ, "DESKS_BIND": f"127.0.0.1:{port}"}
    with ExitStack() as stack:
        process = subprocess.Popen(
            [proxy, "-f", str(own)], env=environment, stdout=subprocess.DEVNULL
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}"))
        first = _answer(client)
        assert client.cookies["OPENBELL_DESK"] == first
        assert {_answer(client) for _ in range(6)} == {first}
        next(d for d in desks if d.name == first).ready = False
        ends = time.monotonic() + 30
        while (other := _answer(client)) == first and time.monotonic() < ends:
            time.sleep(0.05)
        assert other != first


def _answer(client: httpx.Client) -> str:
    """Who answers, once the proxy listens."""
    ends = time.monotonic() + 30
    while True:
        try:
            answer = client.get("/")
        except httpx.ConnectError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)
        else:
            if answer.status_code == 200:
                return answer.text
            assert time.monotonic() < ends, answer.status_code


def test_the_services_of_the_cluster_name_settings_that_there_are() -> None:
    """Roles, addresses and the proxy's file are those of the code and of this folder."""
    document = yaml.safe_load((FILE.parent / "compose.yml").read_text())
    services = document["services"]
    roles = {name: services[name]["environment"]["OPENBELL_ROLE"] for name in ("engine", "desk")}
    assert roles == {"engine": "engine", "desk": "desk"}
    for name in roles:
        for setting in services[name]["environment"]:
            assert setting.removeprefix("OPENBELL_").lower() in Settings.model_fields
    used = {place.split(":")[0] for place in services["proxy"]["volumes"]}
    assert used == {"./haproxy.cfg"}
    assert services["desk"]["build"]["args"]["REQUIREMENTS"] == "requirements-lake.txt"
    assert (ROOT / "requirements-lake.txt").is_file()
