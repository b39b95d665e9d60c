"""Every fault of the stand-in container, on real sockets: a typed error or an honest result."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, date, datetime

import pytest

from benchmarks.fault_cases import CASES
from benchmarks.faults import DATASET, bars, judge
from core.domain.tables.datasets import Window
from core.errors import OpenbellError, UsageError
from core.sandbox.foundry.fault_names import FOUNDRY, known
from core.sandbox.foundry.server import FoundrySandbox, StaticProvider
from core.sources.foundry.client import FoundryClient
from core.sources.foundry.source import FoundrySource
from core.sources.pulled import Pulled

ROWS = 1000
BODY = bars(ROWS)
POINTERS = sorted(fault for fault in CASES if fault.startswith("pointer-"))


def source(url: str, patient: bool) -> FoundrySource:
    """A source with deadlines for a busy machine, or short ones for faults that only time ends."""

    def client() -> FoundryClient:
        return FoundryClient(
            url,
            idle_seconds=10.0 if patient else 0.2,
            total_seconds=30.0 if patient else 0.8,
            max_bytes=1_000_000,
            retries=1,
            retry_base_seconds=0.01,
            retry_max_seconds=0.05,
            rng=random.Random(1),
        )

    return FoundrySource(client, today=lambda: date(2026, 11, 21))


async def pull(sandbox: FoundrySandbox) -> Pulled:
    """One *refresh now*."""
    now = datetime.now(UTC)
    patient = all(CASES[fault] != "DeadlineError" for fault in sandbox.faults)
    return await source(sandbox.url, patient).pull(DATASET, Window(DATASET.name, now, now))


def sandbox(*faults: str) -> FoundrySandbox:
    """The container with one small dataset."""
    provider = StaticProvider({"Prices Daily": BODY})
    return FoundrySandbox(provider, faults=faults, keepalive_seconds=0.05)


@pytest.mark.parametrize("fault", sorted(FOUNDRY))
async def test_each_fault_ends_in_its_typed_error_or_an_honest_result(fault: str) -> None:
    """Within the deadlines, naming host and dataset, and without a row too many."""
    pulled, error = None, None
    async with sandbox(fault) as container, asyncio.timeout(60):
        try:
            pulled = await pull(container)
        except OpenbellError as raised:
            error = raised
    assert judge(CASES[fault], pulled, error, ROWS) == "handled", error or pulled
    if error is not None:
        assert "127.0.0.1" in str(error)


@pytest.mark.parametrize("fault", POINTERS)
async def test_a_bad_pointer_is_refused_before_any_download(fault: str) -> None:
    """No request is made with a pointer that is not a sha256."""
    async with sandbox(fault) as container:
        with pytest.raises(OpenbellError):
            await pull(container)
        assert {line.rpartition("/")[2] for line in container.requests} == {"get"}


async def test_redirects_are_not_followed() -> None:
    """Neither the download's nor the handshake's: the other host hears nothing."""
    for fault in ("redirect", "ws-redirect"):
        async with sandbox() as other, sandbox(fault) as container:
            with pytest.raises(OpenbellError, match=r"redirected to 203\.0\.113\.7"):
                await pull(container)
            assert other.requests == []


async def test_nothing_is_tried_again_where_it_cannot_help() -> None:
    """One connection for a refused login, retries for a dropped socket."""
    for fault, connections in (("ws-401", 1), ("error-frame", 1), ("drop-before-pointer", 2)):
        async with sandbox(fault) as container:
            with pytest.raises(OpenbellError):
                await pull(container)
            assert len(container.requests) == connections, fault


async def test_faults_can_be_switched_while_it_runs() -> None:
    """The container heals and falls ill again without a restart."""
    async with sandbox("close-1000") as container:
        with pytest.raises(OpenbellError):
            await pull(container)
        container.faults = set()
        assert (await pull(container)).rows_read == ROWS


def test_every_fault_has_an_expected_outcome_and_unknown_ones_are_refused() -> None:
    """The list of faults and the table of outcomes do not drift apart."""
    assert set(CASES) == set(FOUNDRY)
    assert len(CASES) >= 29
    with pytest.raises(UsageError, match="there are: array-frame"):
        known(["no-such-fault"])
