"""Which filings a change reaches, told of small made-up companies."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from core.domain.quality.facts.affected import CHANGED, changes
from core.domain.quality.grading import grade
from core.domain.tables.frames import COMPANIES, FILINGS
from tests.alterations import Frames, check
from tests.unit.domain.quality.test_quality_odd_inputs import facts, listed, sheet

ENDS = [date(2018, 3, 31) + timedelta(days=91 * n) for n in range(6)]


def company(category: str = "", days: int = 30) -> Frames:
    """A company with six quarterly reports, filed some days after their period ends."""
    rows, forms = [], []
    for n, end in enumerate(ENDS):
        about = {"accession": f"0-{n}", "form": "10-Q", "filed": end + timedelta(days=days)}
        rows += sheet(5e9, **about, period_end=end)
        row = listed(f"0-{n}", about["filed"], "10-Q")
        forms.append(row.with_columns(report_date=pl.lit(end)))
    known = dict.fromkeys(COMPANIES.columns) | {"cik": 1, "category": category}
    companies = pl.DataFrame([known], schema=dict(COMPANIES.columns))
    return facts(*rows), pl.concat(forms), companies


def changed(*rows: tuple[str | None, date | None, date | None]) -> pl.DataFrame:
    """Filings of the company as they were: accession, filed, report date."""
    return pl.DataFrame([(1, *row) for row in rows], schema=CHANGED, orient="row")


def reached(frames: Frames, *rows: tuple[str | None, date | None, date | None]) -> set[str]:
    """The filings that are graded."""
    return set(grade(*frames, changed=changed(*rows)).scores["accession"])


def test_a_change_reaches_what_was_filed_since() -> None:
    """The filing itself and those on or after its day; none before."""
    assert reached(company(), ("0-4", None, None)) == {"0-4", "0-5"}
    assert reached(company()) == set()


def test_filings_of_one_day_reach_each_other() -> None:
    """Which of them comes first is not known."""
    frames = company()
    day = pl.lit(date(2019, 9, 1))
    both = [frame.with_columns(filed=day) for frame in frames[:2]]
    assert len(reached((*both, frames[2]), ("0-5", None, None))) == len(ENDS)


def test_a_filing_that_moved_reaches_what_came_after_it_before() -> None:
    """What it was part of the past of is graded without it."""
    was = ("0-5", ENDS[2], None)
    assert reached(company(), was) == {"0-2", "0-3", "0-4", "0-5"}


def test_a_filing_that_is_gone_reaches_what_came_after_it() -> None:
    """Where it is known when it was filed; else the whole company."""
    facts_, filings, companies = company()
    left = pl.col("accession") != "0-4"
    frames = (facts_.filter(left), filings.filter(left), companies)
    assert reached(frames, ("0-4", ENDS[4], ENDS[4])) == {"0-5"}
    assert len(reached(frames, ("0-4", None, None))) == len(ENDS) - 1


def test_a_company_without_anything_as_it_was_is_reached_whole() -> None:
    """As is one of which nothing is said but that it changed."""
    frames = company()
    assert len(reached(frames, *((f"0-{n}", ENDS[5], None) for n in range(6)))) == len(ENDS)
    assert len(reached(frames, (None, None, None))) == len(ENDS)


def test_other_companies_are_not_reached() -> None:
    """A change stays in its company."""
    ours = company()
    theirs = [frame.with_columns(cik=pl.lit(2, pl.Int64)) for frame in ours]
    both = [pl.concat(pair) for pair in zip(ours, theirs, strict=True)]
    scores = grade(*both, changed=changed(("0-3", None, None))).scores
    assert set(scores["cik"]) == {1}


@pytest.mark.parametrize(("form", "reach"), [("10-Q/A", {"0-1"}), ("NT 10-Q", {"0-1"})])
def test_an_amendment_or_a_notice_reaches_the_report_of_its_period(
    form: str, reach: set[str]
) -> None:
    """Though that was filed before it; and the one of the period that it was for before."""
    before = company()
    row = listed("0-new", date(2020, 5, 1), form).with_columns(report_date=pl.lit(ENDS[1]))
    after = (before[0], pl.concat([before[1], row]), before[2])
    assert reached(after, ("0-new", None, None)) == reach
    assert reached(after, ("0-new", None, ENDS[3])) == reach | {"0-3"}
    check(before, after, ["0-new"])
    check(after, before, ["0-new"])


def test_late_reports_hang_on_the_last_day() -> None:
    """A large filer's deadline holds for two years back, so late reports are judged every time."""
    before = company("Large accelerated filer", days=47)
    last = before[1]["filed"].min() + timedelta(days=730 + 1)
    row = listed("0-new", last, "8-K").with_columns(report_date=None)
    rows = facts(*sheet(5e9, accession="0-new", form="8-K", filed=last))
    after = (pl.concat([before[0], rows]), pl.concat([before[1], row]), before[2])
    told = [
        set(grade(*frames).findings.filter(pl.col("rule") == "Q45")["accession"])
        for frames in (before, after)
    ]
    assert told[0] - told[1] == {"0-0"}
    check(before, after, ["0-new"])
    check(after, before, ["0-new"])


def test_a_report_without_facts_is_judged_every_time() -> None:
    """A day later it counts as lost, whatever else happened."""
    before = company()
    lost = listed("0-lost", date(2020, 5, 1), "10-Q").with_columns(report_date=pl.lit(ENDS[5]))
    next_day = listed("0-new", date(2020, 5, 2), "8-K").with_columns(report_date=None)
    known = (before[0], pl.concat([before[1], lost]), before[2])
    after = (before[0], pl.concat([known[1], next_day]), before[2])
    assert "0-lost" not in set(grade(*known).scores["accession"])
    assert reached(after) == {"0-lost"}


def test_changes_are_told_from_marks() -> None:
    """Altered, gone and new filings with their days before; companies never marked as a whole."""
    columns = {**CHANGED, "mark": pl.String}
    day, other = date(2020, 1, 1), date(2020, 2, 2)
    before = pl.DataFrame(
        [(1, "same", day, day, "a"), (1, "moved", day, day, "b"), (1, "gone", day, None, "c")],
        schema=columns, orient="row",
    )  # fmt: skip
    now = pl.DataFrame(
        [(1, "same", day, day, "a"), (1, "moved", other, day, "B"), (1, "new", other, None, "d"),
         (2, "first", day, day, "e"), (2, "second", day, day, "f")],
        schema=columns, orient="row",
    )  # fmt: skip
    expected = [
        (1, "gone", day, None), (1, "moved", day, day), (1, "new", None, None),
        (2, None, None, None),
    ]  # fmt: skip
    assert changes(before, now).sort("cik", "accession").rows() == expected
    assert changes(now, now).is_empty()
    assert changes(FILINGS.empty().select(*CHANGED, mark=pl.lit("")), now).height == 2
