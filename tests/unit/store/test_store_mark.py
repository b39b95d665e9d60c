"""The mark of the last commit: cut logs, missing stores and emptied queues are noticed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core import settings
from core.errors import StoreError
from core.jobs.queue.sqlite import SqliteQueue
from core.service.data_folder import bring_back
from core.service.desk import Desk
from core.service.kernel import commands
from core.settings import Settings
from core.store import files, presence
from core.store.engines import LOG_BYTES
from core.store.mark import CommitMark
from core.store.warehouse import Warehouse
from tests import begun

BOTH = "python -m app restore; .*python -m app restore --accept-loss"


def add(desk: Desk, company: int) -> None:
    with desk.warehouse.transaction() as tx:
        tx.execute("INSERT INTO watchlist VALUES (?, 'A', now())", [company])


def count(desk: Desk) -> int:
    return int(desk.warehouse.read("SELECT count(*) FROM watchlist").item())


@pytest.fixture
def killed(tmp_path: Path) -> Settings:
    """A data folder as a desk leaves it that is killed: five commits in the log, a backup of 0."""
    begun.put_made(_killed, tmp_path / "desk")
    return settings.load(data_dir=tmp_path / "desk")


def _killed(folder: Path) -> None:
    first = settings.load(data_dir=folder.with_name("living"))
    with Desk.open(first) as desk:
        commands.run(desk, "backup", {})
        for company in range(5):
            desk.queue.publish("pull", {"n": company})
            add(desk, company)
        image(first.data_dir, folder)


def image(living: Path, target: Path) -> None:
    """What is on disk at this instant, copied by another process."""
    for path in living.rglob("*"):
        if path.is_file() and path.suffix not in (".lock", ".json"):
            files.folder((target / path.relative_to(living)).parent)
            files.copy_by_another(path, target / path.relative_to(living))
    for path in living.rglob("manifest.json"):
        shutil.copy(path, target / path.relative_to(living))


def test_a_killed_desk_opens_with_all_it_had(killed: Settings) -> None:
    """Nothing is told where nothing is missing."""
    with Desk.open(killed) as desk:
        assert count(desk) == 5
        assert commands.run(desk, "verify", {}).exit_code == 0


def test_a_kill_between_commit_and_mark_is_no_alarm(
    killed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store may be ahead of its mark, also right after it was made."""
    for opening in (killed, settings.load(data_dir=killed.data_dir.with_name("new"))):
        with monkeypatch.context() as patch:
            patch.setattr(Warehouse, "_keep", lambda *_: _die())
            with pytest.raises(KeyboardInterrupt), Desk.open(opening) as desk:
                add(desk, 9)
        Desk.open(opening).close()


def _die() -> None:
    raise KeyboardInterrupt


def test_a_mark_that_cannot_be_written_costs_nothing(
    killed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit stands, later ones are marked again, and the next start is calm."""
    with Desk.open(killed) as desk:
        assert isinstance(desk.queue, SqliteQueue)
        with monkeypatch.context() as patch:
            patch.setattr(desk.queue.store_mark, "write", _full)
            add(desk, 6)
            add(desk, 7)
        add(desk, 8)
    with Desk.open(killed) as desk:
        assert count(desk) == 8
        assert commands.run(desk, "verify", {}).exit_code == 0


def _full(_: CommitMark) -> None:
    raise StoreError("the disk is full")


@pytest.mark.few(1)
@pytest.mark.parametrize("left", [None, 0.0, 0.3, 0.6, 0.99])
def test_a_cut_or_missing_log_is_told_and_both_ways_back_work(
    killed: Settings, left: float | None
) -> None:
    """Start and verify refuse, the files stay as they are, and either command mends it."""
    wal = presence.wal_of(killed.store_path)
    body = wal.read_bytes()
    wal.unlink() if left is None else wal.write_bytes(body[: int(len(body) * left)])
    for _ in range(2):
        with pytest.raises(StoreError, match=f"lacks its last commits.*{BOTH}"):
            Desk.open(killed)
        if left:
            assert wal.stat().st_size == int(len(body) * left)
    copy = settings.load(data_dir=killed.data_dir.with_name("copy"))
    shutil.copytree(killed.data_dir, copy.data_dir)
    bring_back(killed, None, noon())
    with Desk.open(killed) as desk:
        assert count(desk) == 0
    with Desk.open(copy, accept_loss=True) as desk:
        assert count(desk) < 5
        add(desk, 99)
    Desk.open(copy).close()


def noon() -> datetime:
    return datetime(2026, 3, 2, tzinfo=UTC)


def test_an_older_copy_of_the_store_is_told(killed: Settings) -> None:
    """Put in place by hand beside a queue that knows of more."""
    older = next(killed.data_dir.glob("backups/*/store.duckdb"))
    presence.wal_of(killed.store_path).unlink()
    shutil.copy(older, killed.store_path)
    with pytest.raises(StoreError, match="lacks its last commits"):
        Desk.open(killed)


def test_a_store_that_went_another_way_is_told(killed: Settings) -> None:
    """The number fits, what it counted does not."""
    with Desk.open(killed) as desk:
        assert isinstance(desk.queue, SqliteQueue)
        mark = desk.queue.store_mark.read()
        assert mark
        fields = (mark.number, mark.entries, mark.pulls, mark.plans)
    queue = SqliteQueue(killed.queue_path, noon)
    queue.store_mark.write(CommitMark(*fields, "0123456789abcdef"))
    queue.close()
    with pytest.raises(StoreError, match=f"another one than its mark.*{BOTH}"):
        Desk.open(killed)


@pytest.mark.parametrize("harm", ["gone", "empty", "older"])
def test_a_queue_that_was_lost_is_told(killed: Settings, harm: str) -> None:
    """Jobs do not vanish in silence: the store knows that it was marked in a queue."""
    older = next(killed.data_dir.glob("backups/*/queue.sqlite")).read_bytes()
    for ending in ("", "-wal", "-shm"):
        killed.queue_path.with_name(killed.queue_path.name + ending).unlink(missing_ok=True)
    if harm != "gone":
        killed.queue_path.write_bytes(b"" if harm == "empty" else older)
    with pytest.raises(StoreError, match=f"queue.*{BOTH}"):
        Desk.open(killed)
    bring_back(killed, None, noon())
    Desk.open(killed).close()


def test_a_damaged_mark_is_told(killed: Settings) -> None:
    """It carries a checksum as the jobs do."""
    queue = SqliteQueue(killed.queue_path, noon)
    queue._file.change("UPDATE store_mark SET number = number - 1")
    queue.close()
    with pytest.raises(StoreError, match=r"mark .*damaged.*python -m app restore"):
        Desk.open(killed)


def only_set_aside(given: Settings) -> None:
    (given.data_dir / "set-aside-20260101T000000").mkdir()
    given.store_path.rename(given.data_dir / "set-aside-20260101T000000" / "desk.duckdb")
    shutil.rmtree(given.data_dir / "backups")
    given.queue_path.unlink()


def only_backup(given: Settings) -> None:
    given.store_path.unlink()
    given.queue_path.unlink()


def only_queue(given: Settings) -> None:
    given.store_path.unlink()
    shutil.rmtree(given.data_dir / "backups")


def only_log(given: Settings) -> None:
    only_backup(given)
    shutil.rmtree(given.data_dir / "backups")
    presence.wal_of(given.store_path).write_bytes(b"x")


def only_note(given: Settings) -> None:
    only_backup(given)
    shutil.rmtree(given.data_dir / "backups")
    presence.wal_of(given.store_path).unlink(missing_ok=True)


RESTORE, ANEW = "python -m app restore", "there is no good backup; .*choose an empty folder"


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("leave", "way"),
    [
        (only_set_aside, f"there is no good backup; .*{RESTORE} .*set-aside-20260101T000000"),
        (only_backup, f"with: {RESTORE}; "),
        (only_queue, ANEW),
        (only_log, ANEW),
        (only_note, ANEW),
    ],
)
def test_no_empty_store_is_made_where_there_was_one(
    killed: Settings, leave: Callable[[Settings], None], way: str
) -> None:
    """The refusal names what knows of a store and only ways back that there are."""
    Desk.open(killed).close()
    leave(killed)
    for _ in range(2):
        with pytest.raises(StoreError, match=f"no empty one is made.*{way}"):
            Desk.open(killed)
        assert not killed.store_path.exists()


@pytest.mark.parametrize("both", [False, True])
def test_a_store_elsewhere_that_vanished_is_told(tmp_path: Path, both: bool) -> None:
    """Its folder is gone (a disk that is not mounted), and with it the queue or everything."""
    volume = tmp_path / "volume"
    given = settings.load(
        data_dir=tmp_path / "desk",
        store_url=f"duckdb:///{volume}/big.duckdb",
        queue_url=f"sqlite:///{volume}/jobs.sqlite" if both else "",
    )
    Desk.open(given).close()
    shutil.rmtree(volume)
    for path in given.data_dir.glob("queue*"):
        path.unlink()
    with pytest.raises(StoreError, match=f"knows of one at {given.store_path}.*{ANEW}"):
        Desk.open(given)
    assert not given.store_path.exists()


def test_a_first_start_that_was_killed_is_no_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is noted is noted once there is a store: before that the next start makes one."""
    given = settings.load(data_dir=tmp_path / "desk")
    with monkeypatch.context() as patch:
        patch.setattr(Warehouse, "open", lambda *_, **__: _die())
        with pytest.raises(KeyboardInterrupt):
            Desk.open(given)
    Desk.open(given).close()


@pytest.mark.few(1)
@pytest.mark.parametrize("left", [0.9, 0.99])
def test_a_cut_of_the_queues_log_after_its_last_mark_is_told(killed: Settings, left: float) -> None:
    """Jobs that were published after the last commit of the store do not vanish in silence."""
    with Desk.open(killed) as desk:
        for number in range(20):
            desk.queue.publish("pull", {"n": number})
        last = killed.data_dir.with_name("last")
        image(killed.data_dir, last)
    given = settings.load(data_dir=last)
    wal = given.queue_path.with_name(given.queue_path.name + "-wal")
    body = wal.read_bytes()
    wal.write_bytes(body[: int(len(body) * left)])
    for _ in range(2):
        with pytest.raises(StoreError, match=f"queue.sqlite lacks its last .* writes.*{BOTH}"):
            Desk.open(given)
    with Desk.open(given, accept_loss=True) as desk:
        assert 5 < len(desk.queue.find()) < 25
    Desk.open(given).close()


@pytest.mark.few(1)
@pytest.mark.parametrize("body", [b"", b"x", b"00000000000000f 00000000\n", b"\xff" * 25])
def test_a_damaged_count_is_no_alarm(killed: Settings, body: bytes) -> None:
    """It only helps to notice a loss; the queue itself is checked by other means."""
    Desk.open(killed).close()
    (killed.data_dir / "queue.sqlite-count").write_bytes(body)
    for _ in range(2):
        Desk.open(killed).close()


def test_a_damaged_queue_without_a_backup_has_a_way_on(tmp_path: Path) -> None:
    """The hint names no backup, and what it names works."""
    given = settings.load(data_dir=tmp_path / "desk")
    with Desk.open(given) as desk:
        add(desk, 1)
    given.queue_path.write_bytes(given.queue_path.read_bytes()[:9000])
    with pytest.raises(StoreError, match=r"there is no good backup; .*move queue.sqlite\* away"):
        Desk.open(given)
    for path in given.data_dir.glob("queue.sqlite*"):
        path.rename(tmp_path / path.name)
    Desk.open(given, accept_loss=True).close()
    with Desk.open(given) as desk:
        assert count(desk) == 1


def test_what_was_set_aside_comes_back(killed: Settings) -> None:
    """With the command that the refusal names, and its jobs with it."""
    Desk.open(killed).close()
    aside = killed.data_dir / "set-aside-20260101T000000"
    aside.mkdir()
    for path in (killed.store_path, killed.queue_path):
        path.rename(aside / path.name)
    with pytest.raises(StoreError, match=f"python -m app restore {aside}"):
        Desk.open(killed)
    bring_back(killed, aside, noon())
    with Desk.open(killed) as desk:
        assert (count(desk), len(desk.queue.find())) == (5, 5)


def test_a_queue_with_jobs_that_nobody_worked_on_knows_no_store(tmp_path: Path) -> None:
    """Jobs may be published before the desk is opened for the first time."""
    given = settings.load(data_dir=tmp_path / "desk")
    queue = SqliteQueue(given.queue_path, noon)
    queue.publish("pull")
    queue.close()
    with Desk.open(given) as desk:
        assert count(desk) == 0


def test_little_stands_in_the_log(tmp_path: Path) -> None:
    """A commit after which much stands in the write-ahead log folds it into the file."""
    with Warehouse.open(tmp_path / "desk.duckdb") as warehouse:
        wal = presence.wal_of(warehouse.path)
        for size in (1000, LOG_BYTES):
            with warehouse.transaction() as tx:
                tx.execute("INSERT INTO watchlist VALUES (1, repeat('x', ?), now())", [size])
            assert wal.exists() is (size == 1000)
        with warehouse.transaction(bulk=True) as tx:
            tx.execute("INSERT INTO watchlist VALUES (1, repeat('x', ?), now())", [LOG_BYTES])
        assert wal.stat().st_size > LOG_BYTES
        with warehouse.transaction():
            pass
        assert not wal.exists()
