"""Every request has an id that its log lines share, goes on with its trace, and is counted.

It stands in the way of every byte, so it is plain ASGI: the base class for such things hands each
answer on through a task and a queue of its own, half of what a small answer costs.
"""

from __future__ import annotations

import re
import time
from typing import Any

from app.doors import credentials
from app.gate import Application, Message, Receive, Scope, Send
from core.observe import logs, traces, work

log = logs.get("api")
_CORRELATION = re.compile(r"[A-Za-z0-9]{1,64}")


class Correlated:
    """An application whose answers name the id under which the log tells of them."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer under the id that was given, or a new one; count it when the answer begins."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        carried = credentials.header(scope, traces.FIELD.encode())
        began, counted = time.perf_counter(), False

        def count(status: int) -> None:
            nonlocal counted
            if not counted:  # a stream may go on for hours after it has begun
                counted = True
                route: Any = scope.get("route")
                path = getattr(route, "path", "none")
                work.api_request(path, scope["method"], status, time.perf_counter() - began)

        ended = False
        with logs.correlated(given(scope)) as identifier:

            async def named(message: Message) -> None:
                nonlocal ended
                ended = message["type"] == "http.response.body" and not message.get("more_body")
                if message["type"] == "http.response.start":
                    count(message["status"])
                    told = (b"x-correlation-id", identifier.encode())
                    message = {**message, "headers": [*message.get("headers", ()), told]}
                await send(message)

            try:
                with traces.resumed(carried):
                    await self.app(scope, receive, named)
            except Exception:
                log.exception("a request failed", path=scope["path"], method=scope["method"])
                if not ended:  # the server cuts off what is half said
                    raise
            finally:
                count(500)


def given(scope: Scope) -> str | None:
    """The id that a request brings along; None without a fit one."""
    told = credentials.header(scope, b"x-correlation-id") or ""
    return told if _CORRELATION.fullmatch(told) else None
