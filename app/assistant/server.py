"""The MCP server over the tools: what they take, what they answer, how they refuse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import mcp_types as types
import orjson
from mcp.server.lowlevel import Server

from core import __version__
from core.errors import OpenbellError, document
from core.observe import logs
from core.service.assistant.tools import tool

Call = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
INSTRUCTIONS = (
    "Answers come from the desk's own store. Quote accession, grade and status of `sources`, and "
    "`data_until`. What is refused is not held here: say so, and guess nothing."
)
log = logs.get("assistant")


def server(call: Call) -> Server[Any]:
    """A server whose tools are answered by `call(name, arguments)`."""

    async def listed(_: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=described())

    async def called(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            return _result(await call(params.name, dict(params.arguments or {})))
        except OpenbellError as error:
            return _result({"refused": error.message, **document(error)}, refused=True)
        except Exception:
            log.exception("a tool failed", tool=params.name)
            raise

    return Server(
        "openbell",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=listed,
        on_call_tool=called,
    )


def described() -> list[types.Tool]:
    """The tools with the schemas of their arguments; all of them only read."""
    only_reads = types.ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )
    return [
        types.Tool(
            name=entry.name,
            description=(entry.function.__doc__ or "").strip(),
            input_schema=entry.arguments.model_json_schema(),
            annotations=only_reads,
        )
        for entry in tool.entries.values()
    ]


def _result(body: dict[str, Any], *, refused: bool = False) -> types.CallToolResult:
    text = types.TextContent(type="text", text=orjson.dumps(body).decode())
    return types.CallToolResult(content=[text], structured_content=body, is_error=refused)
