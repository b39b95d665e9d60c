"""What a desk that was killed left in its data folder goes with the next start."""

from __future__ import annotations

from collections.abc import Callable

from core.service.desk import Desk


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
