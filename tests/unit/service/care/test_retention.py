"""What is old is forgotten, and nothing that something rests on."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from core.domain.access.principals import ENGINE
from core.service.care import retention
from core.service.desk import Desk
from core.service.kernel import access
from core.store.pull_state import pull_states


def pull(desk: Desk, name: str, days: float, state: str = "unchanged", rows: int = 0) -> None:
    at = desk.now() - timedelta(days=days)
    row = {
        "pull_id": f"{name}-{days}-{state}",
        "dataset": name,
        "trigger": "schedule",
        "state": state,
        "rows_inserted": rows,
        "rows_updated": 0,
        "started_at": at,
        "finished_at": at,
        "simulated": False,
    }
    reject = {"pull_id": row["pull_id"], "dataset": name, "reason": "no number"}
    with desk.warehouse.transaction() as tx:
        tx.insert("pulls", pl.DataFrame([row]))
        tx.insert("rejected_rows", pl.DataFrame([reject]))


def left(desk: Desk, table: str = "pulls") -> list[str]:
    found = desk.warehouse.read_anew(f"SELECT pull_id FROM {table} ORDER BY pull_id")
    return found["pull_id"].to_list()


def test_old_pulls_without_rows_go_and_those_that_rows_come_from_stay(desk: Desk) -> None:
    """So do the last of a dataset and its last good one, however old: freshness rests on them."""
    pull(desk, "a", 900, rows=5)
    pull(desk, "a", 800)
    pull(desk, "a", 700, "failed")
    pull(desk, "a", 10)
    pull(desk, "b", 600)
    pull(desk, "b", 500, "failed")
    before = pull_states(desk.warehouse)
    assert retention.forget(desk) == {"rejected_rows": 5, "pulls": 2, "scans": 0}
    assert left(desk) == ["a-10-unchanged", "a-900-unchanged", "b-500-failed", "b-600-unchanged"]
    assert left(desk, "rejected_rows") == ["a-10-unchanged"]
    after = pull_states(desk.warehouse)
    assert {name: s.good_until for name, s in after.items()} == {
        name: s.good_until for name, s in before.items()
    }
    assert after["b"] == before["b"]


def test_old_scans_go_with_their_candidates(desk: Desk) -> None:
    """One of today stays with its own."""
    for symbol, days in (("OLD", 3000), ("NEW", 1)):
        at = desk.now() - timedelta(days=days)
        with desk.warehouse.transaction() as tx:
            tx.execute(
                "INSERT INTO scans (dataset, session, provisional, made_at, score_version, "
                "filters, weights, names, candidates, excluded) "
                "VALUES ('d', ?, FALSE, ?, 's', '{}', '{}', 1, 1, 0)",
                [at.date(), at],
            )
            tx.execute(
                "INSERT INTO candidates (dataset, session, symbol, provisional, score_version) "
                "VALUES ('d', ?, ?, FALSE, 's')",
                [at.date(), symbol],
            )
    retention.forget(desk)
    symbols = desk.warehouse.read_anew("SELECT symbol FROM candidates")["symbol"].to_list()
    assert symbols == ["NEW"]


def test_nothing_is_written_where_nothing_is_old(desk: Desk) -> None:
    """A look once an hour is no commit."""
    pull(desk, "a", 10)
    commits = desk.warehouse.commits
    with access.acting(ENGINE):
        retention.tidy(desk)
    assert desk.warehouse.commits == commits
