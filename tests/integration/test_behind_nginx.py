"""The shipped nginx file, run in front of a listener: TLS, WebSockets, and nobody's own word."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import httpx
import pytest

from core.places import ROOT
from tests.redis_server import free_port

MISSING = "nginx or openssl is not installed: they would have proved deploy/nginx/openbell.conf"
pytestmark = pytest.mark.skipif(
    shutil.which("nginx") is None or shutil.which("openssl") is None, reason=MISSING
)
MAIN = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  include {folder}/openbell.conf;
}}
"""


class Heard(BaseHTTPRequestHandler):
    """Keeps the headers that arrive where the desk would be."""

    seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[tuple[int, list[dict[str, str]]]]:
    """A port that takes requests, and the headers of each."""
    Heard.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Heard) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, Heard.seen
        server.shutdown()
        thread.join()


def certificate(folder: Path) -> None:
    """A certificate for localhost, signed by itself."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True)


def as_here(folder: Path, port: int, desk: int) -> str:
    """The shipped file with the ports, the name and the certificate of this test."""
    text = (ROOT / "deploy" / "nginx" / "openbell.conf").read_text(encoding="utf-8")
    for there, here in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("server 127.0.0.1:8501;", f"server 127.0.0.1:{desk};"),
        ("server_name desk.example;", "server_name localhost;"),
        ("/etc/ssl/desk.example.pem", str(folder / "cert.pem")),
        ("/etc/ssl/desk.example.key", str(folder / "key.pem")),
    ):
        assert text.count(there) == 1, there
        text = text.replace(there, here)
    return text


@pytest.fixture
def behind(tmp_path: Path, listener: tuple[int, list[dict[str, str]]]) -> Iterator[str]:
    """The address of nginx in front of the listener."""
    port = free_port()
    certificate(tmp_path)
    (tmp_path / "openbell.conf").write_text(as_here(tmp_path, port, listener[0]))
    (tmp_path / "nginx.conf").write_text(MAIN.format(folder=tmp_path))
    command = ["nginx", "-e", str(tmp_path / "errors.log"), "-c", str(tmp_path / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"https://localhost:{port}"
        finally:
            process.terminate()


def asked(url: str, folder: Path, **headers: str) -> httpx.Response:
    """The answer through nginx, once it listens."""
    trust = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    ends = time.monotonic() + 20
    while True:
        try:
            return httpx.get(url, headers=headers, verify=trust)
        except httpx.ConnectError:
            assert time.monotonic() < ends, (folder / "errors.log").read_text()
            time.sleep(0.02)


def test_what_reaches_the_desk_is_the_proxys_own_word(
    behind: str, listener: tuple[int, list[dict[str, str]]], tmp_path: Path
) -> None:
    """Who asks from where, and that it came by TLS; what a caller claims of that is gone."""
    forged = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-User": "root",
        "X-Forwarded-Groups": "admins",
    }
    answer = asked(f"{behind}/plans", tmp_path, **forged)
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    (heard,) = listener[1]
    assert heard["host"] == behind.removeprefix("https://")
    assert (heard["x-forwarded-for"], heard["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert "x-forwarded-user" not in heard
    assert "x-forwarded-groups" not in heard
    assert "upgrade" not in heard


def test_a_websocket_is_handed_on_as_one(
    behind: str, listener: tuple[int, list[dict[str, str]]], tmp_path: Path
) -> None:
    """Its handshake arrives whole, with the origin that the desk judges."""
    shaken = {"Connection": "Upgrade", "Upgrade": "websocket", "Origin": behind, "Cookie": "a=b"}
    asked(f"{behind}/_stcore/stream", tmp_path, **shaken)
    (heard,) = listener[1]
    assert (heard["connection"].lower(), heard["upgrade"]) == ("upgrade", "websocket")
    assert (heard["origin"], heard["cookie"]) == (behind, "a=b")
