"""Plans made before the open, once the open is told: confirmed, re-sized or not taken.

Each is judged once, in one transaction with what it posts. The official open is that of the daily
bar, or of the first regular minute while there is none.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.domain.access.principals import Role
from core.domain.risk.types import Verdict
from core.domain.risk.verdict import judge
from core.domain.trading import entries as make
from core.domain.trading import openings
from core.domain.trading.ledger import JournalEntry
from core.domain.trading.money import price_of
from core.domain.trading.openings import Open, Opening
from core.domain.trading.plans import Account, Plan
from core.domain.trading.settlement import entering
from core.domain.trading.trades import OrderTicket, fillable
from core.errors import ValidationError
from core.jobs.queue.port import Job
from core.jobs.worker import Context
from core.service.gaps import coming, evidence, market_view
from core.service.kernel.access import needs
from core.service.kernel.handlers import handler
from core.service.trading.current_book import current_book
from core.service.trading.limits import costs_of, limits_of, rate_of, rules_of
from core.service.trading.plan_evidence import as_scanned, name_of
from core.store import journal as journal_store
from core.store import plans as plan_store
from core.store.plans import StoredPlan
from core.store.transaction import Transaction

if TYPE_CHECKING:
    from core.service.desk import Desk


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of one plan at the open."""

    plan_id: str
    opening: Opening


def open_due(desk: Desk, tx: Transaction) -> list[Opened]:
    """Judge every waiting provisional plan whose open is told by now; again changes nothing."""
    found = []
    for item in plan_store.load(tx):
        if item.state == plan_store.WAITING and item.plan.provisional and item.opening is None:
            opened = official_open(desk, tx, item.plan)
            if opened is not None:
                found.append(Opened(item.plan_id, _open(desk, tx, item, opened)))
    return found


def official_open(desk: Desk, tx: Transaction, plan: Plan) -> Open | None:
    """The open of a plan's session and name; None as long as it is not told."""
    begins = coming.opens_of(plan.session)
    if desk.now() < begins:
        return None
    bars = market_view.tradable_bars(tx, plan.symbol, plan.session, plan.session)
    if bars:
        return Open(price_of(bars[0].open), begins, "prices.daily")
    found = coming.print_of(desk, plan.symbol, plan.session, tx)
    if found is None or not found.official:
        return None
    return Open(price_of(found.price), found.at, found.source)


def _open(desk: Desk, tx: Transaction, item: StoredPlan, opened: Open) -> Opening:
    found = decided(desk, tx, item, opened)
    at = desk.now()
    plan_store.open_plan(tx, item.plan_id, found, at)
    taken = found.outcome != "not_taken"
    state = plan_store.OPEN if taken else plan_store.NOT_TAKEN
    plan_store.add_event(tx, item.plan_id, state, found.reason, at)
    settled = replace(item, plan=found.plan, opening=found)
    journal_store.append(tx, _entries(desk, settled, found), at)
    return found


def decided(desk: Desk, tx: Transaction, item: StoredPlan, opened: Open) -> Opening:
    """The outcome of a plan at an open, by the prices and, beyond the tolerance, by the limits."""
    plan, reference = item.frozen, item.frozen.reference
    assert reference is not None
    refused = openings.refused(plan, opened, desk.settings.min_gap_pct)
    if refused is not None:
        return refused
    if openings.is_within(reference, opened):
        return openings.confirmed(plan, reference, opened)
    try:
        verdict = _verdict(desk, tx, item, opened)
    except ValidationError as error:
        return openings.judged(plan, reference, opened, plan, [error.message])
    refusals = [check.sentence for check in verdict.checks if not check.ok]
    return openings.judged(plan, reference, opened, verdict.plan, refusals)


def _verdict(desk: Desk, tx: Transaction, item: StoredPlan, opened: Open) -> Verdict:
    """Risk's answer to the plan laid off from the open, its own reservation left out."""
    plan, rules = item.frozen, rules_of(desk.settings)
    book = current_book(desk, tx, plan.session, [plan.symbol], without=item.plan_id)
    account = Account(book.equity, desk.settings.account_currency, rate_of(desk.settings))
    moved = openings.moved(plan, opened, account, rules)
    sector, cik = market_view.profile(tx, plan.symbol, plan.session)
    view = market_view.look(
        tx,
        plan.symbol,
        plan.session,
        raw=market_view.is_raw(desk),
        found=coming.print_of(desk, plan.symbol, plan.session, tx),
        now=desk.now(),
        told=evidence.evidence_of_name(desk, plan.symbol),
    )
    volume = view.facts.mean_volume or as_scanned(desk, view).mean_volume
    name = name_of(tx, cik, plan.session, sector, volume)
    return judge(moved, book, name, limits_of(desk.settings), rules)


def ticket_of(desk: Desk, item: StoredPlan) -> OrderTicket:
    """The orders of a plan, with what its approval reserved and why that is released."""
    costs = costs_of(desk.settings)
    if item.opening is None:
        return OrderTicket(item.plan, item.plan_id, costs)
    committed, because = item.frozen.notional, item.opening.reason
    return OrderTicket(item.plan, item.plan_id, costs, committed, because)


def _entries(desk: Desk, item: StoredPlan, found: Opening) -> list[JournalEntry]:
    plan, ticket = found.plan, ticket_of(desk, item)
    if found.outcome == "not_taken":
        frozen = item.frozen
        return [
            make.release(item.plan_id, plan.symbol, frozen.notional, plan.session, found.reason)
        ]
    shares = fillable(plan, found.opened.price)
    return entering(ticket, ticket.enter(shares, found.opened.price, plan.session))


@handler("openings", after=("bars_minute",))
async def openings_job(desk: Desk, job: Job, context: Context) -> dict[str, Any]:
    """Judge the provisional plans whose open the new minutes tell."""
    found = await asyncio.to_thread(open_now, desk)
    for one in found:
        context.report(f"{one.plan_id}: {one.opening.reason}")
    return told(found)


@needs(Role.TRADER)
def open_now(desk: Desk) -> list[Opened]:
    """`open_due` in a transaction of its own; nothing is written where nothing waits."""
    waiting = plan_store.overview(desk.warehouse)
    if waiting.filter(waiting["provisional"] & (waiting["state"] == plan_store.WAITING)).is_empty():
        return []
    with desk.warehouse.transaction() as tx:
        return open_due(desk, tx)


def told(found: list[Opened]) -> dict[str, Any]:
    """What became of plans at the open, for the job's result."""
    sentences = [f"{one.plan_id}: {one.opening.reason}" for one in found]
    return {"plans": len(found), "at_open": sentences}
