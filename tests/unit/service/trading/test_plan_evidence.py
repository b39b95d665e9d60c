"""What a plan rests on and what stays of a decision: grades with an age, sectors, who and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from components.charts import plans as charts_plans
from components.charts import risk as charts_risk
from components.parts import overview
from core.domain.filings.sectors import division, sector_of
from core.domain.risk import measures as risk_measures
from core.domain.risk.checks import book_checks
from core.domain.risk.types import Book, Holding, LimitCheck, Limits
from core.domain.trading.plan_changes import changes
from core.errors import ValidationError
from core.service.desk import Desk
from core.service.kernel import commands, exports
from core.service.trading import journal, plans
from core.service.trading.plans import Ask
from core.store import scans as scan_store
from tests.unit.service.trading.test_journal_service import bars_of, sessions

SESSION = sessions(80)[-1]
CIK = 77


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """A desk with one name, a company with a ticker and a SIC code, and no universe."""
    named = {"cik": [CIK], "kind": ["ticker"], "value": ["AAA"], "source": ["sec"]}
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars_of("AAA"))
        tx.insert("company_identifiers", pl.DataFrame(named | {"pull_id": ["t"]}))
        tx.insert("companies", pl.DataFrame({"cik": [CIK], "sic": ["3711"], "pull_id": ["t"]}))
    return desk


def _grade(desk: Desk, *rows: tuple[str, str, int]) -> None:
    """Graded filings: grade, form, days before the session."""
    frame = pl.DataFrame(
        [
            {
                "cik": CIK,
                "accession": f"a{n}",
                "form": form,
                "filed": SESSION - timedelta(days=age),
                "grade": grade,
                "ruleset": "t",
                "graded_at": datetime(2026, 1, 1, tzinfo=UTC),
                "is_current": True,
            }
            for n, (grade, form, age) in enumerate(rows)
        ]
    )
    with desk.warehouse.transaction() as tx:
        tx.insert("grades", frame)


def _planned(desk: Desk) -> tuple[dict[str, Any], str]:
    document = commands.run(desk, "plan", {"symbol": "AAA"}).document
    return document["plan"], document["verdict"]["checks"][-1]["sentence"]


@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("rows", "grade", "age", "sentence"),
    [
        ([("B", "10-Q", 23)], "B", 23, "Filing grade B (10-Q, 23 days old): full size."),
        ([("A", "10-K", 400)], "A", 400, "Filing grade A (10-K, 400 days old): full size."),
        (
            [("A", "10-K", 401)],
            "NR",
            401,
            "Filing grade NR (10-K, 401 days old): a warning by the grade rule.",
        ),
        (
            [("A", "10-K", 90), ("NR", "10-Q", 1)],
            "NR",
            1,
            "Filing grade NR (10-Q, 1 day old): a warning by the grade rule.",
        ),
        (
            [("A", "10-K", 90), ("F", "8-K", 5)],
            "A",
            90,
            "Filing grade A (10-K, 90 days old): full size.",
        ),
        (
            [("A", "10-K", 90), ("NR", "10-K/A", 5)],  # a part III without figures
            "A",
            90,
            "Filing grade A (10-K, 90 days old): full size.",
        ),
        (
            [("A", "10-K", 0)],  # of the day itself: not known before the open
            "NR",
            None,
            "Filing grade NR (no graded report): a warning by the grade rule.",
        ),
    ],
)
def test_a_grade_has_an_age_and_a_form(
    filled: Desk, rows: list[tuple[str, str, int]], grade: str, age: int | None, sentence: str
) -> None:
    """The newest report counts, rated or not; beyond 400 days it is of another company."""
    _grade(filled, *rows)
    plan, said = _planned(filled)
    assert (plan["grade"], plan["grade_age_days"], said) == (grade, age, sentence)


def _filed(desk: Desk, form: str, age: int) -> None:
    """A filing without facts, so many days before the session."""
    row = {"cik": CIK, "accession": "b1", "form": form, "filed": SESSION - timedelta(days=age)}
    with desk.warehouse.transaction() as tx:
        tx.insert("filings", pl.DataFrame([row | {"pull_id": "t"}]))


@pytest.mark.parametrize(
    ("form", "age", "grade", "known"),
    [
        ("10-Q", 30, "NR", "10-Q"),
        ("10-KT", 2, "NR", "10-KT"),
        ("20-F", 2, "NR", "20-F"),
        ("10-Q", 1, "A", "10-K"),  # its facts may come yet
        ("8-K", 30, "A", "10-K"),
        ("10-K/A", 30, "A", "10-K"),
        ("NT 10-Q", 30, "A", "10-K"),
        ("10-Q", 2000, "A", "10-K"),  # of before the first with facts
    ],
)
def test_a_report_without_facts_is_not_rated(
    filled: Desk, form: str, age: int, grade: str, known: str
) -> None:
    """A letter of the report before it says nothing of the newest; in the back-test neither."""
    _grade(filled, ("B", "10-Q", 180), ("A", "10-K", 90))
    _filed(filled, form, age)
    plan, said = _planned(filled)
    assert plan["grade"] == grade and f"grade {grade} ({known}, " in said
    over = scan_store.grades_over_time(filled.warehouse).filter(pl.col("since") < SESSION)
    assert over["grade"][-1] == grade


def test_the_scan_uses_the_same_grade(filled: Desk) -> None:
    """As known then."""
    _grade(filled, ("A", "10-K", 90), ("NR", "10-Q", 30))
    row = scan_store.grades(filled.warehouse, SESSION).row(0, named=True)
    assert row == {
        "cik": CIK, "grade": "NR", "grade_form": "10-Q", "grade_age_days": 30,
        "status": None, "status_reason": None,
    }  # fmt: skip


NOTICE = "withdrawn by item 4.02 of the 8-K"


def _became(desk: Desk, status: str, days: int) -> None:
    """What became of every graded filing, so many days before the session."""
    with desk.warehouse.transaction() as tx:
        tx.execute(
            "INSERT INTO filing_status SELECT cik, accession, ?::DATE, ?, ?, 'n', graded_at "
            "FROM grades",
            [SESSION - timedelta(days=days), status, f"{status} by item 4.02 of the 8-K"],
        )


@pytest.mark.parametrize(
    ("letter", "days", "grade", "sentence"),
    [
        ("A", 1, "D", f"D (10-K, 90 days old), {NOTICE}: a warning by the grade rule."),
        ("NR", 1, "NR", f"NR (10-K, 90 days old), {NOTICE}: a warning by the grade rule."),
        ("F", 1, "F", f"F (10-K, 90 days old), {NOTICE}: a warning by the grade rule."),
        ("A", 0, "A", "A (10-K, 90 days old): full size."),  # of the day itself
    ],
)  # fmt: skip
def test_a_withdrawn_report_is_no_better_than_d(
    filled: Desk, letter: str, days: int, grade: str, sentence: str
) -> None:
    """From the day after its company said so; before, it stood as it was."""
    _grade(filled, (letter, "10-K", 90))
    _became(filled, "withdrawn", days)
    plan, said = _planned(filled)
    assert (plan["grade"], said) == (grade, f"Filing grade {sentence}")


def test_a_withdrawn_report_falls_under_the_grade_rule_whatever_is_low(filled: Desk) -> None:
    """Though D is not on the list of low grades."""
    desk = filled
    _grade(desk, ("A", "10-K", 90))
    _became(desk, "withdrawn", 1)
    desk.settings = desk.settings.model_copy(update={"low_grades": ["F"], "grade_rule": "reject"})
    plan, said = _planned(desk)
    assert said.endswith("no trade by the grade rule.")
    assert plan["status"] == "withdrawn"


def test_a_restated_report_keeps_its_grade_and_says_so(filled: Desk) -> None:
    """Not as filed any more, but not withdrawn."""
    _grade(filled, ("A", "10-K", 90))
    _became(filled, "restated later", 1)
    plan, said = _planned(filled)
    assert plan["grade"] == "A"
    assert said == (
        "Filing grade A (10-K, 90 days old), restated later by item 4.02 of the 8-K: full size."
    )


@pytest.mark.parametrize(
    ("sic", "name"),
    [
        ("3711", "Manufacturing (SIC division)"),
        ("100", "Agriculture, forestry and fishing (SIC division)"),
        ("6021", "Finance, insurance and real estate (SIC division)"),
        ("7372", "Services (SIC division)"),
        ("9995", None),
        ("", None),
        ("x", None),
        (None, None),
    ],
)
def test_divisions(sic: str | None, name: str | None) -> None:
    """By the first two of four digits."""
    assert division(sic) == name


def test_a_sector_falls_back_to_the_division(filled: Desk) -> None:
    """The universe first; without either it is unknown."""
    assert _planned(filled)[0]["sector"] == "Manufacturing (SIC division)"
    known = {"symbol": ["AAA"], "sector": ["Energy"], "pull_id": ["t"]}
    with filled.warehouse.transaction() as tx:
        tx.insert("universe", pl.DataFrame(known))
    assert _planned(filled)[0]["sector"] == "Energy"
    assert sector_of(" ", None) == sector_of("Unknown", "9999") == "unknown"


def _holding(symbol: str, sector: str) -> Holding:
    return Holding(symbol, sector, "long", 100, Decimal(20_000), Decimal(500))


def test_what_is_unknown_is_no_common_bucket() -> None:
    """Three unknown names do not make a concentrated sector, three known ones do."""
    for sector, ok in (("unknown", True), ("Energy", False)):
        held = tuple(_holding(name, sector) for name in "ABC")
        book = Book(Decimal(100_000), Decimal(100_000), holdings=held)
        check = next(c for c in book_checks(book, Limits()) if c.limit == "sector")
        assert check.ok is ok
    book = Book(Decimal(100_000), Decimal(100_000), holdings=(_holding("A", "unknown"),))
    said = next(c.sentence for c in book_checks(book, Limits()) if c.limit == "sector")
    assert said.startswith("The sector of A is not known, so it counts by itself")


@pytest.mark.parametrize("value", [0.01, 0.1, -0.003, 1e-9, 0.0, 1 / 3])
def test_sharpe_of_constant_returns_is_none(value: float) -> None:
    """What looks like a deviation there is rounding."""
    assert risk_measures.sharpe(pl.Series([value] * 252)) is None
    assert risk_measures.sharpe(pl.Series([value] * 252), risk_free=0.0001) is None
    noisy = pl.Series([0.1 + 0.2, 0.3] * 30)
    assert risk_measures.sharpe(noisy) is None
    assert risk_measures.beta(pl.Series([0.01, -0.02] * 30), pl.Series([value] * 60)) is None


def test_the_worst_stress_says_of_how_many() -> None:
    """Those with prices, of all."""
    stress = pl.DataFrame({"name": ["Crash", "Slump", "Old"], "return": [-0.2, -0.1, None]})
    title = charts_risk.stress_bars(stress, 1000, "USD").layout.title.text
    assert "the worst of 2 computable stretches (of 3)" in title


def _check(used: str, allowed: str, limit: str = "position") -> LimitCheck:
    return LimitCheck(limit, Decimal(used), Decimal(allowed), "money", "…")


def test_limits_at_their_end_look_it() -> None:
    """Another colour and a word; what is just below does not read as 100 %."""
    full = charts_plans.headroom([_check("20000", "20000"), _check("1", "9", "sector")])
    colors = full.data[0].marker.color
    assert colors[0] != colors[1]
    assert "full" in full.data[1].text[0]
    assert "full" not in full.data[1].text[1]
    assert "at the limit" in full.layout.title.text
    near = charts_plans.headroom([_check("19999", "20000")])
    assert "99 % used" in near.layout.title.text
    graded = charts_plans.headroom([_check("10", "10", "filing_grade")])
    assert graded.data[1].text[0] == "full size"  # what the grade allows, no limit at its end
    assert graded.data[0].marker.color[0] != colors[0]
    row = {"limit": "positions", "used": 8, "allowed": 8}
    assert "at the limit" in overview._used(row)
    assert overview._share({"limit": "positions", "used": 1, "allowed": 0}) == 1.0


def test_decisions_are_kept_for_good(make_desk: Any) -> None:
    """Who, when, why and under which limits: on record, in the export, after what follows."""
    desk = make_desk(trader="Ada", max_positions=5)
    with desk.warehouse.transaction() as tx:
        tx.insert("bars_daily", bars_of("AAA"))
    item = plans.approve(desk, Ask("AAA"), "results beat")
    journal.fill(desk, item.plan_id, item.plan.entry)
    after = plans.stored(desk, item.plan_id)
    assert (after.state, after.reason, after.outcome) == (
        "filled",
        "results beat",
        "filled by hand",
    )
    assert (after.decision, after.decided_by, after.decided_at) == (
        "approved",
        "Ada",
        item.decided_at,
    )
    assert after.limits is not None
    assert (after.limits["max_positions"], after.limits["position_pct"]) == (5, "20")
    row = exports.frame_of(desk, "plans").row(0, named=True)
    assert (row["reason"], row["outcome"], row["decided_by"]) == (
        "results beat",
        "filled by hand",
        "Ada",
    )
    assert '"max_positions": 5' in row["limits"]


def test_an_empty_reason_stays_empty(filled: Desk) -> None:
    """Nothing is put in its place, neither by an approval nor by a cancellation."""
    item = plans.approve(filled, Ask("AAA"), " ")
    assert (item.reason, item.outcome) == ("", None)
    over = plans.cancel(filled, item.plan_id, "")
    assert (over.state, over.reason, over.outcome) == ("cancelled", "", "")


def test_a_plan_that_changed_says_what(filled: Desk) -> None:
    """Both values of each figure."""
    shown = plans.propose(filled, Ask("AAA"))
    with filled.warehouse.transaction() as tx:
        tx.execute("UPDATE bars_daily SET open = open + 0.5 WHERE session = ?", [SESSION])
    now = plans.propose(filled, Ask("AAA"))
    with pytest.raises(ValidationError) as error:
        plans.approve(filled, Ask("AAA"), "x", shown.fingerprint)
    for said in (
        f"entry {shown.plan.entry} → {now.plan.entry}",
        f"stop {shown.plan.stop} → {now.plan.stop}",
    ):
        assert said in error.value.message
    assert changes(shown.plan, shown.plan) == []
