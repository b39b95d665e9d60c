"""Alerts: what the reader was told, and by which rules."""

from __future__ import annotations

from components.kit import shell
from components.parts import alert_rules, alerts

desk = shell.page(
    "Alerts",
    purpose="What you were told, newest first, and the rules by which you and the desk are told.",
)

with shell.guarded("the alerts"):
    alerts.show(desk)
with shell.guarded("your rules"):
    alert_rules.show(desk)
