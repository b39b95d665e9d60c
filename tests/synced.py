"""Notes what is brought to the disk, in order: name and size of each file at that moment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


class Synced:
    """Stands before `os.fsync` and `os.replace`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[tuple[str, int]] = []
        self._fsync, self._replace = os.fsync, os.replace
        monkeypatch.setattr(os, "fsync", self._noted)
        monkeypatch.setattr(os, "replace", self._replaced)

    def _noted(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        self.steps.append((path.name, 0 if path.is_dir() else os.fstat(descriptor).st_size))
        self._fsync(descriptor)

    def _replaced(self, source: Path, target: Path) -> None:
        self.steps.append((f"-> {Path(target).name}", 0))
        self._replace(source, target)
