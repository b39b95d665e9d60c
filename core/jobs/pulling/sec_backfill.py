"""Loading the SEC's bulk files through the way of a pull: lineage, progress, rejects.

Batches bound the memory; each is one transaction, so a backfill that is stopped can be started
again and finds what it has done unchanged.
"""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import polars as pl

from core.domain.tables.datasets import Dataset, Window
from core.domain.tables.frames import COMPANIES, COMPANY_IDENTIFIERS, FILINGS
from core.errors import ParsingError, SizeLimitError
from core.jobs.pulling.puller import StoredPull
from core.sources.pulled import REJECTS, Progress, ProgressHook, Pulled
from core.sources.sec.bulk import bulk_kind, cik_of, members, must_be_no_bomb, opened, read_member
from core.sources.sec.decode import CompanyFacts, decode_facts
from core.sources.sec.fsds import Quarter, read_quarter
from core.sources.sec.submissions import Submissions, decode_page, decode_submissions
from core.store.fact_merge import FactCounts
from core.store.fact_quarters import write_quarter
from core.store.facts import known_concepts, write_facts, write_labels
from core.store.filings import (
    add_companies,
    add_filings,
    write_companies,
    write_filings,
    write_identifiers,
)
from core.store.ticker_days import date_moves
from core.store.transaction import MergeCounts
from core.store.warehouse import Warehouse

BATCH_BYTES = 32 * 1024**2
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BackfillSource:
    """One bulk file as a `DirectSource`."""

    path: Path
    warehouse: Warehouse
    now: Callable[[], datetime]

    async def pull_into(
        self, dataset: Dataset, window: Window, *, pull_id: str, on_progress: ProgressHook
    ) -> StoredPull:
        """What was stored; ParsingError for a file that is no bulk file of the SEC."""
        load = _Load(self.path, self.warehouse, pull_id, self.now, on_progress)
        return await asyncio.to_thread(load.run)


@dataclass
class _Load:
    path: Path
    warehouse: Warehouse
    pull_id: str
    now: Callable[[], datetime]
    on_progress: Callable[[Progress], object]
    counts: MergeCounts = field(default_factory=MergeCounts)
    read: int = 0
    rejects: list[pl.DataFrame] = field(default_factory=list)
    drift: tuple[str, ...] = ()
    facts: FactCounts = field(default_factory=FactCounts)
    unreadable: list[str] = field(default_factory=list)
    readable: int = 0

    def run(self) -> StoredPull:
        kind = bulk_kind(self.path)
        notes: tuple[str, ...] = ()
        if kind == "fsds":
            notes = self._quarter()
        else:
            with opened(self.path) as archive:
                for info in members(archive):
                    must_be_no_bomb(info)  # before anything of the file is stored
                store = self._facts if kind == "companyfacts" else self._submissions
                for done, of, batch in _batches(archive):
                    store(archive, batch)
                    self._tell(f"{done:,} of {of:,} documents", 100.0 * done / max(1, of))
            notes = self.facts.remarks
        self._must_mean_something()
        pulled = Pulled(
            rejects=pl.concat([pl.DataFrame(schema=REJECTS), *self.rejects]),
            rows_read=self.read,
            bytes=self.path.stat().st_size,
            notes=notes,
            drift=self.drift,
            partial=self._partial(),
        )
        return StoredPull(pulled, self.counts)

    def _must_mean_something(self) -> None:
        """ParsingError for a file of which nothing could be read: that is no load of nothing."""
        if self.readable or self.read:
            return
        why = f": {self.unreadable[0]}" if self.unreadable else ""
        raise ParsingError(
            f"nothing in the file could be read{why}",
            where=str(self.path),
            hint="get the file anew from the SEC",
        )

    def _partial(self) -> str | None:
        if not self.unreadable:
            return None
        count, of = len(self.unreadable), len(self.unreadable) + self.readable
        return f"{count:,} of {of:,} documents cannot be read: {self.unreadable[0]}"

    def _tell(self, message: str, percent: float | None = None) -> None:
        self.on_progress(Progress(message, rows=self.read, percent=percent))

    def _decoded(
        self,
        archive: zipfile.ZipFile,
        batch: Iterable[zipfile.ZipInfo],
        decode: Callable[[bytes, int, str], T],
    ) -> Iterator[T]:
        """Each member decoded; one that cannot be read is rejected and the rest goes on.

        A member that unpacks to more than it may ends the load: such a file is not the SEC's.
        """
        for info in batch:
            try:
                yield decode(read_member(archive, info), cik_of(info.filename), info.filename)
                self.readable += 1
            except SizeLimitError:
                raise
            except ParsingError as error:
                self.unreadable.append(str(error))
                row = {"reason": str(error), "raw": info.filename}
                self.rejects.append(pl.DataFrame([row], schema=REJECTS))

    def _facts(self, archive: zipfile.ZipFile, batch: list[zipfile.ZipInfo]) -> None:
        known = known_concepts(self.warehouse, [cik_of(info.filename) for info in batch])

        def decode(body: bytes, cik: int, where: str) -> CompanyFacts:
            return decode_facts(body, cik, known.get(cik), where)

        companies = list(self._decoded(archive, batch, decode))
        with self.warehouse.transaction(bulk=True) as tx:
            counts = write_facts(tx, companies, self.pull_id, self.now())
        self.counts += counts.merged
        self.facts += counts
        self.read += sum(company.read for company in companies)
        self.rejects += [company.rejects for company in companies if company.rejects.height]

    def _submissions(self, archive: zipfile.ZipFile, batch: list[zipfile.ZipInfo]) -> None:
        pages = [info for info in batch if "-submissions-" in info.filename]
        firsts = [info for info in batch if "-submissions-" not in info.filename]
        said: list[Submissions] = list(self._decoded(archive, firsts, decode_submissions))
        older = list(self._decoded(archive, pages, decode_page))
        frames = [FILINGS.empty(), *[s.filings for s in said], *[page for page, _ in older]]
        key = list(FILINGS.key)
        filings = pl.concat(frames).unique(key, keep="first", maintain_order=True)
        companies = pl.concat([COMPANIES.empty(), *[s.company for s in said]])
        names = pl.concat([COMPANY_IDENTIFIERS.empty(), *[s.identifiers for s in said]])
        with self.warehouse.transaction() as tx:
            self.counts += write_companies(tx, companies, self.pull_id)
            self.counts += write_identifiers(tx, names, self.pull_id, self.now().date())
            self.counts += write_filings(tx, filings, self.pull_id)
            self.counts += date_moves(tx, self.pull_id)[0]
        self.read += filings.height
        told = [*(s.rejects for s in said), *(rejected for _, rejected in older)]
        self.rejects += [rejected for rejected in told if rejected.height]

    def _quarter(self) -> tuple[str, ...]:
        quarter = read_quarter(self.path)
        self.drift = quarter.drift
        self._tell(f"{quarter.filings.height:,} filings, {quarter.facts.height:,} facts read", 50)
        with self.warehouse.transaction() as tx:
            self.counts += add_companies(tx, quarter.companies, self.pull_id)
            self.counts += write_identifiers(
                tx, quarter.identifiers, self.pull_id, self.now().date(), ends=False
            )
            self.counts += add_filings(tx, quarter.filings, self.pull_id)
            stored = write_quarter(tx, quarter.facts, quarter.parts, self.pull_id, self.now())
            write_labels(tx, quarter.labels, self.pull_id)
        self.counts += stored.facts.merged
        self.read += quarter.read
        self.rejects.append(quarter.rejects)
        said = (*_remarks(quarter, stored.misread), *stored.facts.remarks)
        self._tell("; ".join(said), 100.0)
        return said


def _remarks(quarter: Quarter, misread: int) -> tuple[str, ...]:
    """What was left out, what an earlier load is mended of, and which columns are not known."""
    said = [quarter.remark()]
    if misread:
        said.append(f"{misread:,} parts that an earlier load took for totals are taken back")
    if quarter.drift:
        said.append(f"columns that are not known and not read: {', '.join(quarter.drift)}")
    return tuple(said)


def _batches(
    archive: zipfile.ZipFile,
) -> Iterator[tuple[int, int, list[zipfile.ZipInfo]]]:
    """Members in batches of about BATCH_BYTES unpacked, with how many are done by then."""
    every = members(archive)
    batch: list[zipfile.ZipInfo] = []
    weight = 0
    for done, info in enumerate(every, 1):
        batch.append(info)
        weight += info.file_size
        if weight >= BATCH_BYTES or done == len(every):
            yield done, len(every), batch
            batch, weight = [], 0
