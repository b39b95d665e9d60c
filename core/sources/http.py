"""What every HTTP client of Openbell shares: retries, error mapping, redirects, bounded bodies."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from yarl import URL

from core.errors import (
    AccessError,
    ConnectionLostError,
    DeadlineError,
    NotFoundError,
    OpenbellError,
    ProtocolError,
    QueryFailedError,
    RateLimitedError,
    ServerError,
    SizeLimitError,
    TransportError,
)
from core.observe import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp.client_middlewares import ClientHandlerType

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
RetryHook = Callable[[OpenbellError, float], Awaitable[None]]
REDIRECTS = frozenset({300, 301, 302, 303, 305, 307, 308})


@dataclass(frozen=True, slots=True)
class Retry:
    """Tries again after passing failures: full jitter over a doubling wait, `Retry-After` first.

    `retries` is the number of further tries; no wait, asked for or not, exceeds `max_seconds`.
    """

    retries: int = 5
    base_seconds: float = 0.5
    max_seconds: float = 60.0
    rng: random.Random = field(default_factory=random.Random)
    sleep: Sleep = asyncio.sleep

    async def run(
        self, operation: Callable[[], Awaitable[T]], on_retry: RetryHook | None = None
    ) -> T:
        """The operation's result; its last error when the tries are used up."""

        async def told(state: RetryCallState) -> None:
            error = _error(state)
            if on_retry and isinstance(error, OpenbellError):
                await on_retry(error, state.upcoming_sleep)

        attempts = AsyncRetrying(
            stop=stop_after_attempt(self.retries + 1),
            retry=retry_if_exception(_passing),
            wait=lambda state: self.wait_seconds(state.attempt_number, _error(state)),
            sleep=self.sleep,
            before_sleep=told,
            reraise=True,
        )

        async def once() -> T:  # tenacity awaits what it knows to be a coroutine function
            return await operation()

        return await attempts(once)

    def wait_seconds(self, attempt: int, error: BaseException | None) -> float:
        """The wait after try number `attempt` (1 is the first)."""
        asked = error.retry_after_seconds if isinstance(error, RateLimitedError) else None
        if asked is not None:
            return min(asked, self.max_seconds)
        ceiling = min(self.base_seconds * 2.0 ** min(attempt - 1, 30), self.max_seconds)
        return self.rng.uniform(0.0, ceiling)


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _passing(error: BaseException) -> bool:
    """Worth another try at once. A failed query is not: each one costs Foundry a query more."""
    transient = isinstance(error, OpenbellError) and error.transient
    return transient and not isinstance(error, QueryFailedError)


class RedirectRefusedError(aiohttp.ClientError):
    """Between the middleware and `transport_errors`, which knows what was asked for."""


def where_of(url: URL | str) -> str:
    """Host and path of an address, without credentials and query."""
    link = URL(url)
    port = f":{link.explicit_port}" if link.explicit_port else ""
    return f"{link.host}{port}{link.path}"


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds asked for by `Retry-After` (a number or a date); None without a readable one."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())


def status_error(
    status: int, what: str, where: str, headers: Mapping[str, str] | None = None
) -> OpenbellError | None:
    """The error that a status means; None for 2xx."""
    if 200 <= status < 300:
        return None
    wait = retry_after(headers or {}, datetime.now(UTC))
    if status == 429 or (status == 503 and wait is not None):
        message = f"{what}: told to slow down ({status})"
        return RateLimitedError(message, where=where, retry_after_seconds=wait)
    if status >= 500:
        return ServerError(f"{what}: the server failed ({status})", where=where)
    return _lasting_status_error(status, what, where)


def _lasting_status_error(status: int, what: str, where: str) -> OpenbellError:
    if status in REDIRECTS:
        return lasting(ProtocolError(f"{what}: redirected, which is refused", where=where))
    if status in (404, 410):
        return NotFoundError(f"{what}: does not exist ({status})", where=where)
    if status in (401, 403, 407):
        return AccessError(
            f"{what}: access refused ({status})", where=where, hint="check token and headers"
        )
    return lasting(ProtocolError(f"{what}: unexpected status {status}", where=where))


E_ = TypeVar("E_", bound=OpenbellError)


def lasting(error: E_) -> E_:
    """The error, marked as one that another try cannot cure."""
    error.transient = False
    return error


@contextmanager
def transport_errors(what: str, where: str) -> Iterator[None]:
    """Turns errors of aiohttp, the socket and the deadline into ours."""
    try:
        yield
    except aiohttp.WSServerHandshakeError as error:
        headers = dict(error.headers or {})
        raise status_error(error.status, what, where, headers) or ProtocolError(
            f"{what}: the WebSocket was not opened: {error.message}", where=where
        ) from None
    except aiohttp.InvalidURL:
        raise lasting(TransportError(f"{what}: the address is malformed", where=where)) from None
    except RedirectRefusedError as error:
        raise lasting(ProtocolError(f"{what}: {error}", where=where)) from None
    except aiohttp.ClientSSLError as error:
        raise lasting(TransportError(f"{what}: TLS failed: {_told(error)}", where=where)) from None
    except TimeoutError:
        raise DeadlineError(f"{what}: no answer in time", where=where) from None
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
        raise ConnectionLostError(f"{what}: {_told(error)}", where=where) from None
    except aiohttp.ClientError as error:
        raise ProtocolError(f"{what}: {_told(error)}", where=where) from None


def _told(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return "".join(char if char.isprintable() else " " for char in text)[:300]


async def metered(
    request: aiohttp.ClientRequest, handler: ClientHandlerType
) -> aiohttp.ClientResponse:
    """Client middleware: counts each request by host and status, with its time to the headers."""
    host, began = request.url.host or "", time.monotonic()
    try:
        response = await handler(request)
    except (aiohttp.ClientError, OSError):
        metrics.http_request(host, "error", time.monotonic() - began)
        raise
    metrics.http_request(host, response.status, time.monotonic() - began)
    return response


async def refuse_redirects(
    request: aiohttp.ClientRequest, handler: ClientHandlerType
) -> aiohttp.ClientResponse:
    """Client middleware: a redirect is an error everywhere, WebSocket handshakes included."""
    response = await handler(request)
    if response.status in REDIRECTS:
        target = URL(response.headers.get("Location", "")).host or "another path"
        response.close()
        raise RedirectRefusedError(f"redirected to {target}, which is refused")
    return response


async def chunks(
    response: aiohttp.ClientResponse, *, max_bytes: int, idle_seconds: float, what: str
) -> AsyncIterator[bytes]:
    """A body in pieces of at most 256 KiB; SizeLimitError beyond `max_bytes`, DeadlineError when
    nothing comes for `idle_seconds`."""
    where = where_of(response.url)
    if (response.content_length or 0) > max_bytes:
        raise _too_large(what, where, max_bytes)
    total = 0
    while True:
        with transport_errors(what, where):
            async with asyncio.timeout(idle_seconds):
                piece = await response.content.read(256 * 1024)
        if not piece:
            return
        total += len(piece)
        if total > max_bytes:
            raise _too_large(what, where, max_bytes)
        yield piece


def _too_large(what: str, where: str, max_bytes: int) -> SizeLimitError:
    return SizeLimitError(
        f"{what}: the answer is larger than {max_bytes} bytes",
        where=where,
        hint="raise OPENBELL_FOUNDRY_MAX_BYTES if it really is that large",
    )


async def read_bounded(
    response: aiohttp.ClientResponse, *, max_bytes: int, idle_seconds: float, what: str
) -> bytes:
    """A whole small body."""
    parts = chunks(response, max_bytes=max_bytes, idle_seconds=idle_seconds, what=what)
    return b"".join([part async for part in parts])
