"""Bodies of requests: JSON objects."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import Request

from core.errors import UsageError


async def json_object(request: Request) -> dict[str, Any]:
    """The JSON object in the body, empty without one; UsageError for anything else."""
    raw = await request.body()
    try:
        # never deeper than 1,024 levels; only what JSON calls white space is an empty body
        body = orjson.loads(raw) if raw else {}
    except ValueError as error:
        raise UsageError(f"the body must be a JSON object: {error}") from None
    if not isinstance(body, dict):
        raise UsageError("the body must be a JSON object")
    return body
