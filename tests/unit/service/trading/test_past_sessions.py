"""A plan whose session is over is not approved, unless the desk plays past sessions again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from core.domain.timetable import sessions as calendar
from core.errors import ValidationError
from core.service.desk import Desk
from core.service.trading import past_sessions, plans, proposals
from core.service.trading.plans import Ask
from tests.opened import opened
from tests.unit.service.trading.test_journal_service import bars_of

FRIDAY, MONDAY = date(2026, 11, 27), date(2026, 11, 30)  # a half day, and the next session


@pytest.fixture
def late(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk of a real market, long after the last session that it has bars of."""
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars_of("AAA"))
    now_only = desk.settings.model_copy(update={"approve_past_sessions": False})
    monkeypatch.setattr(desk, "settings", now_only)
    return desk


@pytest.mark.parametrize(
    ("at", "expiry", "over"),
    [
        ("2026-11-27T12:59-05:00", FRIDAY, False),
        ("2026-11-27T13:00-05:00", FRIDAY, True),
        ("2026-11-27T13:00-05:00", None, True),
        ("2026-11-29T10:00-05:00", MONDAY, False),
        ("2026-11-30T16:00-05:00", MONDAY, True),
    ],
)
def test_a_plan_is_over_with_the_last_session_it_waits_in(
    at: str, expiry: date | None, over: bool
) -> None:
    """From its close on; a plan that waits longer is not over at the weekend."""
    plan: Any = SimpleNamespace(session=FRIDAY, expiry=expiry)
    assert past_sessions.is_over(plan, datetime.fromisoformat(at)) is over


def test_nobody_approves_in_hindsight(late: Desk) -> None:
    """Neither at once nor a proposal; nothing is written, and to turn it down stays possible."""
    with pytest.raises(ValidationError, match="is over: its trade would be made in hindsight"):
        plans.approve(late, Ask("AAA"), "go")
    kept = proposals.propose(late, Ask("AAA"))
    with pytest.raises(ValidationError, match="is over"):
        proposals.approve(late, kept.plan_id, "go")
    assert proposals.decided(late) == []
    assert proposals.reject(late, kept.plan_id, "too late").state == "rejected"


def test_it_is_approved_while_its_session_runs(late: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bars of the test end with a session of 2017: a minute before its close it is in time."""
    close = calendar.hours_of(plans.propose(late, Ask("AAA")).plan.session)[1]
    monkeypatch.setattr(late, "now", lambda: (close - timedelta(minutes=1)).astimezone(UTC))
    assert plans.approve(late, Ask("AAA"), "go").state == "approved"


def test_the_page_says_why_its_button_is_off(late: Desk) -> None:
    """One calm sentence below the buttons."""
    at = opened("plans", symbol="AAA")
    button = next(b for b in at.button if b.label.startswith("Approve"))
    assert button.disabled
    assert [m.value for m in at.markdown if "not in hindsight" in m.value]
