"""Bulk files of the SEC into the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.domain.access.principals import Role
from core.domain.tables.datasets import Dataset
from core.jobs.pulling.sec_backfill import BackfillSource
from core.service.kernel import given_files
from core.service.kernel.access import needs
from core.service.kernel.carrying import at_hand, handed_over
from core.service.kernel.commands import CommandResult, command
from core.service.pulls.imports import run_here
from core.service.pulls.refresh import exit_code_of
from core.sources.sec.bulk import bulk_kind

if TYPE_CHECKING:
    from core.service.desk import Desk

TABLES = {"companyfacts": "facts", "submissions": "filings", "fsds": "facts"}


@needs(Role.ANALYST)
def load(desk: Desk, path: given_files.Given) -> dict[str, Any]:
    """Load a bulk file; the pull in the shape of the `pull` command.

    `path` of another machine comes from `carrying.handed_over`.
    """
    with at_hand(desk, path) as file:
        kind = bulk_kind(file)
        dataset = Dataset(f"backfill.{kind}", "sec", TABLES[kind], (), {}, upstream=kind)
        source = BackfillSource(file, desk.warehouse, desk.now)
        return run_here(desk, dataset, source, f"backfill:{file.name}", "backfill")


@command("backfill", needs=Role.ANALYST)
def backfill(desk: Desk, *, path: Path) -> CommandResult:
    """Load companyfacts.zip, submissions.zip or a quarter of the FSDS, read without unpacking.

    Its pulls are recorded as `backfill.KIND`: an old quarter says nothing about today's freshness.
    """
    bulk_kind(given_files.to_read(path))  # before a file is carried anywhere
    with handed_over(desk, path) as given:
        document = load(desk, given)
    return CommandResult({"pulls": [document]}, exit_code_of([document]))
