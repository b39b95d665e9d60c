"""The coverage gate counts lines and branches by room and names what lacks most."""

from __future__ import annotations

from typing import Any

from tools import coverage_gate


def module(lines: int, of_lines: int, branches: int = 0, of_branches: int = 0) -> dict[str, Any]:
    """One module's part of a report."""
    summary = {
        "covered_lines": lines,
        "num_statements": of_lines,
        "missing_lines": of_lines - lines,
        "covered_branches": branches,
        "num_branches": of_branches,
        "missing_branches": of_branches - branches,
    }
    return {"summary": summary}


def test_the_gate_opens_at_its_figures() -> None:
    """95 % of lines and 90 % of branches in core, 90 % of all lines."""
    files = {"core/a.py": module(95, 100, 9, 10), "app/b.py": module(85, 100, 0, 10)}
    verdict = coverage_gate.judge({"files": files})
    assert verdict["ok"] is True
    assert verdict["figures"]["core lines"] == {"percent": 95.0, "gate": 95.0}
    assert verdict["figures"]["all lines"] == {"percent": 90.0, "gate": 90.0}


def test_one_branch_short_shuts_it_and_names_the_module() -> None:
    """The worst comes first."""
    files = {"core/a.py": module(100, 100, 8, 10), "core/b.py": module(96, 100)}
    verdict = coverage_gate.judge({"files": files})
    assert verdict["ok"] is False
    assert [row["module"] for row in verdict["lacking"]] == ["core/b.py", "core/a.py"]


def test_a_screen_without_tests_shuts_it_too() -> None:
    """Core alone does not carry the rest."""
    files = {"core/a.py": module(100, 100), "pages/b.py": module(70, 100)}
    assert coverage_gate.judge({"files": files})["ok"] is False
