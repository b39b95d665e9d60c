"""Plans made before the open, and what becomes of them once the open is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from core.domain.timetable import sessions as calendar
from core.errors import UsageError, ValidationError
from core.service.desk import Desk
from core.service.gaps import scans, symbols
from core.service.kernel import commands, exports
from core.service.trading import journal, openings, plans, risk, settling
from core.service.trading.current_book import approved_plans
from core.service.trading.plans import Ask
from core.store import plans as plan_store

MONDAY, FRIDAY = date(2026, 11, 30), date(2026, 11, 27)
OPENS = datetime(2026, 11, 30, 14, 30, tzinfo=UTC)
AT_9_05, AT_9_33 = OPENS - timedelta(minutes=25), OPENS + timedelta(minutes=3)
CLOSE, LAST = 50.0, 54.0  # of Friday, and the last print before 9:05: a gap of 8 %


@pytest.fixture
def morning(desk: Desk) -> Desk:
    """A desk at 9:05: quiet bars up to Friday, prints of every minute of the pre-market to come."""
    days = calendar.sessions_between(FRIDAY - timedelta(days=120), FRIDAY)["session"]
    with desk.warehouse.transaction() as tx:
        for name in ("AAA", "BBB", "QUIET"):
            tx.insert("bars_daily", _bars(name, days))
        tx.insert("bars_minute", pl.concat([_prints("AAA"), _prints("BBB")]))
    desk.now = lambda: AT_9_05
    return desk


def _bars(name: str, days: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"session": days}).with_columns(
        symbol=pl.lit(name), open=pl.lit(CLOSE), high=pl.lit(CLOSE + 1), low=pl.lit(CLOSE - 1),
        close=pl.lit(CLOSE), volume=pl.lit(3_000_000, pl.Int64), pull_id=pl.lit("p"),
    )  # fmt: skip


def _prints(name: str) -> pl.DataFrame:
    """One every minute from 8:00: LAST up to 9:05, then ever further, which nobody may see yet."""
    minutes = pl.datetime_range(
        OPENS - timedelta(minutes=90), OPENS, "1m", closed="left", eager=True
    )
    price = pl.when(pl.col("ts") < AT_9_05).then(LAST).otherwise(70.0)
    return _minutes(pl.DataFrame({"ts": minutes}), name, "pre", price)


def _minutes(frame: pl.DataFrame, name: str, phase: str, price: pl.Expr) -> pl.DataFrame:
    return frame.with_columns(
        symbol=pl.lit(name), phase=pl.lit(phase), volume=pl.lit(9_000.0), pull_id=pl.lit("p"),
        **dict.fromkeys(("open", "high", "low", "close"), price),
    )  # fmt: skip


def _open_at(desk: Desk, price: float, name: str = "AAA", now: datetime = AT_9_33) -> None:
    """The first regular minute of a name, and the clock after it."""
    first = pl.DataFrame({"ts": pl.Series([OPENS], dtype=pl.Datetime("us", "UTC"))})
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_minute", _minutes(first, name, "regular", pl.lit(price)))
    desk.now = lambda: now


def _approved(desk: Desk, name: str = "AAA") -> str:
    return plans.approve(desk, Ask(name), "a gap").plan_id


def test_before_the_open_a_plan_stands_on_the_last_print(morning: Desk) -> None:
    """Price, instant, how many prints and their source; nothing later than now is in it."""
    found = commands.run(morning, "plan", {"symbol": "AAA"}).document
    plan = found["plan"]
    assert (plan["session"], plan["entry"], plan["provisional"]) == (MONDAY, LAST, True)
    assert plan["gap_pct"] == pytest.approx(8.0)
    reference = plan["reference"]
    assert reference["at"] == AT_9_05
    assert (reference["price"], reference["prints"]) == (LAST, 65)
    assert reference["source"] == "prices.minute"
    assert reference["tolerance"] == pytest.approx(0.5)  # 25 % of an ATR of 2, below 1 % of 54
    assert found["verdict"]["decision"] == "approve"
    assert "stands for the open" in plan["explained"]["reference"]


@pytest.mark.few(1)
@pytest.mark.parametrize("entry", ["opening_range", "pullback", "vwap"])
def test_before_the_open_only_a_market_entry_is_planned(morning: Desk, entry: str) -> None:
    """The others rest on minutes that are still to come."""
    with pytest.raises(ValidationError, match="before the open only a market entry"):
        plans.propose(morning, Ask("AAA", entry_type=entry))


def test_a_name_without_a_print_keeps_its_last_session(morning: Desk) -> None:
    """Without a date it is Friday's plan; asked for Monday it is said what is missing."""
    assert plans.propose(morning, Ask("QUIET")).plan.session == FRIDAY
    with pytest.raises(ValidationError, match="QUIET has no print of 2026-11-30 yet"):
        plans.propose(morning, Ask("QUIET", MONDAY))


def test_page_scan_and_book_are_of_the_session_to_come(morning: Desk) -> None:
    """The symbol has a provisional bar with today's gap, the scan a column, risk today's book."""
    view = symbols.view(morning, "AAA")
    assert view.provisional
    assert view.bars["session"][-1] == MONDAY
    assert view.bars["gap_pct"][-1] == pytest.approx(8.0)
    assert view.bars["rvol"][-1] is None
    assert symbols.levels(view, MONDAY)["prior close"] == CLOSE
    quiet = symbols.view(morning, "QUIET")
    assert quiet.found is None
    assert quiet.bars["session"][-1] == FRIDAY
    row = scans.frame(scans.run(morning)).row(0, named=True)
    assert (row["provisional"], row["prints"], row["last_print_at"]) == (True, 65, AT_9_05)
    assert row["print_source"] == "prices.minute"
    _approved(morning)
    report = risk.report(morning)
    assert report.session == MONDAY
    assert report.holdings["symbol"].to_list() == ["AAA"]


OUTCOMES = {
    "within the tolerance": (54.4, "confirmed", "filled"),
    "beyond it, further away": (57.0, "resized", "filled"),
    "beyond it, nearer": (53.2, "resized", "filled"),
    "at the stop": (51.3, "not_taken", "not taken"),
    "the gap is small": (51.9, "not_taken", "not taken"),
    "the gap has turned": (49.0, "not_taken", "not taken"),
}


@pytest.mark.few(3)
@pytest.mark.parametrize(("price", "outcome", "state"), OUTCOMES.values(), ids=OUTCOMES)
def test_at_the_open_a_plan_is_confirmed_resized_or_not_taken(
    morning: Desk, price: float, outcome: str, state: str
) -> None:
    """Each with its sentence in plan and journal; the frozen plan stays as it was approved."""
    plan_id = _approved(morning)
    before = plans.stored(morning, plan_id)
    _open_at(morning, price)
    found = openings.open_now(morning)
    assert [(one.plan_id, one.opening.outcome) for one in found] == [(plan_id, outcome)]
    item = plans.stored(morning, plan_id)
    assert (item.state, item.frozen) == (state, before.plan)
    assert item.opening is not None
    assert item.outcome == item.opening.reason
    assert item.plan.shares <= before.plan.shares
    memos = [i.entry.memo for i in journal.entries(morning) if i.entry.plan_id == plan_id]
    assert any(item.opening.reason in memo for memo in memos)
    bought = [i for i in journal.entries(morning) if i.entry.kind == "entry_fill"]
    assert len(bought) == (outcome != "not_taken")
    assert journal.prove(morning)["differences"] == []
    assert openings.open_now(morning) == []
    row = exports.frame_of(morning, "plans").row(0, named=True)
    assert (row["provisional"], row["at_open"]) == (True, outcome)


def test_nothing_is_judged_before_the_open_is_told(morning: Desk) -> None:
    """Neither by the prints, nor by a regular minute that has not ended."""
    _approved(morning)
    assert openings.open_now(morning) == []
    _open_at(morning, 54.0, now=OPENS + timedelta(seconds=59))
    assert openings.open_now(morning) == []
    morning.now = lambda: OPENS + timedelta(minutes=1)
    assert len(openings.open_now(morning)) == 1


def test_the_day_that_follows_goes_on_from_that_fill(morning: Desk) -> None:
    """The evening's bar, even with another open, adds what comes after and doubles nothing."""
    plan_id = _approved(morning)
    _open_at(morning, 57.0)
    openings.open_now(morning)
    day = pl.DataFrame({"session": [MONDAY]}).with_columns(
        symbol=pl.lit("AAA"), open=pl.lit(57.2), high=pl.lit(57.9), low=pl.lit(56.5),
        close=pl.lit(57.5), volume=pl.lit(3_000_000, pl.Int64), pull_id=pl.lit("p"),
    )  # fmt: skip
    others = [_bars(name, pl.Series([MONDAY])) for name in ("BBB", "QUIET")]
    with morning.warehouse.transaction() as tx:
        for frame in (day, *others):
            tx.insert("bars_daily", frame)
    morning.now = lambda: OPENS + timedelta(hours=9)
    done = settling.settle_all(morning)["plans"][0]
    assert (done["state"], done["by_hand"], done["posted"]) == ("filled", False, 1)
    kinds = [i.entry.kind for i in journal.entries(morning) if i.entry.plan_id == plan_id]
    assert kinds == ["commitment", "release", "entry_fill", "mark"]
    assert settling.settle_all(morning)["plans"][0]["posted"] == 0
    assert journal.prove(morning)["differences"] == []


def test_a_desk_that_was_off_at_the_open_judges_by_the_daily_bar(morning: Desk) -> None:
    """Settling does it first: nothing is filled that the open would have refused."""
    plan_id = _approved(morning)
    with morning.warehouse.transaction() as tx:
        for name in ("AAA", "BBB", "QUIET"):
            tx.insert("bars_daily", _bars(name, pl.Series([MONDAY])))  # back at the prior close
    morning.now = lambda: OPENS + timedelta(hours=9)
    settling.settle_all(morning)
    item = plans.stored(morning, plan_id)
    assert (item.state, item.opening.opened.source) == ("not taken", "prices.daily")
    assert "gap is gone" in item.opening.reason or "stop" in item.opening.reason


def test_limits_at_the_open_count_beyond_the_tolerance(
    morning: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan that the limits of that moment refuse is not taken, and its reservation is let go."""
    plan_id = _approved(morning)
    tight = morning.settings.model_copy(update={"excluded_symbols": ["AAA"]})
    monkeypatch.setattr(morning, "settings", tight)
    _open_at(morning, 57.0)
    opening = openings.open_now(morning)[0].opening
    assert opening.outcome == "not_taken"
    assert "AAA" in opening.reason
    assert approved_plans(morning, morning.warehouse)[plan_id].waiting is False
    assert not risk.report(morning).holdings.height


def test_what_waits_reserves_its_risk_until_the_open(morning: Desk) -> None:
    """A second plan sees the first one's risk; at the open neither takes more than approved."""
    first = plans.stored(morning, _approved(morning, "AAA"))
    second = plans.propose(morning, Ask("BBB"))
    assert second.book.open_risk == first.plan.risk + first.plan.costs
    _approved(morning, "BBB")
    for name in ("AAA", "BBB"):
        _open_at(morning, 56.0, name)
    for one in openings.open_now(morning):
        item = plans.stored(morning, one.plan_id)
        assert item.plan.risk <= item.frozen.risk
        assert item.plan.notional <= item.frozen.notional * Decimal("1.05")


def test_a_crash_between_leaves_all_or_nothing(
    morning: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcome, state and postings are one transaction."""
    plan_id = _approved(morning)
    _open_at(morning, 54.0)
    monkeypatch.setattr(openings, "_entries", lambda *_: (_ for _ in ()).throw(UsageError("gone")))
    with pytest.raises(UsageError, match="gone"):
        openings.open_now(morning)
    item = plans.stored(morning, plan_id)
    assert (item.state, item.opening) == (plan_store.WAITING, None)
    monkeypatch.undo()
    morning.now = lambda: AT_9_33
    assert openings.open_now(morning)[0].opening.outcome == "confirmed"


def test_after_its_open_a_name_is_planned_at_it(morning: Desk) -> None:
    """No longer provisional: the open is the first regular minute's until the bar is there."""
    _open_at(morning, 55.0)
    found = plans.propose(morning, Ask("AAA"))
    assert (float(found.plan.entry), found.plan.provisional) == (55.0, False)
    row = scans.run(morning).gaps.rows.filter(pl.col("symbol") == "AAA").row(0, named=True)
    assert (row["open"], row["provisional"]) == (55.0, False)
    view = symbols.view(morning, "AAA")
    assert view.found is not None
    assert not view.provisional
