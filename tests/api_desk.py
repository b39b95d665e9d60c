"""A filled and graded desk with its API, for tests that call it without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.applications import Starlette

from app.api import main as api
from core.domain.access.principals import LOCAL, Role
from core.service.desk import Desk
from tests import begun

RATES = {"limit_principal": "999999/second", "limit_address": "999999/second"}


def open_desk(make_desk: Callable[..., Desk], **chosen: Any) -> Desk:
    """A shared desk with two companies, a year of bars, filings and grades."""
    return make_desk(begun.put_graded, access="token", **RATES, **chosen)


def token(desk: Desk, role: Role, name: str = "") -> str:
    """A new token of a role."""
    return desk.roster.add_token(name or f"a {role}", role, None, LOCAL)[1]


class Bridged(httpx.BaseTransport):
    """Lets a client that waits call the API without a socket."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, whole."""

        async def ask() -> httpx.Response:
            answer = await httpx.ASGITransport(mounted()).handle_async_request(request)
            content = await answer.aread()
            return httpx.Response(answer.status_code, headers=answer.headers, content=content)

        return asyncio.run(ask())


@cache
def application() -> FastAPI:
    """The API, made once: it asks for the desk of the moment, and making it costs as 50 calls."""
    return api.create()


@cache
def mounted() -> Starlette:
    """The API where the desk has it."""
    return Starlette(routes=[api.mounted()])


@asynccontextmanager
async def connected(bearer: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API; `bearer` is its token."""
    transport = httpx.ASGITransport(app=application(), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://desk", headers=headers, timeout=60
    ) as client:
        yield client
