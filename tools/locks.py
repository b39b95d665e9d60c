"""Whether the lock files fit the requirements they were made of: no network, no resolver.

`python -m tools.locks` prints what disagrees and leaves with 1; `make lock` mends it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCKS = (
    "requirements",
    "requirements-lake",
    "requirements-dev",
    "requirements-bench",
    "requirements-tools",
)
_ROW = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"^\s+--hash=sha256:[0-9a-f]{64}\b")
_COMMENT = re.compile(r"(^|\s)#.*")


@dataclass(slots=True)
class Locked:
    """One row of a lock: the version, how many hashes it has, and which files ask for it."""

    version: str
    hashes: int = 0
    asked_by: set[str] = field(default_factory=set)


def asked(path: Path) -> dict[str, tuple[Requirement, str]]:
    """Requirements of a .in file and of those it includes: by name, with the file they stand in."""
    found: dict[str, tuple[Requirement, str]] = {}
    for raw in path.read_text(encoding="utf-8").splitlines():
        line = _COMMENT.sub("", raw).strip()
        if line.startswith("-r "):
            found |= asked(path.parent / line.removeprefix("-r ").strip())
        elif line:
            requirement = Requirement(line)
            found[canonicalize_name(requirement.name)] = (requirement, path.name)
    return found


def locked(path: Path) -> dict[str, Locked]:
    """The rows of a lock file by name."""
    rows: dict[str, Locked] = {}
    current: Locked | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if row := _ROW.match(line):
            current = rows.setdefault(canonicalize_name(row["name"]), Locked(row["version"]))
        elif current is None:
            continue
        elif _HASH.match(line):
            current.hashes += 1
        elif source := re.search(r"#\s+(?:via\s+)?-r (\S+)", line):
            current.asked_by.add(Path(source[1]).name)
    return rows


def disagreements(root: Path = ROOT) -> list[str]:
    """What is wrong with the locks under `root`, as sentences; empty when all is well."""
    found: list[str] = []
    versions: dict[str, tuple[str, str]] = {}
    for name in LOCKS:
        rows = locked(root / f"{name}.txt")
        found += _of_one(f"{name}.txt", asked(root / f"{name}.in"), rows)
        for package, row in rows.items():
            version, where = versions.setdefault(package, (row.version, f"{name}.txt"))
            if version != row.version:
                found.append(f"{package}: {version} in {where}, {row.version} in {name}.txt")
    return found


def _of_one(
    lock: str, wanted: dict[str, tuple[Requirement, str]], rows: dict[str, Locked]
) -> Iterator[str]:
    for package, (requirement, source) in wanted.items():
        row = rows.get(package)
        if row is None:
            yield f"{source} asks for {requirement}, {lock} does not have it"
        elif not requirement.specifier.contains(row.version, prereleases=True):
            yield f"{source} asks for {requirement}, {lock} has {row.version}"
        elif source not in row.asked_by:
            yield f"{lock} does not say that {source} asks for {package}"
    for package, row in rows.items():
        if not row.hashes:
            yield f"{lock}: {package} has no hash"
        if row.asked_by and package not in wanted:
            yield f"{lock} has {package} for {', '.join(sorted(row.asked_by))}, which does not ask"


def main() -> int:
    """Print the disagreements; 1 when there are any."""
    found = disagreements()
    for sentence in found:
        sys.stderr.write(f"{sentence}\n")
    if found:
        sys.stderr.write("run: make lock\n")
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main())
