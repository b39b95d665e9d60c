"""Pulling the submissions of the watched companies: companies, identifiers, filings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from core.domain.tables.frames import COMPANIES, COMPANY_IDENTIFIERS, FILINGS
from core.errors import NotFoundError
from core.jobs.pulling.company_pull import CompanyPull
from core.jobs.pulling.each_company import Each, for_each_company
from core.jobs.pulling.filing_events import tell_new
from core.jobs.pulling.puller import StoredPull
from core.sources.pulled import Progress
from core.sources.sec.documents import (
    Answer,
    submissions,
    submissions_page,
    submissions_url,
)
from core.sources.sec.submissions import Submissions, decode_page, decode_submissions
from core.store.documents import remember
from core.store.filings import write_companies, write_filings, write_identifiers
from core.store.ticker_days import date_moves
from core.store.transaction import MergeCounts

DATASET = "sec.submissions"
BATCH_FILINGS = 50_000


@dataclass(frozen=True, slots=True)
class _Company:
    answer: Answer
    said: Submissions
    filings: pl.DataFrame  # with those of the overflow pages
    rejects: pl.DataFrame


@dataclass
class SubmissionsPull(CompanyPull):
    """One pull of submissions under way."""

    dataset: str = DATASET
    what: str = "filings"
    parallel: int = 4
    counts: MergeCounts = field(default_factory=MergeCounts)
    notes: list[str] = field(default_factory=list)

    async def run(self, ciks: Sequence[int]) -> StoredPull:
        """Pull the companies; what was stored and what could not be had."""
        await asyncio.to_thread(self.begin)
        each = Each(
            fetch=self._fetch,
            store=self._store,
            weight=lambda company: company.filings.height + 1,
            limit=BATCH_FILINGS,
            expected=self.expected(ciks, submissions_url),
            parallel=self.parallel,
        )
        outcome = await for_each_company(each, ciks, self.report)
        for error in outcome.missing.values():
            self._note(f"no such company: {error}")
        return StoredPull(self.pulled(outcome, tuple(self.notes)), self.counts)

    async def _fetch(self, cik: int) -> _Company | None:
        known = self.known(submissions_url(self.client, cik))
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
        documents = [self.document(c.answer, len(c.answer.body)) for c in batch]
        with self.warehouse.transaction() as tx:
            counts = write_companies(tx, companies, self.pull_id)
            counts += write_identifiers(tx, names, self.pull_id, now.date())
            tell_new(tx, filings, now)
            counts += write_filings(tx, filings, self.pull_id)
            dated, days = date_moves(tx, self.pull_id)
            remember(tx, documents, self.pull_id, now)
        self.counts += counts + dated
        self.notes += days
        self.read += filings.height
        self.rejects += [company.rejects for company in batch]
