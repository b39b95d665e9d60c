"""The client against the stand-in container on a real socket: the protocol as it really behaves."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from core.errors import (
    ConnectionLostError,
    NotFoundError,
    ProtocolError,
    TransportError,
    UsageError,
)
from core.sandbox.foundry.server import FoundrySandbox, StaticProvider
from core.sources.foundry.client import FoundryClient
from core.sources.pulled import Progress

CSV = b"Name,date,close\nA,2024-01-02,1.5\nB,2024-01-02,2.5\n"
SHA = hashlib.sha256(CSV).hexdigest()
HOUR = timedelta(hours=1)


def sandbox(**more: Any) -> FoundrySandbox:
    """The container with two datasets and one without rows."""
    datasets = {"P": CSV, "Q": b"a\n1\n", "Empty": b"a\n"}
    return FoundrySandbox(StaticProvider(datasets), **more)


def client(url: str, **more: Any) -> FoundryClient:
    """A client that does not wait between tries."""
    chosen = {"idle_seconds": 2.0, "total_seconds": 5.0, "retries": 1, "retry_base_seconds": 0.0}
    return FoundryClient(url, **{**chosen, **more})


async def test_a_dataset_comes_as_text_with_its_version() -> None:
    """Nothing is typed unless asked; the result says version, rows, bytes and messages."""
    async with sandbox() as container, client(container.url) as asked:
        result = await asked.get_single("P")
    assert result.frame.rows() == [("A", "2024-01-02", "1.5"), ("B", "2024-01-02", "2.5")]
    assert (result.sha256, result.bytes, result.rows_read) == (SHA, len(CSV), 2)
    assert (result.announced_rows, result.partial, result.drift) == (2, None, ())
    assert "Downloading all 2 rows of dataset 'P'" in result.messages


async def test_schema_overwrite_types_the_named_columns() -> None:
    """The others stay text; a column that is not there fails."""
    async with sandbox() as container, client(container.url) as asked:
        result = await asked.get_single("P", schema_overwrite={"date": "date", "close": "float"})
        assert result.frame["close"].to_list() == [1.5, 2.5]
        with pytest.raises(Exception, match="missing column 'absent'"):
            await asked.get_single("P", schema_overwrite={"absent": "int"})


async def test_get_makes_one_connection_a_name_and_goes_on_after_a_failure() -> None:
    """Only the first dataset's pointer ever comes, so names are never asked for together."""
    async with sandbox() as container, client(container.url) as asked:
        got = await asked.get(["P", "absent", "Q", "P"])
        assert [frame["names"] for frame in container.frames] == [["P"], ["absent"], ["Q"]]
    assert list(got.results) == ["P", "Q"]
    assert isinstance(got.errors["absent"], NotFoundError)


async def test_pulls_at_the_same_time_do_not_disturb_each_other() -> None:
    """Twenty connections, two datasets: each gets its own bytes."""
    async with sandbox() as container, client(container.url, retries=0) as asked:
        results = await asyncio.gather(*(asked.get_single("PQ"[n % 2]) for n in range(20)))
    assert [result.rows_read for result in results] == [2, 1] * 10


async def test_only_the_first_pointer_comes_for_several_names() -> None:
    """The quirk itself: unknown names vanish without a word, later pointers too."""
    async with (
        sandbox() as container,
        aiohttp.ClientSession() as session,
        session.ws_connect(container.url + "/dataset/get") as socket,
    ):
        await socket.send_json({"names": ["absent", "P", "Q"], "from_dt": "2020-01-01"})
        frames = [await socket.receive_json()]
        while frames[-1]["type"] != "final":
            frames.append(await socket.receive_json())
    assert frames[0]["datasets"] == ["P", "Q"]
    assert frames[-1] == {"type": "final", "success": True, "message": "DONE", "datasets": SHA}


async def test_dates_choose_among_versions_by_the_moment_of_their_pull() -> None:
    """Fresh in the window: used without asking Foundry. None in it: pulled anew, even for the
    past."""
    clock = {"now": datetime(2025, 6, 10, 12, tzinfo=UTC)}
    async with sandbox(now=lambda: clock["now"]) as container, client(container.url) as asked:
        start = clock["now"]
        await asked.get_single("P", start - HOUR, start)
        clock["now"] += 5 * HOUR
        used = await asked.get_single("P", start - HOUR, clock["now"])
        assert len(container.versions) == 1
        assert used.announced_rows is None
        await asked.get_single("P", clock["now"], clock["now"])
        assert len(container.versions) == 2
        await asked.get_single("P", start - 9 * HOUR, start - 8 * HOUR)
        assert len(container.versions) == 3


async def test_bounds_are_inclusive_and_sent_in_utc() -> None:
    """An offset would be dropped: 14:00+02:00 must arrive as 12:00."""
    noon = datetime(2025, 6, 10, 12, tzinfo=UTC)
    paris = noon.astimezone(timezone(2 * HOUR))
    async with sandbox(now=lambda: noon) as container, client(container.url) as asked:
        await asked.get_single("P", paris, paris)
        await asked.get_single("P", paris, paris)
        assert len(container.versions) == 1
        assert container.frames[0]["from_dt"] == "2025-06-10T12:00:00"


async def test_without_dates_a_new_pull_is_made() -> None:
    """Both dates are always sent: absent ones would mean June 2025."""
    async with sandbox() as container, client(container.url) as asked:
        await asked.get_single("P")
        await asked.get_single("P")
        assert len(container.versions) == 2
        assert all(frame["from_dt"] and frame["to_dt"] for frame in container.frames)


async def test_unknown_and_empty_datasets_do_not_exist() -> None:
    """An `error` frame after which nothing comes, and a double final."""
    async with sandbox() as container, client(container.url) as asked:
        with pytest.raises(NotFoundError, match=r"absent: .*127\.0\.0\.1.*/fdtc-api/dataset/get"):
            await asked.get_single("absent")
        with pytest.raises(NotFoundError, match="no rows"):
            await asked.get_single("Empty")


async def test_a_malformed_request_is_refused_with_1008() -> None:
    """A bare final, then the close; the stand-in does as the container does."""
    async with (
        sandbox() as container,
        aiohttp.ClientSession() as session,
        session.ws_connect(container.url + "/dataset/get") as socket,
    ):
        await socket.send_str("{")
        final = await socket.receive_json()
        assert (final["type"], final["success"], "datasets" in final) == ("final", False, False)
        await socket.receive()
        assert socket.close_code == 1008


async def test_heartbeats_keep_a_slow_pull_alive_but_not_for_ever() -> None:
    """They extend the idle deadline and never the total one."""
    slow = {"keepalive_seconds": 0.1, "work_seconds": 1.5}
    async with sandbox(**slow) as container:
        async with client(container.url, idle_seconds=0.8) as asked:
            assert (await asked.get_single("P")).rows_read == 2
        async with client(container.url, idle_seconds=0.8, total_seconds=1.0) as asked:
            with pytest.raises(TransportError, match="not done within 1 seconds"):
                await asked.get_single("P")
    async with (
        sandbox(keepalive_seconds=30, work_seconds=1.5) as container,
        client(container.url, idle_seconds=0.5, retries=0) as asked,
    ):
        with pytest.raises(TransportError, match="silent"):
            await asked.get_single("P")


async def test_csv_first_then_zip_and_the_other_way_round() -> None:
    """`use_zip` turns the order; the member's hash is checked either way."""
    async with sandbox() as container, client(container.url) as asked:
        await asked.get_single("P", use_zip=True)
        assert container.requests[-1].split("/")[-2] == "zip"
        container.faults = {"csv-404"}
        assert (await asked.get_single("P")).sha256 == SHA
        assert [line.split("/")[-2] for line in container.requests[-2:]] == ["csv", "zip"]
        container.faults = {"both-404"}
        with pytest.raises(NotFoundError, match="neither"):
            await asked.get_single("P")


async def test_download_takes_a_sha256_and_nothing_else(tmp_path: Path) -> None:
    """The verified file lands in the folder; what is not a sha256 never leaves the house."""
    async with sandbox() as container, client(container.url) as asked:
        await asked.get_single("P")
        path = await asked.download(SHA, tmp_path)
        assert path.read_bytes() == CSV
        asked_for = len(container.requests)
        for bad in ("../../etc/passwd", SHA.upper(), SHA[:-1]):
            with pytest.raises(UsageError):
                await asked.download(bad, tmp_path)
        assert len(container.requests) == asked_for
        with pytest.raises(NotFoundError):
            await asked.download("0" * 64, tmp_path)
        assert [file.name for file in tmp_path.iterdir()] == [path.name]


async def test_temporary_files_are_gone_after_success_and_failure(tmp_path: Path) -> None:
    """Nothing is left in the download folder."""
    async with sandbox() as container, client(container.url, directory=tmp_path) as asked:
        await asked.get_single("P")
        container.faults = {"drop-mid-body"}
        with pytest.raises(ConnectionLostError):
            await asked.get_single("P")
    assert list(tmp_path.iterdir()) == []


async def test_a_cancelled_pull_stops_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    """Cancellation is the task's: no error of ours hides it."""
    async with (
        sandbox(faults=["silence"]) as container,
        client(container.url, idle_seconds=60, directory=tmp_path) as asked,
    ):
        task = asyncio.create_task(asked.get_single("P"))
        while not container.frames:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 2)
    assert list(tmp_path.iterdir()) == []


async def test_progress_is_heard_by_plain_and_async_hooks() -> None:
    """The container's own messages, then the bytes."""
    plain: list[Progress] = []
    later: list[Progress] = []

    async def hook(progress: Progress) -> None:
        later.append(progress)

    async with sandbox() as container, client(container.url) as asked:
        await asked.get_single("P", on_progress=plain.append)
        await asked.get_single("P", on_progress=hook)
    assert [p.rows for p in plain] == [p.rows for p in later]
    assert plain[-1] == Progress("Downloaded", rows=2, bytes=len(CSV), percent=80.0)
    assert all(p.rows is None for p in plain if p.bytes is None)  # on their way still


async def test_headers_token_and_prefix_reach_every_request() -> None:
    """A proxy in front sees them at the handshake and at the download."""
    seen: list[tuple[str, str, str]] = []

    @web.middleware
    async def note(request: web.Request, handler):
        seen.append((request.path, request.headers["Authorization"], request.headers["X-Desk"]))
        return await handler(request)

    async with sandbox() as inner:
        app = web.Application(middlewares=[note])
        app.add_subapp("/proxy/", inner.app())
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/proxy/fdtc-api/"
        async with client(url, token="t0ken", headers={"X-Desk": "1"}) as asked:
            await asked.get_single("P")
            assert await asked.online()
        await runner.cleanup()
    assert [path.split("/")[1] for path, _, _ in seen] == ["proxy"] * 3
    assert {(token, desk) for _, token, desk in seen} == {("Bearer t0ken", "1")}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate with its key, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key", "-out", "cert"]
    subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "key").read_text() + (folder / "cert").read_text())
    return both


async def test_tls_is_checked_unless_switched_off(certificate: Path) -> None:
    """An unknown certificate stops the pull at once; a trusted one and `ssl=False` let it in."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    async with sandbox() as inner:
        runner = web.AppRunner(inner.app(), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "localhost", 0, ssl_context=server).start()
        url = f"https://localhost:{runner.addresses[0][1]}/fdtc-api"
        async with client(url) as asked:
            with pytest.raises(TransportError, match="TLS failed"):
                await asked.get_single("P")
        trusting = ssl.create_default_context(cafile=str(certificate))
        for chosen in (trusting, False):
            async with client(url, ssl=chosen) as asked:
                assert (await asked.get_single("P")).rows_read == 2
        await runner.cleanup()


async def test_a_closed_port_is_a_lost_connection() -> None:
    """Refused is said with host and dataset."""
    async with sandbox() as container:
        url = container.url
    async with client(url) as asked:
        with pytest.raises(ConnectionLostError, match=r"P: connection refused.*127\.0\.0\.1"):
            await asked.get_single("P")


async def test_a_client_outside_its_context_says_how_to_use_it() -> None:
    """Instead of an attribute error."""
    with pytest.raises(UsageError, match="async with"):
        await client("http://127.0.0.1:1").online()


async def test_rest_posts_are_not_implemented() -> None:
    """As in the container: nothing may be built on them."""
    async with (
        sandbox() as container,
        aiohttp.ClientSession() as session,
        session.post(container.url + "/dataset/versions") as answer,
    ):
        assert answer.status == 501


async def test_health_wants_a_real_answer() -> None:
    """A login page in place of the health answer is an error, not `offline`."""
    async with sandbox() as container, client(container.url) as asked:
        assert await asked.online()

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with client(f"http://127.0.0.1:{runner.addresses[0][1]}") as asked:
        with pytest.raises(ProtocolError, match="HTML"):
            await asked.online()
    await runner.cleanup()
