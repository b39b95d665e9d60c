"""Charts of plans, risk and journal: what the figures say, on their dictionaries."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from components.charts import journal as charts_journal
from components.charts import plans as charts_plans
from components.charts import risk as charts_risk
from components.parts import limit_bars
from core.domain.risk.checks import plan_checks
from core.domain.risk.measures import value_at_risk
from core.domain.risk.types import Book, LimitCheck, Limits, Name
from core.domain.trading.plans import Account, Plan, PlanRules, Setup, build

DAY = date(2017, 3, 1)
BARS = pl.DataFrame(
    {
        "session": [DAY - timedelta(days=n) for n in range(9, -1, -1)],
        "open": [100.0] * 10,
        "high": [102.0] * 10,
        "low": [99.0] * 10,
        "close": [101.0] * 10,
    }
)


def plan_of(direction: str = "long", volume: float = 1e7) -> Plan:
    setup = Setup("AAA", DAY, direction, "market", 100.0, 2.0, volume)
    return build(setup, Account(Decimal(100_000)), PlanRules())


def title(figure) -> str:
    return figure.to_dict()["layout"]["title"]["text"]


@pytest.mark.parametrize(
    ("direction", "word", "loss"), [("long", "Long", 97), ("short", "Short", 103)]
)
def test_plan_has_a_box_for_each_r(direction: str, word: str, loss: float) -> None:
    """One box of loss down to the stop, one per target, and the plan in the title."""
    figure = charts_plans.plan_candles(BARS, plan_of(direction))
    boxes = [s for s in figure.to_dict()["layout"]["shapes"] if s["type"] == "rect"]
    assert (boxes[0]["y0"], boxes[0]["y1"]) == (100, loss)
    assert len(boxes) == 4
    assert title(figure).startswith(f"{word} 200 AAA at 100")
    assert figure.layout.yaxis.title.text == "price, USD"


def test_fills_are_drawn_where_they_happened() -> None:
    """Each fill is a marker on its session with its price."""
    fills = [{"session": DAY, "price": Decimal("100.5"), "what": "entry"}]
    trace = charts_plans.plan_candles(BARS, plan_of(), fills).to_dict()["data"][1]
    assert (trace["x"], trace["y"]) == (["01 Mar 17"], [100.5])


def test_headroom_says_what_is_over() -> None:
    """A limit that is broken is hatched, coloured and named in the title."""
    book, name = Book(Decimal(100_000), Decimal(100_000)), Name(mean_volume=1e7)
    fine = plan_checks(plan_of(), book, name, Limits())
    assert title(charts_plans.headroom(fine)).startswith("All 12 limits hold")
    broken = plan_checks(plan_of(), book, name, Limits(exclusions=frozenset({"AAA"})))
    figure = charts_plans.headroom(broken)
    assert title(figure) == "Exclusions over the limit"
    assert figure.to_dict()["data"][0]["marker"]["pattern"]["shape"].count("/") == 1


def test_treemap_and_heatmap_show_every_name() -> None:
    """The treemap adds up to the book; unknown correlations stay empty."""
    holdings = pl.DataFrame(
        {
            "symbol": ["AAA", "BBB"],
            "sector": ["Tech", "Banks"],
            "direction": ["long", "short"],
            "value": [3000.0, -1000.0],
        }
    )
    tree = charts_risk.exposure_treemap(holdings, 10_000.0, "USD").to_dict()["data"][0]
    assert sum(v for v, p in zip(tree["values"], tree["parents"], strict=True) if not p) == 4000
    assert "− BBB" in tree["labels"]
    heat = charts_risk.correlation_heatmap({}, ["AAA", "BBB"], 0.7).to_dict()["data"][0]
    assert [list(row) for row in heat["z"]] == [[1.0, None], [None, 1.0]]


def test_pairs_that_are_unknown_are_told() -> None:
    """The limit counts them as moving together: the title of one known pair of three says so."""
    known = {frozenset({"AAA", "BBB"}): 0.1}
    some = charts_risk.correlation_heatmap(known, ["AAA", "BBB", "CCC"], 0.7)
    assert title(some).endswith("(from 0.7); 2 unknown, counted as if they did")
    assert title(charts_risk.correlation_heatmap(known, ["AAA", "BBB"], 0.7)).endswith("(from 0.7)")


def test_histogram_has_both_values_at_risk() -> None:
    """Two lines at the historical and the parametric figure, in percent."""
    returns = pl.DataFrame({"return": [0.01, -0.02, 0.003, -0.004] * 20})
    var = value_at_risk(returns["return"])
    shapes = charts_risk.var_histogram(returns, var).to_dict()["layout"]["shapes"]
    assert [s["x0"] for s in shapes] == [-var.historical * 100, -var.parametric * 100]


def test_charts_of_nothing_say_so() -> None:
    """Without trades each figure is empty and its title says why."""
    trades = pl.DataFrame(
        schema={
            "exit_session": pl.Date,
            "realised_r": pl.Float64,
            "mfe_r": pl.Float64,
            "mae_r": pl.Float64,
        }
    )
    curve = pl.DataFrame(schema={"day": pl.Date, "equity": pl.Float64, "profit": pl.Float64})
    assert title(charts_journal.equity_curve(curve, "USD")) == "No result yet"
    assert title(charts_journal.r_distribution(trades)) == "No closed trade yet"


def test_no_trade_is_said() -> None:
    """A plan of 0 shares is drawn as no trade."""
    plan = replace(plan_of(), shares=0)
    assert title(charts_plans.plan_candles(BARS, plan)) == "AAA: no trade, 0 shares"


def test_the_grade_is_never_the_tightest_limit() -> None:
    """A grade lets the whole size through: what binds is another limit, told with its share."""
    grade = LimitCheck("filing_grade", Decimal(150), Decimal(150), "money", "")
    loss = LimitCheck("daily_loss", Decimal(1), Decimal(4), "money", "")
    figure = charts_plans.headroom([grade, loss])
    assert title(figure) == "All 2 limits hold; daily loss is the tightest, 25 % used"
    unused = LimitCheck("daily_loss", Decimal(0), Decimal(4), "money", "")
    assert title(charts_plans.headroom([grade, unused])) == "All 2 limits hold; none is in use"


def test_amounts_stand_in_a_column_beside_the_bars() -> None:
    """What is used of what is allowed is written right of the line, also when it is too much."""
    over = LimitCheck("position", Decimal(400), Decimal(200), "money", "")
    some = LimitCheck("daily_loss", Decimal(1), Decimal(4), "money", "")
    words = charts_plans.headroom([over, some]).to_dict()["data"][1]
    assert words["text"] == ["400 of 200", "1 of 4"]
    assert min(words["x"]) > 100


@pytest.mark.parametrize(
    ("used", "said", "color"),
    [("999.60", "999 of 1,000", "orange"), ("1000", "1,000 of 1,000, full", "orange"),
     ("1250.20", "1,251 of 1,000", "red"), ("400", "400 of 1,000", "")],
)  # fmt: skip
def test_a_limit_beside_the_scan_reads_as_it_is(used: str, said: str, color: str) -> None:
    """What is not at its limit does not read as if it were; red is only what is over it."""
    check = LimitCheck("position", Decimal(used), Decimal(1000), "money", "Why & how.")
    told = limit_bars.bars([check])
    assert f"<span>{said}</span>" in told
    assert f'class="bar {color}"' in told
    assert "Why &amp; how." in told
    assert "<em>" not in told
    assert "<em>A &amp; B.</em>" in limit_bars.bars([check], also="A & B.")


@pytest.mark.parametrize(
    ("limit", "used", "allowed", "words"),
    [
        ("exclusions", 0, 0, "not listed"),
        ("exclusions", 1, 0, "listed"),
        ("filing_grade", 1666, 1666, "full size"),
        ("filing_grade", 1666, 833, "1,666 of 833"),
        ("filing_grade", 1666, 0, "no trade"),
        ("liquidity", 1666, 23515, "1,666 of 23,515"),
    ],
)
def test_a_limit_that_is_no_amount_says_what_it_means(
    limit: str, used: int, allowed: int, words: str
) -> None:
    """0 of 0, and a size of itself, told nobody whether the plan may be taken."""
    check = LimitCheck(limit, Decimal(used), Decimal(allowed), "shares", "")
    assert charts_plans.amounts(check) == words
