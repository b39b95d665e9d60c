"""What the demo says and sets before it serves."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from app import demonstration
from core import settings

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
    demonstration._configure(UPSTREAMS, 7, None)
    assert settings.load().log_format == expected


def test_a_chosen_format_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever set it meant it."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    os.environ["OPENBELL_LOG_FORMAT"] = "json"
    demonstration._configure(UPSTREAMS, 7, None)
    assert settings.load().log_format == "json"


def test_commands_beside_it_are_told_the_folder() -> None:
    """A line to paste, also where the folder's name holds blanks."""
    told = demonstration._beside(Path("/data/my desk"))
    assert "export OPENBELL_DATA_DIR='/data/my desk'" in told
