"""Foundry datasets of the catalogue as pulls: a dataset and a window in, typed rows out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from core.domain.tables.datasets import Dataset, Window
from core.sources.files import bars as bar_rows
from core.sources.files import tables
from core.sources.files.rows import Table
from core.sources.foundry import counts
from core.sources.foundry.client import FoundryClient
from core.sources.foundry.results import Fetched, shortfall
from core.sources.pulled import ProgressHook, Pulled, TableRows
from core.sources.turns import OwnTurns, Turns


def today_utc() -> date:
    """The date of the clock on the wall in UTC."""
    return datetime.now(UTC).date()


MOST_REPEATED = 0.01
UNANNOUNCED = (
    "the container had this version already and announced no row count, so that missing rows would "
    "not show: Refresh now (pull --now) has them counted"
)


@dataclass(frozen=True, slots=True)
class VersionCount:
    """What is remembered of a version by its sha256: rows announced for it, and rows in its file.

    The container announces rows only when it makes a version, not when it finds one again.
    """

    announced_rows: int | None = None
    rows_read: int | None = None


def nothing_remembered(_sha256: str) -> VersionCount:
    """The memory of a source without a store."""
    return VersionCount()


@dataclass(frozen=True, slots=True)
class FoundrySource:
    """Pulls through a client of its own per pull, so that it works in any event loop.

    `remembered` tells what earlier pulls have kept of a version, `shared` is a folder of counts
    that the desks of one container keep for each other.
    """

    client: Callable[[], FoundryClient]
    today: Callable[[], date] = today_utc
    remembered: Callable[[str], VersionCount] = nothing_remembered
    shared: Path | None = None
    now: Callable[[], datetime] | None = None
    turns: Turns = field(default_factory=OwnTurns)

    async def pull(
        self,
        dataset: Dataset,
        window: Window,
        on_progress: ProgressHook | None = None,
        *,
        known_version: str | None = None,
    ) -> Pulled:
        """The rows of the newest version in the window.

        A scheduled pull asks from the last effective refresh to now, *refresh now* from now: what
        was stored after that is as new as what was asked for, so the window reaches to the moment
        of asking. When the container points at `known_version`, nothing is downloaded and the pull
        is `unchanged`; pass None when the dataset's schema has changed since that version. Machines
        that share their turns ask for a dataset one after the other.
        IntegrityError for a file that repeats keys in numbers.
        """
        asked = dataset.upstream or dataset.name
        async with (
            self.turns.alone(f"foundry:{asked}"),
            self.client() as client,
            client.fetch(
                asked,
                window.start,
                window.end if window.end > window.start else None,
                use_zip=dataset.options.get("use_zip"),
                on_progress=on_progress,
                known=known_version,
            ) as got,
        ):
            count = await asyncio.to_thread(self._count, got)
            if got.path is None:
                return _unchanged(got, count)
            table = await asyncio.to_thread(self._read, got, dataset)
        return _pulled(dataset, got, table, count.announced_rows)

    def _count(self, got: Fetched) -> VersionCount:
        """The rows announced now, else those that were when the version was made."""
        kept = self.remembered(got.sha256)
        if got.announced_rows is not None:
            counts.share(self.shared, got.sha256, got.announced_rows)
            return VersionCount(got.announced_rows, kept.rows_read)
        if kept.announced_rows is not None:
            return kept
        return VersionCount(counts.shared(self.shared, got.sha256), kept.rows_read)

    def _read(self, got: Fetched, dataset: Dataset) -> Table:
        assert got.path is not None
        return tables.read_csv(
            got.path,
            dataset,
            today=self.today(),
            where=got.where,
            most_repeated=float(dataset.options.get("most_repeated_pct", 100 * MOST_REPEATED))
            / 100,
            now=self.now() if self.now else None,
        )


def _unchanged(got: Fetched, count: VersionCount) -> Pulled:
    read = count.rows_read or 0
    missing = shortfall(count.announced_rows, read) if read else None
    return Pulled(
        version=got.sha256,
        rows_read=read if missing else 0,  # a partial pull counts among those that brought rows
        announced_rows=count.announced_rows,
        requests=got.requests,
        messages=got.messages,
        unchanged=True,
        partial=missing,
    )


def _pulled(dataset: Dataset, got: Fetched, table: Table, announced: int | None) -> Pulled:
    return Pulled(
        tables=(TableRows(dataset.table, dataset.key, table.rows),),
        rejects=table.rejects,
        version=got.sha256,
        rows_read=table.rows_read,
        announced_rows=announced,
        bytes=got.bytes,
        requests=got.requests,
        drift=table.drift,
        messages=got.messages,
        notes=(
            *(() if announced is not None else (UNANNOUNCED,)),
            *bar_rows.flagged(dataset, table.rows),
        ),
        partial=incomplete(announced, table),
    )


def incomplete(announced: int | None, table: Table) -> str | None:
    """What to say when rows are missing from the file, or none of them could be read."""
    if table.rows_read and not len(table.rows):
        return f"all {table.rows_read} rows were rejected"
    return shortfall(announced, table.rows_read)
