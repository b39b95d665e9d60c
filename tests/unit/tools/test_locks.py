"""The locks fit what was asked for, and it is told when they do not: without network."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import locks

HASH = f"    --hash=sha256:{'0' * 64}"
GOOD_IN = "# What is imported\nAlpha_One==1.0  # for sums\nbeta==2.0; sys_platform != 'win32'\n"
GOOD_TXT = (
    f"alpha-one==1.0 \\\n{HASH}\n    # via -r requirements.in\n"
    f"beta==2.0 ; sys_platform != 'win32' \\\n{HASH}\n    # via\n    #   -r requirements.in\n"
    f"    #   gamma\ngamma==3.0 \\\n{HASH}\n    # via alpha-one\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose locks all fit: tests spoil one of them."""
    for name in locks.LOCKS:
        (tmp_path / f"{name}.in").write_text("-r requirements.in\n")
        (tmp_path / f"{name}.txt").write_text(GOOD_TXT)
    (tmp_path / "requirements.in").write_text(GOOD_IN)
    return tmp_path


def test_locks_that_fit_are_not_told(project: Path) -> None:
    """Names may be spelled as people spell them, and rows may have markers and remarks."""
    assert locks.disagreements(project) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("alpha-one==1.0", "alpha-one==1.1", "asks for Alpha_One==1.0, requirements.txt has 1.1"),
        ("alpha-one==1.0", "aleph==1.0", "requirements.txt does not have it"),
        (f"alpha-one==1.0 \\\n{HASH}\n", "alpha-one==1.0\n", "alpha-one has no hash"),
        ("# via alpha-one", "# via -r requirements.in", "has gamma for requirements.in, which"),
        ("    # via -r requirements.in\n", "", "does not say that requirements.in asks for alpha"),
    ],
)
def test_a_lock_that_does_not_fit_is_told(project: Path, old: str, new: str, told: str) -> None:
    """Another version, a missing row, one without hashes, one that nobody asks for any more."""
    path = project / "requirements.txt"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    assert any(told in sentence for sentence in locks.disagreements(project))


def test_locks_that_differ_from_each_other_are_told(project: Path) -> None:
    """Tests must run on what is delivered."""
    path = project / "requirements-dev.txt"
    path.write_text(path.read_text().replace("gamma==3.0", "gamma==3.1"))
    assert locks.disagreements(project) == [
        "gamma: 3.0 in requirements.txt, 3.1 in requirements-dev.txt"
    ]


def test_the_projects_own_locks_fit(capsys: pytest.CaptureFixture[str]) -> None:
    """`make lock` has been run after the last change of a requirement."""
    assert locks.main() == 0, capsys.readouterr().err
