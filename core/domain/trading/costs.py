"""Fees and slippage of paper orders, and the reserve that covers the worst of them.

A trade has one entry order and at most `MAX_EXITS` exit orders; the reserve is the most that fees,
slippage and rounding to cents can cost when the trade is closed no worse than at its stop.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.domain.trading.money import CENT, ZERO, cents_up

MAX_EXITS = 3


@dataclass(frozen=True, slots=True)
class Costs:
    """Fee per share with a minimum per order (account currency); slippage in basis points."""

    fee_per_share: Decimal = Decimal("0.005")
    fee_minimum: Decimal = Decimal("1")
    slippage_bps: Decimal = Decimal("5")

    def fee(self, shares: int) -> Decimal:
        """Fee of one order, cents rounded up; nothing for no shares."""
        if shares == 0:
            return ZERO
        return cents_up(max(self.fee_minimum, self.fee_per_share * shares))

    def slippage(self, shares: int, price: Decimal, fx_rate: Decimal = Decimal(1)) -> Decimal:
        """Slippage of one order in the account's currency, cents rounded up."""
        return cents_up(shares * price * fx_rate * self.slippage_bps / 10_000)

    def reserve(
        self, shares: int, entry: Decimal, stop: Decimal, fx_rate: Decimal = Decimal(1)
    ) -> Decimal:
        """The most an entry and its exits can cost at or before the stop."""
        if shares == 0:
            return ZERO
        return (
            self.fee(shares)
            + self.slippage(shares, entry, fx_rate)
            + CENT
            + self.exit_reserve(shares, entry, stop, MAX_EXITS, fx_rate)
        )

    def exit_reserve(
        self, shares: int, entry: Decimal, stop: Decimal, orders: int, fx_rate: Decimal = Decimal(1)
    ) -> Decimal:
        """The most that the remaining exit orders can cost at or before the stop."""
        if shares == 0:
            return ZERO
        fees = cents_up(self.fee_per_share * shares) + orders * cents_up(self.fee_minimum)
        # the farther of stop and 1 R in favour, so that long and short are mirror images
        slippage = self.slippage(shares, entry + abs(entry - stop), fx_rate)
        # per order: slippage and fee each round up by less than a cent, the proceeds by half of one
        return fees + slippage + 3 * orders * CENT
