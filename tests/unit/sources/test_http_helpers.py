"""Retries and the mapping of statuses, without a network."""

from __future__ import annotations

import random
import socket

import aiohttp
import pytest

from core.errors import (
    AccessError,
    ConnectionLostError,
    NotFoundError,
    OpenbellError,
    ProtocolError,
    RateLimitedError,
    ServerError,
)
from core.sources.http import status_error, told, where_of
from core.sources.retry import Retry


class Clock:
    """A sleep that only takes notes."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Notes the wait."""
        self.waits.append(seconds)


async def _fail_times(retry: Retry, error: OpenbellError, times: int) -> tuple[str, int]:
    calls = 0

    async def operation() -> str:
        nonlocal calls
        calls += 1
        if calls <= times:
            raise error
        return "done"

    return await retry.run(operation), calls


async def test_passing_failures_are_tried_again_with_full_jitter() -> None:
    """Each wait lies between zero and a ceiling that doubles up to the maximum."""
    clock = Clock()
    retry = Retry(6, 1.0, 4.0, random.Random(3).random, clock.sleep)
    assert await _fail_times(retry, ConnectionLostError("x"), 6) == ("done", 7)
    ceilings = [1.0, 2.0, 4.0, 4.0, 4.0, 4.0]
    assert all(0 <= w <= c for w, c in zip(clock.waits, ceilings, strict=True))
    assert len(set(clock.waits)) == 6


async def test_the_last_error_comes_out_when_tries_are_used_up() -> None:
    """The error itself, not a wrapper of the retry library."""
    retry = Retry(2, sleep=Clock().sleep)
    with pytest.raises(ConnectionLostError, match="gone"):
        await _fail_times(retry, ConnectionLostError("gone"), 9)


async def test_lasting_failures_are_not_tried_again() -> None:
    """What does not exist will not exist a second later."""
    clock = Clock()
    with pytest.raises(NotFoundError):
        await _fail_times(Retry(5, sleep=clock.sleep), NotFoundError("x"), 1)
    assert clock.waits == []


async def test_retry_after_is_honoured_up_to_the_longest_wait() -> None:
    """Two seconds are waited exactly; a day is cut to the maximum."""
    for asked, waited in ((2.0, 2.0), (86_400.0, 60.0)):
        clock = Clock()
        error = RateLimitedError("slow", retry_after_seconds=asked)
        await _fail_times(Retry(1, sleep=clock.sleep), error, 1)
        assert clock.waits == [waited]


def test_statuses_have_their_errors() -> None:
    """Each class of answer has one meaning everywhere."""
    expected = {
        200: None,
        204: None,
        302: ProtocolError,
        401: AccessError,
        403: AccessError,
        404: NotFoundError,
        418: ProtocolError,
        429: RateLimitedError,
        500: ServerError,
        503: ServerError,
    }
    for status, kind in expected.items():
        error = status_error(status, "d", "host/path")
        assert (type(error) if error else None) is kind
    assert isinstance(status_error(503, "d", "h", {"Retry-After": "3"}), RateLimitedError)


def test_addresses_lose_credentials_and_query() -> None:
    """An error message must not carry a password."""
    assert where_of("https://me:secret@host:8443/a/b?token=x") == "host:8443/a/b"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 9)"), "connection refused"),
        (OSError("Multiple exceptions: [Errno 101] x, [Errno 111] y"), "network is unreachable"),
        (socket.gaierror(-2, "Name or service not known"), "its name has no address (DNS)"),
        (OSError("no number"), "cannot connect"),
    ],
)
def test_no_connection_is_told_in_words(reason: OSError, said: str) -> None:
    """Not in those of the library: `ssl:default [Connect call failed`."""
    key = aiohttp.client_reqrep.ConnectionKey("h", 9, False, True, None, None, None)  # type: ignore[arg-type]
    assert told(aiohttp.ClientConnectorError(key, reason)) == said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 9)"), "connection refused"),
        (ConnectionResetError(104, "Connection reset by peer"), "connection reset by peer"),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 9, 0, 0), x"),
            "connection refused",
        ),
        (socket.gaierror(-2, "Name or service not known"), "its name has no address (DNS)"),
        (OSError("sent 1000 (OK)"), "sent 1000 (OK)"),
    ],
)
def test_no_connection_is_told_in_words_by_every_library(error: OSError, said: str) -> None:
    """A WebSocket's library raises the bare errors of the system."""
    assert told(error) == said
