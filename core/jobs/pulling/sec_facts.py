"""Pulling the facts of the watched companies into the store."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from core.jobs.pulling.company_pull import CompanyPull
from core.jobs.pulling.each_company import CompaniesOutcome, Each, for_each_company
from core.jobs.pulling.puller import StoredPull
from core.sources.pulled import Progress
from core.sources.sec.decode import CompanyFacts, decode_facts
from core.sources.sec.documents import Answer, company_facts, facts_url
from core.store.documents import remember, stored_documents
from core.store.fact_merge import FactCounts
from core.store.facts import companies_with_facts, facts_of, known_concepts, write_facts

DATASET = "sec.facts"
BATCH_FACTS = 245_760  # two row groups: below one the store writes a log of rows, not columns


@dataclass
class FactsPull(CompanyPull):
    """One pull of facts under way."""

    dataset: str = DATASET
    what: str = "facts"
    parallel: int = 3
    batch_facts: int = BATCH_FACTS
    # one answer at a time in one thread: threads that decode together only take turns, and each
    # keeps the memory it once needed
    lane: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "sec-decode"))
    counts: FactCounts = field(default_factory=FactCounts)
    stored: set[int] = field(default_factory=set)

    async def run(self, ciks: Sequence[int]) -> StoredPull:
        """Pull the companies; what was stored and what could not be had."""
        await asyncio.to_thread(self.begin)
        self.stored = await asyncio.to_thread(companies_with_facts, self.warehouse)
        each = Each(
            fetch=self._fetch,
            store=self._store,
            weight=lambda item: item[2].table.height + 1,
            limit=self.batch_facts,
            expected=self.expected(ciks, facts_url),
            parallel=self.parallel,
        )
        with self.lane:
            outcome = await for_each_company(each, ciks, self.report)
        for note in (*self.counts.remarks, *_notes(outcome)):
            self.on_progress(Progress(note))
        return await asyncio.to_thread(self._stored, outcome)

    async def _fetch(self, cik: int) -> tuple[Answer, int, CompanyFacts] | None:
        known = self.known(facts_url(self.client, cik))
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
        documents = [self.document(answer, size) for answer, size, _ in batch]
        with self.warehouse.transaction(bulk=True) as tx:
            counts = write_facts(tx, companies, self.pull_id, now)
            remember(tx, documents, self.pull_id, now)
        self.counts += counts
        self.read += sum(company.read for company in companies)
        self.rejects += [company.rejects for company in companies if company.rejects.height]

    def _stored(self, outcome: CompaniesOutcome) -> StoredPull:
        same = FactCounts(unchanged=facts_of(self.warehouse, outcome.unchanged))
        counts = self.counts + same
        notes = (*counts.remarks, *_notes(outcome))
        return StoredPull(self.pulled(outcome, notes, self._version()), counts.merged)

    def _version(self) -> str:
        """A hash over the hashes of all documents of the dataset."""
        documents = stored_documents(self.warehouse, self.dataset)
        text = "\n".join(f"{url} {documents[url].sha256}" for url in sorted(documents))
        return hashlib.sha256(text.encode()).hexdigest()


def _notes(outcome: CompaniesOutcome) -> tuple[str, ...]:
    return tuple(f"no facts: {error}" for error in outcome.missing.values())
