"""The command line's way to a running desk, without a socket, for the matrix of access."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from app import address
from app import run as runner


class _Bridge(httpx.BaseTransport):
    """Lets a client that waits call an ASGI application."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, whole."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, client=("127.0.0.1", 1))
            answer = await transport.handle_async_request(request)
            content = await answer.aread()
            return httpx.Response(answer.status_code, headers=answer.headers, content=content)

        return asyncio.run(ask())


def remote(app: Any, told: address.Address, token: str) -> runner.Remote:
    """What the command line asks a running desk by, with a token."""
    return runner.Remote(told, token, transport=_Bridge(app))
