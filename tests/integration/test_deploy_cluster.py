"""`deploy/cluster`: the proxy takes its file and keeps a browser at one desk; the services fit."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socketserver
import struct
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
ADDRESSES = ("127.0.0.2", "127.0.0.3")
MISSING = "haproxy is not installed: it would have proved deploy/cluster/haproxy.cfg"


@pytest.fixture
def proxy() -> str:
    found = shutil.which("haproxy")
    if not found:
        pytest.skip(MISSING)
    return found


class Desk(ThreadingHTTPServer):
    """Answers with its address; `ready` says what its health is, `heard` what it was asked.

    A desk that `breaks_off` is killed by whatever else than its health it is asked for.
    """

    def __init__(self, address: str, port: int) -> None:
        self.name, self.ready, self.breaks_off = address, True, False
        self.heard: list[list[tuple[str, str]]] = []
        super().__init__((address, port), Answer)


class Answer(BaseHTTPRequestHandler):
    server: Desk

    def do_GET(self) -> None:
        """The name of the desk, or its health."""
        ready = self.path == "/api/health/ready"
        if not self.path.startswith("/api/health/"):
            self.server.heard.append([(name.lower(), told) for name, told in self.headers.items()])
            if self.server.breaks_off:
                return
        self.send_response(200 if self.server.ready or not ready else 503)
        self.end_headers()
        self.wfile.write(self.server.name.encode())

    def do_POST(self) -> None:
        """As for what only reads."""
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Names(socketserver.BaseRequestHandler):
    """A server of names: every one that is asked for stands for both desks."""

    def handle(self) -> None:
        """Two addresses for an IPv4 question, nothing for any other."""
        asked, socket = self.request
        end = asked.index(b"\0", 12) + 5
        answers = ADDRESSES if asked[end - 4 : end - 2] == b"\0\1" else ()
        head = asked[:2] + b"\x81\x80\0\1" + struct.pack(">H", len(answers)) + bytes(4)
        rows = [
            b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 60, 4) + ipaddress.ip_address(a).packed
            for a in answers
        ]
        socket.sendto(head + asked[12:end] + b"".join(rows), self.client_address)


@pytest.fixture
def names() -> Iterator[int]:
    """The port of a server of names, as a network of containers has one."""
    with socketserver.UDPServer(("127.0.0.1", 0), Names) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def desks() -> Iterator[list[Desk]]:
    port = free_port()
    made = [Desk(address, port) for address in ADDRESSES]
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


@pytest.fixture
def front(proxy: str, desks: list[Desk], names: int, tmp_path: Path) -> Iterator[str]:
    """The address of the proxy by the shipped file, which asks another server of names."""
    port = free_port()
    text = FILE.read_text()
    for there, here in (
        ("parse-resolv-conf", f"nameserver own 127.0.0.1:{names}"),
        ("inter 2s", "inter 100ms"),
    ):
        assert text.count(there) == 1, there
        text = text.replace(there, here)
    own = tmp_path / "haproxy.cfg"
    own.write_text(text)
    environment = {
        **os.environ,
        "DESKS_BIND": f"127.0.0.1:{port}",
        "DESKS": f"desks.example:{desks[0].server_address[1]}",
    }
    with ExitStack() as stack:
        process = subprocess.Popen(
            [proxy, "-f", str(own)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        yield f"http://127.0.0.1:{port}"


def test_a_browser_stays_at_its_desk_until_that_is_not_ready(front: str, desks: list[Desk]) -> None:
    """By the cookie; another desk takes over from one that is down."""
    with httpx.Client(base_url=front) as client, httpx.Client(base_url=front) as second:
        first = _answer(client)
        assert client.cookies["OPENBELL_DESK"]
        assert {_answer(client) for _ in range(6)} == {first}
        ends = time.monotonic() + 30
        while (there := _answer(second)) == first and time.monotonic() < ends:
            second.cookies.clear()  # a browser that comes for the first time
            time.sleep(0.05)
        assert there != first
        for _ in range(6):
            assert (_answer(client), _answer(second)) == (first, there)
        next(d for d in desks if d.name == first).ready = False
        while (other := _answer(client)) == first and time.monotonic() < ends:
            time.sleep(0.05)
        assert other == there


def test_what_a_killed_desk_was_asked_for_is_answered_by_another(
    front: str, desks: list[Desk]
) -> None:
    """At once, before its health is looked at again; what could be done twice is not repeated."""
    with httpx.Client(base_url=front) as client:
        first = _answer(client)
        at = next(desk for desk in desks if desk.name == first)
        at.breaks_off = True
        heard = len(at.heard)
        assert client.post("/api/v1/commands/journal_deposit", json={}).status_code == 502
        assert len(at.heard) == heard + 1
        answer = client.get("/")
        assert (answer.status_code, answer.text == first) == (200, False)


def test_while_no_desk_is_ready_they_are_asked_as_long_as_they_live(
    front: str, desks: list[Desk]
) -> None:
    """Without PostgreSQL or Redis all desks read on: the proxy must not hide them."""
    with httpx.Client(base_url=front) as client:
        _answer(client)
        for desk in desks:
            desk.ready = False
        ends = time.monotonic() + 2  # many looks at their health
        answers = []
        while time.monotonic() < ends:
            answers.append(client.get("/"))
            time.sleep(0.02)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers[-20:]}) == 1  # at its desk, as before


def test_what_reaches_a_desk_is_the_proxys_own_word(front: str, desks: list[Desk]) -> None:
    """Whoever asks from outside is nobody by name, and comes from where they do."""
    forged = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-User": "root",
        "X-Forwarded-Groups": "admins",
        "X-Real-IP": "6.6.6.6",
        "Forwarded": "for=6.6.6.6",
    }
    with httpx.Client(base_url=front, headers=forged) as client:
        _answer(client)
        shaken = {"Connection": "Upgrade", "Upgrade": "websocket", "Origin": front}
        shaken |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
        client.get("/_stcore/stream", headers=shaken)
    plain, socket = [head for desk in desks for head in desk.heard][-2:]
    told = [pair for pair in plain if pair[0] in {name.lower() for name in forged}]
    assert told == [("x-forwarded-for", "127.0.0.1")]
    assert {("upgrade", "websocket"), ("origin", front)} <= set(socket)


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
