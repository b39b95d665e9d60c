"""The gap pages over a market with one large gap; charts by their figures."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from components.charts import gaps as charts_gaps
from components.kit import once, reader
from components.kit import saved_views as views
from core.domain.access.principals import Role
from core.domain.timetable import sessions as calendar
from core.service.desk import Desk
from core.service.gaps import session as scan_inputs
from core.service.trading import trades
from tests.opened import listed, run_page

DAYS = calendar.sessions_between(date(2014, 1, 2), date(2014, 6, 30))["session"]


@pytest.fixture
def gapping(desk: Desk) -> Desk:
    """AAA gaps by 10 % on the last session with five times its volume; BBB halves quietly."""
    last = pl.col("session") == DAYS[-1]
    rows = pl.DataFrame({"symbol": ["AAA", "BBB"]}).join(
        pl.DataFrame({"session": DAYS}), how="cross"
    )
    wave = (pl.int_range(pl.len()) * 0.9).sin() + 50
    jump = pl.when(pl.col("symbol") == "AAA").then(1.1).otherwise(0.4)
    price = pl.when(last).then(50 * jump).otherwise(wave)
    volume = pl.when(last & (pl.col("symbol") == "AAA")).then(5_000_000).otherwise(1_000_000)
    bars = rows.select(
        "symbol",
        "session",
        open=price,
        high=price + 1,
        low=price - 1,
        close=price + 0.5,
        volume=volume,
        pull_id=pl.lit("p" * 32),
    )
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars)
    return desk


def text_of(at: AppTest) -> str:
    return " ".join(str(item.value) for item in [*at.markdown, *at.caption])


def test_the_scan_page_tells_candidates_and_reasons(gapping: Desk) -> None:
    """One candidate with its score; the quiet halving is left out as no gap."""
    at = run_page("gap_scan")
    assert not at.exception
    assert not at.error
    assert "1 name gaps" in text_of(at)
    assert "**AAA** scores" in text_of(at)
    assert "because the gap is none" in text_of(at)


def test_the_plan_is_decided_on_beside_the_scan(gapping: Desk) -> None:
    """With the checks of Plans; afterwards the pane tells of the decision instead."""
    at = run_page("gap_scan")
    (approve,) = [button for button in at.button if button.label.startswith("Approve")]
    assert "Verdict" in text_of(at)
    assert "similar gap" in text_of(at)
    at.text_input(key="reason").set_value("gap and go")
    approve.click().run()
    assert not at.exception
    assert not at.error
    (plan,) = trades.decided(gapping, "AAA", DAYS[-1])
    assert approve.label == f"Approve {plan.plan.shares:,} shares in hindsight"
    assert f"**{plan.plan.shares:,}** at" in text_of(at)
    assert "gap and go" in text_of(at)
    assert f"plan={plan.plan_id}" in text_of(at)
    assert "Verdict" not in text_of(at)  # it would be that of the same plan once more
    assert not [button for button in at.button if button.label.startswith("Approve")]


def test_who_may_not_decide_is_told_so_beside_the_scan(
    gapping: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The button stands there, with the role that it needs."""
    monkeypatch.setattr(reader, "may", lambda desk, role: role in (Role.VIEWER, Role.ANALYST))
    buttons = {button.label.split()[0]: button for button in run_page("gap_scan").button}
    assert buttons["Approve"].disabled
    assert buttons["Reject"].disabled
    assert not buttons["Propose"].disabled


@pytest.fixture
def withdrawn(gapping: Desk) -> Desk:
    """The newest report of AAA is A, and was withdrawn three days before the gap."""
    last, now = DAYS[-1], gapping.now()
    key = [77, "k13"]
    with gapping.warehouse.transaction() as tx:
        tx.execute("INSERT INTO companies (cik, name, pull_id) VALUES (77, 'Alpha Corp', 'p')")
        tx.execute(
            "INSERT INTO company_identifiers (cik, kind, value, source, pull_id) "
            "VALUES (77, 'ticker', 'AAA', 'sec', 'p')"
        )
        tx.execute(
            "INSERT INTO grades (cik, accession, form, filed, period_end, score, grade, ruleset, "
            "graded_at, is_current) VALUES (?, ?, '10-K', ?, ?, 99, 'A', 'r', ?, TRUE)",
            [*key, last - timedelta(days=90), last - timedelta(days=180), now],
        )
        tx.execute(
            "INSERT INTO filing_status (cik, accession, since, status, reason, computed_at) "
            "VALUES (?, ?, ?, 'withdrawn', 'withdrawn by item 4.02 of the 8-K of then', ?)",
            [*key, last - timedelta(days=3), now],
        )
    return gapping


def test_the_scan_shows_a_withdrawn_report_beside_its_grade(withdrawn: Desk) -> None:
    """In the row, and in the sentence below it."""
    at = run_page("gap_scan")
    assert not at.error
    (row,) = listed(at, "candidates")
    assert (row["grade"], row["status"]) == ("D", "withdrawn")
    assert "Its newest graded report was withdrawn by item 4.02 of the 8-K of then." in text_of(at)


def test_the_plan_names_the_notice(withdrawn: Desk) -> None:
    """Its check of the grade warns, halves or refuses as for a D."""
    at = run_page("plans", symbol="AAA", session=DAYS[-1].isoformat())
    assert not at.exception
    said = "Filing grade D (10-K, 90 days old), withdrawn by item 4.02 of the 8-K of then"
    assert said in text_of(at)


def test_filters_of_the_scan_page_come_from_the_url(gapping: Desk) -> None:
    """A narrower filter in the URL leaves nobody."""
    at = run_page("gap_scan", rvol="9.0")
    assert not at.error
    assert "0 names gap" in text_of(at)


def test_a_day_without_a_session_is_said(gapping: Desk) -> None:
    """A Saturday is no session; the page says so and shows no traceback."""
    at = run_page("gap_scan", session="2014-06-28")
    assert not at.exception
    assert "did not trade" in at.error[0].value


def test_the_symbol_page_opens_any_name(gapping: Desk) -> None:
    """A name from the URL, and the one of a saved link that is gone."""
    assert not run_page("symbol", symbol="AAA").exception
    at = run_page("symbol", symbol="GONE")
    assert not at.exception
    assert "GONE has no bars" in at.info[0].value


def test_the_symbol_page_begins_with_the_best_candidate(gapping: Desk) -> None:
    """Not with the first of the alphabet; a name of the address stays."""
    with gapping.warehouse.transaction() as tx:
        tx.execute("UPDATE bars_daily SET symbol = 'ZZZ' WHERE symbol = 'AAA'")
    once.forget()
    assert run_page("symbol").selectbox(key="symbol").value == "ZZZ"
    assert run_page("symbol", symbol="BBB").selectbox(key="symbol").value == "BBB"


def test_the_statistics_page_has_rates(gapping: Desk) -> None:
    """Rates are shown with their number of gaps."""
    at = run_page("gap_statistics")
    assert not at.exception
    assert not at.error
    assert "within the filters" in text_of(at)


def test_only_the_back_test_counts_as_one(gapping: Desk) -> None:
    """Looking at rates tries no variant; the back-test has its own view, which the URL can open."""
    tried = "SELECT count(*) FROM backtest_variants"
    assert "Back-test of the signal" not in text_of(run_page("gap_statistics"))
    assert gapping.warehouse.read(tried).item() == 0
    at = run_page("gap_statistics", view="Back-test", gap="1.0")
    assert not at.exception
    assert not at.error
    assert "Back-test of the signal" in text_of(at)
    assert "within the filters" not in text_of(at)
    assert gapping.warehouse.read(tried).item() == 1


def test_rates_are_grey_and_hollow_below_thirty() -> None:
    """Few cases look different in shape as well as colour."""
    table = pl.DataFrame(
        {
            "size": ["4–7 %", "7–10 %"],
            "n": [40, 5],
            "rate_pct": [50.0, 40.0],
            "low_pct": [35.0, 10.0],
            "high_pct": [65.0, 77.0],
            "enough": [True, False],
        }
    )
    fig = charts_gaps.rates(table, "size", title="t").to_dict()
    assert fig["data"][0]["marker"]["symbol"] == ["circle", "circle-open"]
    assert fig["layout"]["xaxis"]["title"]["text"] == "percent of gaps"


def test_candles_are_at_most_260() -> None:
    """However much is given, 260 candles are sent, and closed days are cut out."""
    days = calendar.sessions_between(date(2012, 1, 3), date(2014, 1, 3))["session"]
    bars = pl.DataFrame({"session": days}).with_columns(
        open=pl.lit(1.0), high=pl.lit(2.0), low=pl.lit(0.5), close=pl.lit(1.5), volume=pl.lit(10)
    )
    none = pl.DataFrame(
        schema={
            "session": pl.Date,
            "until": pl.Date,
            "bottom": pl.Float64,
            "top": pl.Float64,
            "up": pl.Boolean,
            "filled": pl.Boolean,
        }
    )
    filings = pl.DataFrame(schema={"session": pl.Date, "title": pl.String})
    fig = charts_gaps.candles(bars, none, filings, {"prior close": 1.0}, title="t").to_dict()
    assert len(fig["data"][0]["x"]) == 260
    assert len(fig["layout"]["xaxis"]["rangebreaks"]) == 2


def test_names_of_near_levels_stand_apart() -> None:
    """Levels at nearly one price are named in the margin, one above the other."""
    bars = pl.DataFrame({"session": DAYS[:30], "volume": [1] * 30}).with_columns(
        open=pl.lit(10.0), high=pl.lit(12.0), low=pl.lit(8.0), close=pl.lit(11.0)
    )
    boxes = pl.DataFrame(schema={"bottom": pl.Float64, "top": pl.Float64})
    filings = pl.DataFrame(schema={"session": pl.Date, "title": pl.String})
    levels = {"prior close": 10.05, "20-session high": 12.0, "20-session low": 10.0}
    fig = charts_gaps.candles(bars, boxes, filings, levels, title="").to_dict()
    names = {note["text"]: note for note in fig["layout"]["annotations"]}
    levels_told = {"prior close 10.05", "20-session high 12.00", "20-session low 10.00"}
    assert set(names) == {*levels_told, "<b>11.00</b>"}
    heights = sorted(note["y"] for note in names.values())
    axis, room = fig["layout"]["yaxis"], fig["layout"]["margin"]
    (low, high), (foot, top) = axis["range"], axis["domain"]
    tall = (fig["layout"]["height"] - room["t"] - 34) * (top - foot)  # 34: days below the panels
    assert all((b - a) / (high - low) * tall >= 16 for a, b in pairwise(heights))  # a line of text
    assert {note["xanchor"] for note in names.values()} == {"left"}


def test_a_filter_does_not_measure_again(gapping: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first look a change of a filter or weight reads no bars and measures nothing."""
    monkeypatch.setattr(views, "is_open", lambda _: True)
    at = run_page("gap_scan")
    calls = []
    for module, name in ((scan_inputs, "window_rows"), (scan_inputs, "session_catalysts")):
        monkeypatch.setattr(module, name, lambda *a, **k: calls.append(a))
    at.query_params["rvol"] = "9.0"
    at.run()
    at.slider(key="bound_w_liquidity").set_value(0.5).run()
    assert not at.exception
    assert calls == []


def test_a_symbol_has_its_minutes_beside_its_days(gapping: Desk) -> None:
    """The session's chart by the minute stands there once minutes of it are stored."""
    assert len(run_page("symbol", symbol="AAA").get("plotly_chart")) == 1
    opens = calendar.sessions_between(DAYS[-1], DAYS[-1])["open_at"][0]
    prints = pl.DataFrame({"ts": [opens - timedelta(minutes=n) for n in (9, 5, 1)]}).with_columns(
        symbol=pl.lit("AAA"), open=54.0, high=56.0, low=53.0, close=55.0, volume=pl.lit(900.0),
        phase=pl.lit("pre"), pull_id=pl.lit("p"),
    )  # fmt: skip
    with gapping.warehouse.transaction() as tx:
        tx.insert("bars_minute", prints)
    at = run_page("symbol", symbol="AAA")
    assert not at.exception
    assert not at.error
    daily, minutes = at.get("plotly_chart")
    assert "AAA 55.00" in minutes.proto.spec
    assert "by the minute on Mon 30 Jun 2014" in minutes.proto.alt
    assert "daily AAA 126" in daily.proto.spec


def pulled(desk: Desk, dataset: str, minute: int) -> None:
    """Write down that a pull of the dataset has brought rows."""
    at = datetime(2014, 7, 1, 12, minute, tzinfo=UTC)
    row = {"pull_id": f"{minute:032d}", "dataset": dataset, "trigger": "manual", "state": "done"}
    times = {"started_at": at, "finished_at": at, "rows_inserted": 1, "simulated": True}
    with desk.warehouse.transaction() as tx:
        tx.insert("pulls", pl.DataFrame([{**row, **times}]))


def test_scans_rest_on_their_own_datasets_only(gapping: Desk) -> None:
    """A pull of other bars or of facts leaves what was measured; its own do not."""
    source = scan_inputs.dataset_of(gapping, "prices.daily")
    before = scan_inputs.version(gapping, source)
    for minute, other in enumerate(("prices.daily.raw", "sec.facts", "index.vix")):
        pulled(gapping, other, minute)
        assert scan_inputs.version(gapping, source) == before
    seen = {before}
    for minute, own in enumerate(("prices.daily", "sec.submissions", "corporate_actions"), 5):
        pulled(gapping, own, minute)
        seen.add(scan_inputs.version(gapping, source))
    assert len(seen) == 4


@pytest.mark.few(1)
@pytest.mark.parametrize("page", ["gap_scan", "symbol", "gap_statistics"])
def test_figures_change_after_a_pull(gapping: Desk, page: str) -> None:
    """What is kept between clicks is made anew once a pull has changed the bars."""
    moment = gapping.now()
    gapping.now = lambda: moment  # the status line tells the minute
    before = shown_on(run_page(page))
    assert shown_on(run_page(page)) == before
    with gapping.warehouse.transaction() as tx:
        tx.execute(
            "UPDATE bars_daily SET open = 60, high = 61, low = 59, close = 60 "
            "WHERE symbol = 'AAA' AND session = ?",
            [DAYS[-1]],
        )
    pulled(gapping, "prices.daily", 9)
    after = run_page(page)
    assert not after.exception
    assert shown_on(after) != before


def shown_on(at: AppTest) -> tuple[str, list[str]]:
    """What a reader sees: sentences and charts, without the clock of the status line."""
    told = [str(item.value) for item in [*at.markdown, *at.caption]]
    still = " ".join(text for text in told if "material/notifications" not in text)
    return still, [str(item.proto) for item in at.get("plotly_chart")]
