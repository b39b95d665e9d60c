"""The gate: foreign hosts and sites are refused, every answer bears the headers of safety."""

from __future__ import annotations

import asyncio
import re
import socket
import tomllib
from pathlib import Path

import pytest
from streamlit import net_util
from streamlit.web.server.starlette import starlette_websocket
from structlog.testing import capture_logs

from app import gate, streamlit_patches
from app.gate import Gate
from core.addresses import is_loopback
from core.observe.sparing import LINES, Sparing

ROOT = Path(__file__).resolve().parents[3]
HEADERS = {
    "content-security-policy",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "permissions-policy",
}


async def _hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def _socket(scope, receive, send):
    await send({"type": "websocket.accept"})


def ask(opened: Gate, *headers: tuple[str, str], **scope) -> list[dict]:
    """The messages that come out of the gate for a request with those headers."""
    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "websocket.connect"}

    given = {"type": "http", "server": ("10.1.2.3", 8501), "path": "/"} | scope
    given["headers"] = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    asyncio.run(opened(given, receive, send))
    return sent


def status(*headers: tuple[str, str], hosts: tuple[str, ...] = ()) -> int:
    """Status of the answer to a request with those headers."""
    return ask(Gate(_hello, hosts), *headers)[0]["status"]


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST:8501", "localhost.", "127.0.0.1:8501", "[::1]:8501", "[::1]",
        "10.1.2.3:8501", "desk.example", "Desk.Example:443", "a.b.example",
    ],
)  # fmt: skip
def test_own_hosts_are_answered(host: str) -> None:
    """Loopback, the address that a connection came in on, and what the setting names."""
    assert status(("host", host), hosts=("desk.example", "*.b.example")) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8501", "localhost.evil.example", "127.0.0.1.evil.example",
        "10.1.2.4", "b.example", "xb.example", "", "localhost@evil.example", "localhost/x",
        "localhost:8501:1", "evil.example#localhost", "[::1", "127.0.0.1\t", "löcalhost",
        "2130706433",
    ],
)  # fmt: skip
def test_foreign_and_broken_hosts_are_refused(host: str) -> None:
    """A name that was pointed at this machine is none of ours, whatever it looks like."""
    assert status(("host", host), hosts=("desk.example", "*.b.example")) == 400


def test_no_host_or_two_are_refused() -> None:
    """Which one is meant, nobody can say."""
    assert status() == 400
    assert status(("host", "localhost"), ("host", "evil.example")) == 400


def test_a_star_answers_any_host_and_still_no_foreign_page() -> None:
    """Whoever opens the desk for all names has not opened it for the pages of all sites."""
    assert status(("host", "any.example"), hosts=("*",)) == 200
    foreign = ("origin", "http://evil.example")
    assert status(("host", "any.example"), foreign, hosts=("*",)) == 403


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://localhost:8501", 200), ("https://localhost:8501", 200),
        ("http://LocalHost:8501", 200), ("https://desk.example", 200),
        ("http://localhost:3000", 403), ("http://127.0.0.1:8501", 403), ("null", 403),
        ("http://evil.example", 403), ("http://localhost:8501.evil.example", 403), ("", 403),
        ("file://localhost:8501", 403), ("http://[", 403), ("localhost:8501", 403),
    ],
)  # fmt: skip
def test_origins_of_pages(origin: str, expected: int) -> None:
    """Only a page of the desk itself, or of a host that the setting names, may ask."""
    headers = (("host", "localhost:8501"), ("origin", origin))
    assert status(*headers, hosts=("desk.example",)) == expected


@pytest.mark.parametrize("listening", ["127.0.0.1", "10.1.2.3", "lan.example"])
def test_where_the_desk_listens_is_answered_and_tells_of_no_page(listening: str) -> None:
    """Another program on another port of this machine is another site."""
    opened = Gate(_hello)
    opened.allow((), listening=listening)
    host = ("host", f"{listening}:8501")
    assert ask(opened, host)[0]["status"] == 200
    assert ask(opened, host, ("origin", f"http://{listening}:8501"))[0]["status"] == 200
    assert ask(opened, host, ("origin", f"http://{listening}:3000"))[0]["status"] == 403


def test_two_origins_are_refused() -> None:
    """One of them may be ours; the other is not."""
    own = ("origin", "http://localhost")
    assert status(("host", "localhost"), own, ("origin", "http://evil.example")) == 403


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((("host", "evil.example"),), 400),
        ((("host", "localhost"), ("origin", "http://evil.example")), 403),
    ],
)
def test_a_websocket_gets_an_answer_or_is_closed(headers, expected: int) -> None:
    """A status where the server can send one, else the handshake ends; the app hears nothing."""
    extensions = {"websocket.http.response": {}}
    start, _ = ask(Gate(_socket), *headers, type="websocket", extensions=extensions)
    assert start["status"] == expected
    assert {name.decode() for name, _ in start["headers"]} >= HEADERS
    (closed,) = ask(Gate(_socket), *headers, type="websocket")
    assert closed["type"] == "websocket.close"
    (accepted,) = ask(Gate(_socket), ("host", "localhost"), type="websocket")
    assert accepted["type"] == "websocket.accept"


@pytest.mark.parametrize("host", ["localhost:8501", "evil.example"])
def test_every_answer_bears_the_headers_once(host: str) -> None:
    """Refusals too; what the application says itself is replaced, never doubled."""

    async def careless(scope, receive, send):
        headers = [(b"X-Frame-Options", b"ALLOWALL"), (b"etag", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    start = ask(Gate(careless), ("host", host))[0]
    names = [name.decode().lower() for name, _ in start["headers"]]
    assert set(names) >= HEADERS
    assert len(names) == len(set(names))
    policy = dict(start["headers"])[b"content-security-policy"].decode()
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "evil.example" not in policy
    assert re.search(r"script-src 'self' 'sha256-[\w+/=]+'(;| 'sha256)", policy)


def test_streamlits_own_check_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is asked about origins, no socket is opened for it."""
    monkeypatch.setattr(net_util, "_external_ip", None)
    monkeypatch.setattr(net_util, "_internal_ip", None)
    asked: list[object] = []
    monkeypatch.setattr(net_util, "_make_blocking_http_get", lambda *a, **_: asked.append(a))
    monkeypatch.setattr(socket.socket, "connect", lambda _, where: asked.append(where))
    streamlit_patches.stay_inside()
    for origin in ("http://evil.example", "http://10.0.0.1:8501", "null"):
        assert not starlette_websocket._is_origin_allowed(origin, "localhost:8501")
    assert asked == []


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("192.168.1.5", False), ("desk.example", False),
     ("", False)],
)  # fmt: skip
def test_what_only_this_machine_reaches(host: str, expected: bool) -> None:
    """All else is warned of."""
    assert is_loopback(host) is expected


def test_tables_offer_no_download_of_their_own() -> None:
    """It would write formulas as they are; exports guard them."""
    options = tomllib.loads((ROOT / "app" / ".streamlit" / "config.toml").read_text())
    assert options["client"]["disableDataExport"] is True


def test_strangers_do_not_fill_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often foreign hosts and origins knock, a minute has a few lines of each."""
    monkeypatch.setattr(gate, "log", Sparing("gate", timer=lambda *_: None))
    with capture_logs() as lines:
        for n in range(50):
            assert status(("host", f"{n}.example")) == 400
            assert status(("host", "localhost"), ("origin", f"http://{n}.example")) == 403
        assert len(lines) == 2 * LINES
        gate.log.close()
    assert sorted(line["count"] for line in lines[2 * LINES :]) == [50 - LINES, 50 - LINES]
