"""A plan beside what became of it: what was approved and what the open made of it in one table."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from components.kit import shell
from components.parts import plans_decided


def plan(shares: int, entry: str) -> Any:
    """A plan in the figures that the table has."""
    return SimpleNamespace(
        shares=shares, entry=Decimal(entry), targets=(Decimal(44),), reward_risk=2.0,
        risk=Decimal(900), costs=Decimal(3), account_currency="USD",
    )  # fmt: skip


def test_the_size_approved_stands_beside_that_of_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """And beside what was filled: they stood in three places."""
    filled = pl.DataFrame(
        {"plan_id": ["A-1"], "shares": [80], "entry": [41.5], "exit": [None], "realised_r": [None],
         "realised": [None], "fees": [1.0], "slippage": [2.0], "mfe_r": [0.4], "mae_r": [-0.1]}
    )  # fmt: skip
    monkeypatch.setattr(shell, "cached_until_commit", lambda *_: filled)
    approved, opened = plan(100, "40.00"), plan(80, "41.50")
    item: Any = SimpleNamespace(plan_id="A-1", frozen=approved, plan=opened, opening=object())
    assert plans_decided.is_resized(item)
    rows = plans_decided._facts(None, item).rows_by_key("figure", named=True)  # type: ignore[arg-type]
    assert rows["Shares"] == [{"actual": "80", "approved": "100", "plan": "80"}]
    assert rows["Entry"] == [{"actual": "41.50", "approved": "40.00", "plan": "41.50"}]
    item.plan = approved
    assert not plans_decided.is_resized(item)
