"""The house: short files, packages that say what they hold, nothing private taken from another."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "app", "components", "pages")
LONGEST = 350


def files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def packages() -> list[str]:
    return [named(path.parent) for path in files(*ROOMS) if path.name == "__init__.py"]


def test_the_plan_of_the_top_stands() -> None:
    """What its users agreed on is where they look; either way to run reads one configuration."""
    agreed = (
        "app", "components", "pages", "core", "data", "tests", ".streamlit", "requirements.txt",
        "Dockerfile", "README.md",
    )  # fmt: skip
    assert [name for name in agreed if not (ROOT / name).exists()] == []
    ours = (ROOT / "app/.streamlit/config.toml").read_text("utf-8")
    assert (ROOT / ".streamlit/config.toml").read_text("utf-8") == ours


def test_unit_tests_start_no_process() -> None:
    """What does is an integration test."""
    starts = re.compile(r"^\s*(import|from) subprocess", re.MULTILINE)
    found = [named(p) for p in files("tests/unit") if starts.search(p.read_text("utf-8"))]
    assert found == []


def test_no_module_is_long() -> None:
    """A file that no longer fits on a few screens has more than one subject."""
    lengths = {
        named(path): len(path.read_text().splitlines())
        for path in files(*ROOMS, "tests", "benchmarks", "tools")
    }
    assert len(lengths) > 400
    assert {name for name, lines in lengths.items() if lines > LONGEST} == set()


def test_benchmarks_are_run_one_way() -> None:
    """As modules: a script run by its path does not find the rooms."""
    told = [ROOT / "Makefile", *ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *files("benchmarks")]
    wrong = [
        named(p)
        for p in told
        if re.search(r"benchmarks/\w+\.py +-|python benchmarks/", p.read_text())
    ]
    assert wrong == []


def test_nothing_private_is_taken_from_another_package() -> None:
    """What others need bears a public name."""
    taken = []
    for path in files(*ROOMS):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(ROOMS):
                parts = [*str(node.module).split("."), *(alias.name for alias in node.names)]
                if any(p.startswith("_") and not p.startswith("__") for p in parts):
                    taken.append((named(path), node.module))
    assert taken == []


@pytest.mark.parametrize("package", packages())
def test_every_room_is_named_in_the_plan(package: str) -> None:
    """A stranger finds it, and what it holds, in docs/architecture.md."""
    plan = (ROOT / "docs" / "architecture.md").read_text()
    assert f"| `{package}` | " in plan


@pytest.mark.parametrize("package", packages())
def test_every_room_says_what_it_holds(package: str) -> None:
    """In a sentence, not in the name of its folder again."""
    said = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text()))
    assert said is not None
    assert len(said.splitlines()[0].split()) > 3


def test_the_plan_names_no_room_that_is_gone() -> None:
    """Folders move; their names in the plan move with them."""
    plan = (ROOT / "docs" / "architecture.md").read_text()
    rooms = [line.split("`")[1] for line in plan.splitlines() if line.startswith("| `")]
    assert sorted(rooms) == sorted(packages())
