"""`Idempotency-Key`: what acts is done once for each key of a caller."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable

import anyio.to_thread
from fastapi import Request, Response

from app.api import problems
from core.domain.access.principals import Principal
from core.domain.access.tokens import PREFIX
from core.errors import OpenbellError, UsageError
from core.service.desk import Desk
from core.service.kernel import once

KEY, AGAIN = "idempotency-key", "Idempotency-Replayed"
_TOKEN = re.compile(rf'"{PREFIX}[A-Za-z0-9_-]{{20,}}"'.encode())


async def once_each(
    desk: Desk, request: Request, who: Principal, act: Callable[[], Awaitable[Response]]
) -> Response:
    """The answer of what acts; with a key that was there before the one that was given then."""
    keys = request.headers.getlist(KEY)
    if not keys:
        return await act()
    if len(keys) > 1:  # others on the way may have looked at another of them
        raise UsageError("an Idempotency-Key is given once")
    key = keys[0]
    digest = await _digest(request)
    kept = await anyio.to_thread.run_sync(once.begin, desk, who, key, digest)
    if kept is not None:
        headers = {AGAIN: "true", **({"Location": kept.location} if kept.location else {})}
        return Response(kept.body, kept.status, headers, media_type=kept.media)
    answer: Response | None = None
    try:
        answer = await _settled(act, request)
    finally:
        final = answer is not None and answer.status_code < 500
        held = _held(answer) if answer is not None and final else None
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(once.finish, desk, who, key, held)
    return answer


async def _settled(act: Callable[[], Awaitable[Response]], request: Request) -> Response:
    """The answer, also when it is a refusal: that is given again, too."""
    try:
        return await act()
    except OpenbellError as error:
        return Response(
            problems.of_error(error, request.url.path),
            problems.status_of(error),
            problems.headers_of(error),
            media_type=problems.MEDIA,
        )


def _held(answer: Response) -> once.KeptCall:
    """What is kept of an answer: all but a token in it, which is shown once and kept nowhere."""
    location = answer.headers.get("location")
    media = answer.headers.get("content-type")
    body = _TOKEN.sub(b"null", bytes(answer.body))
    return once.KeptCall(answer.status_code, media, location, body)


async def _digest(request: Request) -> str:
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + await request.body()).hexdigest()
