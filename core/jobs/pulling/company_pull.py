"""What the pulls of all watched companies have in common: counts so far, validators, the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from core.jobs.pulling.each_company import CompaniesOutcome
from core.sources.pulled import REJECTS, Progress, Pulled
from core.sources.sec.documents import Answer, KnownDocument, SecClient
from core.store.documents import StoredDocument, stored_documents
from core.store.warehouse import Warehouse


@dataclass
class CompanyPull:
    """One pull under way. `what` it reads is said in its progress ("facts", "filings")."""

    client: SecClient
    warehouse: Warehouse
    pull_id: str
    now: Callable[[], datetime]
    on_progress: Callable[[Progress], object]
    dataset: str = ""
    what: str = ""
    read: int = 0
    bytes: int = 0
    requests_before: int = 0
    rejects: list[pl.DataFrame] = field(default_factory=list)
    documents: dict[str, StoredDocument] = field(default_factory=dict)

    def begin(self) -> None:
        """Learn which documents are stored, and count requests from here on."""
        self.documents = stored_documents(self.warehouse, self.dataset)
        self.requests_before = self.client.requests

    def expected(self, ciks: Iterable[int], url: Callable[[SecClient, int], str]) -> frozenset[int]:
        """The companies whose document is stored: for those, being gone is a failure."""
        return frozenset(cik for cik in ciks if url(self.client, cik) in self.documents)

    def known(self, url: str) -> KnownDocument | None:
        """What to ask with for a document that is stored."""
        document = self.documents.get(url)
        return (
            KnownDocument(document.etag, document.last_modified, document.sha256)
            if document
            else None
        )

    def document(self, answer: Answer, size: int) -> StoredDocument:
        """What to remember of an answer whose body had so many bytes."""
        return StoredDocument(
            answer.url, self.dataset, answer.etag, answer.last_modified, answer.sha256, size
        )

    def report(self, outcome: CompaniesOutcome) -> None:
        """Tell how far it is."""
        text = f"{outcome.over} of {outcome.asked} companies, {self.read:,} {self.what}"
        percent = 100.0 * outcome.over / max(1, outcome.asked)
        self.on_progress(Progress(text, rows=self.read, bytes=self.bytes, percent=percent))

    def pulled(
        self, outcome: CompaniesOutcome, notes: tuple[str, ...], version: str | None = None
    ) -> Pulled:
        """What the pull came to."""
        return Pulled(
            rejects=pl.concat([pl.DataFrame(schema=REJECTS), *self.rejects]),
            version=version,
            rows_read=self.read,
            bytes=self.bytes,
            requests=self.client.requests - self.requests_before,
            unchanged=bool(outcome.unchanged) and not outcome.stored,
            partial=outcome.partial(),
            owed=outcome.owed(),
            notes=notes,
        )
