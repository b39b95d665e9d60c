"""A store that moves: what is wrong with one of the two addresses is told by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import SettingsError
from core.service.care.moving_house import migrate_store

WRONG = ["abc", "", "duckdb:///", "duckdb:///:memory:", "ducklake:", "ducklake:postgresql://[h/d"]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", ["FROM", "TO"])
def test_the_wrong_address_is_named(tmp_path: Path, name: str, wrong: str) -> None:
    """As the command calls it: the setting of the desk has nothing to do with it."""
    good = f"duckdb:///{tmp_path}/a.duckdb"
    source, target = (wrong, good) if name == "FROM" else (good, wrong)
    with pytest.raises(SettingsError, match=f"^{name} must") as told:
        migrate_store(source, target, tmp_path, lambda *_: None)
    assert "OPENBELL" not in str(told.value)
    assert not list(tmp_path.iterdir())
