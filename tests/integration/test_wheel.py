"""A wheel has all that the desk needs, is the same whoever builds it, and runs from anywhere."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="without the build backend no wheel can be built")
from tools import artefact, try_desk

ROOT = Path(__file__).resolve().parents[2]
UNSHIPPED = {"__pycache__"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once for this file."""
    folder = tmp_path_factory.mktemp("built") / "dist"
    artefact.build(folder)
    return next(folder.glob("*.whl"))


def test_two_builds_are_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    """Wheel and source archive, built at different times in different folders."""
    again = artefact.build(tmp_path / "again")
    assert set(again) == {path.name for path in wheel.parent.iterdir()}
    assert again == {path.name: artefact.sha256(path) for path in wheel.parent.iterdir()}


def test_every_file_of_the_rooms_is_in_the_wheel(wheel: Path) -> None:
    """Pages, components, pictures, rules, migrations; and the catalogues beside them."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    rooms = [p for room in ("app", "components", "core", "pages") for p in (ROOT / room).rglob("*")]
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in rooms
        if path.is_file() and not UNSHIPPED & set(path.parts)
    }
    assert wanted - inside == set()
    assert {"core/data/catalogue.toml", "core/data/catalogue.replay.toml"} <= inside


@pytest.mark.thorough
def test_the_desk_runs_from_the_wheel_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    """The demo comes up with its font and page and pulls bars; nothing is left where it was run."""
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(site), str(wheel)], check=True)
    seen = try_desk.demo(Path(sys.executable), PYTHONPATH=str(site))
    assert seen["exit_code"] == 0
    assert seen["font"] > 10_000
    assert seen["rows"] > 0
    assert seen["left"] == []
