"""One name, one meaning: no public class is called like another."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# names of the user's own packages, which these modules stand in for
GIVEN = {
    "core/sources/foundry/compat.py",
    "core/sources/foundry/compat_schedule.py",
}


def test_no_two_public_classes_of_one_name() -> None:
    """Whoever looks for a class finds one."""
    found: dict[str, list[str]] = defaultdict(list)
    for package in ("core", "app", "components", "pages"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and name not in GIVEN:
                    found[node.name].append(name)
    public = {name: where for name, where in found.items() if not name.startswith("_")}
    assert len(public) > 200
    assert {name: where for name, where in public.items() if len(where) > 1} == {}
