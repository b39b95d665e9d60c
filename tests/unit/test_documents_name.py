"""What documents name is there: paths, targets, files of the data folder, modules of the engine."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")} - {ROOT / "CHANGELOG.md"})
FOLDERS = "app|benchmarks|components|core|deploy|docs|pages|tests|tools"
MADE_UP = {"core/store/migrations/NNNN_name.sql"}  # what a reader is to make


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_paths_and_targets_of_documents_are_there(document: Path) -> None:
    """Files move, and a reader follows what the document says."""
    text = document.read_text("utf-8")
    paths = set(re.findall(rf"`((?:{FOLDERS})/[\w./*-]+)`", text)) - MADE_UP
    assert [path for path in sorted(paths) if not any(ROOT.glob(path.rstrip("/")))] == []
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    asked = re.findall(r"(?:`|^)make ([a-z0-9-]+)", text, re.MULTILINE)
    assert set(asked) <= set(targets)
    links = re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", text)
    inside = [link for link in links if not link.startswith("../../actions")]  # of the hub's pages
    assert [link for link in inside if not (document.parent / link).exists()] == []


def test_the_plan_names_every_module_beside_the_rooms() -> None:
    """Those of `core` stand in no room, so no table names them."""
    plan = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    modules = {path.name for path in (ROOT / "core").glob("*.py")} - {"__init__.py"}
    assert {name for name in modules if f"`{name}`" not in plan} == set()


def test_every_file_of_the_data_folder_is_told() -> None:
    """Whoever keeps the folder knows what may be removed, and what must not leave it."""
    told = (ROOT / "docs" / "operations.md").read_text("utf-8")
    table = told.partition("## What is in the data folder")[2].partition("\n## ")[0]
    found = set(names_in_the_data_folder())
    assert len(found) > 10
    assert {name for name in found if f"`{name}" not in table} == set()


def names_in_the_data_folder() -> Iterator[str]:
    """What code puts behind `data_dir /`: texts, and constants by their value."""
    for path in sorted([*ROOT.glob("core/**/*.py"), *ROOT.glob("app/**/*.py")]):
        tree = ast.walk(ast.parse(path.read_text("utf-8")))
        for node in (node for node in tree if isinstance(node, ast.BinOp)):
            if isinstance(node.op, ast.Div) and ast.unparse(node.left).endswith("data_dir"):
                yield name_of(node.right, path)


def name_of(node: ast.expr, path: Path) -> str:
    """The text of a literal or of a constant of the module; AssertionError for anything else."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.Name), f"{path}: name what is in the data folder by a constant"
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return str(getattr(importlib.import_module(module), node.id))
