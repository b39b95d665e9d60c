"""Foundry datasets of the catalogue as pulls: a dataset and a window in, typed rows out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from core.domain.datasets import Dataset, Window
from core.sources import tables
from core.sources.foundry import FoundryClient
from core.sources.foundry_results import Fetched, shortfall
from core.sources.pulled import ProgressHook, Pulled, TableRows
from core.sources.table_rows import Table


def today_utc() -> date:
    """The date of the clock on the wall in UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class FoundrySource:
    """Pulls through a client of its own per pull, so that it works in any event loop."""

    client: Callable[[], FoundryClient]
    today: Callable[[], date] = today_utc

    async def pull(
        self,
        dataset: Dataset,
        window: Window,
        on_progress: ProgressHook | None = None,
        *,
        known_version: str | None = None,
    ) -> Pulled:
        """The rows of the newest version in the window.

        A scheduled pull asks from the last effective refresh to now, *refresh now* from now.
        When the container points at `known_version`, nothing is downloaded and the pull is
        `unchanged`. Pass None when the dataset's schema has changed since that version.
        """
        async with (
            self.client() as client,
            client.fetch(
                dataset.upstream or dataset.name,
                window.start,
                window.end,
                use_zip=dataset.options.get("use_zip"),
                on_progress=on_progress,
                known=known_version,
            ) as got,
        ):
            if got.path is None:
                return _unchanged(got)
            table = await asyncio.to_thread(
                tables.read_csv, got.path, dataset, today=self.today(), where=got.where
            )
        return _pulled(dataset, got, table)


def _unchanged(got: Fetched) -> Pulled:
    return Pulled(
        version=got.sha256,
        announced_rows=got.announced_rows,
        requests=got.requests,
        messages=got.messages,
        unchanged=True,
    )


def _pulled(dataset: Dataset, got: Fetched, table: Table) -> Pulled:
    return Pulled(
        tables=(TableRows(dataset.table, dataset.key, table.rows),),
        rejects=table.rejects,
        version=got.sha256,
        rows_read=table.rows_read,
        announced_rows=got.announced_rows,
        bytes=got.bytes,
        requests=got.requests,
        drift=table.drift,
        messages=got.messages,
        partial=incomplete(got.announced_rows, table),
    )


def incomplete(announced: int | None, table: Table) -> str | None:
    """What to say when rows are missing from the file, or none of them could be read."""
    if table.rows_read and not len(table.rows):
        return f"all {table.rows_read} rows were rejected"
    return shortfall(announced, table.rows_read)
