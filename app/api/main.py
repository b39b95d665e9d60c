"""The FastAPI application that is mounted at /api beside the pages."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response

from app.api import commands, description, events, health
from app.run import dumps
from core.errors import (
    AccessError,
    IntegrityError,
    NotFoundError,
    OpenbellError,
    ParsingError,
    ProtocolError,
    RoleError,
    SizeLimitError,
    TooManyError,
    TransportError,
    ValidationError,
    document,
)
from core.observe import logs

_CORRELATION = re.compile(r"[A-Za-z0-9]{1,64}")
_STATUS: tuple[tuple[type[OpenbellError], int], ...] = (
    (NotFoundError, 404),
    (AccessError, 401),
    (RoleError, 403),
    (TooManyError, 429),
    (SizeLimitError, 413),
    (IntegrityError, 500),  # of what the desk keeps
    (ProtocolError, 500),
    (ParsingError, 422),  # of a file that the caller named
    (ValidationError, 422),
    (TransportError, 503),
    (OpenbellError, 500),
)


def create() -> FastAPI:
    """The application; the desk it serves is that of `core.service.current`."""
    app = FastAPI(title="Openbell", docs_url=None, redoc_url=None)
    app.include_router(health.router)
    app.include_router(commands.router)
    app.include_router(events.router)
    app.add_exception_handler(OpenbellError, _answer)
    app.middleware("http")(_correlate)
    app.openapi = lambda: description.describe(app)  # type: ignore[method-assign]
    return app


async def _answer(_: Request, error: Exception) -> Response:
    assert isinstance(error, OpenbellError)
    status = next(code for kind, code in _STATUS if isinstance(error, kind))
    return Response(dumps(document(error)), status, media_type="application/json")


async def _correlate(
    request: Request, proceed: Callable[[Request], Awaitable[Response]]
) -> Response:
    given = request.headers.get("x-correlation-id", "")
    with logs.correlated(given if _CORRELATION.fullmatch(given) else None) as identifier:
        response = await proceed(request)
        response.headers["X-Correlation-Id"] = identifier
        return response
