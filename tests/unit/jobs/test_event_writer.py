"""The writer of events of hosts and clocks: never waited for, nothing lost for a full disk."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.errors import StoreError
from core.jobs.event_writer import EventWriter
from core.jobs.runner import Runner
from core.observe.events import Event
from core.store import events
from core.store.events import EventFilter
from core.store.warehouse import Warehouse

NOW = datetime(2026, 11, 27, 14, tzinfo=UTC)


def stored(warehouse: Warehouse) -> list[str]:
    return events.page(warehouse, EventFilter(), after="")["message"].to_list()


async def test_what_is_told_is_stored_in_order_by_the_end(warehouse: Warehouse) -> None:
    """Also what was told just before the stop."""
    writer = EventWriter(warehouse, lambda: NOW)
    writer.record(Event.of("scan.made", "a", "before"))
    async with Runner([writer]):
        for number in range(20):
            writer.record(Event.of("scan.made", "a", str(number)))
    assert stored(warehouse) == ["before", *map(str, range(20))]


async def test_a_full_disk_is_waited_out(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be written is written when there is room, before what came after it."""
    tried = asyncio.Event()
    loop = asyncio.get_running_loop()
    real = warehouse.transaction

    def full(**_: Any) -> object:
        loop.call_soon_threadsafe(tried.set)
        raise StoreError("no space")

    monkeypatch.setattr(warehouse, "transaction", full)
    writer = EventWriter(warehouse, lambda: NOW, again_seconds=0.01)
    async with Runner([writer]):
        writer.record(Event.of("scan.made", "a", "first"))
        await asyncio.wait_for(tried.wait(), 5)
        writer.record(Event.of("scan.made", "a", "second"))
        monkeypatch.setattr(warehouse, "transaction", real)
    assert stored(warehouse) == ["first", "second"]


async def test_events_beyond_their_time_are_forgotten(warehouse: Warehouse) -> None:
    """Once the writer runs; those within it stay."""
    with warehouse.transaction() as tx:
        events.add(tx, [Event.of("scan.made", "a", "old")], NOW - timedelta(days=9))
        events.add(tx, [Event.of("scan.made", "a", "new")], NOW - timedelta(days=7))
    async with Runner([EventWriter(warehouse, lambda: NOW, keep=timedelta(days=8))]):
        pass
    assert stored(warehouse) == ["new"]


async def test_a_disk_that_stays_full_to_the_end_is_told(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events that nobody will read are at least counted; the end is not held up by them."""

    def full(**_: Any) -> object:
        raise StoreError("no space")

    monkeypatch.setattr(warehouse, "transaction", full)
    with capture_logs() as lines:
        async with Runner([writer := EventWriter(warehouse, lambda: NOW, again_seconds=0.01)]):
            for number in range(3):
                writer.record(Event.of("scan.made", "a", str(number)))
    assert [line["events"] for line in lines if line["event"] == "events lost"] == [3]


async def test_an_event_that_cannot_be_stored_does_not_end_the_writer(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is put aside, and what comes after it is stored."""
    refused = asyncio.Event()
    loop, real = asyncio.get_running_loop(), events.add

    def add(tx: Any, told: Any, at: datetime) -> None:
        if told[0].message == "bad":
            loop.call_soon_threadsafe(refused.set)
            raise ZeroDivisionError("unforeseen")
        real(tx, told, at)

    monkeypatch.setattr(events, "add", add)
    async with Runner([writer := EventWriter(warehouse, lambda: NOW, again_seconds=0.01)]):
        writer.record(Event.of("scan.made", "a", "bad"))
        await asyncio.wait_for(refused.wait(), 60)
        writer.record(Event.of("scan.made", "a", "good"))
    assert stored(warehouse) == ["good"]
