"""The health gate tells every check in one document."""

from __future__ import annotations

import json

import pytest

from tools import gate


def test_a_check_that_fails_tells_its_last_lines() -> None:
    """The exit code decides; the words help."""
    told = gate.run(["-c", "import sys; print('why'); sys.exit(3)"])
    assert (told["ok"], told["told"]) == (False, ["why"])
    assert gate.run(["-c", "print('2 passed, 1 skipped in 3s')"])["counts"] == {
        "passed": 2,
        "skipped": 1,
    }


@pytest.mark.parametrize("second", [True, False])
def test_the_gate_is_shut_by_one_bad_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], second: bool
) -> None:
    """One JSON document on stdout, and the exit code says the same."""
    words = {"first": ("-c", "pass"), "second": ("-c", f"raise SystemExit({int(not second)})")}
    monkeypatch.setattr(gate, "CHECKS", words)
    monkeypatch.setattr("sys.argv", ["gate", "--no-tests"])
    code = gate.main()
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is second
    assert document["checks"]["second"]["ok"] is second
    assert code == (0 if second else 1)
