"""Several locks are held all together or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import OwnershipError
from core.store.ownership import Ownership


def test_one_that_is_held_elsewhere_lets_go_of_the_others(tmp_path: Path) -> None:
    """Who may not have all of them keeps none; afterwards they can be had again."""
    first, second = tmp_path / "a.lock", tmp_path / "b.lock"
    with Ownership.take([second]):
        with pytest.raises(OwnershipError):
            Ownership.take([first, second])
        Ownership.take([first]).release()
    with Ownership.take([second, first]) as owned:
        for lock in (first, second):
            with pytest.raises(OwnershipError):
                Ownership.take([lock])
    owned.release()  # twice is harmless
    Ownership.take([first, second]).release()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.lock", "b.lock"]
