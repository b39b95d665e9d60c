"""What the demo says and sets before it serves."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from app import demonstration
from core import clock, places, settings
from core.errors import SettingsError, UsageError

UPSTREAMS = {"foundry_url": "http://127.0.0.1:9/fdtc-api", "sec_url": "http://127.0.0.1:9"}


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the demo sets is gone after the test; no `.env` of this machine is seen."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("terminal", "expected"), [(True, "console"), (False, "json")])
def test_logs_are_for_people_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, expected: str
) -> None:
    """Elsewhere they are for machines."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    own = demonstration._configured(UPSTREAMS, 7, None)
    assert settings.load(**own).log_format == expected


def test_a_chosen_format_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever set it meant it."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    os.environ["OPENBELL_LOG_FORMAT"] = "json"
    own = demonstration._configured(UPSTREAMS, 7, None)
    assert settings.load(**own).log_format == "json"


def test_commands_beside_it_are_told_the_folder() -> None:
    """A line to paste, also where the folder's name holds blanks."""
    told = demonstration._beside(settings.load(data_dir=Path("/data/my desk")))
    assert "export OPENBELL_DATA_DIR='/data/my desk'" in told


def test_a_chosen_time_is_that_of_every_process_below(tmp_path: Path) -> None:
    """The offset is in the environment, and commands beside it are told it."""
    os.environ["OPENBELL_DATA_DIR"] = str(tmp_path / "mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kept").touch()
    at = clock.instant("2026-11-30T09:05")
    demonstration._set_clock(at, 7, None)
    chosen = settings.load()
    shown = clock.running(chosen.clock_offset_seconds)()
    assert timedelta(0) <= shown - at < timedelta(minutes=1)
    assert (tmp_path / "mine" / "kept").exists()
    assert f"OPENBELL_CLOCK_OFFSET_SECONDS={chosen.clock_offset_seconds!r}" in (
        demonstration._beside(chosen)
    )


def test_a_demo_of_a_time_begins_empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What an earlier demo of that morning pulled could be later than its clock."""
    monkeypatch.setattr(places, "data", lambda: tmp_path / "data")
    os.environ.pop("OPENBELL_DATA_DIR", None)
    at = clock.instant("2026-11-30T09:05")
    demonstration._set_clock(at, 7, None)
    folder = settings.load().data_dir
    assert folder == tmp_path / "data" / "desk-demo-7-at-20261130T1405Z"
    folder.mkdir(parents=True)
    (folder / "desk.duckdb").touch()
    os.environ.pop("OPENBELL_DATA_DIR")
    demonstration._set_clock(at, 7, None)
    assert not folder.exists()


def test_a_time_before_the_simulated_market_is_refused() -> None:
    """There is nothing to be shown then."""
    with pytest.raises(UsageError, match="begins after"):
        demonstration._set_clock(clock.instant("2020-01-02T09:05"), 7, None)


def test_wrong_settings_are_told_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One sentence, of the setting; not one of upstreams that did not start either."""
    monkeypatch.setattr(demonstration, "_upstreams", lambda *_: pytest.fail("started"))
    os.environ["OPENBELL_BLAH"] = "1"
    with pytest.raises(SettingsError, match="OPENBELL_BLAH"):
        demonstration.run(port=0, seed=7, replay=None)
