"""Quarters of the data sets: parts are no totals, earlier loads are mended, registrants kept."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from core.service.desk import Desk
from core.service.filings import quality
from core.service.filings.regrading import grade_all
from core.service.pulls.backfill import backfill
from core.store.fact_corrections import corrections
from core.store.facts import facts_as_known_on

SUB = [
    *("adsh", "cik", "name", "sic", "stprinc", "ein", "former", "changed", "afs", "wksi", "fye"),
    *("form", "period", "fy", "fp", "filed", "accepted", "prevrpt", "nciks", "aciks"),
]
NUM = ["adsh", "tag", "version", "ddate", "qtrs", "uom", "segments", "coreg", "value", "footnote"]
A1, A2 = "0000000001-25-000001", "0000000001-25-000002"
Row = dict[str, Any]


def submission(cik: int = 1, adsh: str = A1, **more: Any) -> Row:
    """One row of sub.txt."""
    said = {"adsh": adsh, "cik": cik, "name": f"COMPANY {cik}", "sic": "3711", "form": "10-K"}
    days = {"period": "20241231", "filed": "20250225", "accepted": "2025-02-25 16:30:00.0"}
    return said | days | {"fye": "1231", "fy": "2024", "fp": "FY"} | more


def number(tag: str, value: float, qtrs: int = 0, adsh: str = A1, **more: Any) -> Row:
    """One row of num.txt."""
    said = {"adsh": adsh, "tag": tag, "version": "us-gaap/2024", "ddate": "20241231"}
    return said | {"qtrs": qtrs, "uom": "USD", "value": value} | more


def table(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """A tab-separated table."""
    lines = [columns, *[[str(row.get(name, "")) for name in columns] for row in rows]]
    return "".join("\t".join(line) + "\n" for line in lines)


def quarter(
    path: Path, numbers: Sequence[Row], subs: Sequence[Row] = (), columns: Sequence[str] = NUM
) -> Path:
    """A zip file of a quarter."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sub.txt", table(SUB, subs or [submission()]))
        archive.writestr("num.txt", table(columns, numbers))
        archive.writestr("tag.txt", table(["tag", "version", "custom", "tlabel", "doc"], []))
    return path


# Parts stand before and after the total, with the text of real data sets.
NUMBERS = [
    number("Revenues", 600.0, 4, segments="BusinessSegments=Widgets;"),
    number("Revenues", 1000.0, 4),
    number("Revenues", 400.0, 4, segments="BusinessSegments=Gadgets;"),
    number("StockholdersEquity", -300.0, segments="EquityComponents=TreasuryStock;"),
    number("StockholdersEquity", 900.0),
    number("Assets", 70.0, segments="LegalEntity=Sub;", coreg="Sub"),
    number("Assets", 80.0, coreg="Sub"),
    number("Assets", 2000.0, segments=" "),
]
WITHOUT = [name for name in NUM if name != "segments"]


def said(desk: Desk) -> dict[str, list[float]]:
    """Values of every concept as stored."""
    found = facts_as_known_on(desk.warehouse).sort("concept", "value")
    return {name: rows["value"].to_list() for (name,), rows in found.group_by("concept")}


def load(desk: Desk, path: Path) -> Row:
    """Backfill a file; the record of its pull."""
    document: Row = backfill(desk, path=path).document["pulls"][0]
    return document


RIGHT = {"Revenues": [1000.0], "StockholdersEquity": [900.0], "Assets": [2000.0]}


def test_rows_of_parts_are_left_out_and_counted(desk: Desk, tmp_path: Path) -> None:
    """Only rows without segments and co-registrant are the company's."""
    document = load(desk, quarter(tmp_path / "q.zip", NUMBERS))
    assert said(desk) == RIGHT
    text = "5 rows are not the company's and left out: 3 of its segments and other parts, 2 of co-"
    assert text in document["message"]


def test_a_row_that_states_a_fact_again_is_no_second_fact(desk: Desk, tmp_path: Path) -> None:
    """The same value counts once and is told; another one is a contradiction that stays."""
    rows = [*NUMBERS, number("Revenues", 1000.0, 4), number("Assets", 2000.5)]
    document = load(desk, quarter(tmp_path / "q.zip", rows))
    assert said(desk) == RIGHT | {"Assets": [2000.0, 2000.5]}
    assert "; 1 rows state a fact again" in document["message"]
    assert document["rows_read"] == len(rows)


def test_a_quarter_that_was_loaded_with_parts_is_mended_by_loading_it_again(
    desk: Desk, tmp_path: Path
) -> None:
    """The parts go to the history as misread; no reading of any day shows them, and the letter
    of the next load changes nothing.
    """
    load(desk, quarter(tmp_path / "old.zip", NUMBERS, columns=WITHOUT))
    assert said(desk)["Revenues"] == [400.0, 600.0, 1000.0]
    again = quarter(tmp_path / "new.zip", NUMBERS)
    document = load(desk, again)
    assert said(desk) == RIGHT
    assert "3 parts that an earlier load took for totals are taken back" in document["message"]
    kept = desk.warehouse.read("SELECT value FROM facts_history WHERE reason = 'misread'")
    assert {600.0, 400.0, -300.0} <= set(kept["value"])
    for on in (date(2025, 3, 1), desk.now().date()):
        known = facts_as_known_on(desk.warehouse, on)
        assert sorted(known["value"]) == [900.0, 1000.0, 2000.0]
    assert load(desk, again)["state"] == "unchanged"
    assert said(desk) == RIGHT


def test_what_was_mended_is_told_and_what_still_stands_is_not(desk: Desk, tmp_path: Path) -> None:
    """Corrections name the parts as misread; a total that was numbered otherwise did not go."""
    load(desk, quarter(tmp_path / "old.zip", NUMBERS, columns=WITHOUT))
    load(desk, quarter(tmp_path / "new.zip", NUMBERS))
    told = corrections(desk.warehouse)
    assert set(told["old"]) == {600.0, 400.0, -300.0}
    assert set(told["reason"]) == {"misread"}
    assert set(told["changed"]) == {"removed"}


PLAIN = [number("Revenues", 1000.0, 4), number("Assets", 2000.0)]


@pytest.mark.parametrize(
    ("subs", "numbers", "changed", "remark"),
    [
        ({"filed": "20250226"}, PLAIN, "filed", "2 days or forms of filing"),
        ({"fy": "2025"}, PLAIN, "fiscal_year", "2 fiscal periods"),
        ({}, [PLAIN[0], number("Assets", 2000.5)], "value", "1 values"),
    ],
)
def test_a_quarter_that_is_published_again_corrects_its_copy(
    desk: Desk, tmp_path: Path, subs: Row, numbers: list[Row], changed: str, remark: str
) -> None:
    """What it says otherwise of the same filing is a correction with both sides, not a part taken
    back, and the answer of a day before stays what it was.
    """
    desk.now = lambda: datetime(2025, 3, 1, 12, tzinfo=UTC)
    load(desk, quarter(tmp_path / "old.zip", PLAIN))
    first = facts_as_known_on(desk.warehouse, date(2025, 3, 1)).sort("concept")
    desk.now = lambda: datetime(2025, 3, 8, 12, tzinfo=UTC)
    document = load(desk, quarter(tmp_path / "new.zip", numbers, [submission(**subs)]))
    assert "taken back" not in document["message"]
    assert f"corrected its copy of filings known here: {remark}" in document["message"]
    told = corrections(desk.warehouse)
    assert set(told["reason"]) == {"correction"}
    assert set(told["changed"]) == {changed}
    assert told["new"].null_count() == 0
    assert facts_as_known_on(desk.warehouse, date(2025, 3, 1)).sort("concept").equals(first)
    now = facts_as_known_on(desk.warehouse, date(2025, 3, 8))
    assert sorted(now["value"]) == sorted(row["value"] for row in numbers)
    assert now.drop("frame").null_count().sum_horizontal().item() == 1  # the start of a balance


def test_a_mended_total_may_be_told_otherwise_as_well(desk: Desk, tmp_path: Path) -> None:
    """Parts go and the total is corrected in one load: one version on each day."""
    load(desk, quarter(tmp_path / "old.zip", NUMBERS[:3], columns=WITHOUT))
    other = [NUMBERS[0], number("Revenues", 1001.0, 4), NUMBERS[2]]
    load(desk, quarter(tmp_path / "new.zip", other, [submission(fy="2025")]))
    assert said(desk) == {"Revenues": [1001.0]}
    told = {row["old"]: row for row in corrections(desk.warehouse).iter_rows(named=True)}
    assert {old: row["reason"] for old, row in told.items()} == {
        600.0: "misread", 400.0: "misread", 1000.0: "correction",
    }  # fmt: skip
    assert told[1000.0]["new"] == 1001.0
    assert facts_as_known_on(desk.warehouse, date(2025, 3, 1))["value"].to_list() == [1000.0]


def test_parts_under_a_filing_that_companyfacts_tells_as_well_are_taken_back(
    desk: Desk, tmp_path: Path
) -> None:
    """A wrong quarter first, then companyfacts, then the quarter again: the facts of companyfacts
    alone, and no part in any reading.
    """
    load(desk, quarter(tmp_path / "old.zip", NUMBERS, columns=WITHOUT))
    load(desk, companyfacts(tmp_path / "companyfacts.zip", 1, Assets=2000.0))
    load(desk, quarter(tmp_path / "new.zip", NUMBERS))
    assert said(desk) == RIGHT
    assert sorted(facts_as_known_on(desk.warehouse, date(2025, 3, 1))["value"]) == [
        900.0,
        1000.0,
        2000.0,
    ]


def companyfacts(path: Path, cik: int, adsh: str = A1, **balances: float) -> Path:
    """A bulk file with one company's balances of 2024."""
    base = {"end": "2024-12-31", "accn": adsh, "fy": 2024, "fp": "FY", "form": "10-K"}
    concepts = {
        name: {"label": name, "units": {"USD": [base | {"val": value, "filed": "2025-02-25"}]}}
        for name, value in balances.items()
    }
    answer = {"cik": cik, "entityName": f"COMPANY {cik}", "facts": {"us-gaap": concepts}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"CIK{cik:010}.json", json.dumps(answer))
    return path


@pytest.mark.parametrize("first", ["companyfacts", "quarter"])
def test_registrants_that_share_an_accession_keep_their_facts(
    desk: Desk, tmp_path: Path, first: str
) -> None:
    """Whichever comes first: a subsidiary's facts by companyfacts, the parent's by the quarter."""
    rows = [number("Assets", 9000.0), number("Assets", 3000.0, coreg="Sub")]
    rows += [number("Liabilities", 6000.0), number("Liabilities", 2000.0, coreg="Sub")]
    files = [
        companyfacts(tmp_path / "companyfacts.zip", 2, Assets=3000.0, Liabilities=2000.0),
        quarter(tmp_path / "q.zip", rows, [submission(nciks=2, aciks=2)]),
    ]
    for path in files if first == "companyfacts" else reversed(files):
        load(desk, path)
    found = facts_as_known_on(desk.warehouse).sort("cik", "value")
    assert found.select("cik", "value").rows() == [(1, 6e3), (1, 9e3), (2, 2e3), (2, 3e3)]


def test_an_answer_takes_no_facts_of_another_registrant_of_the_accession(
    desk: Desk, tmp_path: Path
) -> None:
    """What companyfacts says of a subsidiary's filing does not remove its parent's facts, though
    the parent's own answer, in the same file, does not have that filing.
    """
    load(desk, quarter(tmp_path / "q.zip", [number("Assets", 9000.0)]))
    load(desk, companyfacts(tmp_path / "a.zip", 1, A2, Assets=1.0))
    parent = companyfacts(tmp_path / "b.zip", 1, A2, Assets=1.5)
    with zipfile.ZipFile(companyfacts(tmp_path / "c.zip", 2, Assets=3000.0)) as one:
        body = one.read("CIK0000000002.json")
    with zipfile.ZipFile(parent, "a") as archive:
        archive.writestr("CIK0000000002.json", body)
    load(desk, parent)
    found = facts_as_known_on(desk.warehouse).sort("cik", "value")
    assert found.select("cik", "value").rows() == [(1, 1.5), (1, 9e3), (2, 3e3)]


def test_columns_that_the_reader_does_not_know_are_told(desk: Desk, tmp_path: Path) -> None:
    """As drift of the data set, and in the remark; those in another order or spelling are known."""
    columns = ["value", *[name for name in NUM if name != "value"], "dimh"]
    columns[1:3] = ["ADSH", " Tag"]
    rows = [{**row, "ADSH": row["adsh"], " Tag": row["tag"], "dimh": "0x1"} for row in NUMBERS]
    document = load(desk, quarter(tmp_path / "q.zip", rows, columns=columns))
    assert said(desk) == RIGHT
    assert "columns that are not known and not read: num.txt: dimh" in document["message"]
    changes = desk.warehouse.read("SELECT dataset, column_name, change FROM schema_changes")
    assert changes.rows() == [("backfill.fsds", "num.txt: dimh", "unknown")]


# The cases and captures beside the checkout.


def test_case_of_segments(desk: Desk, cases: Path) -> None:
    """One fact each, the totals, grade A."""
    load(desk, cases / "fsds-segments" / "2025q1.zip")
    known = facts_as_known_on(desk.warehouse).filter(period_end=date(2024, 12, 31))
    for concept, value in {"Revenues": 1e9, "StockholdersEquity": 9e8, "Assets": 2e9}.items():
        assert known.filter(concept=concept)["value"].to_list() == [value]
    grade_all(desk)
    assert quality.grades(desk)["grade"].to_list() == ["A"]


def test_case_of_a_shared_accession(desk: Desk, cases: Path) -> None:
    """Both companies keep their two facts."""
    for name in ("submissions", "companyfacts", "2025q1"):
        load(desk, cases / "fsds-shared-accession" / f"{name}.zip")
    found = facts_as_known_on(desk.warehouse).sort("cik", "concept")
    assert found.select("cik", "value").rows() == [
        (9100011, 9e9), (9100011, 6e9), (9100012, 3e9), (9100012, 2e9),
    ]  # fmt: skip


ODD_QUARTERS = ("-1", "-4", "", "x", "1.5", "401", "999999", "715827883", "2147483647", "9" * 12)
ODD_DAYS = ("00010101", "99991231", "20241301", "0", "-20241231", "")


@pytest.mark.parametrize(
    ("column", "cell"), [*(("qtrs", q) for q in ODD_QUARTERS), *(("ddate", d) for d in ODD_DAYS)]
)
def test_a_row_of_an_impossible_period_is_refused(
    desk: Desk, tmp_path: Path, column: str, cell: str
) -> None:
    """With its reason, and the rows beside it are kept: one cell does not cost the quarter."""
    rows = [number("Revenues", 1000.0, 4), number("Assets", 2000.0, 4) | {column: cell}]
    document = load(desk, quarter(tmp_path / "q.zip", [*rows, number("StockholdersEquity", 9.0)]))
    assert said(desk) == {"Revenues": [1000.0], "StockholdersEquity": [9.0]}
    assert (document["rows_read"], document["rows_rejected"]) == (3, 1)
    reason = desk.warehouse.read("SELECT reason FROM rejected_rows").item()
    assert column in reason
