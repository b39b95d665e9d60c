"""Pages of other sites that may read (CORS): which, what of the desk, and what browsers are told.

A page of another site that an operator has listed may read what a workspace shows, with a token
that it sends itself: cookies say nothing there. All else of the desk stays closed to it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

BELOW = "/api/openbb/"
METHODS = "GET, HEAD"
LASTS_SECONDS = 600  # how long a browser keeps what a preflight said
_NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(\s*,\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")
_LONGEST = 1000
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


def may_be_read(scope: Scope) -> bool:
    """Whether a request is for what listed sites may read, and does no more than read."""
    reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD", "OPTIONS")
    return reads and str(scope["path"]).startswith(BELOW)


def is_preflight(scope: Scope) -> bool:
    """Whether a browser asks what a page may ask; no page can send such a request itself."""
    return scope["method"] == "OPTIONS" and _header(scope, b"access-control-request-method") != ""


def preflight(scope: Scope) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two ASGI messages that answer it; nothing of the desk is in them.

    Any header may come along: which ones a workspace adds, its users say, and none but the token
    lets anybody in.
    """
    headers = [
        ("access-control-allow-methods", METHODS),
        ("access-control-max-age", str(LASTS_SECONDS)),
        ("content-length", "0"),
    ]
    wanted = _header(scope, b"access-control-request-headers")
    if len(wanted) <= _LONGEST and _NAMES.fullmatch(wanted):
        headers.append(("access-control-allow-headers", wanted))
    if _header(scope, b"access-control-request-private-network") == "true":
        headers.append(("access-control-allow-private-network", "true"))
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    start = {"type": "http.response.start", "status": 204, "headers": pairs}
    return start, {"type": "http.response.body", "body": b""}


def told(send: Send, origin: str) -> Send:
    """A `send` that lets the browser hand the answer to the page of that origin.

    Credentials are allowed for, as some pages fetch no other way; what is below takes none.
    """
    headers = [
        (b"access-control-allow-origin", origin.encode()),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"X-Correlation-Id, Retry-After, RateLimit"),
        (b"vary", b"Origin, Access-Control-Request-Headers"),
    ]

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return tell


def _header(scope: Scope, name: bytes) -> str:
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return values[0].strip() if len(values) == 1 else ""
