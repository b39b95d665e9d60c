"""Commands that care for the data: backup, restore, verify, doctor."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from app import address
from app import run as runner
from app.commands.data import Json
from core import settings
from core.errors import NotFoundError, OwnershipError
from core.service.care import folder_of
from core.store import backup as backups


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(backup)
    cli.command()(restore)
    cli.command()(verify)
    cli.command()(doctor)


def backup(
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder; default: in the data folder.")
    ] = None,
    json: Json = False,
) -> None:
    """Copy store and queue into a new folder, and verify the copy."""
    folder = str(to.expanduser().absolute()) if to else None
    runner.run("backup", json=json, render=_print_backup, folder=folder)


def _print_backup(document: dict[str, Any], console: Console) -> None:
    size = document["bytes"] / 1024**2
    console.print(f"{document['folder']}: {document['rows']:,} rows, {size:.1f} MB, verified")


def restore(
    folder: Annotated[
        Path | None, typer.Argument(help="A backup folder; default: the latest good one.")
    ] = None,
) -> None:
    """Put a verified backup in place; what was there is kept beside it. The desk must be off."""
    with runner.reported():
        chosen = settings.load()
        running = address.running(chosen.data_dir)
        if running:
            raise OwnershipError(
                f"the desk runs (process {running.pid})", hint="stop it before you restore"
            )
        backup_found = _pick(folder, chosen.data_dir)
        now = datetime.now(UTC)
        kept = backups.restore(backup_found, chosen.store_path, chosen.queue_path, now)
        runner.out.print(
            f"restored {backup_found.folder}; what was there is in {kept}", markup=False
        )


def _pick(folder: Path | None, data_dir: Path) -> backups.Backup:
    if folder is not None:
        return backups.check(folder.expanduser().absolute())
    for path in backups.found(folder_of(data_dir)):
        return backups.check(path)
    raise NotFoundError(f"there is no backup in {folder_of(data_dir)}")


def verify(json: Json = False) -> None:
    """Check store, queue and backups; exit code 3 when something is wrong."""
    runner.run("verify", json=json, render=_print_checks)


def doctor(json: Json = False) -> None:
    """Look at everything the desk depends on; exit code 3 when something needs mending."""
    runner.run("doctor", json=json, render=_print_checks)


def _print_checks(document: dict[str, Any], console: Console) -> None:
    for check in document["checks"]:
        console.print(f"{'ok  ' if check['ok'] else 'MEND'} {check['check']}: ", end="")
        console.print(check["message"], markup=False)
