"""One owner, always: whatever the first desk does, a second process does not get the store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core import settings
from core.errors import OpenbellError, OwnershipError
from core.service import current
from core.service.care import gauging, health
from core.service.data_folder import bring_back, would_bring_back
from core.service.desk import Desk
from core.service.kernel import commands, exports
from core.store.ownership import Ownership, lock_of
from core.store.warehouse import Warehouse
from tests.upstreams import DAILY, Running

ROOT = Path(__file__).resolve().parents[2]
RIVAL = """
import sys
from pathlib import Path
import duckdb
from core import settings
from core.errors import OwnershipError
from core.service.desk import Desk
from core.store.warehouse import Warehouse

chosen = settings.load(data_dir=Path(sys.argv[1]))
ways = {
    "desk": lambda: Desk.open(chosen),
    "store": lambda: Warehouse.open(chosen.store_path),
    "bare": lambda: duckdb.connect(str(chosen.store_path)),
}
for way in sys.stdin:
    try:
        ways[way.strip()]().close()
        print("opened", flush=True)
    except OwnershipError as error:
        print(error, flush=True)
    except duckdb.IOException as error:
        print(str(error).replace(chr(10), " "), flush=True)
"""


class Rival:
    """Another process that tries to open the same data folder in three ways."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", RIVAL, str(folder)],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def tries(self) -> dict[str, str]:
        """What each way says."""
        assert self._process.stdin
        assert self._process.stdout
        said = {}
        for way in ("desk", "store", "bare"):
            self._process.stdin.write(f"{way}\n")
            self._process.stdin.flush()
            said[way] = self._process.stdout.readline().strip()
        return said

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk with its engine and stand-in upstreams."""
    folder = tmp_path_factory.mktemp("one") / "desk"
    with (
        Running() as upstreams,
        Desk.open(
            settings.load(
                data_dir=folder,
                retries=0,
                scheduler=False,
                sql_seconds=300,  # a busy machine is no slow query
                **upstreams.settings(),
            )
        ) as desk,
    ):
        desk.start(scheduler=False)
        current.use(desk)
        yield desk
        current.use(None)


@pytest.fixture(scope="module")
def rival(first: Desk) -> Iterator[Rival]:
    """The other process, started once."""
    other = Rival(first.settings.data_dir)
    yield other
    other.close()


def refused(use: Callable[[], object]) -> None:
    with pytest.raises(OwnershipError):
        use()


def imported(desk: Desk, folder: Path) -> None:
    path = folder / "rows.csv"
    path.write_bytes(DAILY)
    commands.run(desk, "import", {"dataset": "prices.daily", "path": path})


USES: dict[str, Callable[[Desk, Path], object]] = {
    "nothing": lambda *_: None,
    "pull": lambda desk, _: commands.run(desk, "pull", {"datasets": ["prices.daily"]}),
    "backup": lambda desk, _: commands.run(desk, "backup", {}),
    "backup elsewhere": lambda desk, at: commands.run(desk, "backup", {"folder": at}),
    "verify": lambda desk, _: commands.run(desk, "verify", {}),
    "doctor": lambda desk, _: commands.run(desk, "doctor", {}),
    "status": lambda desk, _: commands.run(desk, "status", {}),
    "sql": lambda desk, _: commands.run(desk, "sql", {"query": "SELECT count(*) FROM pulls"}),
    "import": imported,
    "export": lambda desk, _: exports.encode(
        exports.frame_of(desk, "dataset", name="prices.daily"), "parquet"
    ),
    "health": lambda desk, _: (health.report(desk), gauging.gauge(desk)),
    "checkpoint": lambda desk, _: desk.warehouse.checkpoint(),
    "a fatal failure": lambda desk, _: desk.warehouse._reopen(),
    "a desk beside it": lambda desk, _: refused(lambda: Desk.open(desk.settings)),
    "restore beside it": lambda desk, _: refused(
        lambda: bring_back(desk.settings, None, datetime.now(UTC))
    ),
}


@pytest.mark.parametrize("use", USES)
def test_no_second_desk_after_any_use_of_the_first(
    first: Desk, rival: Rival, tmp_path: Path, use: str
) -> None:
    """Neither as a desk, nor as a store, nor with the bare engine."""
    USES[use](first, tmp_path)
    said = rival.tries()
    for way in ("desk", "store"):
        assert f"owned by process {os.getpid()}" in said[way], said
    assert f"PID {os.getpid()}" in said["bare"], said
    locks = Path("/proc/locks").read_text()
    store = f":{first.settings.store_path.stat().st_ino} "
    assert any(store in line and "POSIX" in line for line in locks.splitlines())


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    """A killed owner leaves a lock file that the next one takes."""
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from core.store.ownership import Ownership\n"
        "Ownership.take([Path(sys.argv[1])]); os.kill(os.getpid(), signal.SIGKILL)"
    )
    lock = lock_of(tmp_path / "desk.duckdb")
    subprocess.run([sys.executable, "-c", code, str(lock)], cwd=ROOT, check=False)
    assert lock.exists()
    with Ownership.take([lock]), pytest.raises(OwnershipError, match=f"process {os.getpid()}"):
        Ownership.take([lock])
    Ownership.take([lock]).release()


def test_all_locks_or_none(tmp_path: Path) -> None:
    """Where one is held by another, the rest is given back."""
    mine, theirs = tmp_path / "a.lock", tmp_path / "b.lock"
    with Ownership.take([theirs]):
        with pytest.raises(OwnershipError):
            Ownership.take([mine, theirs])
        Ownership.take([mine]).release()


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    """Not a traceback of the system's."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OpenbellError, match="cannot be used"):
        Ownership.take([tmp_path / "file" / "desk.lock"])


def test_another_process_is_told_who_owns_the_store(warehouse: Warehouse) -> None:
    """The sentence names the owner's PID."""
    code = (
        "import sys; from pathlib import Path; from core.store.warehouse import Warehouse\n"
        "from core.errors import OwnershipError\n"
        "try: Warehouse.open(Path(sys.argv[1]))\n"
        "except OwnershipError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(warehouse.path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert f"owned by process {os.getpid()}" in done.stdout


def test_a_folder_whose_store_is_open_says_whose_it_is(tmp_path: Path) -> None:
    """Named as what to restore from: no error of the engine about its locks."""
    chosen = settings.load(data_dir=tmp_path / "desk")
    Desk.open(chosen).close()
    opens = (
        "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('open', flush=True); "
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", opens, str(chosen.store_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(OwnershipError, match=f"owned by process {other.pid}"):
            would_bring_back(chosen, chosen.data_dir)
        other.communicate()
