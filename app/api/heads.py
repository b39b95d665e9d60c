"""HEAD wherever GET is (RFC 9110, 9.3.2): the same status and headers, and no body.

A route knows GET alone; here HEAD is asked as GET, by whom and for what it may be asked, and what
would follow the headers is left out. A stream, which would never end, ends with its headers.
"""

from __future__ import annotations

import anyio

from app.gate import Application, Message, Receive, Scope, Send


class Headed:
    """An application that answers HEAD as it does GET, without the body."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on all but HEAD as it is."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        with anyio.CancelScope() as asking:

            async def bare(message: Message) -> None:
                if message["type"] != "http.response.start":
                    return
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                if b"content-length" not in dict(
                    message["headers"]
                ):  # a stream: it may stay silent
                    asking.cancel()

            await self.app({**scope, "method": "GET"}, receive, bare)


def allowed(methods: str) -> str:
    """What an `Allow` header names, with the HEAD that stands beside GET."""
    named = [name.strip() for name in methods.split(",")]
    return ", ".join([*named, "HEAD"] if "GET" in named and "HEAD" not in named else named)
