"""Bulk files of the SEC into the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.access.principals import Role
from core.domain.tables.datasets import Dataset
from core.jobs.pulling.sec_backfill import BackfillSource
from core.service.kernel import given_files
from core.service.kernel.commands import CommandResult, command
from core.service.pulls.imports import run_here
from core.service.pulls.refresh import exit_code_of
from core.sources.sec.bulk import bulk_kind

if TYPE_CHECKING:
    from core.service.desk import Desk

TABLES = {"companyfacts": "facts", "submissions": "filings", "fsds": "facts"}


@command("backfill", needs=Role.ANALYST)
def backfill(desk: Desk, *, path: Path) -> CommandResult:
    """Load companyfacts.zip, submissions.zip or a quarter of the FSDS, read without unpacking.

    Its pulls are recorded as `backfill.KIND`: an old quarter says nothing about today's freshness.
    """
    path = given_files.to_read(path)
    kind = bulk_kind(path)
    dataset = Dataset(f"backfill.{kind}", "sec", TABLES[kind], (), {}, upstream=kind)
    source = BackfillSource(path, desk.warehouse, desk.now)
    document = run_here(desk, dataset, source, f"backfill:{path.name}", "backfill")
    return CommandResult({"pulls": [document]}, exit_code_of([document]))
