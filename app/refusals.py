"""What the outermost layers say no with: a problem to callers of the API, a sentence to others."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from core.observe import logs

PLAIN = b"text/plain; charset=utf-8"


def started(
    scope: MutableMapping[str, Any], status: int, sentence: str, kind: str = "http.response"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two ASGI messages of an answer that ends the connection, of that kind.

    Call it under the correlation id of the line of the log that tells of it.
    """
    body, media = (sentence + "\n").encode(), PLAIN
    headers: list[tuple[bytes, bytes]] = []
    if str(scope.get("path")).startswith("/api/"):
        from app.api import problems  # stands behind the layers that refuse

        body = problems.of_status(status, scope["path"], sentence)
        media = problems.MEDIA.encode()
        headers = [(b"x-correlation-id", (logs.correlation_id() or "").encode())]
    headers += [
        (b"content-type", media),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    start = {"type": f"{kind}.start", "status": status, "headers": headers}
    return start, {"type": f"{kind}.body", "body": body}
