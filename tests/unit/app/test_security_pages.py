"""The pages on security: enough controls, each with a proof that is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
TARGET = re.compile(r"`make ([a-z]+)`")


def proofs_of(text: str) -> tuple[set[str], set[str]]:
    """Files and targets that a text names as proofs."""
    files = set(re.findall(r"`((?:tests|docs)/[^`]+)`", text))
    return files, set(TARGET.findall(text))


def test_sixty_items_and_more_have_a_proof_each() -> None:
    """A test or a command that shows it, and each item once."""
    rows = ROW.findall((ROOT / "docs" / "asvs.md").read_text("utf-8"))
    assert len(rows) >= 60
    assert len({item for item, _, _ in rows}) == len(rows)
    for item, _, proof in rows:
        files, targets = proofs_of(proof)
        assert files or targets, item


def test_every_proof_is_there() -> None:
    """No page names a test or a target that is gone."""
    targets = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in ("asvs.md", "security.md", "threats.md"):
        files, named = proofs_of((ROOT / "docs" / page).read_text("utf-8"))
        assert [name for name in files if not (ROOT / name).exists()] == [], page
        assert named <= targets, page
