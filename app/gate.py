"""The gate before pages and API: hosts that are answered, sites that may ask, headers of answers.

One ASGI middleware around everything. A page of another site can point a name of its own at this
machine (DNS rebinding) or open a WebSocket to it; both are refused here, before Streamlit would ask
an outside address who we are. Nothing in here waits.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit

from app import cross_origin, refusals
from core.observe import logs
from core.observe.sparing import Sparing

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = ("localhost", "127.0.0.1", "::1")
WRONG_HOST, WRONG_ORIGIN = 400, 403
EXPOSED = "the desk listens beyond this machine, and what travels to it is not encrypted"
_HOST = re.compile(r"(?P<name>[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?", re.IGNORECASE)
_FEATURES = (
    "accelerometer browsing-topics camera display-capture geolocation gyroscope hid "
    "magnetometer microphone midi payment serial usb xr-spatial-tracking"
)
_FIXED = (
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("permissions-policy", ", ".join(f"{name}=()" for name in _FEATURES.split())),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
)
log = Sparing("gate")


class Gate:
    """An ASGI application behind the gate.

    `hosts` are names and addresses that a request may ask for, `*.` in front stands for all below
    a name and `*` for any. Those of this machine's loopback, and the address that a connection
    came in on, always are.
    """

    def __init__(self, app: Application, hosts: Iterable[str] = ()) -> None:
        self.app = app
        self.hosts: tuple[str, ...] = ()
        self.sites: frozenset[str] = frozenset()
        self.listening = ""
        self.allow(hosts)

    def allow(self, hosts: Iterable[str], listening: str = "", sites: Iterable[str] = ()) -> None:
        """Answer for these hosts from now on, instead of those named before.

        `listening` is where the desk listens itself. It is answered for, too; but other programs
        have other ports of it, so unlike a proxy's name it says nothing of a page's origin.
        `sites` are the origins whose pages may read what `cross_origin` names, and no more.
        """
        self.hosts = tuple(name.lower().rstrip(".") for name in hosts)
        self.listening = listening.lower().rstrip(".")
        self.sites = frozenset(sites)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is foreign, hand on the rest."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        host = _only(scope, b"host")
        refusal = self._refusal(scope, host)
        if refusal:
            status, sentence, words, told = refusal
            with logs.correlated():
                log.warning(words, **told)
                await _refuse(scope, receive, _sealed(send, None), status, sentence)
            return
        sealed = _sealed(send, host)
        if site := self._site(scope):
            sealed = cross_origin.told(sealed, site)
            if cross_origin.is_preflight(scope):
                for part in cross_origin.preflight(scope):
                    await sealed(part)
                return
        await self.app(scope, receive, sealed)

    def _refusal(
        self, scope: Scope, host: str | None
    ) -> tuple[int, str, str, dict[str, str]] | None:
        """The status and the sentence, and what the log says of it."""
        name = _name(host)
        if name is None or not self._answers(name, scope):
            sentence = "The desk does not answer for this host: see OPENBELL_ALLOWED_HOSTS."
            return WRONG_HOST, sentence, "foreign host refused", {"host": str(host)[:100]}
        origins = _values(scope, b"origin")
        own = len(origins) == 1 and self._own(origins[0], str(host))
        if origins and not own and not self._site(scope):
            sentence = "The desk does not answer pages of other sites."
            return WRONG_ORIGIN, sentence, "foreign origin refused", {"origin": origins[0][:100]}
        return None

    def _answers(self, name: str, scope: Scope) -> bool:
        ours = name in (*LOOPBACK, self.listening)
        return ours or self._named(name) or _is_own_address(name, scope)

    def _named(self, name: str) -> bool:
        return any(
            entry in ("*", name) or (entry.startswith("*.") and name.endswith(entry[1:]))
            for entry in self.hosts
        )

    def _site(self, scope: Scope) -> str:
        """The listed origin of the page that asks for what such may read; empty without one."""
        if not self.sites or not cross_origin.may_be_read(scope):
            return ""
        origin = _only(scope, b"origin")
        return origin if origin in self.sites else ""

    def _own(self, origin: str, host: str) -> bool:
        """Whether a page of that origin is ours: the same host and port, or a host we are told of.

        A proxy may tell us a host other than the one in the browser; `*` says nothing of it.
        """
        try:
            parts = urlsplit(origin)
            name = _name(parts.netloc)
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or name is None:
            return False
        told = "*" not in self.hosts and self._named(name)
        return parts.netloc.lower() == host.lower() or told


def _values(scope: Scope, header: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == header]


def _only(scope: Scope, header: bytes) -> str | None:
    values = _values(scope, header)
    return values[0] if len(values) == 1 else None


def _name(host: str | None) -> str | None:
    """The name or address in a Host header, in lower case; None for anything else."""
    found = _HOST.fullmatch(host or "")
    return found["name"].lower().rstrip(".").strip("[]") if found else None


def _is_own_address(name: str, scope: Scope) -> bool:
    """Whether it is the address the connection came in on: no name, so nobody can rebind it."""
    try:
        asked = ipaddress.ip_address(name)
        return asked == ipaddress.ip_address((scope.get("server") or ("",))[0])
    except ValueError:
        return False


def _sealed(send: Send, host: str | None) -> Send:
    """A `send` that adds the headers every answer bears; those already set are replaced."""
    headers, ours = _seals(host)

    async def seal(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in ours]
            message = {**message, "headers": [*kept, *headers]}
        await send(message)

    return seal


@lru_cache(maxsize=64)
def _seals(host: str | None) -> tuple[tuple[tuple[bytes, bytes], ...], frozenset[bytes]]:
    """The headers that every answer to that host bears, and their names."""
    headers = tuple((name.encode(), value.encode()) for name, value in (*_FIXED, _policy(host)))
    return headers, frozenset(name for name, _ in headers)


def _policy(host: str | None) -> tuple[str, str]:
    """The content security policy. Older browsers want the WebSocket's address spelled out."""
    sockets = f" ws://{host} wss://{host}" if _name(host) else ""
    return "content-security-policy", _content_policy().replace("$SOCKETS", sockets)


@cache
def _content_policy() -> str:
    return "; ".join((
        "default-src 'none'",
        f"script-src 'self' {_inline_scripts()}",
        "style-src 'self' 'unsafe-inline'",  # Streamlit writes its styles as the page is drawn
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'$SOCKETS",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "frame-src 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ))  # fmt: skip


def _inline_scripts() -> str:
    """The hashes of the scripts that stand in Streamlit's own page: no other may."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    bodies = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(body.encode()).digest()) for body in bodies]
    return " ".join(f"'sha256-{digest.decode()}'" for digest in digests)


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, message: str) -> None:
    """One sentence as the answer, also to a WebSocket where the server can send one."""
    kind = "http.response"
    if scope["type"] == "websocket":
        kind = "websocket.http.response"
        await receive()
        if kind not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": 1008, "reason": message})
            return
    for part in refusals.started(scope, status, message, kind):
        await send(part)
