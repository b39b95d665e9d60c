"""The settings of account, limits, plans and fees: one section of `core.settings`."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

Percent = Annotated[Decimal, Field(gt=0, le=100, allow_inf_nan=False)]
Leverage = Annotated[Decimal, Field(gt=0, le=1000, allow_inf_nan=False)]
Amount = Annotated[Decimal, Field(ge=0, lt=10**9, allow_inf_nan=False)]


class RiskSettings(BaseModel):
    """Account, limits and fees. Percentages hold 1.0 for 1 % of equity."""

    account_equity: Decimal = Field(
        Decimal(100_000), gt=0, lt=10**12, description="opening balance of the paper account"
    )
    trader: str = Field(
        "",
        max_length=80,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="who decides on plans; by default the machine's user",
    )
    account_currency: str = Field("USD", pattern="^[A-Z]{3}$", description="of the account")
    instrument_currency: str = Field("USD", pattern="^[A-Z]{3}$", description="of the prices")
    fx_rates: dict[str, Decimal] = Field(
        default_factory=dict,
        description='account currency per unit of another, as JSON, e.g. {"USD": 0.92}',
    )
    risk_per_trade_pct: Percent = Field(Decimal(1), description="limit: loss at the stop")
    daily_loss_pct: Percent = Field(Decimal(3), description="limit: lost today plus open risk")
    position_pct: Leverage = Field(Decimal(20), description="limit: one name")
    gross_pct: Leverage = Field(Decimal(150), description="limit: long plus short")
    net_pct: Leverage = Field(Decimal(100), description="limit: the larger of long and short")
    max_positions: int = Field(8, ge=1, le=1000, description="limit: open plans and positions")
    sector_pct: Leverage = Field(Decimal(40), description="limit: one sector")
    correlated_pct: Leverage = Field(Decimal(40), description="limit: names that move together")
    correlation_threshold: float = Field(
        0.7, gt=0, le=1, description="60-session correlation from which names move together"
    )
    drawdown_pct: Percent = Field(Decimal(10), description="limit: below the peak, stops hit")
    participation_pct: Percent = Field(
        Decimal(1), description="limit: shares of a name's mean session volume"
    )
    excluded_symbols: list[str] = Field(
        default_factory=list, description='never traded, as JSON, e.g. ["GME"]'
    )
    grade_rule: Literal["warn", "half", "reject"] = Field(
        "warn", description="what a low filing grade does to a plan: warning, half size, no trade"
    )
    low_grades: list[str] = Field(
        default_factory=lambda: ["D", "F", "NR"], description="grades the rule is for"
    )
    plan_direction: Literal["follow", "fade"] = Field(
        "follow", description="trade with the gap or against it"
    )
    stop_atr_multiple: Decimal = Field(
        Decimal("1.5"), gt=0, le=20, description="stop distance in ATR14"
    )
    stop_pct: Decimal = Field(
        Decimal(5), gt=0, lt=100, description="stop distance in percent of the entry"
    )
    stop_choice: Literal["tighter", "wider"] = Field(
        "tighter", description="which of the two stops counts"
    )
    opening_range_minutes: int = Field(
        5, ge=1, le=120, description="regular minutes that make the opening range"
    )
    open_tolerance_pct: Percent = Field(
        Decimal(1),
        description="an open this near the reference of a provisional plan confirms it, percent of "
        "the reference",
    )
    open_tolerance_atr_pct: Percent = Field(
        Decimal(25), description="the same, percent of ATR14; the nearer of the two counts"
    )
    expiry_sessions: int = Field(
        1, ge=1, le=20, description="sessions an approved plan waits for its entry"
    )
    approve_past_sessions: bool = Field(
        True,
        description="plans whose sessions are over can be approved, to play them again on paper; "
        "false where plans are traded",
    )
    hold_sessions: int = Field(
        5, ge=1, le=250, description="sessions a paper trade is held at most"
    )
    fee_per_share: Amount = Field(Decimal("0.005"), description="fee, account currency")
    fee_minimum: Amount = Field(Decimal(1), description="least fee of an order")
    slippage_bps: Decimal = Field(
        Decimal(5), ge=0, lt=1000, description="slippage of an order in basis points"
    )
    borrow_pct: Decimal = Field(
        Decimal(3), ge=0, le=1000, description="cost of borrowing a short, percent a year"
    )
    market_symbol: str = Field("SPY", description="the market of beta; else the mean of all names")
    var_confidence: float = Field(0.95, ge=0.5, le=0.999, description="of value at risk")
    var_window: int = Field(250, ge=20, le=5000, description="sessions of value at risk")

    @field_validator("fx_rates")
    @classmethod
    def _rates(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        for name, rate in value.items():
            if not (len(name) == 3 and name.isupper()) or not 0 < rate < 10**6:
                raise ValueError(f"{name}: {rate} is not a rate of a currency")
        return value

    @model_validator(mode="after")
    def _sensible(self) -> RiskSettings:
        """Limits that contradict each other would never be what was meant."""
        for low, high in (
            ("risk_per_trade_pct", "daily_loss_pct"),
            ("daily_loss_pct", "drawdown_pct"),
            ("position_pct", "gross_pct"),
            ("net_pct", "gross_pct"),
            ("sector_pct", "gross_pct"),
            ("correlated_pct", "gross_pct"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(
                    f"{low} ({getattr(self, low)}) must not be above {high} ({getattr(self, high)})"
                )
        return self
