"""Files into the store through the same path as a pull: schema, rejects, lineage."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.domain.access.principals import Role
from core.domain.tables.datasets import Dataset, Window
from core.errors import UsageError
from core.jobs.pulling.puller import Puller, PullRequest, refused
from core.jobs.pulling.rehearsal import would_merge
from core.service.kernel import given_files
from core.service.kernel.access import needs
from core.service.kernel.carrying import at_hand, handed_over
from core.service.kernel.commands import CommandResult, command
from core.service.pulls.refresh import exit_code_of
from core.store import pulls as records

if TYPE_CHECKING:
    from core.service.desk import Desk


@needs(Role.ANALYST)
def load(desk: Desk, name: str, path: given_files.Given, trigger: str = "import") -> dict[str, Any]:
    """Load a file into a dataset; the pull in the shape of the `pull` command.

    `path` of another machine comes from `carrying.handed_over`, here as for `rehearse`.
    """
    dataset = _loadable(desk, name)
    with at_hand(desk, path) as file:
        given_files.to_read(file, folders=True)
        return run_here(desk, dataset, _source_of(desk, file), f"{trigger}:{file.name}", trigger)


@needs(Role.ANALYST)
def rehearse(desk: Desk, name: str, path: given_files.Given) -> dict[str, Any]:
    """What loading a file would change, in the shape of the `pull` command; nothing is stored."""
    dataset = _loadable(desk, name)
    with at_hand(desk, path) as file:
        return _rehearsed(desk, dataset, given_files.to_read(file, folders=True))


def _rehearsed(desk: Desk, dataset: Dataset, path: Path) -> dict[str, Any]:
    now, name = desk.now(), dataset.name
    source = _source_of(desk, path)
    pulled = asyncio.run(
        source.pull(dataset, Window(name, now, now), known_version=None, on_progress=lambda _: None)
    )
    counts = would_merge(desk.warehouse, dataset, pulled)
    return {
        "dataset": name,
        "window": {"from": now, "to": now},
        "trigger": "import",
        "state": "dry run",
        "dry_run": True,
        "version": pulled.version,
        "rows_read": pulled.rows_read,
        "rows_inserted": counts.inserted,
        "rows_updated": counts.updated,
        "rows_unchanged": counts.unchanged,
        "rows_rejected": pulled.rejects.height,
        "bytes": pulled.bytes,
        "seconds": (desk.now() - now).total_seconds(),
        "error": None,
        "partial_reason": refused(pulled),
        "message": "nothing was stored",
    }


def _loadable(desk: Desk, name: str) -> Dataset:
    dataset = desk.catalogue.get(name)
    if dataset.source == "sec":
        raise UsageError(
            f"{name} is not loaded from tables", hint="use: python -m app backfill FILE.zip"
        )
    return dataset


def _source_of(desk: Desk, path: Path) -> Any:
    from core.sources.files.source import FileSource

    return FileSource(path.absolute(), today=lambda: desk.now().date(), now=desk.now)


@needs(Role.ANALYST)
def run_here(desk: Desk, dataset: Dataset, source: Any, job: str, trigger: str) -> dict[str, Any]:
    """Run one pull here and now with a source of its own."""
    sources: Mapping[str, Any] = {dataset.source: source}
    puller = Puller(
        desk.warehouse, sources, desk.board, desk.now, simulated=desk.settings.simulated
    )
    now = desk.now()
    desk.board.start(job, dataset.name)
    request = PullRequest(job, dataset, Window(dataset.name, now, now), trigger)
    try:
        pull_id = asyncio.run(puller.run(request))
    finally:
        desk.board.finish(job)
    return records.documents(desk.warehouse, [pull_id])[0]


@command("import", needs=Role.ANALYST)
def import_command(desk: Desk, *, dataset: str, path: Path, dry_run: bool = False) -> CommandResult:
    """Load a CSV or Parquet file into a dataset; with `dry_run` only say what it would change."""
    _loadable(desk, dataset)  # before a file is carried anywhere
    with handed_over(desk, path) as given:
        document = (rehearse if dry_run else load)(desk, dataset, given)
    return CommandResult({"pulls": [document]}, exit_code_of([document]))
