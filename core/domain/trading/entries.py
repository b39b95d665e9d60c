"""The entries that Openbell posts: one function each, all balanced by construction.

Money in the account's currency. A position is carried at cost; the mark beside it brings it to the
last close against unrealised profit and loss. Short positions are carried as negative assets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from core.domain.trading.ledger import JournalEntry, Kind, Numbered, Posting, credit, debit
from core.domain.trading.money import ZERO, cents
from core.domain.trading.share_counts import after_split
from core.errors import ValidationError

CASH = "assets:cash"
FEES = "expenses:fees"
SLIPPAGE = "expenses:slippage"
BORROW = "expenses:borrow"
DIVIDENDS_PAID = "expenses:dividends_paid"
DIVIDENDS = "income:dividends"
REALISED = "income:realised"
UNREALISED = "income:unrealised"
OPENING = "equity:opening"
DEPOSITS = "equity:deposits"
OUTSTANDING = "commitments:outstanding"


def position(symbol: str) -> str:
    """Account of a position at cost."""
    return f"assets:positions:{symbol}"


def mark_account(symbol: str) -> str:
    """Account of the mark beside a position."""
    return f"assets:marks:{symbol}"


@dataclass(frozen=True, slots=True)
class Lot:
    """What a plan holds: signed shares, their cost (negative for a short) and its mark."""

    plan_id: str
    symbol: str
    shares: Decimal
    cost: Decimal
    marked: Decimal = ZERO  # value at the last mark less cost


@dataclass(frozen=True, slots=True)
class Fill:
    """A paper order filled: signed shares at a price, with its costs."""

    plan_id: str
    symbol: str
    session: date
    shares: int  # positive bought, negative sold
    price: Decimal
    fee: Decimal
    slippage: Decimal
    fx_rate: Decimal = Decimal(1)
    reason: str = ""

    @property
    def value(self) -> Decimal:
        """Shares x price in the account's currency, signed, in cents."""
        return cents(self.shares * self.price * self.fx_rate)


def opening(amount: Decimal, on: date, memo: str = "Opening balance") -> JournalEntry:
    """Cash the account begins with."""
    _positive(amount, "opening balance")
    return JournalEntry("opening", on, memo, (debit(CASH, amount), credit(OPENING, amount)))


def deposit(amount: Decimal, on: date, memo: str = "Deposit") -> JournalEntry:
    """Cash put in."""
    _positive(amount, "deposit")
    return JournalEntry("deposit", on, memo, (debit(CASH, amount), credit(DEPOSITS, amount)))


def withdrawal(amount: Decimal, on: date, memo: str = "Withdrawal") -> JournalEntry:
    """Cash taken out."""
    _positive(amount, "withdrawal")
    return JournalEntry("withdrawal", on, memo, (debit(DEPOSITS, amount), credit(CASH, amount)))


def commitment(plan_id: str, symbol: str, notional: Decimal, on: date) -> JournalEntry:
    """An approved plan, off the balance, until it is filled or lapses."""
    account = f"commitments:{symbol}"
    lines = (debit(account, notional, symbol=None), credit(OUTSTANDING, notional))
    return JournalEntry("commitment", on, f"Plan approved: {symbol}", lines, plan_id)


def release(plan_id: str, symbol: str, notional: Decimal, on: date, why: str) -> JournalEntry:
    """The commitment taken off again: filled, expired, void or cancelled."""
    account = f"commitments:{symbol}"
    lines = (debit(OUTSTANDING, notional), credit(account, notional))
    return JournalEntry("release", on, f"Commitment released: {why}", lines, plan_id)


def entry_fill(fill: Fill) -> JournalEntry:
    """Shares in (or short) at the fill price; fees and slippage are expenses of their own."""
    lines = [
        _held(fill, fill.value),
        *_costs(fill),
        credit(CASH, fill.value + fill.fee + fill.slippage),
    ]
    side = "Bought" if fill.shares > 0 else "Sold short"
    return _filled("entry_fill", fill, lines, f"{side} {abs(fill.shares)} {fill.symbol}")


def exit_fill(fill: Fill, lot: Lot) -> JournalEntry:
    """Shares out at the fill price; the difference to their cost is realised, their mark undone."""
    cost, unmarked = relieved(lot, Decimal(-fill.shares))
    proceeds = -fill.value  # positive when sold
    lines = [
        debit(CASH, proceeds - fill.fee - fill.slippage),
        *_costs(fill),
        _held(fill, -cost),
        credit(REALISED, proceeds - cost),
        credit(mark_account(fill.symbol), unmarked),
        debit(UNREALISED, unmarked),
    ]
    side = "Sold" if fill.shares < 0 else "Bought back"
    return _filled("exit_fill", fill, lines, f"{side} {abs(fill.shares)} {fill.symbol}")


def relieved(lot: Lot, shares: Decimal) -> tuple[Decimal, Decimal]:
    """Cost and mark of `shares` (signed like the lot); the last share takes what is left."""
    if shares * lot.shares <= 0 or abs(shares) > abs(lot.shares):
        raise ValidationError(
            f"{lot.symbol}: cannot close {abs(shares)} of {abs(lot.shares)} shares held"
        )
    if shares == lot.shares:
        return lot.cost, lot.marked
    part = shares / lot.shares
    return cents(lot.cost * part), cents(lot.marked * part)


def dividend(lot: Lot, per_share: Decimal, on: date, fx_rate: Decimal = Decimal(1)) -> JournalEntry:
    """Cash received on a long, paid on a short."""
    _positive(per_share, "dividend")
    amount = cents(lot.shares * per_share * fx_rate)
    other = DIVIDENDS if lot.shares > 0 else DIVIDENDS_PAID
    lines = (debit(CASH, amount), credit(other, amount))
    memo = f"Dividend of {per_share} on {abs(lot.shares)} {lot.symbol}"
    return JournalEntry("dividend", on, memo, lines, lot.plan_id)


def split(lot: Lot, ratio: Decimal, close: Decimal, on: date) -> JournalEntry:
    """New shares for old at the same cost; a fraction is paid out at the close after the split."""
    _positive(ratio, "split ratio")
    kept, fraction = after_split(lot.shares, ratio)
    exact = kept + fraction
    account = position(lot.symbol)
    paid = cents(fraction * close)
    cost = cents(lot.cost * fraction / exact)
    lines = [
        credit(account, lot.cost, symbol=lot.symbol, quantity=-lot.shares),
        replace(debit(account, lot.cost - cost, symbol=lot.symbol, quantity=kept), price=ratio),
        debit(CASH, paid),
        credit(REALISED, paid - cost),
    ]
    memo = f"Split {ratio} for 1: {lot.shares} to {kept} {lot.symbol}"
    return JournalEntry("split", on, memo, _moving(lines), lot.plan_id)


def borrow(lot: Lot, amount: Decimal, on: date) -> JournalEntry:
    """Cost of borrowing the shares of a short."""
    _positive(amount, "borrow cost")
    if lot.shares >= 0:
        raise ValidationError(f"{lot.symbol} is not short: nothing is borrowed")
    lines = (debit(BORROW, amount), credit(CASH, amount))
    return JournalEntry("borrow", on, f"Borrow cost of {lot.symbol}", lines, lot.plan_id)


def mark(lot: Lot, value: Decimal, on: date) -> JournalEntry | None:
    """Bring a lot to its value at the close; None when the mark is right already."""
    change = value - lot.cost - lot.marked
    if change == 0:
        return None
    lines = (debit(mark_account(lot.symbol), change), credit(UNREALISED, change))
    return JournalEntry("mark", on, f"Mark of {lot.symbol} to {value}", lines, lot.plan_id)


def lots(journal: Iterable[Numbered]) -> dict[str, Lot]:
    """What each plan holds now; plans that are flat are left out."""
    held: dict[str, Lot] = {}
    for item in journal:
        if item.entry.plan_id:
            lot = held.get(item.entry.plan_id)
            if (moved := lot_after(lot, item.entry)) is not None:
                held[item.entry.plan_id] = moved
    return {plan_id: lot for plan_id, lot in held.items() if lot.shares}


def lot_after(lot: Lot | None, entry: JournalEntry) -> Lot | None:
    """The lot once an entry of its plan is posted; None while nothing was ever held."""
    for p in entry.postings:
        kind, _, symbol = p.account.rpartition(":")
        if entry.plan_id and kind in {"assets:positions", "assets:marks"}:
            lot = _moved(lot or Lot(entry.plan_id, symbol, Decimal(0), ZERO), p, kind)
    return lot


def _moved(lot: Lot, posting: Posting, kind: str) -> Lot:
    if kind == "assets:marks":
        return replace(lot, marked=lot.marked + posting.amount)
    return replace(lot, shares=lot.shares + posting.quantity, cost=lot.cost + posting.amount)


def _held(fill: Fill, amount: Decimal) -> Posting:
    line = debit(position(fill.symbol), amount, symbol=fill.symbol, quantity=fill.shares)
    return replace(line, price=fill.price)


def _costs(fill: Fill) -> list[Posting]:
    return [debit(FEES, fill.fee), debit(SLIPPAGE, fill.slippage)]


def _filled(kind: Kind, fill: Fill, lines: list[Posting], what: str) -> JournalEntry:
    why = f" ({fill.reason})" if fill.reason else ""
    memo = f"{what} at {fill.price}{why}"
    return JournalEntry(kind, fill.session, memo, _moving(lines), fill.plan_id)


def _moving(lines: list[Posting]) -> tuple[Posting, ...]:
    """Without postings that move neither money nor shares (a trade without fees or profit)."""
    return tuple(line for line in lines if line.amount or line.quantity)


def _positive(amount: Decimal, what: str) -> None:
    if not amount.is_finite() or amount <= ZERO:
        raise ValidationError(f"a {what} must be above zero, not {amount}")
