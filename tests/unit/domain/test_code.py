"""What kept results rest on beside their data: the code that made them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain import code
from core.domain.quality import model
from core.domain.tables.frames import CORPORATE_ACTIONS
from core.store import gap_states


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with a package in it, which can be imported."""
    inner = tmp_path / "judging_of_tests" / "inner"
    inner.mkdir(parents=True)
    for folder in (inner.parent, inner):
        (folder / "__init__.py").write_text("")
    (inner / "rule.py").write_text("LEAST = 1\n")
    (inner / "rules.toml").write_text("least = 1\n")
    (inner / "notes.md").write_text("nothing that counts")
    monkeypatch.syspath_prepend(str(tmp_path))
    code.digest.cache_clear()
    yield inner
    code.digest.cache_clear()
    sys.modules.pop("judging_of_tests", None)


def _named() -> str:
    code.digest.cache_clear()
    return code.digest("judging_of_tests")


@pytest.mark.parametrize("name", ["rule.py", "rules.toml"])
def test_a_line_of_code_or_of_a_table_makes_another_name(package: Path, name: str) -> None:
    before = _named()
    (package / name).write_text("LEAST = 2\n")
    assert _named() != before


def test_a_file_that_moves_makes_another_name(package: Path) -> None:
    before = _named()
    (package / "rule.py").rename(package / "other.py")
    assert _named() != before


def test_line_ends_and_other_files_make_none(package: Path) -> None:
    before = _named()
    (package / "rule.py").write_bytes(b"LEAST = 1\r\n")
    (package / "notes.md").write_text("something else")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "rule.pyc").write_bytes(b"compiled")
    assert _named() == before


def test_grades_and_states_of_gaps_rest_on_their_code(monkeypatch: pytest.MonkeyPatch) -> None:
    none = CORPORATE_ACTIONS.empty()
    before = model.default_ruleset().id, gap_states.hash_of(none)
    monkeypatch.setattr(code, "digest", lambda package: package.encode().hex())
    model.default_ruleset.cache_clear()
    try:
        assert model.default_ruleset().id != before[0]
        assert gap_states.hash_of(none) != before[1]
    finally:
        model.default_ruleset.cache_clear()
