"""What a plan made before the open stands on: the last print, and how far off the open may be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from core.domain.trading.money import price_of, tick_of, to_tick

ZONE = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class Reference:
    """The last print before the open; `tolerance` is in price, either side, at least a tick."""

    price: Decimal
    at: datetime
    prints: int  # minutes with prints up to then
    source: str
    tolerance: Decimal

    @property
    def sentence(self) -> str:
        """The reference in words."""
        count = "1 print" if self.prints == 1 else f"{self.prints:,} prints"
        return (
            f"Provisional: the last print, {shown(self.price)} at {clock(self.at)} New York "
            f"({count}, {self.source}), stands for the open; confirmed at an open within "
            f"{self.tolerance:f} of it."
        )


def shown(price: Decimal) -> str:
    """A price on its tick."""
    return f"{to_tick(price):,f}"


def clock(at: datetime) -> str:
    """The time of an instant in New York, as 9:04."""
    local = at.astimezone(ZONE)
    return f"{local.hour}:{local.minute:02}"


def tolerance(price: Decimal, atr: float | None, pct: Decimal, atr_pct: Decimal) -> Decimal:
    """How far an open may be from the reference: the less of a share of it and of its ATR."""
    by_price = price * pct / 100
    by_range = price_of(atr) * atr_pct / 100 if atr is not None and atr > 0 else by_price
    tick = tick_of(price)
    return max(tick, (min(by_price, by_range) // tick) * tick)


def to_record(found: Reference) -> dict[str, Any]:
    """JSON-ready values that round-trip exactly."""
    return {
        "price": str(found.price),
        "at": found.at.isoformat(),
        "prints": found.prints,
        "source": found.source,
        "tolerance": str(found.tolerance),
    }


def from_record(record: dict[str, Any]) -> Reference:
    """The reference back from `to_record`."""
    return Reference(
        Decimal(record["price"]),
        datetime.fromisoformat(record["at"]),
        record["prints"],
        record["source"],
        Decimal(record["tolerance"]),
    )
