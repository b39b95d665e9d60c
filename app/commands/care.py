"""Commands that care for the data: backup, restore, verify, doctor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from app import run as runner
from app.options import Json
from core.errors import IntegrityError, OpenbellError, StoreError
from core.service.kernel.results import CommandResult

if TYPE_CHECKING:
    from core.service.data_folder import Restorable, Restored
    from core.settings import Settings
    from core.store.moving import TableDigest


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(backup)
    cli.command()(restore)
    cli.command("migrate-store")(migrate_store)
    cli.command()(verify)
    cli.command()(doctor)


def backup(
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder; default: in the data folder.")
    ] = None,
    new_key: Annotated[
        Path | None,
        typer.Option(help="Make no backup but a key to encrypt them with, in this file."),
    ] = None,
    json: Json = False,
) -> None:
    """Copy store and queue into a new folder, and verify the copy.

    Encrypted where there is a key, and brought to the second place where there is one.
    """
    if new_key is not None:
        _make_key(new_key.expanduser().absolute(), json=json)
        return
    folder = str(to.expanduser().absolute()) if to else None
    runner.run("backup", json=json, render=_print_backup, folder=folder)


def _print_backup(document: dict[str, Any], console: Console) -> None:
    size = document["bytes"] / 1024**2
    sealed = ", encrypted" if document["encrypted"] else ""
    new = document["written"] / 1024**2
    shared = f" ({new:.1f} MB of it new)" if document["written"] < document["bytes"] else ""
    told = (
        f"{document['folder']}: {document['rows']:,} rows, {size:.1f} MB{shared}, verified{sealed}"
    )
    console.print(told, markup=False)
    if document["second_place"]:
        console.print(f"second place: {document['second_place']}, read back", markup=False)


def _make_key(path: Path, *, json: bool) -> None:
    """Write a new key into a file of its owner alone; one that is there is never written over."""
    from core import atomic
    from core.errors import UsageError
    from core.store import sealing

    with runner.reported():
        if path.exists():
            raise UsageError(f"{path} is there already")
        atomic.write(path, sealing.new_key().encode() + b"\n")
        text = (
            f"{path}: give it to the desk as secret file openbell_backup_key, and keep a copy "
            "elsewhere: without it no backup can be opened"
        )
        _say({"key": str(path)}, text, json=json)


def restore(
    folder: Annotated[
        Path | None,
        typer.Argument(help="A backup, or a folder set aside; default: the latest good backup."),
    ] = None,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Go on with a store or queue that lacks its last commits or jobs.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say which backup would be restored, and move nothing."),
    ] = False,
    second_place: Annotated[
        bool,
        typer.Option(
            "--second-place", help="From OPENBELL_BACKUP_URL; FOLDER is the name there, if any."
        ),
    ] = False,
    drill: Annotated[
        bool,
        typer.Option(
            "--drill",
            help="Restore into a folder aside and compare; the desk may be on, and stays as it is.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Put a verified backup in place; what was there is kept beside it. The desk must be off."""
    if drill:
        where = None if second_place else _absolute(folder)
        asked: dict[str, Any] = {"folder": str(where) if where else None}
        if second_place:
            asked = {"from_second_place": True, "name": folder.name if folder else None}
        runner.run("drill", json=json, render=_print_drill, **asked)
        return
    from core import clock, settings
    from core.observe import logs
    from core.service.data_folder import bring_back, would_bring_back
    from core.service.desk import Desk

    with runner.reported():
        chosen = settings.load()
        logs.configure(chosen.log_format, "ERROR")
        if second_place:
            name = folder.name if folder else None
            _from_second_place(chosen, name, dry=dry_run, accept_loss=accept_loss, json=json)
            return
        if dry_run:
            _tell_restorable(would_bring_back(chosen, _absolute(folder)), json=json)
            return
        if accept_loss and folder is None:
            with Desk.open(chosen, accept_loss=True) as desk:
                stands = desk.warehouse.compare_with_mark()
            text = f"the desk goes on with what is there: {stands}"
            _say({"restored": None, "stands": str(stands)}, text, json=json)
            return
        now = clock.running(chosen.clock_offset_seconds)()
        done = bring_back(chosen, _absolute(folder), now, accept_loss=accept_loss)
        _tell_restored(done, done.passed, json=json)


def _say(document: dict[str, Any], text: str, *, json: bool) -> None:
    def render(_: Any, console: Console) -> None:
        console.print(text, markup=False)

    runner.show(CommandResult(document), json=json, render=render)


def _tell_restored(done: Restored, passed: Sequence[OpenbellError], *, json: bool) -> None:
    for error in passed:
        runner.err.print(f"passed over: {error.message}", markup=False)
    kept = " and ".join(map(str, done.kept))
    before = f"what was there is in {kept}" if kept else "nothing was there before"
    document = {
        "restored": str(done.folder),
        "kept": [str(path) for path in done.kept],
        "passed_over": [error.message for error in passed],
    }
    _say(document, f"restored {done.folder}; {before}", json=json)


def _from_second_place(
    chosen: Settings, name: str | None, *, dry: bool, accept_loss: bool, json: bool
) -> None:
    from core import clock
    from core.service.care.second_place import fetched
    from core.service.data_folder import bring_back, would_bring_back

    with fetched(chosen, name) as (path, passed):
        if dry:
            _tell_restorable(would_bring_back(chosen, path), json=json)
            return
        now = clock.running(chosen.clock_offset_seconds)()
        done = bring_back(chosen, path, now, accept_loss=accept_loss)
        _tell_restored(done, [*done.passed, *passed], json=json)


def _absolute(folder: Path | None) -> Path | None:
    return folder.expanduser().absolute() if folder else None


def _print_drill(document: dict[str, Any], console: Console) -> None:
    for name, pair in document["digests"].items():
        console.print(f"{'equal  ' if pair['equal'] else 'DIFFERS'} {name}", markup=False)
    end = "all equal" if document["equal"] else "NOT equal"
    console.print(f"{document['backup']}: {document['rows']:,} rows restored aside, {end}")


def _tell_restorable(found: Restorable, *, json: bool) -> None:
    for error in found.passed:
        runner.err.print(f"would be passed over: {error.message}", markup=False)
    document = {
        "would_restore": str(found.folder),
        "rows": found.rows,
        "passed_over": [error.message for error in found.passed],
    }
    text = f"would restore {found.folder}: {found.rows:,} rows in the store; nothing was moved"
    _say(document, text, json=json)


def migrate_store(
    source: Annotated[str, typer.Argument(metavar="FROM", help="Where the store is: its URL.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="An empty place: its URL.")],
    json: Json = False,
) -> None:
    """Copy a store to another engine and compare every table; the desk must be off.

    A place is duckdb:///PATH or ducklake:postgresql://HOST:PORT/DATABASE?data=FOLDER (or s3://…).
    """
    from core import settings
    from core.observe import logs
    from core.service.care.moving_house import migrate_store as move

    def tell(table: str, found: TableDigest) -> None:
        runner.err.print(f"{found.rows:>14,} {table}", markup=False)

    with runner.reported():
        chosen = settings.load()
        logs.configure(chosen.log_format, "ERROR")
        result = CommandResult(move(source, target, chosen.data_dir, tell, chosen.storage))
        runner.show(result, json=json, render=_print_migrated)


def _print_migrated(document: dict[str, Any], console: Console) -> None:
    tables, rows = len(document["tables"]), document["rows"]
    console.print(f"{tables} tables with {rows:,} rows came over, all equal", markup=False)
    console.print(f"{document['from']} is as it was; the desk uses the other with", markup=False)
    console.print("OPENBELL_STORE_URL set to its URL", markup=False)


def verify(json: Json = False) -> None:
    """Check store, queue and backups; exit code 3 when something is wrong."""
    from core import settings
    from core.observe import logs
    from core.service.care.commands import verify_closed

    with runner.reported():
        try:
            with logs.correlated(), runner.caller() as call:
                result = call.call("verify")
        except (StoreError, IntegrityError) as error:
            result = verify_closed(settings.load(), error)
        runner.show(result, json=json, render=_print_checks)
    runner.leave(result)


def doctor(json: Json = False) -> None:
    """Look at everything the desk depends on; exit code 3 when something needs mending."""
    runner.run("doctor", json=json, render=_print_checks)


def _print_checks(document: dict[str, Any], console: Console) -> None:
    for check in document["checks"]:
        console.print(f"{'ok  ' if check['ok'] else 'MEND'} {check['check']}: ", end="")
        console.print(check["message"], markup=False)
