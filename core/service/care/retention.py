"""Retention: what a desk keeps no longer than its settings say, forgotten once an hour."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.domain.access.principals import Role
from core.observe import logs
from core.service.kernel.access import needs
from core.service.kernel.looks import look
from core.store import retention as store

if TYPE_CHECKING:
    from core.service.desk import Desk

log = logs.get("retention")
HOUR = 3600.0


@look("retention", seconds=HOUR)
def tidy(desk: Desk) -> None:
    """Forget what is old; nothing is written where there is nothing."""
    forget(desk)


@needs(Role.ADMIN)
def forget(desk: Desk) -> dict[str, int]:
    """Forget old pulls without rows, rejected rows, scans and alerts; how many rows there were."""
    now, chosen = desk.now(), desk.settings
    pulls = now - timedelta(days=chosen.pulls_keep_days)
    scans = now - timedelta(days=chosen.scans_keep_days)
    found = store.counts(desk.warehouse, pulls, scans)
    if any(found.values()):
        with desk.warehouse.transaction() as tx:
            store.forget(tx, pulls, scans, now - timedelta(days=chosen.events_keep_days))
        log.info("old rows forgotten", **found)
    return found
