"""Commands of alerts: what was told, and rules that are added, changed, taken away."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import NotFoundError, UsageError
from core.service.alerts import telling
from core.service.desk import Desk
from core.service.kernel import commands
from tests.alerted import happen


def run(desk: Desk, name: str, /, **given: Any) -> dict[str, object]:
    document: dict[str, object] = commands.run(desk, name, given).document
    return document


def test_alerts_are_listed_and_read(desk: Desk) -> None:
    """`read` counts from the next time on."""
    happen(desk, "backup.failed", "backup")
    first = run(desk, "alerts", read=True)
    assert (first["unread"], len(first["alerts"])) == (1, 1)  # type: ignore[arg-type]
    assert run(desk, "alerts", unread=True) == {"unread": 0, "alerts": []}


def test_a_rule_is_added_changed_and_taken_away(desk: Desk) -> None:
    """The defaults come along, and come back."""
    assert run(desk, "alert_rules")["changed"] is False
    made = run(desk, "alert_rule_set", name="Grades", kinds=["filing"], severity="warning")
    rules = run(desk, "alert_rules")["rules"]
    assert [rule["name"] for rule in rules][-1] == "Grades"  # type: ignore[attr-defined]
    run(desk, "alert_rule_set", name="All filings", kinds=["filing"], rule=made["id"])
    rules = run(desk, "alert_rules")["rules"]
    assert (rules[-1]["name"], rules[-1]["severity"]) == ("All filings", "info")  # type: ignore[index]
    run(desk, "alert_rule_remove", rule=made["id"])
    assert run(desk, "alert_rules")["changed"] is True
    run(desk, "alert_rule_remove")
    assert run(desk, "alert_rules")["changed"] is False


@pytest.mark.parametrize(
    ("name", "given", "kind"),
    [
        ("alert_rule_set", {"name": "x", "kinds": ["no.such"]}, UsageError),
        ("alert_rule_set", {"name": "x", "sinks": ["pigeon"]}, UsageError),
        ("alert_rule_set", {"name": "x", "rule": "no such"}, NotFoundError),
        ("alert_rule_remove", {"rule": "no such"}, NotFoundError),
        ("alerts", {"limit": 0}, UsageError),
        ("notify_test", {"place": "notify:nobody"}, UsageError),
    ],
)
def test_what_is_wrong_is_told(
    desk: Desk, name: str, given: dict[str, object], kind: type[Exception]
) -> None:
    """And nothing is kept."""
    with pytest.raises(kind):
        run(desk, name, **given)
    assert run(desk, "alert_rules")["changed"] is False


def test_a_changed_rule_counts_for_the_next_event(desk: Desk) -> None:
    """A reader who wants new filings only."""
    telling.tell_new(desk)
    for rule in ("troubles", "brief", "limits", "fills"):
        run(desk, "alert_rule_remove", rule=rule)
    happen(desk, "backup.failed", "backup")
    happen(desk, "filing.new", "AAPL")
    assert [a["kind"] for a in run(desk, "alerts")["alerts"]] == ["filing.new"]  # type: ignore[attr-defined]
