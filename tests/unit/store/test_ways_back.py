"""What a hint names to mend a damaged store or queue with is there: with a backup and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core import settings
from core.errors import OpenbellError, StoreError
from core.service.data_folder import bring_back, would_bring_back
from core.service.desk import Desk
from core.service.kernel import commands
from core.settings import Settings
from core.store import presence
from core.store.restore import PLAN

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def scrawl(path: Path, start: int) -> None:
    """Write over a file that a desk has open, behind its first bytes."""
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * (path.stat().st_size - start))


@pytest.fixture
def spoilt(tmp_path: Path) -> Iterator[Desk]:
    """A running desk without a backup whose store and queue break under it."""
    given = settings.load(data_dir=tmp_path / "desk")
    rows = "INSERT INTO watchlist SELECT i, md5(i::VARCHAR), now() FROM range(?, ?) t(i)"
    with Desk.open(given) as desk:
        for first in (0, 4500):
            with desk.warehouse.transaction() as tx:
                tx.execute(rows, [first, first + 4500])
    with Desk.open(given) as desk:
        desk.queue.publish("pull")
        desk.queue._file.read("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[attr-defined]
        desk.queue._file.read("PRAGMA cache_size = 0")  # type: ignore[attr-defined]
        yield desk


def _read_store(desk: Desk) -> None:
    scrawl(desk.settings.store_path, 12_288)  # behind the three headers
    desk.warehouse.read("SELECT bit_xor(hash(w)) FROM watchlist w")


def _read_queue(desk: Desk) -> None:
    scrawl(desk.settings.queue_path, 4096)
    desk.queue.find()


def _read_mark(desk: Desk) -> None:
    file = desk.queue._file  # type: ignore[attr-defined]
    file.write(lambda: file.change("UPDATE store_mark SET number = 10"))
    desk.warehouse.compare_with_mark()


def _older_mark(desk: Desk) -> None:
    mark = desk.warehouse.compare_with_mark()
    desk.queue.store_mark.write(replace(mark, number=1))  # type: ignore[attr-defined]
    desk.warehouse.compare_with_mark()


@pytest.mark.few(4)
@pytest.mark.parametrize("broken", [_read_store, _read_queue, _read_mark, _older_mark])
@pytest.mark.parametrize("kept", ["none", "cut", "good"])
def test_a_running_desk_names_ways_back_that_there_are(
    spoilt: Desk, broken: Callable[[Desk], None], kept: str
) -> None:
    """Without a good backup the command that would bring it back is not named."""
    if kept != "none":
        commands.run(spoilt, "backup", {})
    if kept == "cut":
        copy = next(spoilt.settings.data_dir.glob("backups/*/store.duckdb"))
        copy.write_bytes(copy.read_bytes()[:-1])
    with pytest.raises(StoreError) as caught:
        broken(spoilt)
    assert caught.value.hint
    assert (presence.RESTORE in caught.value.hint) == (kept == "good")
    assert ("there is no good backup" in caught.value.hint) == (kept != "good")


@pytest.mark.parametrize("dry", [False, True])
def test_damaged_backups_alone_name_other_ways(spoilt: Desk, dry: bool) -> None:
    """Also when only a look at every byte finds the damage."""
    commands.run(spoilt, "backup", {})
    given = spoilt.settings
    copy = next(given.data_dir.glob("backups/*/store.duckdb"))
    body = bytearray(copy.read_bytes())
    body[-1] ^= 1
    copy.write_bytes(body)
    spoilt.close()
    with pytest.raises(OpenbellError, match="none of the 1 backups can be used") as caught:
        would_bring_back(given, None) if dry else bring_back(given, None, spoilt.now())
    hint = str(caught.value.hint)
    assert "restore FOLDER" in hint
    assert "there is no good backup" in hint
    assert presence.RESTORE not in hint


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("name", "opened"),
    [
        (presence.NOTE, Desk.open),
        ("queue.sqlite-count", Desk.open),
        (PLAN, Desk.open),
        (PLAN, lambda given: bring_back(given, None, NOON)),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_a_sentence(
    tmp_path: Path, name: str, opened: Callable[[Settings], object]
) -> None:
    """A folder in its place stands for all that the system may have against it."""
    given = settings.load(data_dir=tmp_path / "desk")
    with Desk.open(given) as desk:
        commands.run(desk, "backup", {})
    (given.data_dir / name).unlink(missing_ok=True)
    (given.data_dir / name).mkdir()
    with pytest.raises(StoreError, match=f"cannot be used: .*{name}.*user of the desk"):
        opened(given)
