"""Settlement where prices are in doubt: questions, late actions, orders through splits."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from core.domain.gaps.bars import PRICES
from core.domain.trading import entries as make
from core.domain.trading import ledger, order_basis
from core.domain.trading.order_basis import Action
from core.errors import UsageError
from core.service.desk import Desk
from core.service.gaps import market_view
from core.service.kernel import commands, exports
from core.service.trading import journal, plans, settling, trades
from core.service.trading.plans import Ask
from tests.unit.domain.trading.test_settlement import DAY, bar, number_all, plan_of, result, settled
from tests.unit.service.trading.test_journal_service import bars_of

SESSIONS = 60
PLANNED = 49  # the session of the plan; the move comes in the next one


def _bars(ratio: float) -> pl.DataFrame:
    """Quiet bars, a gap of 5 % in the session planned for, then a split without a record."""
    frame = bars_of("AAA", SESSIONS, last={}).with_row_index("n")
    before = frame["close"][PLANNED - 1]
    price = pl.lit(before * 1.05)
    flat = pl.when(pl.col("n") >= PLANNED)
    scale = pl.when(pl.col("n") > PLANNED).then(1 / ratio).otherwise(1.0)
    wide = {"open": 1.0, "high": 1.004, "low": 0.996, "close": 1.001}
    return frame.with_columns(
        *(flat.then(price * by * scale).otherwise(pl.col(k)).alias(k) for k, by in wide.items()),
        volume=(pl.col("volume") * pl.when(pl.col("n") > PLANNED).then(ratio).otherwise(1.0))
        .round()
        .cast(pl.Int64),
    ).drop("n")


def _planned(desk: Desk, ratio: float) -> tuple[str, date]:
    """A plan approved in its session, and the bars that came after it; the day of the move."""
    bars = _bars(ratio)
    days = bars["session"]
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars.head(PLANNED + 1))
    item = plans.approve(desk, Ask("AAA"), "a gap")
    settling.settle_all(desk)
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars.slice(PLANNED + 1))
    return item.plan_id, days[PLANNED + 1]


def _import_split(desk: Desk, day: date, ratio: float) -> None:
    row = {"symbol": "AAA", "ex_date": day, "kind": "split", "ratio": ratio, "pull_id": "late"}
    with desk.warehouse.transaction() as tx:
        tx.insert("corporate_actions", pl.DataFrame([row]))


def _result(desk: Desk, plan_id: str) -> float:
    found = trades.frame(desk).filter(pl.col("plan_id") == plan_id)
    return float(found["realised_r"].item())


FEW = [(2.0, "unsound"), (0.5, "empty"), (0.05, "missing")]  # each kind of session once
SPOILT = list(itertools.product([2.0, 0.5, 1.5, 9.0, 0.05], ["unsound", "empty", "missing"]))


@pytest.mark.few(2)
@pytest.mark.parametrize("ratio", [2.0, 0.1, 3.0, 0.5])
def test_settlement_stops_at_a_move_that_looks_like_a_split(desk: Desk, ratio: float) -> None:
    """No gain and no loss is booked over it: the answer asks what it was."""
    plan_id, day = _planned(desk, ratio)
    found = settling.settle_all(desk)["plans"][0]
    assert found["plan_id"] == plan_id
    assert found["state"] == "filled"
    assert f"on {day}" in found["question"]
    assert "confirm" in found["question"]
    last = max(i.entry.effective for i in journal.entries(desk))
    assert last < day
    assert [q.session for q in settling.questions(desk)] == [day]
    assert settling.settle_all(desk)["plans"][0]["posted"] == 0
    reach = trades.frame(desk).select("mfe_r", "mae_r").row(0)
    assert max(map(abs, reach)) < 1  # up to the move in doubt


def test_a_trade_that_was_over_before_the_move_asks_nothing(
    make_desk: Callable[..., Desk],
) -> None:
    """Settled in one go over both, it is closed, and nothing waits for an answer."""
    desk = make_desk(hold_sessions=1)
    bars = _bars(2.0)
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars.head(PLANNED + 1))
    plans.approve(desk, Ask("AAA"), "a gap")
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars.slice(PLANNED + 1))
    found = settling.settle_all(desk)["plans"][0]
    assert (found["state"], found["question"]) == ("closed", None)


@pytest.mark.few(3)
@pytest.mark.parametrize(("ratio", "between"), sorted(SPOILT, key=lambda one: one not in FEW))
def test_a_split_behind_a_bad_bar_is_asked_about(desk: Desk, ratio: float, between: str) -> None:
    """Whatever became of the session before it, the split is seen from the last sound close."""
    bars = _bars(ratio)
    days = bars["session"]
    whole = pl.col("session") != days[PLANNED + 1]
    spoiled = {"unsound": pl.col("low") * 0.9, "empty": pl.lit(None, pl.Float64)}
    if between == "missing":
        bars = bars.filter(whole)
    else:
        bars = bars.with_columns(high=pl.when(whole).then("high").otherwise(spoiled[between]))
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars.filter(pl.col("session") <= days[PLANNED]))
    plans.approve(desk, Ask("AAA"), "a gap")
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars.filter(pl.col("session") > days[PLANNED]))
    found = settling.settle_all(desk)["plans"][0]
    assert f"on {days[PLANNED + 2]}" in (found["question"] or "")
    assert found["state"] == "filled"


@pytest.mark.few(1)
@pytest.mark.parametrize("ratio", [2.0, 0.5])
def test_the_action_on_record_settles_it(desk: Desk, ratio: float) -> None:
    """Once the split is imported the trade comes out at about nothing, and nobody is asked."""
    plan_id, day = _planned(desk, ratio)
    settling.settle_all(desk)
    _import_split(desk, day, ratio)
    found = settling.settle_all(desk)["plans"][0]
    assert found["question"] is None
    assert any("split" in note for note in found["notes"])
    assert found["state"] == "closed"
    assert abs(_result(desk, plan_id)) < 0.3
    assert journal.prove(desk)["differences"] == []
    reach = trades.frame(desk).select("mfe_r", "mae_r").row(0)
    assert max(map(abs, reach)) < 1  # on the shares of the entry


def test_going_ex_is_no_move_against_a_trade(desk: Desk) -> None:
    """A special dividend of a tenth was received, and a bad print never traded: the furthest that
    the trade went either way is what the other bars say.
    """
    bars = _bars(1.0).with_row_index("n")
    cash, later = bars["close"][PLANNED] / 10, pl.col("n") > PLANNED
    fallen = [pl.when(later).then(pl.col(k) - cash).otherwise(k).alias(k) for k in PRICES]
    bad = pl.when(pl.col("n") == PLANNED + 2).then(1.0).otherwise("low").alias("low")
    worse = pl.when(pl.col("n") == PLANNED + 2).then(0.5).otherwise("high").alias("high")
    bars = bars.with_columns(fallen).with_columns(bad, worse).drop("n")
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars.head(PLANNED + 1))
    plans.approve(desk, Ask("AAA"), "a gap")
    row = {"symbol": "AAA", "ex_date": bars["session"][PLANNED + 1], "kind": "dividend"}
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars.slice(PLANNED + 1))
        paid = pl.DataFrame([row | {"amount": cash, "currency": "USD", "pull_id": "x"}])
        tx.insert("corporate_actions", paid)
    assert settling.settle_all(desk)["plans"][0]["question"] is None
    reach = trades.frame(desk).select("mfe_r", "mae_r").row(0)
    assert max(map(abs, reach)) < 0.3


@pytest.mark.few(1)
@pytest.mark.parametrize("ratio", [2.0, 0.5])
def test_an_action_that_comes_late_reopens_the_trade(desk: Desk, ratio: float) -> None:
    """A move confirmed in error was booked; the action reverses it and posts it right, once."""
    plan_id, day = _planned(desk, ratio)
    commands.run(
        desk, "journal_confirm", {"symbol": "aaa", "session": day, "reason": "seen on the tape"}
    )
    assert abs(_result(desk, plan_id)) > 1
    _import_split(desk, day, ratio)
    found = settling.settle_all(desk)["plans"][0]
    assert found["reversed"] > 0
    assert abs(_result(desk, plan_id)) < 0.3
    assert journal.prove(desk)["differences"] == []
    reversals = [i for i in journal.entries(desk) if i.entry.kind == "reversal"]
    assert all(settling.LATE in i.entry.memo for i in reversals)
    count = len(journal.entries(desk))
    settling.settle_all(desk)
    assert len(journal.entries(desk)) == count


def test_a_late_action_leaves_trades_of_the_hand_alone(desk: Desk) -> None:
    """What a reader closed by hand is the reader's, whatever arrives later."""
    plan_id, day = _planned(desk, 2.0)
    bar_then = market_view.tradable_bars(
        desk.warehouse, "AAA", day - timedelta(days=5), day - timedelta(days=1)
    )[-1]
    journal.close(desk, plan_id, Decimal(f"{bar_then.close:.2f}"), on=bar_then.session)
    before = len(journal.entries(desk))
    _import_split(desk, bar_then.session, 2.0)
    settling.settle_all(desk)
    assert len(journal.entries(desk)) == before


def test_only_a_move_that_waits_can_be_confirmed(desk: Desk) -> None:
    """A confirmation names a waiting move and gives a reason."""
    _, day = _planned(desk, 2.0)
    with pytest.raises(UsageError, match="no plan waits"):
        settling.confirm(desk, "AAA", day + timedelta(days=1), "why not")
    with pytest.raises(UsageError, match="needs a reason"):
        settling.confirm(desk, "AAA", day, "  ")


def test_a_plan_that_waits_is_entered_on_the_shares_of_the_day() -> None:
    """A split on record before the entry scales price and shares: the money stays the same."""
    plan = plan_of(entry_type="pullback", shares=100)
    plan = replace(plan, entry=Decimal("98.00"), expiry=DAY + timedelta(days=5))
    split = Action(DAY + timedelta(days=1), "split", Decimal(2))
    bars = [bar(0, 100, 101, 99, 100), bar(1, 50, 50.5, 49.5, 50), bar(2, 49.5, 49.6, 48.8, 49.2)]
    found = settled(plan, bars, split)
    lot = make.lots(number_all(found.entries))["P"]
    assert (lot.shares, lot.cost) == (200, Decimal("9800.00"))
    assert found.notes == (
        f"{DAY + timedelta(days=1)}: split of 2: entry 98.00 → 49.00, "
        f"stop 97.00 → 48.50, targets {', '.join(f'{level:.2f}' for level in plan.targets)} → "
        f"{', '.join(f'{level / 2:.2f}' for level in plan.targets)}",
    )


def test_a_plan_too_small_for_a_reverse_split_is_void() -> None:
    """Less than one new share is no trade."""
    plan = replace(plan_of(entry_type="pullback", shares=5), expiry=DAY + timedelta(days=5))
    plan = replace(plan, entry=Decimal("98.00"))
    split = Action(DAY + timedelta(days=1), "split", Decimal("0.1"))
    bars = [bar(0, 100, 101, 99, 100), bar(1, 985, 990, 975, 980)]
    found = settled(plan, bars, split)
    assert found.state == "void"
    assert [e.kind for e in found.entries] == ["release"]


def test_thirds_of_an_odd_lot_leave_nothing_behind() -> None:
    """After a reverse split the last target takes what the thirds left."""
    plan = plan_of(shares=101)
    split = Action(DAY + timedelta(days=1), "split", Decimal("0.1"))
    bars = [bar(0, 100, 101, 99, 100), bar(1, 1010, 1200, 1005, 1190)]
    found = settled(plan, bars, split)
    assert found.state == "targets"
    assert make.lots(number_all(found.entries)) == {}


def test_a_split_of_a_day_without_a_bar_is_posted_with_the_next() -> None:
    """The ex-date may have no bar: the shares change all the same."""
    plan = plan_of(shares=100)
    split = Action(DAY + timedelta(days=1), "split", Decimal(2))
    found = settled(plan, [bar(0, 100, 101, 99, 100), bar(2, 50, 50.5, 49.5, 50)], split)
    assert make.lots(number_all(found.entries))["P"].shares == 200


@pytest.mark.parametrize("direction", ["long", "short"])
def test_a_special_dividend_moves_stop_and_targets(direction: str) -> None:
    """The price falls by the dividend: no stop is hit, no target reached, the cash is posted."""
    plan = plan_of(direction, shares=100)
    special = Action(DAY + timedelta(days=1), "dividend", Decimal(10))
    bars = [bar(0, 100, 100.5, 99.5, 100), bar(1, 90, 90.5, 89.5, 90), bar(2, 90, 90.5, 89.5, 90)]
    found = settled(plan, bars, special)
    assert found.state == "open"
    assert found.notes[0].startswith(
        f"{special.ex_date}: special dividend of 10: entry 100.00 → 90.00"
    )
    balance = ledger.balances(number_all(found.entries))
    paid = balance.get(make.DIVIDENDS, Decimal(0)) + balance.get(make.DIVIDENDS_PAID, Decimal(0))
    assert abs(paid) == 1000
    stop = order_basis.basis_on(special.ex_date, plan, [special], [special]).price(plan.stop)
    through = float(stop) - 0.5 if direction == "long" else float(stop) + 0.5
    day = bar(3, 90, max(90.5, through), min(89.5, through), 90)
    stopped = settled(plan, [*bars, day], special)
    assert stopped.state == "stopped"
    assert result(plan, stopped).exit == stop


def test_what_a_day_moved_is_told_once() -> None:
    """A split and two dividends of one day, a converted one without the tail of its rate."""
    plan = plan_of(shares=100)
    day = DAY + timedelta(days=1)
    pence = Decimal(repr(250 * 0.0127))
    found = settled(
        plan, [bar(0, 100, 101, 99, 100), bar(1, 46.4, 46.6, 46.2, 46.4)],
        Action(day, "split", Decimal(2)), Action(day, "dividend", pence),
        Action(day, "dividend", Decimal("0.425")),
    )  # fmt: skip
    (told,) = found.notes
    assert told.startswith(
        f"{day}: split of 2 and special dividend of 3.175 and special dividend of 0.425: "
        "entry 100.00 → 46.40, stop "
    )


def test_an_ordinary_dividend_moves_nothing() -> None:
    """Below 2 % of the close before, orders stay where they are."""
    plan = plan_of(shares=100)
    quarterly = Action(DAY + timedelta(days=1), "dividend", Decimal("0.5"))
    found = settled(plan, [bar(0, 100, 101, 99, 100), bar(1, 99.5, 100, 99, 99.6)], quarterly)
    assert found.notes == ()
    assert order_basis.specials([bar(0, 100, 101, 99, 100)], [quarterly]) == []


def test_a_plan_says_what_the_market_changed_in_it(desk: Desk) -> None:
    """Price and shares of the entry and what a split moved, before → after, once, for good."""
    bars = _bars(2.0)
    day = bars["session"][PLANNED + 1]
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars.head(PLANNED + 1))
    made = plans.approve(desk, Ask("AAA"), "")
    dearer = pl.when(pl.col("session") == made.plan.session).then(1.004).otherwise(1.0)
    with desk.warehouse.transaction() as tx:
        tx.execute("DELETE FROM bars_daily WHERE session = ?", [made.plan.session])
        corrected = bars.with_columns(open=pl.col("open") * dearer)
        tx.insert("bars_daily", corrected.slice(PLANNED))
    settling.settle_all(desk)
    first = plans.stored(desk, made.plan_id)
    fill = next(i.entry for i in journal.entries(desk) if i.entry.kind == "entry_fill")
    shares = trades.frame(desk)["shares"].item()
    assert first.outcome == (
        f"open; {made.plan.session}: entered at other figures than approved: price "
        f"{made.plan.entry:.2f} → {corrected['open'][PLANNED]:.2f}, "
        f"shares {made.plan.shares} → {shares}"
    )
    assert str(shares) in fill.memo
    _import_split(desk, day, 2.0)
    settling.settle_all(desk)
    then = plans.stored(desk, made.plan_id)
    assert f"{day}: split of 2: entry {made.plan.entry:.2f} → " in (then.outcome or "")
    assert (then.outcome or "").count("entered at") == 1
    assert (then.reason, then.decided_at, then.limits) == ("", made.decided_at, made.limits)
    settling.settle_all(desk)
    assert plans.stored(desk, made.plan_id) == then
    row = exports.frame_of(desk, "plans").row(0, named=True)
    assert (row["outcome"], row["entry"]) == (then.outcome, made.plan.entry)
