"""Flip bits in, cut pieces off and remove the files of a desk: all must be told and mended.

    python -m benchmarks.damage --each 20 [--seed 7]     (make damage)

A desk was killed: there are a store and a queue with a write-ahead log each, and a backup. Each
round takes a fresh copy, harms one file once, and asks `verify` as anyone would. Harm is *told*
when the desk refuses to start or a check fails, *harmless* when everything reads as before,
*silent* when neither holds. What is told must be mended by the command that the message names:
`restore`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

import core.service.everything  # noqa: E402,F401 - registers what can be asked for
from core import settings  # noqa: E402
from core.errors import OpenbellError  # noqa: E402
from core.jobs.queue.port import JobStatus  # noqa: E402
from core.observe import logs  # noqa: E402
from core.service.data_folder import bring_back  # noqa: E402
from core.service.desk import Desk  # noqa: E402
from core.service.kernel import commands  # noqa: E402

RESTORE = "python -m app restore"
FILES = {
    "store": "desk.duckdb",
    "log": "desk.duckdb.wal",
    "queue": "queue.sqlite",
    "queue's log": "queue.sqlite-wal",
    "queue's count": "queue.sqlite-count",
    "note of the store": "store.json",
    "backup": "backups/*/store.duckdb",
    "backup's queue": "backups/*/queue.sqlite",
    "manifest": "backups/*/manifest.json",
}
COUNTS = ("rounds", "told", "mended", "harmless", "silent", "unmended")
Held = tuple[object, ...]


@dataclass
class Row:
    """What came of harming one file in one way."""

    file: str
    harm: str
    rounds: int = 0
    told: int = 0
    mended: int = 0
    harmless: int = 0
    silent: int = 0
    unmended: int = 0

    @property
    def clean(self) -> bool:
        """Whether all that changed content was told and mended."""
        return not (self.silent + self.unmended)


def run(folder: Path, each: int, seed: int) -> list[Row]:
    """Harm every file `each` times in every way; a file can be lost in one way only."""
    logs.configure("json", "CRITICAL")
    base = folder / "base"
    life = subprocess.run(
        [sys.executable, "-c", _LIFE, str(base)], cwd=ROOT, capture_output=True, check=False
    )
    if life.returncode != -signal.SIGKILL:
        raise RuntimeError(life.stderr.decode())
    whole = folder / "whole"
    shutil.copytree(base, whole)
    good = _look(whole)[0]
    chance = random.Random(seed)
    table = []
    for file, pattern in FILES.items():
        for harm, function in HARMS.items():
            row = Row(file, harm)
            for _ in range(1 if function is _lose else each):
                work = folder / "work"
                shutil.rmtree(work, ignore_errors=True)
                shutil.copytree(base, work)
                function(next(work.glob(pattern)), chance)
                _judge(row, work, good, of_backup=pattern.startswith("backups"))
            table.append(row)
    return table


_LIFE = """
import os, signal, sys
from pathlib import Path
from benchmarks import damage
damage.live(Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def live(folder: Path) -> None:
    """Make the desk that is harmed: rows and jobs before and after a backup, in file and log."""
    desk = Desk.open(settings.load(data_dir=folder))
    _work(desk, 0)
    desk.close()
    desk = Desk.open(settings.load(data_dir=folder))
    commands.run(desk, "backup", {})
    for number in range(1, 6):
        _work(desk, number)
    desk.queue._file.read("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[attr-defined]
    desk.queue.publish("pull", {"n": 0, "round": 6})


def _work(desk: Desk, number: int) -> None:
    for n in range(20):
        desk.queue.publish("pull", {"n": n, "round": number}, dedupe_key=f"{number}-{n}")
    with desk.warehouse.transaction() as tx:
        tx.execute(
            "INSERT INTO watchlist SELECT ? + i, md5(i::VARCHAR), TIMESTAMPTZ '2026-01-01' "
            "FROM range(2000) t(i)",
            [number * 2000],
        )


def _flip(path: Path, chance: random.Random) -> None:
    body = bytearray(path.read_bytes())
    body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    path.write_bytes(body)


def _cut(path: Path, chance: random.Random) -> None:
    with path.open("r+b") as file:
        file.truncate(chance.randrange(path.stat().st_size))


def _lose(path: Path, _: random.Random) -> None:
    path.unlink()


HARMS: dict[str, Callable[[Path, random.Random], None]] = {
    "flip": _flip,
    "cut": _cut,
    "lose": _lose,
}


def _judge(row: Row, work: Path, good: Held | None, *, of_backup: bool) -> None:
    row.rounds += 1
    held, messages = _look(work)
    if not messages:
        row.harmless += held == good
        row.silent += held != good
        return
    row.told += any(RESTORE in message for message in messages)
    row.silent += not any(RESTORE in message for message in messages)
    mended = _passed_over(work) if of_backup else _restored(work)
    row.mended += mended
    row.unmended += not mended


def _look(work: Path) -> tuple[Held | None, list[str]]:
    """What the desk holds, and what start and `verify` have to say about it."""
    try:
        with Desk.open(settings.load(data_dir=work)) as desk:
            result = commands.run(desk, "verify", {})
            bad = [check["message"] for check in result.document["checks"] if not check["ok"]]
            return (None, bad) if bad else (_held(desk), [])
    except OpenbellError as error:
        return None, [str(error)]


def _held(desk: Desk) -> Held:
    rows = desk.warehouse.read("SELECT count(*), bit_xor(hash(w)) FROM watchlist w").row(0)
    jobs = desk.queue.find([JobStatus.QUEUED], limit=10_000)
    return (*rows, tuple((job.id, str(job.payload)) for job in jobs))


def _restored(work: Path) -> bool:
    """Whether `restore` brings back what the backup holds."""
    try:
        bring_back(settings.load(data_dir=work), None, datetime.now(UTC))
        with Desk.open(settings.load(data_dir=work)) as desk:
            ok = commands.run(desk, "verify", {}).exit_code == 0
            rows = desk.warehouse.read("SELECT count(*) FROM watchlist").item()
            return ok and (rows, len(desk.queue.find(limit=10_000))) == (2000, 20)
    except OpenbellError:
        return False


def _passed_over(work: Path) -> bool:
    """Whether a new backup is taken instead of the damaged one."""
    with Desk.open(settings.load(data_dir=work)) as desk:
        commands.run(desk, "backup", {})
    older = min((work / "backups").iterdir())
    done = bring_back(settings.load(data_dir=work), None, datetime.now(UTC))
    return done.folder != older


def as_text(table: list[Row]) -> str:
    """The table, one line for each file and harm."""
    lines = [f"{'file':<19}{'harm':<6}" + "".join(f"{name:>10}" for name in COUNTS)]
    for row in table:
        cells = "".join(f"{getattr(row, name):>10}" for name in COUNTS)
        lines.append(f"{row.file:<19}{row.harm:<6}{cells}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--each", type=int, default=20, help="flips and cuts of each file; each is lost once"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/damage.json")
    chosen = parser.parse_args()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=chosen.out.parent) as name:
        table = run(Path(name), chosen.each, chosen.seed)
    print(as_text(table))
    clean = all(row.clean for row in table)
    print("clean" if clean else "NOT CLEAN")
    chosen.out.write_text(json.dumps([asdict(row) for row in table], indent=1))
    return 0 if clean else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
