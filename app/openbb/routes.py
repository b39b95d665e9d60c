"""The backend's routes, below `/api/openbb`: what Workspace is told, and the data of each widget.

Who asks sends a token. A session does not count, whatever page it is sent by: other sites ask here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Depends, Request, Response

from app.api import envelope
from app.api.callers import authorised, refused_late
from app.doors.credentials import CALLER, Visitor
from app.openbb import figures, filings, kernel, market, trading
from app.openbb.apps import apps
from app.openbb.kernel import WIDGETS, widget
from app.openbb.options import options
from core.domain.access.principals import Principal, Role
from core.errors import AccessError, UsageError
from core.service import current
from core.service.desk import Desk
from core.service.kernel import access

MODULES = (market, filings, trading)  # each declares its widgets
PREFIX = "/openbb"
OF_WORKSPACE = ("theme", "raw")  # what it adds to a request by itself
Read = Callable[[Desk], Any]


async def bearer(request: Request, who: Annotated[Principal, Depends(authorised)]) -> Principal:
    """Whose token came with the request; a session is refused as nobody is."""
    caller: Visitor | None = request.scope.get(CALLER)
    if caller is not None and not caller.bearer:
        await refused_late("a session was sent where tokens count")
        raise AccessError("a workspace sends a token", hint="add Authorization: Bearer TOKEN to it")
    return who


Who = Annotated[Principal, Depends(bearer)]


def routes() -> APIRouter:
    """The two files, a route for each widget, and one for each list of choices."""
    router = APIRouter(prefix=PREFIX)
    paths: dict[str, Callable[..., Any]] = {
        "/widgets.json": _told("widgets.json", _widgets),
        "/apps.json": _told("apps.json", apps),
        **{f"/{name}": _of_widget(name) for name in WIDGETS},
        **{f"/{name}": _of_options(name) for name in options.entries},
    }
    for path, endpoint in paths.items():
        router.add_api_route(path, endpoint, methods=["GET"], include_in_schema=False)
    return router


def _widgets(desk: Desk) -> dict[str, Any]:
    return {name: found.document(desk) for name, found in WIDGETS.items()}


def _told(name: str, read: Read) -> Callable[..., Any]:
    """One of the files; it says what the desk holds, so a viewer may read it."""

    async def endpoint(request: Request, who: Who) -> Response:
        with access.acting(who):
            access.require(current.desk(), Role.VIEWER, name)
            _given(request, ())
            return await _answered(read)

    return endpoint


def _of_widget(name: str) -> Callable[..., Any]:
    found = WIDGETS[name]

    async def endpoint(request: Request, who: Who) -> Response:
        with access.acting(who):
            widget.allowed(current.desk(), name)  # before anything is said of what was asked
            given = _given(request, [param.name for param in found.params])
            raw = request.query_params.get("raw", "").lower() in ("true", "1")

            def read(desk: Desk) -> Any:
                made = kernel.shown(found, widget.run(desk, name, given), raw=raw)
                dark = request.query_params.get("theme") != "light"
                drawn = found.kind == "chart" and isinstance(made, dict)
                return figures.themed(made, "dark" if dark else "light") if drawn else made

            return await _answered(read)

    return endpoint


def _of_options(name: str) -> Callable[..., Any]:
    async def endpoint(request: Request, who: Who) -> Response:
        with access.acting(who):
            options.allowed(current.desk(), name)
            _given(request, ())
            return await _answered(lambda desk: options.run(desk, name, {}))

    return endpoint


def _given(request: Request, known: list[str] | tuple[str, ...]) -> dict[str, str]:
    """What was asked; Workspace sends what is not filled in as an empty text."""
    query = request.query_params
    for name in query:
        told = "is no parameter here" if name not in (*known, *OF_WORKSPACE) else ""
        told = told or ("is given twice" if len(query.getlist(name)) > 1 else "")
        if told:
            raise UsageError(f"{name[:60]} {told}", fields=[(name[:60], told)])
    return {name: query[name] for name in known if query.get(name)}


async def _answered(read: Read) -> Response:
    desk = current.desk()
    content = await anyio.to_thread.run_sync(lambda: envelope.amounts(read(desk)))
    headers = {"Cache-Control": "private, no-store"}
    return Response(content, headers=headers, media_type=envelope.JSON)
