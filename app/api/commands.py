"""Commands and exports over HTTP, for the command line beside a running desk and for scripts.

Every call needs the token of the data folder's desk.json as `Authorization: Bearer …`.
"""

from __future__ import annotations

import secrets
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Depends, Header, Request, Response

from app import address
from app.run import dumps
from core import service
from core.errors import AccessError, UsageError

router = APIRouter(prefix="/v1")
_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
}


def authorised(authorization: str = Header(default="")) -> None:
    """Refuse calls without the desk's token."""
    expected = address.read(service.current().settings.data_dir)
    given = authorization.removeprefix("Bearer ").strip()
    if expected is None or not secrets.compare_digest(given.encode(), expected.token.encode()):
        raise AccessError(
            "the API needs the desk's token",
            hint="send Authorization: Bearer TOKEN; the token is in desk.json in the data folder",
        )


@router.get("/commands", dependencies=[Depends(authorised)])
async def list_commands() -> Response:
    """The commands with their first sentences."""
    entries = service.commands.command.entries.values()
    return _json({entry.name: entry.summary for entry in entries})


@router.post("/commands/{name}", dependencies=[Depends(authorised)])
async def run_command(name: str, request: Request) -> Response:
    """Run one command with the JSON object in the body as its arguments."""
    arguments = await _object(request)
    desk = service.current()
    result = await anyio.to_thread.run_sync(service.commands.run, desk, name, arguments)
    return _json({"document": result.document, "exit_code": result.exit_code})


@router.post("/exports/{name}", dependencies=[Depends(authorised)])
async def run_export(name: str, request: Request) -> Response:
    """The bytes of an export: body `{"format": "csv", "filters": {…}}`."""
    body = await _object(request)
    fmt = str(body.get("format", "csv"))
    filters = body.get("filters") or {}

    def make() -> bytes:
        desk = service.current()
        return service.exports.encode(service.exports.frame_of(desk, name, **filters), fmt)

    content = await anyio.to_thread.run_sync(make)
    return Response(content, media_type=_MEDIA[fmt])


async def _object(request: Request) -> dict[str, Any]:
    try:
        body = await request.json() if await request.body() else {}
    except ValueError:
        raise UsageError("the body must be a JSON object") from None
    if not isinstance(body, dict):
        raise UsageError("the body must be a JSON object")
    return body


def _json(document: Any) -> Response:
    return Response(dumps(document), media_type="application/json")
