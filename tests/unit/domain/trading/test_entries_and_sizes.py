"""An entry is whole or refused with its reason; a Kelly size is what the formula says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from core.domain.trading.ledger import JournalEntry, Posting, credit, debit, validated
from core.domain.trading.trade_stats import kelly_pct, similar_trades
from core.errors import ValidationError

TEN = Decimal("10.00")
CASH, SHARES = "assets:cash", "assets:positions:AAA"


def entry(*postings: Posting) -> JournalEntry:
    return JournalEntry("adjustment", date(2025, 7, 1), "test", postings)  # type: ignore[arg-type]


def test_a_whole_entry_is_given_back() -> None:
    """Two sides of one amount; shares may move without money."""
    whole = entry(debit(SHARES, TEN, quantity=2), credit(CASH, TEN))
    assert validated(whole) is whole
    assert validated(entry(*whole.postings, Posting(SHARES, quantity=Decimal(1)))).postings


@pytest.mark.parametrize(
    ("postings", "reason"),
    [
        ((), "at least two postings, this one has 0"),
        ((Posting(SHARES, quantity=Decimal(1)),), "at least two postings, this one has 1"),
        ((debit("cash", TEN), credit(CASH, TEN)), "not an account"),
        ((Posting(CASH, debit=-TEN), Posting(SHARES, debit=TEN)), "never negative"),
        ((debit(CASH, Decimal("0.001")), credit(SHARES, Decimal("0.001"))), "whole cents"),
        ((Posting(CASH, TEN, TEN), Posting(SHARES, TEN, TEN)), "one side, not both"),
        ((Posting(CASH), debit(SHARES, TEN), credit(CASH, TEN)), "not nothing"),
        ((Posting(CASH, quantity=Decimal("NaN")), Posting(SHARES, TEN)), "quantity is not"),
        ((Posting(CASH, quantity=Decimal("1e15")), Posting(SHARES, TEN)), "quantity is too large"),
        ((debit(CASH, TEN), credit(SHARES, Decimal(9))), "does not balance: debits 10.00"),
        ((debit("commitments:plans", TEN), credit(CASH, TEN)), "among themselves"),
    ],
)
def test_an_entry_that_is_not_whole_is_refused(postings: tuple[Posting, ...], reason: str) -> None:
    """With what is wrong with it."""
    with pytest.raises(ValidationError, match=reason):
        validated(entry(*postings))


def test_similar_gaps_are_told_with_their_losses() -> None:
    """Mean with its interval, and both sides; a few are told as few, none as nothing."""
    found = similar_trades(pl.Series([2.0] * 20 + [-1.0] * 20))
    assert found is not None
    assert (found.n, found.mean_r, found.win_pct) == (40, 0.5, 50.0)
    assert (found.mean_win_r, found.mean_loss_r) == (2.0, -1.0)
    assert found.low_r == pytest.approx(0.5 - 1.96 * 1.5 * (40 / 39) ** 0.5 / 40**0.5)
    assert "50 % lost by −1.00 R" in found.sentence
    one = similar_trades(pl.Series([-1.0]))
    assert one is not None
    assert (one.low_r, one.mean_win_r) == (None, None)
    assert "few" in one.sentence
    assert similar_trades(pl.Series([], dtype=pl.Float64)) is None


def test_a_quarter_of_kelly() -> None:
    """60 % won, 2 R against 1 R: 0.6 - 0.4 / 2 = 40 % of equity, a quarter of it 10 %."""
    outcomes = pl.Series([2.0] * 60 + [-1.0] * 40)
    size, said = kelly_pct(outcomes, cap_pct=Decimal(50))
    assert size == pytest.approx(10.0)
    assert said.startswith("Quarter Kelly 10.00 % of equity from 100 similar gaps: 60 % won")
    assert "over mean loss 2.00; capped at 50 %" in said
    assert kelly_pct(outcomes, cap_pct=Decimal(1))[0] == 1.0
    assert kelly_pct(outcomes, fraction=1.0, cap_pct=Decimal(50))[0] == pytest.approx(40.0)


def test_nothing_is_risked_on_what_loses() -> None:
    """A negative size is none."""
    assert kelly_pct(pl.Series([1.0] * 15 + [-1.0] * 20), cap_pct=Decimal(2))[0] == 0.0


@pytest.mark.parametrize(
    ("outcomes", "why"),
    [
        ([1.0] * 14 + [-1.0] * 15, "29 similar gaps, 30 are needed"),
        ([1.0] * 30, "all 30 similar gaps went one way"),
        ([-1.0] * 30, "all 30 similar gaps went one way"),
        ([1.0] * 15 + [0.0] * 15, "all 30 similar gaps went one way"),
    ],
)
def test_too_little_was_measured(outcomes: list[float], why: str) -> None:
    """Then there is no size, and the sentence says why; 30 are enough."""
    size, said = kelly_pct(pl.Series(outcomes), cap_pct=Decimal(2))
    assert (size, why in said) == (None, True)
    assert kelly_pct(pl.Series([2.0] * 15 + [-1.0] * 15), cap_pct=Decimal(2))[0] is not None
