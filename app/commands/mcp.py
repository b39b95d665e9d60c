"""The command that serves assistants on stdio."""

from __future__ import annotations

from typing import Any

import typer

from app import run as runner


def register(cli: typer.Typer) -> None:
    """Add the command of this module."""
    cli.command()(mcp)


def mcp() -> None:
    """MCP server on stdio: read-only tools over the running desk, or over its store."""
    import anyio
    import anyio.to_thread
    from mcp.server.stdio import stdio_server

    import core.service.everything  # noqa: F401 - registers the tools
    from app.assistant.server import server

    with runner.asked() as caller:

        async def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
            def ask() -> Any:
                return caller.call("tool", name=name, arguments=arguments).document

            answer: dict[str, Any] = await anyio.to_thread.run_sync(ask)
            return answer

        async def serve() -> None:
            made = server(call)
            async with stdio_server() as (heard, said):
                await made.run(heard, said, made.create_initialization_options())

        anyio.run(serve)
