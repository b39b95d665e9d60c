"""The limits one by one, in the order in which they are shown and enforced.

Each check takes the book with (or without) the plan; a limit that the plan cannot touch is checked
all the same. What is unknown counts against the plan: no volume is no liquidity, and names without
enough common history count as correlated.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from core.domain.filings.sectors import UNKNOWN
from core.domain.quality.status.names import AS_FILED, WITHDRAWN
from core.domain.risk.types import Book, Holding, LimitCheck, Limits, Name
from core.domain.symbols import one_spelling
from core.domain.trading.money import ZERO, cents, whole
from core.domain.trading.plans import Plan


def plan_checks(plan: Plan, book: Book, name: Name, limits: Limits) -> tuple[LimitCheck, ...]:
    """All twelve checks of a plan, in order."""
    new = as_holding(plan, name)
    return (*book_checks(book, limits, plan, new), *_name_checks(plan, book, name, limits))


def book_checks(
    book: Book, limits: Limits, plan: Plan | None = None, new: Holding | None = None
) -> tuple[LimitCheck, ...]:
    """The limits of the book (nine), with the plan in when there is one."""
    return (
        _daily_loss(book, limits, plan),
        _risk_per_trade(book, limits, plan),
        _position(book, limits, plan),
        _gross(book, limits, plan),
        _net(book, limits, plan),
        _count(book, limits, plan),
        _sector(book, limits, plan, new),
        _correlation(book, limits, plan, new),
        _drawdown(book, limits, plan),
    )


def as_holding(plan: Plan, name: Name, plan_id: str = "") -> Holding:
    """The plan as a holding of the book, at its planned entry."""
    return Holding(
        plan.symbol,
        name.sector,
        plan.direction,
        plan.shares,
        plan.notional,
        plan.risk,
        plan.costs,
        plan_id=plan_id,
    )


def share_of(book: Book, pct: Decimal) -> Decimal:
    """A percentage of the book's equity in cents, never below zero."""
    return max(ZERO, cents(book.equity * pct / 100))


def _room(plan: Plan | None, left: Decimal, per_share: Decimal) -> int | None:
    if plan is None:
        return None
    return whole(left / per_share) if per_share > 0 else plan.shares


def _daily_loss(book: Book, limits: Limits, plan: Plan | None) -> LimitCheck:
    lost = max(ZERO, -book.realised)
    base = lost + book.open_risk
    allowed = share_of(book, limits.daily_loss_pct)
    new = plan.risk + plan.costs if plan else ZERO
    per_share = new / plan.shares if plan and plan.shares else ZERO
    return LimitCheck(
        "daily_loss",
        base + new,
        allowed,
        "money",
        f"Lost today {lost:,} plus open risk {book.open_risk:,} plus this plan {new:,}, "
        f"of {allowed:,} a day ({limits.daily_loss_pct:f} % of equity).",
        _room(plan, allowed - base, per_share),
    )


def _risk_per_trade(book: Book, limits: Limits, plan: Plan | None) -> LimitCheck:
    allowed = share_of(book, limits.risk_per_trade_pct)
    used = plan.risk if plan else max((h.risk for h in book.holdings), default=ZERO)
    return LimitCheck(
        "risk_per_trade",
        used,
        allowed,
        "money",
        f"Risk to the stop {used:,}, of {allowed:,} a trade "
        f"({limits.risk_per_trade_pct:f} % of equity).",
        _room(plan, allowed, plan.r * plan.fx_rate if plan else ZERO),
    )


def _position(book: Book, limits: Limits, plan: Plan | None) -> LimitCheck:
    allowed = share_of(book, limits.position_pct)
    totals: dict[str, Decimal] = {}
    for holding in book.holdings:
        totals[holding.symbol] = totals.get(holding.symbol, ZERO) + holding.notional
    held = totals.get(plan.symbol, ZERO) if plan else max(totals.values(), default=ZERO)
    used = held + (plan.notional if plan else ZERO)
    return LimitCheck(
        "position",
        used,
        allowed,
        "money",
        f"{plan.symbol if plan else 'The largest name'} at {used:,}, of {allowed:,} a name "
        f"({limits.position_pct:f} % of equity).",
        _room(plan, allowed - held, _per_share(plan)),
    )


def _gross(book: Book, limits: Limits, plan: Plan | None) -> LimitCheck:
    base = sum((h.notional for h in book.holdings), ZERO)
    allowed = share_of(book, limits.gross_pct)
    used = base + (plan.notional if plan else ZERO)
    return LimitCheck(
        "gross_exposure",
        used,
        allowed,
        "money",
        f"Long plus short {used:,}, of {allowed:,} ({limits.gross_pct:f} % of equity).",
        _room(plan, allowed - base, _per_share(plan)),
    )


def _net(book: Book, limits: Limits, plan: Plan | None) -> LimitCheck:
    """The larger side: a stop may close the other one first, so a hedge does not count."""
    sides = {"long": ZERO, "short": ZERO}
    for holding in book.holdings:
        sides[holding.direction] += holding.notional
    base = sides[plan.direction] if plan else ZERO
    if plan:
        sides[plan.direction] += plan.notional
    allowed = share_of(book, limits.net_pct)
    return LimitCheck(
        "net_exposure",
        max(sides.values()),
        allowed,
        "money",
        f"Long {sides['long']} less short {sides['short']} is {sides['long'] - sides['short']}; "
        f"the larger side counts, as the other may be stopped out first, of {allowed:,} "
        f"({limits.net_pct:f} % of equity).",
        _room(plan, allowed - base, _per_share(plan)),
    )


def _count(book: Book, limits: Limits, plan: Plan | None) -> LimitCheck:
    used = len(book.holdings) + (1 if plan and plan.is_trade else 0)
    full = len(book.holdings) >= limits.max_positions
    return LimitCheck(
        "positions",
        Decimal(used),
        Decimal(limits.max_positions),
        "count",
        f"{used:,} plans and positions open, of {limits.max_positions}.",
        None if plan is None else (0 if full else plan.shares),
    )


def _sector(book: Book, limits: Limits, plan: Plan | None, new: Holding | None) -> LimitCheck:
    allowed = share_of(book, limits.sector_pct)
    totals: dict[str, Decimal] = {}
    for holding in book.holdings:
        name = _bucket(holding)
        totals[name] = totals.get(name, ZERO) + holding.notional
    sector = _bucket(new) if new else max(totals, key=lambda s: totals[s], default="none")
    base = totals.get(sector, ZERO)
    used = base + (new.notional if new else ZERO)
    said = f"Sector {sector}"
    if sector.startswith(_ALONE):
        symbol = sector.removeprefix(_ALONE)
        said = f"The sector of {symbol} is not known, so it counts by itself, with no other name,"
    return LimitCheck(
        "sector",
        used,
        allowed,
        "money",
        f"{said} at {used:,}, of {allowed:,} ({limits.sector_pct:f} % of equity).",
        _room(plan, allowed - base, _per_share(plan)),
    )


_ALONE = f"{UNKNOWN}: "


def _bucket(holding: Holding) -> str:
    """The sector; a name whose sector is not known shares one with nobody."""
    return f"{_ALONE}{holding.symbol}" if holding.sector == UNKNOWN else holding.sector


def alike(one: Holding, other: Holding, book: Book, threshold: float) -> bool:
    """Whether two holdings are the same bet: correlation by direction at or over the threshold."""
    if one.symbol == other.symbol:
        return one.direction == other.direction
    known = book.correlations.get(frozenset({one.symbol, other.symbol}))
    if known is None:
        return True
    return known * (1 if one.direction == other.direction else -1) >= threshold


def _correlation(book: Book, limits: Limits, plan: Plan | None, new: Holding | None) -> LimitCheck:
    allowed = share_of(book, limits.correlated_pct)
    threshold = limits.correlation_threshold
    everyone = (*book.holdings, new) if new else book.holdings
    touched = [h for h in everyone if new is None or h is new or alike(h, new, book, threshold)]
    cluster = max((_cluster(h, everyone, book, threshold) for h in touched), default=ZERO)
    base = cluster - (new.notional if new else ZERO)
    return LimitCheck(
        "correlation",
        cluster,
        allowed,
        "money",
        f"Names that move together (60-session correlation from {threshold:g}, by direction; "
        f"unknown counts) at {cluster:,}, of {allowed:,} ({limits.correlated_pct:f} % of equity).",
        _room(plan, allowed - base, _per_share(plan)),
    )


def _cluster(
    centre: Holding, everyone: tuple[Holding, ...], book: Book, threshold: float
) -> Decimal:
    return sum(
        (h.notional for h in everyone if h is centre or alike(h, centre, book, threshold)), ZERO
    )


def _drawdown(book: Book, limits: Limits, plan: Plan | None) -> LimitCheck:
    new = plan.risk + plan.costs if plan else ZERO
    back = sum(
        ((h.risk if h.give_back is None else h.give_back) + h.reserve for h in book.holdings), ZERO
    )
    fall = max(ZERO, book.peak - book.equity - book.realised - book.unrealised + back)
    allowed = cents(book.peak * limits.drawdown_pct / 100) if book.peak > 0 else ZERO
    per_share = new / plan.shares if plan and plan.shares else ZERO
    return LimitCheck(
        "drawdown",
        fall + new,
        allowed,
        "money",
        f"Below the peak of {book.peak:,} by {fall + new:,} if every stop is hit, of {allowed:,} "
        f"({limits.drawdown_pct:f} % of the peak).",
        _room(plan, allowed - fall, per_share),
    )


def _per_share(plan: Plan | None) -> Decimal:
    return plan.entry * plan.fx_rate if plan else ZERO


def _name_checks(plan: Plan, book: Book, name: Name, limits: Limits) -> tuple[LimitCheck, ...]:
    rules: tuple[Callable[[Plan, Book, Name, Limits], LimitCheck], ...] = (
        _exclusions,
        _liquidity,
        _grade,
    )
    return tuple(rule(plan, book, name, limits) for rule in rules)


def _exclusions(plan: Plan, book: Book, name: Name, limits: Limits) -> LimitCheck:
    listed = one_spelling(plan.symbol) in map(one_spelling, limits.exclusions)
    where = "is on" if listed else "is not on"
    return LimitCheck(
        "exclusions",
        Decimal(int(listed)),
        Decimal(0),
        "count",
        f"{plan.symbol} {where} the exclusion list.",
        0 if listed else plan.shares,
    )


def _liquidity(plan: Plan, book: Book, name: Name, limits: Limits) -> LimitCheck:
    held = sum(h.shares for h in book.holdings if h.symbol == plan.symbol)
    volume = Decimal(str(name.mean_volume)) if name.mean_volume is not None else Decimal(0)
    allowed = whole(volume * limits.participation_pct / 100)
    known = f"mean volume {volume:,.0f}" if name.mean_volume is not None else "volume not known"
    return LimitCheck(
        "liquidity",
        Decimal(held + plan.shares),
        Decimal(allowed),
        "shares",
        f"{held + plan.shares:,} shares, of {allowed:,} "
        f"({limits.participation_pct:f} % of a session; {known}).",
        max(0, allowed - held),
    )


def _grade(plan: Plan, book: Book, name: Name, limits: Limits) -> LimitCheck:
    grade = name.grade or "NR"
    low = grade in limits.low_grades or name.status == WITHDRAWN
    allowed = plan.full_shares
    if low and limits.grade_rule != "warn":
        allowed = plan.full_shares // 2 if limits.grade_rule == "half" else 0
    said = {"warn": "a warning", "half": "half size", "reject": "no trade"}[limits.grade_rule]
    return LimitCheck(
        "filing_grade",
        Decimal(plan.shares),
        Decimal(allowed),
        "shares",
        f"Filing grade {grade}{_report(name)}{_status(name)}: "
        + (f"{said} by the grade rule." if low else "full size."),
        allowed,
        warning=low and limits.grade_rule == "warn",
    )


def _status(name: Name) -> str:
    """What became of the report, where it does not stand as filed."""
    if name.status in (None, AS_FILED):
        return ""
    return f", {name.status_reason or name.status}"


def _report(name: Name) -> str:
    """The report that a grade is of, and how old it was."""
    if name.grade_form is None or name.grade_age_days is None:
        return " (no graded report)" if name.grade is None else ""
    days = "day" if name.grade_age_days == 1 else "days"
    return f" ({name.grade_form}, {name.grade_age_days:,} {days} old)"
