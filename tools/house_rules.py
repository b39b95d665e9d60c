"""The project's own checks, which no linter knows: `python -m tools.house_rules [FILE …]`.

    H1  `utcnow` and `utcfromtimestamp` make instants without a zone
    H2  `now`, `today` and `fromtimestamp` without a zone, `datetime(…)` without tzinfo
    H3  the registry of companies, identifiers and filings is written by one module
    H4  a private name is used by its own package alone
    H5  `id(desk)` is no key: another desk may have it later, `desk.identity` is its own
    H6  whether a table is there is asked of `duckdb_columns()`: lists of tables tell sizes, too,
        which of a lake is a question to PostgreSQL for each table

A line that must break H2 says so as for the linter: `# noqa: DTZ001 - reason`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("core", "app", "components", "pages", "benchmarks", "tools", "tests")
REGISTRY = {
    "companies": "core/store/filings.py",
    "company_identifiers": "core/store/filings.py",
    "filings": "core/store/filings.py",
}
_WRITES = re.compile(
    r"\b(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|MERGE\s+INTO|UPDATE|DELETE\s+FROM)\s+\"?(\w+)",
    re.IGNORECASE,
)
_LISTS = re.compile(r"\b(duckdb_tables\(\)|information_schema\.tables|SHOW TABLES)", re.IGNORECASE)
_WRITERS = {"insert", "merge"}
Nodes = Sequence[ast.AST]  # all of a module
_ZONELESS = {"utcnow", "utcfromtimestamp"}
_ZONE_ARGUMENT = {"now": 0, "fromtimestamp": 1}  # at which place a zone may stand


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule, as `path:line: rule sentence`."""

    path: str
    line: int
    rule: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule} {self.sentence}"


def check(text: str, path: str) -> list[Violation]:
    """The violations in a module's text; `path` is relative to the project, with slashes."""
    nodes = list(ast.walk(ast.parse(text)))
    found = list(_instants(nodes, path, text.splitlines()))
    if not path.startswith("tests/"):
        found += [*_registry(nodes, path), *_private(nodes, path), *_fleeting(nodes, path)]
    if path.startswith("core/"):
        found += _sized(nodes, path)
    return sorted(found, key=lambda violation: violation.line)


def _instants(nodes: Nodes, path: str, lines: Sequence[str]) -> Iterator[Violation]:
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr in _ZONELESS:
            yield Violation(path, node.lineno, "H1", f"{node.attr} has no zone: use now(UTC)")
        elif isinstance(node, ast.Call) and _naive(node) and "noqa: DTZ" not in _lines(node, lines):
            yield Violation(path, node.lineno, "H2", "an instant without a zone: give it one")


def _lines(node: ast.expr, lines: Sequence[str]) -> str:
    return "\n".join(lines[node.lineno - 1 : node.end_lineno])


def _naive(call: ast.Call) -> bool:
    named = {keyword.arg for keyword in call.keywords}
    if isinstance(call.func, ast.Name) and call.func.id == "datetime":
        return (
            "tzinfo" not in named and None not in named and len(call.args) < 8 and not _spread(call)
        )
    if not (isinstance(call.func, ast.Attribute) and _of_datetime(call.func.value)):
        return False
    if call.func.attr == "today":
        return True
    place = _ZONE_ARGUMENT.get(call.func.attr)
    return place is not None and len(call.args) <= place and "tz" not in named


def _spread(call: ast.Call) -> bool:
    return any(isinstance(argument, ast.Starred) for argument in call.args)


def _of_datetime(value: ast.expr) -> bool:
    name = value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", "")
    return name in ("datetime", "date")


def _registry(nodes: Nodes, path: str) -> Iterator[Violation]:
    for node in nodes:
        for table in _written(node):
            owner = REGISTRY.get(table)
            if owner and path != owner:
                sentence = f"{table} is written by {owner} alone: call it"
                yield Violation(path, getattr(node, "lineno", 1), "H3", sentence)


def _written(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from (match.lower() for match in _WRITES.findall(node.value))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        first = node.args[0] if node.args else None
        if node.func.attr in _WRITERS and isinstance(first, ast.Constant):
            yield str(first.value)


def _private(nodes: Nodes, path: str) -> Iterator[Violation]:
    package = path.rpartition("/")[0].replace("/", ".")
    modules: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and _ours(node.module):
            for alias in node.names:
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                if _hidden(alias.name) and not _same_package(node.module or "", package):
                    yield _told(path, node.lineno, alias.name, node.module or "")
    for node in nodes:
        if (
            isinstance(node, ast.Attribute)
            and _hidden(node.attr)
            and isinstance(node.value, ast.Name)
        ):
            module = modules.get(node.value.id, "")
            if _is_module(module) and not _same_package(module, package):
                yield _told(path, node.lineno, node.attr, module)


def _fleeting(nodes: Nodes, path: str) -> Iterator[Violation]:
    for node in nodes:
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "id"
            and node.args
            and ast.unparse(node.args[0]).endswith("desk")
        ):
            yield Violation(path, node.lineno, "H5", "an id comes back: use desk.identity")


def _sized(nodes: Nodes, path: str) -> Iterator[Violation]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for found in _LISTS.findall(node.value):
                yield Violation(path, node.lineno, "H6", f"{found} asks how large all tables are")


def _told(path: str, line: int, name: str, module: str) -> Violation:
    return Violation(path, line, "H4", f"{name} is private to {module}: make it public or ask less")


def _ours(module: str | None) -> bool:
    return (module or "").partition(".")[0] in ROOMS


def _hidden(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _same_package(module: str, package: str) -> bool:
    return module == package or module.rpartition(".")[0] == package


def _is_module(name: str) -> bool:
    return bool(name) and (ROOT / f"{name.replace('.', '/')}.py").is_file()


def files(chosen: Iterable[str] = ()) -> list[Path]:
    """The chosen Python files of the project's rooms, or all of them."""
    given = [Path(name).resolve() for name in chosen]
    every = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return sorted(path for path in every if not given or path in given)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the violations of the files, or of the whole project; 1 when there are any."""
    chosen = sys.argv[1:] if arguments is None else arguments
    found = [
        violation
        for path in files(chosen)
        for violation in check(path.read_text("utf-8"), path.relative_to(ROOT).as_posix())
    ]
    sys.stdout.writelines(f"{violation}\n" for violation in found)
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main())
