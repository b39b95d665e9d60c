"""Webhooks out: a letter as signed JSON, by POST (Standard Webhooks)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import httpx
import orjson

from core.alert_settings import NotifyAddress
from core.errors import (
    ConnectionLostError,
    DeadlineError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    TransportError,
)
from core.sources.outward import signing
from core.sources.outward.letter import Letter

SECONDS = 15.0
GONE = 410
Clock = Callable[[], datetime]


def body_of(letter: Letter) -> bytes:
    """The JSON that is signed: type, timestamp and data, the same at every try."""
    document = {"type": letter.kind, "timestamp": letter.at, "data": letter.data}
    return orjson.dumps(document, default=str, option=orjson.OPT_UTC_Z)


def post(address: NotifyAddress, letter: Letter, now: Clock) -> None:
    """Bring a letter to a webhook; redirects are not followed.

    NotFoundError when it is gone for good (410), else TransportErrors: asking again may help.
    """
    body = body_of(letter)
    signed = signing.headers(address.secrets, letter.letter_id, now(), body)
    sent = {**signed, "content-type": "application/json", "user-agent": "Openbell"}
    host = httpx.URL(address.url).host
    try:
        with httpx.Client(timeout=SECONDS, trust_env=False) as client:
            answer = client.post(address.url, content=body, headers=sent)
    except httpx.TimeoutException as error:
        raise DeadlineError("the webhook did not answer in time", where=host) from error
    except httpx.HTTPError as error:
        raise ConnectionLostError(f"the webhook cannot be reached: {error}", where=host) from error
    _must_be_taken(answer, host)


def _must_be_taken(answer: httpx.Response, host: str) -> None:
    status = answer.status_code
    told = f"the webhook answered {status}"
    if answer.is_success:
        return
    if status == GONE:
        raise NotFoundError(told, where=host, hint="take it out of OPENBELL_NOTIFY_WEBHOOKS")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        seconds = answer.headers.get("retry-after", "")
        wait = float(seconds) if seconds.isdecimal() and len(seconds) < 8 else None
        raise RateLimitedError(told, where=host, retry_after_seconds=wait)
    raise (ServerError if answer.is_server_error else TransportError)(told, where=host)
