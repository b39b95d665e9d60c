"""What a desk keeps is for its user alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.service.care import backing_up
from core.service.desk import Desk


@pytest.fixture(autouse=True)
def _open_mask() -> Iterator[None]:
    """A user whose files are open to everyone unless a program says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """What somebody else could read, write or enter."""
    found = [folder, *folder.rglob("*")]
    return [f"{path.name}: {oct(path.stat().st_mode)}" for path in found
            if path.stat().st_mode & 0o077]  # fmt: skip


def test_nobody_else_sees_into_the_data_folder(make_desk: Callable[..., Desk]) -> None:
    """Store, queue, locks, downloads and backups, whatever the user's mask is."""
    desk = make_desk()
    assert desk.downloads.is_dir()
    desk.queue.publish("settle")
    backing_up.make(desk, None)
    assert open_to_others(desk.settings.data_dir) == []
