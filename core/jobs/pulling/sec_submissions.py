"""Pulling the submissions of the watched companies: companies, identifiers, filings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from core.domain.tables.frames import COMPANIES, COMPANY_IDENTIFIERS, FILINGS
from core.errors import NotFoundError
from core.jobs.pulling.each_company import Each, Outcome, for_each_company
from core.jobs.pulling.puller import Stored
from core.sources.pulled import REJECTS, Progress, Pulled
from core.sources.sec.documents import (
    Answer,
    Known,
    SecClient,
    submissions,
    submissions_page,
    submissions_url,
)
from core.sources.sec.submissions import Submissions, decode_page, decode_submissions
from core.store.documents import StoredDocument, remember, stored_documents
from core.store.filings import write_companies, write_filings, write_identifiers
from core.store.transaction import MergeCounts
from core.store.warehouse import Warehouse

DATASET = "sec.submissions"
BATCH_FILINGS = 50_000


@dataclass(frozen=True, slots=True)
class _Company:
    answer: Answer
    said: Submissions
    filings: pl.DataFrame  # with those of the overflow pages
    rejects: pl.DataFrame


@dataclass
class SubmissionsPull:
    """One pull of submissions under way: the counts so far."""

    client: SecClient
    warehouse: Warehouse
    pull_id: str
    now: Callable[[], datetime]
    on_progress: Callable[[Progress], object]
    dataset: str = DATASET
    parallel: int = 4
    counts: MergeCounts = field(default_factory=MergeCounts)
    read: int = 0
    bytes: int = 0
    rejects: list[pl.DataFrame] = field(default_factory=list)
    documents: dict[str, StoredDocument] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    async def run(self, ciks: Sequence[int]) -> Stored:
        """Pull the companies; what was stored and what could not be had."""
        self.documents = await asyncio.to_thread(stored_documents, self.warehouse, self.dataset)
        before = self.client.requests
        each = Each(
            fetch=self._fetch,
            store=self._store,
            weight=lambda company: company.filings.height + 1,
            limit=BATCH_FILINGS,
            expected=frozenset(
                c for c in ciks if submissions_url(self.client, c) in self.documents
            ),
            parallel=self.parallel,
        )
        outcome = await for_each_company(each, ciks, self._report)
        for error in outcome.missing.values():
            self._note(f"no such company: {error}")
        return self._stored(outcome, self.client.requests - before)

    async def _fetch(self, cik: int) -> _Company | None:
        document = self.documents.get(submissions_url(self.client, cik))
        known = Known(document.etag, document.last_modified, document.sha256) if document else None
        answer = await submissions(self.client, cik, known, self.dataset)
        self.bytes += answer.wire_bytes
        if answer.unchanged:
            return None
        where = answer.url.partition("://")[2]
        said = await asyncio.to_thread(decode_submissions, answer.body, cik, where)
        parts, rejects = [said.filings], [said.rejects]
        for name in said.pages:
            page = await self._page(cik, name)
            if page:
                parts.append(page[0])
                rejects.append(page[1])
        filings = pl.concat(parts).unique(list(FILINGS.key), keep="first", maintain_order=True)
        return _Company(answer, said, filings, pl.concat(rejects))

    async def _page(self, cik: int, name: str) -> tuple[pl.DataFrame, pl.DataFrame] | None:
        try:
            answer = await submissions_page(self.client, name, dataset=self.dataset)
        except NotFoundError as error:
            # the SEC lists pages that it does not have; the rest of the company is good
            self._note(f"older filings are missing: {error}")
            return None
        self.bytes += answer.wire_bytes
        return await asyncio.to_thread(decode_page, answer.body, cik, answer.url)

    def _note(self, text: str) -> None:
        self.notes.append(text)
        self.on_progress(Progress(text))

    def _store(self, batch: list[_Company]) -> None:
        now = self.now()
        companies = pl.concat([COMPANIES.empty(), *[c.said.company for c in batch]])
        names = pl.concat([COMPANY_IDENTIFIERS.empty(), *[c.said.identifiers for c in batch]])
        filings = pl.concat([FILINGS.empty(), *[c.filings for c in batch]])
        documents = [
            StoredDocument(a.url, self.dataset, a.etag, a.last_modified, a.sha256, len(a.body))
            for a in (company.answer for company in batch)
        ]
        with self.warehouse.transaction() as tx:
            counts = write_companies(tx, companies, self.pull_id)
            counts += write_identifiers(tx, names, self.pull_id, now.date())
            counts += write_filings(tx, filings, self.pull_id)
            remember(tx, documents, self.pull_id, now)
        self.counts += counts
        self.read += filings.height
        self.rejects += [company.rejects for company in batch]

    def _report(self, outcome: Outcome) -> None:
        text = f"{outcome.over} of {outcome.asked} companies, {self.read:,} filings"
        percent = 100.0 * outcome.over / max(1, outcome.asked)
        self.on_progress(Progress(text, rows=self.read, bytes=self.bytes, percent=percent))

    def _stored(self, outcome: Outcome, requests: int) -> Stored:
        pulled = Pulled(
            rejects=pl.concat([pl.DataFrame(schema=REJECTS), *self.rejects]),
            rows_read=self.read,
            bytes=self.bytes,
            requests=requests,
            notes=tuple(self.notes),
            unchanged=bool(outcome.unchanged) and not outcome.stored,
            partial=outcome.partial(),
            owed=outcome.owed(),
        )
        return Stored(pulled, self.counts)
