"""Pulls from the stand-in SEC into a store: the replayed captures, failures, backfill."""

from __future__ import annotations

import gzip
import json
import zipfile
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
from core.jobs.pulling.sec_backfill import BackfillSource
from core.sandbox.sec.replay import ReplayProvider
from core.sandbox.sec.server import Document, Fault, SecSandbox
from core.sources.pulled import Progress
from core.sources.sec.client import SecClient
from core.sources.sec.limit import RateLimiter
from core.store.facts import facts_as_known_on
from core.store.warehouse import Warehouse

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
async def replayed(shared_data: Path, warehouse: Warehouse) -> AsyncIterator[Desk]:
    """The captured documents behind the stand-in."""
    provider = ReplayProvider(shared_data)
    desk = Desk(provider, warehouse, provider.companies())
    async with desk.sandbox:
        yield desk


async def test_every_fact_of_every_captured_company_is_stored_once(
    replayed: Desk, shared_data: Path
) -> None:
    """Counts equal per file; a second pull asks, is told 304 everywhere, and writes nothing."""
    first = await replayed.pull("companyfacts")
    assert (first.counts.inserted, first.pulled.partial) == (370_651, None)
    stored = dict(replayed.warehouse.read("SELECT cik, count(*) FROM facts GROUP BY cik").rows())
    for path in (shared_data / "sec" / "companyfacts").glob("*.gz"):
        assert stored[int(path.name[3:13])] == gzip.decompress(path.read_bytes()).count(b'"accn"')
    second = await replayed.pull("companyfacts")
    assert second.pulled.unchanged
    assert (second.counts.inserted, second.counts.unchanged) == (0, 370_651)
    assert second.pulled.bytes == 0
    assert replayed.warehouse.read("SELECT DISTINCT pull_id FROM facts").rows() == [("p1",)]


def root_of(desk: Desk) -> Path:
    """The folder of captures that the stand-in replays."""
    assert isinstance(desk.sandbox.documents, ReplayProvider)
    return desk.sandbox.documents.root


async def test_the_older_capture_first_then_the_newer(replayed: Desk) -> None:
    """The newer state is there, and the older one for a day before; only changes are written."""
    replayed.ciks = [320193]
    replayed.sandbox.documents = ReplayProvider(root_of(replayed), vintage=0)
    older = await replayed.pull("companyfacts")
    replayed.sandbox.documents = ReplayProvider(root_of(replayed))
    newer = await replayed.pull("companyfacts")
    assert older.counts.inserted == 23_259
    assert newer.counts.inserted == 24_852 - 23_259
    assert facts_as_known_on(replayed.warehouse).height == 24_852
    assert facts_as_known_on(replayed.warehouse, date(2024, 11, 10)).height == 23_259
    assert replayed.count("facts_history") == newer.counts.updated > 0


async def test_the_newer_capture_first_then_the_older(replayed: Desk) -> None:
    """A mirror that lags undoes nothing; the remark of the pull says so."""
    replayed.ciks = [320193]
    await replayed.pull("companyfacts")
    before = facts_as_known_on(replayed.warehouse).sort(FACTS.key)
    replayed.sandbox.documents = ReplayProvider(root_of(replayed), vintage=0)
    older = await replayed.pull("companyfacts")
    assert facts_as_known_on(replayed.warehouse).sort(FACTS.key).equals(before)
    assert (older.counts.inserted, older.counts.updated) == (0, 0)
    assert "older than what is stored, which stays" in (older.pulled.remark() or "")
    assert replayed.count("facts_history") > 0


async def test_submissions_bring_companies_names_and_filings(replayed: Desk) -> None:
    """With overflow pages; pages that answer 404 are reported and do not stop the rest."""
    replayed.ciks = [320193, 749647, 310522]
    stored = await replayed.pull("submissions")
    assert stored.pulled.partial is None
    counts = "SELECT cik, count(*) FROM filings GROUP BY cik ORDER BY cik"
    assert replayed.warehouse.read(counts).rows() == [
        (310522, 1154),
        (320193, 2236),
        (749647, 1395),
    ]
    assert any("CIK0000310522-submissions-001.json" in text for text in replayed.said)
    assert "CIK0000310522-submissions-001.json" in (stored.pulled.remark() or "")
    former = "SELECT value FROM company_identifiers WHERE cik = 749647 AND kind = 'former_name'"
    assert "CELSION CORP" in replayed.warehouse.read(former)["value"]
    assert (await replayed.pull("submissions")).pulled.unchanged


async def test_the_ticker_map_fills_companies_and_identifiers(replayed: Desk) -> None:
    """Either layout; the second pull is unchanged."""
    await replayed.pull("company_tickers_exchange.json")
    apple = "SELECT cik, exchange FROM company_identifiers WHERE kind='ticker' AND value='AAPL'"
    assert replayed.warehouse.read(apple).rows() == [(320193, "Nasdaq")]
    assert (await replayed.pull("company_tickers_exchange.json")).pulled.unchanged
    await replayed.pull("company_tickers.json")
    assert replayed.warehouse.read(apple).rows() == [(320193, "Nasdaq")]


async def test_index_and_feed_add_filings_of_everybody(replayed: Desk) -> None:
    """A day without an index is no failure; filings that are there stay as they are."""
    days = (datetime(2020, 3, 17, 16, tzinfo=UTC), datetime(2020, 3, 18, 16, tzinfo=UTC))
    assert (await replayed.pull("daily-index/form", *days)).counts.inserted == 4031
    assert any("nothing filed on 2020-03-17" in text for text in replayed.said)
    assert (await replayed.pull("daily-index/form", *days)).counts.inserted == 0
    day = datetime(2026, 1, 12, tzinfo=UTC)
    fed = await replayed.pull("current", day, day)
    assert fed.counts.inserted == fed.pulled.rows_read > 900


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


async def test_a_quarter_of_data_sets_is_loaded_from_its_zip(
    warehouse: Warehouse, shared_data: Path
) -> None:
    """495 filings; co-registrants are left out and counted, faulty rows kept with reasons."""
    path = shared_data / "sec" / "fsds" / "2010q1.zip"
    source = BackfillSource(path, warehouse, lambda: NOW)
    said: list[str] = []
    arguments = Dataset("b", "sec", "facts", (), {}), Window("b", NOW, NOW)
    first = await source.pull_into(
        *arguments, pull_id="q1", on_progress=lambda p: said.append(p.message)
    )
    facts: int = warehouse.read("SELECT count(*) FROM facts").item()
    assert (first.pulled.rows_read, first.pulled.rejects.height) == (151_692, 27)
    assert facts == 151_692 - 6_871 - 27
    assert warehouse.read("SELECT count(*) FROM filings").item() == 495
    assert any(
        "0 of its segments and other parts, 6,871 of co-registrants" in text for text in said
    )
    year = warehouse.read(
        "SELECT DISTINCT period_start FROM facts WHERE period_end = '2009-12-31' "
        "AND concept = 'NetIncomeLoss' ORDER BY 1 NULLS LAST LIMIT 9"
    )
    assert date(2009, 1, 1) in year["period_start"]
    again = await source.pull_into(*arguments, pull_id="q2", on_progress=lambda p: None)
    assert again.counts.inserted == 0


@pytest.mark.parametrize("kind", ["companyfacts", "submissions"])
async def test_bulk_documents_are_read_from_the_zip(
    warehouse: Warehouse, tmp_path: Path, shared_data: Path, kind: str
) -> None:
    """A broken member is rejected and the rest loaded; again, nothing is inserted."""
    path = tmp_path / f"{kind}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((shared_data / "sec" / kind).glob("CIK0001*.gz"))[:6]:
            archive.writestr(file.name.removesuffix(".gz"), gzip.decompress(file.read_bytes()))
        archive.writestr("CIK0000000009.json", b'{"cik": 9, "facts": nonsense')
    source = BackfillSource(path, warehouse, lambda: NOW)
    arguments = Dataset("b", "sec", "x", (), {}), Window("b", NOW, NOW)
    first = await source.pull_into(*arguments, pull_id="z1", on_progress=lambda p: None)
    again = await source.pull_into(*arguments, pull_id="z2", on_progress=lambda p: None)
    assert first.pulled.rejects["raw"].to_list() == ["CIK0000000009.json"]
    assert first.counts.inserted > 1000
    assert (again.counts.inserted, again.counts.updated) == (0, 0)


async def test_what_is_no_bulk_file_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    """Neither a text nor a zip of something else."""
    for name, content in (("a.zip", b"text"), ("b.zip", None)):
        if content is None:
            with zipfile.ZipFile(tmp_path / name, "w") as archive:
                archive.writestr("../evil.txt", "x")
        else:
            (tmp_path / name).write_bytes(content)
        source = BackfillSource(tmp_path / name, warehouse, lambda: NOW)
        with pytest.raises(ParsingError):
            await source.pull_into(
                Dataset("b", "sec", "x", (), {}),
                Window("b", NOW, NOW),
                pull_id="z",
                on_progress=lambda p: None,
            )
