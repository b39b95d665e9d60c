"""The documents say what is there: settings, datasets, commands, pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app import documents, navigation

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", documents.DOCUMENTS)
def test_generated_documents_are_up_to_date(name: str) -> None:
    """`make docs` would change nothing."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == documents.DOCUMENTS[name](), (
        f"docs/{name} is out of date: run make docs"
    )


def test_readme_names_every_page_and_command() -> None:
    """A stranger finds every page and command in README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = [entry.title for group in navigation.present().values() for entry in group]
    commands = [
        line.removeprefix("## ").split()[0]
        for line in documents.commands_document().splitlines()
        if line.startswith("## ")
    ]
    assert [page for page in pages if f"**{page}**" not in readme] == []
    assert [command for command in commands if f"`{command}" not in readme] == []


def test_every_page_of_the_folder_is_reachable() -> None:
    """No page is forgotten in the navigation."""
    listed = {entry.path for group in navigation.present().values() for entry in group}
    there = {path for path in navigation.PAGES.glob("*.py") if path.name != "__init__.py"}
    assert there == listed


@pytest.mark.parametrize("name", documents.DOCUMENTS)
def test_every_row_of_a_table_has_as_many_cells_as_its_head(name: str) -> None:
    """A bar inside a text would end its cell: what stands behind it is not shown."""
    bars = 0
    for line in documents.DOCUMENTS[name]().splitlines():
        here = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not (bars and here) or here == bars, f"docs/{name}: {line}"
        bars = here
