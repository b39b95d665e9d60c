"""What can be asked for is registered in one place, and importing less registers less."""

from __future__ import annotations

import ast
from pathlib import Path

from core.service import everything

ROOT = Path(__file__).resolve().parents[2]
SERVICE = ROOT / "core" / "service"
REGISTRARS = {"command", "export", "handler", "check", "look"}


def registers(path: Path) -> bool:
    """Whether a module puts a function into one of the registries."""
    for node in ast.walk(ast.parse(path.read_text())):
        for decorator in getattr(node, "decorator_list", []):
            called = decorator.func if isinstance(decorator, ast.Call) else None
            name = getattr(called, "attr", None) or getattr(called, "id", None)
            if name in REGISTRARS:
                return True
    return False


def named(path: Path) -> str:
    """A file's module name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_no_module_that_registers_is_forgotten() -> None:
    """A command in a module that nobody imports would be unknown to the command line and API."""
    found = {named(path) for path in SERVICE.rglob("*.py") if registers(path)}
    assert found == {module.__name__ for module in everything.REGISTERING}
    assert len(found) > 15


def test_the_package_itself_imports_nothing() -> None:
    """What needs one room must not pay for all of them."""
    tree = ast.parse((SERVICE / "__init__.py").read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
