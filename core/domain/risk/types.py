"""What risk talks about: limits, the book, a check of one limit, a verdict.

Money is in the account's currency. Percentages of limits are of `Book.equity`, the equity at the
start of the session plus the day's deposits, so that the limits stand still within a session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from core.domain.trading.money import ZERO
from core.domain.trading.plans import NO_TRADE, Direction, Plan

Decision = Literal["approve", "shrink", "reject"]
GradeRule = Literal["warn", "half", "reject"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be risked; percentages hold 1.0 for 1 % of equity."""

    daily_loss_pct: Decimal = Decimal("3")
    risk_per_trade_pct: Decimal = Decimal("1")
    position_pct: Decimal = Decimal("20")
    gross_pct: Decimal = Decimal("150")
    net_pct: Decimal = Decimal("100")
    max_positions: int = 8
    sector_pct: Decimal = Decimal("40")
    correlated_pct: Decimal = Decimal("40")
    correlation_threshold: float = 0.7
    drawdown_pct: Decimal = Decimal("10")
    participation_pct: Decimal = Decimal("1")
    exclusions: frozenset[str] = frozenset()
    grade_rule: GradeRule = "warn"
    low_grades: frozenset[str] = frozenset({"D", "F", "NR"})


@dataclass(frozen=True, slots=True)
class Holding:
    """A plan that is approved and waits, or a position that is open."""

    symbol: str
    sector: str
    direction: Direction
    shares: int
    notional: Decimal  # at the planned entry, or at cost once filled
    risk: Decimal  # loss from there to the stop, never below zero
    reserve: Decimal = ZERO  # costs still to come
    give_back: Decimal | None = None  # fall from the last mark to the stop; None: same as risk
    plan_id: str = ""

    @property
    def signed(self) -> Decimal:
        """Notional, negative when short."""
        return self.notional if self.direction == "long" else -self.notional


@dataclass(frozen=True, slots=True)
class Book:
    """The account at one moment. `correlations` is keyed by the pair of symbols."""

    equity: Decimal
    peak: Decimal  # highest equity so far, net of deposits and withdrawals
    realised: Decimal = ZERO  # of the session, after costs
    unrealised: Decimal = ZERO  # change of the marks in the session
    holdings: tuple[Holding, ...] = ()
    correlations: Mapping[frozenset[str], float] = field(default_factory=dict)

    @property
    def open_risk(self) -> Decimal:
        """Loss if every holding went to its stop, costs included."""
        return sum((h.risk + h.reserve for h in self.holdings), ZERO)


@dataclass(frozen=True, slots=True)
class Name:
    """What risk knows of the plan's name."""

    sector: str = "unknown"
    mean_volume: float | None = None
    grade: str | None = None  # of the newest report as known then; None: none is graded
    grade_form: str | None = None
    grade_age_days: int | None = None
    status: str | None = None  # what became of that report, as known then
    status_reason: str | None = None


@dataclass(frozen=True, slots=True)
class LimitCheck:
    """One limit: what would be used with the plan in, and what is allowed."""

    limit: str
    used: Decimal
    allowed: Decimal
    unit: Literal["money", "pct", "count", "shares"]
    sentence: str
    max_shares: int | None = None  # the plan's shares this limit leaves room for; None: any
    warning: bool = False

    @property
    def headroom(self) -> Decimal:
        """What is left; negative when over."""
        return self.allowed - self.used

    @property
    def ok(self) -> bool:
        """Whether the limit holds."""
        return self.used <= self.allowed


@dataclass(frozen=True, slots=True)
class Verdict:
    """Decision, the plan it stands for, its checks, and those of the plan before shrinking."""

    decision: Decision
    plan: Plan
    checks: tuple[LimitCheck, ...]
    before: tuple[LimitCheck, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it was rejected or shrunk, and warnings."""
        shown = self.before if self.decision == "shrink" else self.checks
        found = [check.sentence for check in shown if not check.ok]
        found += [check.sentence for check in self.checks if check.warning]
        if self.decision == "reject" and not self.plan.is_trade:
            found.append(f"0 shares: {NO_TRADE}.")
        return tuple(dict.fromkeys(found))
