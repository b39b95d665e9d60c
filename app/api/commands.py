"""Commands and exports over HTTP, for the command line beside a running desk and for scripts.

Every call needs a token as `Authorization: Bearer …`: that of the data folder's desk.json, or one
that an admin has made. What it may do is decided where it is done, by its owner's role.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Request, Response

from app.api.bodies import json_object
from app.api.callers import authorised, while_there
from app.api.description import MEDIA
from app.api.once import once_each
from app.run import dumps
from core.domain.access.principals import Principal, Role
from core.errors import UsageError
from core.service import current
from core.service.kernel import access, commands, exports

router = APIRouter(prefix="/v1")
SHOWN_KEYS = 5  # of a body that holds too many
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
    arguments = await json_object(request)
    desk = current.desk()
    limiter = _queries() if name == "sql" else None

    async def work() -> commands.CommandResult:
        return await anyio.to_thread.run_sync(commands.run, desk, name, arguments, limiter=limiter)

    async def done() -> Response:
        result = await while_there(request, work)
        return _json({"document": result.document, "exit_code": result.exit_code})

    with access.acting(who):
        commands.command.allowed(desk, name)  # also for the answer that was given before
        return await once_each(desk, request, who, done)


@router.post("/exports/{name}", include_in_schema=False)
async def run_export(name: str, request: Request, who: Who) -> Response:
    """The bytes of an export: body `{"format": "csv", "filters": {…}}`."""
    body = await json_object(request)
    fmt, filters = body.pop("format", "csv"), body.pop("filters", {})
    if body:
        others = ", ".join(list(body)[:SHOWN_KEYS])
        raise UsageError(f"the body holds {others[:200]}; it may hold format and filters")
    if not isinstance(fmt, str) or fmt not in MEDIA:
        raise UsageError(f"format must be one of {', '.join(MEDIA)}")
    if not isinstance(filters, dict):
        raise UsageError("filters must be a JSON object")

    return await _exported(who, name, fmt, filters)


@router.get("/exports/{name}", include_in_schema=False)
async def get_export(name: str, request: Request, who: Who) -> Response:
    """The bytes of an export: `?format=csv` and its filters as they are named."""
    filters = dict(request.query_params)
    if len(filters) != len(request.query_params.multi_items()):
        raise UsageError("each filter of an export is given once")
    fmt = filters.pop("format", "csv")
    if fmt not in MEDIA:
        raise UsageError(f"format must be one of {', '.join(MEDIA)}")
    return await _exported(who, name, fmt, filters)


async def _exported(who: Principal, name: str, fmt: str, filters: dict[str, Any]) -> Response:
    def make() -> bytes:
        return exports.encode(exports.frame_of(current.desk(), name, **filters), fmt)

    with access.acting(who):
        content = await anyio.to_thread.run_sync(make)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{fmt}"'}
    return Response(content, headers=headers, media_type=MEDIA[fmt])


@cache
def _queries() -> anyio.CapacityLimiter:
    """Threads for queries: long ones never take those that the rest of the API needs."""
    return anyio.CapacityLimiter(40)


def _json(document: Any) -> Response:
    return Response(dumps(document), media_type="application/json")
