"""The SEC client against the stand-in, on real sockets: identity, validators, retries, blocks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.errors import (
    BlockedError,
    ConnectionLostError,
    DeadlineError,
    ForeignAnswerError,
    IntegrityError,
    NotFoundError,
    OpenbellError,
    ProtocolError,
    RateLimitedError,
    ServerError,
    SizeLimitError,
    ValidationError,
)
from core.sandbox.sec.server import FAULTS, Document, Fault, SecSandbox
from core.sources.sec.client import KnownDocument, SecClient
from core.sources.sec.documents import company_facts
from core.sources.sec.limit import Block, RateLimiter

FACTS = Document(json.dumps({"cik": 7, "facts": {}, "pad": "x" * 5000}).encode())
PATH = "/api/xbrl/companyfacts/CIK0000000007.json"


class Shelf:
    """One company's facts."""

    def document(self, path: str, query: Mapping[str, str]) -> Document | None:
        return FACTS if path == PATH else None


@pytest.fixture
async def sandbox() -> AsyncIterator[SecSandbox]:
    """A stand-in on a free port."""
    async with SecSandbox(Shelf(), max_per_second=None) as running:
        yield running


def client(sandbox: SecSandbox, **chosen: Any) -> SecClient:
    """A client that does not wait between tries."""

    async def no_sleep(seconds: float) -> None:
        await asyncio.sleep(0)

    values = {
        "user_agent": "Jane jane@example.com",
        "data_url": sandbox.url,
        "www_url": sandbox.url,
        "limiter": RateLimiter(10_000),
        "timeout_seconds": 5.0,
        "retries": 2,
        "sleep": no_sleep,
    }
    return SecClient(**values | chosen)


async def test_a_document_comes_whole_packed_and_hashed(sandbox: SecSandbox) -> None:
    """The request names us and asks for gzip; the answer carries what the next one can ask with."""
    async with client(sandbox) as sec:
        answer = await company_facts(sec, 7)
    assert answer.body == FACTS.body
    assert answer.wire_bytes < len(answer.body)
    assert answer.etag == FACTS.etag
    sent = sandbox.requests[0].headers
    assert sent["User-Agent"] == "Jane jane@example.com"
    assert "gzip" in sent["Accept-Encoding"]


async def test_a_known_document_is_not_sent_again(sandbox: SecSandbox) -> None:
    """With its ETag the answer is 304, without one the hash tells."""
    async with client(sandbox) as sec:
        first = await company_facts(sec, 7)
        by_tag = await company_facts(sec, 7, KnownDocument(first.etag, None, first.sha256))
        by_hash = await company_facts(sec, 7, KnownDocument(sha256=first.sha256))
    assert by_tag.unchanged and by_hash.unchanged
    assert (by_tag.wire_bytes, by_tag.sha256) == (0, first.sha256)
    assert [seen.status for seen in sandbox.requests] == [200, 304, 200]


EXPECTED: dict[str, tuple[type[OpenbellError], int]] = {
    "sec-403": (BlockedError, 1),
    "sec-404": (NotFoundError, 1),
    "sec-429": (RateLimitedError, 3),
    "sec-503": (ServerError, 3),
    "sec-html": (ForeignAnswerError, 1),  # a page of maintenance passes, but not at once
    "sec-empty": (ForeignAnswerError, 1),
    "sec-truncated": (ConnectionLostError, 3),
    "sec-cut-gzip": (IntegrityError, 3),
    "sec-garbage": (IntegrityError, 3),  # JSON without its end
    "sec-drop": (ConnectionLostError, 3),
    "sec-slow": (DeadlineError, 3),
    "sec-bomb": (SizeLimitError, 1),
    "sec-redirect": (ProtocolError, 1),
}


def test_every_fault_of_the_stand_in_is_expected_somewhere() -> None:
    """None is left to whoever reads the documents."""
    assert set(EXPECTED) == set(FAULTS)


@pytest.mark.parametrize("fault", EXPECTED)
async def test_a_fault_gives_a_typed_error_that_names_its_origin(
    sandbox: SecSandbox, fault: str
) -> None:
    """Passing faults are tried again, lasting ones are not; host, path and dataset are named."""
    sandbox.faults = [Fault(fault)]
    kind, tries = EXPECTED[fault]
    seconds = 0.1 if fault == "sec-slow" else 5.0
    async with client(sandbox, timeout_seconds=seconds) as sec:
        with pytest.raises(kind) as caught:
            await company_facts(sec, 7)
        assert sec.requests == tries
    for part in ("127.0.0.1", PATH, "sec.facts"):
        assert part in str(caught.value)


async def test_a_passing_fault_is_survived(sandbox: SecSandbox) -> None:
    """Two refusals, then the document."""
    sandbox.faults = [Fault("sec-503", times=1), Fault("sec-drop", times=1)]
    async with client(sandbox) as sec:
        assert (await company_facts(sec, 7)).body == FACTS.body


async def test_retry_after_is_honoured_and_capped(sandbox: SecSandbox) -> None:
    """The wait is what the server says, at most the longest one set."""
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    sandbox.faults = [Fault("sec-429", times=1, retry_after="7")]
    sandbox.faults.append(Fault("sec-429", times=1, retry_after="9999"))
    async with client(sandbox, sleep=note, retry_max_seconds=60.0) as sec:
        await company_facts(sec, 7)
    assert waits == [7.0, 60.0]


async def test_retries_wait_with_full_jitter(sandbox: SecSandbox) -> None:
    """Between nothing and a doubling wait."""
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    sandbox.faults = [Fault("sec-503", times=2)]
    async with client(sandbox, sleep=note, retry_base_seconds=1.0, jitter=lambda: 0.5) as sec:
        await company_facts(sec, 7)
    assert waits == [0.5, 1.0]


async def test_a_block_stops_everything_until_it_is_over(
    sandbox: SecSandbox, tmp_path: Path
) -> None:
    """After a 403 page nothing is sent, by this client or another, until the pause has passed."""
    clock = [datetime(2026, 1, 5, tzinfo=UTC)]

    def chosen() -> dict[str, Any]:
        return {"block": Block(tmp_path / "block.json"), "now": lambda: clock[0]}

    sandbox.faults = [Fault("sec-403", times=1)]
    async with client(sandbox, **chosen()) as first, client(sandbox, **chosen()) as second:
        with pytest.raises(BlockedError) as caught:
            await company_facts(first, 7)
        for sec in (first, second):
            with pytest.raises(BlockedError, match="2026-01-05 00:10:00Z"):
                await company_facts(sec, 7)
        assert caught.value.until == clock[0] + timedelta(seconds=600)
        assert len(sandbox.requests) == 1
        clock[0] += timedelta(seconds=601)
        assert (await company_facts(second, 7)).body == FACTS.body


async def test_a_missing_file_of_the_archive_is_no_block(sandbox: SecSandbox) -> None:
    """The archive says AccessDenied of files that do not exist; asking may go on."""
    async with client(sandbox) as sec:
        with pytest.raises(NotFoundError):
            await sec.www("/Archives/edgar/daily-index/2026/QTR1/form.20260101.idx", "x", "text")
        assert (await company_facts(sec, 7)).body == FACTS.body


async def test_the_stand_in_blocks_callers_without_a_contact(sandbox: SecSandbox) -> None:
    """As the SEC does."""
    async with client(sandbox) as sec, sec._open().get(sandbox.url + PATH) as response:
        assert response.status == 403
        assert b"Undeclared Automated Tool" in await response.read()


async def test_live_hosts_are_not_asked_without_a_contact() -> None:
    """The refusal comes before any request."""
    async with SecClient(user_agent="", data_url="https://data.sec.invalid") as sec:
        with pytest.raises(ValidationError, match="OPENBELL_SEC_USER_AGENT"):
            await company_facts(sec, 7)
        assert sec.requests == 0


async def test_the_limit_holds_on_the_wire() -> None:
    """Thirty requests at once reach the stand-in in no second more than ten."""
    async with SecSandbox(Shelf(), max_per_second=10) as sandbox:
        async with client(sandbox, limiter=RateLimiter(8)) as sec:
            await asyncio.gather(*(company_facts(sec, 7) for _ in range(20)))
        assert {seen.status for seen in sandbox.requests} == {200}


async def test_a_body_above_the_limit_is_refused(sandbox: SecSandbox) -> None:
    """Before it is unpacked, by its size on the wire."""
    async with client(sandbox, max_bytes=16) as sec:
        with pytest.raises(SizeLimitError, match="larger than 16 bytes"):
            await company_facts(sec, 7)
