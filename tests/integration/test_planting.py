"""A change is planted in a copy, its tests are run there, and the copy is as it was."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tools import mutants
from tools.mutations import Mutation

TEST = """
import time
from lib.m import larger


def test_larger():
    assert larger(2, 1)


def test_slow():
    while not larger(1, 1):
        time.sleep(0.01)
"""


@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("was", "became", "tests", "fate"),
    [
        ("a >= b", "a < b", ["test_larger"], "noticed"),
        ("a >= b", "a > b", ["test_larger"], "survived"),
        ("a >= b", "a > b", [], "not covered"),
        ("a >= b", "a > b", ["test_larger", "test_slow"], "too slow"),
        ("a >= b", "a >=", ["test_larger"], "noticed"),
    ],
)
def test_a_change_is_tried_and_taken_out_again(
    tmp_path: Path, was: str, became: str, tests: list[str], fate: str
) -> None:
    """Whatever comes of it."""
    source = "def larger(a, b):\n    return a >= b\n"
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "m.py").write_text(source)
    (tmp_path / "test_m.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    at = source.index(was)
    change = Mutation("lib/m.py", 2, "compare", was, became, at, at + len(was), became)
    names = [f"test_m.py::{name}" for name in tests]
    seconds = three_runs(tmp_path, change) if fate == "too slow" else 60.0
    result = mutants.try_one(tmp_path, change, names, seconds)
    assert (result.fate, result.tests) == (fate, len(names))
    assert result.noticed == (fate in ("noticed", "too slow"))
    assert (tmp_path / "lib" / "m.py").read_text() == source


def three_runs(folder: Path, change: Mutation) -> float:
    """Seconds in which the tests end three times, on a busy machine too."""
    began = time.monotonic()
    mutants.try_one(folder, change, ["test_m.py::test_larger"], 60.0)
    return 3 * (time.monotonic() - began)
