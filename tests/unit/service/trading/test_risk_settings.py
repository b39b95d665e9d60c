"""Limits set to nonsense are refused with the setting's name and the reason."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from core import settings
from core.errors import SettingsError, ValidationError
from core.service.trading.limits import limits_of, rate_of, rules_of


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACCOUNT_EQUITY", "0"),
        ("ACCOUNT_EQUITY", "-5"),
        ("ACCOUNT_EQUITY", "NaN"),
        ("ACCOUNT_CURRENCY", "dollars"),
        ("RISK_PER_TRADE_PCT", "0"),
        ("RISK_PER_TRADE_PCT", "Infinity"),
        ("DAILY_LOSS_PCT", "101"),
        ("POSITION_PCT", "a lot"),
        ("MAX_POSITIONS", "0"),
        ("CORRELATION_THRESHOLD", "1.5"),
        ("STOP_PCT", "100"),
        ("GRADE_RULE", "shrug"),
        ("FX_RATES", '{"EUR": -1}'),
        ("FX_RATES", '{"euro": 1}'),
        ("SLIPPAGE_BPS", "-1"),
        ("FEE_PER_SHARE", "NaN"),
    ],
)
def test_nonsense_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """The start is refused in one sentence that names the setting."""
    monkeypatch.setenv(f"OPENBELL_{name}", value)
    with pytest.raises(SettingsError, match=name):
        settings.load()


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"risk_per_trade_pct": 5}, "risk_per_trade_pct .* daily_loss_pct"),
        ({"daily_loss_pct": 20}, "daily_loss_pct .* drawdown_pct"),
        ({"gross_pct": 50}, "net_pct .* gross_pct"),
    ],
)
def test_contradicting_limits_are_refused(chosen: dict[str, int], said: str) -> None:
    """A limit that could never bind because of another is not what was meant."""
    with pytest.raises(SettingsError, match=said):
        settings.load(**chosen)


def test_what_is_set_is_what_is_enforced(tmp_path: Path) -> None:
    """Every limit and rule of the domain comes from its setting."""
    chosen = settings.load(
        data_dir=tmp_path, max_positions=3, excluded_symbols=["gme"], fee_minimum="2.50", stop_pct=4
    )
    limits, rules = limits_of(chosen), rules_of(chosen)
    assert (limits.max_positions, limits.exclusions) == (3, frozenset({"GME"}))
    assert (rules.costs.fee_minimum, rules.stop_pct) == (Decimal("2.50"), 4)


def test_a_missing_rate_is_said() -> None:
    """Two currencies without a rate make no plan."""
    with pytest.raises(ValidationError, match="no rate of USD in EUR"):
        rate_of(settings.load(account_currency="EUR"))
    assert rate_of(settings.load(account_currency="EUR", fx_rates={"USD": "0.92"})) == Decimal(
        "0.92"
    )
