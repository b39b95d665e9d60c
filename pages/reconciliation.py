"""Reconciliation: is the desk's copy right? Six checks, their samples and their history."""

from __future__ import annotations

from components.kit import shell
from components.parts import reconciliation as parts
from core.service.filings import reconcile

desk = shell.page(
    "Reconciliation",
    purpose="Is our copy right? Six checks of the store against its sources and itself.",
    datasets=("sec.submissions", "sec.facts"),
)

with shell.guarded("the checks"):
    parts.run_now(desk)
    history = reconcile.history(desk)
    if history.is_empty():
        shell.empty(
            "The checks have not run yet.",
            "Run them with the button above; they also run after pulls.",
        )
    else:
        checks = parts.latest(history)
        parts.heading(checks, desk)
        parts.cards(checks)
        parts.over_runs(history)
