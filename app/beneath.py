"""Addresses beneath a page, such as `/symbol/ACME` or `/symbol/`: they lead to the page itself.

Streamlit answers them with its frame, whose scripts it then names relative to the wrong folder:
the page stays empty.
"""

from __future__ import annotations

from urllib.parse import quote

from app.doors import credentials
from app.gate import Application, Receive, Scope, Send

# what is served beneath a name; everything else has one name only
SERVED = frozenset({"api", "_stcore", "app", "component", "media", "sign-in", "static"})


class Beneath:
    """An ASGI application of which people open only what stands at the top."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead a visit to the page above, its parameters kept; hand on all else."""
        above = _above(scope)
        if above is None:
            await self._app(scope, receive, send)
            return
        query = scope.get("query_string", b"")
        where = quote(above, safe="").encode()
        headers = [(b"location", b"/" + where + (b"?" + query if query else b""))]
        await send({"type": "http.response.start", "status": 307, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _above(scope: Scope) -> str | None:
    """The name of the page that a visit is beneath of; None for what is served where it stands."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    name, beneath, _ = str(scope["path"]).removeprefix("/").partition("/")
    wants = credentials.header(scope, b"accept") or ""
    return name if beneath and name not in SERVED and "text/html" in wants else None
