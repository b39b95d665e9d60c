"""What the real service was seen to do, row by row: the stand-in does it, the client bears it."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from core.errors import DeadlineError, NotFoundError, ServerError
from core.sandbox.foundry.job import FoundryJob
from core.sandbox.foundry.server import FoundrySandbox, StaticProvider
from core.sources.foundry.client import FoundryClient
from core.sources.foundry.results import FoundryResult

CSV = b"Name,date,close\nA,2024-01-02,1.5\nB,2024-01-02,2.5\n"
SHA = hashlib.sha256(CSV).hexdigest()
HOUR = timedelta(hours=1)
MANY = b"id,value\n" + b"".join(b"%d,%d\n" % (3 * n, n) for n in range(1, 21))


def sandbox(*faults: str, **more: Any) -> FoundrySandbox:
    """The container with a small dataset, and one whose ids have gaps."""
    return FoundrySandbox(StaticProvider({"P": CSV, "Many": MANY}), faults=faults, **more)


def client(url: str, **more: Any) -> FoundryClient:
    """A client that hardly waits between tries."""
    chosen = {"idle_seconds": 5.0, "total_seconds": 20.0, "retries": 2, "retry_base_seconds": 0.0}
    return FoundryClient(url, rng=random.Random(1), **{**chosen, **more})


async def get(container: FoundrySandbox, name: str = "P", *window: datetime) -> FoundryResult:
    """One pull of the container; without a window from now."""
    async with client(container.url) as asked:
        return await asked.get_single(name, *window)


async def frames_of(url: str, name: str, start: str, end: str) -> list[dict]:
    """The frames of one exchange up to the first final, over a plain socket."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/dataset/get") as socket,
    ):
        await socket.send_json({"names": [name], "from_dt": start, "to_dt": end})
        frames = [await socket.receive_json()]
        while frames[-1]["type"] != "final":
            frames.append(await socket.receive_json())
    return frames


# Retries


@pytest.mark.parametrize(
    "fault", ["download-503-once", "drop-mid-body-once", "drop-after-store-once", "drop-once"]
)
async def test_a_retry_costs_no_second_query(fault: str) -> None:
    """Neither after a download that broke off nor after an exchange that did."""
    async with sandbox(fault) as container:
        assert (await get(container)).sha256 == SHA
        assert (container.queries, len(container.versions)) == (1, 1)


async def test_a_broken_download_does_not_make_a_second_exchange() -> None:
    """The known sha256 is downloaded again."""
    async with sandbox("download-503-once") as container:
        await get(container)
        asked = [line.split("/")[3] for line in container.requests]
        assert asked == ["get", "download", "download"]


async def test_after_a_dropped_exchange_the_window_reaches_to_now() -> None:
    """And the count that was announced before the drop still counts."""
    async with sandbox("drop-after-store-once") as container:
        result = await get(container)
        first, second = container.frames
        assert first["from_dt"] == second["from_dt"] == first["to_dt"]
        assert second["to_dt"] > first["to_dt"]
        assert result.announced_rows == 2


async def test_a_window_of_the_past_is_looked_for_again_where_its_version_will_be() -> None:
    """None was in it, so a version of now is made: the retry finds that one."""
    start = datetime(2025, 6, 10, tzinfo=UTC)
    async with sandbox("drop-after-store-once") as container:
        assert (await get(container, "P", start, start + HOUR)).sha256 == SHA
        assert container.queries == 1


async def test_a_window_of_the_past_that_holds_a_version_keeps_its_end() -> None:
    """A newer version outside it must not slip in by the retry."""
    clock = {"now": datetime(2025, 6, 10, 12, tzinfo=UTC)}
    async with sandbox(now=lambda: clock["now"]) as container:
        await get(container)
        container.provider = StaticProvider({"P": CSV + b"C,2024-01-02,9\n"})
        clock["now"] += 5 * HOUR
        await get(container)
        container.faults = {"drop-once"}
        noon = datetime(2025, 6, 10, 12, tzinfo=UTC)
        assert (await get(container, "P", noon - HOUR, noon + HOUR)).sha256 == SHA
        assert container.queries == 2


# What is said


async def test_the_reason_of_a_failed_query_is_part_of_the_error() -> None:
    """The final itself has a generic sentence only."""
    async with sandbox("query-failed") as container:
        with pytest.raises(ServerError, match=r"could not be downloaded.*QUOTA exceeded"):
            await get(container)
        assert container.queries == 1  # another one at once would cost Foundry a query more


async def test_deadlines_name_the_setting_that_bounds_them() -> None:
    """Silence names the idle limit, an endless heartbeat the total one."""
    async with sandbox("silent-write") as container:
        async with client(container.url, idle_seconds=0.1, retries=0) as asked:
            with pytest.raises(DeadlineError, match="OPENBELL_FOUNDRY_IDLE_SECONDS"):
                await asked.get_single("P")
        container.faults = {"slow-headers"}
        async with client(container.url, idle_seconds=0.1, retries=0) as asked:
            with pytest.raises(DeadlineError, match="OPENBELL_FOUNDRY_IDLE_SECONDS"):
                await asked.get_single("P")
        container.faults = {"endless-keepalive"}
        async with client(container.url, total_seconds=0.3, retries=0) as asked:
            with pytest.raises(DeadlineError, match="OPENBELL_FOUNDRY_TOTAL_SECONDS"):
                await asked.get_single("P")


async def test_a_file_that_is_gone_is_found_as_zip_both_ways() -> None:
    """By the 404 of the CSV, and by the sentence in place of the sha256."""
    for fault in ("csv-404", "file-gone"):
        async with sandbox(fault) as container:
            assert (await get(container)).sha256 == SHA
            assert container.requests[-1].split("/")[-2] == "zip"
            assert container.queries == 1
    for fault in ("both-404", "files-gone"):
        async with sandbox(fault) as container:
            with pytest.raises(NotFoundError, match="Refresh now"):
                await get(container)
            assert container.queries == 1


async def test_an_unknown_frame_type_is_told_and_passed_over() -> None:
    """Its pointer is not taken for the answer."""
    async with sandbox("unknown-type") as container:
        result = await get(container)
    assert result.sha256 == SHA
    assert "passed over a frame of unknown type 'finale': DONE" in result.messages


async def test_a_name_is_one_name_and_not_its_letters() -> None:
    """A text is not a list."""
    async with sandbox() as container, client(container.url) as asked:
        container.provider = StaticProvider({"Trades Big": CSV})
        assert list((await asked.get("Trades Big")).results) == ["Trades Big"]
        assert [frame["names"] for frame in container.frames] == [["Trades Big"]]


async def test_frames_reach_their_hook_as_they_came() -> None:
    """All of them, the final one included."""
    frames: list[dict] = []
    async with (
        sandbox() as container,
        client(container.url) as asked,
        asked.fetch("P", on_frame=frames.append),
    ):
        pass
    assert frames[0]["datasets"] == ["P"]
    assert frames[-1] == {"type": "final", "success": True, "message": "DONE", "datasets": SHA}


# The stand-in


async def test_rows_are_announced_before_the_data_and_never_of_a_stored_version() -> None:
    """None at all, none in the window, found: three different frames."""
    async with sandbox() as container:
        first = await frames_of(container.url, "P", "2020-01-01", "2020-01-02")
        second = await frames_of(container.url, "P", "2020-01-01", "2020-01-02")
        found = await frames_of(container.url, "P", "2020-01-01", "2100-01-01")
    assert (first[1]["type"], first[1]["success"]) == ("neutral", False)
    assert (second[1]["type"], second[1]["success"]) == ("update", True)
    assert second[1]["message"].startswith("No versions between")
    said = [frame["message"].split(" ")[0] for frame in first[2:]]
    assert said == ["Downloading", "Downloading", "Dataset", "DONE"]
    assert [frame["message"][:16] for frame in found[1:]] == ["Found 2 versions", "DONE"]


async def test_ids_with_gaps_lose_rows_by_ranges() -> None:
    """Twenty ids up to sixty in three batches of seven... only those up to 21 come."""
    async with sandbox(batch_rows=7) as container:
        result = await get(container, "Many")
    assert result.announced_rows == 20
    assert result.rows_read == 7
    assert result.partial == "the container announced 20 rows but the file has 7: 13 missing"
    assert any("in 3 batch(es)" in message for message in result.messages)


async def test_versions_outlive_a_restart_in_their_directory(tmp_path: Path) -> None:
    """Found again, announced no more; without one they go with the container."""
    start = datetime.now(UTC) - HOUR
    async with sandbox(directory=tmp_path / "kept") as container:
        await get(container)
    async with sandbox(directory=tmp_path / "kept") as container:
        found = await get(container, "P", start, datetime.now(UTC))
        assert (found.sha256, found.announced_rows, container.queries) == (SHA, None, 0)
        container.faults = {"versions-forgotten"}
        await get(container, "P", start, datetime.now(UTC))
        assert container.queries == 1


async def test_writing_has_no_heartbeat_and_querying_has() -> None:
    """As long as a query takes there are heartbeats; a write is silent, however long."""
    async with sandbox(keepalive_seconds=0.01, work_seconds=0.1) as container:
        asking = await frames_of(container.url, "P", "2020-01-01", "2020-01-02")
        container.work_seconds, container.write_seconds = 0.0, 0.1
        writing = await frames_of(container.url, "P", "2020-01-01", "2020-01-02")
    assert any(frame["type"] == "keepalive" for frame in asking)
    assert all(frame["type"] != "keepalive" for frame in writing)


async def test_rows_that_come_late_have_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the stand-in takes to make them, it says that it is at work."""
    plain = FoundryJob._content

    def late(job: FoundryJob, name: str) -> Any:
        time.sleep(0.2)
        return plain(job, name)

    monkeypatch.setattr(FoundryJob, "_content", late)
    async with sandbox(keepalive_seconds=0.02) as container:
        frames = await frames_of(container.url, "P", "2020-01-01", "2020-01-02")
    kinds = [frame["type"] for frame in frames]
    assert kinds.count("keepalive") >= 2
    assert kinds[-1] == "final"


async def test_nobody_is_answered_while_a_csv_is_written() -> None:
    """Not even the health of the container."""
    async with sandbox(write_seconds=0.2) as container, client(container.url) as asked:
        pull = asyncio.create_task(asked.get_single("P"))
        while not container.writing.locked():
            await asyncio.sleep(0.001)
        assert await asked.online()
        assert len(container.versions) == 1
        await pull
