"""Risk's answer to a plan: every limit checked in order, none skipped.

A plan is approved as it is, shrunk to what the limits leave (and then checked in full again), or
rejected. `breaches` guards what is not a plan: a withdrawal or a reversal.
"""

from __future__ import annotations

from collections.abc import Callable

from core.domain.risk.checks import book_checks, plan_checks
from core.domain.risk.types import Book, LimitCheck, Limits, Name, Verdict
from core.domain.trading.plans import Plan, PlanRules, resize


def judge(plan: Plan, book: Book, name: Name, limits: Limits, rules: PlanRules) -> Verdict:
    """Approve, shrink or reject a plan; a shrunk plan has passed all checks again."""
    checks = plan_checks(plan, book, name, limits)
    if not plan.is_trade:
        return Verdict("reject", plan, checks)
    if all(check.ok for check in checks):
        return Verdict("approve", plan, checks)
    left = min(check.max_shares for check in checks if check.max_shares is not None)

    def fits(smaller: Plan) -> bool:
        return all(check.ok for check in plan_checks(smaller, book, name, limits))

    best = _largest(plan, rules, min(left, plan.shares - 1), fits)
    if best is None:
        return Verdict("reject", plan, checks)
    return Verdict("shrink", best, plan_checks(best, book, name, limits), before=checks)


def _largest(plan: Plan, rules: PlanRules, most: int, fits: Callable[[Plan], bool]) -> Plan | None:
    """The largest size up to `most` that fits: searched, as fees have a minimum per order."""
    low, high, best = 1, most, None
    while low <= high:
        middle = (low + high) // 2
        smaller = resize(plan, middle, rules)
        if fits(smaller):
            best, low = smaller, middle + 1
        else:
            high = middle - 1
    return best


def breaches(after: Book, before: Book, limits: Limits) -> tuple[LimitCheck, ...]:
    """Limits of the book that a change breaks or strains further; empty: it may be done."""
    used = {check.limit: check.used - check.allowed for check in book_checks(before, limits)}
    return tuple(
        check
        for check in book_checks(after, limits)
        if not check.ok and check.used - check.allowed > used[check.limit]
    )
