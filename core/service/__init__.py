"""The use cases: all that app/ and pages/ call.

`current()` is the one desk of this process; `use(desk)` sets it (the lifespan does, tests too).
"""

from __future__ import annotations

from core.errors import OpenbellError
from core.service.desk import Desk

_desk: Desk | None = None


class NoDeskError(OpenbellError):
    """Pages were opened without the desk behind them."""

    kind = "could not ask"


def current() -> Desk:
    """The open desk; NoDeskError when there is none."""
    if _desk is None:
        raise NoDeskError(
            "the desk is not open", hint="start it with: python -m app serve (or: make demo)"
        )
    return _desk


def use(desk: Desk | None) -> None:
    """Make this the desk of the process (None: no desk)."""
    global _desk  # noqa: PLW0603 - one desk per process is the design
    _desk = desk


def is_open() -> bool:
    """Whether there is a desk."""
    return _desk is not None


# Imported last: these modules register the commands and exports, and use the desk above.
from core.service.care import commands as care  # noqa: E402
from core.service.care import health, health_checks  # noqa: E402
from core.service.filings import companies, features, quality, reconcile  # noqa: E402
from core.service.gaps import scans, symbols  # noqa: E402
from core.service.gaps import statistics as gap_statistics  # noqa: E402
from core.service.kernel import commands, exports  # noqa: E402
from core.service.pulls import backfill, datasets, imports, jobs, pull_jobs, refresh, upstreams  # noqa: E402
from core.service.trading import (  # noqa: E402
    journal,
    journal_commands,
    journal_jobs,
    plan_commands,
    plans,
    risk,
    trades,
)

__all__ = [
    "Desk",
    "NoDeskError",
    "backfill",
    "care",
    "commands",
    "companies",
    "current",
    "datasets",
    "exports",
    "features",
    "gap_statistics",
    "health",
    "health_checks",
    "imports",
    "is_open",
    "jobs",
    "journal",
    "journal_commands",
    "journal_jobs",
    "plan_commands",
    "plans",
    "pull_jobs",
    "quality",
    "reconcile",
    "refresh",
    "risk",
    "scans",
    "symbols",
    "trades",
    "upstreams",
    "use",
]
