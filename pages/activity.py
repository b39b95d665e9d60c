"""What happened on the desk: every important change, who made it, and what was before and after."""

from __future__ import annotations

from components.kit import shell
from components.parts import activity

desk = shell.page(
    "Activity",
    purpose="Every important change: when, what, by whom, before and after.",
    views_of="activity",
)

with shell.guarded("what happened"):
    activity.show(desk, activity.filters(desk))
