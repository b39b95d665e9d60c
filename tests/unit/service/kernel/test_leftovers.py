"""The data folder before a desk opens: leftovers go, and no room is told with what may be done."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.errors import StoreError
from core.service import data_folder
from core.service.desk import Desk
from core.store import backup, files


def test_what_queries_spilled_goes(make_desk: Callable[..., Desk]) -> None:
    """It may be gigabytes, and nobody else removes it."""
    desk = make_desk()
    left = desk.settings.data_dir / "queries" / "123-abc"
    left.mkdir(parents=True)
    (left / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"x" * 1000)
    settings = desk.settings
    desk.close()
    Desk.open(settings).close()
    assert not left.exists()


@pytest.mark.in_file
def test_no_room_before_a_migration_names_no_other_folder(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its backup goes where it goes: there is no option for another place."""

    def full(*_: object, **__: object) -> None:
        raise StoreError("no space left on device", hint=backup.ROOM)

    monkeypatch.setattr(backup, "make", full)
    with pytest.raises(StoreError) as refused:
        data_folder.before_migration(desk.settings, desk.now())(desk.warehouse)
    assert refused.value.hint == files.ROOM
