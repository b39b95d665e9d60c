"""The WebSocket to the container: opened, read and closed within deadlines; its errors are ours."""

from __future__ import annotations

import asyncio
import ssl as tls
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.http11 import USER_AGENT
from yarl import URL

from core.errors import (
    ConnectionLostError,
    DeadlineError,
    ForeignAnswerError,
    OpenbellError,
    ProtocolError,
    SizeLimitError,
)
from core.observe import metrics, traces
from core.sources.foundry import wire
from core.sources.http import (
    REDIRECTS,
    malformed,
    passing,
    redirected,
    status_error,
    tls_error,
    told,
    where_of,
)

CLOSE_SECONDS = 1.0
REFUSED = 1008
TOO_BIG = 1009
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_WHO = "see who answers at OPENBELL_FOUNDRY_URL: a proxy's sign-in, or a page of maintenance"


class _Connect(connect):
    """A connection that is made where it was asked for, or not at all."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """No redirect is followed: headers may carry a token."""
        return exc


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """Where and how to open a WebSocket. `ssl` is an SSLContext, True (check) or False.

    `idle_seconds` bounds the opening and each silence.
    """

    url: URL
    headers: Mapping[str, str]
    ssl: tls.SSLContext | bool
    idle_seconds: float

    async def open(self, what: str) -> Socket:
        """An open WebSocket for the dataset `what`; a typed error of the HTTP layer otherwise."""
        where, began = where_of(self.url), time.monotonic()
        status: int | str = "error"
        try:
            with traces.span(f"request {self.url.host}", method="WebSocket", path=self.url.path):
                connection = await self._connected(what, where)
            status = 101
        except InvalidStatus as error:
            status = error.response.status_code
            raise _not_opened(error, what, where) from None
        finally:
            metrics.http_request(self.url.host or "", status, time.monotonic() - began)
        return Socket(connection, self.idle_seconds, what, where)

    async def _connected(self, what: str, where: str) -> ClientConnection:
        try:
            return await self._dialled()
        except InvalidStatus:
            raise
        except TimeoutError:
            raise DeadlineError(f"{what}: no answer in time", where=where) from None
        except tls.SSLError as error:
            raise tls_error(error, what, where) from None
        except (InvalidURI, ValueError):
            raise malformed(what, where) from None
        except OSError as error:
            raise ConnectionLostError(f"{what}: {told(error)}", where=where) from None
        except InvalidHandshake as error:
            raise _no_handshake(error, what, where) from None

    async def _dialled(self) -> ClientConnection:
        scheme = _SCHEMES.get(self.url.scheme)
        if scheme is None:
            raise InvalidURI(str(self.url.with_user(None)), "no scheme of the web")
        names_itself = any(name.lower() == "user-agent" for name in self.headers)
        async with asyncio.timeout(self.idle_seconds):
            return await _Connect(
                str(self.url.with_scheme(scheme)),
                additional_headers=self.headers,
                user_agent_header=None if names_itself else USER_AGENT,
                compression=None,
                proxy=None,
                open_timeout=None,
                ping_interval=None,  # the container is silent while it writes a file
                close_timeout=CLOSE_SECONDS,
                max_size=wire.MAX_FRAME_BYTES,
                ssl=self._context() if scheme == "wss" else None,
            )

    def _context(self) -> tls.SSLContext:
        if isinstance(self.ssl, tls.SSLContext):
            return self.ssl
        context = tls.create_default_context()
        if not self.ssl:
            context.check_hostname = False
            context.verify_mode = tls.CERT_NONE
        return context


def _no_handshake(error: InvalidHandshake, what: str, where: str) -> OpenbellError:
    """The error that an answer which is no HTTP means, or none at all."""
    if isinstance(error, InvalidMessage) and isinstance(error.__cause__, EOFError | OSError):
        return ConnectionLostError(f"{what}: closed without an answer", where=where)
    return ForeignAnswerError(f"{what}: {told(error)}", where=where, hint=_WHO)


def _not_opened(error: InvalidStatus, what: str, where: str) -> OpenbellError:
    """The error that an answer other than 101 means."""
    response = error.response
    if response.status_code in REDIRECTS:
        return redirected(response.headers.get("Location", ""), what, where)
    known = status_error(response.status_code, what, where, dict(response.headers.raw_items()))
    return known or ForeignAnswerError(
        f"{what}: the WebSocket was not opened", where=where, hint=_WHO
    )


class SocketClosedError(Exception):
    """The other side closed the socket; `code` as in RFC 6455, None without a close frame."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class Socket:
    """An open WebSocket: texts go out and come in; anything else is a typed error."""

    def __init__(
        self, connection: ClientConnection, idle_seconds: float, what: str, where: str
    ) -> None:
        self._connection = connection
        self._idle = idle_seconds
        self._what, self._where = what, where

    async def send(self, text: str) -> None:
        """Send a text; ConnectionLostError when the socket is closed."""
        try:
            await self._connection.send(text)
        except (WebSocketException, OSError) as error:
            raise ConnectionLostError(f"{self._what}: {told(error)}", where=self._where) from None

    async def text(self, seconds: float | None = None) -> str:
        """The next text, in time; `SocketClosedError` when the other side has closed."""
        try:
            async with asyncio.timeout(self._idle if seconds is None else seconds):
                message = await self._connection.recv()
        except TimeoutError:
            raise DeadlineError(
                f"{self._what}: the container was silent for {self._idle:g} seconds",
                where=self._where,
            ) from None
        except ConnectionClosed as error:
            self._broken(error)
        if isinstance(message, str):
            return message
        raise ProtocolError(f"{self._what}: a binary frame", where=self._where)

    def _broken(self, error: ConnectionClosed) -> NoReturn:
        """The error behind the end of a connection: theirs, or ours over what they sent."""
        ours = error.sent is not None and not error.rcvd_then_sent
        if not ours or error.sent is None:
            raise SocketClosedError(error.rcvd.code if error.rcvd else None) from None
        if error.sent.code == TOO_BIG:
            raise passing(
                SizeLimitError(
                    f"{self._what}: a frame is larger than {wire.MAX_FRAME_BYTES} bytes",
                    where=self._where,
                )
            ) from None
        raise ProtocolError(
            f"{self._what}: broken WebSocket data: {told(error)}", where=self._where
        ) from None

    async def close(self) -> None:
        """Close it; a server that never answers the close frame does not hold the pull."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connection.close()
                return
        self._connection.transport.abort()
