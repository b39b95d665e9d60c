"""A store moves from one place to another: whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import UsageError
from core.store.warehouse import Warehouse


@pytest.mark.parametrize("there", ["source", "target", "same"])
def test_a_store_moves_from_one_to_an_empty_place(there: str, tmp_path: Path) -> None:
    """No store to move, or one where it should go: refused, and nothing is made."""
    from core.service.care.moving_house import migrate_store

    for name in {"source": "b", "target": "ab", "same": "a"}[there]:
        Warehouse.open(tmp_path / f"{name}.duckdb").close()
    target = f"duckdb:///{tmp_path}/{'a' if there == 'same' else 'b'}.duckdb"
    with pytest.raises(UsageError):
        migrate_store(f"duckdb:///{tmp_path}/a.duckdb", target, tmp_path, lambda *_: None)
    assert (tmp_path / "a.duckdb").exists() == (there != "source")


def test_a_store_moves_between_files(tmp_path: Path) -> None:
    """Every table is told with its rows and what they come to."""
    from core.service.care.moving_house import migrate_store

    with Warehouse.open(tmp_path / "a.duckdb") as one, one.transaction() as tx:
        tx.execute("INSERT INTO watchlist VALUES (1, 'A', now()), (2, NULL, now())")
        tx.execute('CREATE TABLE "of the user" AS SELECT 1.5 AS x, NULL::DATE AS "d""d"')
    told: dict[str, int] = {}
    done = migrate_store(
        f"duckdb:///{tmp_path}/a.duckdb",
        f"duckdb:///{tmp_path}/b.duckdb",
        tmp_path,
        lambda name, found: told.update({name: found.rows}),
    )
    assert (told["watchlist"], told["of the user"]) == (2, 1)
    assert done["rows"] == sum(told.values())
    with Warehouse.open(tmp_path / "b.duckdb") as two:
        assert two.read("SELECT symbol FROM watchlist ORDER BY cik")["symbol"].to_list() == [
            "A",
            None,
        ]


def test_a_place_has_no_store_until_all_of_it_is_there(tmp_path: Path) -> None:
    """Whoever is killed before leaves nothing that is taken for a store, and it is the owner's."""
    from core.service.care.moving_house import migrate_store

    Warehouse.open(tmp_path / "a.duckdb").close()
    target = tmp_path / "b.duckdb"
    left = tmp_path / ".b.duckdb.moved.part"  # of one that was killed
    left.write_bytes(b"half")
    seen: list[bool] = []
    source, to = (f"duckdb:///{tmp_path}/{name}.duckdb" for name in "ab")
    before = os.umask(0o022)
    try:
        migrate_store(source, to, tmp_path, lambda *_: seen.append(target.exists()))
    finally:
        os.umask(before)
    assert not any(seen)
    assert target.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.glob("*b.duckdb*")} == {"b.duckdb", "b.duckdb.lock"}
    assert not left.exists()
