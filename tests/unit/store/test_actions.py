"""Corporate actions under the symbols of the bars, whatever upstreams call names and kinds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from core.service.desk import Desk
from core.service.gaps import market_view
from core.service.trading.plans import Ask, propose
from core.store import actions
from tests import price_cases
from tests.unit.domain.gaps.test_price_cases import DAY, WIDE, seen, series

PAID = (90, 90.4, 89.6, 90.1, 6e6)  # after a close of about 100 and a dividend of 10
HALF = (50, 50.4, 49.6, 50.1, 1.1e7)  # after a split of two


def _told(desk: Desk, folder: Path, symbol: str, last: tuple[float, ...], action: str) -> None:
    price_cases.load_text(desk, folder, "\n".join(series(symbol, DAY, last)))  # type: ignore[arg-type]
    price_cases.load_text(desk, folder, action, "corporate_actions")


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("bars", "spelled"), [("BRK.B", "BRK-B"), ("BRK-B", "BRK/B"), ("AAA", "aaa"), ("aaa", "AAA")]
)
def test_an_action_belongs_to_its_name_however_it_is_spelled(
    desk: Desk, tmp_path: Path, bars: str, spelled: str
) -> None:
    """A dividend under another spelling is no fall: neither in the scan nor in a plan."""
    _told(desk, tmp_path, bars, PAID, f"{spelled},{DAY},dividend,,10,USD,")
    row = seen(desk, bars, DAY, WIDE)
    assert row["gap_ex_div_pct"] == pytest.approx(0.3, abs=0.1)
    assert propose(desk, Ask(bars, DAY)).plan.direction == "long"
    (paid,) = market_view.actions(desk.warehouse, bars, date(2026, 6, 1), DAY, raw=True)
    assert (paid.kind, float(paid.value)) == ("dividend", 10)


@pytest.mark.few(2)
@pytest.mark.parametrize("kind", ["Dividend", "DIVIDEND", "special_dividend", "Cash Dividend"])
def test_words_for_dividends(desk: Desk, tmp_path: Path, kind: str) -> None:
    """A special one is a dividend too: its cash counts."""
    _told(desk, tmp_path, "AAA", PAID, f"AAA,{DAY},{kind},,10,USD,")
    row = seen(desk, "AAA", DAY, WIDE)
    assert row["words"] == ["ex_dividend"]
    assert row["gap_ex_div_pct"] == pytest.approx(0.3, abs=0.1)


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("kind", "ratio", "last"),
    [
        ("Split", 2, HALF),
        ("stock_split", 2, HALF),
        ("Reverse Split", 0.1, (1003, 1007, 999, 1004, 5e5)),
        ("stock-dividend", 1.05, (95.5, 95.9, 95.1, 95.6, 5.3e6)),
    ],
)
def test_words_for_splits(
    desk: Desk, tmp_path: Path, kind: str, ratio: float, last: tuple[float, ...]
) -> None:
    """Shares for shares, under whatever word: both sides of the gap stand on one basis."""
    _told(desk, tmp_path, "AAA", last, f"AAA,{DAY},{kind},{ratio},,,")
    row = seen(desk, "AAA", DAY, WIDE | {"min_gap_pct": 0.1})
    assert row["gap_pct"] == pytest.approx(0.4, abs=0.3)
    (split,) = market_view.actions(desk.warehouse, "AAA", date(2026, 6, 1), DAY, raw=True)
    assert (split.kind, float(split.value)) == ("split", ratio)


@pytest.mark.parametrize("before", ["dividend,,10,USD,", "Dividend,,10,USD,cash", "x,,10,USD,"])
@pytest.mark.parametrize("again", ["dividend,,10,USD,special", "special_dividend,,10,USD,"])
def test_cash_told_again_in_other_words_counts_once(
    desk: Desk, tmp_path: Path, before: str, again: str
) -> None:
    """An upstream that rewrites a note or a kind pays nothing twice, in scan and journal."""
    _told(desk, tmp_path, "AAA", PAID, f"AAA,{DAY},{before}")
    price_cases.load_text(desk, tmp_path, f"AAA,{DAY},{again}", "corporate_actions")
    assert seen(desk, "AAA", DAY, WIDE)["gap_ex_div_pct"] == pytest.approx(0.3, abs=0.1)
    told = market_view.actions(desk.warehouse, "AAA", date(2026, 6, 1), DAY, raw=True)
    assert [float(item.value) for item in told if item.kind == "dividend"] == [10]


def test_the_last_word_on_a_split_counts(desk: Desk, tmp_path: Path) -> None:
    """A ratio that is corrected under another note replaces the first, whatever the notes."""
    _told(desk, tmp_path, "AAA", HALF, f"AAA,{DAY},split,20,,,")
    price_cases.load_text(desk, tmp_path, f"AAA,{DAY},split,2,,,corrected", "corporate_actions")
    row = seen(desk, "AAA", DAY, WIDE | {"min_gap_pct": 0.1})
    assert row["gap_pct"] == pytest.approx(0.4, abs=0.3)


def test_equal_cash_of_one_pull_counts_twice(desk: Desk, tmp_path: Path) -> None:
    """A regular and a special distribution may be of the same amount."""
    five = f"AAA,{DAY},dividend,,5,USD,"
    _told(desk, tmp_path, "AAA", PAID, f"{five}regular\n{five}special")
    assert seen(desk, "AAA", DAY, WIDE)["gap_ex_div_pct"] == pytest.approx(0.3, abs=0.1)


def test_the_spelling_of_the_bars_goes_first(desk: Desk, tmp_path: Path) -> None:
    """One dividend stated under two spellings is one; of other words nothing is guessed."""
    _told(desk, tmp_path, "BRK.B", PAID, f"BRK-B,{DAY},dividend,,10,USD,")
    more = f"BRK.B,{DAY},dividend,,10,USD,\nZZZ,{DAY},Spin-Off,,4,USD,\n"
    more += f"ZZZ,{DAY},stock dividend,0.05,,,"
    price_cases.load_text(desk, tmp_path, more, "corporate_actions")
    found = actions.known(desk.warehouse).select("symbol", "kind").rows()
    assert found == [("BRK.B", "dividend"), ("ZZZ", "stock dividend"), ("ZZZ", "spin off")]


def test_a_plan_knows_that_its_bars_are_adjusted_already(desk: Desk, tmp_path: Path) -> None:
    """Bars that do not change by a split on record are not divided by it a second time."""
    _told(desk, tmp_path, "AAA", (106, 107, 105, 106, 9e6), f"AAA,{DAY},split,2,,,")
    plan = propose(desk, Ask("AAA", DAY)).plan
    assert plan.gap_pct == pytest.approx(6.3, abs=0.3)
    assert seen(desk, "AAA", DAY)["place"] == "candidate"


@pytest.mark.parametrize("ratio", ["", "0"])
def test_a_split_without_a_ratio_is_asked_about(desk: Desk, tmp_path: Path, ratio: str) -> None:
    """Prices cannot follow it: the move is told with the action, and is no candidate."""
    _told(desk, tmp_path, "AAA", HALF, f"AAA,{DAY},split,{ratio},,,")
    row = seen(desk, "AAA", DAY, WIDE)
    assert "split_adjusted" not in row["words"]
    assert "corporate_action" in row["words"] or "action" in row["words"]


@pytest.mark.parametrize("amount", [1e308, 1e12, -2.0])
def test_an_impossible_dividend_that_is_stored_is_no_cash(
    desk: Desk, tmp_path: Path, amount: float
) -> None:
    """Files are refused it today; one that was stored before stops no settlement, and is asked
    about.
    """
    _told(desk, tmp_path, "AAA", PAID, f"AAA,{DAY},dividend,,10,USD,")
    with desk.warehouse.transaction() as tx:
        tx.execute("UPDATE corporate_actions SET amount = ?", [amount])
    assert actions.known(desk.warehouse)["kind"].to_list() == [actions.UNCLEAR_DIVIDEND]
    assert market_view.actions(desk.warehouse, "AAA", date(2026, 6, 1), DAY, raw=True) == []
    row = seen(desk, "AAA", DAY, WIDE)
    assert row["gap_ex_div_pct"] is None
    assert "corporate_action" in row["words"]
