"""Kills where files come and go besides the store: encrypted backups, the second place,
migrate-store, the inbox, what is handed on, and the chain of who did what.

As in `crash_sites` an operation kills itself at one of its write sites, and the desk is judged as
there. What the operation leaves elsewhere must be whole, and come about when it is done again.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks import crash_sites as sites
from benchmarks.crash_sites import NEWER, Operation, Row, settings_of
from core.errors import OpenbellError
from core.service.access import auditing
from core.service.care import automation, backing_up, moving_house, second_place
from core.service.data_folder import backups_of, bring_back, key_of
from core.service.desk import Desk
from core.service.kernel import exports
from core.service.lists import notes
from core.service.pulls import inbox
from core.settings import Settings
from core.store import backup as backups
from core.store import sealing, sweeping
from core.store.objects import FOLDER as OBJECTS

DATASETS = """
[datasets."own"]
source = "file"
table = "own_rows"
key = ["n"]
schema = { n = "int", x = "float" }
"""
ARRIVING, CATALOGUE = 500, "own.toml"
ELSEWHERE, MOVED, OUT, SEALED = "elsewhere", "moved.duckdb", "out", "sealed"


def run(folder: Path, rounds: int) -> list[Row]:
    """Spread `rounds` kills over the sites of these operations."""
    return sites.run(folder, rounds, OPERATIONS, _prepare)


def _prepare(base: Path) -> None:
    """A key, a catalogue, a file that has arrived, an encrypted backup here and elsewhere."""
    (base / sites.KEY).write_text(sealing.new_key())
    (base / CATALOGUE).write_text(DATASETS)
    arrived = base / inbox.INBOX / "own" / "rows.csv"
    arrived.parent.mkdir(parents=True)
    arrived.write_text("n,x\n" + "".join(f"{n},{n / 2}\n" for n in range(ARRIVING)))
    made = backups.found(backups_of(base))[-1]
    for place in (base / SEALED, base / ELSEWHERE):
        place.mkdir()
        sealing.pack(made, place / made.name, key_of(settings_of(base)))


def _seal(folder: Path) -> None:
    with Desk.open(settings_of(folder)) as desk:
        backing_up.make(desk)


def _copy_elsewhere(folder: Path) -> None:
    with Desk.open(settings_of(folder, backup_url=str(folder / ELSEWHERE))) as desk:
        backing_up.make(desk, timed=True)


def _copy_open(folder: Path) -> None:
    (folder / sites.KEY).unlink()
    for left in (folder / ELSEWHERE).iterdir():
        left.unlink()
    _copy_elsewhere(folder)


def _pieces(folder: Path) -> None:
    """Two sets, the second of a store that changed, at home and elsewhere."""
    more = {"backup_kind": "incremental", "backup_url": str(folder / ELSEWHERE)}
    with Desk.open(settings_of(folder, **more)) as desk:
        backing_up.make(desk, timed=True)
        notes.write(desk, "S", "seen")
        backing_up.make(desk, timed=True)


def _wrong_pieces(folder: Path) -> int:
    """Sets that are not whole, here or elsewhere, and pieces that nothing names after a sweep."""
    key = key_of(settings_of(folder))
    sweeping.sweep(backups_of(folder), key)
    there = backups_of(folder) / OBJECTS
    left = {path.name for path in there.glob("[!.]*")} if there.is_dir() else set()
    wrong = len(left - sweeping.named(backups_of(folder), key))
    for path in (*backups.found(backups_of(folder)), *(folder / ELSEWHERE).glob("*.age")):
        try:
            backups.check(path, key)
        except OpenbellError:
            wrong += 1
    return wrong


def _restore_set(folder: Path) -> None:
    with Desk.open(settings_of(folder, backup_kind="incremental")) as desk:
        made = backing_up.make(desk)["folder"]
    bring_back(settings_of(folder), Path(made), datetime.now(UTC))


def _wrong_elsewhere(folder: Path) -> int:
    """Files of the second place that are no whole backups."""
    wrong = 0
    for path in (folder / ELSEWHERE).iterdir():
        try:
            backups.check(path, key_of(settings_of(folder)))
        except OpenbellError:
            wrong += 1
    return wrong


def _restore_sealed(folder: Path) -> None:
    bring_back(settings_of(folder), next((folder / SEALED).glob("[!.]*")), datetime.now(UTC))


def _restore_elsewhere(folder: Path) -> None:
    chosen = settings_of(folder, backup_url=str(folder / ELSEWHERE))
    with second_place.fetched(chosen, None) as (path, _):
        bring_back(chosen, path, datetime.now(UTC))


def _wrong_restored(folder: Path) -> int:
    """Done again it succeeds, and removes what the killed one left beside the backup."""
    _restore_sealed(folder)
    with Desk.open(settings_of(folder)) as desk:
        held = desk.warehouse.read("SELECT count(*) FROM watchlist").item()
    return int(held != sites.BACKED_UP)


def _move(folder: Path) -> None:
    source, target = (f"duckdb:///{folder / name}" for name in ("desk.duckdb", MOVED))
    moving_house.migrate_store(source, target, folder, lambda *_: None)


def _wrong_move(folder: Path) -> int:
    """A place that has its name holds everything; one that has not can be moved to."""
    if not (folder / MOVED).exists():
        with sites.more_migrations(folder.with_name(sites.MIGRATIONS)):  # it was opened with those
            _move(folder)
    with duckdb.connect(str(folder / MOVED), read_only=True) as connection:
        held = connection.execute("SELECT count(*) FROM watchlist").fetchall()[0][0]
    return int(held != NEWER)


def _own(folder: Path) -> Settings:
    """With a dataset that files are for."""
    return settings_of(folder, catalogue=folder / CATALOGUE)


def _take(folder: Path) -> None:
    with Desk.open(_own(folder)) as desk:
        for item in inbox.arrivals(desk):
            inbox.dispose(desk, item)


def _wrong_inbox(folder: Path) -> int:
    """The file is there once, waiting or done, and taken at last with all its rows."""
    _take(folder)
    with Desk.open(_own(folder)) as desk:
        rows = desk.warehouse.read("SELECT count(*), count(DISTINCT n) FROM own_rows").row(0)
        waiting = inbox.arrivals(desk)
    done = list((folder / inbox.INBOX / inbox.TAKEN).iterdir())
    return int(rows != (ARRIVING, ARRIVING)) + len(waiting) + int(len(done) != 1)


def _hand_on(folder: Path) -> None:
    with Desk.open(settings_of(folder)) as desk:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("rows.csv", "n\n" + "1\n" * ARRIVING)
        digest = hashlib.sha256(buffer.getvalue()).hexdigest()
        automation.hand_on(desk, folder / OUT, "tables.zip", buffer.getvalue(), digest)
        exports.save(exports.frame_of(desk, "journal"), folder / OUT / "journal.parquet")


def _wrong_out(folder: Path) -> int:
    """Files under their own names are whole."""
    found = list((folder / OUT).glob("[!.]*")) if (folder / OUT).exists() else []
    wrong = sum(not _whole(path) for path in found)
    shutil.rmtree(folder / OUT, ignore_errors=True)
    return wrong


def _whole(path: Path) -> bool:
    """Whether an archive, its digest or a Parquet file can be read to its end."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    if path.suffix == ".parquet":
        found = duckdb.sql(f"SELECT count(*) FROM read_parquet('{path}')").fetchall()
        return bool(found)
    return len(path.read_text().split()) == 2


def _note(folder: Path) -> None:
    with Desk.open(settings_of(folder)) as desk:
        for number in range(3):
            notes.write(desk, f"S{number}", "seen")
            notes.set_mark(desk, f"S{number}", "star")
            auditing.signed(desk)


def _wrong_chain(folder: Path) -> int:
    """The chain of who did what is whole, its checkpoints are the desk's own, notes stand once."""
    _note(folder)
    with Desk.open(settings_of(folder)) as desk:
        kept = notes.notes(desk)
        return int(not auditing.proof(desk)["intact"]) + int(kept.height != 3)


OPERATIONS = {
    "backup, encrypted": Operation(_seal),
    "second place": Operation(_copy_elsewhere, _wrong_elsewhere),
    "second place, open": Operation(_copy_open, _wrong_elsewhere),
    "backup in pieces": Operation(_pieces, _wrong_pieces),
    "restore of pieces": Operation(_restore_set, _wrong_pieces),
    "restore encrypted": Operation(_restore_sealed, _wrong_restored),
    "restore from 2nd": Operation(_restore_elsewhere),
    "migrate-store": Operation(_move, _wrong_move),
    "inbox": Operation(_take, _wrong_inbox),
    "handed on": Operation(_hand_on, _wrong_out),
    "notes and audit": Operation(_note, _wrong_chain),
}
