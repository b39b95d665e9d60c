"""The status line: what it says at every hour, and when an open page runs again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from components.kit import once, shell, status_line
from core.service.desk import Desk
from core.service.trading import status_line as service
from core.service.trading.status_line import StatusLine

MORNING = datetime(2026, 11, 30, 14, 5, 12, tzinfo=UTC)  # 9:05 in New York
OPENS = datetime(2026, 11, 30, 14, 30, tzinfo=UTC)
LINE = StatusLine(MORNING, "before", OPENS, MORNING - timedelta(seconds=12), 0, 0, 18.2)
BARS = SimpleNamespace(
    name="prices.daily", data_until=datetime(2026, 11, 27, tzinfo=UTC), sessions_behind=0
)
ZONE = "America/New_York"


def said(line: StatusLine = LINE, **bars: Any) -> str:
    known = SimpleNamespace(**{**vars(BARS), **bars})
    return " · ".join(status_line.parts(line, known, ZONE))  # type: ignore[arg-type]


def test_a_calm_morning() -> None:
    """Clock, time to the open, last print, data date, queue and risk, without a colour."""
    assert said() == (
        "**09:05** ET · opens in **24 min** · last print **09:05** · bars to **Fri 27 Nov** · "
        "queue **0** · daily risk **18 %** used"
    )
    assert "23:05" in status_line.parts(LINE, None, "Asia/Tokyo")[0]


@pytest.mark.parametrize(
    ("words", "line", "bars"),
    [
        (":orange[bars to **Wed 25 Nov, 1 session behind**]", LINE,
         {"data_until": datetime(2026, 11, 25, tzinfo=UTC), "sessions_behind": 1}),
        ("opens in :orange[**4 min 48 s**]", replace(LINE, now=OPENS - timedelta(seconds=288)), {}),
        (":orange[daily risk **80 %** used]", replace(LINE, risk_used_pct=80.0), {}),
        (":orange[daily risk **100 %** used]", replace(LINE, risk_used_pct=100.0), {}),
        (":red[daily risk **104 %** used]", replace(LINE, risk_used_pct=104.0), {}),
        (":red[**2** dead]", replace(LINE, dead=2), {}),
        ("closes in **6 h 30 min**", replace(LINE, now=OPENS, phase="open",
         turns_at=OPENS + timedelta(hours=6, minutes=30)), {}),
        ("opens **Mon 30 Nov 09:30 ET**", replace(LINE, now=OPENS - timedelta(days=1),
         phase="closed"), {}),
        ("last print **Fri 27 Nov 13:00 ET**",
         replace(LINE, last_print=datetime(2026, 11, 27, 18, tzinfo=UTC)), {}),
    ],
)  # fmt: skip
def test_a_word_in_colour_where_it_is_not(
    words: str, line: StatusLine, bars: dict[str, object]
) -> None:
    """Amber when the data are behind, the bell is near or a limit is; red for dead and exceeded."""
    assert words in said(line, **bars)


@pytest.mark.parametrize(
    ("now", "phase", "turns"),
    [
        (MORNING, "before", OPENS),
        (OPENS, "open", datetime(2026, 11, 30, 21, tzinfo=UTC)),
        (datetime(2026, 11, 27, 17, tzinfo=UTC), "open", datetime(2026, 11, 27, 18, tzinfo=UTC)),
        (datetime(2026, 11, 27, 18, tzinfo=UTC), "closed", OPENS),  # the half day is over
        (
            datetime(2026, 11, 26, 15, tzinfo=UTC),
            "closed",
            datetime(2026, 11, 27, 14, 30, tzinfo=UTC),
        ),
    ],
)
def test_the_next_turn_of_the_exchange(now: datetime, phase: str, turns: datetime) -> None:
    """Holidays, half days and weekends included."""
    assert service.turn(now) == (phase, turns)


def pulled(desk: Desk, dataset: str, number: int, rows: int) -> None:
    row = {"pull_id": f"{number:032d}", "dataset": dataset, "trigger": "schedule", "state": "done"}
    times = {"started_at": desk.now(), "finished_at": desk.now(), "simulated": True}
    with desk.warehouse.transaction() as tx:
        tx.insert("pulls", pl.DataFrame([{**row, **times, "rows_inserted": rows}]))


def test_the_mark_changes_with_what_the_page_rests_on(desk: Desk) -> None:
    """Rows of its own datasets; not other ones, and no pull that changed nothing."""
    before = service.mark(desk, ["prices.minute"])
    pulled(desk, "prices.minute", 1, rows=0)
    pulled(desk, "sec.facts", 2, rows=5)
    assert service.mark(desk, ["prices.minute"]) == before
    pulled(desk, "prices.minute", 3, rows=5)
    assert service.mark(desk, ["prices.minute"]) != before


def test_the_last_print_is_never_of_a_minute_that_runs(desk: Desk) -> None:
    """The end of the last whole minute up to now."""
    assert service.last_print(desk) is None
    minute = desk.now().replace(second=0, microsecond=0) - timedelta(minutes=3)
    prints = pl.DataFrame({"ts": [minute, minute + timedelta(minutes=9)]}).with_columns(
        symbol=pl.lit("AAA"), open=1.0, high=1.0, low=1.0, close=1.0, volume=pl.lit(5.0),
        phase=pl.lit("pre"), pull_id=pl.lit("p"),
    )  # fmt: skip
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_minute", prints)
    assert service.last_print(desk) == minute + timedelta(minutes=1)


def watching() -> None:
    import streamlit as st

    from components.kit import shell

    shell.page("Scan", purpose="p", datasets=("prices.minute",))
    st.session_state["runs"] = st.session_state.get("runs", 0) + 1


def test_an_open_page_runs_again_when_its_data_have_changed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look between two runs finds the mark changed and asks for a run of the whole page."""
    at = AppTest.from_function(watching).run()
    assert not at.exception
    assert at.session_state["runs"] == 1
    marks = iter([("old",), ("new",)])  # drawn with the first, looked at with the second
    monkeypatch.setattr(service, "mark", lambda *_: next(marks, ("new",)))
    looks = iter([2, 1])  # the fragment comes round between the two runs

    def coming_round(*given: Any) -> None:
        for _ in range(next(looks)):
            status_line._line(*given)

    monkeypatch.setattr(status_line, "_every", lambda _: coming_round)
    once.forget()
    at.run()
    assert not at.exception
    assert at.session_state["runs"] == 2
    assert next(marks, None) is None
    assert shell.EVERYTHING == status_line.EVERYTHING
