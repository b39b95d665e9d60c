"""Plans of sessions that are over: approved, their trades would be made in hindsight."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from core.domain.timetable import sessions as calendar
from core.domain.trading.plans import Plan
from core.errors import ValidationError

if TYPE_CHECKING:
    from core.service.desk import Desk


def is_over(plan: Plan, now: datetime) -> bool:
    """Whether the last session in which a plan may be entered has closed by `now` (aware)."""
    last = plan.expiry or plan.session
    return calendar.is_session(last) and calendar.hours_of(last)[1] <= now


def may_be_approved(desk: Desk, plan: Plan) -> bool:
    """Whether a plan is still to be traded, or the desk may play past sessions again."""
    return desk.settings.approve_past_sessions or not is_over(plan, desk.now())


def must_be_to_come(desk: Desk, plan: Plan) -> None:
    """ValidationError for a plan that nobody can trade any more."""
    if not may_be_approved(desk, plan):
        raise ValidationError(
            f"the session of the plan, {plan.session:%a} {plan.session.day} {plan.session:%b %Y}, "
            "is over: its trade would be made in hindsight",
            hint="plan the session to come once the name has a print; past sessions are played "
            "again on paper where OPENBELL_APPROVE_PAST_SESSIONS is true",
        )
