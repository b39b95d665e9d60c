"""What open pages ask every few seconds: has anything changed, and when was the last print."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.store.journal import Reader

_CHANGED = """
SELECT coalesce(max(pull_id), '') FROM pulls
WHERE coalesce(rows_inserted, 0) + coalesce(rows_updated, 0) > 0
  AND dataset IN (SELECT unnest(?)) AND state <> 'running'
"""
_DECIDED = """
SELECT (SELECT count(*) FROM plan_events), (SELECT coalesce(max(entry_no), 0) FROM journal_entries),
       (SELECT coalesce(epoch_us(max(graded_at)), 0) FROM grades)
"""
_KEPT = """
SELECT (SELECT count(*) FROM plan_proposals),
       (SELECT coalesce(epoch_us(max(proposed_at)), 0) FROM plan_proposals),
       (SELECT count(*) FROM notes), (SELECT coalesce(epoch_us(max(written_at)), 0) FROM notes),
       (SELECT count(*) FROM symbol_marks),
       (SELECT coalesce(epoch_us(max(marked_at)), 0) FROM symbol_marks),
       (SELECT count(*) FROM symbol_list_members),
       (SELECT coalesce(epoch_us(max(added_at)), 0) FROM symbol_list_members)
"""


def last_change(reader: Reader, datasets: Sequence[str]) -> tuple[object, ...]:
    """Changes when a pull of these datasets changed rows, a plan was proposed or decided, a filing
    graded, or a reader kept something of a name: a note, a mark, a place on a list.
    """
    pulled = reader.read(_CHANGED, [list(datasets)]).row(0)
    return (*pulled, *reader.read(_DECIDED).row(0), *reader.read(_KEPT).row(0))


def last_print(reader: Reader, until: datetime) -> datetime | None:
    """The end of the last minute with a print that has ended by an instant; None without one."""
    found: datetime | None = reader.read(
        "SELECT max(ts) + INTERVAL 1 MINUTE FROM bars_minute "
        "WHERE ts <= ?::TIMESTAMPTZ - INTERVAL 1 MINUTE",
        [until],
    ).item()
    return found
