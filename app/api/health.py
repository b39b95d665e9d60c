"""Health and metrics: is it alive, is it ready, what is it doing."""

from __future__ import annotations

from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from app.doors.readers import READERS
from app.run import dumps
from core.observe import gauges, metrics
from core.service import current
from core.service.care import gauging, health

router = APIRouter()
_JSON = {"application/json": {"schema": {"type": "object"}}}
_NOT_YET: dict[int | str, dict[str, Any]] = {
    503: {"description": "Not so; the body says what is wrong.", "content": _JSON}
}


@router.get("/health/live")
async def live() -> Response:
    """200 as long as the process answers."""
    return _json({"status": "live"})


@router.get("/health/startup", responses=_NOT_YET)
async def startup() -> Response:
    """200 once the desk is open, or stands by as an engine."""
    up = current.is_open() or bool(current.waiting())
    return _json({"status": "started" if up else "starting"}, 200 if up else 503)


@router.get("/health/ready", responses=_NOT_YET)
async def ready() -> Response:
    """200 when the desk can serve; 503 with the reasons otherwise."""
    asked = (current.desk_or_none(), current.waiting())
    failing = await anyio.to_thread.run_sync(health.readiness, *asked)
    body = {"status": "not ready" if failing else "ready", "failing": failing}
    return _json(body, 503 if failing else 200)


@router.get("/health/detailed", responses=_NOT_YET)
async def detailed() -> Response:
    """Every check as ok, warn or bad with a sentence, and the datasets' freshness; 503 if bad."""
    asked = (current.desk_or_none(), current.waiting())
    report = await anyio.to_thread.run_sync(health.report, *asked)
    return _json(report, 200 if report["ok"] else 503)


@router.get("/metrics", response_class=PlainTextResponse)
async def prometheus() -> Response:
    """Metrics in the Prometheus text format."""
    if desk := current.desk_or_none():
        gauges.SOCKETS_OPEN.set(len(READERS.sockets or ()))
        await anyio.to_thread.run_sync(gauging.gauge, desk)
    return Response(metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def metrics_at_root(_: Request) -> Response:
    """The same at /metrics, where scrapers look when they are told nothing."""
    return await prometheus()


def _json(document: object, status: int = 200) -> Response:
    return Response(dumps(document), status, media_type="application/json")
