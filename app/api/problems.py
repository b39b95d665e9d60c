"""What went wrong, as a problem document (RFC 9457), whatever refused the request.

`error` in it is the error of our own tree, from which the command line makes the same one again.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from app.run import dumps
from core.errors import (
    AccessError,
    ConflictError,
    IntegrityError,
    NotFoundError,
    OpenbellError,
    ParsingError,
    ProtocolError,
    RoleError,
    SizeLimitError,
    TooManyError,
    TransportError,
    UnderWayError,
    UsageError,
    ValidationError,
    document,
)
from core.observe import logs

MEDIA = "application/problem+json"
DOCS = "/api/docs"
SHOWN_FIELDS = 20  # what is refused is not sent back whole


class NotAcceptableError(OpenbellError):
    """None of the media types that are asked for is there."""


STATUS: tuple[tuple[type[OpenbellError], int], ...] = (
    (NotFoundError, 404),
    (NotAcceptableError, 406),
    (AccessError, 401),
    (RoleError, 403),
    (TooManyError, 429),
    (ConflictError, 409),
    (SizeLimitError, 413),
    (IntegrityError, 500),  # of what the desk keeps
    (ProtocolError, 500),
    (ParsingError, 422),  # of a file that the caller named
    (ValidationError, 422),
    (TransportError, 503),
    (OpenbellError, 500),
)


HINTS = {  # where the error itself has none
    400: "see OPENBELL_ALLOWED_HOSTS, and ask by the name or address that the desk is told of",
    401: "send Authorization: Bearer TOKEN; an admin of the desk makes one",
    403: "ask an admin of the desk",
    404: f"see {DOCS} for what there is, and the lists for what is held",
    405: f"see {DOCS} for the methods of this path, and the header Allow",
    408: "send the whole request at once",
    409: "look what came of the first call, then ask again",
    413: "send less at once: a body in parts, a list in pages",
    422: f"see {DOCS} for what this call takes",
    429: "ask again after the seconds of Retry-After",
    431: "send fewer or shorter headers",
    503: "ask again in a moment; see /datasets and /api/health/ready for what is down",
}
ELSE = "give an admin the correlation id: the desk's log has what went wrong under it"


def status_of(error: OpenbellError) -> int:
    """The status that an error is answered with."""
    return next(code for kind, code in STATUS if isinstance(error, kind))


def headers_of(error: OpenbellError) -> dict[str, str]:
    """What else an answer says: when to ask again, and that a token is wanted."""
    if isinstance(error, TooManyError):
        return {"Retry-After": str(error.retry_after_seconds)}
    if isinstance(error, UnderWayError):
        return {"Retry-After": "1"}
    if isinstance(error, AccessError):
        return {"WWW-Authenticate": 'Bearer realm="openbell"'}
    return {}


def of_error(error: OpenbellError, path: str) -> bytes:
    """An error of ours as a problem of that path."""
    fields = error.fields if isinstance(error, UsageError) else ()
    made = _problem(
        type(error).__name__,
        status_of(error),
        str(error) if error.where else error.message,
        path,
        hint=error.hint,
        errors=[{"field": field, "message": message} for field, message in fields[:SHOWN_FIELDS]],
    )
    return dumps({**made, **document(error)})


def of_status(status: int, path: str, detail: str = "") -> bytes:
    """A problem that no error of ours stands for, such as a path that leads nowhere."""
    error = OpenbellError(detail or HTTPStatus(status).description or HTTPStatus(status).phrase)
    made = _problem("HTTP", status, error.message, path)
    return dumps({**made, **document(error)})


def _problem(
    kind: str,
    status: int,
    detail: str,
    path: str,
    *,
    hint: str | None = None,
    errors: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    return {
        "type": f"{DOCS}#{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": path,
        "success": False,
        "hint": hint or HINTS.get(status, ELSE),
        "correlation_id": logs.correlation_id(),
        "errors": errors or [],
    }
