"""Limits, plan rules and account as the settings have them: what is shown is what is enforced."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core.domain.access.principals import LOCAL
from core.domain.risk.types import Limits
from core.domain.trading.costs import Costs
from core.domain.trading.plans import PlanRules
from core.errors import ValidationError
from core.service.kernel import access
from core.settings import Settings

if TYPE_CHECKING:
    from core.service.desk import Desk


def limits_of(settings: Settings) -> Limits:
    """The limits of the settings."""
    return Limits(
        daily_loss_pct=settings.daily_loss_pct,
        risk_per_trade_pct=settings.risk_per_trade_pct,
        position_pct=settings.position_pct,
        gross_pct=settings.gross_pct,
        net_pct=settings.net_pct,
        max_positions=settings.max_positions,
        sector_pct=settings.sector_pct,
        correlated_pct=settings.correlated_pct,
        correlation_threshold=settings.correlation_threshold,
        drawdown_pct=settings.drawdown_pct,
        participation_pct=settings.participation_pct,
        exclusions=frozenset(name.upper() for name in settings.excluded_symbols),
        grade_rule=settings.grade_rule,
        low_grades=frozenset(settings.low_grades),
    )


def limits_document(limits: Limits) -> dict[str, Any]:
    """Limits as JSON-able values that read back exactly: percentages as text."""
    values = asdict(limits)
    sets = {name: sorted(v) for name, v in values.items() if isinstance(v, frozenset)}
    return {
        name: str(value) if isinstance(value, Decimal) else value
        for name, value in (values | sets).items()
    }


def who(desk: Desk) -> str:
    """Who acts; on this machine itself the setting, else the account that runs the desk."""
    acts = access.principal(desk)
    if acts != LOCAL:
        return acts.name
    return desk.settings.trader or getpass.getuser()


def rules_of(settings: Settings) -> PlanRules:
    """How plans are sized by the settings."""
    return PlanRules(
        stop_atr_multiple=settings.stop_atr_multiple,
        stop_pct=settings.stop_pct,
        stop_choice=settings.stop_choice,
        risk_per_trade_pct=settings.risk_per_trade_pct,
        position_pct=settings.position_pct,
        participation_pct=settings.participation_pct,
        expiry_sessions=settings.expiry_sessions,
        costs=costs_of(settings),
    )


def costs_of(settings: Settings) -> Costs:
    """Fees and slippage by the settings."""
    return Costs(settings.fee_per_share, settings.fee_minimum, settings.slippage_bps)


def rate_of(settings: Settings) -> Decimal:
    """Account currency per unit of the instruments'; ValidationError when no rate is set."""
    if settings.instrument_currency == settings.account_currency:
        return Decimal(1)
    rate = settings.fx_rates.get(settings.instrument_currency)
    if rate is None:
        raise ValidationError(
            f"no rate of {settings.instrument_currency} in {settings.account_currency} is set",
            hint=f'set OPENBELL_FX_RATES, e.g. {{"{settings.instrument_currency}": 0.92}}',
        )
    return rate
