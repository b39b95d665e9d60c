"""The plan beside the scan is told in words that need no page of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st

from components.kit import shell
from components.parts import candidate, glossary, plans


@pytest.mark.parametrize(
    ("through", "said"),
    [
        (2.17, "Opens past such a stop have cost 2.2 R in the mean."),
        (1.0, "It never opened past such a stop."),
        (None, ""),
    ],
)
def test_what_an_open_past_the_stop_cost_is_a_sentence(through: float | None, said: str) -> None:
    """The figure has its words beside it, and its meaning in the glossary."""
    plan = SimpleNamespace(gap_through_risk_r=through)
    assert candidate.past_the_stop(plan) == said  # type: ignore[arg-type]
    assert "in R" in glossary.meaning(plans.PAST_THE_STOP)


def test_the_open_is_told_beside_a_decided_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that was confirmed or re-sized is no longer provisional, and its reason is read."""
    monkeypatch.setattr(shell, "url", lambda *_: "/plans")
    monkeypatch.setattr(shell, "zone", lambda: "America/New_York")
    plan = SimpleNamespace(sign=1, shares=497, entry=Decimal("40.20"), provisional=True)
    item: Any = SimpleNamespace(
        plan=plan, frozen=plan, plan_id="A-1", state="approved", reason="", opening=None,
        decided_at=datetime(2026, 11, 30, 14, 8, tzinfo=UTC),
    )  # fmt: skip
    assert "provisional" in candidate._badge(item, item.decided_at)
    assert candidate.became(item).endswith("[the plan](/plans)")
    assert "497** at 40.20, decided" in candidate.became(item)
    item.frozen = SimpleNamespace(shares=500, entry=Decimal("40.00"))
    item.opening = SimpleNamespace(outcome="resized", reason="Re-sized: it opened at 40.20.")
    assert "re-sized" in candidate._badge(item, item.decided_at)
    told = candidate.became(item)
    assert "long **500** at 40.00 approved → **497** at 40.20 at the open" in told
    assert told.endswith("Re-sized\\: it opened at 40.20.")


@pytest.mark.parametrize("moment", ["before", "open", "stored", "waits"])
def test_what_a_plan_stands_on_is_one_element_at_any_hour(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With none at the open all below it moved up, and a field that was typed in lost its place."""
    drawn: list[str] = []
    monkeypatch.setattr(st, "markdown", drawn.append)
    monkeypatch.setattr(shell, "zone", lambda: "America/New_York")
    at = datetime(2026, 11, 30, 14, 8, tzinfo=UTC)
    told = SimpleNamespace(
        price=Decimal("40.20"), at=at, prints=3, source="p", tolerance=Decimal(1)
    )
    plan = SimpleNamespace(
        symbol="AAA", session=at.date(), reference=told if moment == "before" else None
    )
    found: Any = SimpleNamespace(
        plan=plan,
        waits=moment == "waits",
        view=SimpleNamespace(found=told if moment == "open" else None),
    )
    plans.stands(found)
    assert len(drawn) == 1
    assert "30 Nov" in drawn[0]
