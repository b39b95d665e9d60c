"""Whose filing is it: a company's own, one about it, or one that it filed about another."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from core.domain.filings.forms import as_owner
from core.domain.gaps.catalysts import find_catalysts
from core.domain.tables.frames import FILINGS
from core.service.desk import Desk
from core.service.filings import companies
from core.service.gaps.evidence import all_catalysts
from core.service.pulls.backfill import backfill


def _filings(*rows: tuple[str, str | None], items: str = "", n: int = 1) -> pl.DataFrame:
    made = [
        {
            "cik": 1,
            "accession": f"0000000001-17-{number:06d}",
            "form": form,
            "filed": date(2017, 8, 1),
            "accepted_at": datetime(2017, 8, 1, 21, 0, tzinfo=UTC),
            "items": items,
            "file_number": file_number,
        }
        for number, (form, file_number) in enumerate(rows * n)
    ]
    return pl.DataFrame(made, schema=FILINGS.columns)


@pytest.mark.parametrize(
    ("form", "number", "owner"),
    [
        ("SC 13D", "", True),
        ("SC 13D", "005-41290", False),
        ("SC 13D/A", "", True),
        ("SCHEDULE 13D/A", "005-41290", False),
        ("SCHEDULE 13G", "", True),
        ("SC 13G/A", "005-1", False),
        ("13F-HR", "028-00694", True),
        ("4", "001-02217", True),
        ("4", "", False),
        ("3/A", "000-1", True),
        ("5", "", False),
        ("144", "001-36743", False),
        ("144", "", True),
        ("SC TO-T", "", False),  # bidder and target both
        ("SC TO-T", "005-1", False),
        ("SC 14D9", "005-1", False),
        ("SC 14D9", "", True),
        ("8-K", "", False),
        ("10-Q", "001-1", False),
        ("424B5", "", False),
        ("SC 13D", None, False),  # read by an index: not known, as before
        ("4", None, False),
    ],
)
def test_forms_tell_whose_they_are(form: str, number: str | None, owner: bool) -> None:
    """By the file number that the SEC gives them."""
    assert _filings((form, number)).select(as_owner()).item() is owner


def test_only_what_is_about_the_company_explains() -> None:
    """Stakes in others and own reports as an owner are nothing; bids count on both sides."""
    own = _filings(("SC 13D", ""), ("SC 13D/A", ""), ("13F-HR", "028-1"))
    assert find_catalysts(own).is_empty()
    about = find_catalysts(_filings(("SC 13D", "005-1"), ("SC TO-T", ""), ("SC 14D9", "005-1")))
    assert about["title"].to_list() == [
        "Tender offer",
        "Answer to a tender offer",
        "Holder above 5 % with intent",
    ]
    assert find_catalysts(_filings(("4", "001-02217"), n=3)).is_empty()
    assert find_catalysts(_filings(("4", ""), n=3)).height == 1


@pytest.mark.parametrize(
    ("items", "title", "weight", "structural"),
    [
        ("12", "Results of operations", 100, False),
        ("12,7", "Results of operations", 100, False),
        ("7,9", "Regulation FD disclosure", 50, False),
        ("5", "Other events", 50, False),
        ("2,7", "Acquisition or disposal completed", 80, True),
        ("3", "Bankruptcy or receivership", 95, False),
        ("4,7", "Auditor changed", 65, False),
        ("6", "Directors or officers changed", 55, False),
        ("1", "Change of control", 75, False),
        ("8", "Articles or fiscal year changed", 30, True),
        ("7", "Current report", 30, False),
        ("2.02,9.01", "Results of operations", 100, False),
    ],
)
def test_items_of_before_august_2004(
    items: str, title: str, weight: float, structural: bool
) -> None:
    """Bare numbers mean what they meant."""
    row = find_catalysts(_filings(("8-K", "001-1"), items=items)).row(0, named=True)
    assert (row["title"], row["weight"], row["structural"]) == (title, weight, structural)


@pytest.mark.parametrize(
    ("form", "title"),
    [
        ("40-F", "Annual report (Canadian issuer)"),
        ("10-KT", "Annual report of a transition period"),
        ("10-KT/A", "Annual report of a transition period"),
        ("10-K405", "Annual report"),
        ("10-S", "Registration of a class of shares"),
    ],
)
def test_forms_that_are_known(form: str, title: str) -> None:
    """They are named, and count."""
    assert find_catalysts(_filings((form, "001-1")))["title"].to_list() == [title]


def test_pages_say_whose_a_filing_is_and_when(desk: Desk) -> None:
    """In words; and a clock of New York labelled UTC is shown as it was."""
    own = _filings(("SC 13D", ""), ("4", "001-1"), ("8-K", "001-1"), ("13F-HR", "028-1"))
    odd = _filings(("8-K", "001-1"), n=3).with_columns(
        accession=pl.format("odd-{}", pl.int_range(3)),
        accepted_at=pl.datetime(2017, 8, 1, 9, 30, time_zone="UTC"),
        items=pl.lit("2.02"),
    )
    with desk.warehouse.transaction() as tx:
        tx.insert("filings", pl.concat([own, odd]).with_columns(pull_id=pl.lit("p")))
    found = companies.filings(desk, 1)
    titles = dict(found.select("form", "title").unique().filter(pl.col("form") != "8-K").rows())
    other = "About another company, filed as its holder or bidder"
    assert titles == {"SC 13D": other, "4": other, "13F-HR": None}
    moved = found.filter(pl.col("accession").str.starts_with("odd"))["accepted_at"].dt.hour()
    assert moved.to_list() == [13] * 3


def test_a_company_that_files_about_others(desk: Desk, cases: Path) -> None:
    """Coca-Cola's stakes in others are no catalysts of its own."""
    backfill(desk, path=cases / "owner-13d" / "submissions.zip")
    stored = desk.warehouse.read("SELECT form FROM filings WHERE file_number = ''")["form"]
    assert stored.str.contains("13D").sum() >= 27
    found = all_catalysts(desk)
    assert not found["form"].str.contains("13D").any()
