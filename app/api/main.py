"""The FastAPI application that is mounted at /api beside the pages."""

from __future__ import annotations

import re

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp

from app.api import (
    commands,
    description,
    documentation,
    events,
    health,
    hooks,
    kept,
    problems,
    router,
)
from app.api.correlating import Correlated
from app.api.heads import Headed, allowed
from app.api.kept import RememberedReads
from app.assistant.http import AssistantEndpoint
from app.openbb import routes as openbb
from core.errors import OpenbellError
from core.observe import work


class _Api(FastAPI):
    """FastAPI under one id for all that happens to a request, its own answer to a fault too."""

    def build_middleware_stack(self) -> ASGIApp:
        """The layers, ours in front of all others."""
        return Headed(Correlated(super().build_middleware_stack()))


def create() -> FastAPI:
    """The application; the desk it serves is that of `core.service.current`."""
    # a slash too many leads nowhere: a redirect would name http behind a proxy that speaks TLS
    app = _Api(title="Openbell", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.include_router(health.router)
    app.include_router(commands.router)
    app.include_router(events.router)
    app.include_router(hooks.router)
    app.include_router(router.routes())
    app.include_router(openbb.routes())
    app.router.routes.append(Route("/mcp", AssistantEndpoint()))
    app.add_route("/docs", documentation.page, include_in_schema=False)
    app.add_exception_handler(OpenbellError, _answer)
    app.add_exception_handler(HTTPException, _nowhere)
    app.add_exception_handler(Exception, _failed)
    app.openapi = lambda: description.describe(app)  # type: ignore[method-assign]
    return app


def mounted() -> Mount:
    """The application at /api with every path below it, also one with a line break in it."""
    mount = Mount("/api", app=create())
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


def served() -> RememberedReads:
    """The application at /api as a desk serves it: packed if asked, kept answers before all else.

    What is kept passes no router and none of the layers behind it, which cost more than it does.
    """
    routed = Router([mounted()], redirect_slashes=False)
    return RememberedReads(GZipMiddleware(routed, minimum_size=kept.PACKED))


async def _answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, OpenbellError)
    body, status = problems.of_error(error, request.url.path), problems.status_of(error)
    if status >= 500:
        work.ERRORS.labels(work.kind_of(error)).inc()
    return Response(body, status, problems.headers_of(error), media_type=problems.MEDIA)


async def _nowhere(request: Request, error: Exception) -> Response:
    """A path that leads nowhere, or a method that it does not have."""
    assert isinstance(error, HTTPException)
    body = problems.of_status(error.status_code, request.url.path)
    headers = dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = allowed(headers["Allow"])
    return Response(body, error.status_code, headers, media_type=problems.MEDIA)


async def _failed(request: Request, error: Exception) -> Response:
    """A fault of the desk's own; it is raised again, and logged by who gave the request its id."""
    work.ERRORS.labels(work.kind_of(error)).inc()
    body = problems.of_status(500, request.url.path, "the desk failed at this; it is in its log")
    return Response(body, 500, media_type=problems.MEDIA)
