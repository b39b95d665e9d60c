"""The settings of the gap scan: what is a candidate, and what its score weighs."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from core.errors import SettingsError
from core.setting_files import PREFIX


class GapSettings(BaseModel):
    """Filters and weights of the gap scan."""

    scan_dataset: str = Field("prices.daily", description="daily bars that scans read")
    min_gap_pct: float = Field(4.0, ge=0, description="least gap of a candidate, up or down, %")
    max_gap_pct: float = Field(20.0, gt=0, description="largest gap of a candidate, up or down, %")
    min_rvol: float = Field(1.5, ge=0, description="least relative volume of a candidate")
    min_price: float = Field(2.0, ge=0, description="least open of a candidate")
    max_price: float = Field(300.0, gt=0, description="largest open of a candidate")
    min_dollar_volume: float = Field(5e6, ge=0, description="least close x volume of a candidate")
    scan_times: tuple[Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")], ...] = Field(
        ("08:45", "09:45"),
        description="New York clock times of the scans on trading days, as JSON list; [] for none",
    )
    gap_exclusions: tuple[str, ...] = Field((), description="symbols never scanned, as JSON list")
    weight_volatility: float = Field(0.40, ge=0, description="score weight of the gap in ATR")
    weight_catalyst: float = Field(0.30, ge=0, description="score weight of the filing behind it")
    weight_sentiment: float = Field(0.10, ge=0, description="score weight of sentiment")
    weight_liquidity: float = Field(0.20, ge=0, description="score weight of dollar volume")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """A least above its largest would leave every scan empty, without a word."""
        for least, largest in (("min_gap_pct", "max_gap_pct"), ("min_price", "max_price")):
            low, high = getattr(self, least), getattr(self, largest)
            if low > high:
                names = (
                    f"{PREFIX}{least.upper()} ({low:g}) and {PREFIX}{largest.upper()} ({high:g})"
                )
                raise SettingsError(f"{names} leave no candidate: the least is above the largest")
        return self
