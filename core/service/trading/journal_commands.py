"""The journal's commands and export: what a user gives, and the entries as documents."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from core.domain.access.principals import Role
from core.domain.trading.ledger import Numbered
from core.service.kernel.commands import FOUND_ERRORS, CommandResult, command
from core.service.kernel.exports import export
from core.service.trading import journal, settling
from core.store import journal as store

if TYPE_CHECKING:
    from core.service.desk import Desk


@command("journal", needs=Role.VIEWER)
def journal_command(desk: Desk, *, last: int = 50) -> dict[str, Any]:
    """The last entries with their postings, the trial balance and the account's figures."""
    posted = journal.entries(desk)
    shown = posted[-last:] if last > 0 else []
    return {
        "summary": journal.summary(desk),
        "trial_balance": journal.trial_balance(desk).to_dicts(),
        "entries": [entry_document(item) for item in shown],
        "count": len(posted),
    }


def entry_document(item: Numbered) -> dict[str, Any]:
    """An entry with its postings."""
    return {
        "entry_no": item.number,
        "at": item.at,
        "effective": item.entry.effective,
        "kind": item.entry.kind,
        "memo": item.entry.memo,
        "plan_id": item.entry.plan_id,
        "reverses": item.entry.reverses,
        "postings": [
            {"account": p.account, "debit": p.debit, "credit": p.credit, "quantity": p.quantity}
            for p in item.entry.postings
        ],
    }


@command("journal_post", needs=Role.TRADER)
def post_command(
    desk: Desk, *, lines: list[journal.Line], memo: str, date: date | None = None
) -> dict[str, Any]:
    """Post an entry by hand."""
    return entry_document(journal.post(desk, lines, memo, date or desk.now().date()))


@command("journal_deposit", needs=Role.TRADER)
def deposit_command(
    desk: Desk, *, amount: Decimal, date: date | None = None, memo: str = "Deposit"
) -> dict[str, Any]:
    """Put cash into the paper account."""
    return entry_document(journal.deposit(desk, amount, date or desk.now().date(), memo))


@command("journal_withdraw", needs=Role.TRADER)
def withdraw_command(
    desk: Desk, *, amount: Decimal, date: date | None = None, memo: str = "Withdrawal"
) -> dict[str, Any]:
    """Take cash out of the paper account."""
    return entry_document(journal.withdraw(desk, amount, date or desk.now().date(), memo))


@command("journal_fill", needs=Role.TRADER)
def fill_command(
    desk: Desk, *, plan_id: str, price: Decimal, date: date | None = None
) -> dict[str, Any]:
    """Fill an approved plan at a price."""
    return {"entries": [entry_document(item) for item in journal.fill(desk, plan_id, price, date)]}


@command("journal_close", needs=Role.TRADER)
def close_command(
    desk: Desk,
    *,
    plan_id: str,
    price: Decimal,
    shares: int | None = None,
    date: date | None = None,
) -> dict[str, Any]:
    """Close a position, or part of it, at a price."""
    posted = journal.close(desk, plan_id, price, shares, date)
    return {"entries": [entry_document(item) for item in posted]}


@command("journal_reverse", needs=Role.TRADER)
def reverse_command(desk: Desk, *, entry_no: int, reason: str) -> dict[str, Any]:
    """Take an entry back by its mirror image."""
    return entry_document(journal.reverse(desk, entry_no, reason))


@command("journal_settle", needs=Role.TRADER)
def settle_command(desk: Desk, *, through: date | None = None) -> dict[str, Any]:
    """Fill, mark and close paper trades by the stored bars."""
    return settling.settle_all(desk, through)


@command("journal_confirm", needs=Role.TRADER)
def confirm_command(desk: Desk, *, symbol: str, session: date, reason: str) -> dict[str, Any]:
    """Confirm that a doubtful move of a name is a real price, and settle on."""
    return settling.confirm(desk, symbol, session, reason)


@command("journal_prove", needs=Role.VIEWER)
def prove_command(desk: Desk) -> dict[str, Any] | CommandResult:
    """Recompute every balance from the postings and report differences."""
    found = journal.prove(desk)
    return CommandResult(found, FOUND_ERRORS) if found["differences"] else found


@export("journal", needs=Role.VIEWER)
def journal_export(desk: Desk) -> pl.DataFrame:
    """Every posting with its entry; the journal is proven before it is written."""
    journal.entries(desk)
    return store.lines(desk.warehouse)
