"""Kills at the write sites of care: restore, backup, migration, first start, commit and its mark.

An operation runs in a process of its own that counts what it does to files and tables (opens for
writing, renames, removals, syncs, statements, commits, marks) and kills itself at one of them. Then
the desk is opened as anyone would, and what is in it is compared with what may be in it.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd  # noqa: F401 - DuckDB imports it with the first parameter: a second per life

import core.service.everything  # noqa: F401 - registers what can be asked for
from core import settings
from core.errors import OpenbellError
from core.jobs.queue.count_file import CountFile
from core.jobs.queue.file import SqliteFile
from core.jobs.store_mark import StoreMark
from core.observe import logs
from core.service.data_folder import backups_of, bring_back, key_of
from core.service.desk import Desk
from core.service.kernel import commands
from core.service.trading import journal
from core.settings import Settings
from core.store import backup as backups
from core.store import mark, migrate, moving, warehouse
from core.store.transaction import Transaction

BACKED_UP, NEWER = 4, 7  # rows and jobs in the backup, and in the desk that runs
FILE_EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"}
FILE_EVENTS |= {"subprocess.Popen", "sqlite3.connect", "os.chmod"}
COUNTS = ("sites", "kills", "lost", "doubled", "torn", "empty", "refused")
EXTRA, MIGRATIONS = 5, "migrations"  # those beyond the desk's, and the folder of all
FIRST_START = "first start"
KEY = "key"  # in a folder: encrypts its backups


@dataclass
class Row:
    """What came of the kills in one operation."""

    operation: str
    sites: int = 0
    kills: int = 0
    lost: int = 0
    doubled: int = 0
    torn: int = 0
    empty: int = 0
    refused: int = 0

    @property
    def clean(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost + self.doubled + self.torn + self.empty + self.refused)


@dataclass(frozen=True, slots=True)
class Operation:
    """What is done to a desk in a folder, and what must hold there besides once it was killed.

    `wrong` says how many things do not; it may go on with what was stopped.
    """

    work: Callable[[Path], None]
    wrong: Callable[[Path], int] = lambda _: 0


@dataclass(frozen=True, slots=True)
class Held:
    """What a desk holds: rows, distinct rows, journal entries, jobs."""

    rows: int
    distinct: int
    entries: int
    jobs: int


def run(
    folder: Path,
    rounds: int,
    operations: Mapping[str, Operation] | None = None,
    prepare: Callable[[Path], None] = lambda _: None,
) -> list[Row]:
    """Spread kills over the operations' sites; `prepare` adds to the desk they begin with."""
    chosen = operations or OPERATIONS
    logs.configure("json", "CRITICAL")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.crash_sites"])
    base = folder / "base"
    _build(base, folder / MIGRATIONS)
    prepare(base)
    table = []
    for number, (name, operation) in enumerate(chosen.items()):
        share = rounds // len(chosen) + (number < rounds % len(chosen))
        table.append(_kill_through(context, folder, base, (name, operation), share))
    return table


def as_text(table: list[Row]) -> str:
    """The table, one line an operation and one for all."""
    total = Row("all", *(sum(getattr(row, name) for row in table) for name in COUNTS))
    lines = [f"{'killed in':<20}" + "".join(f"{name:>9}" for name in COUNTS)]
    for row in (*table, total):
        lines.append(
            f"{row.operation:<20}" + "".join(f"{getattr(row, name):>9}" for name in COUNTS)
        )
    return "\n".join(lines)


def _build(base: Path, migrations: Path) -> None:
    """A desk with a backup, a folder set aside, newer rows, entries and jobs."""
    with _desk(base) as desk:
        for company in range(BACKED_UP):
            _add(desk, company)
        commands.run(desk, "backup", {})
    bring_back(settings_of(base), None, datetime.now(UTC))
    with _desk(base) as desk:
        for company in range(BACKED_UP, NEWER):
            _add(desk, company)
    base.with_name("nothing").mkdir()
    shutil.copytree(migrate.FOLDER, migrations)
    for number in range(EXTRA):
        sql = f"CREATE TABLE extra{number} (n BIGINT); INSERT INTO extra{number} VALUES ({number});"
        sql += "UPDATE extra0 SET n = n;" if number % 2 else ""  # what the next one alters
        sql += f"ALTER TABLE extra0 ADD COLUMN c{number} BIGINT;" if number in (2, 4) else ""
        (migrations / f"{9000 + number}_extra.sql").write_text(sql)


def _add(desk: Desk, company: int) -> None:
    desk.queue.publish("pull", {"n": company})
    with desk.warehouse.transaction() as tx:
        tx.execute("INSERT INTO watchlist VALUES (?, 'A', now())", [company])
    journal.deposit(desk, Decimal(100), desk.now().date())


def settings_of(folder: Path, **more: Any) -> Settings:
    """Of a desk in this folder; with the key of its backups where there is one."""
    key = folder / KEY
    if key.exists():
        more["backup_key"] = key.read_text()
    return settings.load(data_dir=folder, **more)


def _desk(folder: Path) -> Desk:
    return Desk.open(settings_of(folder))


def _kill_through(
    context: Any, folder: Path, base: Path, named: tuple[str, Operation], kills: int
) -> Row:
    name, operation = named
    row = Row(name)
    base = base.with_name("nothing") if name == FIRST_START else base
    work = folder / "work"
    counted = folder / "counted"
    _fresh(base, work)
    _child(context, operation.work, work, 0, counted)
    row.sites = int(counted.read_text())
    for number in range(kills):
        at = 1 + number * row.sites // kills  # every site where there are kills enough
        acked = _fresh(base, work)
        if _child(context, operation.work, work, at, counted) == -signal.SIGKILL:
            row.kills += 1
        _judge(row, work, acked)
        with more_migrations(folder / MIGRATIONS):
            row.torn += operation.wrong(work)
        row.torn += any(".part" in path.name for path in work.rglob("*"))
    return row


def _fresh(base: Path, work: Path) -> Path:
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(base, work)
    acked = work.with_name("acked")
    acked.write_text("")
    return acked


def _child(
    context: Any, operation: Callable[[Path], None], work: Path, at: int, counted: Path
) -> int:
    life = context.Process(target=operate, args=(operation, str(work), at, str(counted)))
    life.start()
    life.join(120)
    if life.is_alive():
        life.kill()
        life.join()
    return int(life.exitcode)


def operate(operation: Callable[[Path], None], folder: str, at: int, counted: str) -> None:
    """One operation, killed at its site number `at` (0: not at all); how many sites it has."""
    logs.configure("json", "CRITICAL")
    sites = Sites(at)
    sites.watch()
    operation(Path(folder))
    Path(counted).write_text(str(sites.seen))


class Sites:
    """Counts what this process does to files and tables, and kills it at one of them."""

    def __init__(self, at: int) -> None:
        self._at = at
        self.seen = 0

    def reached(self) -> None:
        """One more; this may be the last."""
        self.seen += 1
        if self.seen == self._at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Be told of every site from now on."""
        sys.addaudithook(self._audit)
        for owner, name in (
            (os, "fsync"),
            (Transaction, "execute"),
            (mark, "count_up"),
            (warehouse.Warehouse, "_keep"),
            (warehouse.Warehouse, "checkpoint"),
            (StoreMark, "write"),
            (SqliteFile, "change"),
            (SqliteFile, "put"),
            (CountFile, "write"),
        ):
            setattr(owner, name, self._told(getattr(owner, name)))

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        writes = (
            event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if writes or event in FILE_EVENTS:
            self.reached()

    def _told(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def told(*args: Any, **kwargs: Any) -> Any:
            self.reached()
            result = function(*args, **kwargs)
            self.reached()
            return result

        return told


def _restore(folder: Path) -> None:
    bring_back(settings_of(folder), None, datetime.now(UTC))


def _restore_set_aside(folder: Path) -> None:
    aside = next(folder.glob("set-aside-*"))
    bring_back(settings_of(folder), aside, datetime.now(UTC))


def _backup(folder: Path) -> None:
    with _desk(folder) as desk:
        commands.run(desk, "backup", {})


def _migrate(folder: Path) -> None:
    with more_migrations(folder.with_name(MIGRATIONS)):
        _desk(folder).close()


def _commit(folder: Path) -> None:
    with _desk(folder) as desk:
        _acknowledge(desk, 3)
        desk.warehouse.checkpoint()


def _first_start(folder: Path) -> None:
    with _desk(folder) as desk:
        _acknowledge(desk, 1)


def _acknowledge(desk: Desk, count: int) -> None:
    for company in range(NEWER, NEWER + count):
        _add(desk, company)
        with desk.settings.data_dir.with_name("acked").open("a") as file:
            file.write(f"{company}\n")


OPERATIONS = {
    "restore": Operation(_restore),
    "restore set aside": Operation(_restore_set_aside),
    "backup": Operation(_backup),
    "migration": Operation(_migrate),
    FIRST_START: Operation(_first_start),
    "commit and mark": Operation(_commit),
}


@contextmanager
def more_migrations(folder: Path) -> Iterator[None]:
    """Let the store know of the migrations in a folder, too."""
    run, behind = (partial(way, folder=folder) for way in (migrate.migrate, migrate.behind))
    with (
        patch.multiple(warehouse, migrate=run, behind=behind),
        patch.multiple(moving, migrate=run),
    ):
        yield


def _judge(row: Row, work: Path, acked: Path) -> None:
    """Open the desk as anyone would, and compare what it holds with what it may hold."""
    first = row.operation == FIRST_START
    wanted = (0 if first else NEWER) + len(acked.read_text().split())
    restoring = row.operation.startswith("restore")
    try:
        with more_migrations(work.with_name(MIGRATIONS)), _desk(work) as desk:
            held = _held(desk)
            row.torn += commands.run(desk, "verify", {}).exit_code != 0
            extra = desk.warehouse.read("SELECT count(*) FROM migrations WHERE number >= 9000")
            row.torn += extra.item() != EXTRA
    except OpenbellError:
        row.refused += 1
        return
    row.empty += held.rows == 0 < wanted
    row.doubled += held.rows != held.distinct
    if restoring:  # the old desk or the restored one, store and queue alike
        row.lost += held.rows not in (NEWER, BACKED_UP)
        row.torn += not held.entries == held.rows == held.jobs
    else:
        row.lost += held.rows < wanted or held.entries < wanted or held.jobs < wanted
    for path in backups.found(backups_of(work)):
        backups.check(path, key_of(settings_of(work)))


def _held(desk: Desk) -> Held:
    rows, distinct = desk.warehouse.read("SELECT count(*), count(DISTINCT cik) FROM watchlist").row(
        0
    )
    entries = desk.warehouse.read(
        "SELECT count(*) FROM journal_entries WHERE kind = 'deposit'"
    ).item()
    return Held(rows, distinct, entries, len(desk.queue.find(limit=10_000)))
