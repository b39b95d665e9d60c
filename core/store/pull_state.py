"""What is known of every dataset's pulls: for the scheduler, freshness and overdue detector."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.store.pulls import OF_FILES
from core.store.warehouse import Warehouse

_STATE = """
    SELECT dataset,
        max(due_at) FILTER (good AND owed IS NOT TRUE) AS last_due,
        max(coalesce(due_at, least(started_at, window_to), started_at))
            FILTER (good AND owed IS NOT TRUE) AS good_until,
        max(finished_at) FILTER (good) AS last_success,
        max(finished_at) FILTER (bad) AS last_failure,
        arg_max(error, finished_at) FILTER (bad) AS last_error
    FROM (
        SELECT *, state IN ('done', 'unchanged', 'partial') AS good,
            state = 'failed' AND trigger NOT IN (SELECT unnest(?::VARCHAR[])) AS bad
        FROM pulls)
    GROUP BY dataset
"""


@dataclass(frozen=True, slots=True)
class PullState:
    """Instants (UTC) of one dataset's pulls.

    `last_due`: the latest refresh that a pull has answered. `good_until`: the data hold what was
    there at this instant (the refresh answered, or when a pull by hand began). `last_success` and
    `last_failure`: when pulls ended well or not; files that were brought and refused say nothing
    of the source.
    """

    last_due: datetime | None = None
    good_until: datetime | None = None
    last_success: datetime | None = None
    last_failure: datetime | None = None
    last_error: str | None = None


def pull_states(warehouse: Warehouse) -> dict[str, PullState]:
    """The state of every dataset that was ever pulled, in one query."""
    return {row[0]: PullState(*row[1:]) for row in warehouse.read(_STATE, [list(OF_FILES)]).rows()}
