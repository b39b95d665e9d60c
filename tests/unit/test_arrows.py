"""The house's plan: no circle of modules, imports for types included."""

from __future__ import annotations

import grimp
import pytest

PACKAGES = ("core", "app", "components", "pages")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Who imports whom, wherever in a file the import stands."""
    return grimp.build_graph(*PACKAGES, exclude_type_checking_imports=False, cache_dir=None)


def circles(graph: grimp.ImportGraph) -> list[list[str]]:
    """Groups of modules that reach each other (Tarjan's strongly connected components)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = low[module] = len(number)
        stack.append(module)
        for other in sorted(graph.find_modules_directly_imported_by(module)):
            if other not in number:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], number[other])
        if low[module] == number[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                found.append(sorted(group))

    for module in sorted(graph.modules):
        if module not in number:
            visit(module)
    return found


def test_no_circle_of_modules(graph: grimp.ImportGraph) -> None:
    """What two modules need of each other belongs in a third."""
    assert circles(graph) == []


def test_a_circle_would_be_seen() -> None:
    """Of three modules that go round, with one that only looks in."""
    made = grimp.ImportGraph()
    for name in "abcd":
        made.add_module(name)
    for importer, imported in ("ab", "bc", "ca", "da"):
        made.add_import(importer=importer, imported=imported)
    assert circles(made) == [["a", "b", "c"]]
