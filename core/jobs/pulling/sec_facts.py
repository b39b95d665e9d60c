"""Pulling the facts of the watched companies into the store."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime

import polars as pl

from core.jobs.pulling.each_company import Each, Outcome, for_each_company
from core.jobs.pulling.puller import Stored
from core.sources.pulled import REJECTS, Progress, Pulled
from core.sources.sec.decode import CompanyFacts, decode_facts
from core.sources.sec.documents import Answer, Known, SecClient, company_facts, facts_url
from core.store.documents import StoredDocument, remember, stored_documents
from core.store.fact_merge import FactCounts
from core.store.facts import companies_with_facts, facts_of, known_concepts, write_facts
from core.store.warehouse import Warehouse

DATASET = "sec.facts"
BATCH_FACTS = 245_760  # two row groups: below one the store writes a log of rows, not columns


@dataclass
class FactsPull:
    """One pull of facts under way: the counts so far."""

    client: SecClient
    warehouse: Warehouse
    pull_id: str
    now: Callable[[], datetime]
    dataset: str = DATASET
    parallel: int = 3
    batch_facts: int = BATCH_FACTS
    # one answer at a time in one thread: threads that decode together only take turns, and each
    # keeps the memory it once needed
    lane: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "sec-decode"))
    counts: FactCounts = field(default_factory=FactCounts)
    read: int = 0
    bytes: int = 0
    rejects: list[pl.DataFrame] = field(default_factory=list)
    documents: dict[str, StoredDocument] = field(default_factory=dict)
    stored: set[int] = field(default_factory=set)

    async def run(self, ciks: Sequence[int], on_progress: Callable[[Progress], object]) -> Stored:
        """Pull the companies; what was stored and what could not be had."""
        self.documents = await asyncio.to_thread(stored_documents, self.warehouse, self.dataset)
        self.stored = await asyncio.to_thread(companies_with_facts, self.warehouse)
        before = self.client.requests
        expected = [cik for cik in ciks if facts_url(self.client, cik) in self.documents]
        each = Each(
            fetch=self._fetch,
            store=self._store,
            weight=lambda item: item[2].table.height + 1,
            limit=self.batch_facts,
            expected=frozenset(expected),
            parallel=self.parallel,
        )
        with self.lane:
            outcome = await for_each_company(each, ciks, lambda o: self._report(o, on_progress))
        for note in (*filter(None, [str(self.counts.corrections)]), *_notes(outcome)):
            on_progress(Progress(note))
        return await asyncio.to_thread(self._stored, outcome, self.client.requests - before)

    async def _fetch(self, cik: int) -> tuple[Answer, int, CompanyFacts] | None:
        document = self.documents.get(facts_url(self.client, cik))
        known = Known(document.etag, document.last_modified, document.sha256) if document else None
        answer = await company_facts(self.client, cik, known, self.dataset)
        self.bytes += answer.wire_bytes
        if answer.unchanged:
            return None
        facts = await asyncio.get_running_loop().run_in_executor(
            self.lane, self._decode, answer, cik
        )
        return replace(answer, body=b""), len(answer.body), facts

    def _decode(self, answer: Answer, cik: int) -> CompanyFacts:
        known = known_concepts(self.warehouse, [cik]).get(cik) if cik in self.stored else None
        return decode_facts(answer.body, cik, known, where=answer.url.partition("://")[2])

    def _store(self, batch: list[tuple[Answer, int, CompanyFacts]]) -> None:
        now = self.now()
        companies = [facts for _, _, facts in batch]
        documents = [
            StoredDocument(a.url, self.dataset, a.etag, a.last_modified, a.sha256, size)
            for a, size, _ in batch
        ]
        with self.warehouse.transaction(bulk=True) as tx:
            counts = write_facts(tx, companies, self.pull_id, now)
            remember(tx, documents, self.pull_id, now)
        self.counts += counts
        self.read += sum(company.read for company in companies)
        self.rejects += [company.rejects for company in companies if company.rejects.height]

    def _report(self, outcome: Outcome, on_progress: Callable[[Progress], object]) -> None:
        text = f"{outcome.over} of {outcome.asked} companies, {self.read:,} facts"
        percent = 100.0 * outcome.over / max(1, outcome.asked)
        on_progress(Progress(text, rows=self.read, bytes=self.bytes, percent=percent))

    def _stored(self, outcome: Outcome, requests: int) -> Stored:
        same = FactCounts(unchanged=facts_of(self.warehouse, outcome.unchanged))
        counts = self.counts + same
        notes = (*filter(None, [str(counts.corrections)]), *_notes(outcome))
        return Stored(
            Pulled(
                rejects=pl.concat([pl.DataFrame(schema=REJECTS), *self.rejects]),
                version=self._version(),
                rows_read=self.read,
                bytes=self.bytes,
                requests=requests,
                unchanged=bool(outcome.unchanged) and not outcome.stored,
                partial=outcome.partial(),
                owed=outcome.owed(),
                notes=notes,
            ),
            counts.merged,
        )

    def _version(self) -> str:
        """A hash over the hashes of all documents of the dataset."""
        documents = stored_documents(self.warehouse, self.dataset)
        text = "\n".join(f"{url} {documents[url].sha256}" for url in sorted(documents))
        return hashlib.sha256(text.encode()).hexdigest()


def _notes(outcome: Outcome) -> tuple[str, ...]:
    return tuple(f"no facts: {error}" for error in outcome.missing.values())
