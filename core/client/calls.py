"""Calls of the API as data: how each is made, tried again, and its answer read."""

from __future__ import annotations

import io
import json
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import polars as pl

from core.client import given
from core.errors import (
    ConnectionLostError,
    DeadlineError,
    ForeignAnswerError,
    NotFoundError,
    OpenbellError,
    RateLimitedError,
    TransportError,
    UsageError,
    rebuilt,
)

ARROW, JSON = "application/vnd.apache.arrow.stream", "application/json"
NEXT = "X-Openbell-Next"
PASSING = (429, 502, 503, 504)
CONFLICT = 409
PAGE = 1000
LONGEST_WAIT = 30.0
MOST_DOUBLINGS = 60


@dataclass(frozen=True, slots=True)
class ClientCall:
    """One request. What acts has a key, so that trying again does it once."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    accept: str = JSON

    def __post_init__(self) -> None:
        given.place(self.path)

    @property
    def acts(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET"

    def headers(self) -> dict[str, str]:
        """Its headers; a new key for what acts."""
        key = {"Idempotency-Key": uuid.uuid4().hex} if self.acts else {}
        return {"Accept": self.accept, **key}


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try again what may pass, and how long to wait: doubling, with full jitter."""

    retries: int = 4
    base_seconds: float = 0.25

    def __post_init__(self) -> None:
        if given.count(self.retries, "retries") is None:
            raise UsageError("retries is a whole number from 0 on", hint="0: try once")
        given.seconds(self.base_seconds, "base_seconds")

    def seconds(self, tried: int, answer: httpx.Response | None) -> float:
        """The wait after a number of tries; what the desk asks for comes first."""
        wish = answer.headers.get("Retry-After", "") if answer is not None else ""
        asked = RateLimitedError.seconds_asked(wish, datetime.now(UTC))
        if asked is not None:
            return min(asked, LONGEST_WAIT)
        jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
        return min(self.base_seconds * 2.0 ** min(tried, MOST_DOUBLINGS) * jitter, LONGEST_WAIT)


def may_pass(answer: httpx.Response) -> bool:
    """Whether the same call may be answered later: also one whose first try is still under way."""
    waits = answer.status_code == CONFLICT and "Retry-After" in answer.headers
    return waits or answer.status_code in PASSING


def data_of(answer: httpx.Response) -> dict[str, Any]:
    """What a document says of one thing; ForeignAnswerError where it is none of the desk's."""
    try:
        data: dict[str, Any] = answer.json()["data"]
    except (ValueError, KeyError, TypeError):
        raise _foreign(answer) from None
    return data


def frame_of(answer: httpx.Response) -> pl.DataFrame:
    """The rows of an Arrow stream; ForeignAnswerError where it is none, or was cut."""
    try:
        return pl.read_ipc_stream(io.BytesIO(answer.content))
    except (pl.exceptions.PolarsError, OSError):
        raise _foreign(answer) from None


def joined(pages: list[pl.DataFrame], most: int | None) -> pl.DataFrame:
    """The rows of all pages, or the first `most` of them."""
    frame = pl.concat(pages, how="vertical_relaxed")
    return frame if most is None else frame.head(min(most, frame.height))


def checked(answer: httpx.Response) -> httpx.Response:
    """The answer; the desk's own error where it is a refusal, another's if not its own."""
    if answer.is_success:
        return answer
    if not answer.is_error:  # the desk's API leads nowhere else
        raise _foreign(answer)
    try:
        told = answer.json()["error"]
        name, message = str(told["type"]), str(told["message"])
        where, hint = told.get("where"), told.get("hint")
    except (ValueError, KeyError, TypeError):
        raise TransportError(
            f"the desk answered {answer.status_code}", where=str(answer.url)
        ) from None
    raise rebuilt(name, message, where=where, hint=hint)


def _foreign(answer: httpx.Response) -> ForeignAnswerError:
    """What an answer is told as that is no answer of a desk: a proxy's page, or a part of one."""
    told = f"{answer.status_code}, {answer.headers.get('Content-Type', 'no type')[:60]}"
    return ForeignAnswerError(
        f"the answer is not a desk's ({told})",
        where=str(answer.url),
        hint="see whether the address is the desk's, or a proxy in front asks to sign in",
    )


def lost(error: httpx.HTTPError, url: str) -> OpenbellError:
    """What an answer that did not come is told as."""
    kind = DeadlineError if isinstance(error, httpx.TimeoutException) else ConnectionLostError
    hint = "see whether the desk runs: python -m app serve"
    return kind(f"the desk did not answer: {error or type(error).__name__}", where=url, hint=hint)


def address_beside(data_dir: Path | str) -> tuple[str, str]:
    """Address and token of the desk that runs on a data folder; NotFoundError without one."""
    path = Path(data_dir) / "desk.json"
    try:
        told = json.loads(path.read_text("utf-8"))
        return str(told["url"]), str(told["token"])
    except (OSError, ValueError, KeyError) as error:
        hint = "start it: python -m app serve, or give address and token"
        raise NotFoundError("no desk runs on this folder", where=str(path), hint=hint) from error
