"""Rates of currencies as the settings have them."""

from __future__ import annotations

from decimal import Decimal

from core.settings import Settings


def rates_to_instrument(settings: Settings) -> dict[str, float]:
    """Units of the instruments' currency per unit of each currency that has a rate."""
    per_account = {settings.account_currency: Decimal(1), **settings.fx_rates}
    base = per_account.get(settings.instrument_currency)
    return {name: float(rate / base) for name, rate in per_account.items()} if base else {}
