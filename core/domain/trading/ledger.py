"""Double-entry journal: entries balance to the cent, are chained by hash, reversed, never edited.

Every entry has at least two postings; debits equal credits exactly. Amounts are Decimal with two
places in the account's currency. A posting on a position also moves a quantity of shares. Entries
are numbered 1, 2, 3 … without gaps, and each carries the hash of the one before.

Accounts begin with one of: assets, equity, income, expenses, commitments (off the balance: what is
approved but not filled). Assets and expenses grow by debits, the others by credits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from core.domain.chain import GENESIS, fault, sha256
from core.domain.trading.money import CENT, ZERO, decimal_of
from core.errors import IntegrityError, ValidationError

Kind = Literal[
    "opening",
    "deposit",
    "withdrawal",
    "commitment",
    "release",
    "entry_fill",
    "exit_fill",
    "dividend",
    "split",
    "borrow",
    "mark",
    "manual",
    "reversal",
]
ROOTS = ("assets", "equity", "income", "expenses", "commitments")
_ACCOUNT = re.compile(r"(assets|equity|income|expenses|commitments)(:[A-Za-z0-9.^\-_ ]{1,32}){1,3}")


@dataclass(frozen=True, slots=True)
class Posting:
    """One line: an amount on the debit or the credit side of an account."""

    account: str
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    quantity: Decimal = Decimal(0)  # shares moved, positive in, negative out
    symbol: str | None = None
    price: Decimal | None = None  # of a fill, instrument currency; of a split, its ratio

    @property
    def amount(self) -> Decimal:
        """Debit less credit."""
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One entry before it has a number."""

    kind: Kind
    effective: date
    memo: str
    postings: tuple[Posting, ...]
    plan_id: str | None = None
    reverses: int | None = None


@dataclass(frozen=True, slots=True)
class Numbered:
    """An entry in the journal: its number, when it was made, and its link in the chain."""

    number: int
    at: datetime
    entry: JournalEntry
    previous_hash: str
    hash: str

    def digest(self) -> str:
        """The hash of what it says."""
        return _hash(self.entry, self.number, self.previous_hash, self.at)


def debit(
    account: str, amount: Decimal, *, symbol: str | None = None, quantity: Decimal | int = 0
) -> Posting:
    """A posting on the debit side; a negative amount goes to the credit side."""
    moved = Decimal(quantity)
    if amount < 0:
        return Posting(account, credit=-amount, quantity=moved, symbol=symbol)
    return Posting(account, debit=amount, quantity=moved, symbol=symbol)


def credit(
    account: str, amount: Decimal, *, symbol: str | None = None, quantity: Decimal | int = 0
) -> Posting:
    """A posting on the credit side; a negative amount goes to the debit side."""
    return debit(account, -amount, symbol=symbol, quantity=quantity)


def validated(entry: JournalEntry) -> JournalEntry:
    """The entry itself, once it is found whole; ValidationError says what is wrong with it."""
    if len(entry.postings) < 2:
        raise ValidationError(
            f"a journal entry needs at least two postings, this one has {len(entry.postings)}"
        )
    for posting in entry.postings:
        _validate_posting(posting)
    debits = sum((p.debit for p in entry.postings), ZERO)
    credits_ = sum((p.credit for p in entry.postings), ZERO)
    if debits != credits_:
        raise ValidationError(
            f"the entry does not balance: debits {debits}, credits {credits_}, "
            f"difference {debits - credits_}",
            hint="nothing was written; correct the amounts",
        )
    off = [p for p in entry.postings if p.account.startswith("commitments:")]
    if sum((p.amount for p in off), ZERO) != 0:
        raise ValidationError("commitments balance among themselves only: they are not money")
    return entry


def _validate_posting(posting: Posting) -> None:
    if not _ACCOUNT.fullmatch(posting.account):
        raise ValidationError(
            f"not an account: {posting.account[:60]!r}",
            hint=f"begin with one of {', '.join(ROOTS)}",
        )
    for side in (posting.debit, posting.credit):
        amount = decimal_of(side, "amount")
        if amount < 0:
            raise ValidationError(f"{posting.account}: an amount is never negative ({amount})")
        if amount != amount.quantize(CENT):
            raise ValidationError(f"{posting.account}: {amount} is not in whole cents")
    if posting.debit and posting.credit:
        raise ValidationError(f"{posting.account}: a posting has one side, not both")
    if not posting.debit and not posting.credit and not posting.quantity:
        raise ValidationError(f"{posting.account}: a posting moves money or shares, not nothing")
    decimal_of(posting.quantity, "quantity")


def number(entry: JournalEntry, after: int, previous_hash: str, at: datetime) -> Numbered:
    """The entry as the next one of the journal."""
    validated(entry)
    return Numbered(after + 1, at, entry, previous_hash, _hash(entry, after + 1, previous_hash, at))


def _hash(entry: JournalEntry, number_: int, previous_hash: str, at: datetime) -> str:
    body = [
        number_,
        at.isoformat(),
        entry.kind,
        entry.effective.isoformat(),
        entry.memo,
        entry.plan_id,
        entry.reverses,
        previous_hash,
        [
            [
                p.account,
                f"{p.debit:.2f}",
                f"{p.credit:.2f}",
                f"{p.quantity:.6f}",
                p.symbol,
                _text(p.price),
            ]
            for p in entry.postings
        ],
    ]
    return sha256(body)


def _text(price: Decimal | None) -> str | None:
    return None if price is None else f"{price:.6f}"


def reversal(original: Numbered, reason: str) -> JournalEntry:
    """The entry that takes another back, of the same day, with sides and quantities swapped."""
    if original.entry.kind == "reversal":
        raise ValidationError(
            f"entry {original.number} is itself a reversal", hint="post the entry anew instead"
        )
    swapped = tuple(
        replace(p, debit=p.credit, credit=p.debit, quantity=-p.quantity)
        for p in original.entry.postings
    )
    return JournalEntry(
        "reversal",
        original.entry.effective,
        f"Reversal of entry {original.number}: {reason}",
        swapped,
        plan_id=original.entry.plan_id,
        reverses=original.number,
    )


def verify(journal: Sequence[Numbered], first: int = 1, head: str = GENESIS) -> None:
    """Prove numbers without gaps, balance of every entry and the chain; IntegrityError if not."""
    expected, previous = first, head
    for item in journal:
        wrong = fault(item, expected, previous)
        if item.number != expected:
            raise IntegrityError(f"journal entry {wrong}")
        try:
            validated(item.entry)
        except ValidationError as error:
            raise IntegrityError(f"journal entry {item.number}: {error.message}") from error
        if wrong:
            raise IntegrityError(f"journal entry {wrong}", hint="restore the last verified backup")
        expected, previous = expected + 1, item.hash


def live(journal: Iterable[Numbered]) -> list[Numbered]:
    """Entries that stand: neither reversed nor reversals."""
    items = list(journal)
    undone = {item.entry.reverses for item in items if item.entry.reverses is not None}
    return [i for i in items if i.number not in undone and i.entry.kind != "reversal"]


def balances(journal: Iterable[Numbered]) -> dict[str, Decimal]:
    """Debit less credit per account."""
    totals: dict[str, Decimal] = {}
    for item in journal:
        for posting in item.entry.postings:
            totals[posting.account] = totals.get(posting.account, ZERO) + posting.amount
    return dict(sorted(totals.items()))


def quantities(journal: Iterable[Numbered]) -> dict[str, Decimal]:
    """Shares held per symbol, negative when short; symbols at zero are left out."""
    totals: dict[str, Decimal] = {}
    for item in journal:
        for p in item.entry.postings:
            if p.symbol and p.quantity:
                totals[p.symbol] = totals.get(p.symbol, Decimal(0)) + p.quantity
    return {symbol: shares for symbol, shares in sorted(totals.items()) if shares}


def total(balance: Mapping[str, Decimal], *prefixes: str) -> Decimal:
    """Sum of the balances of accounts that begin with any of the prefixes."""
    return sum((v for k, v in balance.items() if k.startswith(prefixes)), ZERO)


def equity(balance: Mapping[str, Decimal]) -> Decimal:
    """Net worth: everything under assets (short positions are negative there)."""
    return total(balance, "assets:")


def pnl(balance: Mapping[str, Decimal]) -> Decimal:
    """Income less expenses so far, unrealised marks included."""
    return -total(balance, "income:", "expenses:")


def contributed(balance: Mapping[str, Decimal]) -> Decimal:
    """Opening balance and deposits less withdrawals."""
    return -total(balance, "equity:")
