"""Every limit, told a second time in plain sums: used, allowed and room of all twelve at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from core.domain.risk.checks import book_checks, plan_checks
from core.domain.risk.types import Book, Holding, LimitCheck, Limits, Name
from core.domain.risk.verdict import judge
from core.domain.trading.money import cents
from core.domain.trading.plans import Account, Plan, PlanRules, Setup, build

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
Figures = tuple[Decimal, Decimal, int | None]
percents = st.sampled_from([Decimal(n) for n in ("0.5", "1", "7", "20", "40", "130")])
amounts = st.integers(0, 4_000_000).map(lambda n: Decimal(n) / 100)
directions = st.sampled_from(["long", "short"])
sectors = st.sampled_from(["tech", "health", "unknown"])
correlated = st.sampled_from([-0.9, -0.7, -0.2, 0.0, 0.69, 0.7, 0.95])

holdings = st.builds(
    Holding,
    symbol=st.sampled_from(SYMBOLS),
    sector=sectors,
    direction=directions,
    shares=st.integers(1, 900),
    notional=amounts,
    risk=amounts,
    reserve=amounts,
    give_back=st.none() | amounts,
)
books = st.builds(
    Book,
    equity=st.integers(-1000, 200_000).map(Decimal),
    peak=st.integers(0, 250_000).map(Decimal),
    realised=st.integers(-3000, 3000).map(Decimal),
    unrealised=st.integers(-3000, 3000).map(Decimal),
    holdings=st.lists(holdings, max_size=5).map(tuple),
    correlations=st.dictionaries(
        st.sampled_from([frozenset(pair) for pair in combinations(SYMBOLS, 2)]), correlated
    ),
)
limits_drawn = st.builds(
    Limits,
    daily_loss_pct=percents,
    risk_per_trade_pct=percents,
    position_pct=percents,
    gross_pct=percents,
    net_pct=percents,
    max_positions=st.integers(1, 6),
    sector_pct=percents,
    correlated_pct=percents,
    drawdown_pct=percents,
    participation_pct=percents,
    exclusions=st.sampled_from([frozenset(), frozenset({"AAA"})]),
    grade_rule=st.sampled_from(["warn", "half", "reject"]),
)
names = st.builds(
    Name,
    sector=sectors,
    mean_volume=st.none() | st.sampled_from([0.0, 900.0, 80_000.0, 9e6]),
    grade=st.sampled_from([None, "A", "C", "D", "NR"]),
    status=st.sampled_from([None, "as_filed", "withdrawn"]),
)
plans = st.builds(
    lambda symbol, direction, entry, atr, fx, equity: build(
        Setup(symbol, date(2017, 3, 1), direction, "market", entry, entry * atr, 5e6),
        Account(Decimal(equity), fx_rate=fx),
        PlanRules(),
    ),
    st.sampled_from(SYMBOLS),
    directions,
    st.sampled_from([0.8, 12.34, 250.0]),
    st.sampled_from([0.01, 0.04]),
    st.sampled_from([Decimal(1), Decimal("1.25")]),
    st.sampled_from([90_000, 90_000, 10]),  # the last is too little for a share
)


def most(left: Decimal, each: Decimal) -> int:
    """The most shares of so much each that fit into what is left, counted up and down."""
    count = int(left / each)
    while count * each > left:
        count -= 1
    return max(0, count)


def same_bet(one: Holding, other: Holding, book: Book) -> bool:
    """Of one name in one direction; or of two that move together, or may."""
    together = one.direction == other.direction
    if one.symbol == other.symbol:
        return together
    known = book.correlations.get(frozenset({one.symbol, other.symbol}))
    return known is None or (known if together else -known) >= 0.7


def of_sector(holding: Holding) -> str:
    """Its sector; what is not known is a sector of its own."""
    return holding.symbol if holding.sector == "unknown" else holding.sector


def told(book: Book, limits: Limits, plan: Plan | None, name: Name) -> dict[str, Figures]:
    """Used, allowed and room for shares of the nine limits of the book."""
    own = list(book.holdings)
    new = None
    if plan:
        new = Holding(plan.symbol, name.sector, plan.direction, plan.shares, plan.notional,
                      plan.risk, plan.costs)  # fmt: skip
        own.append(new)
    cost = plan.entry * plan.fx_rate if plan else Decimal(0)
    lost = (plan.risk + plan.costs) / plan.shares if plan and plan.shares else Decimal(0)

    def pct(share: Decimal, of: Decimal = book.equity) -> Decimal:
        return max(Decimal(0), cents(of * share / 100))

    def figures(used: Decimal, allowed: Decimal, mine: Decimal, each: Decimal) -> Figures:
        if plan is None:
            return used, allowed, None
        return used, allowed, most(allowed - (used - mine), each) if each else plan.shares

    def sums(key, only=None) -> Decimal:  # type: ignore[no-untyped-def]
        totals: dict[str, Decimal] = {}
        for h in own:
            totals[key(h)] = totals.get(key(h), Decimal(0)) + h.notional
        return totals[only] if only else max(totals.values(), default=Decimal(0))

    notional = plan.notional if plan else Decimal(0)
    risk = plan.risk + plan.costs if plan else Decimal(0)
    at_stop = sum(h.risk + h.reserve for h in own)
    fallen = sum((h.risk if h.give_back is None else h.give_back) + h.reserve for h in own)
    base = max(Decimal(0), book.peak - book.equity - book.realised - book.unrealised
               + fallen - risk)  # fmt: skip
    sides = [sum((h.notional for h in own if h.direction == d), Decimal(0))
             for d in ("long", "short")]  # fmt: skip
    mine = sides[plan.direction == "short"] if plan else Decimal(0)
    clusters = [
        sum((o.notional for o in own if o is h or same_bet(o, h, book)), Decimal(0))
        for h in own
        if new is None or h is new or same_bet(h, new, book)
    ]
    net = pct(limits.net_pct)
    largest = max((h.risk for h in own), default=Decimal(0))
    full = len(book.holdings) >= limits.max_positions
    return {
        "daily_loss": figures(max(Decimal(0), -book.realised) + at_stop,
                              pct(limits.daily_loss_pct), risk, lost),
        "risk_per_trade": figures(plan.risk if plan else largest, pct(limits.risk_per_trade_pct),
                                  plan.risk if plan else Decimal(0),
                                  plan.r * plan.fx_rate if plan else Decimal(0)),
        "position": figures(sums(lambda h: h.symbol, plan and plan.symbol),
                            pct(limits.position_pct), notional, cost),
        "gross_exposure": figures(sum(sides), pct(limits.gross_pct), notional, cost),
        "net_exposure": (max(sides), net, most(net - (mine - notional), cost) if plan else None),
        "positions": (Decimal(len(book.holdings) + bool(plan and plan.shares)),
                      Decimal(limits.max_positions),
                      None if plan is None else 0 if full else plan.shares),
        "sector": figures(sums(of_sector, new and of_sector(new)),
                          pct(limits.sector_pct), notional, cost),
        "correlation": figures(max(clusters, default=Decimal(0)),
                               pct(limits.correlated_pct), notional, cost),
        "drawdown": figures(base + risk, max(Decimal(0), pct(limits.drawdown_pct, book.peak)),
                            risk, lost),
    }  # fmt: skip


def of_name(book: Book, limits: Limits, plan: Plan, name: Name) -> dict[str, Figures]:
    """The three limits of the plan's name."""
    listed = plan.symbol in limits.exclusions
    held = sum(h.shares for h in book.holdings if h.symbol == plan.symbol)
    liquid = int(Decimal(str(name.mean_volume or 0)) * limits.participation_pct / 100)
    low = name.grade in (None, "D", "F", "NR") or name.status == "withdrawn"
    share = {"warn": 1, "half": 2, "reject": 0}[limits.grade_rule] if low else 1
    graded = plan.full_shares // share if share else 0
    return {
        "exclusions": (Decimal(listed), Decimal(0), 0 if listed else plan.shares),
        "liquidity": (Decimal(held + plan.shares), Decimal(liquid), max(0, liquid - held)),
        "filing_grade": (Decimal(plan.shares), Decimal(graded), graded),
    }


def figures_of(checks: tuple[LimitCheck, ...]) -> dict[str, Figures]:
    """What the checks say, by the name of the limit."""
    return {check.limit: (check.used, check.allowed, check.max_shares) for check in checks}


@given(books, limits_drawn, plans, names)
def test_a_verdict_gives_its_reasons(book: Book, limits: Limits, plan: Plan, name: Name) -> None:
    """Every limit that does not hold, then what warns, each once; and a plan of no shares so."""
    verdict = judge(plan, book, name, limits, PlanRules())
    shown = plan_checks(plan, book, name, limits)
    broken = [check.sentence for check in shown if not check.ok]
    warned = [check.sentence for check in verdict.checks if check.warning]
    none = ["0 shares: no trade."] if plan.shares == 0 else []
    assert list(verdict.reasons) == list(dict.fromkeys([*broken, *warned, *none]))
    fits = plan.shares > 0 and not broken
    assert (verdict.decision == "approve") == fits
    assert verdict.plan.shares <= plan.shares


@given(books, limits_drawn)
def test_the_limits_of_a_book(book: Book, limits: Limits) -> None:
    """As they stand, without a plan: no room is told."""
    assert figures_of(book_checks(book, limits)) == told(book, limits, None, Name())


@given(books, limits_drawn, plans, names)
def test_the_limits_of_a_plan(book: Book, limits: Limits, plan: Plan, name: Name) -> None:
    """With the plan in, each with the shares that it leaves room for, and only low grades warn."""
    checks = plan_checks(plan, book, name, limits)
    expected = told(book, limits, plan, name) | of_name(book, limits, plan, name)
    assert figures_of(checks) == expected
    low = name.grade in (None, "D", "NR") or name.status == "withdrawn"
    warned = [check.limit for check in checks if check.warning]
    assert warned == (["filing_grade"] if low and limits.grade_rule == "warn" else [])
