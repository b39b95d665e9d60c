"""Candidates are read and measured together, each as if alone, and their past once a morning."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from unittest.mock import Mock

import polars as pl
import pytest

from components.paper import html
from components.parts import brief as parts
from core.domain.gaps import measure as gaps
from core.domain.timetable import sessions as calendar
from core.service.brief import candidates, gather
from core.service.desk import Desk
from core.service.gaps import like_gaps, pasts, scans, symbols
from core.service.gaps import session as scan_inputs
from core.service.trading import plan_views, plans
from core.service.trading.plans import Ask
from core.store import prints
from tests import filled

MONDAY, FRIDAY = date(2026, 11, 30), date(2026, 11, 27)
OPENS = datetime(2026, 11, 30, 14, 30, tzinfo=UTC)
AT_9_05 = OPENS - timedelta(minutes=25)
NAMES = [f"N{n:02}" for n in range(24)]  # more than make a market: BROAD_NAMES
ALIKE = 60  # sessions before the last on which all of them move alike, on little volume
MORE = 200  # sessions


@pytest.fixture
def morning(desk: Desk) -> Desk:
    """A desk at 9:05: all names rose by 16 % in one quiet session, and gap by 6 % or more now."""
    desk.now = lambda: AT_9_05
    filled.fill(desk)
    desk.settings = desk.settings.model_copy(update={"min_rvol": 0.0})
    days = calendar.sessions_between(FRIDAY - timedelta(days=290), FRIDAY)["session"].tail(MORE)
    with desk.warehouse.transaction() as tx:
        tx.execute("DELETE FROM bars_daily")
        for n, name in enumerate(NAMES):
            tx.insert("bars_daily", _bars(n, name, days))
            tx.insert("bars_minute", _prints(n, name))
        tx.execute("DELETE FROM bars_daily WHERE symbol = 'N05' AND session = ?", [days[MORE - 9]])
    return desk


def _bars(n: int, name: str, days: pl.Series) -> pl.DataFrame:
    """Prices that move by up to 3 % a night, in steps of the name's own."""
    at = pl.int_range(pl.len())
    level = 50.0 + n + (at * (n + 3) % 7) * 0.4 + pl.when(at >= MORE - ALIKE).then(9.0).otherwise(0)
    quiet = pl.when(at == MORE - ALIKE).then(900_000).otherwise(3_000_000 + at * 1_000)
    return (
        pl.DataFrame({"session": days})
        .with_columns(level=level, volume=quiet.cast(pl.Int64), symbol=pl.lit(name))
        .with_columns(
            open=pl.col("level"),
            high=pl.col("level") * 1.004,
            low=pl.col("level") * 0.996,
            close=pl.col("level") * 1.001,
            pull_id=pl.lit("p"),
        )
        .drop("level")
    )


def _prints(n: int, name: str) -> pl.DataFrame:
    ts = pl.datetime_range(OPENS - timedelta(minutes=60), OPENS, "1m", closed="left", eager=True)
    price = (59.0 + n + ((MORE - 1) * (n + 3) % 7) * 0.4) * (1.06 + n / 400) + pl.int_range(
        pl.len()
    ) / 500
    return pl.DataFrame({"ts": ts}).with_columns(
        symbol=pl.lit(name), phase=pl.lit("pre"), volume=pl.lit(9_000.0), pull_id=pl.lit("p"),
        **dict.fromkeys(("open", "high", "low", "close"), price),
    )  # fmt: skip


def test_pasts_together_are_those_of_each_alone(morning: Desk) -> None:
    """Also of more names than a market is made of: judged beside each other the rise were one."""
    together = pasts.pasts(morning, NAMES, MONDAY)
    for name in NAMES:
        view = symbols.view(morning, name, MONDAY)
        before = view.outcomes.select(pasts.FOLLOWED)
        assert together[name].outcomes.equals(before), name
        bars = view.bars.select("session", *pasts.OHLC).head(view.bars.height - 1)
        assert together[name].bars.equals(bars), name
    every = pl.concat(past.outcomes for past in together.values())
    assert every.filter(pl.col("gap_pct") > 10).is_empty()  # the quiet rise of all is no gap


@pytest.mark.parametrize("asked", [None, MONDAY, FRIDAY])
def test_views_together_are_those_of_each_alone(morning: Desk, asked: date | None) -> None:
    """Of the session to come by its prints, and of one that is over; one without a bar is left."""
    together = plan_views.looks(morning, NAMES, asked)
    assert set(together) == set(NAMES)
    for name in NAMES:
        alone = plan_views.look(morning, morning.warehouse, name, asked)
        one, many = (_plain(view) for view in (alone, together[name]))
        assert one == many, name
        made = plans.propose(morning, Ask(name, asked), view=together[name])
        assert made.fingerprint == plans.propose(morning, Ask(name, asked)).fingerprint


def _plain(view: object) -> dict[str, object]:
    """A view whose frames are lists, to be compared."""
    found = {name: getattr(view, name) for name in view.__slots__}  # type: ignore[attr-defined]
    facts = found.pop("facts")
    found |= {name: getattr(facts, name) for name in facts.__slots__}
    return {k: v.to_list() if isinstance(v, pl.Series) else v for k, v in found.items()} | {
        name: found[name].rows() for name in ("bars", "minutes")
    }


def test_one_minute_measures_its_session_once(
    morning: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the scan that a pull begins, a page that names the day, a plan, and the brief of now."""
    measured = Mock(wraps=scan_inputs._provisional)
    monkeypatch.setattr(scan_inputs, "_provisional", measured)
    first = scans.run(morning)
    morning.now = lambda: AT_9_05 + timedelta(seconds=20, microseconds=7)
    assert scans.run(morning, MONDAY).gaps is first.gaps
    plans.propose(morning, Ask(NAMES[0], MONDAY))
    found = gather.gather(morning)
    assert (found["at"], found["session"]) == (morning.now(), MONDAY)
    assert measured.call_count == 1
    morning.now = lambda: AT_9_05 + timedelta(minutes=1)
    assert gather.gather(morning)["known_at"] == morning.now()
    assert measured.call_count == 2


def test_the_brief_of_now_tells_a_plan_of_this_minute(morning: Desk) -> None:
    """Not from the next minute on only."""
    morning.now = lambda: AT_9_05 + timedelta(seconds=20)
    none = "No plan waits, none is open."
    assert none in html.part(parts.made(morning, None))
    plans.approve(morning, Ask(NAMES[0]), "a gap")
    assert none not in html.part(parts.made(morning, None))


def test_a_brief_a_minute_later_measures_no_past(
    morning: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its names once for their plans, and the like gaps of none; a print came in between."""
    gather.gather(morning)
    measured, looked = Mock(wraps=gaps.measure), Mock(return_value=[])
    monkeypatch.setattr(gaps, "measure", measured)
    monkeypatch.setattr(like_gaps, "closed_days", looked)
    with morning.warehouse.transaction() as tx:
        extra = _prints(0, NAMES[0]).with_columns(ts=pl.col("ts") - timedelta(hours=2))
        tx.insert("bars_minute", extra)
    morning.now = lambda: AT_9_05 + timedelta(minutes=1)
    found = gather.gather(morning)
    told = [row for row in found["candidates"] if row["detail"]]
    assert len(told) == gather.MOST
    assert all(row["detail"]["plan"]["plan"] for row in told)
    assert measured.call_count == 2  # the scan's, where no state is kept, and the plans' together
    assert not looked.called


def test_a_daily_bar_that_comes_in_is_in_the_next_brief(morning: Desk) -> None:
    """What is kept of the past is kept until then."""
    before = pasts.pasts(morning, NAMES[:1], MONDAY)[NAMES[0]].bars.height
    with morning.warehouse.transaction() as tx:
        late = calendar.session_back(FRIDAY, MORE)
        tx.insert("bars_daily", _bars(0, NAMES[0], pl.Series([late])))
    assert pasts.pasts(morning, NAMES[:1], MONDAY)[NAMES[0]].bars.height == before + 1


def test_prints_together_are_those_of_each_alone(morning: Desk) -> None:
    """None of a name without any."""
    from core.service.gaps import coming

    found = coming.prints_of(morning, [*NAMES, "NONE"], MONDAY)
    assert set(found) == set(NAMES)
    for name in NAMES:
        assert found[name] == coming.print_of(morning, name, MONDAY)
    one = prints.minutes_of(morning.warehouse, NAMES[:1], OPENS - timedelta(hours=2), OPENS)
    assert found[NAMES[0]].prints == one.filter(pl.col("ts") < AT_9_05).height


def test_the_days_of_a_chart_end_with_the_print(morning: Desk) -> None:
    """As many sessions as a chart has, the session to come among them."""
    found = gather.gather(morning)
    days = found["candidates"][0]["detail"]["days"]
    assert len(days) == candidates.SESSIONS
    assert days[-1][0] == MONDAY
    assert len(set(days[-1][1:])) == 1
