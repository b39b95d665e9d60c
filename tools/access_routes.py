"""Routes and reads for the matrix of access: how each is asked, and the role it should need."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import core.service
from app.api import main as api
from app.api.resources.kernel import RESOURCES
from core.domain.access.principals import Role
from core.service.assistant.tools import tool
from tools.access_tables import OPENBB, OTHERS, READS

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


def widgets() -> Iterator[Asked]:
    """The backend for OpenBB Workspace."""
    for name in OPENBB:
        yield Asked(name, READ_BY, "GET", f"/api/openbb/{name}", WRONG, None, "widget")


def routes() -> Iterator[Asked]:
    """Every route that a resource declares, every tool and every widget."""
    yield from tools()
    yield from widgets()
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


def reads() -> dict[str, Callable[..., Any]]:
    """Functions of the service that ask for more than a viewer as the first they do, by name."""
    (root,) = core.service.__path__
    found: dict[str, Callable[..., Any]] = {}
    for path in sorted(Path(root).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        names = [node.name for node in functions if _asks_first(node)]
        if names:
            parts = path.relative_to(root).with_suffix("").parts
            module = importlib.import_module(".".join(("core.service", *parts)))
            found |= {f"{path.stem}.{name}": getattr(module, name) for name in names}
    return found


def _asks_first(node: ast.FunctionDef) -> bool:
    """Whether a function begins by `access.require(desk, Role.X, …)` with more than a viewer."""
    body = [line for line in node.body if not isinstance(line, ast.Expr) or _call(line)]
    first = ast.unparse(body[0]) if body else ""
    return first.startswith("access.require(") and "Role.VIEWER" not in first


def _call(line: ast.Expr) -> bool:
    return isinstance(line.value, ast.Call)


def paths(routes: Iterable[Any]) -> Iterator[str]:
    """The paths of an application, those of its routers too."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from paths(inner.routes)
        else:
            yield route.path


def unlisted() -> list[str]:
    """What stands in no table here, or the other way round."""
    acts = {name for name, found in RESOURCES.items() if found.kind == "act"}
    found = set(paths(api.create().routes)) - {f"/v1{r.path}" for r in RESOURCES.values()}
    return [
        *(f"resource {name}" for name in sorted(acts ^ set(ACTS))),
        *(f"route {path}" for path in sorted(found ^ set(OTHERS))),
        *(f"read {name}" for name in sorted(set(reads()) ^ set(READS))),
    ]
