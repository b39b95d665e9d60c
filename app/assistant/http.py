"""MCP at /api/mcp: each call is judged by the role of whoever makes it, and none is remembered."""

from __future__ import annotations

from functools import cache
from typing import Any

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.api.callers import authorised
from app.gate import Receive, Scope, Send
from core.domain.access.principals import Role
from core.service import current
from core.service.assistant import tools
from core.service.kernel import access


class AssistantEndpoint:
    """One request of the protocol, for whoever its token is of; viewers may."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it; SignInError or RoleError for who may not ask."""
        request = Request(scope)
        who = await authorised(request, request.headers.get("authorization", ""))
        with access.acting(who):
            access.require(current.desk(), Role.VIEWER, "the tools of assistants")
            if request.method != "POST":  # a stream that nothing is ever said on would stay open
                raise HTTPException(405, headers={"Allow": "POST"})
            manager = await anyio.to_thread.run_sync(_manager)
            async with manager.run():
                await manager.handle_request(scope, receive, send)


def _manager() -> Any:
    """A manager of one request; the protocol's library is 18 MB that a desk nobody asks has not."""
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp.server.transport_security import TransportSecuritySettings

    unguarded = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # the gate does it
    return StreamableHTTPSessionManager(
        _server(), json_response=True, stateless=True, security_settings=unguarded
    )


@cache
def _server() -> Any:
    from app.assistant.server import server

    return server(_called)


async def _called(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return await anyio.to_thread.run_sync(tools.call, current.desk(), name, arguments)
