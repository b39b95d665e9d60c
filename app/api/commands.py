"""Commands and exports over HTTP, for the command line beside a running desk and for scripts.

Every call needs a token as `Authorization: Bearer …`: that of the data folder's desk.json, or one
that an admin has made. What it may do is decided where it is done, by its owner's role.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import anyio
import anyio.to_thread
import orjson
from fastapi import APIRouter, Depends, Request, Response

from app.api.callers import authorised, while_there
from app.api.description import MEDIA
from app.run import dumps
from core.domain.access.principals import Principal, Role
from core.errors import UsageError
from core.service import current
from core.service.kernel import access, commands, exports

router = APIRouter(prefix="/v1")
Who = Annotated[Principal, Depends(authorised)]


@router.get("/commands")
async def list_commands(who: Who) -> Response:
    """The commands with their first sentences."""
    with access.acting(who):
        access.require(current.desk(), Role.VIEWER, "the list of commands")
    entries = commands.command.entries.values()
    return _json({entry.name: entry.summary for entry in entries})


@router.post("/commands/{name}", include_in_schema=False)
async def run_command(name: str, request: Request, who: Who) -> Response:
    """Run one command with the JSON object in the body as its arguments."""
    arguments = await _object(request)
    desk = current.desk()
    limiter = _queries() if name == "sql" else None

    async def work() -> commands.CommandResult:
        return await anyio.to_thread.run_sync(commands.run, desk, name, arguments, limiter=limiter)

    with access.acting(who):
        result = await while_there(request, work)
    return _json({"document": result.document, "exit_code": result.exit_code})


@router.post("/exports/{name}", include_in_schema=False)
async def run_export(name: str, request: Request, who: Who) -> Response:
    """The bytes of an export: body `{"format": "csv", "filters": {…}}`."""
    body = await _object(request)
    fmt, filters = body.pop("format", "csv"), body.pop("filters", {})
    if body:
        raise UsageError(f"the body holds {', '.join(body)}; it may hold format and filters")
    if not isinstance(fmt, str) or fmt not in MEDIA:
        raise UsageError(f"format must be one of {', '.join(MEDIA)}")
    if not isinstance(filters, dict):
        raise UsageError("filters must be a JSON object")

    def make() -> bytes:
        desk = current.desk()
        return exports.encode(exports.frame_of(desk, name, **filters), fmt)

    with access.acting(who):
        content = await anyio.to_thread.run_sync(make)
    return Response(content, media_type=MEDIA[fmt])


@cache
def _queries() -> anyio.CapacityLimiter:
    """Threads for queries: long ones never take those that the rest of the API needs."""
    return anyio.CapacityLimiter(40)


async def _object(request: Request) -> dict[str, Any]:
    raw = await request.body()
    try:
        # never deeper than 1,024 levels; only what JSON calls white space is an empty body
        body = orjson.loads(raw) if raw else {}
    except ValueError as error:
        raise UsageError(f"the body must be a JSON object: {error}") from None
    if not isinstance(body, dict):
        raise UsageError("the body must be a JSON object")
    return body


def _json(document: Any) -> Response:
    return Response(dumps(document), media_type="application/json")
