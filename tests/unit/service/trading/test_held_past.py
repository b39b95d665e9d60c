"""Plans whose corporate actions and bars say different things, or whose past is told anew."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from core.service.desk import Desk
from core.service.trading import journal, settling, trades
from tests.unit.service.trading.test_settling import _import_split, _planned, _result

PLAIN = 1.0  # the bars go on as they were


def _import(desk: Desk, day: date, **action: Any) -> None:
    row = {"symbol": "AAA", "ex_date": day, "pull_id": "late", **action}
    with desk.warehouse.transaction() as tx:
        tx.insert("corporate_actions", pl.DataFrame([row]))


def _settled(desk: Desk) -> dict[str, object]:
    (found,) = settling.settle_all(desk)["plans"]
    return found  # type: ignore[no-any-return]


@pytest.mark.few(1)
@pytest.mark.parametrize("ratio", [2.0, 0.5, 10.0])
def test_a_split_that_the_bars_deny_is_asked_about(desk: Desk, ratio: float) -> None:
    """No share is made or lost: settlement waits, and a confirmed price leaves the split out."""
    plan_id, day = _planned(desk, PLAIN)
    _import_split(desk, day, ratio)
    found = _settled(desk)
    assert "is on record, but the price did not move" in str(found["question"])
    assert max(i.entry.effective for i in journal.entries(desk)) < day
    settling.confirm(desk, "AAA", day, "the exchange knows of no split")
    assert abs(_result(desk, plan_id)) < 0.3
    assert journal.prove(desk)["differences"] == []
    assert "split" not in {i.entry.kind for i in journal.entries(desk)}


@pytest.mark.few(1)
@pytest.mark.parametrize("ratio", [2.0, 0.5])
def test_a_past_delivered_anew_on_new_shares_keeps_the_trade(desk: Desk, ratio: float) -> None:
    """An upstream that adjusts all its bars at a split: the trade goes on as it was filled."""
    plan_id, day = _planned(desk, ratio)
    _import_split(desk, day, ratio)
    prices = ", ".join(f"{name} = {name} / {ratio}" for name in ("open", "high", "low", "close"))
    with desk.warehouse.transaction() as tx:
        tx.execute(f"UPDATE bars_daily SET {prices} WHERE session < ?", [day])
    found = _settled(desk)
    assert (found["state"], found["question"], found["by_hand"]) == ("closed", None, False)
    assert found["reversed"] == 0
    assert abs(_result(desk, plan_id)) < 0.3
    assert journal.prove(desk)["differences"] == []


def test_a_distribution_without_a_rate_is_asked_about(make_desk) -> None:
    """What it is worth is not known: nothing is booked over it until a rate is stated."""
    desk = make_desk()
    plan_id, day = _planned(desk, 1.1)
    entry = trades.frame(desk)["entry"].item()
    _import(desk, day, kind="dividend", amount=entry * (1 - 1 / 1.1) / 1.05, currency="EUR")
    found = _settled(desk)
    assert "OPENBELL_FX_RATES" in str(found["question"])
    assert max(i.entry.effective for i in journal.entries(desk)) < day
    desk.close()
    again = make_desk(fx_rates={"EUR": "1.05"})
    assert _settled(again)["question"] is None
    assert abs(_result(again, plan_id)) < 0.3


def test_a_rate_stated_later_is_for_what_comes_later(make_desk) -> None:
    """What was paid in another currency stays as it was posted, also when its rate is gone."""
    desk = make_desk(fx_rates={"EUR": "1.05"})
    _plan_id, day = _planned(desk, 1.1)
    entry = trades.frame(desk)["entry"].item()
    _import(desk, day, kind="dividend", amount=entry * (1 - 1 / 1.1) / 1.05, currency="EUR")
    assert _settled(desk)["question"] is None
    before = [i.entry for i in journal.entries(desk)]
    assert "dividend" in {entry.kind for entry in before}
    assert settling.settle_all(desk)["plans"] == []
    desk.close()
    for rates in ({"EUR": "1.2"}, {}, {"EUR": "1.05"}):
        again = make_desk(fx_rates=rates)
        assert settling.settle_all(again)["plans"] == []
        assert [i.entry for i in journal.entries(again)] == before
        again.close()


def test_a_trade_goes_on_when_the_rate_of_what_it_was_paid_moves(make_desk) -> None:
    """Its earlier entries stand, it is not taken for one that a reader handles, and it ends."""
    desk = make_desk(fx_rates={"EUR": "1.05"})
    _plan_id, day = _planned(desk, 1.1)
    entry = trades.frame(desk)["entry"].item()
    _import(desk, day, kind="dividend", amount=entry * (1 - 1 / 1.1) / 1.05, currency="EUR")
    (found,) = settling.settle_all(desk, day)["plans"]
    assert (found["state"], found["question"]) == ("filled", None)
    paid = [i.entry for i in journal.entries(desk) if i.entry.kind == "dividend"]
    assert len(paid) == 1
    desk.close()
    again = make_desk(fx_rates={"EUR": "1.2"})
    found = _settled(again)
    assert (found["state"], found["by_hand"], found["reversed"]) == ("closed", False, 0)
    assert [i.entry for i in journal.entries(again) if i.entry.kind == "dividend"] == paid


def test_a_special_dividend_in_two_parts_moves_the_orders(desk: Desk) -> None:
    """Two parts of 1.6 % each are a special dividend of 3.1 %: the stop moves by both."""
    plan_id, day = _planned(desk, 1.0325)
    half = trades.frame(desk)["entry"].item() * (1 - 1 / 1.0325) / 2
    for note in ("a", "b"):
        _import(desk, day, kind="dividend", amount=half, currency="USD", note=note)
    found = _settled(desk)
    (told,) = list(found["notes"])  # type: ignore[call-overload]
    assert told.count("special dividend of ") == 2
    assert trades.frame(desk)["exit_reason"].to_list() != ["stop"]
    assert abs(_result(desk, plan_id)) < 0.3
