"""Folders and files that a caller names are what they are called, for every engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import StoreError
from core.service.data_folder import bring_back
from core.service.desk import Desk
from core.service.kernel import commands
from core.sources.files import lean
from core.store import backup as backups
from core.store.engines import FileEngine
from core.store.warehouse import Warehouse

NAMES = ("~", "~root", "md:x", "s3://x", "http://x", "file:x", ":memory:", "*", "[ab]", "a?b=c")
LOCAL = pytest.param("a?b=c", marks=pytest.mark.in_file)  # no engine begins a database below it


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the caller is in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.few(3)
@pytest.mark.parametrize("name", [*NAMES[:-1], LOCAL])
def test_a_backup_is_where_it_was_asked_for(desk: Desk, here: Path, name: str) -> None:
    """In the caller's folder: nothing is expanded, and no address is asked."""
    made = commands.run(desk, "backup", {"folder": name}).document
    assert Path(made["folder"]).parent == here / name
    (relative,) = backups.found(Path(name))
    assert backups.check(relative).rows
    if desk.settings.lake:  # which is not replaced in place
        return
    desk.close()
    assert bring_back(desk.settings, relative, desk.now()).folder == relative


def test_a_store_is_not_begun_where_its_log_would_be_elsewhere(tmp_path: Path) -> None:
    """DuckDB puts the log of `a?b/x` at `a.wal?b/x`: told before, and not as a damaged store."""
    with pytest.raises(StoreError, match=r"below a \?") as refused:
        Warehouse.open(FileEngine(tmp_path / "a?b=c" / "desk.duckdb"))
    assert refused.value.hint == "choose a folder without ? in its path"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_factors_is_the_one_that_is_named(here: Path, name: str) -> None:
    """No pattern takes other files with it."""
    path = Path(name) / f"{name.replace('/', '')}.csv"
    path.parent.mkdir(parents=True)
    for other in (path, path.with_name("b.csv"), path.with_name("other.csv")):
        other.write_text("20260102,1,0.5,10\n")
    assert lean.read_factors([path]).height == 1
