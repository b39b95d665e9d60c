"""Calls from outside: a signed POST queues a pull (Standard Webhooks)."""

from __future__ import annotations

from typing import Annotated, Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, Path, Request, Response

from app.api.answering import meta_of
from app.api.callers import refused_late
from app.run import dumps
from core.errors import AccessError
from core.service import current
from core.service.pulls import hooks
from core.sources.outward.signing import ID, SIGNATURE, TIME

router = APIRouter(prefix="/v1")
_TEXT = {"type": "string"}
Name = Annotated[str, Path(json_schema_extra={"pattern": "^[A-Za-z0-9_.-]{1,80}$"})]
_DESCRIBED: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": _TEXT}
        for name in (ID, TIME, SIGNATURE)
    ],
    "requestBody": {"required": False, "content": {"application/json": {"schema": {}}}},
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "A pull is queued, or was for this call before.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


@router.post(
    "/hooks/{dataset}",
    status_code=202,
    openapi_extra=_DESCRIBED,
    responses=_ANSWERS,
    response_class=Response,
)
async def hook(dataset: Name, request: Request) -> Response:
    """Queue a pull of a dataset because its source says that there is something new.

    Signed with a secret of OPENBELL_WEBHOOK_SECRETS; a call that comes again is done once.
    """
    desk, body = current.desk(), await request.body()
    given = {name: request.headers.get(name, "") for name in (ID, TIME, SIGNATURE)}
    try:
        found = await anyio.to_thread.run_sync(hooks.receive, desk, dataset, given, body)
    except AccessError:
        await refused_late("a call from outside refused")
        raise
    answer = {"success": True, "data": found, "meta": meta_of(desk)}
    return Response(dumps(answer), 202, media_type="application/json")
