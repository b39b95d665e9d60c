"""The doctor: each thing it looks at, broken once, is told with what to do; it mends nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import core.service.everything  # noqa: F401 - registers what can be asked for
from core.service.data_folder import backups_of
from core.service.desk import Desk
from core.service.kernel.commands import run

Told = dict[str, dict[str, Any]]
CATALOGUE = """[datasets."one"]
source = "file"
name = "one"
table = "t_one"
key = ["n"]
schema = { n = "int" }
"""


def a_catalogue(folder: Path, text: str) -> Path:
    path = folder / "catalogue.toml"
    path.write_text(text)
    return path


class Usage(NamedTuple):
    """Room on a disk, in bytes."""

    total: int
    used: int
    free: int


def told(desk: Desk) -> Told:
    """What the doctor says, by check."""
    result = run(desk, "doctor", {})
    checks = {check["check"]: check for check in result.document["checks"]}
    assert result.exit_code == (0 if all(check["ok"] for check in checks.values()) else 3)
    return checks


@pytest.fixture
def sound(make_desk: Callable[..., Desk], tmp_path: Path) -> Desk:
    """A desk with a contact and a backup that needs no container."""
    catalogue = a_catalogue(tmp_path, CATALOGUE)
    desk = make_desk(sec_user_agent="A Desk desk@example.com", catalogue=catalogue)
    run(desk, "backup", {})
    return desk


def bad(desk: Desk) -> dict[str, str]:
    """What is to be mended, by check."""
    return {name: check["message"] for name, check in told(desk).items() if not check["ok"]}


def test_a_sound_desk_has_nothing_to_mend(sound: Desk) -> None:
    """And a look changes nothing."""
    before = sorted(path.name for path in sound.settings.data_dir.rglob("*"))
    assert bad(sound) == {}
    assert sorted(path.name for path in sound.settings.data_dir.rglob("*")) == before


@pytest.mark.parametrize(
    ("chosen", "check", "remedy"),
    [
        ({"sec_user_agent": ""}, "SEC contact", "OPENBELL_SEC_USER_AGENT"),
        ({"notify": "pigeon://x"}, "places of alerts", "notify test"),
        ({"scan_dataset": "nowhere"}, "datasets of settings", "correct it, or add it"),
    ],
)
def test_a_setting_that_nothing_can_be_done_with_is_told_with_its_name(
    make_desk: Callable[..., Desk], sound: Desk, chosen: Told, check: str, remedy: str
) -> None:
    """The sound desk again, with one setting of another kind."""
    values = sound.settings.model_dump(exclude_unset=True) | chosen
    sound.close()
    assert remedy in bad(make_desk(**values))[check]


def test_what_is_in_the_way_is_told_with_what_to_do(
    sound: Desk, make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A full disk, an old backup, a damaged one, none, a damaged job: each by itself."""
    with monkeypatch.context() as patched:
        few = Usage(10**9, 10**9 - 10**6, 10**6)
        patched.setattr(shutil, "disk_usage", lambda _: few)
        assert "make room" in bad(sound)["disk"]
    with monkeypatch.context() as patched:
        later = sound.now() + timedelta(days=60)
        patched.setattr(sound, "now", lambda: later)
        assert "python -m app backup" in bad(sound)["backups"]
    (backup,) = backups_of(sound.settings.data_dir).iterdir()
    store = backup / "store.duckdb"
    body = store.read_bytes()
    os.truncate(store, len(body) // 2)
    assert "python -m app restore" in bad(sound)[f"backup {backup.name}"]
    store.write_bytes(body)
    job = sound.queue.publish("pull", {"dataset": "a"}).job_id
    with closing(sqlite3.connect(sound.settings.data_dir / "queue.sqlite")) as file, file:
        file.execute("UPDATE jobs SET attempts = 7")
    sound.queue.claim("w", timedelta(seconds=60))
    assert f"jobs discard {job}" in bad(sound)[f"job {job}"]
    bare = make_desk(
        data_dir=tmp_path / "bare", catalogue=a_catalogue(tmp_path, CATALOGUE + "colour = 1\n")
    )
    assert bad(bare)["backups"] == "there is none: python -m app backup"
    assert "key 'colour'" in bad(bare)["catalogue"]


def test_a_container_that_is_away_is_told_with_its_setting(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """Also what answers there, and is none."""
    desk = make_desk(
        foundry_url="http://127.0.0.1:9/fdtc-api",
        catalogue=a_catalogue(tmp_path, CATALOGUE.replace('"file"', '"foundry"')),
    )
    assert "OPENBELL_FOUNDRY_URL" in bad(desk)["Foundry container"]
