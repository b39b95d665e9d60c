"""A container that follows a script of frames: what each ending is, and what a retry costs."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSCloseCode, web

from core.errors import DeadlineError, NotFoundError, ProtocolError, QueryFailedError
from core.sources.foundry.client import FoundryClient

CSV = b"Name,date,close\nA,2024-01-02,1.5\n"
SHA = hashlib.sha256(CSV).hexdigest()
ACCEPTED = {"type": "update", "success": True, "message": "Accepted", "datasets": ["P"]}
FOUND = {"type": "update", "success": True, "message": "Found 1 versions of 'P' between a and b"}
QUERYING = {"type": "update", "success": True, "message": "Downloading dataset 'P' from Foundry"}
NONE_YET = {"type": "neutral", "success": False, "message": "No available versions found for 'P'"}
NO_ROWS = {"type": "final", "success": False, "message": "No rows found for 'P'"}


def final(said: Any) -> dict[str, Any]:
    """A final frame as the service sends it, good or bad."""
    return {"type": "final", "success": True, "message": "DONE", "datasets": said}


class Scripted:
    """One list of steps for each exchange, the last one for all others; a number closes with it."""

    def __init__(self, *scripts: Sequence[Any], archive: bytes | None = None) -> None:
        self.scripts, self.archive = scripts, archive
        self.exchanges = 0

    async def exchange(self, request: web.Request) -> web.WebSocketResponse:
        """Plays the next script, then says nothing."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        script = self.scripts[min(self.exchanges, len(self.scripts) - 1)]
        self.exchanges += 1
        for step in script:
            if isinstance(step, int):
                await socket.close(code=step)
            elif isinstance(step, bytes):
                await socket.send_bytes(step)
            else:
                await socket.send_json(step)
        while not socket.closed:
            await socket.receive()
        return socket

    async def csv(self, _: web.Request) -> web.Response:
        """The one file."""
        return web.Response(body=CSV, content_type="text/csv")

    @asynccontextmanager
    async def asked(self, **more: Any) -> AsyncIterator[FoundryClient]:
        """A client of this container."""
        app = web.Application()
        app.router.add_get("/dataset/get", self.exchange)
        app.router.add_get(f"/dataset/download/csv/{SHA}", self.csv)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        limits = {"idle_seconds": 5.0, "total_seconds": 20.0, "retries": 2} | more
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with FoundryClient(url, retry_base_seconds=0.0, **limits) as client:
                yield client
        finally:
            await runner.cleanup()


@pytest.mark.parametrize("code", [None, *range(1000, 1004), *range(1007, 1012), 3000, 4999])
async def test_any_close_of_an_accepted_request_is_tried_again(code: int | None) -> None:
    """A proxy closes with 1008 as well: only a request that was not taken is refused for good."""
    close = WSCloseCode.OK if code is None else code
    container = Scripted([ACCEPTED, int(close)], [ACCEPTED, final(SHA)])
    async with container.asked() as client:
        assert (await client.get_single("P")).sha256 == SHA
    assert container.exchanges == 2


@pytest.mark.parametrize("before", [[], [{**NO_ROWS, "message": "Malformed"}]])
async def test_a_request_that_was_not_taken_is_refused_for_good(before: list[Any]) -> None:
    """Close 1008 at once, or after a bare final."""
    container = Scripted([*before, 1008])
    async with container.asked() as client:
        with pytest.raises(ProtocolError, match="refused the request"):
            await client.get_single("P")
    assert container.exchanges == 1


@pytest.mark.parametrize(
    "said",
    [
        "Dataset P with SHA256 {} not found.",
        "dataset with sha256: {} could not be found",
        "File /data/csv/{}.csv does not exist",
        "[Errno 2] No such file or directory: '{}.zip'",
    ],
)
async def test_a_version_that_a_sentence_calls_absent_is_looked_for(said: str) -> None:
    """However the sentence names it; the file is verified like any other."""
    container = Scripted([ACCEPTED, FOUND, final(said.format(SHA))])
    async with container.asked() as client:
        assert (await client.get_single("P")).sha256 == SHA


@pytest.mark.parametrize("said", ["CSV dataset not found", "Something broke", f"{SHA} and more"])
async def test_a_known_version_that_does_not_come_has_the_hint(said: str) -> None:
    """No query was made, and asking in the same way finds the same version again."""
    container = Scripted([ACCEPTED, FOUND, final(said)])
    async with container.asked() as client:
        with pytest.raises(NotFoundError, match="Refresh now") as failed:
            await client.get_single("P")
    assert not failed.value.transient
    assert container.exchanges == 1


async def test_a_query_that_failed_after_a_version_was_found_is_a_failed_query() -> None:
    """What was heard last counts."""
    container = Scripted([ACCEPTED, FOUND, QUERYING, final("It broke")])
    async with container.asked() as client:
        with pytest.raises(QueryFailedError, match="It broke"):
            await client.get_single("P")


@pytest.mark.parametrize("kind", ["update", "neutral", "warning"])
async def test_the_last_reason_is_part_of_every_error(kind: str) -> None:
    """Whatever kind of frame gives it, and whatever ends the exchange."""
    quota = {"type": kind, "success": False, "message": "QUOTA exceeded"}
    ends = {"broke": QueryFailedError, None: DeadlineError}
    for end, error in ends.items():
        script = [ACCEPTED, NONE_YET, QUERYING, quota]
        container = Scripted([*script, final("It broke")] if end else script)
        limits = {} if end else {"total_seconds": 0.3}
        async with container.asked(retries=0, **limits) as client:
            with pytest.raises(error, match="QUOTA exceeded"):
                await client.get_single("P")


async def test_an_error_frame_in_the_middle_is_no_unknown_name() -> None:
    """The name was accepted: its query broke."""
    container = Scripted([ACCEPTED, QUERYING, {"type": "error", "message": "QUOTA exceeded"}])
    async with container.asked() as client:
        with pytest.raises(QueryFailedError, match="QUOTA exceeded"):
            await client.get_single("P")
    assert container.exchanges == 1


async def test_no_rows_stay_no_rows_whatever_follows() -> None:
    """A second query would find none either."""
    container = Scripted([ACCEPTED, QUERYING, NO_ROWS, b"binary"])
    async with container.asked() as client:
        with pytest.raises(NotFoundError, match="no rows"):
            await client.get_single("P")
    assert container.exchanges == 1
