"""Plans as use cases: propose, approve, reject, cancel. What is shown is what gets approved."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from core.domain.access.principals import Role
from core.domain.risk.types import Book, Name, Verdict
from core.domain.risk.verdict import judge
from core.domain.trading import entries as make
from core.domain.trading.ledger import JournalEntry
from core.domain.trading.plan_changes import changes
from core.domain.trading.plan_facts import entry_level
from core.domain.trading.plans import (
    Account,
    Direction,
    EntryType,
    Plan,
    PlanRules,
    Setup,
    build,
    fingerprint,
)
from core.domain.trading.trade_stats import SimilarTrades, bucket, kelly_pct, similar_trades
from core.errors import NotFoundError, ValidationError
from core.service.gaps import like_gaps, market_view
from core.service.gaps import session as scan_inputs
from core.service.gaps.market_view import MarketView
from core.service.kernel.access import needs
from core.service.trading import four_eyes, limit_events, past_sessions, plan_views
from core.service.trading.current_book import current_book
from core.service.trading.limits import limits_document, limits_of, rate_of, rules_of, who
from core.service.trading.plan_documents import checks_document, plan_document
from core.service.trading.plan_evidence import (
    agreed_range,
    as_scanned,
    basis_of,
    direction_by,
    gap_through_of,
    name_of,
    reference_of,
    tag_of,
    without_distribution,
)
from core.store import journal as journal_store
from core.store import plans as plan_store
from core.store.journal import Reader
from core.store.transaction import Transaction

if TYPE_CHECKING:
    from core.service.desk import Desk

Stored = plan_store.StoredPlan  # a plan decided on, as pages are given it
StopChoice = Literal["tighter", "wider"]


SHOWN = 200  # plans shown last, of all readers
_shown: dict[str, Plan] = {}
_shown_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Ask:
    """A plan asked for; None takes the default of the settings."""

    symbol: str
    date: date | None = None
    direction: Direction | None = None
    entry_type: EntryType = "market"
    risk_pct: Decimal | None = None
    stop_atr_multiple: Decimal | None = None
    stop_pct: Decimal | None = None
    stop_choice: StopChoice | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan with risk's verdict and what both were made from."""

    ask: Ask
    view: MarketView
    book: Book
    name: Name
    verdict: Verdict
    kelly_pct: float | None
    kelly_note: str
    tag: str
    waits: bool = False  # a later session has prints, but none of this name yet
    similar: SimilarTrades | None = None  # what similar gaps would have made; None without any
    fingerprint: str = field(init=False, compare=False)  # what an approval freezes

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", fingerprint(self.plan))

    @property
    def plan(self) -> Plan:
        """The plan the verdict is about: the shrunk one when it was shrunk."""
        return self.verdict.plan


def propose(
    desk: Desk, ask: Ask, reader: Reader | None = None, view: MarketView | None = None
) -> Proposal:
    """A sized plan and its verdict; refused on stale or flagged prices. Nothing is written.

    `view` is what `plan_views.look` would give, where it was made with that of other names.
    """
    source = reader or desk.warehouse
    view = view or plan_views.look(desk, source, ask.symbol, ask.date)
    known = as_scanned(desk, view)
    atr = agreed_range(view.facts.atr, known.atr)
    flags = known.flags_with(view.facts.flags)
    view = replace(view, facts=replace(view.facts, flags=flags, atr=atr))
    view = without_distribution(view, known.gap_ex_div_pct)
    rules = asked_rules(rules_of(desk.settings), ask)
    book = current_book(desk, source, view.session, also=[view.symbol])
    account = Account(book.equity, desk.settings.account_currency, rate_of(desk.settings))
    direction = ask.direction or direction_by(view, desk.settings.plan_direction)
    setup = _setup(desk, view, ask, direction, rules)
    plan = build(setup, account, rules)
    volume = view.facts.mean_volume or known.mean_volume  # the scan knows the market, too
    name = name_of(source, known.cik or view.cik, view.session, view.sector, volume)
    verdict = judge(plan, book, name, limits_of(desk.settings), rules)
    outcomes = like_gaps.outcomes(desk, view, direction, float(plan.r / plan.entry))
    kelly, note = kelly_pct(outcomes, cap_pct=rules.risk_per_trade_pct)
    waits = ask.date is None and view.session < (scan_inputs.awaited(desk) or view.session)
    tag = ask.tag or tag_of(view)
    made = Proposal(
        ask, view, book, name, verdict, kelly, note, tag, waits, similar_trades(outcomes)
    )
    _remember(made)
    return made


def _remember(proposal: Proposal) -> None:
    """Keep what was shown, so that an approval of something else can say what changed."""
    with _shown_lock:
        _shown.pop(proposal.fingerprint, None)
        _shown[proposal.fingerprint] = proposal.plan
        while len(_shown) > SHOWN:
            _shown.pop(next(iter(_shown)))


def asked_rules(rules: PlanRules, ask: Ask) -> PlanRules:
    """The rules with what was asked for; ValidationError for nonsense or above a limit."""
    given: dict[str, Any] = {
        "risk_per_trade_pct": ask.risk_pct,
        "stop_atr_multiple": ask.stop_atr_multiple,
        "stop_pct": ask.stop_pct,
    }
    for name, value in given.items():
        if value is not None and not (value.is_finite() and 0 < value < 100):
            raise ValidationError(f"{name} must be above 0 and below 100, not {value}")
    if ask.risk_pct is not None and ask.risk_pct > rules.risk_per_trade_pct:
        raise ValidationError(
            f"a risk of {ask.risk_pct} % is above the limit of {rules.risk_per_trade_pct} %",
            hint="ask for less, or change OPENBELL_RISK_PER_TRADE_PCT",
        )
    chosen = {name: value for name, value in given.items() if value is not None}
    return replace(rules, **chosen, stop_choice=ask.stop_choice or rules.stop_choice)


def _setup(
    desk: Desk,
    view: MarketView,
    ask: Ask,
    direction: Literal["long", "short"],
    rules: PlanRules,
) -> Setup:
    known = view.facts
    if known.flags:
        level, basis = 1.0, ""  # refused by `build`, which names the flags
    elif view.found is not None and ask.entry_type == "market":
        level, basis = known.open, basis_of(view.found)
    elif view.provisional:
        raise ValidationError(
            "before the open only a market entry can be planned",
            hint="the other entries need the first regular minutes of the session",
        )
    else:
        level, basis = entry_level(
            ask.entry_type, direction, known, view.minutes, desk.settings.opening_range_minutes
        )
    return Setup(
        view.symbol,
        view.session,
        direction,
        ask.entry_type,
        level,
        known.atr,
        known.mean_volume,
        known.gap_pct,
        desk.settings.instrument_currency,
        basis,
        known.flags,
        *gap_through_of(view, direction, level, rules),
        market_view.session_after(view.session, rules.expiry_sessions - 1),
        reference_of(desk, view),
    )


@needs(Role.TRADER)
def approve(desk: Desk, ask: Ask, reason: str, expected: str | None = None) -> Stored:
    """Freeze a plan and post its commitment, both or neither.

    The plan is made and judged again inside the transaction. `expected` is the fingerprint that was
    shown: when it differs, nothing is written. ValidationError says why.
    """
    with desk.warehouse.transaction() as tx:
        proposal = propose(desk, ask, tx)
        past_sessions.must_be_to_come(desk, proposal.plan)
        _must_be_approvable(proposal, expected)
        four_eyes.must_hold(desk, tx, proposal.plan)
        plan_id = _store(desk, tx, proposal)
        _decided(desk, tx, plan_id, plan_store.WAITING, reason)
        journal_store.append(tx, _approval_entries(desk, tx, plan_id, proposal.plan), desk.now())
        limit_events.tell(desk, tx, proposal.plan.session)
    return stored(desk, plan_id)


def _approval_entries(desk: Desk, tx: Transaction, plan_id: str, plan: Plan) -> list[JournalEntry]:
    committed = make.commitment(plan_id, plan.symbol, plan.notional, plan.session)
    if journal_store.head(tx)[0]:
        return [committed]
    return [make.opening(desk.settings.account_equity, plan.session), committed]


def _must_be_approvable(proposal: Proposal, expected: str | None) -> None:
    if proposal.verdict.decision == "reject":
        raise ValidationError(
            f"the plan is rejected: {' '.join(proposal.verdict.reasons)}",
            hint="nothing was written",
        )
    if expected and expected != proposal.fingerprint:
        shown = _shown.get(expected)
        what = changes(shown, proposal.plan) if shown else []
        told = "; ".join(what) or f"it is now {proposal.plan.shares} shares"
        raise ValidationError(
            f"the plan is not the one that was shown: {told}",
            hint="look at it again; prices, limits or the book have changed since",
        )


def _store(desk: Desk, tx: Transaction, proposal: Proposal) -> str:
    plan_id = plan_store.identifier(proposal.plan)
    if plan_store.load(tx, plan_id):
        raise ValidationError(f"plan {plan_id} has been decided on already")
    return plan_store.insert(
        tx,
        proposal.plan,
        desk.now(),
        sector=proposal.name.sector,
        grade=proposal.name.grade,
        status=proposal.name.status,
        tag=proposal.tag,
        verdict=document(proposal)["verdict"],
        simulated=desk.settings.simulated,
    )


@needs(Role.TRADER)
def reject(desk: Desk, ask: Ask, reason: str) -> Stored:
    """Record that a plan was turned down; a reason is needed."""
    if not reason.strip():
        raise ValidationError("a rejection needs a reason")
    with desk.warehouse.transaction() as tx:
        plan_id = _store(desk, tx, propose(desk, ask, tx))
        _decided(desk, tx, plan_id, "rejected", reason)
    return stored(desk, plan_id)


def _decided(desk: Desk, tx: Transaction, plan_id: str, kind: str, reason: str) -> None:
    """The decision with who made it and the limits of that moment."""
    limits = limits_document(limits_of(desk.settings))
    plan_store.add_event(
        tx, plan_id, kind, reason.strip(), desk.now(), who=who(desk), limits=limits
    )


@needs(Role.TRADER)
def cancel(desk: Desk, plan_id: str, reason: str) -> Stored:
    """Take back an approved plan that is not filled: its commitment is released."""
    with desk.warehouse.transaction() as tx:
        item = stored(desk, plan_id, tx)
        if item.state != plan_store.WAITING:
            raise ValidationError(
                f"plan {plan_id} is {item.state}: only a waiting one is cancelled"
            )
        plan_store.add_event(tx, plan_id, "cancelled", reason.strip(), desk.now(), who=who(desk))
        plan = item.plan
        released = make.release(plan_id, plan.symbol, plan.notional, plan.session, "cancelled")
        journal_store.append(tx, [released], desk.now())
        limit_events.tell(desk, tx, plan.session)
    return stored(desk, plan_id)


def stored(desk: Desk, plan_id: str, reader: Reader | None = None) -> Stored:
    """A plan of the store; NotFoundError when there is none of that name."""
    found = plan_store.load(reader or desk.warehouse, plan_id)
    if not found:
        raise NotFoundError(f"there is no plan {plan_id[:60]!r}", hint="list them: plans")
    return found[0]


def document(proposal: Proposal) -> dict[str, Any]:
    """A proposal as the JSON of the command `plan`."""
    verdict = proposal.verdict
    return {
        "plan": plan_document(proposal.plan)
        | {
            "kelly_pct": proposal.kelly_pct,
            "kelly_note": proposal.kelly_note,
            "similar": None if proposal.similar is None else asdict(proposal.similar),
            "similar_note": proposal.similar.sentence if proposal.similar else "",
            "tag": proposal.tag,
            "gap_bucket": bucket(proposal.plan.gap_pct),
            "sector": proposal.name.sector,
            "grade": proposal.name.grade or "NR",
            "grade_form": proposal.name.grade_form,
            "grade_age_days": proposal.name.grade_age_days,
            "status": proposal.name.status,
            "status_reason": proposal.name.status_reason,
            "fingerprint": proposal.fingerprint,
        },
        "verdict": {
            "decision": verdict.decision,
            "checks": checks_document(verdict.checks),
            "before": checks_document(verdict.before),
            "reasons": list(verdict.reasons),
        },
        "stored": None,
    }
