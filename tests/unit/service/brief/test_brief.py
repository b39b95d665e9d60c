"""The brief of a morning: what is in it, as of when, and that the same is the same."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import polars as pl
import pytest

from app import run as runner
from core.domain.timetable import sessions as calendar
from core.errors import UsageError
from core.observe.events import Event
from core.service.brief import candidates, gather, problems
from core.service.desk import Desk
from core.service.kernel import commands
from core.service.pulls import upstreams
from core.service.trading import plans
from core.service.trading.plans import Ask
from core.store import events
from tests import filled

MONDAY, FRIDAY = date(2026, 11, 30), date(2026, 11, 27)
OPENS = datetime(2026, 11, 30, 14, 30, tzinfo=UTC)
AT_9_05 = OPENS - timedelta(minutes=25)
CLOSE, LAST = 50.0, 54.0


@pytest.fixture
def morning(desk: Desk) -> Desk:
    """A desk at 9:05: quiet bars of two followed companies up to Friday, then prints at +8 %."""
    desk.now = lambda: AT_9_05
    filled.fill(desk)
    days = calendar.sessions_between(FRIDAY - timedelta(days=120), FRIDAY)["session"]
    minutes = pl.datetime_range(
        OPENS - timedelta(minutes=90), OPENS, "1m", closed="left", eager=True
    )
    price = pl.when(pl.col("ts") < AT_9_05).then(LAST).otherwise(70.0)
    with desk.warehouse.transaction() as tx:
        tx.execute("DELETE FROM bars_daily")
        for name in filled.SYMBOLS:
            tx.insert("bars_daily", _bars(name, days))
        for name in filled.SYMBOLS[:1]:
            frame = pl.DataFrame({"ts": minutes}).with_columns(
                symbol=pl.lit(name), phase=pl.lit("pre"), volume=pl.lit(9_000.0),
                pull_id=pl.lit("p"), **dict.fromkeys(("open", "high", "low", "close"), price),
            )  # fmt: skip
            tx.insert("bars_minute", frame)
    return desk


def _bars(name: str, days: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"session": days}).with_columns(
        symbol=pl.lit(name), open=pl.lit(CLOSE), high=pl.lit(CLOSE + 1), low=pl.lit(CLOSE - 1),
        close=pl.lit(CLOSE), volume=pl.lit(3_000_000, pl.Int64), pull_id=pl.lit("p"),
    )  # fmt: skip


def test_the_candidates_come_with_why_plan_and_charts(morning: Desk) -> None:
    """The session to come from its last prints, and nothing later than the instant asked for."""
    morning.settings = morning.settings.model_copy(update={"min_rvol": 0.0})
    found = commands.run(morning, "brief", {}).document
    assert (found["session"], found["provisional"], found["opens_at"]) == (MONDAY, True, OPENS)
    (row,) = found["candidates"]
    assert (row["symbol"], row["name"], row["rank"]) == ("AAA", "Alpha Inc", 1)
    assert row["gap_pct"] == pytest.approx(8.0)
    detail = row["detail"]
    assert detail["plan"]["plan"]["entry"] == LAST
    assert detail["plan"]["verdict"]["decision"] in ("approve", "shrink", "reject")
    assert len(detail["days"]) == candidates.SESSIONS
    assert detail["minutes"]["bars"][-1][4] == LAST


def test_filings_since_the_close_and_plans_and_limits_are_told(morning: Desk) -> None:
    """Of the followed companies; limits in the order of the risk check."""
    plan = plans.approve(morning, Ask("AAA"), "a gap")
    found = commands.run(morning, "brief", {}).document
    assert {item["symbol"] for item in found["filings"]} == {"AAA", "BBB"}
    assert [item["plan_id"] for item in found["plans"]] == [plan.plan_id]
    assert found["plans"][0]["state"] == "approved"
    told = found["candidates"][0]["detail"]["plan"]  # no second one on top of it
    assert (told["plan"]["shares"], told["state"], told["because"]) == (
        plan.plan.shares,
        "approved",
        "a gap",
    )
    assert found["book"]["limits"][0]["limit"] == "daily_loss"
    assert {item["dataset"] for item in found["data"]} >= {"prices.daily"}


def test_problems_come_gravest_first(morning: Desk) -> None:
    """A report withdrawn since the close before a limit that is near; earlier ones are old news."""
    since = morning.now() - timedelta(hours=12)
    gone = Event.of("filing.withdrawn", "1001 a-1", "Alpha Inc withdrew its 10-Q")
    with morning.warehouse.transaction() as tx:
        events.add(tx, [Event.of("filing.withdrawn", "x", "long ago")], since - timedelta(days=1))
        events.add(tx, [gone], since + timedelta(hours=1))
    near = {"used": 85.0, "allowed": 100.0, "sentence": "85 of 100 used"}
    calm = {"used": 10.0, "allowed": 100.0, "sentence": "calm"}
    found = problems.found(morning, [], [calm, near], since)
    told = [(item["severity"], item["message"]) for item in found]
    assert told == [("error", gone.message), ("warning", "85 of 100 used")]


def test_a_host_that_is_down_is_one_problem(morning: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the names of what it holds back; what lacks by itself stands below, once."""
    host = SimpleNamespace(
        label="container",
        blocked=False,
        last_error="refused.",
        datasets=("prices.daily", "a", "b"),
        since=morning.now(),
    )
    monkeypatch.setattr(upstreams, "down", lambda _: [host])
    status = {"enabled": True, "freshness": "failing", "partial_reason": "", "fault": "no such"}
    status |= {"failing_since": morning.now(), "last_error": "no such"}
    lacking = [SimpleNamespace(name=name, **status) for name in ("prices.daily", "b", "own")]
    calm = SimpleNamespace(name="a", **status | {"freshness": "fresh"})
    found = problems.found(morning, [*lacking, calm], [], morning.now())  # type: ignore[list-item]
    assert [(item["subject"], item["message"]) for item in found] == [
        (
            "container",
            "does not answer since 2026-11-30 14:05Z: refused; not in for it: prices.daily, b",
        ),
        ("own", "failing; no such"),
    ]
    earlier = morning.as_of(morning.now() - timedelta(minutes=1))
    assert problems.found(earlier, [calm], [], earlier.now()) == []  # type: ignore[list-item]


def test_an_earlier_instant_knows_nothing_later(morning: Desk) -> None:
    """At 7:00 no print was there, and no plan decided on since."""
    plans.approve(morning, Ask("AAA"), "a gap")
    early = OPENS - timedelta(hours=2, minutes=30)
    found = commands.run(morning, "brief", {"at": early}).document
    assert (found["at"], found["session"], found["provisional"]) == (early, FRIDAY, False)
    assert found["plans"] == []
    assert all(item["accepted_at"] <= early for item in found["filings"])
    later = commands.run(morning, "brief", {}).document
    assert (later["session"], later["at"]) == (MONDAY, AT_9_05)


def test_the_same_store_and_instant_make_the_same_document(morning: Desk) -> None:
    """Whatever the clock says, and whatever is pulled again, meanwhile."""
    first = runner.dumps(commands.run(morning, "brief", {"at": AT_9_05}).document)
    later = AT_9_05 + timedelta(seconds=40)
    morning.now = lambda: later
    again = {"pull_id": "p" * 32, "dataset": "prices.daily", "trigger": "schedule", "state": "done"}
    again |= {"started_at": later, "finished_at": later, "seconds": 1.0, "simulated": False}
    with morning.warehouse.transaction() as tx:
        tx.insert("pulls", pl.DataFrame([again]))
    assert runner.dumps(commands.run(morning, "brief", {"at": AT_9_05}).document) == first


def test_an_earlier_instant_knows_the_book_and_the_plans_as_they_were_then(morning: Desk) -> None:
    """A plan that was called off and money that was drawn after it are those of later."""
    plan = plans.approve(morning, Ask("AAA"), "a gap")
    first = runner.dumps(commands.run(morning, "brief", {"at": AT_9_05}).document)
    morning.now = lambda: OPENS + timedelta(minutes=12)
    commands.run(morning, "plan_cancel", {"plan_id": plan.plan_id, "reason": "no more"})
    commands.run(morning, "journal_withdraw", {"amount": "1000"})
    assert runner.dumps(commands.run(morning, "brief", {"at": AT_9_05}).document) == first
    now = commands.run(morning, "brief", {}).document
    before = json.loads(first)
    assert [item["state"] for item in now["plans"]] != [item["state"] for item in before["plans"]]
    assert now["book"]["equity"] == before["book"]["equity"] - 1000
    assert now["book"]["open_risk"] < before["book"]["open_risk"]


def test_an_empty_desk_has_a_brief_that_says_so(desk: Desk) -> None:
    """Nothing fails before the first pull."""
    found = commands.run(desk, "brief", {}).document
    assert (found["session"], found["candidates"], found["book"]) == (None, [], None)
    assert "no bars" in found["no_scan"] or "no prices" in found["no_scan"]


def test_an_instant_needs_a_zone(desk: Desk) -> None:
    """A time of no zone could be any of two dozen."""
    with pytest.raises(UsageError, match="zone"):
        gather.gather(desk, AT_9_05.replace(tzinfo=None))
