"""Whatever changes something says who may: no command, export or action goes without a role."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from core.domain.access.principals import Role
from core.service.kernel import access
from core.service.kernel.commands import command
from core.service.kernel.exports import export

ROOT = Path(__file__).resolve().parents[4]
SERVICE = ROOT / "core" / "service"
# calls that change the store, the queue, or files beside them
WRITES = {"transaction", "publish", "publish_many", "revive", "make", "write_pull"}
QUEUE = {"cancel", "discard"}
MAKES = {"backups"}
DECLARED = {"needs", "command", "export", "handler", "look"}
# opened by the process itself, before and beside anybody who acts
OF_THE_PROCESS = {"kernel", "desk.py", "engine.py", "data_folder.py"}
# what jobs and looks of the engine are made of; no page, route or command names these modules
OF_THE_ENGINE = {
    "alerts/telling.py": {"make", "resume"},
    "alerts/delivering.py": {"bring", "gather_now", "note_success"},
    "brief/announcing.py": {"tell"},
    "gaps/text_reading.py": {"follow"},
    "pulls/filling.py": {"put_off"},
}
# a signature with a secret of the dataset says who may
BY_SECRET = {"pulls/hooks.py": {"receive"}}
EDGES = ("app", "pages", "components")


def calls(function: ast.AST) -> Iterator[tuple[str, str]]:
    """(object, name) of every call in a function; object is the last word before the dot."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield "", node.func.id
            elif isinstance(node.func, ast.Attribute):
                before = node.func.value
                yield getattr(before, "attr", getattr(before, "id", "")), node.func.attr


def writes(function: ast.AST) -> bool:
    """Whether a function itself changes something."""
    return any(
        name == "transaction"
        or (of == "queue" and name in WRITES | QUEUE)
        or (of == "backups" and name == "make")
        for of, name in calls(function)
    )


def declared(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it says who may: over its head, or as the first that it does."""
    first = next((node for node in function.body if not _is_text(node)), None)
    if first is not None and ("access", "require") in set(calls(first)):
        return True
    return any(
        isinstance(d, ast.Call) and getattr(d.func, "id", "") in DECLARED
        for d in function.decorator_list
    )


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def undeclared(path: Path) -> set[str]:
    """Functions of a module that change something, and are called from outside without a role."""
    tree = ast.parse(path.read_text())
    functions = {
        node.name: node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    writers = {name for name, f in functions.items() if writes(f) and not declared(f)}
    while True:  # whoever calls a helper that writes, writes
        more = {
            name
            for name, f in functions.items()
            if not declared(f) and any(not of and called in writers for of, called in calls(f))
        }
        if more <= writers:
            return {name for name in writers if not name.startswith("_")}
        writers |= more


def test_every_function_that_changes_something_says_who_may() -> None:
    """A page that calls it is refused by it, whatever the page forgot."""
    found = {
        (path.relative_to(SERVICE).as_posix(), name)
        for path in SERVICE.rglob("*.py")
        if path.relative_to(SERVICE).parts[0] not in OF_THE_PROCESS
        for name in undeclared(path)
    }
    known = {(module, name) for module, names in OF_THE_ENGINE.items() for name in names}
    known |= {(module, name) for module, names in BY_SECRET.items() for name in names}
    assert found == known


def test_nobody_outside_calls_what_is_the_engines() -> None:
    """Its functions ask for no role, so no edge may know their modules."""
    modules = {Path(name).stem for name in OF_THE_ENGINE}
    for edge in EDGES:
        for path in (ROOT / edge).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    named = f"{getattr(node, 'module', '')}." + ".".join(a.name for a in node.names)
                    assert not modules & set(named.split(".")), path


def test_the_search_sees_one_that_says_nothing(tmp_path: Path) -> None:
    """Directly or through a helper of its own."""
    module = tmp_path / "x.py"
    module.write_text(
        "def _put(desk):\n    with desk.warehouse.transaction() as tx: pass\n"
        "def open_door(desk):\n    _put(desk)\n"
        "@needs(Role.ADMIN)\ndef door(desk):\n    _put(desk)\n"
        "def off(desk):\n    desk.queue.cancel(1)\n"
    )
    assert undeclared(module) == {"open_door", "off"}


def test_every_command_and_export_has_a_role() -> None:
    """The registries take none without one."""
    for registry in (command, export):
        assert len(registry.entries) > 10
        assert all(isinstance(entry.role, Role) for entry in registry.entries.values())


def test_roles_are_those_of_the_table() -> None:
    """Reading is for viewers; deciding and posting for traders; the copies for admins."""
    roles = {name: entry.role for name, entry in command.entries.items()}
    assert {e.name for e in export.entries.values() if e.role != Role.VIEWER} == {"audit"}
    for name, role in roles.items():
        if name.startswith("journal_") and name not in ("journal_trades", "journal_prove"):
            assert role == Role.TRADER, name
    assert {roles[n] for n in ("plan", "plans", "scan", "risk", "status", "sql")} == {Role.VIEWER}
    assert {roles[n] for n in ("pull", "import", "watch_add", "reconcile")} == {Role.ANALYST}
    assert roles["backup"] == Role.ADMIN
    deciding = ("plans.approve", "plans.reject", "plans.cancel", "journal.post", "journal.reverse")
    assert {access.ACTIONS[name].role for name in deciding} == {Role.TRADER}
