"""The price cases, and made-up bars of the same structure, through the whole desk."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core.domain.gaps import flags as gap_flags
from core.service.desk import Desk
from core.service.gaps import market_view, scans
from core.service.trading.plans import Ask, propose
from tests import price_cases
from tests.price_cases import series

WIDE = {"min_gap_pct": 0.5, "min_rvol": 0, "min_price": 0, "max_price": 1e6, "max_gap_pct": 1e6}
DAY = date(2026, 6, 15)


def seen(desk: Desk, symbol: str, day: date, filters: dict[str, float] | None = None) -> Any:
    """The row of a name in a scan, with the list it stands in; None where it is in neither."""
    scan = scans.run(desk, day, filters or {})
    for place, frame in (("candidate", scan.candidates), ("left out", scan.excluded)):
        for row in frame.iter_rows(named=True):
            if row["symbol"] == symbol:
                return {"place": place, **row}
    return None


def test_case_special_dividend(desk: Desk, tmp_path: Path) -> None:
    """The whole drop is the recorded $10: no candidate at any filter, no short plan."""
    price_cases.load(desk, price_cases.case_or_made("special-dividend", tmp_path))
    row = seen(desk, "COST2", DAY)
    assert row["gap_pct"] == pytest.approx(-1000 / row["prior_close"], abs=0.01)
    assert row["gap_ex_div_pct"] == pytest.approx(0, abs=0.01)
    assert row["place"] == "left out"
    assert "without the day's distribution" in row["reason"]
    assert propose(desk, Ask("COST2", DAY)).plan.direction == "long"
    assert propose(desk, Ask("COST2", DAY)).tag == "no gap"


def test_case_two_dividends_on_one_day(desk: Desk, tmp_path: Path) -> None:
    """Both count: 10.50, and the gap without them is −4.8 %, which is what the filters see."""
    price_cases.load(desk, price_cases.case_or_made("two-dividends-one-day", tmp_path))
    row = seen(desk, "COST", DAY, {"min_rvol": 0, "max_gap_pct": 5})
    assert row["gap_ex_div_pct"] == pytest.approx((89.4 + 10.5) / row["prior_close"] * 100 - 100)
    assert row["gap_ex_div_pct"] == pytest.approx(-4.8, abs=0.05)
    assert row["place"] == "candidate"
    plan = propose(desk, Ask("COST", DAY)).plan
    assert (plan.direction, plan.gap_pct) == ("short", pytest.approx(row["gap_ex_div_pct"]))
    view = market_view.actions(desk.warehouse, "COST", date(2026, 6, 1), DAY, raw=True)
    assert sorted(float(action.value) for action in view) == [0.5, 10]


def test_case_dividend_in_pence(desk: Desk, tmp_path: Path) -> None:
    """Without a rate it is refused with a sentence; with one, 50 pence are about 0.6 dollars."""
    price_cases.load(desk, price_cases.case_or_made("dividend-in-pence", tmp_path))
    row = seen(desk, "VOD", DAY, WIDE)
    assert row["place"] == "left out"
    assert row["reason"].startswith("corporate_action: a distribution in another currency")
    assert row["gap_ex_div_pct"] is None
    assert market_view.actions(desk.warehouse, "VOD", date(2026, 6, 1), DAY, raw=True) == []


def test_a_dividend_in_pence_is_refused_whatever_the_filters(desk: Desk, tmp_path: Path) -> None:
    """A raw gap of 2.6 % is below the least of 4 %; what it is without the cash nobody knows."""
    price_cases.load(desk, price_cases.case_or_made("dividend-in-pence", tmp_path))
    (row,) = scans.run(desk, DAY, {}).excluded.to_dicts()
    assert row["symbol"] == "VOD"
    assert "without a rate" in row["reason"]


def test_a_dividend_in_pence_at_a_stated_rate(make_desk, tmp_path: Path) -> None:
    """A rate of the pound makes 50 GBX 0.6335 dollars in scan and journal."""
    desk = make_desk(fx_rates={"GBP": "1.267"})
    price_cases.load(desk, price_cases.case_or_made("dividend-in-pence", tmp_path))
    row = seen(desk, "VOD", DAY, WIDE)
    added = (row["gap_ex_div_pct"] - row["gap_pct"]) / 100 * row["prior_close"]
    assert added == pytest.approx(0.6335)
    rates = {"GBP": 1.267}
    (paid,) = market_view.actions(
        desk.warehouse, "VOD", date(2026, 6, 1), DAY, raw=True, rates=rates
    )
    assert float(paid.value) == pytest.approx(0.6335)


@pytest.mark.parametrize(
    ("currency", "amount", "cash"),
    [("USD", 2, 2.0), ("", 2, 2.0), ("GBp", 200, 2.6), ("GBX", 200, 2.6), ("EUR", 2, 2.2)],
)
def test_cash_in_the_currency_of_the_prices(
    make_desk, tmp_path: Path, currency: str, amount: float, cash: float
) -> None:
    """Pence, other currencies at their rates, and none stated: the gap without the cash."""
    desk = make_desk(fx_rates={"GBP": "1.3", "EUR": "1.1"})
    rows = series("AAA", DAY, (93, 93.5, 92.5, 93, 8e6))
    price_cases.load_text(desk, tmp_path, "\n".join(rows))
    action = f"AAA,2026-06-15,dividend,,{amount},{currency},"
    price_cases.load_text(desk, tmp_path, action, "corporate_actions")
    row = seen(desk, "AAA", DAY, WIDE)
    assert (93 + cash) / row["prior_close"] * 100 - 100 == pytest.approx(row["gap_ex_div_pct"])


def test_a_dividend_can_hide_a_gap(desk: Desk, tmp_path: Path) -> None:
    """A name that opens flat on the day it pays 6 % gaps up by 6 %: a candidate, and long."""
    price_cases.load_text(
        desk, tmp_path, "\n".join(series("AAA", DAY, (100, 100.5, 99.5, 100, 9e6)))
    )
    price_cases.load_text(desk, tmp_path, "AAA,2026-06-15,dividend,,6,USD,", "corporate_actions")
    row = seen(desk, "AAA", DAY)
    assert row["place"] == "candidate"
    assert row["volatility"] == 100
    assert propose(desk, Ask("AAA", DAY)).plan.direction == "long"


def test_case_empty_base_bar(desk: Desk, tmp_path: Path) -> None:
    """The bar before is unsound: the name is left out with its reason, never simply absent."""
    price_cases.load(desk, price_cases.case_or_made("empty-base-bar", tmp_path))
    row = seen(desk, "NANB", date(2026, 10, 16))
    assert row["place"] == "left out"
    assert row["reason"].startswith("bad_print: the bar of the session before is unsound")


@pytest.mark.parametrize("base", [",,,,", "nan,nan,nan,nan,5", "0,0,0,0,0", "1,1e308,1,1,5"])
def test_an_unsound_base_is_listed(desk: Desk, tmp_path: Path, base: str) -> None:
    """Whatever makes the bar before unsound, the name stands among those left out."""
    rows = [*series("AAA", DAY, (106, 107, 105, 106, 9e6))]
    rows[-2] = ",".join([*rows[-2].split(",")[:2], base])
    price_cases.load_text(
        desk,
        tmp_path,
        "\n".join([*rows, *series("BBB", DAY, (106, 107, 105, 106, 9e6))]),
    )
    assert seen(desk, "AAA", DAY)["reason"].startswith("bad_print")
    assert seen(desk, "BBB", DAY)["place"] == "candidate"


def test_case_reverse_split(desk: Desk, tmp_path: Path) -> None:
    """Off record it looks like a split; on record the gap is −2 %."""
    price_cases.load(desk, price_cases.case_or_made("reverse-split-on-and-off-record", tmp_path))
    day = date(2026, 2, 2)
    off, on = seen(desk, "AZN", day, WIDE), seen(desk, "AZNR", day, WIDE)
    assert "suspected_split" in off["words"]
    assert off["place"] == "left out"
    assert on["gap_pct"] == pytest.approx(-2, abs=0.5)


def test_case_pence_to_pounds_is_left_out(desk: Desk, tmp_path: Path) -> None:
    """On 2020-04-22 the price falls to a hundredth: left out with a reason."""
    price_cases.load(desk, price_cases.case_or_made("pence-to-pounds", tmp_path))
    row = seen(desk, "EZJ", date(2020, 4, 22), WIDE)
    assert row["place"] == "left out"
    assert row["reason"].startswith(("suspected_split", "corporate_action"))


def _famous(day: date, prior: float, noise: float, usual: float, last: price_cases.Bar) -> str:
    """Sixty quiet sessions of AAA, the prior close, and the session."""
    scale = usual / 5
    rows = list(series("AAA", day, (*last[:4], last[4] * 1e6 / scale), price=prior, noise=noise))
    rows[-2] = f"{','.join(rows[-2].split(',')[:2])},{prior},{prior},{prior},{prior},5000000"
    return "\n".join(rows)


# (day, prior close, usual day range, mean volume in millions, the session)
FAMOUS = {
    "GME 2021-01-27": (date(2021, 1, 27), 147.98, 0.22, 54.7, (354.83, 380, 249, 347.51, 93.4)),
    "GME 2021-01-28": (date(2021, 1, 28), 347.51, 0.23, 60, (265, 483, 112.25, 193.6, 58.8)),
    "GME 2021-01-29": (date(2021, 1, 29), 193.6, 0.33, 60, (379.71, 413.98, 250, 325, 50.6)),
    "GME 2021-02-02": (date(2021, 2, 2), 225, 0.36, 76, (140.76, 158, 74.22, 90, 78.2)),
    "TSLA 2024-08-05": (date(2024, 8, 5), 207.67, 0.042, 110, (185.22, 203.88, 182, 198.88, 83)),
    "SNDK 2025-10-13": (date(2025, 10, 13), 116.4, 0.075, 12, (129.3, 136, 126, 134, 10)),
    "VRT 2025-04-23": (date(2025, 4, 23), 71.9, 0.072, 14, (85.6, 87.5, 80.5, 82, 19)),
    "META 2022-02-03": (date(2022, 2, 3), 323, 0.026, 21, (244.6, 248, 235.7, 237.7, 188)),
    "NVDA 2023-05-25": (date(2023, 5, 25), 305.4, 0.03, 45, (385.2, 394.8, 366.3, 379.8, 154)),
    "SIVB 2023-03-09": (date(2023, 3, 9), 267.8, 0.035, 0.75, (176.5, 177, 100, 106, 38.7)),
    "INTC 2024-08-02": (date(2024, 8, 2), 29, 0.03, 50, (21.9, 22.3, 20.4, 21.5, 300)),
    "a trial that failed": (date(2023, 5, 23), 25, 0.05, 0.8, (5, 5.6, 4.6, 4.9, 40)),
}
SPLITS = {  # and the ratio, on record or not
    "AMZN": ((date(2022, 6, 6), 2447, 0.035, 4, (125.25, 129, 123.8, 124.8, 135)), 20.0),
    "GE": ((date(2021, 8, 2), 12.95, 0.02, 52, (104.5, 105.3, 101.7, 102.6, 6.3)), 1 / 8),
    "NVDA": ((date(2024, 6, 10), 1208.9, 0.03, 43, (120.4, 123.1, 117, 121.8, 314)), 10.0),
}


@pytest.mark.parametrize("name", FAMOUS)
def test_a_famous_gap_stays_real(desk: Desk, tmp_path: Path, name: str) -> None:
    """Moves that were called split or bad print: the name's days range as widely."""
    day = FAMOUS[name][0]
    price_cases.load_text(desk, tmp_path, _famous(*FAMOUS[name]))
    row = seen(desk, "AAA", day, WIDE)
    assert row["place"] == "candidate", row["reason"]
    assert not row["flags"] & int(gap_flags.EXCLUDING)
    assert propose(desk, Ask("AAA", day)).plan.shares > 0


@pytest.mark.parametrize("name", SPLITS)
def test_a_famous_split_is_found(desk: Desk, tmp_path: Path, name: str) -> None:
    """Left out while nobody recorded it, and of a small gap once somebody did."""
    told, ratio = SPLITS[name]
    price_cases.load_text(desk, tmp_path, _famous(*told))
    assert "suspected_split" in seen(desk, "AAA", told[0], WIDE)["words"]
    action = f"AAA,{told[0]},split,{ratio},,,"
    price_cases.load_text(desk, tmp_path, action, "corporate_actions")
    row = seen(desk, "AAA", told[0], WIDE | {"min_gap_pct": 0.1})
    assert abs(row["gap_pct"]) < 3
    assert row["rvol"] == pytest.approx(1, abs=0.8)


@pytest.mark.parametrize(("ratio", "high", "place"), [
    (20, 1.02, "left out"), (10, 1.03, "left out"), (4, 1.03, "left out"), (5, 1.16, "candidate"),
    (2, 1.03, "left out"), (3, 1.03, "left out"), (2.04, 1.02, "left out"),
    (2, 1.09, "candidate"), (3, 1.09, "candidate"), (2.2, 1.03, "candidate"),
])  # fmt: skip
def test_a_split_on_a_busy_day_is_no_collapse(
    desk: Desk, tmp_path: Path, ratio: float, high: float, place: str
) -> None:
    """Six times the usual dollars, but a session that ranged as any other; a collapse does not."""
    day, price = date(2022, 6, 6), 1000 / ratio
    bar = (price, price * high, price * 0.98, price, 6.0 * ratio)
    price_cases.load_text(desk, tmp_path, _famous(day, 1000, 0.035, 1, bar))
    row = seen(desk, "AAA", day, WIDE)
    assert row["place"] == place, row["reason"]
    assert bool(row["flags"] & int(gap_flags.EXCLUDING)) == (place == "left out")


@pytest.mark.parametrize(("others", "place"), [(30, "candidate"), (5, "left out")])
def test_breadth_of_the_market_counts(desk: Desk, tmp_path: Path, others: int, place: str) -> None:
    """A fall of 11 % of a quiet name on little volume is real where the market fell with it."""
    parts = [*series("AAA", DAY, (89, 89.8, 88.5, 89.2, 4e6))]
    for n in range(others):
        parts += series(f"M{n}", DAY, (95, 96, 94.5, 95.5, 9e6), seed=n)
    price_cases.load_text(desk, tmp_path, "\n".join(parts))
    assert seen(desk, "AAA", DAY, WIDE)["place"] == place


def test_low_volume_alone_is_no_bad_print(desk: Desk, tmp_path: Path) -> None:
    """A gap of 11 % on less than the usual volume that trades through its day is a candidate."""
    rows = series("AAA", DAY, (111, 112.5, 106, 110, 4e6))
    price_cases.load_text(desk, tmp_path, "\n".join(rows))
    assert seen(desk, "AAA", DAY, WIDE)["place"] == "candidate"
