"""The door for users of the published client: programs in its words, against the stand-in."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from fastapi import APIRouter

from core.errors import ScheduleError, UsageError
from core.sources.foundry.compat import FoundryDevToolsContainerClient, Refresh, Schedule
from tests.upstreams import Running

CSV = b"id,day,price\n007,2024-01-02,1\n008,2024-01-03,2.5\n"
SHA = hashlib.sha256(CSV).hexdigest()
NOON = datetime(2025, 6, 10, 12, tzinfo=UTC)

# Every call shape of the published examples; names and figures are ours
STREAMING = """
from fastapi import WebSocket
from core.sources.foundry.compat import FoundryDevToolsContainerClient as FDTCC

heard = []

def note(self: FDTCC, message: str):
    if self.log:
        heard.append(f"{self.host}:{self.port} {message}")

async def answer(self: FDTCC, outer_ws: WebSocket, message: str):
    await outer_ws.send_json(message)
    await self.log_func(self, f"passed on: {message['type']}")

client = FDTCC(host="project-fdt-container", port=8000, log=True, log_func=note)

@router.websocket("/stream")
async def stream(outer_ws: WebSocket):
    await outer_ws.accept()
    asked = await outer_ws.receive_json()
    await client.get(outer_ws, asked.get("names", []), answer)
"""
WINDOW = """
from fastapi import WebSocket
from core.sources.foundry.compat import FoundryDevToolsContainerClient as FDTCC, Schedule

schedule = Schedule([{"cycle": "weekly", "day": "Monday", "time": "02:00:00"}])
client = FDTCC(log=True)

@router.websocket("/window")
async def window(ws: WebSocket):
    await ws.accept()
    frame, ok = await client.get_single(
        ws,
        name="Trades Big",
        from_dt=schedule.get_latest_refresh(),
        to_dt=schedule.get_next_refresh(),
    )
    await ws.send_json({"rows": frame.height} if ok else {"error": "nothing"})
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """A container in a thread of its own."""
    with Running({"Trades Big": CSV, "Other": b"a\n1\n"}) as started:
        yield started


@pytest.fixture
def upstreams(running: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """The container, healthy and forgetful, as the one that the settings name."""
    monkeypatch.setenv("OPENBELL_FOUNDRY_URL", running.served.url)
    monkeypatch.setenv("OPENBELL_RETRIES", "0")
    running.served.faults = set()
    running.served.versions.clear()
    running.served.frames.clear()
    return running


class Outer:
    """An outer socket that keeps what it is sent."""

    def __init__(self, asked: object = None) -> None:
        self.asked = asked
        self.sent: list[dict[str, Any]] = []

    async def accept(self) -> None:
        """As a web server's socket."""

    async def receive_json(self) -> object:
        """What the browser asks."""
        return self.asked

    async def send_json(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


async def play(program: str, outer: Outer) -> dict[str, Any]:
    """Runs a program with a router, then its route for a browser; its names."""
    names: dict[str, Any] = {"router": APIRouter()}
    exec(compile(program, "example", "exec", dont_inherit=True), names)
    await names["router"].routes[-1].endpoint(outer)
    return names


async def test_a_program_that_streams_several_names(upstreams: Running) -> None:
    """A plain logger that is awaited, an async hook, the published host and port."""
    outer = Outer({"names": ["Trades Big", "Other"]})
    names = await play(STREAMING, outer)
    finals = [frame["datasets"] for frame in outer.sent if frame["type"] == "final"]
    assert (len(finals), finals[0]) == (2, SHA)
    assert "project-fdt-container:8000 passed on: final" in names["heard"]


async def test_a_program_that_pulls_the_window_of_a_schedule(
    upstreams: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """Default host, port and hooks: frames come wrapped, then the program's own answer."""
    outer = Outer()
    await play(WINDOW, outer)
    assert outer.sent[-1] == {"rows": 2}
    assert outer.sent[-2]["message"]["datasets"] == SHA
    assert "Trades Big: 2 rows" in capsys.readouterr().out


async def test_one_name_is_not_a_list_of_letters(upstreams: Running) -> None:
    """`get` of a text asks for that name and answers its CSV."""
    outer = Outer()
    found = await FoundryDevToolsContainerClient().get(outer, "Trades Big")
    assert found == {"Trades Big": CSV.decode()}
    assert [frame["names"] for frame in upstreams.served.frames] == [["Trades Big"]]
    assert outer.sent[-1]["message"]["type"] == "final"


async def test_another_host_and_port_are_asked_as_given(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the token of the settings, which is meant for another machine."""
    monkeypatch.setenv("OPENBELL_FOUNDRY_TOKEN", "secret")
    port = int(running.served.url.split(":")[2].split("/")[0])
    client = FoundryDevToolsContainerClient("127.0.0.1", port)
    frame, ok = await client.get_single(None, "Trades Big", None, None)
    assert (frame.height, ok) == (2, True)
    assert "Authorization" not in client._client()._headers


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (NOON, NOON + timedelta(hours=1)),
        ("2025-06-10T14:00:00+02:00", "2025-06-10T13:00:00Z"),
        (datetime(2025, 6, 10, 12), "2025-06-10T13:00"),  # noqa: DTZ001 - naive is UTC
    ],
)
async def test_windows_are_instants_or_iso_texts(upstreams: Running, start: Any, end: Any) -> None:
    """With a zone, with Z, without one: the same window."""
    await FoundryDevToolsContainerClient().get_single(None, "Trades Big", start, end, None)
    (frame,) = upstreams.served.frames
    assert (frame["from_dt"], frame["to_dt"]) == ("2025-06-10T12:00:00", "2025-06-10T13:00:00")


async def test_a_bare_date_is_its_midnight_and_nonsense_is_refused(upstreams: Running) -> None:
    """Before anything is asked."""
    client = FoundryDevToolsContainerClient()
    await client.get_single(None, "Trades Big", date(2025, 6, 1), "2025-06-02")
    assert upstreams.served.frames[0]["to_dt"] == "2025-06-02T00:00:00"
    for bad in ("yesterday", 7):
        with pytest.raises(UsageError, match="ISO"):
            await client.get_single(None, "Trades Big", bad, None)  # type: ignore[arg-type]
    assert len(upstreams.served.frames) == 1


async def test_types_are_those_of_polars_or_words(upstreams: Running) -> None:
    """The rest is what all cells fit: a price of 1 does not make the column whole numbers."""
    client = FoundryDevToolsContainerClient()
    asked = {"id": pl.String, "day": "date"}
    frame, _ = await client.get_single(None, "Trades Big", None, None, schema_overwrite=asked)
    assert frame.schema == {"id": pl.String, "day": pl.Date, "price": pl.Float64}
    assert frame["id"].to_list() == ["007", "008"]
    again, ok = await client.download(SHA, schema_overwrite=asked, use_zip=True)
    assert ok and frame.equals(again)
    empty, ok = await client.get_single(
        None, "Trades Big", None, None, schema_overwrite={"day": pl.Int8}
    )
    assert (empty.is_empty(), ok) == (True, False)


async def test_what_fails_is_logged_and_told_by_the_second_value(upstreams: Running) -> None:
    """A dead host, a wrong hash, no such name or sha256: never an exception, never bad data."""
    said: list[str] = []
    client = FoundryDevToolsContainerClient(log_func=lambda _, message: said.append(message))
    upstreams.served.faults = {"sha-mismatch"}
    frame, ok = await client.get_single(None, "Trades Big", None, None)
    assert (frame.is_empty(), ok) == (True, False)
    assert "not the announced file" in said[-1]
    upstreams.served.faults = set()
    assert await client.get(None, ["absent", "Other"]) == {"Other": "a\n1\n"}
    for bad in ("0" * 64, "../../etc/passwd"):
        assert await client.download(bad) == ("Failed", False)


async def test_lost_rows_come_with_false(upstreams: Running) -> None:
    """The frame is there for those who look, and is not called good."""
    upstreams.served.faults = {"rows-lost"}
    upstreams.datasets["Trades Big"] = b"n\n" + b"1\n" * 100
    try:
        frame, ok = await FoundryDevToolsContainerClient().get_single(
            None, "Trades Big", None, None
        )
    finally:
        upstreams.datasets["Trades Big"] = CSV
    assert (frame.height, ok) == (79, False)


async def test_hooks_are_plain_async_or_none(upstreams: Running) -> None:
    """Awaited or not, inside and outside of a hook; a browser that has left stops nothing."""
    kinds: list[str] = []

    async def later(_: object, message: str) -> None:
        await asyncio.sleep(0)
        kinds.append(message)

    def plain(client: FoundryDevToolsContainerClient, _: object, frame: dict[str, Any]) -> None:
        kinds.append(json.dumps(frame))

    client = FoundryDevToolsContainerClient(log_func=later)
    assert (await client.get_single(None, "Other", None, None, plain))[1]
    assert any('"final"' in kind for kind in kinds)
    assert "Other: 1 rows" in kinds
    client.log_func(client, "not awaited")
    await asyncio.sleep(0.01)
    assert "not awaited" in kinds
    silent = FoundryDevToolsContainerClient(log_func=None)
    assert await FoundryDevToolsContainerClient.default_logger(silent, "as published") is None
    assert (await silent.get_single(object(), "Other", None, None))[1]
    assert (await silent.get_single(None, "Other", None, None, None))[1]


def test_a_schedule_has_the_published_argument_names() -> None:
    """And none of its faults: the buffer counts before choosing, days stay as they are."""
    monthly = {"cycle": "monthly", "day": 1, "time": "02:00:00"}
    schedule = Schedule(refreshs=[monthly, Refresh("monthly", 1, "02:00:00")])
    at = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
    assert len(schedule.refreshs) == 2
    assert schedule.get_latest_refresh(date=at) == datetime(2026, 2, 1, 4, tzinfo=UTC)
    assert schedule.get_next_refresh(date=at) == datetime(2026, 3, 1, 4, tzinfo=UTC)
    none = schedule.get_latest_refresh(date=at.isoformat(), buffer_overwrite=timedelta(0))
    assert none == datetime(2026, 3, 1, 2, tzinfo=UTC)
    last = Refresh.init_by_object({"cycle": "monthly", "day": 31, "time": "02:00:00"})
    found = last.get_refresh_datetimes(date=at)
    assert [moment.day for moment in found] == [31, 28, 31]
    assert last.day == 31
    assert last.get_next_refresh(date=at).day == 31
    assert Refresh("weekly", "Friday", "08:00:00").get_latest_refresh(date=at).weekday() == 4
    assert schedule.get_next_refresh() > datetime.now(UTC) - timedelta(seconds=1)


@pytest.mark.parametrize(
    "rule",
    [
        {"cycle": "monthly", "day": 0, "time": "02:00:00"},
        {"cycle": "weekly", "day": "Someday", "time": "02:00:00"},
        {"cycle": "weekly", "day": "Monday"},
        {"cycle": "daily", "day": None, "time": "02:00:00"},
    ],
)
def test_bad_rules_and_naive_dates_are_value_errors(rule: dict[str, Any]) -> None:
    """As in the published client, when the rule is made."""
    with pytest.raises(ValueError):
        Schedule([rule])
    good = Schedule([{"cycle": "weekly", "day": "MONDAY", "time": "02:00:00"}])
    for naive in (datetime(2026, 3, 1), "2026-03-01T00:00:00"):  # noqa: DTZ001
        with pytest.raises(ScheduleError):
            good.get_latest_refresh(date=naive)
        with pytest.raises(ScheduleError):
            good.refreshs[0].get_refresh_datetimes(date=naive)
