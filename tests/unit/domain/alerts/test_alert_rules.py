"""Rules of alerts: what they match, quiet hours, the budget of half a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.alerts import rules
from core.domain.alerts.rules import AlertRule, Occurrence, fault, quiet_until
from core.domain.alerts.timing import Budget, due, half_day, next_digest
from core.observe.events import KINDS, SEVERITIES

NOON = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
ZONE = "America/New_York"


def event(**given: str) -> Occurrence:
    known = {"kind": "dataset.overdue", "subject": "prices.daily", "severity": "error"}
    return Occurrence("1", NOON, message="late", **(known | given))


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (AlertRule("r", "all"), True),
        (AlertRule("r", "off", enabled=False), False),
        (AlertRule("r", "group", kinds=("dataset",)), True),
        (AlertRule("r", "kind", kinds=("dataset.overdue",)), True),
        (AlertRule("r", "part of a name", kinds=("data",)), False),
        (AlertRule("r", "pattern", subject="PRICES.*"), True),
        (AlertRule("r", "other", subject="sec.*"), False),
        (AlertRule("r", "as grave", severity="error"), True),
        (AlertRule("r", "graver", severity="critical"), False),
    ],
)
def test_a_rule_matches_by_kind_subject_and_severity(rule: AlertRule, told: bool) -> None:
    """Each part may keep it from matching."""
    assert rule.matches(event()) is told


def test_severities_are_those_of_events() -> None:
    """Two lists of one order."""
    assert rules.ORDER == SEVERITIES


def test_defaults_are_rules_that_may_be_kept() -> None:
    """Whoever changes one of them keeps the others with it."""
    groups = {kind.group for kind in KINDS.values()}
    for kept in rules.DEFAULTS.values():
        assert [fault(rule, (*KINDS, *groups)) for rule in kept] == [None] * len(kept)


@pytest.mark.parametrize(
    "wrong",
    [
        AlertRule("r", ""),
        AlertRule("r", "x" * 81),
        AlertRule("r", "kind", kinds=("no.such",)),
        AlertRule("r", "severity", severity="loud"),
        AlertRule("r", "quiet", quiet="22-6"),
        AlertRule("r", "quiet", quiet="25:00-06:00"),
        AlertRule("r", "sinks", sinks=()),
        AlertRule("r", "sinks", sinks=("pigeon",)),
        AlertRule("r", "sinks", sinks=("bell:ann",)),
        AlertRule("r", "subject", subject="x" * 201),
    ],
)
def test_what_is_wrong_with_a_rule_is_told(wrong: AlertRule) -> None:
    """In a sentence."""
    assert fault(wrong, KINDS)


@pytest.mark.parametrize(
    ("quiet", "zone", "at", "ends"),
    [
        ("22:00-06:00", ZONE, "2026-11-27T23:00-05:00", "2026-11-28T06:00-05:00"),
        ("22:00-06:00", ZONE, "2026-11-28T05:59-05:00", "2026-11-28T06:00-05:00"),
        ("22:00-06:00", ZONE, "2026-11-28T06:00-05:00", None),
        ("12:00-13:00", "Europe/Berlin", "2026-11-27T12:30+01:00", "2026-11-27T13:00+01:00"),
        ("", ZONE, "2026-11-27T23:00-05:00", None),
        ("01:00-03:30", ZONE, "2026-03-08T01:30-05:00", "2026-03-08T03:30-04:00"),
    ],
)
def test_quiet_hours_end_by_the_clock_of_the_reader(
    quiet: str, zone: str, at: str, ends: str | None
) -> None:
    """Over midnight, and over a change of the clock."""
    found = quiet_until(quiet, zone, datetime.fromisoformat(at).astimezone(UTC))
    assert found == (datetime.fromisoformat(ends) if ends else None)


def test_a_budget_is_of_half_a_day_in_new_york() -> None:
    """The morning's, and another one from noon."""
    morning = datetime.fromisoformat("2026-11-27T11:59-05:00").astimezone(UTC)
    assert half_day(morning) == datetime(2026, 11, 27, 5, tzinfo=UTC)
    assert half_day(NOON) == NOON
    assert next_digest(NOON + timedelta(minutes=7), 30) == NOON + timedelta(minutes=30)


def test_beyond_the_budget_comes_a_digest_and_what_is_critical_at_once() -> None:
    """A rule without quiet hours speaks for one that has some."""
    budget, night = Budget(2, 30), AlertRule("r", "night", quiet="11:00-13:00")
    loud = AlertRule("r", "loud")
    assert due([loud], "error", ZONE, 1, budget, NOON) is None
    assert due([loud], "error", ZONE, 2, budget, NOON) == NOON + timedelta(minutes=30)
    assert due([loud], "critical", ZONE, 2, budget, NOON) is None
    assert due([night], "error", ZONE, 0, budget, NOON) == NOON + timedelta(hours=1)
    assert due([night, loud], "error", ZONE, 0, budget, NOON) is None
    assert due([night], "critical", ZONE, 0, budget, NOON) is None
