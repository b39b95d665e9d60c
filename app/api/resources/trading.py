"""Plans, the risk of the book, and the journal. Money is Decimal here, a string when it is sent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from app.api.paging import Rows
from app.api.resources import trading_documents as told
from app.api.resources.kernel import ResourceAnswer, act, document, listing
from core.domain.access.principals import Role
from core.domain.trading.plans import Direction, EntryType
from core.errors import NotFoundError
from core.service.desk import Desk
from core.service.trading import journal as use
from core.service.trading import plans, proposals, risk
from core.service.trading.journal_commands import entry_document
from core.service.trading.plans import Ask, StopChoice

PRICES = "prices.daily"
_ID = "AAA-20261125-1a2b3c4d"
_PLAN = {"plan_id": _ID, "state": "proposed", "symbol": "AAA", "direction": "long",
         "entry": "104.20", "stop": "101.00", "shares": 312, "risk": "998.40",
         "notional": "32510.40"}  # fmt: skip
_POSTINGS = [
    {"account": "assets:cash", "debit": "12.50", "credit": "0.00"},
    {"account": "income:interest", "debit": "0.00", "credit": "12.50"},
]
_ENTRY = {"entry_no": 7, "kind": "manual", "effective": "2026-11-25", "memo": "Interest",
          "postings": _POSTINGS}  # fmt: skip
_BECAUSE = {"reason": "earnings beat"}


@listing("/plans", about=PRICES, stored=True, example=[_PLAN])
def every_plan(desk: Desk, *, state: str | None = None, symbol: str | None = None) -> Rows:
    """Plans that wait for a decision and those decided on, newest first."""
    return Rows(told.plans_frame(desk, state, symbol), ["plan_id"])


@document("/plans/{id}", about=PRICES, stored=True, example={**_PLAN, "checks": []})
def plan(desk: Desk, *, id: str) -> dict[str, Any]:
    """One plan with the verdict of risk and who decided, or that it waits for a decision."""
    waiting = proposals.waiting(desk, id)
    if waiting:
        return told.proposed(waiting[0])
    return told.decided(plans.stored(desk, id))


@act(
    "POST",
    "/plans",
    needs=Role.ANALYST,
    status=201,
    body={"symbol": "AAA", "direction": "long"},
    example={**_PLAN, "verdict": {"decision": "approve", "checks": []}},
)
def propose(
    desk: Desk,
    *,
    symbol: str,
    date: date | None = None,
    direction: Direction | None = None,
    entry_type: EntryType = "market",
    risk_pct: Decimal | None = None,
    stop_atr_multiple: Decimal | None = None,
    stop_pct: Decimal | None = None,
    stop_choice: StopChoice | None = None,
    tag: str | None = None,
) -> ResourceAnswer:
    """Propose a plan: it is sized and judged by risk, and waits for a decision as it is."""
    ask = Ask(
        symbol, date, direction, entry_type, risk_pct, stop_atr_multiple, stop_pct, stop_choice, tag
    )
    item = proposals.propose(desk, ask)
    return ResourceAnswer(told.proposed(item), location=f"/api/v1/plans/{item.plan_id}")


@act("POST", "/plans/{id}/approve", needs=Role.TRADER, body=_BECAUSE,
     example={**_PLAN, "state": "approved"})  # fmt: skip
def approve(desk: Desk, *, id: str, reason: str = "") -> dict[str, Any]:
    """Approve a proposed plan as it was proposed, and reserve its money."""
    return told.decided(proposals.approve(desk, id, reason))


@act("POST", "/plans/{id}/reject", needs=Role.TRADER, body=_BECAUSE,
     example={**_PLAN, "state": "rejected"})  # fmt: skip
def reject(desk: Desk, *, id: str, reason: str) -> dict[str, Any]:
    """Turn a proposed plan down; a reason is needed."""
    return told.decided(proposals.reject(desk, id, reason))


@act("POST", "/plans/{id}/cancel", needs=Role.TRADER, body=_BECAUSE,
     example={**_PLAN, "state": "cancelled"})  # fmt: skip
def cancel(desk: Desk, *, id: str, reason: str = "") -> dict[str, Any]:
    """Take back an approved plan that is not filled, or a proposal."""
    if proposals.waiting(desk, id):
        item = proposals.one(desk, id)
        proposals.withdraw(desk, id)
        return {**told.proposed(item), "state": "cancelled"}
    return told.decided(plans.cancel(desk, id, reason))


@document("/risk", about=PRICES, example={"session": "2026-11-25", "equity": "100000.00"})
def book_risk(desk: Desk, *, as_of: date | None = None) -> ResourceAnswer:
    """Limits in use and the risk of the book on a session."""
    found = risk.report(desk, as_of)
    return ResourceAnswer(told.risk_of(desk, found), found.holdings, as_of=found.session)


@listing("/journal/entries", stored=True, example=[_ENTRY])
def entries(
    desk: Desk, *, kind: str | None = None, plan_id: str | None = None, since: date | None = None
) -> Rows:
    """The entries of the journal with their postings, newest first; the chain is proven first."""
    found = [
        entry_document(item)
        for item in reversed(use.entries(desk))
        if (kind is None or item.entry.kind == kind)
        and (plan_id is None or item.entry.plan_id == plan_id)
        and (since is None or item.entry.effective >= since)
    ]
    return Rows(pl.DataFrame(found, schema=told.ENTRY_ROW, orient="row"), ["entry_no"])


@listing(
    "/journal/trial-balance",
    stored=True,
    example=[{"account": "assets:cash", "balance": "100000.00"}],
)
def trial_balance(desk: Desk) -> Rows:
    """Debit, credit and balance of every account."""
    return Rows(use.trial_balance(desk), ["account"])


@act(
    "POST",
    "/journal/entries",
    needs=Role.TRADER,
    status=201,
    body={"memo": "Interest", "lines": _POSTINGS},
    example=_ENTRY,
)
def post_entry(
    desk: Desk, *, lines: list[use.Line], memo: str, date: date | None = None
) -> dict[str, Any]:
    """Post an entry by hand; refused unless debits equal credits and limits hold."""
    return entry_document(use.post(desk, lines, memo, date or desk.now().date()))


@act(
    "POST",
    "/journal/entries/{n}/reverse",
    needs=Role.TRADER,
    status=201,
    body={"reason": "posted twice"},
    example={**_ENTRY, "kind": "reversal", "reverses": 7},
)
def reverse(desk: Desk, *, n: int, reason: str) -> dict[str, Any]:
    """Take an entry back by its mirror image."""
    if not 1 <= n <= len(use.entries(desk)):
        raise NotFoundError(f"there is no entry {n}")
    return entry_document(use.reverse(desk, n, reason))
