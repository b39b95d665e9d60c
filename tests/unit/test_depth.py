"""A quick run and a thorough one are together everything; folders of tests lie in memory."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest

from core.store import connection
from tests import depth, scratch

ROOT = Path(__file__).resolve().parents[2]


def recipe(target: str) -> str:
    """What make runs for a target."""
    found = re.search(
        rf"^{target}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert found is not None
    return found[1]


def test_ci_runs_what_the_quick_run_leaves_out() -> None:
    """Every test but those in a browser is in one of the two, and CI runs both."""
    assert '-m "not e2e and not thorough"' in recipe("unit")
    assert '-m "thorough or deep"' in recipe("thorough")
    assert "HYPOTHESIS_PROFILE=ci" in recipe("thorough")
    steps = re.findall(r"^make (\w+)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert steps == ["test", "thorough", "e2e"]


@pytest.mark.parametrize(
    ("profile", "picked", "dear"), [("quick", 5, 4), ("ci", 50, 10), ("long", 500, depth.MANY)]
)
def test_the_profile_says_how_much_is_tried(
    monkeypatch: pytest.MonkeyPatch, profile: str, picked: int, dear: int
) -> None:
    """Few cases in every run, more in a thorough one, many on request."""
    monkeypatch.setenv("HYPOTHESIS_PROFILE", profile)
    assert depth.pick(5, 50, 500) == picked
    assert depth.pick(5, 50) == min(picked, 50)
    assert depth.cases(10).max_examples == dear


@pytest.mark.parametrize(("profile", "threads"), [("quick", 1), ("ci", None)])
def test_stores_of_a_quick_run_have_one_thread(
    monkeypatch: pytest.MonkeyPatch, profile: str, threads: int | None
) -> None:
    """Those of a thorough one have what the machine has."""
    monkeypatch.setenv("HYPOTHESIS_PROFILE", profile)
    monkeypatch.setattr(connection, "CONFIG", {})
    depth.one_thread()
    assert connection.CONFIG.get("threads") == threads


@pytest.mark.few(1)
@pytest.mark.parametrize("value", [1, 2, 3])
def test_a_quick_run_takes_the_first_parameters(request: pytest.FixtureRequest, value: int) -> None:
    """The others bear the mark of a thorough run."""
    assert (request.node.get_closest_marker("thorough") is None) == (value == 1)


def test_folders_lie_in_memory_where_it_has_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A place that somebody named is kept; one that is small or missing is not taken."""
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)  # looked up anew, then put back
    monkeypatch.setenv("TMPDIR", "")
    assert not scratch.use_memory(tmp_path / "missing")
    monkeypatch.setattr(scratch, "ROOM", 2**62)
    assert not scratch.use_memory(tmp_path)
    monkeypatch.setattr(scratch, "ROOM", 1)
    assert scratch.use_memory(tmp_path)
    assert tempfile.gettempdir() == str(tmp_path)
    assert not scratch.use_memory(tmp_path)
