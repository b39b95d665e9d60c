"""Pulls from the stand-in SEC into a store: the replayed captures, failures, backfill."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from core.domain.tables.datasets import Dataset, Window
from core.domain.tables.frames import FACTS
from core.errors import BlockedError, NotFoundError, ParsingError, UsageError
from core.jobs.pulling.puller import StoredPull
from core.jobs.pulling.sec import SecSource
from core.sandbox.sec.server import Document, Fault, SecSandbox
from core.sources.pulled import Progress
from core.sources.sec.client import SecClient
from core.sources.sec.limit import RateLimiter
from core.store.facts import facts_as_known_on
from core.store.warehouse import Warehouse
from tests import stand_ins

NOW = datetime(2026, 8, 3, 12, tzinfo=UTC)


class Desk:
    """A stand-in, a store, and pulls between them."""

    def __init__(self, documents: Any, warehouse: Warehouse, ciks: Sequence[int]) -> None:
        self.sandbox = SecSandbox(documents, max_per_second=None)
        self.warehouse = warehouse
        self.ciks = list(ciks)
        self.said: list[str] = []
        self._pulls = 0

    async def pull(self, upstream: str, start: datetime = NOW, end: datetime = NOW) -> StoredPull:
        """One pull of an upstream document."""
        self._pulls += 1
        source = SecSource(self._client, self.warehouse, lambda: self.ciks, lambda: NOW)
        return await source.pull_into(
            Dataset(f"sec.{upstream}", "sec", "x", (), {}, upstream=upstream),
            Window("x", start, end),
            pull_id=f"p{self._pulls}",
            on_progress=self._note,
        )

    def _note(self, progress: Progress) -> None:
        self.said.append(progress.message)

    def _client(self) -> SecClient:
        url = self.sandbox.url
        return SecClient(
            user_agent="Jane jane@example.com",
            data_url=url,
            www_url=url,
            limiter=RateLimiter(10_000),
            retries=0,
        )

    def count(self, table: str) -> int:
        """Rows of a table."""
        rows: int = self.warehouse.read(f"SELECT count(*) FROM {table}").item()
        return rows


@pytest.fixture
async def replayed(captures_or_none: Path | None, warehouse: Warehouse) -> AsyncIterator[Desk]:
    """The captured documents behind the stand-in, or those of simulated companies."""
    provider = stand_ins.served(captures_or_none)
    desk = Desk(provider, warehouse, stand_ins.ciks_with_facts(captures_or_none))
    async with desk.sandbox:
        yield desk


def facts_told(provider: Any, cik: int) -> int:
    """How many facts a company's document tells."""
    body: bytes = provider.document(f"/api/xbrl/companyfacts/CIK{cik:010}.json", {}).body
    return body.count(b'"accn"')


async def test_every_fact_of_every_company_is_stored_once(replayed: Desk) -> None:
    """Counts equal per document; a second pull asks, is told 304 everywhere, writes nothing."""
    told = {cik: facts_told(replayed.sandbox.documents, cik) for cik in replayed.ciks}
    every = sum(told.values())
    first = await replayed.pull("companyfacts")
    assert (first.counts.inserted, first.pulled.partial) == (every, None)
    assert every > 10_000
    found = replayed.warehouse.read("SELECT cik, count(*) FROM facts GROUP BY cik").rows()
    assert dict(found) == told
    second = await replayed.pull("companyfacts")
    assert second.pulled.unchanged
    assert (second.counts.inserted, second.counts.unchanged) == (0, every)
    assert second.pulled.bytes == 0
    assert replayed.warehouse.read("SELECT DISTINCT pull_id FROM facts").rows() == [("p1",)]


APPLE, UNTIL = 320193, date(2024, 11, 10)  # the day after which the older capture knows nothing


@pytest.fixture
def vintages(replayed: Desk, captures_or_none: Path | None) -> tuple[Any, Any, date]:
    """One company as it was told before and is now, and a day until which both are the same."""
    replayed.ciks = [APPLE] if captures_or_none else replayed.ciks[:1]
    pair = (stand_ins.served(captures_or_none, vintage=0), stand_ins.served(captures_or_none))
    return (*pair, UNTIL if captures_or_none else stand_ins.BEFORE)


async def test_the_older_answer_first_then_the_newer(
    replayed: Desk, vintages: tuple[Any, Any, date]
) -> None:
    """The newer state is there, and the older one for a day before; only changes are written."""
    old, new, until = vintages
    was, now = (facts_told(told, replayed.ciks[0]) for told in (old, new))
    replayed.sandbox.documents = old
    older = await replayed.pull("companyfacts")
    replayed.sandbox.documents = new
    newer = await replayed.pull("companyfacts")
    assert (older.counts.inserted, newer.counts.inserted) == (was, now - was)
    assert now > was
    assert facts_as_known_on(replayed.warehouse).height == now
    assert facts_as_known_on(replayed.warehouse, until).height == was
    assert replayed.count("facts_history") == newer.counts.updated


async def test_the_newer_answer_first_then_the_older(
    replayed: Desk, vintages: tuple[Any, Any, date]
) -> None:
    """A mirror that lags undoes nothing; the remark of the pull says so."""
    replayed.sandbox.documents = vintages[1]
    await replayed.pull("companyfacts")
    before = facts_as_known_on(replayed.warehouse).sort(FACTS.key)
    replayed.sandbox.documents = vintages[0]
    older = await replayed.pull("companyfacts")
    assert facts_as_known_on(replayed.warehouse).sort(FACTS.key).equals(before)
    assert (older.counts.inserted, older.counts.updated) == (0, 0)
    assert "older than what is stored, which stays" in (older.pulled.remark() or "")


async def test_submissions_bring_companies_names_and_filings(
    replayed: Desk, captures_or_none: Path | None
) -> None:
    """Every filing of lists and pages; the second pull is unchanged."""
    replayed.ciks = stand_ins.ciks_with_filings(captures_or_none)[:3]
    told: dict[int, int] = {}
    for cik in replayed.ciks:
        body = json.loads(replayed.sandbox.documents.document(_list_of(cik), {}).body)
        pages = [f"/submissions/{page['name']}" for page in body["filings"]["files"]]
        found = [replayed.sandbox.documents.document(page, {}) for page in pages]
        more = [json.loads(page.body) for page in found if page]
        lists = [body["filings"]["recent"], *more]
        told[cik] = len({number for part in lists for number in part["accessionNumber"]})
    stored = await replayed.pull("submissions")
    assert stored.pulled.partial is None
    counts = "SELECT cik, count(*) FROM filings GROUP BY cik"
    assert dict(replayed.warehouse.read(counts).rows()) == told
    assert set(replayed.warehouse.read("SELECT cik FROM companies")["cik"]) == set(told)
    assert (await replayed.pull("submissions")).pulled.unchanged


def _list_of(cik: int) -> str:
    return f"/submissions/CIK{cik:010}.json"


class WithoutPages:
    """Documents without the pages of filings that lists name."""

    def __init__(self, whole: stand_ins.Provider) -> None:
        self._whole = whole
        self.simulated = whole.simulated

    def document(self, path: str, query: Mapping[str, str]) -> Document | None:
        """None for a page, which answers 404."""
        return None if "-submissions-" in path else self._whole.document(path, query)


async def test_a_page_that_is_missing_is_told(
    warehouse: Warehouse, captures_or_none: Path | None
) -> None:
    """A list names a page that answers 404: reported, and the rest comes."""
    whole = stand_ins.served(captures_or_none)
    ciks = [310522, 749647] if captures_or_none else stand_ins.ciks_with_filings(None)
    lists = [json.loads(whole.document(_list_of(cik), {}).body) for cik in ciks]
    paged = [body for body in lists if body["filings"]["files"]][:2]
    desk = Desk(WithoutPages(whole), warehouse, [int(body["cik"]) for body in paged])
    async with desk.sandbox:
        stored = await desk.pull("submissions")
    told = [set(body["filings"]["recent"]["accessionNumber"]) for body in paged]
    assert desk.count("filings") == sum(map(len, told)) > 100
    assert paged[0]["filings"]["files"][0]["name"] in (stored.pulled.remark() or "")
    former = "SELECT value FROM company_identifiers WHERE kind = 'former_name'"
    names = {one["name"] for body in paged for one in body["formerNames"]}
    assert set(warehouse.read(former)["value"]) == names


async def test_the_ticker_map_fills_companies_and_identifiers(replayed: Desk) -> None:
    """Either layout; the second pull is unchanged."""
    body = replayed.sandbox.documents.document("/files/company_tickers_exchange.json", {}).body
    cik, _, ticker, exchange = json.loads(body)["data"][0]
    await replayed.pull("company_tickers_exchange.json")
    listed = "SELECT cik, exchange FROM company_identifiers WHERE kind = 'ticker' AND value = ?"
    assert replayed.warehouse.read(listed, [ticker]).rows() == [(cik, exchange)]
    assert (await replayed.pull("company_tickers_exchange.json")).pulled.unchanged
    await replayed.pull("company_tickers.json")
    assert replayed.warehouse.read(listed, [ticker]).rows() == [(cik, exchange)]


async def test_index_and_feed_add_filings_of_everybody(
    replayed: Desk, captures_or_none: Path | None
) -> None:
    """A day without an index is no failure; filings that are there stay as they are."""
    empty, day = (17, 18) if captures_or_none else (1, 2)  # of March: no capture, a Sunday
    year, filed = (2020, 4031) if captures_or_none else (2026, None)
    days = tuple(datetime(year, 3, at, 16, tzinfo=UTC) for at in (empty, day))
    found = (await replayed.pull("daily-index/form", *days)).counts.inserted
    assert found == (filed or replayed.count("filings")) > 0
    if captures_or_none:  # a Sunday has no window
        assert any("nothing filed on 2020-03-17" in text for text in replayed.said)
    assert (await replayed.pull("daily-index/form", *days)).counts.inserted == 0
    now = datetime(2026, 1, 12, tzinfo=UTC) if captures_or_none else FED
    fed = await replayed.pull("current", now, now)
    assert fed.counts.inserted + fed.counts.unchanged == fed.pulled.rows_read > 50


FED = datetime(2026, 3, 11, tzinfo=UTC)


class Shelf:
    """Facts of companies 1 to 9, each with as many facts as its CIK."""

    def document(self, path: str, query: Mapping[str, str]) -> Document | None:
        cik = int(path[-11:-5]) if path.startswith("/api/") else 0
        if not 1 <= cik <= 9:
            return None
        facts = [
            {"end": f"20{n:02}-12-31", "val": n, "accn": f"a-{n}", "fy": 1, "fp": "FY"}
            | {"form": "10-K", "filed": "2021-01-01"}
            for n in range(1, cik + 1)
        ]
        units = {"us-gaap": {"Assets": {"label": "A", "units": {"USD": facts}}}}
        return Document(json.dumps({"cik": cik, "entityName": f"C{cik}", "facts": units}).encode())


@pytest.fixture
async def small(warehouse: Warehouse) -> AsyncIterator[Desk]:
    """Nine small companies behind the stand-in."""
    desk = Desk(Shelf(), warehouse, range(1, 10))
    async with desk.sandbox:
        yield desk


@pytest.mark.parametrize("fault", ["sec-503", "sec-garbage", "sec-html", "sec-truncated"])
async def test_one_company_that_fails_does_not_stop_the_others(small: Desk, fault: str) -> None:
    """The pull is partial and says which, where and why; asked again, only that one is read."""
    small.sandbox.faults = [Fault(fault, on="CIK0000000003")]
    stored = await small.pull("companyfacts")
    assert small.count("facts") == 45 - 3
    partial = stored.pulled.partial or ""
    assert partial.startswith("1 of 9 companies failed: CIK 3:")
    assert "127.0.0.1" in partial and "/CIK0000000003.json" in partial
    small.sandbox.faults = []
    again = await small.pull("companyfacts")
    assert (again.counts.inserted, again.counts.unchanged) == (3, 42)


async def test_companies_without_facts_are_told_not_failed(small: Desk) -> None:
    """A 404 of a company never seen is a message; of one seen before it is a failure."""
    small.ciks = [1, 77]
    stored = await small.pull("companyfacts")
    assert stored.pulled.partial is None
    assert any("no facts" in text and "CIK0000000077" in text for text in small.said)
    assert "CIK0000000077" in (stored.pulled.remark() or "")
    small.sandbox.faults = [Fault("sec-404", on="CIK0000000001")]
    small.ciks = [1, 2]
    assert "CIK 1" in ((await small.pull("companyfacts")).pulled.partial or "")


async def test_nothing_at_all_is_a_failure(small: Desk) -> None:
    """With the first error, and the good data untouched."""
    await small.pull("companyfacts")
    small.sandbox.faults = [Fault("sec-garbage")]
    with pytest.raises(ParsingError):
        await small.pull("companyfacts")
    small.ciks = [77]
    small.sandbox.faults = []
    with pytest.raises(NotFoundError, match="CIK0000000077"):
        await small.pull("companyfacts")
    assert small.count("facts") == 45


async def test_a_block_stops_the_pull_at_once(small: Desk) -> None:
    """What was asked at the same moment may come; nothing after it is sent."""
    small.ciks = list(range(1, 10)) * 20
    small.sandbox.faults = [Fault("sec-403")]
    with pytest.raises(BlockedError):
        await small.pull("companyfacts")
    assert len(small.sandbox.requests) <= 4


async def test_an_unknown_document_is_wrong_use(small: Desk) -> None:
    """The hint lists what there is."""
    with pytest.raises(UsageError, match="companyfacts"):
        await small.pull("everything")
