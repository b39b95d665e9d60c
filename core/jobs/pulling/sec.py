"""The SEC as a source of pulls: dispatches a dataset to what pulls it.

By the dataset's upstream name: a ticker map (`company_tickers….json`), `submissions`,
`companyfacts`, `daily-index` (or `daily-index/master`), `current` (the feed).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from core.domain.tables.datasets import Dataset, Window
from core.domain.tables.frames import FILINGS
from core.errors import NotFoundError, UsageError
from core.jobs.pulling.filing_events import tell_new
from core.jobs.pulling.puller import StoredPull
from core.jobs.pulling.sec_facts import FactsPull
from core.jobs.pulling.sec_submissions import SubmissionsPull
from core.sources.pulled import REJECTS, Progress, ProgressHook, Pulled
from core.sources.sec.documents import (
    FEED_PAGE,
    KnownDocument,
    SecClient,
    current_filings,
    daily_index,
    days_with_index,
    tickers,
)
from core.sources.sec.index import decode_feed, decode_index
from core.sources.sec.submissions import decode_tickers
from core.store.documents import StoredDocument, remember, stored_documents
from core.store.filings import add_companies, add_filings, write_identifiers
from core.store.ticker_days import date_moves
from core.store.tickers import follow_moves
from core.store.transaction import MergeCounts
from core.store.warehouse import Warehouse

_EASTERN = ZoneInfo("America/New_York")  # the SEC's days
_FEED_PAGES = 20
_LONGEST_DAYS = 400


@dataclass(frozen=True)
class SecSource:
    """Pulls from the SEC straight into the store (a `DirectSource`).

    `client` makes a client for one pull; `watched` names the companies followed (CIKs).
    """

    client: Callable[[], SecClient]
    warehouse: Warehouse
    watched: Callable[[], Sequence[int]]
    now: Callable[[], datetime]

    async def pull_into(
        self, dataset: Dataset, window: Window, *, pull_id: str, on_progress: ProgressHook
    ) -> StoredPull:
        """What was stored; UsageError for a dataset that the SEC does not have."""
        upstream = dataset.upstream
        async with self.client() as client:
            if upstream.startswith("company_tickers"):
                return await self._tickers(client, dataset, pull_id)
            if upstream.startswith("daily-index"):
                return await self._index(client, dataset, window, pull_id, on_progress)
            if upstream == "current":
                return await self._feed(client, dataset, window, pull_id)
            if upstream == "submissions":
                pull = SubmissionsPull(
                    client, self.warehouse, pull_id, self.now, on_progress, dataset.name
                )
                return await pull.run(self._followed(on_progress))
            if upstream == "companyfacts":
                facts = FactsPull(
                    client, self.warehouse, pull_id, self.now, on_progress, dataset.name
                )
                return await facts.run(self._followed(on_progress))
        raise UsageError(
            f"dataset {dataset.name!r}: the SEC has no {upstream!r}",
            hint="name one of: company_tickers.json, company_tickers_exchange.json, "
            "submissions, companyfacts, daily-index, current",
        )

    def _followed(self, on_progress: ProgressHook) -> Sequence[int]:
        ciks = self.watched()
        if not ciks:
            on_progress(Progress("no company is on the watch list: python -m app watch add AAPL"))
        return ciks

    async def _tickers(self, client: SecClient, dataset: Dataset, pull_id: str) -> StoredPull:
        before = await asyncio.to_thread(stored_documents, self.warehouse, dataset.name)
        url = f"{client.www_url}/files/{dataset.upstream}"
        document = before.get(url)
        known = (
            KnownDocument(document.etag, document.last_modified, document.sha256)
            if document
            else None
        )
        answer = await tickers(client, dataset.upstream, known, dataset.name)
        if answer.unchanged:
            same = Pulled(unchanged=True, version=answer.sha256, requests=client.requests)
            return StoredPull(same, MergeCounts())
        where = url.partition("://")[2]
        companies, names = await asyncio.to_thread(decode_tickers, answer.body, where)
        seen = StoredDocument(
            url, dataset.name, answer.etag, answer.last_modified, answer.sha256, len(answer.body)
        )

        def store() -> tuple[MergeCounts, list[str]]:
            now = self.now()
            with self.warehouse.transaction() as tx:
                counts = add_companies(tx, companies, pull_id)
                counts += write_identifiers(tx, names, pull_id, now.date(), whole_market=True)
                moved = follow_moves(tx, now.date(), now)
                dated, days = date_moves(tx, pull_id)
                remember(tx, [seen], pull_id, now)
            return counts + dated, moved + days

        counts, moved = await asyncio.to_thread(store)
        pulled = Pulled(
            version=answer.sha256,
            rows_read=names.height,
            bytes=answer.wire_bytes,
            requests=client.requests,
            notes=tuple(moved),
        )
        return StoredPull(pulled, counts)

    async def _index(
        self,
        client: SecClient,
        dataset: Dataset,
        window: Window,
        pull_id: str,
        on_progress: ProgressHook,
    ) -> StoredPull:
        last = window.end.astimezone(_EASTERN).date()
        days = days_with_index(window.start.astimezone(_EASTERN).date(), last)[-_LONGEST_DAYS:]
        kind = dataset.upstream.partition("/")[2] or "form"
        frames, rejects, size = [FILINGS.empty()], [pl.DataFrame(schema=REJECTS)], 0
        for day in days:
            try:
                answer = await daily_index(client, day, kind, dataset.name)
            except NotFoundError as error:
                on_progress(Progress(f"nothing filed on {day}: {error}"))
                continue
            size += answer.wire_bytes
            filings, bad = await asyncio.to_thread(decode_index, answer.body, answer.url)
            frames.append(filings)
            rejects.append(bad)
        return await self._add(frames, rejects, pull_id, size, client.requests)

    async def _feed(
        self, client: SecClient, dataset: Dataset, window: Window, pull_id: str
    ) -> StoredPull:
        """Pages of the feed, newest first, until one reaches back before the window."""
        frames, rejects, size = [FILINGS.empty()], [pl.DataFrame(schema=REJECTS)], 0
        for page in range(_FEED_PAGES):
            try:
                answer = await current_filings(client, page * FEED_PAGE, dataset.name)
            except NotFoundError:
                if page == 0:
                    raise
                break
            size += answer.wire_bytes
            filings, bad = await asyncio.to_thread(decode_feed, answer.body, answer.url)
            frames.append(filings)
            rejects.append(bad)
            oldest = filings["accepted_at"].min()
            if filings.is_empty() or (isinstance(oldest, datetime) and oldest < window.start):
                break
        return await self._add(frames, rejects, pull_id, size, client.requests)

    async def _add(
        self,
        frames: list[pl.DataFrame],
        rejects: list[pl.DataFrame],
        pull_id: str,
        size: int,
        requests: int,
    ) -> StoredPull:
        key = list(FILINGS.key)
        filings = pl.concat(frames).unique(key, keep="first", maintain_order=True)

        def store() -> MergeCounts:
            with self.warehouse.transaction() as tx:
                tell_new(tx, filings, self.now())
                return add_filings(tx, filings, pull_id) + date_moves(tx, pull_id)[0]

        counts = await asyncio.to_thread(store)
        pulled = Pulled(
            rejects=pl.concat(rejects), rows_read=filings.height, bytes=size, requests=requests
        )
        return StoredPull(pulled, counts)
