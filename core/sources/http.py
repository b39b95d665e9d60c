"""The one HTTP layer under the clients: sessions, deadlines, errors, bounded bodies.

A client says what it asks (`get`), the errors that its own host means, and nothing else: redirects
are refused, each failure is typed and names host and path. What may pass is tried again by `retry`.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl as tls
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import aiohttp
from yarl import URL

from core.errors import (
    AccessError,
    ConnectionLostError,
    DeadlineError,
    ForeignAnswerError,
    NotFoundError,
    OpenbellError,
    ProtocolError,
    RateLimitedError,
    ServerError,
    SizeLimitError,
    TransportError,
)
from core.observe import metrics, traces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp.client_middlewares import ClientHandlerType

REDIRECTS = frozenset({300, 301, 302, 303, 305, 307, 308})
_reused: ContextVar[bool] = ContextVar("reused", default=False)
CONNECT_SECONDS = 30.0
SCHEME_HINT = "check the address in the settings: http or https, host, port and certificate"
_ERRNO = re.compile(r"\[Errno (\d+)\]")
NO_REASON = "cannot connect"
_TLS_ALERT = "\\x15\\x03"  # how a TLS record that tells of an error begins, as a message shows it


class RedirectRefusedError(aiohttp.ClientError):
    """Between the middleware and `transport_errors`, which knows what was asked for."""


def redirected(target: str, what: str, where: str) -> ProtocolError:
    """The refusal of a redirect to an address; it names the host alone."""
    try:
        named = URL(target).host or "another path"
    except ValueError:
        named = "what is no address"
    message = f"{what}: redirected to {named}, which is refused"
    return permanent(ProtocolError(message, where=where))


def where_of(url: URL | str) -> str:
    """Host and path of an address, without credentials and query."""
    try:
        link = URL(url)
        port = f":{link.explicit_port}" if link.explicit_port else ""
    except ValueError:
        return str(url).partition("://")[2].partition("?")[0].rpartition("@")[2]
    return f"{link.host}{port}{link.path}"


def status_error(
    status: int,
    what: str,
    where: str,
    headers: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> OpenbellError | None:
    """The error that a status means; None for 2xx. `now` is what a `Retry-After` date is told from.

    429 and 503 carry the seconds that the other side asks to wait.
    """
    if 200 <= status < 300:
        return None
    wait = RateLimitedError.seconds_asked(
        (headers or {}).get("Retry-After", ""), now or datetime.now(UTC)
    )
    if status == 429 or (status == 503 and wait is not None):
        message = f"{what}: told to slow down ({status})"
        return RateLimitedError(message, where=where, retry_after_seconds=wait)
    if status >= 500:
        return ServerError(f"{what}: the server failed ({status})", where=where)
    return _lasting_status_error(status, what, where)


def _lasting_status_error(status: int, what: str, where: str) -> OpenbellError:
    if status in REDIRECTS:
        return redirected("", what, where)
    if status in (404, 410):
        return NotFoundError(f"{what}: does not exist ({status})", where=where)
    if status in (401, 403, 407):
        return AccessError(
            f"{what}: access refused ({status})", where=where, hint="check token and headers"
        )
    return permanent(ProtocolError(f"{what}: unexpected status {status}", where=where))


E_ = TypeVar("E_", bound=OpenbellError)


def permanent(error: E_) -> E_:
    """The error, marked as one that another try cannot cure."""
    error.transient = False
    return error


def passing(error: E_) -> E_:
    """The error, marked as one that may not come again."""
    error.transient = True
    return error


@contextmanager
def transport_errors(what: str, where: str) -> Iterator[None]:
    """Turns errors of the HTTP library, the socket and the deadline into ours.

    Address, TLS and a wrong scheme are settings: asking again does not mend those.
    """
    try:
        yield
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
        raise malformed(what, where) from None
    except RedirectRefusedError as error:
        raise redirected(str(error), what, where) from None
    except (aiohttp.ClientSSLError, tls.SSLError) as error:
        raise tls_error(error, what, where) from None
    except TimeoutError:
        raise DeadlineError(f"{what}: no answer in time", where=where) from None
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError) as error:
        raise ConnectionLostError(f"{what}: {told(error)}", where=where) from None
    except aiohttp.ClientError as error:
        if is_tls_alert(error):
            raise tls_error(error, what, where) from None
        if isinstance(error, aiohttp.ClientResponseError):  # statuses are judged elsewhere
            raise ForeignAnswerError(f"{what}: {told(error)}", where=where) from None
        raise ProtocolError(f"{what}: {told(error)}", where=where) from None


def malformed(what: str, where: str) -> OpenbellError:
    """The address cannot be asked at all."""
    message = f"{what}: the address is malformed or not http(s)"
    return permanent(TransportError(message, where=where, hint=SCHEME_HINT))


def is_tls_alert(error: BaseException) -> bool:
    """Whether an answer that is no HTTP was an alert: TLS was wanted and none spoken."""
    return _TLS_ALERT in repr(error).replace(r"\\", "\\")


def tls_error(error: Exception, what: str, where: str) -> OpenbellError:
    """TLS failed, or only one side speaks it."""
    return permanent(
        TransportError(f"{what}: TLS failed: {told(error)}", where=where, hint=SCHEME_HINT)
    )


def told(error: Exception) -> str:
    """What a library says of an error, fit for one line of a log."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return _not_connected(error.os_error)
    if isinstance(error, OSError) and not isinstance(error, tls.SSLError):
        reason = _not_connected(error)
        return reason if reason != NO_REASON else _one_line(error)
    return _one_line(error)


def _one_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return "".join(char if char.isprintable() else " " for char in text)[:300]


def _not_connected(error: OSError) -> str:
    """Why there is no connection, in words: the library's own name sockets and settings of TLS.

    Where several addresses were tried, the first one's reason stands for all.
    """
    if isinstance(error, socket.gaierror):
        return "its name has no address (DNS)"
    numbers = _ERRNO.findall(str(error))
    number = error.errno or (int(numbers[0]) if numbers else None)
    return NO_REASON if number is None else os.strerror(number).lower()


class DroppedError(aiohttp.ClientConnectionError):
    """A connection that broke before the answer."""


async def ask_once(
    request: aiohttp.ClientRequest, handler: ClientHandlerType
) -> aiohttp.ClientResponse:
    """Client middleware: keeps the library from asking a second time by itself, past every limit.

    It would after any connection that broke; whether to try again, and when, is for `Retry`. A
    connection kept from before is another matter: the other side had let go of it meanwhile.
    """
    _reused.set(False)
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if _reused.get():
            raise
        raise DroppedError(told(error)) from error


async def _note_reuse(*_: object) -> None:
    _reused.set(True)


def _traces() -> list[aiohttp.TraceConfig]:
    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(_note_reuse)
    return [trace]


def new_session(
    *,
    headers: Mapping[str, str] | None = None,
    connect_seconds: float = CONNECT_SECONDS,
    connections: int = 100,
    ssl: tls.SSLContext | bool = True,
) -> aiohttp.ClientSession:
    """A session as all clients want it: counted, without cookies, redirects or silent unpacking."""
    return aiohttp.ClientSession(
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        read_bufsize=512 * 1024,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds),
        middlewares=(metered, refuse_redirects, ask_once),
        trace_configs=_traces(),
        connector=aiohttp.TCPConnector(limit=connections, ssl=ssl),
    )


@asynccontextmanager
async def get(
    session: aiohttp.ClientSession,
    url: URL | str,
    what: str,
    *,
    headers: Mapping[str, str],
    answer_seconds: float,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer to a GET whatever its status, its body unread; typed errors for all else.

    DeadlineError when its headers have not come within `answer_seconds`.
    """
    with transport_errors(what, where_of(url)):
        async with asyncio.timeout(answer_seconds):
            response = await session.get(url, allow_redirects=False, headers=headers)
    async with response:
        yield response


async def metered(
    request: aiohttp.ClientRequest, handler: ClientHandlerType
) -> aiohttp.ClientResponse:
    """Client middleware: counts each request by host and status, with its time to the headers."""
    host, began = request.url.host or "", time.monotonic()
    try:
        with traces.span(f"request {host}", method=request.method, path=request.url.path):
            response = await handler(request)
    except BaseException:  # a deadline cancels it
        metrics.http_request(host, "error", time.monotonic() - began)
        raise
    metrics.http_request(host, response.status, time.monotonic() - began)
    return response


async def refuse_redirects(
    request: aiohttp.ClientRequest, handler: ClientHandlerType
) -> aiohttp.ClientResponse:
    """Client middleware: a redirect is an error everywhere."""
    response = await handler(request)
    if response.status in REDIRECTS:
        response.close()
        raise RedirectRefusedError(response.headers.get("Location", ""))
    return response


async def chunks(
    response: aiohttp.ClientResponse,
    *,
    max_bytes: int,
    idle_seconds: float,
    what: str,
    hint: str | None = None,
) -> AsyncIterator[bytes]:
    """A body in pieces of at most 256 KiB; SizeLimitError beyond `max_bytes`, DeadlineError when
    nothing comes for `idle_seconds`. `hint` says what to do about one that is too large."""
    where = where_of(response.url)
    if (response.content_length or 0) > max_bytes:
        raise too_large(what, where, max_bytes, hint)
    total = 0
    while True:
        with transport_errors(what, where):
            async with asyncio.timeout(idle_seconds):
                piece = await response.content.read(256 * 1024)
        if not piece:
            return
        total += len(piece)
        if total > max_bytes:
            raise too_large(what, where, max_bytes, hint)
        yield piece


def too_large(what: str, where: str, max_bytes: int, hint: str | None = None) -> SizeLimitError:
    """The error for an answer beyond the limit (bytes)."""
    message = f"{what}: the answer is larger than {max_bytes:,} bytes"
    return SizeLimitError(message, where=where, hint=hint)


async def read_bounded(
    response: aiohttp.ClientResponse, *, max_bytes: int, idle_seconds: float, what: str
) -> bytes:
    """A whole small body."""
    parts = chunks(response, max_bytes=max_bytes, idle_seconds=idle_seconds, what=what)
    return b"".join([part async for part in parts])
