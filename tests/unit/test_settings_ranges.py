"""What numbers settings accept, and what they are by default, told a second time."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from core import settings
from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TINY = 1e-9
PERCENT, LEVERAGE, AMOUNT = (TINY, 100), (TINY, 1000), (0, 999_999_999)
# the least and the most that are accepted; None: as much as one likes
RANGES: dict[str, tuple[float, float | None]] = {
    "account_equity": (TINY, 10**12 - 1),
    "risk_per_trade_pct": PERCENT, "daily_loss_pct": PERCENT, "drawdown_pct": PERCENT,
    "participation_pct": PERCENT, "open_tolerance_pct": PERCENT, "open_tolerance_atr_pct": PERCENT,
    "position_pct": LEVERAGE, "gross_pct": LEVERAGE, "net_pct": LEVERAGE, "sector_pct": LEVERAGE,
    "correlated_pct": LEVERAGE, "max_positions": (1, 1000), "correlation_threshold": (TINY, 1),
    "stop_atr_multiple": (TINY, 20), "stop_pct": (TINY, 99), "opening_range_minutes": (1, 120),
    "expiry_sessions": (1, 20), "hold_sessions": (1, 250), "fee_per_share": AMOUNT,
    "fee_minimum": AMOUNT, "slippage_bps": (0, 999), "borrow_pct": (0, 1000),
    "var_confidence": (0.5, 0.999), "var_window": (20, 5000),
    "min_gap_pct": (0, None), "max_gap_pct": (TINY, None), "min_rvol": (0, None),
    "min_price": (0, None), "max_price": (TINY, None), "min_dollar_volume": (0, None),
    "weight_volatility": (0, None), "weight_catalyst": (0, None), "weight_sentiment": (0, None),
    "weight_liquidity": (0, None), "events_keep_days": (TINY, 36_500), "workers": (1, 32),
    "grace_seconds": (0, None), "sql_seconds": (TINY, 3600), "sql_max_rows": (1, 10_000_000),
    "sql_memory": (64 * 1024**2, None), "foundry_idle_seconds": (TINY, None),
    "foundry_total_seconds": (TINY, None), "foundry_max_bytes": (1, None),
    "sec_requests_per_second": (TINY, 10), "sec_timeout_seconds": (TINY, None),
    "sec_block_seconds": (TINY, None), "retries": (0, 20), "retry_base_seconds": (0, None),
    "retry_max_seconds": (0, None), "session_hours": (TINY, 720), "port": (0, 65535),
    "follow_seconds": (0, 3600), "clock_offset_seconds": (-(10**9), 10**9),
}  # fmt: skip
FIRST_REFUSED = {"stop_pct": 100, "slippage_bps": 1000}  # where the most is not the bound


def accepted(name: str, value: float) -> bool:
    """Whether a setting takes a number, whatever the others are."""
    info = Settings.model_fields[name]
    try:
        TypeAdapter(Annotated[info.annotation, info]).validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", RANGES)
def test_the_least_and_the_most_are_accepted_and_what_is_beyond_is_not(name: str) -> None:
    """By the smallest step that matters."""
    least, most = RANGES[name]
    whole = Settings.model_fields[name].annotation is int or abs(least) > 1000
    step = 1 if whole else TINY
    assert accepted(name, least)
    assert not accepted(name, 0 if least == TINY else least - step)
    if most is not None:
        assert accepted(name, most)
        assert not accepted(name, FIRST_REFUSED.get(name, most + (1 if most > 1e6 else step)))


def documented() -> dict[str, str]:
    """The default of every setting as docs/settings.md tells it."""
    row = re.compile(r"^\| `OPENBELL_(\w+)` \| .+? \|(.*?)\| ")
    lines = (ROOT / "docs" / "settings.md").read_text("utf-8").splitlines()
    return {m[1].lower(): m[2].strip().strip("`") for line in lines if (m := row.match(line))}


def test_defaults_are_those_of_the_document() -> None:
    """Every one; a number is the same number, whichever way it is written."""
    told, chosen = documented(), settings.load()
    assert set(told) >= set(RANGES)
    for name, text in told.items():
        value = getattr(chosen, name)
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            assert text in ("", str(value).replace(f"{ROOT}/", "")), name
        else:
            assert Decimal(text) == Decimal(str(value)), name
