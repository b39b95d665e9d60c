"""The routes of API v1 for the matrix of access: how each is asked, and the role it should need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.api.resources.kernel import RESOURCES
from core.domain.access.principals import Role
from core.service.assistant.tools import tool

READ_BY = Role.VIEWER
ACTS = {  # by hand, so that a role that was declared wrongly is found; all else is read by viewers
    "POST /datasets/{name}/refresh": Role.ANALYST,
    "DELETE /jobs/{id}": Role.ANALYST,
    "POST /plans": Role.ANALYST,
    "POST /plans/{id}/approve": Role.TRADER,
    "POST /plans/{id}/reject": Role.TRADER,
    "POST /plans/{id}/cancel": Role.TRADER,
    "POST /journal/entries": Role.TRADER,
    "POST /journal/entries/{n}/reverse": Role.TRADER,
}
NAMED = {
    "name": "x",
    "cik": 1,
    "accession": "x",
    "date": "latest",
    "symbol": "X",
    "id": "x",
    "n": 1,
}
MEDIA = "application/json, text/event-stream"
WRONG = {"no such argument": 1}  # nothing takes it: what is let through changes nothing


@dataclass(frozen=True, slots=True)
class Asked:
    """One route as it is tried."""

    name: str
    role: Role
    method: str
    path: str
    query: dict[str, Any] | None
    body: dict[str, Any] | None
    kind: str = "resource"


def tools() -> Iterator[Asked]:
    """Every tool of assistants, by the protocol."""
    for name in tool.entries:
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": name, "arguments": WRONG},
        }
        yield Asked(name, READ_BY, "POST", "/api/mcp", None, body, "MCP tool")


def routes() -> Iterator[Asked]:
    """Every route that a resource declares, and every tool."""
    yield from tools()
    for name, found in RESOURCES.items():
        acts = found.kind == "act"
        yield Asked(
            name,
            ACTS.get(name, READ_BY),
            found.method,
            "/api/v1" + found.path.format(**NAMED),
            None if acts else WRONG,
            WRONG if acts else None,
        )


def unlisted() -> list[str]:
    """What acts and stands in no table here, or the other way round."""
    acts = {name for name, found in RESOURCES.items() if found.kind == "act"}
    return [f"resource {name}" for name in sorted(acts ^ set(ACTS))]
