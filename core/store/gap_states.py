"""The kept state of gaps (GapState): stored with what it rests on, and void when that changed."""

from __future__ import annotations

from datetime import date

import polars as pl

from core.domain import code
from core.domain.gaps.state import STATE, GapState
from core.store.transaction import quoted
from core.store.warehouse import Warehouse

_COLUMNS = ", ".join(STATE)


def fingerprint(
    warehouse: Warehouse, dataset: str, table: str, as_of: date, actions: pl.DataFrame
) -> tuple[int, int, int]:
    """What a state rests on: how many bars, a hash of the corporate actions up to then (and of
    the code that made it), and the rows ever updated by pulls.
    """
    row = warehouse.read(  # the later bars are few, and found without reading the earlier ones
        f"SELECT (SELECT count(*) FROM {quoted(table)}) "
        f"- (SELECT count(*) FROM {quoted(table)} WHERE session > $day), "
        "(SELECT coalesce(sum(rows_updated), 0)::BIGINT FROM pulls WHERE dataset = $name)",
        {"day": as_of, "name": dataset},
    ).row(0)
    return int(row[0]), hash_of(actions.filter(pl.col("ex_date") <= as_of)), int(row[1])


def hash_of(actions: pl.DataFrame) -> int:
    """Corporate actions, and the code that makes states of gaps, as one number."""
    made_by = int(code.digest("core.domain.gaps")[:12], 16)  # a state of other code is void
    if actions.is_empty():
        return made_by
    return int(actions.hash_rows(seed=5 + made_by).reinterpret(signed=True).sum() or 0)


def latest(
    warehouse: Warehouse,
    dataset: str,
    table: str,
    span: tuple[date, date],
    actions: pl.DataFrame,
) -> GapState | None:
    """The kept state as of the latest session in [first, end) that still holds.

    `actions` are the corporate actions that the bars are not adjusted for.
    """
    kept = warehouse.read(
        "SELECT as_of, bars, actions, updates FROM gap_states "
        "WHERE dataset = $name AND as_of >= $first AND as_of < $end "
        "ORDER BY as_of DESC LIMIT 1",
        {"name": dataset, "first": span[0], "end": span[1]},
    )
    if kept.is_empty():
        return None
    as_of, *basis = kept.row(0)
    if tuple(basis) != fingerprint(warehouse, dataset, table, as_of, actions):
        return None
    rows = warehouse.read(
        f"SELECT {_COLUMNS} FROM gap_states WHERE dataset = ? AND as_of = ?", [dataset, as_of]
    )
    return GapState(as_of, rows)


def keep(
    warehouse: Warehouse, dataset: str, table: str, states: list[GapState], actions: pl.DataFrame
) -> None:
    """Replace the kept states of a dataset by these."""
    parts = []
    for state in states:
        n, known, updates = fingerprint(warehouse, dataset, table, state.as_of, actions)
        head = {
            "dataset": pl.lit(dataset),
            "as_of": pl.lit(state.as_of),
            "bars": pl.lit(n, dtype=pl.Int64),
            "actions": pl.lit(known, dtype=pl.Int64),
            "updates": pl.lit(updates, dtype=pl.Int64),
        }
        parts.append(state.frame.with_columns(**head))
    with warehouse.transaction() as tx:
        tx.execute("DELETE FROM gap_states WHERE dataset = ?", [dataset])
        tx.insert("gap_states", pl.concat(parts))
