"""One suite of faults for every way out: downloads, exchanges and the SEC stand on one HTTP layer.

A server on loopback misbehaves byte by byte; each client must give the same kind of error, ask as
often as it may help and no more, wait as long as it is told, and name host and path.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from core.errors import (
    AccessError,
    BlockedError,
    ConnectionLostError,
    DeadlineError,
    ForeignAnswerError,
    NotFoundError,
    OpenbellError,
    ParsingError,
    ProtocolError,
    QueryFailedError,
    RateLimitedError,
    ServerError,
    SizeLimitError,
    TransportError,
)
from core.sources.foundry.client import FoundryClient
from core.sources.sec.client import SecClient
from core.sources.sec.limit import RateLimiter
from tests.misbehaving import BODY, Reply, Server, answer, hang, says, serving, stall

POINTER = hashlib.sha256(BODY).hexdigest()
RETRIES = 2
LONGEST = 60.0
FINAL = json.dumps({"type": "final", "success": True, "message": "DONE", "datasets": POINTER})


class Waits:
    """A sleep that only takes notes."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def patience(waits: Waits) -> dict[str, Any]:
    """The retries that all clients have here."""
    return {"retries": RETRIES, "retry_max_seconds": LONGEST, "sleep": waits}


async def download(url: str, folder: Path, waits: Waits, seconds: float) -> bytes:
    """A file of the container."""
    async with FoundryClient(url, idle_seconds=seconds, max_bytes=1000, **patience(waits)) as asked:
        path = await asked.download(POINTER, folder)
        return await asyncio.to_thread(path.read_bytes)


async def exchange(url: str, folder: Path, waits: Waits, seconds: float) -> bytes:
    """A question to the container; the version it points at is known already."""
    async with (
        FoundryClient(url, idle_seconds=seconds, directory=folder, **patience(waits)) as asked,
        asked.fetch("Prices Daily", known=POINTER) as found,
    ):
        assert found.sha256 == POINTER
        return BODY


async def sec(url: str, folder: Path, waits: Waits, seconds: float) -> bytes:
    """A document of the SEC."""
    async with SecClient(
        user_agent="Jane jane@example.com",
        data_url=url,
        www_url=url,
        limiter=RateLimiter(10_000),
        timeout_seconds=seconds,
        max_bytes=1000,
        **patience(waits),
    ) as asked:
        return (await asked.data("/doc.json", "sec.facts")).body


CLIENTS = {"download": download, "exchange": exchange, "sec": sec}
PATHS = {"download": f"/dataset/download/csv/{POINTER}", "exchange": "/dataset/get"}
PATHS["sec"] = "/doc.json"
ONCE, ONCE_MORE, AGAIN = 1, 2, 1 + RETRIES
LATER = (ForeignAnswerError, QueryFailedError)  # pass, but not within seconds

FAULTS: dict[str, tuple[Reply, type[OpenbellError], int]] = {
    "429": (says(answer(429)), RateLimitedError, AGAIN),
    "500": (says(answer(500)), ServerError, AGAIN),
    "502": (says(answer(502, b"<html>bad gateway</html>")), ServerError, AGAIN),
    "503": (says(answer(503)), ServerError, AGAIN),
    "503 with a wait": (says(answer(503, Retry_After="1")), RateLimitedError, AGAIN),
    "302": (says(answer(302, Location="http://203.0.113.7/stolen")), ProtocolError, ONCE),
    "302 to nowhere": (says(answer(302, Location="http://[bad")), ProtocolError, ONCE),
    "400": (says(answer(400)), ProtocolError, ONCE),
    "401": (says(answer(401)), AccessError, ONCE),
    "404": (says(answer(404)), NotFoundError, ONCE),
    "410": (says(answer(410)), NotFoundError, ONCE),
    "451": (says(answer(451)), ProtocolError, ONCE),
    "dropped": (says(b""), ConnectionLostError, AGAIN),
    "silent": (hang, DeadlineError, AGAIN),
    "no HTTP": (says(b"SSH-2.0-OpenSSH_9.2\r\n\x00\xff\r\n\r\n"), ForeignAnswerError, ONCE),
}
BODIES: dict[str, tuple[Reply, type[OpenbellError], int]] = {
    "TLS alert": (says(b"\x15\x03\x03\x00\x02\x02\x46"), TransportError, ONCE),
    "cut": (says(answer(200, BODY, Content_Length="500")), ConnectionLostError, AGAIN),
    "stalled": (stall, DeadlineError, AGAIN),
    "larger than allowed": (says(answer(200, b"{" * 2000)), SizeLimitError, ONCE),
    "cut gzip": (
        says(answer(200, gzip.compress(BODY)[:-9], Content_Encoding="gzip")), ParsingError, AGAIN,
    ),
    "unknown encoding": (says(answer(200, Content_Encoding="br")), ProtocolError, ONCE),
}  # fmt: skip


async def must_fail(
    name: str, fault: tuple[Reply, type[OpenbellError], int], folder: Path
) -> tuple[OpenbellError, Waits]:
    """The typed error of a client for a fault, after as many requests as it may make."""
    reply, kind, tries = fault
    waits, seconds = Waits(), 0.1 if kind is DeadlineError else 10.0
    async with serving(Server(reply)) as server, asyncio.timeout(30):
        with pytest.raises(kind) as caught:
            await CLIENTS[name](f"http://127.0.0.1:{server.port}", folder, waits, seconds)
    asked = [path for path in server.paths if path == PATHS[name]]
    assert len(asked) == tries
    assert f"127.0.0.1:{server.port}{PATHS[name]}" in str(caught.value)
    assert caught.value.transient is (tries > ONCE or isinstance(caught.value, LATER))
    return caught.value, waits


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CLIENTS)
async def test_a_fault_means_the_same_to_every_client(
    name: str, fault: str, tmp_path: Path
) -> None:
    """Same kind of error, same number of tries, host and path named; waits are bounded."""
    _, waits = await must_fail(name, FAULTS[fault], tmp_path)
    assert all(0 <= wait <= LONGEST for wait in waits.seconds)
    assert len(waits.seconds) == FAULTS[fault][2] - 1


@pytest.mark.parametrize("fault", BODIES)
@pytest.mark.parametrize("name", ["download", "sec"])
async def test_a_broken_body_means_the_same_to_both_readers(
    name: str, fault: str, tmp_path: Path
) -> None:
    """Cut, stalled, endless, oversized, wrongly packed: never taken for the document."""
    await must_fail(name, BODIES[fault], tmp_path)


@pytest.mark.parametrize(
    ("name", "kind", "tries"),
    [("download", ProtocolError, ONCE_MORE), ("sec", ForeignAnswerError, ONCE)],
)
async def test_a_page_in_place_of_a_document(
    name: str, kind: type[OpenbellError], tries: int, tmp_path: Path
) -> None:
    """Somebody else's answer, or a broken one of the container: both pass, if not in seconds."""
    page = says(answer(200, b"<!doctype html><p>Sign in", Content_Type="text/html"))
    await must_fail(name, (page, kind, tries), tmp_path)


async def test_a_refusal_is_the_secs_way_to_block(tmp_path: Path) -> None:
    """403 shuts a proxy's door, and means a block where the SEC says it; neither is asked again."""
    kinds = {"download": AccessError, "exchange": AccessError, "sec": BlockedError}
    for name, kind in kinds.items():
        await must_fail(name, (says(answer(403)), kind, ONCE), tmp_path)


SOON = timedelta(seconds=30)
ASKED = {
    "seconds": ("7", 7.0, 7.0),
    "no time": ("0", 0.0, 0.0),
    "a day": ("86400", LONGEST, LONGEST),
    "a number beyond measure": ("9" * 40, LONGEST, LONGEST),
    "an instant": (SOON, 20.0, 30.0),
    "an instant long gone": (-SOON, 0.0, 0.0),
    "an instant far off": (1000 * SOON, LONGEST, LONGEST),
}


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("name", CLIENTS)
async def test_retry_after_is_honoured_and_capped(
    name: str, asked: str, status: int, tmp_path: Path
) -> None:
    """By 429 and 503, in seconds and as an HTTP date, never longer than the longest wait."""
    wish, least, most = ASKED[asked]
    text = wish if isinstance(wish, str) else format_datetime(datetime.now(UTC) + wish, usegmt=True)
    fault = (says(answer(status, Retry_After=text)), RateLimitedError, AGAIN)
    _, waits = await must_fail(name, fault, tmp_path)
    assert all(least <= wait <= most for wait in waits.seconds), waits.seconds
    assert len(waits.seconds) == RETRIES


@pytest.mark.parametrize("name", ["download", "sec"])
async def test_a_passing_fault_is_survived(name: str, tmp_path: Path) -> None:
    """One refusal, one dropped connection, then the document."""
    replies = [FAULTS["503"][0], FAULTS["dropped"][0], says(answer(200))]
    async with serving(Server(*replies)) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert await CLIENTS[name](url, tmp_path, Waits(), 10.0) == BODY
    assert len(server.paths) == 3


@pytest.mark.parametrize("name", ["download", "sec"])
async def test_a_connection_that_was_let_go_meanwhile_is_no_failure(
    name: str, tmp_path: Path
) -> None:
    """A server that closes after its answer without saying so: the next question waits for none."""
    waits = Waits()
    silently = says(answer(200, Connection="keep-alive"))
    async with serving(Server(silently)) as server:
        url = f"http://127.0.0.1:{server.port}"
        await TWICE[name](url, tmp_path, waits)
    assert waits.seconds == []
    assert len(server.paths) == 2


async def download_twice(url: str, folder: Path, waits: Waits) -> None:
    """Two files over the connections of one client."""
    async with FoundryClient(url, **patience(waits)) as asked:
        (await asked.download(POINTER, folder)).unlink()
        await asked.download(POINTER, folder)


async def sec_twice(url: str, folder: Path, waits: Waits) -> None:
    """Two documents over the connections of one client."""
    async with SecClient(
        user_agent="Jane jane@example.com",
        data_url=url,
        www_url=url,
        limiter=RateLimiter(10_000),
        **patience(waits),
    ) as asked:
        await asked.data("/doc.json", "sec.facts")
        await asked.data("/doc.json", "sec.facts")


TWICE = {"download": download_twice, "sec": sec_twice}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's TLS with a certificate that nobody has signed."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-keyout", "key", "-out", "cert"]
    subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


@pytest.mark.parametrize("name", CLIENTS)
async def test_faults_of_tls_and_address_are_not_tried_again(
    name: str, certificate: ssl.SSLContext, tmp_path: Path
) -> None:
    """An unknown certificate, TLS that only one side speaks, a scheme or port that is none."""
    waits = Waits()
    async with (
        serving(Server(hang), certificate) as safe,
        serving(Server(says(b"no TLS"), ending=b"")) as plain,
    ):
        for url in (
            f"https://127.0.0.1:{safe.port}",
            f"https://127.0.0.1:{plain.port}",
            f"ftp://127.0.0.1:{plain.port}",
            f"httpx://127.0.0.1:{plain.port}",
        ):
            with pytest.raises(TransportError) as caught:
                await CLIENTS[name](url, tmp_path, waits, 10.0)
            assert not caught.value.transient, url
            assert "127.0.0.1" in str(caught.value)
            assert "http or https" in str(caught.value)
    assert waits.seconds == []
